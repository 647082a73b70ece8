"""Every activation and its gradient in lasagne_nl, PyTorch and JAX, beside what is exact: `make
peers`.

Each library evaluates them at the same points, in float32 and float64, PyTorch and JAX in processes
and environments of their own; ours are compiled as users compile them, in FAST_RUN. Prints by how
much each is off, by mpmath, and the slopes at kinks; writes that as reStructuredText, too. The exit
status is 1 if ours is off by more than rounding.
"""

import argparse
import contextlib
import os
import sys
from collections import namedtuple

import mpmath
import numpy as np
from mpmath import mpf

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from activations import BY_NAME, ELEMENTWISE, INF, ROWS, ROWS_BY_NAME  # noqa: E402
from benchmarks import libraries  # noqa: E402
from benchmarks.aligned import paragraph, restructured, write  # noqa: E402
from benchmarks.libraries import Worker, WorkerError  # noqa: E402
from helpers import DTYPES, ROOT, backend, evaluate, library, tensor  # noqa: E402
from tqdm import tqdm  # noqa: E402

from lasagne_nl import nonlinearities as nl  # noqa: E402

PEERS = {peer: libraries.LIBRARIES[peer].label for peer in libraries.PEERS}
LIBRARIES = {"ours": "lasagne_nl", **PEERS}
WHAT = ("value", "gradient")
NAMES = [case.name for case in ELEMENTWISE + ROWS] + ["glu"]
MOST = 16  # eps; what a good program may be off by

# An entry of a result: the input it belongs to, what is exact, what its error is relative to, and
# by how many eps more it may be off because the formula amplifies a rounding.
Entry = namedtuple("Entry", "x exact unit amplified")


