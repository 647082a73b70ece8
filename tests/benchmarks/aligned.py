"""Tables of text, for everything that prints one; it imports nothing, so it runs anywhere."""


def aligned(header, rows):
    """The lines of a table of text; they are also a simple table of reStructuredText.

    A row may end early: its last cell then runs over the columns that it has not.
    """
    lines = [header] + rows
    within = [line if len(line) == len(header) else line[:-1] for line in lines]
    widths = [max(len(line[i]) for line in within if i < len(line)) for i in range(len(header))]
    border = "  ".join("=" * width for width in widths)

    def line(cells):
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()

    return [border, line(header), border] + [line(row) for row in rows] + [border]
