"""The one table that the tests are parametrised over: a line an activation.

Each line has the activation, and what mathematics says of it: value, slope and curvature as
functions for mpmath, the limits at -inf and inf, and what Lasagne computes for it. The constants
of a formula come as the floats that the activation uses, rounded to the dtype at hand.
"""

import mpmath
import numpy as np
from mpmath import mpf

from lasagne_nl import nonlinearities as nl

mpmath.mp.dps = 60
INF = float("inf")
LEAK, VERY_LEAKY = 0.01, 1.0 / 3
SCALE, SCALE_NEG = nl.selu.scale, nl.selu.scale_neg
LECUN = (2.0 / 3, 1.7159)


class Case:
    """One activation and the truth about it, elementwise.

    Parameters
    ----------
    name : str
        What the test is called.
    activation : callable
        The activation.
    value, slope, curvature : callable
        The formula and its derivatives, from (mpf, constants...) to mpf; called away from 0 for
        activations with a kink.
    constants : tuple of float
        What the formulas need besides x.
    limits, slopes : tuple
        Value and slope at -inf and at inf.
    at_zero : tuple
        Slope and curvature at 0, where they are not those of the formula: (slope, curvature).
    lasagne : callable
        From (tensor module, nnet module, x) to what Lasagne computes.
    """

    def __init__(
        self, name, activation, value, slope, curvature, limits, slopes, lasagne,
        constants=(), at_zero=None,
    ):  # fmt: skip
        self.name = name
        self.activation = activation
        self._formulas = (value, slope, curvature)
        self.constants = constants
        self.limits = limits
        self.slopes = slopes
        self.at_zero = at_zero
        self.lasagne = lasagne

    def truth(self, order, x, dtype):
        """The exact derivative of an order (0 is the value) at the float `x`: an mpf, or a float
        where it is NaN or infinite."""
        if np.isnan(x):
            return float("nan")
        constants = [mpf(float(np.dtype(dtype).type(c))) for c in self.constants]
        if np.isinf(x):
            side = int(x > 0)
            limit = (self.limits[side], self.slopes[side], 0)[order]
            return limit(*constants) if callable(limit) else limit
        if x == 0 and order > 0 and self.at_zero is not None:
            at_zero = self.at_zero[order - 1]
            return at_zero(*constants) if callable(at_zero) else mpf(at_zero)
        return mpf(self._formulas[order](mpf(float(x)), *constants))

    def __repr__(self):
        return self.name


def _sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x > 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


def _sigmoid_slope(x):
    return mpmath.exp(-abs(x)) / (1 + mpmath.exp(-abs(x))) ** 2


def _sigmoid_curvature(x):
    return _sigmoid_slope(x) * (_sigmoid(-x) - _sigmoid(x))


def _sech2(x):
    e = mpmath.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def _softplus(x):
    return max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x)))


def _kinked(x, negative):
    return x if x > 0 else negative * x


def _leaky_in_lasagne(T, x, leakiness):
    return 0.5 * (1 + leakiness) * x + 0.5 * (1 - leakiness) * abs(x)


