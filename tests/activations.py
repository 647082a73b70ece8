"""The one table that the tests are parametrised over: a line an activation.

Each line has the activation, and what mathematics says of it: value, slope and curvature as
functions for mpmath, the limits at -inf and inf, and what Lasagne computes for it. The constants
of a formula come as the floats that the activation uses, rounded to the dtype at hand.
"""

import dataclasses
from collections.abc import Callable

import mpmath
import numpy as np
from mpmath import mpf

from lasagne_nl import nonlinearities as nl

mpmath.mp.dps = 60
INF = float("inf")
LEAK, VERY_LEAKY = 0.01, 1.0 / 3
SCALE, SCALE_NEG = nl.selu.scale, nl.selu.scale_neg
LECUN = (2.0 / 3, 1.7159)


@dataclasses.dataclass(eq=False)
class Case:
    """One activation and the truth about it, elementwise.

    A formula is from (mpf, constants...) to mpf; those of derivatives are called away from kinks.
    """

    name: str
    activation: Callable
    value: Callable
    slope: Callable
    curvature: Callable
    limits: tuple  # the values at -inf and at inf
    slopes: tuple  # those of the slope there
    # From (tensor module, nnet module, x) to what Lasagne computes, if it has the activation.
    lasagne: Callable = None
    constants: tuple = ()  # what the formulas need besides x
    kinks: tuple = ()  # where the slope is the mean of that of both sides
    # From (limits of the dtype, x, constants...) to the units in the last place by which the
    # expression, where no kernel takes its place, is off at most because of a rounding that it
    # amplifies.
    amplified: Callable = None

    least = 0  # what is smaller is measured in units of that

    def truth(self, order, x, dtype):
        """The exact derivative of an order (0 is the value) at the float `x`: an mpf, or a float
        where it is NaN or infinite."""
        if np.isnan(x):
            return float("nan")
        constants = self._rounded(dtype)
        if np.isinf(x):
            side = int(x > 0)
            limit = (self.limits[side], self.slopes[side], 0)[order]
            return limit(*constants) if callable(limit) else limit
        formula, x = (self.value, self.slope, self.curvature)[order], mpf(float(x))
        if order > 0 and x in self.kinks:
            nearby = mpf(10) ** -50
            return (formula(x - nearby, *constants) + formula(x + nearby, *constants)) / 2
        return mpf(formula(x, *constants))

    def allowed(self, x, dtype):
        """By how many units in the last place a value may be off, at each of the floats `x`, more
        than by the rounding of a few steps."""
        if self.amplified is None:
            return np.zeros(len(x))
        constants, limits = self._rounded(dtype), np.finfo(dtype)
        finite = np.nan_to_num(x)  # at its ends the value is exact
        return np.array([float(self.amplified(limits, mpf(float(f)), *constants)) for f in finite])

    def most_allowed(self, dtype):
        """The largest that `allowed` is where the value is not 0."""
        if self.amplified is None:
            return 0.0
        smallest = float(np.nextafter(np.zeros((), dtype), np.ones((), dtype)))
        reach = 2 * abs(np.log(smallest))  # in a tail
        x = np.arange(-reach, reach, 0.05)
        x = np.concatenate([x, np.logspace(-12, 0, 49)]).astype(dtype)
        matters = [abs(self.truth(0, point, dtype)) >= smallest / 2 for point in x]
        return self.allowed(x[matters], dtype).max()

    def _rounded(self, dtype):
        return [mpf(float(np.dtype(dtype).type(c))) for c in self.constants]

    def __repr__(self):
        return self.name


def _sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x > 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


def _sigmoid_slope(x):
    return mpmath.exp(-abs(x)) / (1 + mpmath.exp(-abs(x))) ** 2


def _sigmoid_curvature(x):
    return _sigmoid_slope(x) * (_sigmoid(-x) - _sigmoid(x))


def _sech2(x):
    return mpmath.sech(x) ** 2


def _softplus(x):
    return max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x)))


def _leaky(name, activation, leakiness=0):
    return Case(
        name, activation,
        lambda x, a=0: x if x > 0 else a * x,
        lambda x, a=0: mpf(1) if x > 0 else mpf(a),
        lambda x, a=0: mpf(0),
        limits=(-INF if leakiness else 0, INF), slopes=(lambda a=0: a, 1),
        constants=(leakiness,) if leakiness else (), kinks=(0,),
        lasagne=lambda T, nnet, x: 0.5 * (1 + leakiness) * x + 0.5 * (1 - leakiness) * abs(x)
        if leakiness else 0.5 * (x + abs(x)),
    )  # fmt: skip


