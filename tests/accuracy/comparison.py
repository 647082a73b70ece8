"""Two libraries side by side: at which points, by how much they differ, and who is right.

A subject is one activation in one dtype, with the points it is compared at, in named sets, and with
what is exact there. Nothing here evaluates the activation of any library.
"""

from collections import namedtuple

import mpmath
import numpy as np
from activations import BY_NAME, ELEMENTWISE, INF, ROWS, ROWS_BY_NAME
from mpmath import mpf

WHAT = ("value", "gradient")
# In eps; what two good programs may differ by.
ROUNDING = 32
OURS, THEIRS, NEITHER, CONVENTION = "ours", "theirs", "neither", "a convention"
NAMES = [case.name for case in ELEMENTWISE + ROWS] + ["glu"]

# An entry of a result: the set of points and the input it belongs to, what is exact, what a
# difference is relative to, by how many eps more than usual a good program may be off because the
# formula amplifies a rounding, and the slopes on both sides if it is the gradient at a kink.
Point = namedtuple("Point", "set x exact unit amplified sides")

# A disagreement of two libraries in a set of points: who is right, and the point where they differ
# most of those with this answer.
Finding = namedtuple("Finding", "name dtype what right difference point ours theirs")


def distance(a, b, point, dtype):
    """How far apart two results for a point are, in eps of its unit."""
    if mpmath.isnan(a) or mpmath.isnan(b):
        return 0.0 if mpmath.isnan(a) and mpmath.isnan(b) else INF
    if not mpmath.isfinite(point.exact):
        return 0.0 if a == b else INF
    limits = np.finfo(dtype)
    # What is too large for the dtype rounds to inf, a unit in the last place beyond its largest.
    largest = mpf(float(limits.max))
    a, b, unit = (min(max(mpf(number), -largest), largest) for number in (a, b, point.unit))
    return float(abs(a - b) / unit / mpf(float(limits.eps)))


def who_is_right(ours, theirs, point, dtype):
    """Who is right of two that differ by more than rounding, None if they do not."""
    if distance(ours, theirs, point, dtype) <= ROUNDING + 2 * point.amplified:
        return None
    # Half of that for each, so that one of both at least is off.
    we, they = (
        distance(result, point.exact, point, dtype) <= ROUNDING / 2 + point.amplified
        for result in (ours, theirs)
    )
    # At a kink a library is free to choose between the slopes on both sides.
    slack = ROUNDING * float(np.finfo(dtype).eps)
    if we and point.sides and min(point.sides) - slack <= theirs <= max(point.sides) + slack:
        return CONVENTION
    return OURS if we else THEIRS if they else NEITHER


def compare(subject, ours, theirs):
    """The largest difference in eps by (one of WHAT, set of points), and the findings, from the
    values and the gradients of two libraries."""
    largest, findings = {}, []
    for what, our_array, their_array in zip(WHAT, ours, theirs):
        worst, points = {}, subject.points(what)
        assert our_array.size == their_array.size == len(points), (subject.name, what)
        for point, a, b in zip(points, our_array.flat, their_array.flat):
            # NaN has no slope.
            if what == "gradient" and np.isnan(point.x):
                continue
            a, b = float(a), float(b)
            apart = 0.0 if a == b else distance(a, b, point, subject.dtype)
            largest[what, point.set] = max(apart, largest.get((what, point.set), 0.0))
            right = who_is_right(a, b, point, subject.dtype) if apart > ROUNDING else None
            if right is not None:
                # Each kink is a point of interest of its own.
                key = point.set, right, point.x if right == CONVENTION else None
                if key not in worst or apart > worst[key].difference:
                    worst[key] = Finding(
                        subject.name, subject.dtype, what, right, apart, point, a, b
                    )
        findings.extend(worst.values())
    return largest, findings


class Subject:
    """An activation in a dtype. `sets` are the points by the names of the sets, one point a row."""

    def __init__(self, name, dtype, sets):
        self.name, self.dtype = name, dtype
        self.x = np.concatenate(list(sets.values())).astype(dtype)
        self._sets = [name for name, points in sets.items() for _ in points]
        self._points = {}

    def points(self, what):
        """A Point for each entry of the value or the gradient."""
        if what not in self._points:
            self._points[what] = list(self._make_points(what))
        return self._points[what]


