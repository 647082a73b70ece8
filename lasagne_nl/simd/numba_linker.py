"""The rewrites for what PyTensor compiles with Numba."""

import functools
import importlib

from lasagne_nl.simd import rewrites


@functools.lru_cache(maxsize=None)
def load():
    """Import what Numba compiles, which takes half a second, where it is needed first."""
    importlib.import_module("lasagne_nl.simd.numba_ops")


@functools.lru_cache(maxsize=None)
def register():
    """Have the rewrites made where the linker is Numba's."""
    rewrites.register("numba", before_the_first=load)
    of_rows = rewrites.local_softmax_of_rows(as_matrix=False)
    rewrites.add(48.84, "softmax", of_rows, tags=("numba",))
