"""The rewrites that put the fast operations into a graph, for the library in use."""

import numpy as np

from lasagne_nl._mends import of_rows
from lasagne_nl.simd import scalar_ops
from lasagne_nl.simd.recorder import FLOATS
from lasagne_nl.simd.scalar_ops import scalar, tools

TAG = "lasagne_nl_simd"
tensor = tools.tensor
Elemwise = type(tensor.exp)
_scaled_tanh = Elemwise(scalar_ops.ScaledTanh(name="scaled_tanh"))
_scaled_expm1 = Elemwise(scalar_ops.ScaledExpm1(name="scaled_expm1"))
_Tanh, _Expm1 = type(tensor.tanh.scalar_op), type(tensor.expm1.scalar_op)


def _is(variable, scalar_class):
    """Whether a variable is made by an elementwise operation of just this class."""
    return (
        variable.owner is not None
        and type(variable.owner.op) is Elemwise
        and type(variable.owner.op.scalar_op) is scalar_class
    )


def _only_client(fgraph, variable):
    return len(tools.clients(fgraph, variable)) == 1


def _is_only_squared(fgraph, variable):
    """Whether it serves the slope 1 - y^2 alone, which takes no notice of the rounding of a x."""
    clients = tools.clients(fgraph, variable)
    return all(node and _is(node.outputs[0], scalar.Sqr) for node in clients)


def _factors(variable):
    """A product as the scalars in it and the one factor that is none, or None."""
    if not _is(variable, scalar.Mul):
        return [], variable
    inputs = variable.owner.inputs
    if any(i.dtype != variable.dtype for i in inputs):
        return None
    scalars = [i for i in inputs if all(i.broadcastable)]
    others = [i for i in inputs if not all(i.broadcastable)]
    if len(others) != 1:
        return None
    return scalars, others[0]


def _is_extreme(variable):
    """Whether it is a constant whose product with another one may overflow or underflow."""
    value = _constant(variable)
    return value is not None and not 2.0**-60 < abs(value) < 2.0**60


def _two(scalars, like):
    """At most two scalars as two."""
    one = tensor.constant(np.ones((1,) * like.ndim, dtype=like.dtype))
    return (scalars + [one, one])[:2]


@tools.local(Elemwise)
def local_scaled_tanh(fgraph, node):
    """c tanh(a x) -> scaled_tanh(x, a, c)"""
    outer = _factors(node.outputs[0])
    if outer is None:
        return False
    outer_scalars, function = outer
    if not _is(function, _Tanh) or function.dtype not in FLOATS:
        return False
    if outer_scalars and not _only_client(fgraph, function):
        return False
    if not outer_scalars and _is_only_squared(fgraph, function):
        return False
    inner = _factors(function.owner.inputs[0])
    if inner is None:
        inner = [], function.owner.inputs[0]
    inner_scalars, x = inner
    if len(outer_scalars) > 1 or len(inner_scalars) > 1 or not outer_scalars + inner_scalars:
        return False
    if x.dtype != function.dtype or any(map(_is_extreme, inner_scalars + outer_scalars)):
        return False
    a, c = _two(inner_scalars, x)[0], _two(outer_scalars, x)[0]
    return [_scaled_tanh(x, a, c)]


@tools.local(Elemwise)
def local_scaled_expm1(fgraph, node):
    """c switch(p, x, d expm1(min(x, 0))) -> switch(p, c x, scaled_expm1(min(x, 0), c, d))"""
    outer = _factors(node.outputs[0])
    if outer is None:
        return False
    scalars, choice = outer
    if not _is(choice, scalar.Switch) or (scalars and not _only_client(fgraph, choice)):
        return False
    condition, positive, negative = choice.owner.inputs
    inner = _factors(negative)
    if inner is None:
        return False
    inner_scalars, function = inner
    if not _is(function, _Expm1) or function.dtype not in FLOATS:
        return False
    if (inner_scalars and not _only_client(fgraph, function)) or not _only_client(fgraph, negative):
        return False
    (x,) = function.owner.inputs
    if len(scalars + inner_scalars) > 2 or x.dtype != function.dtype or not _is_not_positive(x):
        return False
    negative = _scaled_expm1(x, *_two(scalars + inner_scalars, x))
    if scalars:
        positive = tensor.mul(positive, *scalars)
    return [tensor.switch(condition, positive, negative)]


