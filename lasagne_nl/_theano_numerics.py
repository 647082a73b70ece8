"""What Theano 1.0.5 and Theano-PyMC 1.1.2 compute wrongly, or not at all, mended from outside.

A softmax and its log for any number of dimensions, and rewrites for Theano's optimiser, registered
when this module is imported:

- the log of that softmax, and its gradient, stay finite where a probability has rounded to 0, as
  Theano's own rewrites have it for matrices;
- the logistic function and softplus are exact to a few units in the last place. Theano cuts both
  off: in float64 its sigmoid is 1 above 19 and its softplus x above 16, which is off by 5.0e7 and
  3.2e7 units in the last place; without C code both are 0 below -30.

Theano's own ops stay in the graph until its stability rewrites have had their turn, and are
expanded only then. All rewrites bear the tag ``lasagne_nl``:
``THEANO_FLAGS=optimizer_excluding=lasagne_nl`` switches them off where no mode is named.
"""

import sys

from theano import scalar, tensor
from theano.compile import optdb
from theano.tensor import nnet
from theano.tensor.elemwise import DimShuffle, Elemwise
from theano.tensor.nnet import sigm
from theano.tensor.nnet.nnet import LogSoftmax, Softmax, SoftmaxGrad, softmax_op
from theano.tensor.opt import in2out

from lasagne_nl._activity import while_awake

_TAG = "lasagne_nl"
# Its module is theano.gof.opt in Theano, theano.graph.opt in Theano-PyMC.
local_optimizer = sys.modules[in2out.__module__].local_optimizer
# Ops that show their first input in another shape, each entry in its place.
_VIEWS = (tensor.Reshape, DimShuffle, tensor.Rebroadcast)


def softmax(x):
    """Softmax along the last axis of `x`, which has at least one dimension."""
    return _of_rows(softmax_op, x)


def log_softmax(x):
    """The log of `softmax`, which stays finite where a probability rounds to 0."""
    return _of_rows(LogSoftmax(), x)


def _of_rows(op, x):
    """An operation on the rows of a matrix, along the last axis of `x`."""
    if x.ndim == 2:
        return op(x)
    number_of_rows = 1
    for axis in range(x.ndim - 1):
        number_of_rows = number_of_rows * x.shape[axis]
    rows = op(x.reshape((number_of_rows, x.shape[x.ndim - 1])))
    return tensor.patternbroadcast(rows.reshape(x.shape, ndim=x.ndim), x.broadcastable)


def _register_beside_theanos_own(rewrite):
    # Where Theano registers local_logsoftmax, and with the same tags.
    tensor.opt.register_specialize(rewrite, "stabilize", "fast_compile", _TAG)
    return rewrite


@_register_beside_theanos_own
@local_optimizer([Elemwise])
@while_awake
def local_log_of_reshaped_softmax(node):
    """log(view(softmax(x))) -> view(logsoftmax(x))"""
    if not isinstance(node.op.scalar_op, scalar.Log):
        return False
    views, rows = _look_through_views(node.inputs[0])
    if not views or not _is_made_by(rows, Softmax):
        return False
    result = LogSoftmax()(rows.owner.inputs[0])
    for view in reversed(views):
        result = view.op(result, *view.inputs[1:])
    return [result] if result.type == node.outputs[0].type else False


@_register_beside_theanos_own
@local_optimizer([SoftmaxGrad])
@while_awake
def local_log_of_reshaped_softmax_grad(node):
    """softmax_grad(view(g / view(sm)), sm) -> the gradient of logsoftmax, which does not divide"""
    upstream, rows = node.inputs
    views, quotient = _look_through_views(upstream)
    if not (_is_made_by(quotient, Elemwise) and quotient.owner.op == tensor.true_div):
        return False
    numerator, denominator = quotient.owner.inputs
    views_of_denominator, divided_by = _look_through_views(denominator)
    if divided_by is not rows or not (views or views_of_denominator):
        return False
    # The denominator, as the gradient sees it, has to be the softmax entry by entry.
    if not _keep_the_order(reversed(views + views_of_denominator)):
        return False
    if numerator.broadcastable != denominator.broadcastable:
        numerator = tensor.alloc(
            numerator, *[denominator.shape[i] for i in range(denominator.ndim)]
        )
    gradient = tensor.patternbroadcast(numerator, quotient.broadcastable)
    for view in reversed(views):
        gradient = view.op(gradient, *view.inputs[1:])
    result = gradient - tensor.sum(gradient, axis=1, keepdims=True) * rows
    result = tensor.patternbroadcast(result, node.outputs[0].broadcastable)
    return [result] if result.type == node.outputs[0].type else False


def _look_through_views(variable):
    """The nodes that only reshape, outermost first, and the variable that they reshape."""
    views = []
    while variable.owner is not None and isinstance(variable.owner.op, _VIEWS):
        views.append(variable.owner)
        variable = variable.owner.inputs[0]
    return views, variable


def _keep_the_order(views):
    """Whether views, innermost first, show the entries in the order that they had before them."""
    axes = None  # where each axis comes from since the last reshape; None is all in their places
    for node in views:
        if isinstance(node.op, DimShuffle):
            new = node.op.new_order
            axes = [a if a == "x" or axes is None else axes[a] for a in new]
        elif isinstance(node.op, tensor.Reshape):
            if not _ascend(axes):
                return False
            axes = None
    return _ascend(axes)


def _ascend(axes):
    kept = [axis for axis in axes or () if axis != "x"]
    return kept == sorted(kept)


def _is_made_by(variable, op_class):
    return variable.owner is not None and isinstance(variable.owner.op, op_class)


def _accurate_sigmoid(x):
    exponential = tensor.exp(-abs(x))
    return tensor.switch(x > 0, 1, exponential) / (1 + exponential)


def _accurate_softplus(x):
    return tensor.switch(x > 0, x, 0) + tensor.log1p(tensor.exp(-abs(x)))


_ACCURATE = {
    sigm.ScalarSigmoid: _accurate_sigmoid,
    sigm.ScalarSoftplus: _accurate_softplus,
}


@local_optimizer([nnet.sigmoid, nnet.softplus])
@while_awake
def local_accurate_sigmoid_and_softplus(node):
    """Write sigmoid and softplus of float32 and float64 in ops that do not cut them off."""
    expand = _ACCURATE.get(type(getattr(node.op, "scalar_op", None)))
    if expand is None:
        return False
    (x,) = node.inputs
    # float16 is left alone: its range ends before the cuts, and Theano computes it in float32.
    if x.dtype not in ("float32", "float64"):
        return False
    result = expand(x)
    return [result] if result.type == node.outputs[0].type else False


# After the stability rewrites (positions 1 to 3) and after those of `simd`, which serve the same
# functions faster (48.83); before elementwise fusion (49).
optdb.register(
    "lasagne_nl_accurate",
    in2out(local_accurate_sigmoid_and_softplus, name="lasagne_nl_accurate"),
    48.9,
    "fast_run",
    "fast_compile",
    _TAG,
)
