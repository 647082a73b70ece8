"""The rewrites for what PyTensor compiles with Numba."""

import functools
import importlib

from pytensor.graph.rewriting.basic import GraphRewriter

from lasagne_nl.simd import rewrites
from lasagne_nl.simd.rewrites import tools


class _Load(GraphRewriter):
    """Changes nothing: imports what the linker is to know of the kernels, along with Numba."""

    def apply(self, fgraph):
        importlib.import_module("lasagne_nl.simd.numba_ops")


@functools.lru_cache(maxsize=None)
def register():
    """Have the rewrites made where the linker is Numba's."""
    tools.optdb.register(rewrites.TAG + "_load", _Load(), rewrites.TAG, "numba", position=47.79)
    rewrites.register("numba")
    of_gradients = rewrites.local_gradient_of_rows(as_matrix=False)
    rewrites.add(48.835, "softmax_gradients", of_gradients, ["numba"])
    rewrites.add(48.84, "softmax", rewrites.local_softmax_of_rows(as_matrix=False), ["numba"])
