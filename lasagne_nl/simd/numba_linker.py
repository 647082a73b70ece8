"""The rewrites for what PyTensor compiles with Numba."""

import functools
import importlib

from pytensor.link.numba.linker import NumbaLinker

from lasagne_nl.simd import rewrites
from lasagne_nl.simd.rewrites import tools
from lasagne_nl.simd.rows import OfRows


def _load_with_numba():
    """Import what the linker is to know of the kernels where it imports Numba: also for a function
    that another process has compiled, which comes rewritten from a pickle.
    """
    convert = NumbaLinker.fgraph_convert

    @functools.wraps(convert)
    def fgraph_convert(self, *arguments, **options):
        importlib.import_module("lasagne_nl.simd.numba_ops")
        return convert(self, *arguments, **options)

    NumbaLinker.fgraph_convert = fgraph_convert


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
    _load_with_numba()
    rewrites.register(["numba"], as_matrix=False)
    rewrites.add(48.86, "sums_of_rows", local_sum_of_rows, ["numba"])
