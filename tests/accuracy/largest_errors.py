"""The largest error of every elementwise activation, beside stock Theano's: `make accuracy`.

float32 is swept over all 2^32 inputs, float64 over random points, dense where kernels may go wrong;
each function is compiled as users compile it, in FAST_RUN. Errors are in units in the last place
(ULP) at the exact result. Prints a table for each dtype and writes it as reStructuredText. The exit
status is 1 if an error is larger than it may be.
"""

import argparse
import contextlib
import multiprocessing
import os
import sys
import textwrap

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from accuracy.references import TABLES  # noqa: E402
from accuracy.sweep import check, needs_mpmath, number_of_points, sweep  # noqa: E402
from benchmarks.aligned import aligned  # noqa: E402
from helpers import DTYPES, ROOT, backend, simd_is_active, with_theano  # noqa: E402
from tqdm import tqdm  # noqa: E402

MOST_ULPS = {"float32": 1.0, "float64": 2.0}
MOST_ULPS_OF_SUBNORMAL = 1.0
# Of what is no kernel as a whole, but several steps.
MOST_ULPS_OF_STEPS = 4.0
# The measurement itself: how far it may be from what mpmath finds.
MOST_ULPS_OF_REFERENCE = {"float32": 0.001, "float64": 0.01}
POINTS_PER_TASK = {"float32": 2**22, "float64": 2**18}
HEADER = ("name", "largest", "at", "in hexadecimal", "subnormal", "stock", "at")


class Row:
    """A line of a table: what is swept, and what was found."""

    def __init__(self, table, name, dtype):
        self.table, self.name, self.dtype = table, name, dtype
        self.ours = self.stock = None
        self.off = 0.0

    @property
    def case(self):
        """The activation or function."""
        return TABLES[self.table][self.name]

    def add(self, found):
        """Take what a task has found into account."""
        if self.ours is None:
            self.ours, self.stock = found[0], found[1] if len(found) > 1 else None
        else:
            self.ours.merge(found[0])
            if self.stock is not None:
                self.stock.merge(found[1])

    def cells(self):
        """What the table shows."""
        worst = self.ours.normal
        cells = [self.name, _ulps(worst), *_point(worst), _ulps(self.ours.subnormal)]
        if self.stock is None:
            return cells + ["", ""]
        return cells + [_ulps(self.stock.normal), _point(self.stock.normal)[0]]

    def complaints(self):
        """What is worse than it may be, as sentences."""
        here = "{} in {}: ".format(self.name, self.dtype)
        if self.case.is_a_kernel:
            most, most_of_subnormal = MOST_ULPS[self.dtype], MOST_ULPS_OF_SUBNORMAL
        else:
            most = most_of_subnormal = MOST_ULPS_OF_STEPS + self.case.most_allowed(self.dtype)
        if not self.ours.normal.error <= most:
            yield here + str(self.ours.normal)
        if not self.ours.subnormal.error <= most_of_subnormal:
            yield here + str(self.ours.subnormal)
        if not self.off <= MOST_ULPS_OF_REFERENCE[self.dtype]:
            yield here + "the reference is off by {:.2g} ULP".format(self.off)


def _ulps(extreme):
    return "{:.3f}".format(extreme.error)


def _point(extreme):
    if extreme.x is None:
        return "", ""
    mantissa, exponent = float(extreme.x).hex().split("p") if extreme.x else ("0x0.0", "+0")
    return str(extreme.x), "{}p{}".format(mantissa.rstrip("0"), exponent)


def tasks_of(row, number, options):
    """Split the sweep of a row into tasks of about equal duration."""
    total = _points(row, options)
    step = POINTS_PER_TASK[row.dtype]
    for first in range(0, total, step):
        yield (
            number,
            row.table,
            row.name,
            row.dtype,
            first,
            min(step, total - first),
            options.stride,
        )


def run(task):
    """Do a task: the number of its row, and what was found."""
    number, table, name, dtype, first, count, stride = task
    return number, sweep(TABLES[table][name], dtype, first, count, stride, with_theano)


