"""The density of an activation of a random variable, for ``pymc.logp``.

PyMC derives densities of operations that it knows. In an activation, which is made of several, it
does not find them: so those of random variables are put into its forms, as clip, or are given as
one operation with an inverse. Imported only where a program has imported PyMC.
"""

import copy
import inspect

import numpy as np
from pymc.logprob.rewriting import early_measurable_ir_rewrites_db, measurable_ir_rewrites_db
from pymc.logprob.transforms import MeasurableTransform, Transform
from pymc.logprob.utils import (
    CheckParameterValue,
    check_potential_measurability,
    filter_measurable_variables,
)
from pytensor import scalar
from pytensor import tensor as T
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import grad
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.elemwise import Elemwise

from lasagne_nl._calculus import like

# By the names of functions and classes: of the input and the parameters, what PyMC knows.
_FORMS = {
    "rectify": lambda x: T.clip(x, like(0, x), like(np.inf, x)),
    "ClippedRectify": lambda x, max_value: T.clip(x, like(0, x), max_value),
    "HardTanh": T.clip,
    "HardSigmoid": lambda x, slope, shift: T.clip(slope * x + shift, like(0, x), like(1, x)),
}


def _elu(y, alpha=1.0):
    return T.switch(y > 0, y, T.log1p(T.minimum(y, 0) / alpha)), -alpha, np.inf


def _celu(y, alpha):
    return T.switch(y > 0, y, alpha * T.log1p(T.minimum(y, 0) / alpha)), -alpha, np.inf


def _selu(y, scale, scale_neg):
    x, low, high = _elu(y / scale, scale_neg)
    return x, low * scale, high


def _softplus(y, beta=1.0):
    return y + T.log(-T.expm1(-beta * y)) / beta, 0, np.inf


def _tanh_shrink(y):
    size = T.maximum(abs(y), like(np.finfo(y.dtype).tiny, y))
    x = size + T.tanh((3 * size) ** like(1 / 3, y))
    for _ in range(5):  # Newton's steps, from what is right at both ends
        # x - tanh(x), which would cancel next to 0: there by tanh's continued fraction.
        square, fraction = T.sqr(T.minimum(x, 1)), 0
        for odd in range(15, 1, -2):
            fraction = square / (odd + fraction)
        near = T.switch(x < 1, x * fraction / (1 + fraction), x - T.tanh(x))
        x = x - (near - size) / T.sqr(T.tanh(x))
    return T.sign(y) * x, -np.inf, np.inf


# Of the result, and the parameters: the input, and the range of results.
_INVERSES = {
    "elu": _elu,
    "ELU": _elu,
    "CELU": _celu,
    "SELU": _selu,
    "LeakyRectify": lambda y, leakiness: (T.switch(y > 0, y, y / leakiness), -np.inf, np.inf),
    "softplus": _softplus,
    "Softplus": _softplus,
    "softsign": lambda y: (y / (1 - abs(y)), -1, 1),
    "Squareplus": lambda y, b: (y - b / (4 * y), 0, np.inf),
    "tanh_shrink": _tanh_shrink,
}
_FAR = 1e30  # above it no distribution has any weight
# Where the gradient, 1 - (1 - tanh(x)^2), would cancel.
_SLOPES = {"tanh_shrink": lambda x: T.sqr(T.tanh(x))}


def mark(y, activation):
    """Have the operation that makes a result bear the activation, also in a CustomDist."""
    is_known = _name(activation) in _FORMS or _name(activation) in _INVERSES
    node = getattr(y, "owner", None)
    if is_known and isinstance(getattr(node, "op", None), Elemwise):
        if not hasattr(node.op, "activation"):
            node.op = copy.copy(node.op)  # which is equal to the other
            node.op.activation = activation


class Activated(OpFromGraph):
    """An activation as one operation, until PyMC knows whether its input has a density."""

    def __init__(self, activation, *inputs):
        self.activation = activation
        super().__init__(list(inputs), [_applied(activation, *inputs)], inline=True)


