"""Sweeps: compiled activations at very many points, and how far off they are.

float32 is swept over bit patterns, all 2^32 or every n-th; the reference is float64. float64 is
swept over seeded random points, denser where kernels may go wrong; the reference is x86's long
double, and mpmath for the points where it matters. Where NumPy's long double is no wider than
float64, mpmath serves alone, on fewer points.
"""

import functools
from collections import namedtuple

import numpy as np
from accuracy.references import BY_MPMATH_IN_FLOAT64, formula_of
from helpers import library, simd_is_active, tensor, truth, ulps, with_theano

CHUNK = 2**15  # points at a time: what NumPy passes over again and again stays in the cache
BIT_PATTERNS = 2**32
WIDE = {"float32": np.float64, "float64": np.longdouble}  # to measure errors in
LONG_DOUBLE_WILL_DO = np.finfo(np.longdouble).nmant >= 63
KEPT = 400  # points with large errors that are kept for mpmath

# Who is measured: what users get, the expressions, the library alone; and what each leaves out.
CONTESTANTS = {"ours": [], "expression": ["lasagne_nl_simd"]}
if with_theano:
    CONTESTANTS["stock"] = ["lasagne_nl_simd", "lasagne_nl"]
SHARE_OF_OTHERS = 16  # what is not ours is computed at one point in so many: it is slow

# Where float64 kernels change formula, lose bits, overflow or underflow.
_SWITCHES = np.array(
    [0.125, 0.25, 0.5, 0.54930614433405489, 0.625, 0.84375, 1, 1.25, 2, 4, 5.9, 6, 9, 10, 16, 17.5,
     18.02, 18.5, 18.7, 19, 19.06, 20, 22, 26.5, 26.54, 27.2, 27.23, 28, 30, 33.3, 36, 36.04, 36.74,
     37, 37.4, 40, 44, 56, 87.3, 88.72, 103.97, 354.9, 372.5, 700, 708, 708.4, 709, 709.78, 710,
     735, 744.44, 745, 745.13, 746]
)  # fmt: skip
_LN2_QUARTER = np.log(2) / 4


class Extreme(namedtuple("Extreme", "error x got exact", defaults=(0.0, None, None, None))):
    """A largest error in ULP, the input that causes it, what came out, and what was right."""

    def __str__(self):
        if self.x is None:
            return "exact"
        return "{:.3g} ULP at {!r} ({}): {!r}, to be {!r}".format(
            self.error, float(self.x), float(self.x).hex(), float(self.got), float(self.exact)
        )


class Errors:
    """The largest errors met so far, apart for results that are normal numbers and for smaller
    ones, subnormal or zero, whose unit is the smallest number."""

    def __init__(self):
        self.normal = Extreme()
        self.subnormal = Extreme()
        self.points = 0
        self.candidates = []  # (error, x) of each chunk's worst point, for mpmath

    def add(self, x, got, exact, least=0):
        """Take the results `got` at the points `x` into account; `exact` is of the wider type."""
        error, is_normal = _errors(got, exact, least)
        self.points += len(x)
        if is_normal.all():
            parts = [("normal", error)]
        else:
            parts = [
                ("normal", np.where(is_normal, error, 0)),
                ("subnormal", np.where(is_normal, 0, error)),
            ]
        for kind, of_kind in parts:
            worst = of_kind.argmax()
            if of_kind[worst] > 0:
                extreme = Extreme(float(of_kind[worst]), x[worst], got[worst], exact[worst])
                self._take(kind, extreme)
                self.candidates.append((extreme.error, extreme.x))

    def add_by_mpmath(self, case, x, got):
        """As `add`, by mpmath, which is slow."""
        exact = truth(case, 0, x)
        errors = _ulps_of(case, got, exact)
        self.points += len(x)
        for error, *point in zip(errors, x, got, exact):
            is_normal = not abs(point[2]) < np.finfo(x.dtype).tiny
            self._take("normal" if is_normal else "subnormal", Extreme(float(error), *point))

    def _take(self, kind, extreme):
        if extreme.error > getattr(self, kind).error:
            setattr(self, kind, extreme)

    def merge(self, other):
        """Take the errors of another part of the same sweep into account."""
        self.points += other.points
        self._take("normal", other.normal)
        self._take("subnormal", other.subnormal)
        self.candidates = sorted(self.candidates + other.candidates, key=lambda c: -c[0])[:KEPT]