@tools.local(Elemwise)
def local_kink(fgraph, node):
    """rectify and its leaky kin without the mean of two slopes, which makes no difference at 0

    switch(x > 0, x, switch(x < 0, n, (x + n) / 2 - abs(x))) -> switch(x > 0, x, a x) if n is a x,
    or switch(x < 0, 0, x) if n is 0
    """
    if not _is(node.outputs[0], scalar.Switch):
        return False
    is_positive, x, rest = node.inputs
    if x.dtype not in FLOATS or _compares_with_zero(is_positive, scalar.GT) is not x:
        return False
    if not _is(rest, scalar.Switch):
        return False
    is_negative, negative, at_zero = rest.owner.inputs
    if _compares_with_zero(is_negative, scalar.LT) is not x or not _is(at_zero, scalar.Sub):
        return False
    at_zero, size = at_zero.owner.inputs
    if not _is(size, scalar.Abs) or size.owner.inputs[0] is not x or not _is(at_zero, scalar.Mul):
        return False
    middle = [i for i in at_zero.owner.inputs if _constant(i) != 0.5]
    if len(middle) != 1 or len(at_zero.owner.inputs) != 2:
        return False
    if _is_zero(negative):
        if middle[0] is not x:
            return False
        return [tensor.switch(is_negative, negative, x)]
    if not _is(middle[0], scalar.Add) or set(middle[0].owner.inputs) != {x, negative}:
        return False
    if not _is(negative, scalar.Switch) or len(middle[0].owner.inputs) != 2:
        return False
    condition, zero, product = negative.owner.inputs
    if _compares_with_zero(condition, scalar.GT) is not x or not _is_zero(zero):
        return False
    if not _is(product, scalar.Mul) or x not in product.owner.inputs:
        return False
    return [tensor.switch(is_positive, x, product)]


def _is_not_positive(variable):
    """Whether it is switch(x > 0, 0, x)."""
    if not _is(variable, scalar.Switch):
        return False
    condition, zero, x = variable.owner.inputs
    return _compares_with_zero(condition, scalar.GT) is x and _is_zero(zero)


def _compares_with_zero(condition, comparison):
    """The x of a comparison of x with 0, or None."""
    if not _is(condition, comparison) or not _is_zero(condition.owner.inputs[1]):
        return None
    return condition.owner.inputs[0]


def _is_zero(variable):
    return _constant(variable) == 0


def _constant(variable):
    """The value of a constant that is the same all over, or None."""
    while variable.owner and type(variable.owner.op).__name__ == "DimShuffle":
        variable = variable.owner.inputs[0]
    data = np.asarray(getattr(variable, "data", np.array([])))
    return data.flat[0] if data.size and (data == data.flat[0]).all() else None


@tools.local(Elemwise)
def local_kernels(fgraph, node):
    """The library's scalar functions of floats -> those of `scalar_ops`."""
    if type(node.op) is not Elemwise:
        return False
    replacement = scalar_ops.REPLACEMENTS.get(type(node.op.scalar_op))
    if replacement is None or node.inputs[0].dtype not in FLOATS:
        return False
    if node.outputs[0].dtype not in (node.inputs[0].dtype, "bool"):
        return False
    new = replacement.__new__(replacement)
    vars(new).update(vars(node.op.scalar_op))
    return [Elemwise(new, node.op.inplace_pattern)(*node.inputs)]


def _in_order(variable, order):
    return variable if order == sorted(order) else variable.dimshuffle(order)


def local_softmax_of_rows(as_matrix):
    """A rewrite of the softmax of Theano's successors along one axis -> that of rows, which are
    those of a matrix where it asks for one.
    """
    from lasagne_nl.simd import rows

    names = ("Softmax", "LogSoftmax", "SoftmaxGrad")
    replacements = {
        getattr(tools.special, name): getattr(rows, "Row" + name)()
        for name in names
        if hasattr(tools.special, name)
    }

    @tools.local(*replacements)
    def local_softmax(fgraph, node):
        ndim, axes = node.inputs[0].ndim, node.op.axis
        axes = axes if isinstance(axes, tuple) else (axes,)
        if any(i.dtype not in FLOATS for i in node.inputs) or axes[0] is None or len(axes) != 1:
            return False
        op, last = replacements[type(node.op)], axes[0] % ndim
        order = [axis for axis in range(ndim) if axis != last] + [last]
        inputs = [_in_order(one, order) for one in node.inputs]
        result = of_rows(op, *inputs) if as_matrix else op(*inputs)
        return [_in_order(result, [order.index(axis) for axis in range(ndim)])]

    return local_softmax


def add(position, name, rewrite, tags, **options):
    """Have a rewrite made at a position in the order of Theano's passes, in modes with a tag."""
    # Theano's successors fuse sums and products at 48.
    position -= 1 if 48 < position < 49 and not tools.is_theano else 0
    options["ignore_newtrees"] = True
    tools.register("{}_{}".format(TAG, name), position, rewrite, tags=(TAG, *tags), **options)


def register(*tags, name="{}"):
    """Have the rewrites of scalar functions made in modes with these tags."""
    # Before elementwise fusion (49), so that the functions fuse with what surrounds them; after
    # what moves a graph to a GPU (48.5). A product is met before its factors.
    add(48.80, name.format("kink"), local_kink, tags, order="outputs first")
    add(48.81, name.format("scaled_expm1"), local_scaled_expm1, tags, order="outputs first")
    add(48.82, name.format("scaled_tanh"), local_scaled_tanh, tags, order="outputs first")
    add(48.83, name.format("kernels"), local_kernels, tags)