def _scaled_tanh(name, activation, scale_in, scale_out):
    return Case(
        name, activation,
        lambda x, a, b: b * mpmath.tanh(a * x),
        lambda x, a, b: a * b * _sech2(a * x),
        lambda x, a, b: -2 * a * a * b * mpmath.tanh(a * x) * _sech2(a * x),
        limits=(lambda a, b: -b, lambda a, b: b), slopes=(0, 0), constants=(scale_in, scale_out),
        lasagne=lambda T, nnet, x: T.tanh(x * scale_in) * scale_out,
    )  # fmt: skip


def _exponential(
    name, activation, constants=(), parts=lambda s=1, n=1: (s, n, 1), kinks=(), lasagne=None
):
    """The family of elu: s x on the right of 0, s n (exp(x / i) - 1) on the left; `parts` makes
    s, n and i of the constants."""

    def value(x, *constants):
        s, n, i = parts(*constants)
        return s * (x if x > 0 else n * mpmath.expm1(x / i))

    def slope(x, *constants):
        s, n, i = parts(*constants)
        return s if x > 0 else s * n / i * mpmath.exp(x / i)

    def curvature(x, *constants):
        s, n, i = parts(*constants)
        return mpf(0) if x > 0 else s * n / i**2 * mpmath.exp(x / i)

    return Case(
        name, activation, value, slope, curvature,
        limits=(lambda *c: -parts(*c)[0] * parts(*c)[1], INF), slopes=(0, lambda *c: parts(*c)[0]),
        constants=constants, kinks=kinks, lasagne=lasagne,
    )  # fmt: skip


def _normal_tail(x):
    """The weight of the standard normal distribution above x."""
    # Far out mpmath fails with OverflowError.
    return mpmath.erfc(x / mpmath.sqrt(2)) / 2 if abs(x) < 1e4 else mpf(x < 0)


def _times_x(weight, slope, curvature):
    """x w(x) and its two derivatives, of those of a weight w."""
    return (
        lambda x, *c: x * weight(x, *c),
        lambda x, *c: weight(x, *c) + x * slope(x, *c),
        lambda x, *c: 2 * slope(x, *c) + x * curvature(x, *c),
    )


_K = mpmath.sqrt(8 / mpmath.pi)


def _exponent_of_gelu(x):
    return _K * (x + mpf("0.044715") * x**3)


def _gated(v, v1, v2):
    """x sigmoid(v(x)) and its two derivatives."""
    return _times_x(
        lambda x, *c: _sigmoid(v(x, *c)),
        lambda x, *c: _sigmoid_slope(v(x, *c)) * v1(x, *c),
        lambda x, *c: (
            _sigmoid_curvature(v(x, *c)) * v1(x, *c) ** 2 + _sigmoid_slope(v(x, *c)) * v2(x, *c)
        ),
    )


def _lost(weight, limits, x):
    """By how many units a product with `x` may be off because a weight is subnormal."""
    return abs(x) / 2 + 1 if weight < float(limits.tiny) else 0


def _swish(name, activation, beta):
    return Case(
        name, activation, *_gated(lambda x, b: b * x, lambda x, b: b, lambda x, b: 0),
        limits=(0, INF) if beta > 0 else (-INF, 0), slopes=(0, 1) if beta > 0 else (1, 0),
        constants=(beta,),
        amplified=lambda limits, x, b: (
            max(0, -b * x) * (b != 1) + _lost(_sigmoid(b * x), limits, x)
        ),
    )  # fmt: skip


def _tanh_of_softplus(x):
    return mpmath.tanh(_softplus(x))


def _tanh_of_softplus_slope(x):
    return _sech2(_softplus(x)) * _sigmoid(x)


def _tanh_of_softplus_curvature(x):
    return _tanh_of_softplus_slope(x) * (_sigmoid(-x) - 2 * _tanh_of_softplus(x) * _sigmoid(x))


def _squareplus_value(x, b):
    root = mpmath.sqrt(x * x + b)
    return (x + root) / 2 if x > 0 else b / (2 * (root - x))


def _squareplus(name, activation, b):
    return Case(
        name, activation, _squareplus_value,
        lambda x, b: _squareplus_value(x, b) / mpmath.sqrt(x * x + b),
        lambda x, b: b / (2 * mpmath.sqrt(x * x + b) ** 3),
        limits=(0, INF), slopes=(0, 1), constants=(b,),
    )  # fmt: skip


def _between(x, low, high):
    return min(max(x, low), high)