def _ulps_of(case, got, exact):
    """`helpers.ulps`, of what is smaller than the `least` of a case in units of that."""
    found, limits = ulps(got, exact), np.finfo(got.dtype)
    if not case.least:
        return found
    # Of NaN there is a size as well, so that what is wrong stays so.
    sizes = np.fmin(np.fmax(np.abs(np.array(exact, "float64")), limits.tiny), case.least)
    units = np.spacing(np.append(sizes, case.least).astype(got.dtype))
    return found * (units[:-1] / units[-1])


def _errors(got, exact, least=0):
    """Distance of each result from the exact number in units in the last place at the exact number,
    inf where a special value or the sign of a zero is wrong; and where results are to be normal.

    As `helpers.ulps`, but inf counts as the power of 2 where it begins. If there is a `least`, what
    is smaller is measured in units of that, and a zero may have any sign.
    """
    limits = np.finfo(got.dtype)
    rounded = exact.astype(got.dtype)
    size = np.maximum(np.abs(rounded), got.dtype.type(least))
    # NumPy has no unit for the largest number, whose neighbour has the same.
    unit = np.spacing(np.minimum(size, np.nextafter(limits.max, limits.tiny)))
    error = got - exact
    np.abs(error, out=error)
    error /= unit
    if not error.max() < np.inf:  # NaN is not
        beyond = np.ldexp(exact.dtype.type(1), limits.maxexp)  # what inf stands for
        infinite, same_sign = np.isinf(got), np.signbit(got) == np.signbit(exact)
        right = np.isnan(got) & np.isnan(exact) | infinite & same_sign & (np.abs(exact) >= beyond)
        distance = np.abs(np.copysign(beyond, got) - exact) / unit
        error = np.where(right, 0, np.where(infinite, distance, error))
        error[np.isnan(error)] = np.inf
    is_zero = got == 0
    if is_zero.any() and not least:
        error[is_zero & (np.signbit(got) != np.signbit(rounded))] = np.inf
    return error, ~(size < limits.tiny)


def reference(case, x):
    """The values of an activation or function at `x`, in the type in which errors are measured."""
    wide = WIDE[x.dtype.name]
    formula = formula_of(case)
    if formula is None:
        return compiled(case.in_float64, "float64", "expression")(x.astype("float64"))
    constants = [wide(x.dtype.type(c)) for c in case.constants]
    return formula(x.astype(wide), *constants)


@functools.lru_cache(maxsize=None)
def compiled(case, dtype, contestant="ours"):
    """A function of a vector, compiled as users compile it but for what is left out."""
    mode = library.compile.mode.get_mode("FAST_RUN").excluding(*CONTESTANTS[contestant])
    x = tensor("x", dtype, 1)
    return library.function([x], case.activation(x), mode=mode)


def is_one_kernel(case, dtype):
    """Whether what users get is a kernel, and not several steps."""
    ops = [node.op for node in compiled(case, dtype).maker.fgraph.apply_nodes]
    return simd_is_active() and not any(
        hasattr(getattr(op, "scalar_op", None), "fgraph") for op in ops
    )


