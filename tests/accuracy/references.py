"""What is measured, and the formulas that it is measured against, in NumPy.

A formula takes a vector of a type that is wider than that of the activation (float64 for float32,
x86's long double for float64), so its own rounding does not show in the error of the activation;
`sweep.check` compares with mpmath whether that is so. Zeros have the sign of the true limit.
"""

import copy

import mpmath
import numpy as np
from activations import BY_NAME, INF, Case
from helpers import T, library
from mpmath import mpf
from scipy import special

from lasagne_nl import nonlinearities as nl

NAN = float("nan")


def _sigmoid(x):
    exponential = np.exp(-np.abs(x))
    return np.where(x > 0, 1, exponential) / (1 + exponential)


def _softplus(x):
    return np.where(x > 0, x, 0) + np.log1p(np.exp(-np.abs(x)))


def _elu(x, alpha=1, inner=1, scale=1):
    return scale * np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x) / inner))


def _gated(x, exponent):
    """x sigmoid(exponent); an infinite x has its limit, 0 or itself."""
    gate = _sigmoid(exponent)
    return np.where(gate == 0, np.copysign(0, x), x * gate)


def _gelu(x):
    tail = special.erfc(-x / np.sqrt(2)) / 2
    return np.where(tail == 0, np.copysign(0, x), x * tail)


def _mish(x):
    e = np.exp(-np.abs(x))
    above = 2 * e * e / (1 + 2 * e + 2 * e * e)
    below = e * (2 + e) / (2 + 2 * e + e * e)
    left = np.where(e == 0, np.copysign(0, x), x * below)
    return np.where(x > 0, np.where(e == 0, x, x - x * above), left)


def _squareplus(x, b):
    root = np.sqrt(x * x + b)
    return np.where(x > 0, x + root, b / (root - x)) / 2


def _ramp(x, end, slope):
    """0 up to -end, 1 from end on."""
    return np.where(x < -end, 0, np.where(x > end, 1, slope * (x + end)))


def _clipped(x, low, high):
    return np.where(x == low, low, np.clip(x, low, high))  # 0 for -0.0, where that is the bound


def _tanh_shrink(x):
    small = np.where(np.abs(x) < 1, x, 0)
    square = small * small
    near_0 = _polynomial(_SERIES_OF_TANH_SHRINK.astype(x.dtype), square) * square * small
    return np.where(np.abs(x) < 1, near_0, x - np.tanh(x))


def _erf(x):
    if x.dtype == np.float64:
        return special.erf(x)
    small = np.where(np.abs(x) < 0.5, x, 0)
    near_0 = _polynomial(_SERIES_OF_ERF.astype(x.dtype), small * small) * small
    return np.where(np.abs(x) < 0.5, near_0, np.copysign(1 - _erfc_of_positive(np.abs(x)), x))


def _erfc(x):
    if x.dtype == np.float64:
        return special.erfc(x)
    tail = _erfc_of_positive(np.abs(x))
    return np.where(x < 0, 2 - tail, np.where(x < 0.5, 1 - _erf(x), tail))


def _polynomial(coefficients, x):
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + coefficient
    return result


def _erfc_of_positive(x):
    """erfc by its Taylor series at the nearest of a grid of points, relative to its value there."""
    clipped = np.where(x < _END_OF_ERFC, x, _END_OF_ERFC)  # it is 0 from there on
    node = np.rint(clipped * _NODES_PER_UNIT).astype(np.intp)
    series = _polynomial(np.moveaxis(_SERIES_OF_ERFC[node], 1, 0), clipped - node / _NODES_PER_UNIT)
    return np.where(np.isnan(x), x, np.where(x < _END_OF_ERFC, series, 0))


def _wide(numbers):
    """Numbers of mpmath as an array of the widest type that NumPy has."""
    return np.array([np.longdouble(mpmath.nstr(number, 25)) for number in numbers])


def _taylor_of_erfc(point):
    # The derivatives of exp(-x^2) over factorials, by its differential equation y' = -2 x y.
    slope = [-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(mpf(point) ** 2))]
    for k in range(_TERMS):
        slope.append(-2 * (mpf(point) * slope[k] + (slope[k - 1] if k else 0)) / (k + 1))
    return _wide([mpmath.erfc(point)] + [s / (k + 1) for k, s in enumerate(slope[:_TERMS])])


_END_OF_ERFC = 27.5  # erfc is below a quarter of the smallest float64 from 27.3
_NODES_PER_UNIT = 16.0  # a power of 2: nodes are exact
_TERMS = 26
_SERIES_OF_ERFC = np.array(
    [
        _taylor_of_erfc(node / _NODES_PER_UNIT)
        for node in range(int(_END_OF_ERFC * _NODES_PER_UNIT) + 1)
    ]
)
_SERIES_OF_ERF = _wide(
    2 / mpmath.sqrt(mpmath.pi) * mpf(-1) ** n / (mpmath.factorial(n) * (2 * n + 1))
    for n in range(18)
)


_SERIES_OF_TANH_SHRINK = _wide(
    -(mpf(4) ** n) * (mpf(4) ** n - 1) * mpmath.bernoulli(2 * n) / mpmath.factorial(2 * n)
    for n in range(2, 60)
)


class Function(Case):
    """A function of the tensor library, as users' own graphs call it; only its value matters."""

    def __init__(self, name, activation, value, limits):
        super().__init__(name, activation, value, None, None, limits, (0, 0))


def _erfc_of_mpmath(x):
    # Far out mpmath fails with OverflowError.
    return mpmath.erfc(x) if abs(x) < 1e4 else mpf(2 if x < 0 else 0)


