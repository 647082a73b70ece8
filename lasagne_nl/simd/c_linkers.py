"""What only the C linkers get: the loop that vectorises, and the operations on rows of softmax."""

import contextlib
import ctypes
import functools
import os

from lasagne_nl.backend import library
from lasagne_nl.simd import rewrites
from lasagne_nl.simd.elemwise import VectorElemwise, gains, is_default_for_threads
from lasagne_nl.simd.rewrites import Elemwise, tools
from lasagne_nl.simd.rows import OfRows

# Operations, and what others descend from, that use BLAS, or may do so inside.
_OF_BLAS = {"Dot", "GemmRelated", "Gemv", "Ger", "BatchedDot", "Blockwise", "Scan"}


@functools.lru_cache(maxsize=None)
def _is_of_blas(kind):
    return any(one.__name__ in _OF_BLAS for one in kind.__mro__)


def _is_better_alone(fgraph, op):
    """Whether one thread is to compute what several would share: where the graph uses BLAS, too."""
    # That has threads of its own. Those of OpenMP stay busy for a millisecond after their work, in
    # case there is more, and hold it up for longer than they have saved.
    is_asked_for = op.openmp and is_default_for_threads()
    return is_asked_for and any(_is_of_blas(type(node.op)) for node in fgraph.apply_nodes)


@tools.local(OfRows)
def local_rows_alone(fgraph, node):
    """Operations on rows -> the same by one thread, where that is better."""
    if not _is_better_alone(fgraph, node.op):
        return False
    return type(node.op)(openmp=False)(*node.inputs, return_list=True)


@tools.local(Elemwise)
def local_vector_elemwise(fgraph, node):
    """Elementwise operations that gain by it -> the same with the vectorised loop."""
    op = node.op
    is_alone = _is_better_alone(fgraph, op)
    if not gains(node, is_alone):
        return False
    openmp = op.openmp and not is_alone
    vector = VectorElemwise(op.scalar_op, op.inplace_pattern, op.name, openmp=openmp)
    return vector(*node.inputs, return_list=True)


def _end_threads():
    """End those of GCC's OpenMP, which makes them anew when there is work for them."""
    with contextlib.suppress(OSError, AttributeError):  # it is not loaded, or older than GCC 9
        ctypes.CDLL("libgomp.so.1", os.RTLD_NOLOAD).omp_pause_resource_all(1)


@functools.lru_cache(maxsize=None)
def register():
    """Have the rewrites made in modes of the kind FAST_RUN that compile with C."""
    tags = ("fast_run",) if tools.is_theano else ("fast_run", "cxx_only")
    # PyTensor has those of Numba, too, under the plain names.
    name = "{}_in_c" if library.__name__ == "pytensor" else "{}"
    local_softmax = None
    if tools.is_theano:
        from lasagne_nl.simd.softmax import local_softmax
    rewrites.register(tags, as_matrix=True, name=name, softmax=local_softmax)
    reduction = tools.module("tensor.elemwise").CAReduce
    if not tools.is_theano and "c_support_code" not in vars(reduction):
        # Aesara may fuse a sum with the function in it, and forgets the code that this one needs.
        reduction.c_support_code = lambda self, **options: self.scalar_op.c_support_code(**options)
    rewrites.add(48.845, name.format("rows_alone"), local_rows_alone, tags)
    # After the in-place pass (75), which knows the library's own class only.
    rewrites.add(76, name.format("vector_elemwise"), local_vector_elemwise, tags)
    if hasattr(os, "register_at_fork"):
        # The child of a fork has not the threads, but would wait for them.
        os.register_at_fork(before=_end_threads)