def number_of_points(case, dtype, stride=1, points=10**7):
    """How many points a sweep has: of float32 by the stride, of float64 as asked for, or one in a
    thousand of that where mpmath has to serve."""
    if dtype == "float32":
        return -(-BIT_PATTERNS // stride)
    return -(-points // 1000) if needs_mpmath(case, dtype) else points


def sweep(case, dtype, first, count, stride=1, contestants=("ours",)):
    """The errors at `count` points, from the `first` on: the first contestant's at all of them."""
    functions = [compiled(case, dtype, contestant) for contestant in contestants]
    found = [Errors() for _ in functions]
    with np.errstate(all="ignore"):
        for start in range(first, first + count, CHUNK):
            size = min(CHUNK, first + count - start)
            if dtype == "float32":
                x = float32_points(start, size, stride)
            else:
                x = float64_points(start, size)
            exact = None if needs_mpmath(case, dtype) else reference(case, x)
            for number, (errors, function) in enumerate(zip(found, functions)):
                some = slice(None, None, SHARE_OF_OTHERS if number else 1)
                if exact is None:
                    errors.add_by_mpmath(case, x[some], function(x[some]))
                else:
                    errors.add(x[some], function(x[some]), exact[some], case.least)
    return found


def needs_mpmath(case, dtype):
    """Whether NumPy has no type that is wide enough to measure errors in."""
    if dtype == "float32":
        return False
    return not (LONG_DOUBLE_WILL_DO and formula_of(case)) or case.name in BY_MPMATH_IN_FLOAT64


def float32_points(first, count, stride):
    """Bit patterns number `first` and following, when every `stride`-th is taken."""
    patterns = np.arange(first * stride, (first + count) * stride, stride, dtype=np.int64)
    return patterns.astype(np.uint32).view(np.float32)


def float64_points(first, count):
    """`count` points, the same for the same `first`: a mixture, shuffled."""
    rng = np.random.RandomState(first % 2**32)
    sign = rng.choice([-1.0, 1.0], count)
    kind = rng.uniform(size=count)
    closeness = 1 + sign * 10 ** rng.uniform(-17, -2, count)
    of_switch = rng.choice(np.concatenate([_SWITCHES, -_SWITCHES]), count)
    of_ln2 = rng.randint(-4400, 4400, count) * _LN2_QUARTER
    return np.select(
        [kind < 0.2, kind < 0.45, kind < 0.65, kind < 0.7, kind < 0.85],
        [
            rng.randint(-(2**63), 2**63 - 1, count).view(np.float64),  # any float, also subnormal
            sign * 2 ** rng.uniform(-60, 11, count),
            rng.uniform(-40, 40, count),
            rng.uniform(-800, 800, count),
            of_ln2 * closeness,
        ],
        of_switch * closeness,
    )


def hard_points(dtype):
    """The special values, and the switch points with their neighbours."""
    limits = np.finfo(dtype)
    multiples = np.arange(1, 61) * _LN2_QUARTER
    positive = np.concatenate(
        [_SWITCHES, multiples, np.logspace(-40, 2, 85), [limits.tiny, limits.eps, limits.max]]
    ).astype(dtype)
    beside = [np.nextafter(positive, positive.dtype.type(end)) for end in (0, np.inf)]
    smallest = np.nextafter(positive[:1] * 0, positive[:1])
    positive = np.concatenate([positive] + beside + [smallest, smallest * 3, smallest * 0])
    positive = np.append(positive, np.asarray([np.inf, np.nan], dtype))
    return np.concatenate([positive, -positive])


def check(case, dtype, found, extra=2000, function=None):
    """Measure the hard points, the worst ones that a sweep has `found`, and random ones, by mpmath
    as well, take them into account, and return by how many ULP the measurement was off at most.

    What is measured is the compiled activation, or a `function` of a vector of floats.
    """
    if dtype == "float32":
        random = float32_points(0, extra, BIT_PATTERNS // extra)
    else:
        random = float64_points(2**31, extra)
    candidates = sorted(found.candidates, key=lambda candidate: -candidate[0])[:KEPT]
    worst = np.asarray([x for _, x in candidates], dtype)
    x = np.concatenate([hard_points(dtype), worst, random])
    got = (function or compiled(case, dtype))(x)
    if needs_mpmath(case, dtype):
        found.add_by_mpmath(case, x, got)
        return 0.0
    by_mpmath = _ulps_of(case, got, truth(case, 0, x))
    with np.errstate(all="ignore"):
        exact = reference(case, x)
        measured, _ = _errors(got, exact, case.least)
    found.add(x, got, exact, case.least)
    # At the end of the range, and of wrong special values, the two definitions differ.
    comparable = (measured < 2**20) & (by_mpmath < 2**20) & np.isfinite(got)
    # At a power of 2 the unit is that of one side or of the other, by a hair.
    comparable &= np.abs(np.frexp(exact.astype(dtype))[0]) != 0.5
    return float(np.abs(by_mpmath - measured)[comparable].max(initial=0))