class OfElements(Subject):
    """An elementwise activation."""

    def __init__(self, name, dtype):
        self.case = BY_NAME[name]
        super().__init__(name, dtype, sets_of_elements(self.case, dtype))
        self.g = np.ones_like(self.x)

    def _make_points(self, what):
        order, amplified = WHAT.index(what), self.case.allowed(self.x, self.dtype)
        for set_name, x, allowed in zip(self._sets, self.x, amplified):
            exact = self.case.truth(order, x, self.dtype)
            unit = max(abs(exact), _smallest_normal(self.dtype) if order == 0 else 1)
            sides = None
            if order == 1 and x in self.case.kinks:
                beside = (np.nextafter(x, x.dtype.type(side)) for side in (-np.inf, np.inf))
                sides = [self.case.truth(1, point, self.dtype) for point in beside]
            # Where the result is to be 0 nothing is amplified.
            if order > 0 or np.isinf(x) or abs(exact) < unit * np.finfo(self.dtype).eps / 2:
                allowed = 0
            yield Point(set_name, x, exact, unit, float(allowed), sides)


class OfRows(Subject):
    """An activation of whole rows."""

    def __init__(self, name, dtype):
        self.case = ROWS_BY_NAME[name]
        super().__init__(name, dtype, sets_of_rows(self.case.masked))
        self.g = _incoming_gradients(self.x.shape).astype(dtype)

    def _make_points(self, what):
        for set_name, row, g in zip(self._sets, self.x, self.g):
            exact, amplified = self.case.truth(row), np.zeros(len(row))
            unit = 1  # also of a logarithm, which is off by the rounding of the sum
            if what == "gradient":
                values = np.array([float(e) for e in exact])
                exact = [mpf(e) for e in self.case.pullback(values, g.astype("float64"))]
            elif self.name != "log_softmax":
                unit = _smallest_normal(self.dtype)
                # The rounding of the difference from the largest entry is that of an exponent.
                largest = row.min() if self.name == "softmin" else row.max()
                amplified = abs(row.astype("float64") - largest)
            for x, e, allowed in zip(row, exact, amplified):
                allowed = float(allowed) if e else 0  # not of what is masked
                yield Point(set_name, x, e, max(abs(e), unit), allowed, None)


class OfGates(Subject):
    """The gated linear unit, which is not in the table of the tests' activations."""

    def __init__(self, name, dtype):
        super().__init__(name, dtype, sets_of_rows(None))
        self.g = _incoming_gradients((len(self.x), self.x.shape[1] // 2)).astype(dtype)

    def _make_points(self, what):
        for set_name, row, gs in zip(self._sets, self.x, self.g):
            of_gates = []
            for x, gate, g in zip(*np.split(row, 2), gs):
                opening, slope = (BY_NAME["sigmoid"].truth(o, gate, self.dtype) for o in (0, 1))
                factor = mpf(float(x))
                if what == "value":
                    exact = factor * opening
                    # A gate that is subnormal has lost digits.
                    least = _smallest_normal(self.dtype) * max(1, abs(factor))
                    yield Point(set_name, x, exact, max(abs(exact), least), 0, None)
                else:
                    g = mpf(float(g))
                    yield Point(set_name, x, g * opening, 1, 0, None)
                    exact = g * factor * slope
                    of_gates.append(Point(set_name, gate, exact, max(1, abs(factor)), 0, None))
            yield from of_gates


def _smallest_normal(dtype):
    return mpf(float(np.finfo(dtype).tiny))


def _incoming_gradients(shape):
    return np.random.RandomState(2).uniform(-1, 1, shape)


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


def subject(name, dtype):
    """The subject of one of NAMES."""
    kind = OfElements if name in BY_NAME else OfRows if name in ROWS_BY_NAME else OfGates
    return kind(name, dtype)