class Increasing(scalar.Erf):
    """Stands for an increasing function of its first input: PyMC knows that erf is one. Unlike a
    sum or an exponential it takes part in no rewrite.
    """

    nin = -1


class _Inverse(Transform):
    """What the density of an increasing function is made of."""

    ndim_supp = 0

    def __init__(self, activation):
        self._activation, self._inverse = activation, _INVERSES[_name(activation)]

    def forward(self, value, *parameters):
        return _applied(self._activation, value, *parameters)

    def backward(self, value, *parameters):
        x, _, high = self._inverse(value, *parameters)
        return T.switch(value < high, x, like(_FAR, value))

    def log_jac_det(self, value, *parameters):
        x, low, high = self._inverse(value, *parameters)
        slope = _SLOPES.get(_name(self._activation))
        slope = slope(x) if slope else grad(self.forward(x, *parameters).sum(), x)
        log = -T.log(slope)
        # Above the range the density is 0; where this is NaN, the probability is, too.
        log = T.switch(value < high, log, like(-np.inf, value))
        log = T.switch(value > low, log, like(np.nan, value))
        must = "{}: parameters > 0".format(_name(self._activation))
        return CheckParameterValue(must)(log, *[T.all(one > 0) for one in parameters])


def _name(activation):
    is_function = inspect.isfunction(activation)
    return activation.__name__ if is_function else type(activation).__name__


def _parameters(activation):
    return getattr(activation, "_parameters", ())


def _applied(activation, x, *values):
    """An activation with variables for all of its parameters."""
    if values:
        activation = copy.copy(activation)
        vars(activation).update(zip(_parameters(activation), values))
    return activation(x)


def _inputs_of(activation, y):
    """The input and the parameters of an activation, found by those of another one like it."""
    x = y.type()
    values = [getattr(activation, one) for one in _parameters(activation)]
    symbols = [one.type() if hasattr(one, "type") else one for one in values]
    found, seen = {}, set()

    def are_alike(ours, other):
        if ours in seen or ours.owner is None:
            if ours is x or ours in symbols:
                return found.setdefault(ours, other) is other
            return not hasattr(ours, "data") or ours.equals(other)
        seen.add(ours)
        if other.owner is None or other.owner.op != ours.owner.op:
            return False
        return all(map(are_alike, ours.owner.inputs, other.owner.inputs))

    if not are_alike(_applied(activation, x, *symbols), y) or x not in found:
        return None
    parameters = [found.get(s) if hasattr(s, "type") else like(s, x) for s in symbols]
    return None if None in parameters else [found[x], *[p.astype(x.dtype) for p in parameters]]


@node_rewriter([Elemwise])
def find_activation(fgraph, node):
    """An activation of what may have a density -> a form that PyMC knows, or one operation"""
    activation = getattr(node.op, "activation", None)
    if activation is None or not check_potential_measurability(node.outputs):
        return None
    inputs = _inputs_of(activation, node.outputs[0])
    if inputs is None or check_potential_measurability(inputs[1:]):
        return None
    if _name(activation) in _FORMS:
        return [_FORMS[_name(activation)](*inputs)]
    return [Activated(activation, *[one.type() for one in inputs])(*inputs)]


@node_rewriter([Activated])
def measure_activation(fgraph, node):
    """An activation of what has a density -> a transformation of it"""
    if not filter_measurable_variables(node.inputs[:1]):
        return None
    transform = _Inverse(node.op.activation)
    op = Increasing(scalar.upcast_out)
    op = MeasurableTransform(op, transform=transform, measurable_input_idx=0)
    return [op(*node.inputs)]


for _db, _rewrite in (
    (early_measurable_ir_rewrites_db, find_activation),
    (measurable_ir_rewrites_db, measure_activation),
):
    # From an earlier import it serves these activations as well.
    if "lasagne_nl_" + _rewrite.__name__ not in _db.__db__:
        _db.register("lasagne_nl_" + _rewrite.__name__, _rewrite, "basic")
