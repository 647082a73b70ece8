"""Makes the tables of limits and slopes in numerics.rst, from what the tests hold to be true.

The build of the documentation runs it; by itself it prints the tables: python docs/edges.py.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "_tables", "edges.rst")
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "tests")]

from activations import ELEMENTWISE, INF, ROWS  # noqa: E402

VALUE, SLOPE = 0, 1  # the orders of the derivatives


def elementwise():
    """The values and slopes of each elementwise activation at the ends, at 0 and at its kinks."""
    columns = (
        "activation", "value at -inf", "value at inf",
        "slope at -inf", "slope at 0", "slope at inf", "kink: slope",
    )  # fmt: skip
    rows = []
    for case in ELEMENTWISE:
        edges = [(VALUE, -INF), (VALUE, INF), (SLOPE, -INF), (SLOPE, 0.0), (SLOPE, INF)]
        kinks = ["{}: {}".format(number(at), truth(case, SLOPE, at)) for at in case.kinks]
        rows.append([link(case.name), *(truth(case, *edge) for edge in edges), ", ".join(kinks)])
    return table(columns, rows, widths=(26, 11, 11, 11, 11, 11, 19))


def of_rows():
    """What becomes of infinite entries of the rows that the others normalise."""
    columns = ("activation", "masked entry", "its value", "a row is NaN that has")
    rows = [
        [
            link(case.name),
            number(case.masked),
            number(case.becomes),
            "{}, NaN, or {} throughout".format(number(-case.masked), number(case.masked)),
        ]
        for case in ROWS
    ]
    return table(columns, rows, widths=(26, 18, 18, 38))


def truth(case, order, x):
    return number(case.truth(order, x, "float64"))


def number(value):
    return "{:.4g}".format(round(float(value), 9) + 0.0)  # 0, not -0 nor 1e-51


def link(name):
    """A name such as ELU(0.5), as a link to what it is an instance of."""
    return ":py:obj:`{} <{}>`".format(name, name.partition("(")[0])


def table(columns, rows, widths):
    lines = [".. list-table::", "   :header-rows: 1"]
    lines += ["   :widths: {}".format(" ".join(map(str, widths))), ""]
    for row in [columns, *rows]:
        for i, cell in enumerate(row):
            lines.append("   {} - {}".format(" " if i else "*", cell).rstrip())
    return "\n".join(lines) + "\n"


def write():
    """Write both tables to where numerics.rst includes them, and return them."""
    text = elementwise() + "\n.. rows\n\n" + of_rows()
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(text)
    return text


if __name__ == "__main__":
    print(write())
