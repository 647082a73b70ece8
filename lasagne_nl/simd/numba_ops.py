"""The kernels in what PyTensor compiles with Numba: scalar functions, and the rows of softmax.

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
from lasagne_nl.simd.rows import (
    RowLogSoftmax,
    RowLogSoftmaxGrad,
    RowSoftmax,
    RowSoftmaxGrad,
    RowSparsemax,
    RowSparsemaxGrad,
)
from lasagne_nl.simd.scalar_ops import Kernel


def _compiled(function, fastmath=False, **options):
    # LLVM is to have the whole loop before it: what it does not inline it does not vectorise.
    return numba_njit(function, fastmath=fastmath, forceinline=True, **options)


def call(name, dtype):
    """A kernel as a function of Numba, by the rules of IEEE 754 whatever flags PyTensor has."""
    arguments = ", ".join(record(name, dtype)[0])
    kernel = {"kernel": in_llvm.function(name, dtype)}
    function = eval("lambda {0}: kernel({0})".format(arguments), kernel)
    function.__name__ = "lnl_" + name
    return _compiled(function)


def _key(dtype, names, *others):
    """What PyTensor finds the compiled code by in its cache."""
    facts = 7, names, dtype, in_llvm.has_fma(), in_c.version(in_c.functions(*names)), others
    return hashlib.sha256(repr(("lasagne_nl", facts)).encode()).hexdigest()


@register_funcify_and_cache_key(Kernel)
def _kernel(op, node, **_):
    dtype = node.inputs[0].type.dtype
    return call(op.kernel, dtype), _key(dtype, [op.kernel])


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


def _inline_stores_too():
    """In older versions a function that stores what another one returns is the core of the loop."""
    store = getattr(elemwise, "store_core_outputs", None)

    def store_core_outputs(core, *arguments, **options):
        function = store(core, *arguments, **options)
        if core.targetoptions.get("forceinline"):
            function.targetoptions["forceinline"] = True
        return function

    if store:
        elemwise.store_core_outputs = store_core_outputs


_inline_stores_too()


def _widen_loops():
    """Have the loops around kernels use the widest vectors that the processor has."""
    make = getattr(vectorize_codegen, "make_loop_call", None)

    def make_loop_call(typing, context, builder, core, *arguments, **options):
        if core.dispatcher.targetoptions.get("forceinline"):
            in_llvm.widen(builder.function)
        return make(typing, context, builder, core, *arguments, **options)

    if make:
        vectorize_codegen.make_loop_call = make_loop_call


_widen_loops()


def has_kernels(op):
    """Whether an operation is, or is made of, one that a kernel computes."""
    op = getattr(op, "scalar_op", op)
    if hasattr(op, "fgraph"):
        return any(has_kernels(node.op) for node in op.fgraph.apply_nodes)
    return isinstance(op, Kernel)


def _largest(dtype, has_bias):
    # As integers of the same order: the maximum of floats is not vectorised, for the sake of NaN.
    rank, of_rank = in_llvm.function("rank", dtype), in_llvm.function("of_rank", dtype)
    score = _score(dtype, has_bias)

    def largest(row, bias):
        most = rank(score(row[0], bias[0]))
        for j in range(1, len(row)):
            most = max(most, rank(score(row[j], bias[j])))
        return of_rank(most)

    return _compiled(largest)


def _each_row(row_function, op, node, *names):
    """A function of the inputs of a node, whose rows another one computes, one by one, of a row of
    the first and of the second one, which may be a row for all; and its key.
    """
    of_rows = _compiled(row_function, error_model="numpy")
    first_axis = node.inputs[0].ndim - node.inputs[-1].ndim  # of the second one
    step = 0 if first_axis else 1

    def each_row(x, other):
        whole, others = np.ascontiguousarray(x), np.ascontiguousarray(other)
        if others.shape != x.shape[first_axis:]:
            raise ValueError("rows of different lengths, or different numbers of them")
        result = np.empty(x.shape, whole.dtype)
        length = x.shape[-1]
        if whole.size > 0:
            rows, results = whole.reshape((-1, length)), result.reshape((-1, length))
            second = others.reshape((-1, length))
            for i in range(len(rows)):
                of_rows(rows[i], second[step * i], results[i])
        return result

    each_row = numba_njit(each_row, fastmath=False)

    def of_one_input(x):
        return each_row(x, x)

    function = each_row if len(node.inputs) == 2 else numba_njit(of_one_input, fastmath=False)
    ndims = [one.ndim for one in node.inputs]
    return function, _key(node.inputs[0].dtype, names, type(op).__name__, ndims)


def _score(dtype, has_bias):
    """A function of an entry and that of the bias: their sum, or the entry alone."""
    return in_llvm.function("plus" if has_bias else "first", dtype)


def _sum(dtype):
    as_double = in_llvm.function("as_double", dtype)

    def sum_of(row):
        total = 0.0
        for j in range(len(row)):
            total += as_double(row[j])
        return total

    # Parts of it are summed in the lanes of a vector. It is a loop of its own because the vectors
    # of float64 hold half as many as those of float32.
    return _compiled(sum_of, fastmath={"reassoc"})


_NEAR_1 = "exp_near_1 shift_near_1 least_near_1 magic_near_1 rank of_rank unscaled".split()


def _exponentials(dtype, has_bias=False):
    """A function that makes 2^64 exp(x) / 2^n, which is about 2^64 for the largest, and returns the
    sum, not times 2^64.
    """
    exp, shift_of, least_of, magic_of = (in_llvm.function(name, dtype) for name in _NEAR_1[:4])
    largest, score, sum_of = _largest(dtype, has_bias), _score(dtype, has_bias), _sum(dtype)
    unscaled = in_llvm.function("unscaled", "float64")

    def exponentials(row, bias, result):
        most = largest(row, bias)
        shift, least, magic = shift_of(most), least_of(most), magic_of(most)
        for j in range(len(row)):
            result[j] = exp(score(row[j], bias[j]), shift, least, magic)
        return unscaled(sum_of(result))

    return _compiled(exponentials)


@register_funcify_and_cache_key(RowSoftmax)
def _softmax(op, node, **_):
    dtype = node.inputs[0].type.dtype
    exponentials, number = _exponentials(dtype, len(node.inputs) == 2), np.dtype(dtype).type
    scaled = in_llvm.function("scaled", dtype)
    rest_of_inverse = in_llvm.function("rest_of_inverse", "float64")

    def softmax(row, bias, result):
        total = exponentials(row, bias, result)
        inverse = 1 / total
        factor = number(inverse)
        factor_lo = number((inverse - np.float64(factor)) + rest_of_inverse(total, inverse))
        for j in range(len(row)):
            result[j] = scaled(result[j], factor, factor_lo)

    return _each_row(softmax, op, node, *_NEAR_1, "scaled", "rest_of_inverse")


@register_funcify_and_cache_key(RowLogSoftmax)
def _log_softmax(op, node, **_):
    dtype, has_bias = node.inputs[0].type.dtype, len(node.inputs) == 2
    exp, score = in_llvm.function("exp_below", dtype), _score(dtype, has_bias)
    largest, sum_of, number = _largest(dtype, has_bias), _sum(dtype), np.dtype(dtype).type
    unscaled = in_llvm.function("unscaled", "float64")

    def log_softmax(row, bias, result):
        most = largest(row, bias)
        for j in range(len(row)):
            result[j] = exp(score(row[j], bias[j]), most)
        rest, most_wide = np.log(unscaled(sum_of(result))), np.float64(most)
        for j in range(len(row)):
            result[j] = number((score(row[j], bias[j]) - most_wide) - rest)

    return _each_row(log_softmax, op, node, "exp_below", "rank", "of_rank", "unscaled")


@register_funcify_and_cache_key(RowSoftmaxGrad)
def _softmax_grad(op, node, **_):
    dtype = node.inputs[0].type.dtype
    sum_of, number = _sum(dtype), np.dtype(dtype).type

    def softmax_grad(g, s, result):
        for j in range(len(g)):
            result[j] = g[j] * s[j]
        total = number(sum_of(result))
        for j in range(len(g)):
            result[j] = (g[j] - total) * s[j]

    return _each_row(softmax_grad, op, node, "as_double")


@register_funcify_and_cache_key(RowLogSoftmaxGrad)
def _log_softmax_grad(op, node, **_):
    dtype = node.inputs[0].type.dtype
    exponentials, sum_of, number = _exponentials(dtype), _sum(dtype), np.dtype(dtype).type
    less, unit_of = in_llvm.function("less", dtype), in_llvm.function("unit_of", dtype)

    def log_softmax_grad(g, row, result):
        factor = number(sum_of(g) / exponentials(row, row, result))
        unit = unit_of(factor)
        for j in range(len(row)):
            result[j] = less(g[j], result[j], factor, unit)

    return _each_row(log_softmax_grad, op, node, *_NEAR_1, "less", "unit_of")


@register_funcify_and_cache_key(RowSparsemax)
def _sparsemax(op, node, **_):
    """As in softmax.h"""
    dtype = node.inputs[0].type.dtype
    largest, number = _largest(dtype, False), np.dtype(dtype).type

    def above(row, most, threshold):
        total, count, below = 0.0, 0.0, 0.0
        for j in range(len(row)):
            d = row[j] - most
            total += d if d > threshold else 0.0
            count += 1.0 if d > threshold else 0.0
            below += 1.0 if d <= 0.0 else 0.0
        return total, count, below

    above = _compiled(above, fastmath={"reassoc"})

    def sparsemax(row, _, result):
        most, threshold, before = np.float64(largest(row, row)), -1.0, np.inf
        total, count, below = above(row, most, threshold)
        if below < len(row):  # not all are numbers, and no more than the largest
            threshold, before = np.nan, 0.0
        while count < before:
            threshold, before = (total - 1.0) / count, count
            total, count, below = above(row, most, threshold)
        for j in range(len(row)):
            d = row[j] - most
            result[j] = number(0.0) if d <= threshold else number(d - threshold)

    return _each_row(sparsemax, op, node, "rank", "of_rank")


@register_funcify_and_cache_key(RowSparsemaxGrad)
def _sparsemax_grad(op, node, **_):
    dtype = node.inputs[0].type.dtype
    as_double, number = in_llvm.function("as_double", dtype), np.dtype(dtype).type

    def sums(g, p):
        total, count = 0.0, 0.0
        for j in range(len(g)):
            total += as_double(g[j]) if p[j] > 0.0 else 0.0
            count += 1.0 if p[j] > 0.0 else 0.0
        return total, count

    sums = _compiled(sums, fastmath={"reassoc"})

    def sparsemax_grad(g, p, result):
        total, count = sums(g, p)
        mean = number(total / count)
        for j in range(len(g)):
            result[j] = number(0.0) if p[j] <= 0.0 else g[j] - mean

    return _each_row(sparsemax_grad, op, node, "as_double")