def _hard_sigmoid(name, activation, slope, zero, one):
    return Case(
        name, activation,
        lambda x, s: mpf(x >= one) if not zero < x < one else s * (x - zero),
        lambda x, s: s * mpf(zero < x < one), lambda x, s: mpf(0),
        limits=(0, 1), slopes=(0, 0), constants=(slope,), kinks=(zero, one),
    )  # fmt: skip


def _clipped(name, activation, low, high):
    return Case(
        name, activation,
        _between, lambda x, m, M: mpf(m < x < M), lambda x, m, M: mpf(0),
        limits=(low, high), slopes=(0, 0), constants=(low, high), kinks=(low, high),
    )  # fmt: skip


def _shrunk(name, activation, threshold, is_soft):
    return Case(
        name, activation,
        lambda x, t: mpf(0) if abs(x) <= t else x - is_soft * t * mpmath.sign(x),
        lambda x, t: mpf(abs(x) > t), lambda x, t: mpf(0),
        limits=(-INF, INF), slopes=(1, 1), constants=(threshold,), kinks=(-threshold, threshold),
    )  # fmt: skip


def _tanh_shrink(x):
    if abs(x) < 1e-8:
        return x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315 - 62 * x**9 / 2835
    return x - mpmath.tanh(x)


ELEMENTWISE = [
    Case("sigmoid", nl.sigmoid, _sigmoid, _sigmoid_slope, _sigmoid_curvature,
         limits=(0, 1), slopes=(0, 0), lasagne=lambda T, nnet, x: nnet.sigmoid(x)),
    Case("tanh", nl.tanh, mpmath.tanh, _sech2, lambda x: -2 * mpmath.tanh(x) * _sech2(x),
         limits=(-1, 1), slopes=(0, 0), lasagne=lambda T, nnet, x: T.tanh(x)),
    _scaled_tanh("ScaledTanH()", nl.ScaledTanH(), 1, 1),
    _scaled_tanh("ScaledTanH(2/3, 1.7159)", nl.ScaledTanH(*LECUN), *LECUN),
    _leaky("rectify", nl.rectify),
    _leaky("LeakyRectify(0)", nl.LeakyRectify(0)),
    _leaky("leaky_rectify", nl.leaky_rectify, LEAK),
    _leaky("very_leaky_rectify", nl.very_leaky_rectify, VERY_LEAKY),
    _exponential("elu", nl.elu, lasagne=lambda T, nnet, x: T.switch(x > 0, x, T.expm1(x))),
    _exponential("SELU()", nl.SELU(), (1, 1),
                 lasagne=lambda T, nnet, x: T.switch(x > 0, x, T.expm1(x))),
    _exponential("selu", nl.selu, (SCALE, SCALE_NEG),
                 lasagne=lambda T, nnet, x: SCALE * T.switch(x > 0, x, SCALE_NEG * T.expm1(x))),
    Case("softplus", nl.softplus, _softplus, _sigmoid, _sigmoid_slope,
         limits=(0, INF), slopes=(0, 1), lasagne=lambda T, nnet, x: nnet.softplus(x)),
    Case("linear", nl.linear, lambda x: x, lambda x: mpf(1), lambda x: mpf(0),
         limits=(-INF, INF), slopes=(1, 1), lasagne=lambda T, nnet, x: x),
    # Beyond Lasagne.
    _exponential("ELU(0.5)", nl.ELU(0.5), (0.5,), lambda a: (1, a, 1), kinks=(0,)),
    _exponential("celu", nl.celu),
    _exponential("CELU(1.7)", nl.CELU(1.7), (1.7,), lambda a: (1, a, a)),
    # The rounding of x / sqrt(2), which is squared and exponentiated.
    Case("gelu", nl.gelu,
         *_times_x(lambda x: _normal_tail(-x), mpmath.npdf, lambda x: -x * mpmath.npdf(x)),
         limits=(0, INF), slopes=(0, 1),
         amplified=lambda limits, x: (
             min(0, max(x, -40)) ** 2 + _lost(_normal_tail(-x), limits, max(x, -40)))),
    # The rounding of the exponent, in five steps.
    Case("GELU(approximate=True)", nl.GELU(approximate=True),
         *_gated(_exponent_of_gelu, lambda x: _K * (1 + mpf("0.134145") * x**2),
                 lambda x: _K * mpf("0.26829") * x),
         limits=(0, INF), slopes=(0, 1),
         amplified=lambda limits, x: (
             3 * max(0, -_exponent_of_gelu(x))
             + _lost(_sigmoid(_exponent_of_gelu(x)), limits, max(x, -40)))),
    _swish("silu", nl.silu, 1),
    _swish("Swish(1.75)", nl.Swish(1.75), 1.75),
    _swish("Swish(-0.625)", nl.Swish(-0.625), -0.625),
    Case("mish", nl.mish,
         *_times_x(_tanh_of_softplus, _tanh_of_softplus_slope, _tanh_of_softplus_curvature),
         limits=(0, INF), slopes=(0, 1),
         amplified=lambda limits, x: _lost(_tanh_of_softplus(x), limits, x)),
    Case("softsign", nl.softsign, lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2,
         lambda x: -2 * mpmath.sign(x) / (1 + abs(x)) ** 3, limits=(-1, 1), slopes=(0, 0)),
    Case("Softplus(2.5)", nl.Softplus(2.5), lambda x, b: _softplus(b * x) / b,
         lambda x, b: _sigmoid(b * x), lambda x, b: b * _sigmoid_slope(b * x),
         limits=(0, INF), slopes=(0, 1), constants=(2.5,),
         amplified=lambda limits, x, b: max(0, -b * x)),
    _squareplus("squareplus", nl.squareplus, 4),
    _squareplus("Squareplus(0.3)", nl.Squareplus(0.3), 0.3),
    _hard_sigmoid("hard_sigmoid", nl.hard_sigmoid, 1.0 / 6, -3, 3),
    _hard_sigmoid("HardSigmoid(0.2)", nl.HardSigmoid(0.2), 0.2, -2.5, 2.5),
    _clipped("hard_tanh", nl.hard_tanh, -1, 1),
    _clipped("HardTanh(-0.25, 2)", nl.HardTanh(-0.25, 2), -0.25, 2),
    Case("hard_silu", nl.hard_silu, lambda x: x * _between(x + 3, 0, 6) / 6,
         lambda x: (2 * x + 3) / 6 if abs(x) < 3 else mpf(x > 0),
         lambda x: mpf(1) / 3 if abs(x) < 3 else mpf(0),
         limits=(0, INF), slopes=(0, 1), kinks=(-3, 3)),
    _clipped("relu6", nl.relu6, 0, 6),
    Case("log_sigmoid", nl.log_sigmoid, lambda x: -_softplus(-x), lambda x: _sigmoid(-x),
         lambda x: -_sigmoid_slope(x), limits=(-INF, 0), slopes=(1, 0)),
    Case("sparse_plus", nl.sparse_plus, lambda x: x if x > 1 else max(x + 1, 0) ** 2 / 4,
         lambda x: _between((x + 1) / 2, 0, 1), lambda x: mpf(abs(x) < 1) / 2,
         limits=(0, INF), slopes=(0, 1), kinks=(-1, 1)),
    Case("sparse_sigmoid", nl.sparse_sigmoid, lambda x: _between((x + 1) / 2, 0, 1),
         lambda x: mpf(abs(x) < 1) / 2, lambda x: mpf(0),
         limits=(0, 1), slopes=(0, 0), kinks=(-1, 1)),
    _shrunk("HardShrink()", nl.HardShrink(), 0.5, is_soft=False),
    _shrunk("SoftShrink(0.75)", nl.SoftShrink(0.75), 0.75, is_soft=True),
    # Next to 0 the difference cancels.
    Case("tanh_shrink", nl.tanh_shrink, _tanh_shrink, lambda x: mpmath.tanh(x) ** 2,
         lambda x: 2 * mpmath.tanh(x) * _sech2(x), limits=(-INF, INF), slopes=(1, 1),
         amplified=lambda limits, x: min(12 / x**2, 1e300) if x else 0),
    Case("Threshold(1, 0.25)", nl.Threshold(1, 0.25), lambda x, t, v: x if x > t else v,
         lambda x, t, v: mpf(x > t), lambda x, t, v: mpf(0),
         limits=(0.25, INF), slopes=(0, 1), constants=(1, 0.25), kinks=(1,)),
]  # fmt: skip

