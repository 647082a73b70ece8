"""What only the C linkers get: the loop that vectorises, and the operations on rows of softmax."""

import functools

from lasagne_nl.backend import library
from lasagne_nl.simd import rewrites
from lasagne_nl.simd.elemwise import VectorElemwise, gains
from lasagne_nl.simd.rewrites import Elemwise, tools


def _softmax(replacements):
    @tools.local(*replacements)
    def local_softmax(fgraph, node):
        """Theano's operations on rows of softmax -> those of `softmax`."""
        replacement = replacements.get(type(node.op))
        variables, integers = node.inputs + node.outputs, tools.tensor.discrete_dtypes
        floats = {variable.dtype for variable in variables if variable.dtype not in integers}
        if replacement is None or floats not in ({"float32"}, {"float64"}):
            return False
        return replacement()(*node.inputs, **{"return_list": True})

    return local_softmax


@tools.local(Elemwise)
def local_vector_elemwise(fgraph, node):
    """Elementwise operations that gain by it -> the same with the vectorised loop."""
    if not gains(node):
        return False
    op = node.op
    vector = VectorElemwise(op.scalar_op, op.inplace_pattern, op.name, openmp=op.openmp)
    return vector(*node.inputs, **{"return_list": True})


@functools.lru_cache(maxsize=None)
def register():
    """Have the rewrites made in modes of the kind FAST_RUN that compile with C."""
    tags = ("fast_run",) if tools.is_theano else ("fast_run", "cxx_only")
    # PyTensor has those of Numba, too, under the plain names.
    name = "{}_in_c" if library.__name__ == "pytensor" else "{}"
    rewrites.register(*tags, name=name)
    of_rows = None
    if tools.is_theano:
        from lasagne_nl.simd.softmax import REPLACEMENTS

        of_rows = _softmax(REPLACEMENTS)
    rewrites.register_rows(as_matrix=True, tags=tags, name=name, of_rows=of_rows)
    reduction = tools.module("tensor.elemwise").CAReduce
    if not tools.is_theano and "c_support_code" not in vars(reduction):
        # Aesara may fuse a sum with the function in it, and forgets the code that this one needs.
        reduction.c_support_code = lambda self, **options: self.scalar_op.c_support_code(**options)
    # After the in-place pass (75), which knows the library's own class only.
    rewrites.add(76, name.format("vector_elemwise"), local_vector_elemwise, tags)
