"""The largest error of every elementwise activation, of its expression, of stock Theano's: `make
accuracy`; and of gradients, of parameterised activations, of functions such as exp.

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

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from accuracy import sweep  # noqa: E402
from accuracy.references import TABLES  # noqa: E402
from benchmarks.aligned import paragraph, positive, restructured, write  # noqa: E402
from helpers import DTYPES, ROOT, backend, simd_is_active  # noqa: E402
from tqdm import tqdm  # noqa: E402

MOST_ULPS = {"float32": 1.0, "float64": 1.5}
MOST_ULPS_OF_FUNCTION = {"float32": 1.0, "float64": 2.0}
MOST_ULPS_OF_SUBNORMAL = 1.0
MOST_ULPS_OF_GRADIENT = {"float32": 2.0, "float64": 2.5}  # next to 0, that of mish cancels
# Of what is no kernel as a whole, but several steps.
MOST_ULPS_OF_STEPS = 4.0
# The measurement itself: how far it may be from what mpmath finds.
MOST_ULPS_OF_REFERENCE = {"float32": 0.001, "float64": 0.01}
POINTS_PER_TASK = {"float32": 2**22, "float64": 2**18}
HEADER = ["name", "largest", "at", "in hexadecimal", "subnormal"]
HEADER += [text for one in list(sweep.CONTESTANTS)[1:] for text in (one, "at")]


class Row:
    """A line of a table: what is swept, and what was found."""

    def __init__(self, table, name, dtype, options):
        self.table, self.key, self.dtype, self.stride = table, name, dtype, options.stride
        self.case = TABLES[table][name]
        self.name = self.case.name
        self.points = sweep.number_of_points(self.case, dtype, options.stride, options.points)
        self.found = {contestant: sweep.Errors() for contestant in sweep.CONTESTANTS}
        self.ours = self.found["ours"]
        self.off = 0.0

    def tasks(self):
        """The sweep of the row, split into tasks of about equal duration."""
        step = POINTS_PER_TASK[self.dtype]
        for first in range(0, self.points, step):
            count = min(step, self.points - first)
            yield self.table, self.key, self.dtype, first, count, self.stride

    def cells(self):
        worst = self.ours.normal
        cells = [self.name, _ulps(worst), *_point(worst), _ulps(self.ours.subnormal)]
        for other in list(self.found.values())[1:]:
            cells += [_ulps(other.normal), _point(other.normal)[0]]
        return cells

    def complaints(self):
        """What is worse than it may be, as sentences."""
        here = "{} in {}: ".format(self.name, self.dtype)
        if self.case.least:
            most = MOST_ULPS_OF_GRADIENT[self.dtype]
            most_of_subnormal = most
        elif sweep.is_one_kernel(self.case, self.dtype):
            limits = MOST_ULPS_OF_FUNCTION if self.table == "functions" else MOST_ULPS
            most, most_of_subnormal = limits[self.dtype], MOST_ULPS_OF_SUBNORMAL
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


def run(numbered_task):
    """Do a task: the number of its row, and what was found."""
    number, (table, name, *rest) = numbered_task
    return number, sweep.sweep(TABLES[table][name], *rest, sweep.CONTESTANTS)


def measure(rows, processes):
    tasks = [(number, task) for number, row in enumerate(rows) for task in row.tasks()]
    with contextlib.ExitStack() as stack:
        if processes == 1:
            results = map(run, tasks)
        else:
            pool = stack.enter_context(multiprocessing.Pool(processes))
            results = pool.imap_unordered(run, tasks)
        total = sum(row.points for row in rows)
        bar = stack.enter_context(tqdm(total=total, unit=" inputs", unit_scale=True))
        for number, found in results:
            bar.set_postfix_str("{}, {}".format(rows[number].name, rows[number].dtype))
            for errors, more in zip(rows[number].found.values(), found):
                errors.merge(more)
            bar.update(found[0].points)
    for row in tqdm(rows, desc="against mpmath", leave=False):
        row.off = sweep.check(row.case, row.dtype, row.ours)


def report(rows):
    parts = []
    for dtype in dict.fromkeys(row.dtype for row in rows):
        of_dtype = [row for row in rows if row.dtype == dtype]
        # An empty cell in the first column would continue the row above; no name is empty.
        cells = [row.cells() for row in of_dtype]
        title = "Largest errors in {}, in ULP".format(dtype)
        parts += [restructured(title, HEADER, cells), paragraph(explanation(of_dtype))]
    return "\n".join(parts)


def explanation(rows):
    dtype, stride = rows[0].dtype, rows[0].stride
    by_mpmath = [row for row in rows if sweep.needs_mpmath(row.case, dtype)]
    others = [row for row in rows if row not in by_mpmath]
    at = {"float32": "all {:,} inputs", "float64": "{:,} points of all magnitudes"}[dtype]
    if dtype == "float32" and stride > 1:
        at = "{:,} inputs, every bit pattern number " + str(stride)
    kernels = "vectorised kernels on" if simd_is_active() else "no vectorised kernels"
    sentences = ["{} {}, {}".format(backend.name, backend.library.__version__, kernels)]
    if others:
        where, most = at.format(others[0].points), MOST_ULPS_OF_REFERENCE[dtype]
        wider = {"float32": "float64", "float64": "long double"}[dtype]
        text = "at {}, against {} formulas, which mpmath confirms to {} ULP"
        sentences.append(text.format(where, wider, most))
    if by_mpmath:
        names = ", ".join(row.name for row in by_mpmath) + " " if others else ""
        sentences.append("{}at {}, against mpmath".format(names, at.format(by_mpmath[0].points)))
    return (
        "{}. *subnormal* is the largest error where the exact result is smaller than the smallest "
        "normal number, *expression* the largest error without the kernels, *stock* that without "
        "any rewrite of lasagne_nl; both at one in {} of these points."
    ).format("; ".join(sentences), sweep.SHARE_OF_OTHERS)


def main():
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
    options = parser.parse_args()
    if all(getattr(options, table) is None for table in TABLES):
        options.activations = []
    rows = [
        Row(table, name, dtype, options)
        for dtype in options.dtypes
        for table in TABLES
        if getattr(options, table) is not None
        for name in getattr(options, table) or TABLES[table]
    ]
    measure(rows, options.processes)
    text = report(rows)
    print(text)
    write(options.output, text)
    complaints = [complaint for row in rows for complaint in row.complaints()]
    for complaint in complaints:
        print("too large: " + complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