def _log(x):
    return mpmath.log(x) if x > 0 else -INF if x == 0 else NAN


FUNCTIONS = [
    Function("exp", T.exp, mpmath.exp, (0, INF)),
    Function("expm1", T.expm1, mpmath.expm1, (-1, INF)),
    Function("log", T.log, _log, (NAN, INF)),
    Function("log1p", T.log1p, lambda x: mpmath.log1p(x) if x > -1 else _log(1 + x), (NAN, INF)),
    # As activations these three are the bare function.
    BY_NAME["tanh"],
    BY_NAME["sigmoid"],
    BY_NAME["softplus"],
    Function("erf", T.erf, mpmath.erf, (-1, 1)),
    Function("erfc", T.erfc, _erfc_of_mpmath, (2, 0)),
]
# An exponent that is rounded in long double would already show in float64.
BY_MPMATH_IN_FLOAT64 = {"gelu", "GELU(approximate=True)"}

# By the name of a case, or for all of a class.
FORMULAS = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    nl.ScaledTanH: lambda x, scale_in, scale_out: np.tanh(scale_in * x) * scale_out,
    "rectify": lambda x: np.where(x <= 0, 0, x),  # of -0.0, too
    "LeakyRectify(0)": lambda x: np.where(x <= 0, 0, x),
    nl.LeakyRectify: lambda x, leakiness: np.where(x > 0, x, leakiness * x),
    "elu": _elu,
    nl.SELU: lambda x, scale, scale_neg: _elu(x, scale_neg, scale=scale),
    "softplus": _softplus,
    "linear": np.positive,
    nl.ELU: _elu,
    nl.CELU: lambda x, alpha=1: _elu(x, alpha, alpha),
    "gelu": _gelu,
    "GELU(approximate=True)": lambda x: _gated(x, np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)),
    nl.Swish: lambda x, beta: _gated(x, beta * x),
    "mish": _mish,
    "softsign": lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))),
    nl.Softplus: lambda x, beta: _softplus(beta * x) / beta,
    nl.Squareplus: _squareplus,
    "hard_sigmoid": lambda x, slope: _ramp(x, 3, slope),
    "HardSigmoid(0.2)": lambda x, slope: _ramp(x, 2.5, slope),
    nl.HardTanh: _clipped,
    nl.ClippedRectify: _clipped,
    "hard_silu": lambda x: np.where(x <= -3, 0, np.where(x > 3, x, x * (x + 3) / 6)),
    "log_sigmoid": lambda x: -_softplus(-x),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x > 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.where(x <= -1, 0, np.where(x > 1, 1, (x + 1) / 2)),
    "HardShrink()": lambda x, end: np.where(np.abs(x) <= end, 0, x),
    "SoftShrink(0.75)": lambda x, end: np.where(np.abs(x) <= end, 0, x - np.copysign(end, x)),
    "tanh_shrink": _tanh_shrink,
    "Threshold(1, 0.25)": lambda x, threshold, value: np.where(x <= threshold, value, x),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "erf": _erf,
    "erfc": _erfc,
}


def formula_of(case):
    return FORMULAS.get(case.name) or FORMULAS.get(type(case.activation))


PARAMETERS = 0.001, 0.02, 0.1, 1 / 3.0, 0.6, 1.7, 2.5, 3, 7.3, 40
# The class of a case, and what follows its first parameter.
_PARAMETERISED = {
    "ScaledTanH(2/3, 1.7159)": (nl.ScaledTanH, 1.7159),
    "selu": (nl.SELU, 1.67),
    "ELU(0.5)": (nl.ELU,),
    "CELU(1.7)": (nl.CELU,),
    "Swish(1.75)": (nl.Swish,),
    "Softplus(2.5)": (nl.Softplus,),
    "Squareplus(0.3)": (nl.Squareplus,),
}


def _at_parameters():
    for name, (owner, *others) in _PARAMETERISED.items():
        for parameter in PARAMETERS:
            case = copy.copy(BY_NAME[name])
            case.constants = (parameter, *others)
            case.activation = owner(*case.constants)
            numbers = ", ".join(map("{:.3g}".format, case.constants))
            case.name = "{}({})".format(owner.__name__, numbers)
            if owner in (nl.Swish, nl.Softplus):  # of whose factors the product is rounded
                BY_MPMATH_IN_FLOAT64.add(case.name)
            yield case.name, case


def _slope_of(activation):
    return lambda x: library.grad(activation(x).sum(), x)


class Gradient(Case):
    """The gradient of an activation, for an incoming one of 1.

    A slope may cross 0: below `least` its error counts in units of that.
    """

    least = 0.3

    def __init__(self, case):
        vars(self).update(vars(case), name=case.name + ", gradient")
        self._case = case
        self.activation = _slope_of(case.activation)
        # What float32 is measured against: of float64, at the parameters as they are in float32.
        activation, self.in_float64 = copy.copy(case.activation), copy.copy(self)
        for parameter, value in vars(activation).items():
            if isinstance(value, float):
                setattr(activation, parameter, float(np.float32(value)))
        self.in_float64.activation = _slope_of(activation)

    def truth(self, order, x, dtype):
        return self._case.truth(order + 1, x, dtype)


# The tables that a name is looked up in.
TABLES = {
    "activations": BY_NAME,
    "functions": {case.name: case for case in FUNCTIONS},
    "parameters": dict(_at_parameters()),
    "gradients": {name: Gradient(case) for name, case in BY_NAME.items() if name != "linear"},
}
