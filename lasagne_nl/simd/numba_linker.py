"""What only PyTensor's Numba linker gets: softmax of rows."""

import functools
import importlib

from lasagne_nl.simd import rewrites
from lasagne_nl.simd.recorder import FLOATS
from lasagne_nl.simd.rewrites import tools


@functools.lru_cache(maxsize=None)
def load():
    """Import what Numba compiles, which takes half a second, where it is needed first."""
    return importlib.import_module("lasagne_nl.simd.numba_ops")


@tools.local(tools.special.Softmax, tools.special.LogSoftmax)
def local_softmax(fgraph, node):
    """Softmax and log_softmax along one axis -> those of rows"""
    (x,) = node.inputs
    axes = node.op.axis if isinstance(node.op.axis, tuple) else (node.op.axis,)
    if x.dtype not in FLOATS or len(axes) != 1:
        return False
    order = [axis for axis in range(x.ndim) if axis != axes[0] % x.ndim] + [axes[0] % x.ndim]
    of_rows = load().ROWS[type(node.op)]
    if order[-1] == x.ndim - 1:
        return [of_rows(x)]
    rows = of_rows(x.dimshuffle(order))
    return [rows.dimshuffle([order.index(axis) for axis in range(x.ndim)])]


def register():
    """Have the rewrites made where the linker is Numba's."""
    rewrites.register("numba", before_the_first=load)
    rewrites.add(48.84, "softmax", local_softmax, tags=("numba",))