BY_NAME = {case.name: case for case in ELEMENTWISE}


@dataclasses.dataclass(eq=False)
class RowCase:
    """One activation of whole rows and the truth about it."""

    name: str
    activation: Callable  # along the last axis
    value: Callable  # from a list of mpf, a row of finite floats, to a list of mpf
    masked: float  # the entry that takes no part in its row
    becomes: float  # what becomes of it
    # In NumPy, for matrices: from the exact values and the incoming gradient g to the gradient, and
    # from those and h to the gradient of its sum with the weights h.
    pullback: Callable
    second: Callable

    def truth(self, row):
        """The exact values of a row of floats that may be masked, as a list."""
        kept = iter(self.value([mpf(float(x)) for x in row if x != self.masked]))
        return [self.becomes if x == self.masked else next(kept) for x in row]

    def values(self, rows):
        """The exact values of an array, along its last axis, rounded to float64."""
        flat = [[float(e) for e in self.truth(row)] for row in rows.reshape(-1, rows.shape[-1])]
        return np.array(flat).reshape(rows.shape)

    __repr__ = Case.__repr__


def _softmax(row):
    exponentials = [mpmath.exp(x - max(row)) for x in row]
    return [e / sum(exponentials) for e in exponentials]


def _log_softmax(row):
    shifted = [x - max(row) for x in row]
    log = mpmath.log(sum(mpmath.exp(x) for x in shifted))
    return [x - log for x in shifted]