class Subject:
    """An activation in a dtype, at points `x`, one a row, in `sets` that have names."""

    def __init__(self, name, dtype):
        self.name, self.dtype = name, dtype
        self.case = BY_NAME.get(name) or ROWS_BY_NAME.get(name)
        if name in BY_NAME:
            sets, self._entries = sets_of_elements(self.case, dtype), self._of_elements
        elif self.case:
            sets, self._entries = sets_of_rows(self.case.masked), self._of_rows
        else:  # the gated linear unit, which is not in the table of the tests' activations
            sets, self._entries = sets_of_rows(None), self._of_gates
        self.x = np.concatenate(list(sets.values())).astype(dtype)
        self.g = np.ones(self.x.shape, dtype)
        if self.x.ndim > 1:
            shape = len(self.x), self.x.shape[1] // (1 if self.case else 2)
            self.g = np.random.RandomState(2).uniform(-1, 1, shape).astype(dtype)
        self._sets = [name for name, points in sets.items() for _ in points]

    def entries(self, what):
        """(set, Entry) of each entry of the value or the gradient."""
        entries = list(self._entries(what))
        return list(zip(np.repeat(self._sets, len(entries) // len(self.x)), entries))

    def _of_elements(self, what):
        order, amplified = WHAT.index(what), self.case.allowed(self.x, self.dtype)
        for x, allowed in zip(self.x, amplified):
            exact = self.case.truth(order, x, self.dtype)
            unit = max(abs(exact), self._tiny if order == 0 else 1)
            # Where the result is to be 0 nothing is amplified.
            if order > 0 or np.isinf(x) or abs(exact) < unit * np.finfo(self.dtype).eps / 2:
                allowed = 0
            yield Entry(x, exact, unit, float(allowed))

    def _of_rows(self, what):
        for row, g in zip(self.x, self.g):
            exact, amplified = self.case.truth(row), np.zeros(len(row))
            unit = 1  # also of a logarithm, which is off by the rounding of the sum
            if what == "gradient":
                values = np.array([float(e) for e in exact])
                exact = [mpf(e) for e in self.case.pullback(values, g.astype("float64"))]
            elif self.name != "log_softmax":
                unit = self._tiny
                # The rounding of the difference from the largest entry is that of an exponent.
                largest = row.min() if self.name == "softmin" else row.max()
                amplified = abs(row.astype("float64") - largest)
            for x, e, allowed in zip(row, exact, amplified):
                yield Entry(x, e, max(abs(e), unit), float(allowed) if e else 0)

    def _of_gates(self, what):
        for row, gs in zip(self.x, self.g):
            of_gates = []
            for x, gate, g in zip(*np.split(row, 2), gs):
                opening, slope = (BY_NAME["sigmoid"].truth(o, gate, self.dtype) for o in (0, 1))
                factor, g = mpf(float(x)), mpf(float(g))
                if what == "value":
                    # A gate that is subnormal has lost digits.
                    least = self._tiny * max(1, abs(factor))
                    yield Entry(x, factor * opening, max(abs(factor * opening), least), 0)
                else:
                    yield Entry(x, g * opening, 1, 0)
                    of_gates.append(Entry(gate, g * factor * slope, max(1, abs(factor)), 0))
            yield from of_gates

    @property
    def _tiny(self):
        return mpf(float(np.finfo(self.dtype).tiny))


def sets_of_elements(case, dtype):
    """The points at which an elementwise activation is compared, by the names of the sets."""
    limits = np.finfo(dtype)
    small = np.logspace(-8, -2, 61)
    # Beyond, exp underflows.
    tail = np.geomspace(6, -1.1 * np.log(float(limits.tiny)), 200)
    large = np.geomspace(1e4, float(limits.max), 60)
    large[-1] = float(limits.max)
    sets = {
        "ordinary": np.random.RandomState(1).uniform(-6, 6, 500),
        "near 0": np.concatenate([-small, small]),
        "left tail": -tail,
        "right tail": tail,
        "largest": np.concatenate([-large, large]),
        "infinities": np.array([-np.inf, np.inf]),
        "NaN": np.array([np.nan]),
    }
    kinks = np.array(case.kinks, "float64")
    sets = {name: points[~np.isin(points, kinks)] for name, points in sets.items()}
    return dict(sets, kinks=kinks)


def sets_of_rows(mask):
    """As `sets_of_elements`, for an activation of rows; some of the last have masked entries."""
    random = np.random.RandomState(1)
    sets = {
        "ordinary": random.uniform(-6, 6, (60, 8)),
        "+-1000": random.uniform(-1e3, 1e3, (40, 8)),
    }
    if mask is not None:
        masked = random.uniform(-6, 6, (40, 8))
        masked[:, 1:][random.uniform(size=(40, 7)) < 0.4] = mask
        sets["masked"] = masked
    return sets


def error(got, entry, dtype):
    """By how many eps a result is off, beyond what a rounding may be amplified to."""
    if mpmath.isnan(entry.exact):
        return 0.0 if mpmath.isnan(got) else INF
    if not mpmath.isfinite(entry.exact):
        return 0.0 if got == entry.exact else INF
    if mpmath.isnan(got):
        return INF
    limits = np.finfo(dtype)
    # What is too large for the dtype rounds to inf, a unit in the last place beyond its largest.
    largest = mpf(float(limits.max))
    got, exact, unit = (min(max(mpf(n), -largest), largest) for n in (got, *entry[1:3]))
    off = float(abs(got - exact) / unit / mpf(float(limits.eps)))
    return max(0.0, off - entry.amplified)


# What was found: the largest error of each library, and where that is, by (name, dtype, what, set);
# and its slope at each kink, by (name, kink).
Found = namedtuple("Found", "largest slopes")


def take(found, subject, of_libraries):
    """Take the results of libraries, [value, gradient] by their names, into account."""
    for number, what in enumerate(WHAT):
        entries = subject.entries(what)
        for one, results in of_libraries.items():
            assert results[number].size == len(entries), (one, subject.name, what)
            for (points, entry), got in zip(entries, map(float, results[number].flat)):
                if what == "gradient" and points == "kinks":
                    found.slopes.setdefault((subject.name, float(entry.x)), {})[one] = got
                    if one != "ours":  # each library is free to choose one
                        continue
                if what == "gradient" and points == "NaN":  # which has no slope
                    continue
                off = error(got, entry, subject.dtype)
                key = subject.name, subject.dtype, what, points
                worst = found.largest.setdefault(key, {})
                if one not in worst or off > worst[one][0]:
                    worst[one] = off, entry, got


def ours(subject):
    """Our value and gradient at the points of a subject."""
    if subject.x.ndim == 1:
        return evaluate(subject.case, subject.x)[:2]
    activation = subject.case.activation if subject.case else nl.glu
    x, g = (tensor(name, subject.dtype, 2) for name in "xg")
    y = activation(x)
    gradient = library.grad(None, x, known_grads={y: g})
    return library.function([x, g], [y, gradient], mode="FAST_RUN")(subject.x, subject.g)


def theirs(worker, subject):
    """The value and the gradient of a peer; None if it has no such activation."""
    arrays = worker.evaluate(subject.name, subject.x, subject.g)
    for what, array in zip(WHAT, arrays or ()):
        if array.dtype != subject.dtype:
            found = worker.name, what, subject.name, subject.dtype, array.dtype
            raise WorkerError("{}: {} of {} in {} is {}".format(*found))
    return arrays


def compare(names, dtypes):
    """What the peers are, and what was found."""
    found = Found({}, {})
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(contextlib.closing(Worker(peer))) for peer in PEERS]
        versions = [
            "{} {}".format(PEERS[w.name], w.versions[PEERS[w.name]].split(",")[0]) for w in workers
        ]
        subjects = [(name, dtype) for dtype in dtypes for name in names]
        for name, dtype in tqdm(subjects, unit=" activations"):
            subject = Subject(name, dtype)
            results = {worker.name: theirs(worker, subject) for worker in workers}
            results = {one: arrays for one, arrays in results.items() if arrays is not None}
            take(found, subject, dict(ours=ours(subject), **results))
    return versions, found


def report(versions, found, names, dtypes):
    compared = [n for n in names if any(key[0] == n and len(found.largest[key]) > 1
                                        for key in found.largest)]  # fmt: skip
    missing = [name for name in names if name not in compared]
    columns = [(one, what) for one in LIBRARIES for what in WHAT]
    parts = []
    for dtype in dtypes:
        rows = [
            [name] + [_off(found.largest[name, dtype, w, "ordinary"].get(o)) for o, w in columns]
            for name in compared
        ]
        title = "Largest errors at ordinary points, {}, in eps".format(dtype)
        header = ["name"] + ["{}, {}".format(LIBRARIES[one], what) for one, what in columns]
        parts.append(restructured(title, header, rows))
    parts.append(paragraph(
        "{}, {} and {} {}. Ordinary points lie between -6 and 6; eps is 1.19e-07 in float32 and "
        "2.22e-16 in float64. An error of a value is relative to the exact one, that of a gradient "
        "to the exact one or to 1, whichever is larger. An empty cell: the library has no such "
        "activation.{}".format(
            *versions, backend.name, library.__version__,
            " Neither has {}.".format(", ".join(missing)) if missing else "",
        )
    ))  # fmt: skip
    rows = list(_rows_of_errors(found, compared))
    if rows:
        header = ["name", "dtype", "what", "points", *LIBRARIES.values(), "at", "exact"]
        parts.append(
            restructured("Where one of them is off by more than {} eps".format(MOST), header, rows)
        )
        parts.append(paragraph(
            "inf: NaN or infinite where it is not to be, or the other way around. The point is "
            "that of the largest error; for float32 where it says float32 and float64."
        ))  # fmt: skip
    rows = [
        [name, "{:g}".format(x)] + ["{:.4g}".format(s[o]) if o in s else "" for o in LIBRARIES]
        for (name, x), s in found.slopes.items()
        if not all(abs(slope - s["ours"]) <= 1e-5 for slope in s.values())  # NaN is shown, too
    ]
    if rows:
        title = "Slopes at kinks, where one has another than the mean of both sides"
        parts.append(restructured(title, ["name", "at", *LIBRARIES.values()], rows))
    return "\n".join(parts)


def _off(worst):
    return "" if worst is None else "{:.3g}".format(worst[0])


def _rows_of_errors(found, names):
    """Both dtypes in one line, where they are about the same."""
    dtypes = {}
    for name, dtype, *rest in found.largest:
        off = [one[0] for one in found.largest[(name, dtype, *rest)].values()]
        if name in names and max(off) > MOST:
            dtypes.setdefault((name, *rest), []).append(dtype)
    for name, *rest in sorted(dtypes, key=lambda key: names.index(key[0])):
        of_libraries = found.largest[(name, dtypes[(name, *rest)][0], *rest)]
        _, entry, _ = max(of_libraries.values(), key=lambda worst: worst[0])
        kind = np.dtype(dtypes[(name, *rest)][0]).type
        with np.errstate(over="ignore", under="ignore"):
            numbers = [str(kind(float(number))) for number in (entry.x, entry.exact)]
        off = [_off(of_libraries.get(one)) for one in LIBRARIES]
        yield [name, " and ".join(dtypes[(name, *rest)]), *rest, *off, *numbers]


def complaints(found):
    """What is wrong of ours, as sentences."""
    for (name, dtype, what, _), of_libraries in found.largest.items():
        off, entry, got = of_libraries["ours"]
        if off > MOST:
            yield "{} of {} in {} at {!r}: {!r}, to be {}".format(
                what, name, dtype, float(entry.x), got, mpmath.nstr(mpf(entry.exact), 17)
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--activations", nargs="+", choices=NAMES, default=NAMES, metavar="NAME",
        help="compare these, by default all: {}".format(", ".join(NAMES)),
    )  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--output", default=os.path.join(ROOT, "docs", "_tables", "peers.rst"),
                        metavar="FILE", help="where to write the tables")  # fmt: skip
    options = parser.parse_args()
    try:
        versions, found = compare(options.activations, options.dtypes)
    except WorkerError as why:
        print(why, file=sys.stderr)
        return 1
    text = report(versions, found, options.activations, options.dtypes)
    print(text)
    write(options.output, text)
    wrong = list(complaints(found))
    for complaint in wrong:
        print("ours is wrong: " + complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
