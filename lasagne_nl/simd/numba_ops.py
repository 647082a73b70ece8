"""The kernels in what PyTensor compiles with Numba: scalar functions, and the programs of rows.

Its import takes half a second, and is left until a graph is compiled that needs it.
"""

import hashlib

import numpy as np
from pytensor import config
from pytensor.link.numba.dispatch import elemwise, vectorize_codegen
from pytensor.link.numba.dispatch.basic import (
    numba_funcify_and_cache_key,
    numba_njit,
    register_funcify_and_cache_key,
)
from pytensor.scalar.basic import Composite

from lasagne_nl.simd import in_c, in_llvm
from lasagne_nl.simd.activations import record
from lasagne_nl.simd.rows import OfRows
from lasagne_nl.simd.scalar_ops import Kernel


def _compiled(function):
    # LLVM is to have the whole loop before it: what it does not inline it does not vectorise.
    return numba_njit(function, fastmath=False, forceinline=True)


def call(name, dtype):
    """A kernel as a function of Numba, by the rules of IEEE 754 whatever flags PyTensor has."""
    arguments = ", ".join(record(name, dtype)[0])
    kernel = {"kernel": in_llvm.function(name, dtype)}
    function = eval("lambda {0}: kernel({0})".format(arguments), kernel)
    function.__name__ = "lnl_" + name
    return _compiled(function)


def _key(dtype, code, *others):
    """What PyTensor finds the compiled code by in its cache: what is written down as C, too."""
    facts = 9, dtype, in_llvm.has_fma(), in_c.version(code), others
    return hashlib.sha256(repr(("lasagne_nl", facts)).encode()).hexdigest()


@register_funcify_and_cache_key(Kernel)
def _kernel(op, node, **_):
    dtype = node.inputs[0].type.dtype
    return call(op.kernel, dtype), _key(dtype, in_c.functions(op.kernel))


_composite_of_pytensor = numba_funcify_and_cache_key.dispatch(Composite)


@register_funcify_and_cache_key(Composite)
def _composite(op, node, **options):
    """PyTensor's own; where a kernel is in it, such that LLVM inlines it and keeps to IEEE 754."""
    if not has_kernels(op):
        return _composite_of_pytensor(op, node=node, **options)
    with config.change_flags(numba__fastmath=False):
        function, key = _composite_of_pytensor(op, node=node, **options)
    inlined = function
    while inlined is not None:
        inlined.targetoptions["forceinline"] = True
        inlined = inlined.py_func.__globals__.get("func")  # whose results the first one casts
    return function, key and hashlib.sha256(repr(("lasagne_nl", 3, key)).encode()).hexdigest()


_store_of_pytensor = getattr(elemwise, "store_core_outputs", None)
_loop_of_pytensor = vectorize_codegen.make_loop_call


def _store_core_outputs(core, *arguments, **options):
    """PyTensor's own, in older versions the core of the loop: inlined, too, where a kernel is."""
    function = _store_of_pytensor(core, *arguments, **options)
    if core.targetoptions.get("forceinline"):
        function.targetoptions["forceinline"] = True
    return function


def _make_loop_call(typing, context, builder, core, *arguments, **options):
    """PyTensor's own; around kernels with the widest vectors that the processor has."""
    if core.dispatcher.targetoptions.get("forceinline"):
        in_llvm.widen(builder.function)
    return _loop_of_pytensor(typing, context, builder, core, *arguments, **options)


elemwise.store_core_outputs = _store_core_outputs
vectorize_codegen.make_loop_call = _make_loop_call


def has_kernels(op):
    """Whether an operation is, or is made of, one that a kernel computes."""
    op = getattr(op, "scalar_op", op)
    if hasattr(op, "fgraph"):
        return any(has_kernels(node.op) for node in op.fgraph.apply_nodes)
    return isinstance(op, Kernel)


@register_funcify_and_cache_key(OfRows)
def _of_rows(op, node, **_):
    """A function of the inputs of a node, whose rows a program computes, one by one, of a row of
    the first and of the last one, which may be a bias: a row for all; and its key.
    """
    ndims, dtype = [one.ndim for one in node.inputs], node.inputs[0].type.dtype
    first_axis = ndims[0] - ndims[-1]  # of the last one
    step = 0 if first_axis else 1
    program = in_llvm.program(op.program, dtype, has_bias=first_axis > 0)
    of_row = _compiled(lambda a, b, result: program(a, b, result))

    def each_row(*inputs):
        x, last = np.ascontiguousarray(inputs[0]), np.ascontiguousarray(inputs[-1])
        if last.shape != x.shape[first_axis:]:
            raise ValueError("rows of different lengths, or different numbers of them")
        result = np.empty(x.shape, x.dtype)
        length = x.shape[-1]
        if x.size > 0:
            rows, results = x.reshape((-1, length)), result.reshape((-1, length))
            lasts = last.reshape((-1, length))
            for i in range(len(rows)):
                of_row(rows[i], lasts[step * i], results[i])
        return result

    key = _key(dtype, in_c.program(op.program, dtype), ndims)
    return numba_njit(each_row, fastmath=False), key