def _sparsemax(row):
    row = [x - max(row) for x in row]
    descending = sorted(row, reverse=True)
    supports = [
        k for k in range(1, len(row) + 1) if 1 + k * descending[k - 1] > sum(descending[:k])
    ]
    threshold = (sum(descending[: supports[-1]]) - 1) / supports[-1]
    return [max(x - threshold, 0) for x in row]


def _dot(a, b):
    return (a * b).sum(axis=-1, keepdims=True)


def _softmax_pullback(p, g):
    return p * (g - _dot(p, g))


def _softmax_second(p, g, h):
    along_p = h * g - h * _dot(p, g) - g * _dot(p, h)
    return p * (along_p - _dot(p, along_p))


def _log_softmax_second(logs, g, h):
    return -g.sum(axis=-1, keepdims=True) * _softmax_pullback(np.exp(logs), h)


def _sparsemax_pullback(p, g):
    return (p > 0) * (g - _dot(p > 0, g) / (p > 0).sum(axis=-1, keepdims=True))


ROWS = [
    RowCase("softmax", nl.softmax, _softmax, -INF, 0, _softmax_pullback, _softmax_second),
    RowCase("softmin", nl.softmin, lambda row: _softmax([-x for x in row]), INF, 0,
            lambda p, g: -_softmax_pullback(p, g), _softmax_second),
    RowCase("log_softmax", nl.log_softmax, _log_softmax, -INF, -INF,
            lambda logs, g: g - g.sum(axis=-1, keepdims=True) * np.exp(logs), _log_softmax_second),
    RowCase("sparsemax", nl.sparsemax, _sparsemax, -INF, 0, _sparsemax_pullback,
            lambda p, g, h: np.zeros_like(p)),
]  # fmt: skip
ROWS_BY_NAME = {case.name: case for case in ROWS}


# Every activation by name that keeps the shape, those of rows with the rest.
EVERY = {case.name: case.activation for case in ELEMENTWISE + ROWS}
# Those that do not.
RESHAPING = {"glu": nl.glu, "crelu": nl.crelu}
ALL = dict(EVERY, **RESHAPING)
# The parameterised classes, with parameters that differ from the defaults.
CLASSES = [
    (nl.ScaledTanH, {"scale_in": 0.5, "scale_out": 2.4}),
    (nl.LeakyRectify, {"leakiness": 0.2}),
    (nl.SELU, {"scale": 1.5, "scale_neg": 0.7}),
    (nl.ELU, {"alpha": 0.5}),
    (nl.CELU, {"alpha": 1.7}),
    (nl.Swish, {"beta": 1.7}),
    (nl.Softplus, {"beta": 2.5}),
    (nl.Squareplus, {"b": 0.3}),
    (nl.HardSigmoid, {"slope": 0.2, "shift": 0.45}),
    (nl.HardTanh, {"min_value": -0.25, "max_value": 2}),
    (nl.ClippedRectify, {"max_value": 1.5}),
    (nl.HardShrink, {"threshold": 0.75}),
    (nl.SoftShrink, {"threshold": 0.75}),
    (nl.Threshold, {"threshold": 1, "value": 0.25}),
]
PARAMETERS = [(owner, name) for owner, given in CLASSES for name in given]
# Those with an axis; those with several, and what they do to a row; and those with a flag.
OF_ONE_AXIS = [nl.GLU, nl.CReLU]
OF_AXES = {
    nl.Softmax: ROWS_BY_NAME["softmax"],
    nl.LogSoftmax: ROWS_BY_NAME["log_softmax"],
    nl.Sparsemax: ROWS_BY_NAME["sparsemax"],
}
OTHER_CLASSES = [(owner, {"axis": 1}) for owner in [*OF_ONE_AXIS, *OF_AXES]] + [
    (nl.GELU, {"approximate": True})
]
