"""What commands share: tables of text, and an option. It imports no library: it runs anywhere."""

import argparse
import os
import re
import textwrap


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


def restructured(title, header, rows):
    """A table in reStructuredText, whose cells are taken literally; the header may be None."""
    rows = [[escaped(cell) for cell in row] for row in rows]
    lines = aligned([escaped(cell) for cell in header or [""] * len(rows[0])], rows)
    table = textwrap.indent("\n".join(lines if header else lines[2:]), "   ")
    return ".. table:: {}\n\n{}\n".format(escaped(title), table)


def escaped(text):
    """Text that reStructuredText takes literally."""
    text = re.sub(r"([\\*`|])", r"\\\1", text)
    text = re.sub(r"_(?!\w)", r"\\_", text)
    return "\\" + text if re.match(r"[-+](\s|$)", text) else text


def paragraph(text):
    return textwrap.fill(text, width=98) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print("written to {}".format(os.path.relpath(path)))


def positive(text):
    """A positive integer, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1, got {!r}".format(text))
    return int(text)
