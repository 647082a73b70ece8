"""The rewrites that put the fast operations into a graph, for the library in use."""

from lasagne_nl._mends import of_rows
from lasagne_nl.backend import library
from lasagne_nl.simd import scalar_ops
from lasagne_nl.simd.recognition import Elemwise, local_activation
from lasagne_nl.simd.recorder import FLOATS
from lasagne_nl.simd.scalar_ops import tools

TAG = "lasagne_nl_simd"


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
    # Before any other changes the expressions; what holds others is met before them. What moves a
    # graph to a GPU does not know these operations.
    if getattr(library.config, "device", "cpu") == "cpu":
        add(0.2, name.format("activations"), local_activation, tags, order="outputs first")
    # Before elementwise fusion (49), so that the functions fuse with what surrounds them; after
    # what moves a graph to a GPU (48.5).
    add(48.83, name.format("kernels"), local_kernels, tags)
