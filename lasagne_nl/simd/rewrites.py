"""The rewrites that put the fast operations into a graph, for the library in use."""

from functools import partial
from itertools import permutations

from lasagne_nl._calculus import along
from lasagne_nl.backend import library, of_rows
from lasagne_nl.simd import rows, scalar_ops
from lasagne_nl.simd.recognition import Elemwise, bare, local_activation, local_slope, matches
from lasagne_nl.simd.recorder import FLOATS
from lasagne_nl.simd.scalar_ops import tools

TAG = "lasagne_nl_simd"
tensor = tools.tensor


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


def _along(op, axis, inputs, as_matrix):
    """An operation on the rows of inputs of one shape, which lie along an axis."""
    return along((axis,), partial(of_rows, op) if as_matrix else op, *inputs)


def _axis(softmax, as_matrix):
    """The only axis of a softmax of the library, or None: also of one that Numba, which computes no
    matrices, is to compute along the first of several. PyTensor walks along its rows all at once.
    """
    axes, ndim = getattr(softmax.op, "axis", -1), softmax.inputs[0].ndim
    axes = axes if isinstance(axes, tuple) else (axes,)
    if len(axes) != 1 or axes[0] is None:
        return None
    axis = axes[0] % ndim
    return axis if as_matrix or axis > 0 or ndim == 1 else None


def _terms(variable, op):
    """The two inputs of the given operation, in both orders, if it makes the variable."""
    node = variable.owner
    is_made = node is not None and node.op == op and len(node.inputs) == 2
    return permutations(node.inputs) if is_made else ()


def _bias(x):
    """The matrix and the vector whose sum x is, if it is such a sum."""
    for one, other in _terms(x, tensor.add):
        row = bare(other)
        is_row = row.ndim == 1 and row.dtype == x.dtype and one.type == x.type
        if is_row and row.type.broadcastable[0] == x.type.broadcastable[1]:
            return [one, row]
    return None


def local_softmax_of_rows(as_matrix):
    """A rewrite of the softmax of Theano's successors along one axis -> that of rows, which are
    those of a matrix where it asks for one.
    """
    names = ("Softmax", "LogSoftmax", "SoftmaxGrad")
    replacements = {
        getattr(tools.special, name): getattr(rows, "Row" + name)()
        for name in names
        if hasattr(tools.special, name)
    }

    @tools.local(*replacements)
    def local_softmax(fgraph, node):
        axis = _axis(node, as_matrix)
        if axis is None or any(one.dtype not in FLOATS for one in node.inputs):
            return False
        op, (x, *_) = replacements[type(node.op)], node.inputs
        if x.ndim == 2 and axis == 1 and len(node.inputs) == 1:
            parts = _bias(x)
            if parts and len(tools.clients(fgraph, x)) == 1:
                return [op(*parts)]
        return [_along(op, axis, node.inputs, as_matrix)]

    return local_softmax


def local_gradient_of_rows(as_matrix):
    """A rewrite of the gradients of softmax and log_softmax, where they are no operations."""

    @tools.local(tensor.sub)
    def local_gradient(fgraph, node):
        """h - sum(h) s for s = softmax(x), which has no other client, or for h = g s"""
        h, product = node.inputs
        for total, softmax in _terms(product, tensor.mul):
            if not (softmax.owner and isinstance(softmax.owner.op, tools.special.Softmax)):
                continue
            axis = _axis(softmax.owner, as_matrix)
            if axis is None or h.type != softmax.type or h.dtype not in FLOATS:
                continue
            if not matches(h.sum(axis=axis, keepdims=True), total, {bare(h): h}):
                continue
            for g, factor in _terms(h, tensor.mul):
                if factor is softmax and g.type == h.type:
                    return [_along(rows.RowSoftmaxGrad(), axis, [g, softmax], as_matrix)]
            if len(tools.clients(fgraph, softmax)) == 1:
                x = softmax.owner.inputs[0]
                return [_along(rows.RowLogSoftmaxGrad(), axis, [h, x], as_matrix)]
        return False

    return local_gradient


def add(position, name, rewrite, tags, **options):
    """Have a rewrite made at a position in the order of Theano's passes, in modes with a tag."""
    # Theano's successors fuse sums and products at 48.
    position -= 1 if 48 < position < 49 and not tools.is_theano else 0
    options["ignore_newtrees"] = True
    tools.register("{}_{}".format(TAG, name), position, rewrite, tags=(TAG, *tags), **options)


def register(tags, as_matrix, name="{}", softmax=None):
    """Have the rewrites made in modes with these tags; `softmax` is Theano's, whose successors have
    another one.
    """
    gradients = local_gradient_of_rows(as_matrix)
    # What moves graphs to a GPU does not know these operations. A flag that asks for a GPU moves
    # nothing where there is none: Theano says so, and goes on.
    if not getattr(getattr(library, "gpuarray", None), "pygpu_activated", False):
        # Before any other changes the expressions; what holds others is met before them.
        add(0.2, name.format("activations"), local_activation, tags, order="outputs first")
        # Canonical form has factors of the loss in the midst of a gradient, so some are found
        # before, others only in it.
        add(0.21, name.format("softmax_gradients_first"), gradients, tags)
    # Not before what is divided by a slope, and the slope, have cancelled.
    add(48.82, name.format("slopes"), local_slope, tags)
    # Before elementwise fusion (49), so that the functions fuse with what surrounds them; after
    # what moves a graph to a GPU (48.5).
    add(48.83, name.format("kernels"), local_kernels, tags)
    # First the gradients, which look for the library's own softmax.
    add(48.835, name.format("softmax_gradients"), gradients, tags)
    add(48.84, name.format("softmax"), softmax or local_softmax_of_rows(as_matrix), tags)