def measure(rows, options):
    """Fill in the rows."""
    tasks = [task for number, row in enumerate(rows) for task in tasks_of(row, number, options)]
    total = sum(task[5] for task in tasks)
    with contextlib.ExitStack() as stack:
        if options.processes == 1:
            results = map(run, tasks)
        else:
            pool = stack.enter_context(multiprocessing.Pool(options.processes))
            results = pool.imap_unordered(run, tasks)
        bar = stack.enter_context(tqdm(total=total, unit=" inputs", unit_scale=True))
        for number, found in results:
            bar.set_postfix_str("{}, {}".format(rows[number].name, rows[number].dtype))
            rows[number].add(found)
            bar.update(found[0].points)
    for row in tqdm(rows, desc="against mpmath", leave=False):
        row.off = check(row.case, row.dtype, row.ours)


def report(rows, options):
    """The tables, as reStructuredText."""
    parts = []
    for dtype in options.dtypes:
        of_dtype = [row for row in rows if row.dtype == dtype]
        # An empty cell in the first column would continue the row above; no name is empty.
        table = "\n".join(aligned(HEADER, [row.cells() for row in of_dtype]))
        title = ".. table:: Largest errors in {}, in ULP".format(dtype)
        parts += [title, "", textwrap.indent(table, "   "), "", explanation(of_dtype, options), ""]
    return "\n".join(parts)


def explanation(rows, options):
    """What a table was measured with."""
    dtype = rows[0].dtype
    by_mpmath = [row for row in rows if needs_mpmath(row.case, dtype)]
    others = [row for row in rows if row not in by_mpmath]
    sentences = []
    if others:
        points = "{:,}".format(_points(others[0], options))
        if dtype == "float32" and options.stride == 1:
            at = "all {} inputs".format(points)
        elif dtype == "float32":
            at = "{} inputs, every bit pattern number {}".format(points, options.stride)
        else:
            at = "{} points of all magnitudes".format(points)
        sentences.append(
            "at {}, against {} formulas, which mpmath confirms to {} ULP".format(
                at,
                "float64" if dtype == "float32" else "long double",
                MOST_ULPS_OF_REFERENCE[dtype],
            )
        )
    if by_mpmath:
        names = "" if not others else ", ".join(row.name for row in by_mpmath) + " "
        at = "{:,} points of all magnitudes".format(_points(by_mpmath[0], options))
        sentences.append("{}at {}, against mpmath".format(names, at))
    library = "{} {}, {}".format(
        backend.name,
        backend.library.__version__,
        "vectorised kernels on" if simd_is_active() else "no vectorised kernels",
    )
    return textwrap.fill(
        "{}; {}. *subnormal* is the largest error where the exact result is smaller "
        "than the smallest normal number, *stock* the largest error without the rewrites of "
        "lasagne_nl.".format(library, "; ".join(sentences)),
        width=98,
    )


def _points(row, options):
    return number_of_points(row.case, row.dtype, options.stride, options.points)


def arguments(argv=None):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for table in TABLES:
        parser.add_argument(
            "--" + table, nargs="*", choices=list(TABLES[table]), metavar="NAME", default=None,
            help="sweep these {0}; without a NAME all {0}: {1}".format(
                table, ", ".join(TABLES[table])),
        )  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--stride", type=positive, default=1, metavar="N",
                        help="take every N-th bit pattern of float32")  # fmt: skip
    parser.add_argument("--points", type=positive, default=10**7, metavar="N",
                        help="take N points of float64, by default 10 million")  # fmt: skip
    parser.add_argument("--processes", type=positive, default=1, metavar="N")
    parser.add_argument("--output", default=os.path.join(ROOT, "docs", "_tables", "accuracy.rst"),
                        metavar="FILE", help="where to write the tables")  # fmt: skip
    options = parser.parse_args(argv)
    if options.activations is None and options.functions is None:
        options.activations = []
    return options


def positive(text):
    """A positive integer."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main():
    options = arguments()
    rows = []
    for dtype in options.dtypes:
        for table in TABLES:
            names = getattr(options, table)
            if names is not None:
                rows += [Row(table, name, dtype) for name in names or TABLES[table]]
    measure(rows, options)
    text = report(rows, options)
    print(text)
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(text)
    print("written to {}".format(os.path.relpath(options.output)))
    complaints = [complaint for row in rows for complaint in row.complaints()]
    for complaint in complaints:
        print("too large: " + complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
