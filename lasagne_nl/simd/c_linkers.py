"""What only the C linkers get: the loop that vectorises, and the operations on rows of softmax."""

from lasagne_nl.simd import rewrites, softmax
from lasagne_nl.simd.elemwise import VectorElemwise, gains
from lasagne_nl.simd.rewrites import Elemwise, tools


@tools.local(*softmax.REPLACEMENTS)
def local_softmax(fgraph, node):
    """Theano's operations on rows of softmax -> those of `softmax`."""
    replacement = softmax.REPLACEMENTS.get(type(node.op))
    variables, integers = node.inputs + node.outputs, tools.tensor.discrete_dtypes
    floats = {variable.dtype for variable in variables if variable.dtype not in integers}
    if replacement is None or floats not in ({"float32"}, {"float64"}):
        return False
    return replacement()(*node.inputs, **{"return_list": True})


@tools.local(Elemwise)
def local_vector_elemwise(fgraph, node):
    """Elementwise operations that gain by it -> the same with the vectorised loop."""
    if not gains(node):
        return False
    op = node.op
    vector = VectorElemwise(op.scalar_op, op.inplace_pattern, op.name, openmp=op.openmp)
    return vector(*node.inputs, **{"return_list": True})


def register():
    """Have the rewrites made in modes of the kind FAST_RUN."""
    rewrites.register("fast_run")
    rewrites.add(48.84, "softmax", local_softmax, tags=("fast_run",))
    # After the in-place pass (75), which knows the library's own class only.
    rewrites.add(76, "vector_elemwise", local_vector_elemwise, tags=("fast_run",))
