"""The rewrites for what PyTensor compiles with Numba."""

import functools
import importlib

from pytensor.graph.rewriting.basic import GraphRewriter

from lasagne_nl.simd import rewrites
from lasagne_nl.simd.rewrites import tools
from lasagne_nl.simd.rows import OfRows


class _Load(GraphRewriter):
    """Changes nothing: imports what the linker is to know of the kernels, along with Numba."""

    def apply(self, fgraph):
        importlib.import_module("lasagne_nl.simd.numba_ops")


@tools.local(tools.module("tensor.math").Sum)
def local_sum_of_rows(fgraph, node):
    """A sum of what an operation of rows returns, as that of a bias is -> the sum of a copy, with
    which PyTensor fuses it: Numba takes 6 s to compile the first sum that is alone, 1 s for that.
    """
    (x,) = node.inputs
    if x.owner is None or not isinstance(x.owner.op, OfRows):
        return False
    return [node.op(tools.tensor.tensor_copy(x))]


@functools.lru_cache(maxsize=None)
def register():
    """Have the rewrites made where the linker is Numba's."""
    tools.optdb.register(rewrites.TAG + "_load", _Load(), rewrites.TAG, "numba", position=47.79)
    rewrites.register("numba")
    rewrites.register_rows(as_matrix=False, tags=["numba"])
    rewrites.add(48.86, "sums_of_rows", local_sum_of_rows, ["numba"])
