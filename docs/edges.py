"""Makes the tables of limits and slopes in numerics.rst, from what the tests hold to be true.

The build of the documentation runs it.
"""

import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "tests")]

from activations import ELEMENTWISE, INF, ROWS  # noqa: E402

VALUE, SLOPE = 0, 1  # the orders of the derivatives


def elementwise():
    """The values and slopes of each elementwise activation at the ends, at 0 and at its kinks."""
    edges = [(VALUE, -INF), (VALUE, INF), (SLOPE, -INF), (SLOPE, 0.0), (SLOPE, INF)]
    for case in ELEMENTWISE:
        kinks = ["{}: {}".format(number(at), truth(case, SLOPE, at)) for at in case.kinks]
        yield [link(case.name), *(truth(case, *edge) for edge in edges), ", ".join(kinks)]


def of_rows():
    """What becomes of infinite entries of the rows that the others normalise."""
    for case in ROWS:
        masked, opposite = number(case.masked), number(-case.masked)
        nan = "{}, NaN, or {} throughout".format(opposite, masked)
        yield [link(case.name), masked, number(case.becomes), nan]


def truth(case, order, x):
    return number(case.truth(order, x, "float64"))


def number(value):
    return "{:.4g}".format(round(float(value), 9) + 0.0)  # 0, not -0 nor 1e-51


def link(name):
    """A name such as ELU(0.5), as a link to what it is an instance of."""
    return ":py:obj:`{} <{}>`".format(name, name.partition("(")[0])


def write(folder):
    """Write the tables that numerics.rst includes."""
    os.makedirs(folder, exist_ok=True)
    for name, rows in (("edges", elementwise()), ("edges_of_rows", of_rows())):
        path = os.path.join(folder, name + ".csv")
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
