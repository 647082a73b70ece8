"""What commands share: tables of text, and an option. It imports no library: it runs anywhere."""

import argparse
import os
import re
import textwrap


def restructured(title, header, rows):
    """A table in reStructuredText, whose cells are taken literally; the header may be None."""
    lines = [[escaped(cell) for cell in line] for line in [header or rows[0], *rows]]
    widths = [max(map(len, column)) for column in zip(*lines)]
    border = ["=" * width for width in widths]
    above = [border, lines[0]] if header else []
    lines = [*above, border, *lines[1:], border]
    texts = ["  ".join(c.ljust(n) for c, n in zip(line, widths)).rstrip() for line in lines]
    return ".. table:: {}\n\n{}\n".format(escaped(title), textwrap.indent("\n".join(texts), "   "))


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