def _leaky(name, activation, leakiness):
    return Case(
        name, activation,
        lambda x, a: _kinked(x, a),
        lambda x, a: mpf(1) if x > 0 else a,
        lambda x, a: mpf(0),
        limits=(-INF, INF), slopes=(lambda a: a, 1), constants=(leakiness,),
        at_zero=(lambda a: (1 + a) / 2, 0),
        lasagne=lambda T, nnet, x: _leaky_in_lasagne(T, x, leakiness),
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


def _scaled_elu(name, activation, scale, scale_neg, lasagne):
    return Case(
        name, activation,
        lambda x, s, n: s * (x if x > 0 else n * mpmath.expm1(x)),
        lambda x, s, n: s if x > 0 else s * n * mpmath.exp(x),
        lambda x, s, n: mpf(0) if x > 0 else s * n * mpmath.exp(x),
        limits=(lambda s, n: -s * n, INF), slopes=(0, lambda s, n: s), constants=(scale, scale_neg),
        lasagne=lasagne,
    )  # fmt: skip


ELEMENTWISE = [
    Case("sigmoid", nl.sigmoid, _sigmoid, _sigmoid_slope, _sigmoid_curvature,
         limits=(0, 1), slopes=(0, 0), lasagne=lambda T, nnet, x: nnet.sigmoid(x)),
    Case("tanh", nl.tanh, mpmath.tanh, _sech2, lambda x: -2 * mpmath.tanh(x) * _sech2(x),
         limits=(-1, 1), slopes=(0, 0), lasagne=lambda T, nnet, x: T.tanh(x)),
    _scaled_tanh("ScaledTanH()", nl.ScaledTanH(), 1, 1),
    _scaled_tanh("ScaledTanH(2/3, 1.7159)", nl.ScaledTanH(*LECUN), *LECUN),
    Case("rectify", nl.rectify, lambda x: max(x, 0), lambda x: mpf(x > 0), lambda x: mpf(0),
         limits=(0, INF), slopes=(0, 1), at_zero=(0.5, 0),
         lasagne=lambda T, nnet, x: 0.5 * (x + abs(x))),
    Case("LeakyRectify(0)", nl.LeakyRectify(0), lambda x: max(x, 0), lambda x: mpf(x > 0),
         lambda x: mpf(0), limits=(0, INF), slopes=(0, 1), at_zero=(0.5, 0),
         lasagne=lambda T, nnet, x: _leaky_in_lasagne(T, x, 0)),
    _leaky("leaky_rectify", nl.leaky_rectify, LEAK),
    _leaky("very_leaky_rectify", nl.very_leaky_rectify, VERY_LEAKY),
    Case("elu", nl.elu, lambda x: x if x > 0 else mpmath.expm1(x),
         lambda x: mpf(1) if x > 0 else mpmath.exp(x), lambda x: mpf(0) if x > 0 else mpmath.exp(x),
         limits=(-1, INF), slopes=(0, 1),
         lasagne=lambda T, nnet, x: T.switch(x > 0, x, T.expm1(x))),
    _scaled_elu("SELU()", nl.SELU(), 1, 1, lambda T, nnet, x: T.switch(x > 0, x, T.expm1(x))),
    _scaled_elu("selu", nl.selu, SCALE, SCALE_NEG,
                lambda T, nnet, x: SCALE * T.switch(x > 0, x, SCALE_NEG * T.expm1(x))),
    Case("softplus", nl.softplus, _softplus, _sigmoid, _sigmoid_slope,
         limits=(0, INF), slopes=(0, 1), lasagne=lambda T, nnet, x: nnet.softplus(x)),
    Case("linear", nl.linear, lambda x: x, lambda x: mpf(1), lambda x: mpf(0),
         limits=(-INF, INF), slopes=(1, 1), lasagne=lambda T, nnet, x: x),
]  # fmt: skip

BY_NAME = {case.name: case for case in ELEMENTWISE}


def softmax_truth(row):
    """The exact softmax of a row of finite floats, as a list of mpf."""
    row = [mpf(float(x)) for x in row]
    exponentials = [mpmath.exp(x - max(row)) for x in row]
    return [e / sum(exponentials) for e in exponentials]


# Every activation by name, softmax with the rest: what is not about single elements.
EVERY = dict({case.name: case.activation for case in ELEMENTWISE}, softmax=nl.softmax)
# The parameterised classes, with parameters that differ from the defaults.
CLASSES = [
    (nl.ScaledTanH, {"scale_in": 0.5, "scale_out": 2.4}),
    (nl.LeakyRectify, {"leakiness": 0.2}),
    (nl.SELU, {"scale": 1.5, "scale_neg": 0.7}),
]
