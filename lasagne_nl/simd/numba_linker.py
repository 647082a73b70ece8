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
    rewrites.register_rows(as_matrix=False, tags=["numba"])
