"""The vectorised operations: the same results as Theano's, whatever the arrays look like."""

import ast
import ctypes
import functools
import importlib.util
import os
import pickle
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from accuracy import coefficients, linkers, sweep
from accuracy.references import FUNCTIONS
from activations import BY_NAME, EVERY
from helpers import (
    AS_IT_IS,
    DTYPES,
    FLAGS,
    PRELUDE,
    ROOT,
    T,
    compiled,
    compiles_with_numba,
    evaluate,
    fast,
    library,
    nnet,
    only_graph,
    output_of,
    run_python,
    simd_is_active,
    tensor,
    text_of,
    with_theano,
    with_theano_itself,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from lasagne_nl import nonlinearities as nl

pytestmark = pytest.mark.skipif(not simd_is_active(), reason="the kernels do not serve here")
of_theano = pytest.mark.skipif(not with_theano_itself, reason="is for Theano's C linker")
of_x86 = pytest.mark.skipif(
    not with_theano_itself or platform.machine() not in ("x86_64", "AMD64"),
    reason="is for a processor of whose kind there are some without FMA",
)
if simd_is_active():
    from lasagne_nl.simd import in_c
    from lasagne_nl.simd.activations import record
    from lasagne_nl.simd.elemwise import _MOST_OPERANDS, VectorElemwise
    from lasagne_nl.simd.recorder import FLOATS, in_order
    from lasagne_nl.simd.rows import OfRows
    from lasagne_nl.simd.scalar_ops import Kernel, tools
if simd_is_active() and with_theano_itself:
    from theano import scalar as theano_scalar
WITH_NUMBA = compiles_with_numba("FAST_RUN")
if simd_is_active() and WITH_NUMBA:
    from lasagne_nl.simd.numba_ops import has_kernels

TAG = "lasagne_nl_simd"
WHICH_OPS = """{}
x = T.dvector()
def ops(y, **options):
    nodes = library.function([x], y, **options).maker.fgraph.toposort()
    return str([(n.op, type(getattr(n.op, "scalar_op", None))) for n in nodes])
""".format(PRELUDE)


_compiled = {}


def once(key, inputs, output, mode=None):
    """The compiled function of that name, made where it is asked for first; by default fast."""
    if key not in _compiled:
        _compiled[key] = compiled(inputs, output, mode or fast())
    return _compiled[key]


def vector_nodes(function):
    """Those that are ours; those that PyTensor's loop computes by way of a kernel."""
    return [
        n
        for n in function.maker.fgraph.toposort()
        if isinstance(n.op, (VectorElemwise, OfRows)) or (WITH_NUMBA and has_kernels(n.op))
    ]


# --- elementwise, in any layout ---

# From a number of dimensions to the broadcast pattern.
KINDS = {
    "whole": lambda ndim: (False,) * ndim,
    "row": lambda ndim: (True,) * (ndim - 1) + (False,) * min(ndim, 1),
    "column": lambda ndim: (False,) * (ndim - 1) + (True,) * min(ndim, 1),
    "scalar": lambda ndim: (True,) * ndim,
}


def expressions(x, other, dtype):
    """Several outputs; an input that occurs more than once, another dtype, a condition."""
    one = nl.tanh(x + other) * other + nl.elu(x)
    two = T.switch(T.gt(other, 0), nl.sigmoid(x), T.cast(other, "int8")) * x
    return [T.cast(one, dtype), nl.softplus(x) - T.exp(-abs(other)) * T.log1p(abs(x))] + [two]


@functools.lru_cache(maxsize=None)
def pair(ndim, kind, dtype):
    """The expressions compiled with the vectorised operations, and computed by NumPy."""
    x, other = tensor("x", dtype, ndim), tensor("other", dtype, ndim, KINDS[kind](ndim))
    outputs = expressions(x, other, dtype)
    functions = [compiled([x, other], outputs, mode) for mode in (fast(), "FAST_COMPILE")]
    if ndim:
        assert vector_nodes(functions[0])
    assert not vector_nodes(functions[1])
    return functions


LAYOUTS = ("C", "Fortran", "transposed", "sliced", "reversed", "zero strides")


def arranged(values, layout):
    """The same values in another layout in memory."""
    if layout == "C" or values.ndim == 0:
        return values
    if layout == "Fortran":
        return np.asfortranarray(values)
    if layout == "transposed":
        return np.ascontiguousarray(values.swapaxes(0, -1)).swapaxes(0, -1)
    if layout == "sliced":
        wide = np.zeros([2 * n + 1 for n in values.shape], values.dtype)
        view = wide[tuple(slice(1, 2 * n + 1, 2) for n in values.shape)]
        view[...] = values
        return view
    if layout == "reversed":
        return np.ascontiguousarray(values[..., ::-1])[..., ::-1]
    return np.broadcast_to(values[..., :1], values.shape)


def agree(got, expected, dtype, eps=8):
    """Shape and dtype of arrays are the same, and their numbers but for so many eps of a dtype."""
    assert got.shape == expected.shape and got.dtype == expected.dtype
    tolerance = eps * np.finfo(dtype).eps
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ndim", range(6))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_results_are_those_of_theano_in_any_shape_and_layout(ndim, kind, data):
    dtype = DTYPES[(ndim + list(KINDS).index(kind)) % 2]
    longest = {0: 1, 1: 3000, 2: 80, 3: 20}.get(ndim, 6)
    shape = tuple(data.draw(st.lists(st.integers(0, longest), min_size=ndim, max_size=ndim)))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    pattern = KINDS[kind](ndim)
    x = (3 * rng.randn(*shape)).astype(dtype) if ndim else np.asarray(3 * rng.randn(), dtype)
    other = np.asarray(rng.randn(*[1 if b else n for b, n in zip(pattern, shape)]), dtype)
    x = arranged(x, data.draw(st.sampled_from(LAYOUTS)))
    other = arranged(other, data.draw(st.sampled_from(LAYOUTS[:-1])))
    if 0 in shape:
        x, other = (np.array(a) for a in (x, other))
    for got, expected in zip(*(function(x, other) for function in pair(ndim, kind, dtype))):
        agree(got, expected, dtype)


@pytest.mark.parametrize("length", [0, 1, 3, 15, 16, 17, 31, 32, 33, 255, 257, 1023, 1025, 5000])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_rows_of_any_length_are_computed_to_the_end_and_not_beyond(rows, length):
    x, row = tensor("x", "float32", 2), tensor("row", "float32", 1)
    function = once("rows", [x, row], nl.tanh(x + row))
    rng = np.random.RandomState(length)
    a, b = rng.randn(rows, length).astype("float32"), rng.randn(length).astype("float32")
    np.testing.assert_allclose(function(a, b), np.tanh(a + b), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 1), (1, 40), (1, 1)])
@pytest.mark.parametrize("other", [(3, 40), (3, 1), (1, 40)])
def test_what_turns_out_to_be_one_long_is_repeated_or_refused_as_the_library_does_it(shape, other):
    x, y = (tensor(name, "float32", 2) for name in "xy")
    ours = once("repeated", [x, y], T.exp(-x) - y)
    theirs = once("repeated by the library", [x, y], T.exp(-x) - y, fast(TAG))
    assert vector_nodes(ours)
    a, b = (np.arange(np.prod(n), dtype="float32").reshape(n) for n in (shape, other))
    try:
        expected = theirs(a, b)
    except ValueError:
        with pytest.raises(ValueError):
            ours(a, b)
    else:
        np.testing.assert_allclose(ours(a, b), expected, rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS[:-1])
@pytest.mark.parametrize("shape", [(5,), (40,), (2000,), (3, 5), (3, 40), (2, 2000), (7, 16)])
def test_an_operation_in_place_changes_its_operand_and_nothing_around_it(shape, layout):
    x, g = (tensor(name, "float32", len(shape)) for name in "xg")
    mutable = library.In(x, mutable=True, borrow=True)
    output = library.Out(nl.tanh(x * 2 + g), borrow=True)
    function = once(("in place", len(shape)), [mutable, g], output)
    assert any(n.op.inplace_pattern for n in vector_nodes(function))
    rng = np.random.RandomState(0)
    values = rng.randn(*shape).astype("float32")
    other = rng.randn(*shape).astype("float32")
    operand = arranged(values.copy(), layout)
    around = operand if operand.base is None else operand.base
    before = around.copy()
    expected = np.tanh(values * 2 + other)
    got = function(operand, other)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    if layout == "sliced":
        gaps = np.ones(around.shape, bool)
        gaps[tuple(slice(1, 2 * n + 1, 2) for n in shape)] = False
        np.testing.assert_array_equal(around[gaps], before[gaps])


@of_theano
@pytest.mark.parametrize("inputs, outputs", [(31, 2), (32, 1), (32, 2), (33, 1), (60, 2)])
def test_an_operation_with_more_operands_than_there_is_room_for_is_left_to_theano(inputs, outputs):
    scalars = [theano_scalar.float32("i{}".format(i)) for i in range(inputs)]
    total = theano_scalar.add(*scalars)
    results = [theano_scalar.switch(theano_scalar.gt(total, 0), total, scalars[0]), total]
    op = T.Elemwise(theano_scalar.Composite(scalars, results[:outputs]))
    vectors = [tensor("v{}".format(i), "float32", 1) for i in range(inputs)]
    made = op(*vectors, **{"return_list": True})
    function = compiled(vectors, made, fast())
    assert bool(vector_nodes(function)) == (inputs + outputs <= _MOST_OPERANDS)
    arrays = np.random.RandomState(0).randn(inputs, 50).astype("float32")
    expected = arrays.sum(axis=0)
    got = function(*arrays)
    np.testing.assert_allclose(got[0], np.where(expected > 0, expected, arrays[0]), rtol=1e-4)
    np.testing.assert_allclose(got[-1] if outputs == 2 else expected, expected, rtol=1e-4)


# --- the family of softmax ---


@functools.lru_cache(maxsize=None)
def softmax_family(dtype, index):
    x, b, g = tensor("x", dtype, 2), tensor("b", dtype, 1), tensor("g", dtype, 2)
    y = tensor("y", index, 1)
    p, z = nl.softmax(x), 3 * x
    outputs = [
        p,
        nl.softmax(x + b),
        T.log(nl.softmax(x * 2)),
        nl.log_softmax(x + b),
        library.grad(None, x, known_grads={p: g}),
        library.grad(None, z, known_grads={nl.log_softmax(z): g}),
    ]
    if with_theano_itself:
        loss = nnet.categorical_crossentropy(nl.softmax(x + b), y)
        outputs += [loss, T.argmax(nl.softmax(x + b), axis=1), library.grad(loss.sum(), x)]
    return [x, b, g, y], outputs


@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_softmax_family_gives_what_the_library_gives_in_any_layout(dtype, index, data):
    if index == "int32" and not with_theano_itself:
        pytest.skip("there are no targets")
    family = softmax_family(dtype, index)
    ours = once(("softmax", dtype, index), *family)
    # In Python where Numba would take long to compile.
    mode = only_graph(fast(TAG)) if WITH_NUMBA else fast(TAG)
    theirs = once(("softmax of the library", dtype, index), *family, mode)
    used = {type(n.op).__name__ for n in vector_nodes(ours)}
    wanted = {"RowSoftmax", "RowLogSoftmax", "RowSoftmaxGrad", "RowLogSoftmaxGrad"}
    if with_theano:
        wanted = {"Softmax", "LogSoftmax", "SoftmaxGrad", "RowLogSoftmaxGrad"}
    assert wanted <= used
    assert any(name.startswith("Crossentropy") for name in used) == with_theano_itself
    # Of no rows Aesara's own C code says that there is no memory.
    fewest = 0 if with_theano or WITH_NUMBA else 1
    rows = data.draw(st.integers(fewest, 9))
    columns = data.draw(st.integers(1, 120) | st.integers(510, 530))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    scale = data.draw(st.sampled_from([1, 30, 1000]))
    layouts = [data.draw(st.sampled_from(LAYOUTS[:-1])) for _ in range(3)]
    x, g = (scale * rng.randn(rows, columns)).astype(dtype), rng.randn(rows, columns).astype(dtype)
    b, y = rng.randn(columns).astype(dtype), rng.randint(0, columns, rows).astype(index)
    x, b, g = (arranged(a, layout) for a, layout in zip((x, b, g), layouts))
    for got, expected in zip(ours(x, b, g, y), theirs(x, b, g, y)):
        agree(got, expected, dtype, 60 * scale)


@pytest.mark.parametrize("columns", [3, 1])
def test_a_bias_of_one_that_is_repeated_is_no_row(columns):
    x = tensor("x", "float64", 2, (False, columns == 1))
    b = tensor("b", "float64", 1, (True,))
    function = compiled([x, b], [nl.softmax(x + b), nl.log_softmax(x + b)], fast())
    rows = np.random.RandomState(0).randn(4, columns)
    softmax, its_log = function(rows, np.array([0.5]))
    exact = log_softmax(rows, axis=1)
    np.testing.assert_allclose(softmax, np.exp(exact), rtol=1e-14)
    np.testing.assert_allclose(its_log, exact, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_the_gradient_of_rows_is_one_operation_whatever_the_loss(name):
    x, b = tensor("x", "float64", 2), tensor("b", "float64", 1)
    gradient = library.grad((EVERY[name](x + b) ** 2).sum() / 7, b)
    function, reference = (compiled([x, b], gradient, mode) for mode in (fast(), AS_IT_IS))
    nodes = function.maker.fgraph.apply_nodes
    gradients = [n for n in nodes if isinstance(n.op, OfRows) and "Grad" in type(n.op).__name__]
    assert len(gradients) == 1
    x, b = np.random.RandomState(0).randn(4, 7), np.arange(7.0)
    np.testing.assert_allclose(function(x, b), reference(x, b), rtol=1e-12, atol=1e-15)
    if WITH_NUMBA:  # whose first sum that is alone takes long to compile
        assert "Sum" not in {type(n.op).__name__ for n in nodes}


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_sparsemax_is_one_operation_that_gives_what_its_expression_gives_in_any_layout(dtype, data):
    x, g = tensor("x", dtype, 2), tensor("g", dtype, 2)
    y = nl.sparsemax(x)
    outputs = [y, library.grad(None, x, known_grads={y: g})]
    ours = once(("sparsemax", dtype), [x, g], outputs)
    expression = once(("its expression", dtype), [x, g], outputs, AS_IT_IS)
    operations = {type(n.op).__name__ for n in ours.maker.fgraph.apply_nodes}
    assert operations == {"RowSparsemax", "RowSparsemaxGrad"}
    rows, columns = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 120))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    x = data.draw(st.sampled_from([0.01, 1, 30, 1000])) * rng.randn(rows, columns).astype(dtype)
    x.flat[:: data.draw(st.integers(5, 60))] = data.draw(st.sampled_from([-np.inf, np.inf, np.nan]))
    x, g = (
        arranged(values.astype(dtype), data.draw(st.sampled_from(LAYOUTS[:-1])))
        for values in (x, rng.randn(rows, columns))
    )
    for got, expected in zip(ours(x, g), expression(x, g)):
        agree(got, expected, dtype)


@of_theano
def test_the_index_of_the_largest_is_the_first_of_equal_ones_and_zero_for_nan():
    x, y = tensor("x", "float32", 2), T.lvector("y")
    loss = nnet.categorical_crossentropy(nl.softmax(x), y)
    function = compiled([x, y], [loss, T.argmax(nl.softmax(x), axis=1)], fast())
    rows = np.zeros((4, 150), "float32")
    rows[0, [70, 71, 149]] = 3
    rows[1, 149] = 1
    rows[3, 0] = np.nan
    assert function(rows, [0, 0, 0, 0])[1].tolist() == [70, 149, 0, 0]


@pytest.mark.parametrize("columns", [1, 5, 16, 37, 100, 600])
def test_a_row_is_computed_of_its_own_elements_alone(columns):
    x, g = tensor("x", "float32", 2), tensor("g", "float32", 2)
    values = nl.softmax(x), nl.log_softmax(x), nl.sparsemax(x)
    slopes = [library.grad(None, x, known_grads={value: g}) for value in values]
    function = once("rows alone", [x, g], [*values, *slopes])
    rows, incoming = np.random.RandomState(0).randn(2, 5, columns).astype("float32")
    rows[1::2] = incoming[1::2] = np.nan
    for got, alone in zip(function(rows, incoming), function(rows[::2], incoming[::2])):
        np.testing.assert_array_equal(got[::2], alone)
        assert np.isfinite(alone).all() and np.isnan(got[1::2]).all()


@pytest.mark.parametrize(
    "largest",
    [0, 7.3, 13.8, 14.2, 17.9, 18.1, -27, -29, -88, 240, -250, 353, 355, 1e4, -3e30, 1e38],
)
def test_softmax_is_as_exact_for_rows_far_from_zero(largest):
    x = tensor("x", "float32", 2)
    function = once("softmax alone", [x], nl.softmax(x))
    rows = np.float32(largest) - np.random.RandomState(0).exponential(9, (50, 99)).astype("float32")
    rows[:, 3], rows[:, 5], rows[:, 7] = largest, -np.inf, np.float32(largest) - np.float32(1e9)
    got, expected = function(rows), np.exp(log_softmax(np.float64(rows), axis=1))
    counts = expected > np.finfo("float32").tiny
    assert abs(got / expected - 1)[counts].max() < 2.0 * 2**-23
    assert (got[:, 5] == 0).all() and abs(got - expected)[~counts].max() <= 2e-45


@pytest.mark.parametrize("largest", [0, 1000, -1000, 2.0**52, -(2.0**52)])
def test_the_log_of_softmax_is_as_exact_for_rows_far_from_zero(largest):
    x = tensor("x", "float64", 2)
    function = once("log of softmax", [x], T.log(nl.softmax(x)))
    assert "LogSoftmax" in str([n.op for n in vector_nodes(function)])
    # Whole numbers, so that the same row is exact everywhere.
    row = -np.arange(12.0).reshape(3, 4)
    exact = row - np.log(np.exp(row).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(function(largest + row), exact, rtol=4e-16, atol=4e-16)


@of_theano
def test_a_small_loss_is_as_exact_as_a_large_one():
    x, y = tensor("x", "float32", 2), T.lvector("y")
    loss = compiled([x, y], nnet.categorical_crossentropy(nl.softmax(x), y), fast())
    rows = np.array([[3.3, 3.3 - gap] for gap in (0, 1, 5, 15, 30, 60)], "float32")
    exact = np.log1p(np.exp(rows[:, 1].astype("float64") - rows[:, 0]))
    np.testing.assert_allclose(loss(rows, [0] * len(rows)), exact, rtol=3e-7, atol=2.3e-16)


@of_theano
@pytest.mark.parametrize("target", [-1, 5, 200])
def test_a_class_that_does_not_exist_is_an_error(target):
    key = "float32", "int64"
    function = once(("softmax", *key), *softmax_family(*key))
    x = np.zeros((2, 5), "float32")
    with pytest.raises(ValueError, match="y_i"):
        function(x, x[0], x, np.array([1, target]))


# --- kinks and functions ---


@of_theano
@pytest.mark.parametrize("scale_in", [1e-30, 1e-12, 0.7, -3, 1e20])
def test_scales_of_tanh_may_be_huge_or_tiny(scale_in):
    scales_out = 3e38, -1.01, 1e12, 1e-10
    # Of inputs of their own: what is left to the expression would share the tanh.
    inputs = [tensor("x", "float32", 1) for _ in scales_out]
    outputs = [nl.ScaledTanH(scale_in, out)(x) for x, out in zip(inputs, scales_out)]
    function = compiled(inputs, outputs, fast())
    assert len(vector_nodes(function)) == len(scales_out)
    a = np.float64(np.float32(scale_in))
    values = (np.linspace(-12, 12, 4001) / a).astype("float32")
    nodes = [output.owner for output in function.maker.fgraph.outputs]
    for scale_out, node, got in zip(scales_out, nodes, function(*[values] * len(inputs))):
        is_one = str(node.op) == "VectorElemwise{ScaledTanH}"
        assert is_one == all(2.0**-30 < abs(scale) < 2.0**30 for scale in (scale_in, scale_out))
        expected = np.float64(np.float32(scale_out)) * np.tanh(a * values.astype("float64"))
        np.testing.assert_allclose(got, expected, rtol=(1.1 if is_one else 3) * 2**-23)


@pytest.mark.parametrize("case", FUNCTIONS, ids=repr)
def test_a_function_is_computed_by_its_kernel_and_right_at_the_edges(case, dtype):
    compute = sweep.compiled(case, dtype)
    (node,) = vector_nodes(compute)
    assert isinstance(node.op.scalar_op, Kernel)
    info = np.finfo(dtype)
    least = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
    edges = [0.0, -0.0, info.max, -info.max, info.tiny, -least, 1, -1, 0.5, -np.inf, np.inf, np.nan]
    values = np.array(edges * 3, dtype)
    exact = [float(case.truth(0, v, dtype)) for v in edges[:-3]] + list(case.limits) + [np.nan]
    got, expected = compute(values), np.array(exact * 3).astype(dtype)
    np.testing.assert_allclose(got, expected, rtol=2 * info.eps, atol=2 * least)
    # A function that is 0 at 0 is odd there.
    if expected[0] == 0:
        assert np.signbit(got[:2]).tolist() == [False, True]


# --- the graph, and what Theano does with it ---


def test_a_sum_may_be_fused_with_the_function_in_it():
    mode = fast().including("fusion", "local_careduce_fusion")
    x = tensor("x", "float64", 2)
    function = compiled([x], T.exp(x).sum(axis=0), mode)
    np.testing.assert_allclose(function(np.zeros((3, 2))), [3, 3])


def graph_of(name, mode, bias=False):
    x, row = tensor("x", "float32", 2), tensor("row", "float32", 1)
    return compiled([x, row], EVERY[name](x + row if bias else x), only_graph(mode))


@pytest.mark.parametrize("name", [n for n in [*BY_NAME, "softmax"] if n != "linear"])
def test_an_activation_and_its_bias_are_one_vectorised_operation(name):
    for bias in (False, True):
        function = graph_of(name, fast(), bias)
        nodes = function.maker.fgraph.toposort()
        (one,) = [n for n in nodes if type(n.op).__name__ != "DimShuffle"]
        assert vector_nodes(function) == [one]


@of_theano
@pytest.mark.parametrize("name, op", [("softmin", "Softmax"), ("log_softmax", "LogSoftmax")])
def test_other_functions_of_rows_are_vectorised_too(name, op):
    for bias in (False, True):
        assert op in {type(n.op).__name__ for n in vector_nodes(graph_of(name, fast(), bias))}


def two_bounds(x):
    return T.maximum(T.minimum(x, 2), 0)


def clipped_sum(x):
    return T.clip(0.25 * x + 0.5, 0, 1)


@pytest.mark.skipif(WITH_NUMBA, reason="Numba vectorises by itself")
@pytest.mark.parametrize(
    "written",
    [
        lambda x: T.clip(x, -1, 1),
        lambda x: T.switch(x > 0, x, 0.25 * x),
        two_bounds,
        lambda x: library.grad(T.sqr(two_bounds(x)).sum(), x),
        clipped_sum,
        lambda x: library.grad(clipped_sum(x).sum(), x),
    ],
    ids=["clip", "switch", "two bounds", "their slope", "clipped sum", "its slope"],
)
def test_a_choice_as_programs_write_it_is_vectorised_too(written, dtype):
    x = tensor("x", dtype, 1)
    functions = [compiled([x], T.cast(written(x), dtype), mode) for mode in (fast(), fast(TAG))]
    assert [len(vector_nodes(function)) for function in functions] == [1, 0]
    values = np.array([np.nan, np.inf, -np.inf, 0, -0.0, *np.linspace(-3, 3, 61)], dtype)
    got, expected = [function(values) for function in functions]
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.skipif(WITH_NUMBA, reason="Numba vectorises by itself")
def test_arithmetic_of_four_arrays_is_vectorised_too_such_as_that_of_adam(dtype):
    parameter, mean, square = inputs = [tensor(name, dtype, 2) for name in "pms"]
    step = parameter - T.constant(0.001, dtype=dtype) * mean / (T.sqrt(square) + 1)
    rng = np.random.RandomState(0)
    values = [abs(rng.randn(7, 33)).astype(dtype) for _ in inputs]
    for result, count in [(step, 1), (mean / (T.sqrt(square) + 1), 0)]:
        functions = [compiled(inputs, result, mode) for mode in (fast(), fast(TAG))]
        assert [len(vector_nodes(function)) for function in functions] == [count, 0]
        got, expected = [function(*values) for function in functions]
        np.testing.assert_allclose(got, expected, rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", EVERY)
def test_the_off_switches_leave_theanos_own_graph(name):
    for mode in (fast(TAG), library.compile.get_mode("FAST_COMPILE")):
        function = graph_of(name, mode)
        ops = [n.op for n in function.maker.fgraph.toposort()]
        assert "lnl" not in str(ops) and not vector_nodes(function)
        modules = {type(one).__module__ for op in ops for one in (op, getattr(op, "scalar_op", op))}
        assert not any(module.startswith("lasagne_nl") for module in modules)


@of_theano
def test_without_a_compiler_nothing_is_registered():
    program = (
        "import lasagne_nl, theano\nassert 'lasagne_nl_simd' not in theano.compile.optdb.__db__\n"
    )
    output_of(program, THEANO_FLAGS="cxx=")


def test_the_flag_optimizer_excluding_switches_the_rewrites_off():
    program = WHICH_OPS + "print(ops(nl.tanh(x)))"
    assert "lasagne_nl.simd" in output_of(program)
    off = output_of(program, **{FLAGS: "optimizer_excluding=" + TAG})
    assert "Tanh" in off and "lasagne_nl" not in off


@of_theano
@pytest.mark.skipif(importlib.util.find_spec("pygpu") is not None, reason="there may be a GPU")
def test_where_there_is_no_gpu_a_flag_that_asks_for_it_changes_nothing():
    program = WHICH_OPS + "print(ops(nl.gelu(x)))"
    assert "gelu" in output_of(program, THEANO_FLAGS="device=cuda")


@of_theano
def test_debugmode_finds_nothing_in_the_softmax_family():
    inputs, outputs = softmax_family("float64", "int64")
    y = nl.sparsemax(3 * inputs[0])
    of_sparsemax = [y, library.grad(None, inputs[0], known_grads={y: inputs[2]})]
    function = compiled(inputs, outputs + of_sparsemax, "DebugMode")
    rng = np.random.RandomState(0)
    function(rng.randn(3, 20), rng.randn(20), rng.randn(3, 20), np.array([0, 19, 5]))


@functools.lru_cache(maxsize=None)
def pickled(name):
    """An activation of float32, compiled as users do, what a pickle of that is, and points."""
    points = np.random.RandomState(0).randn(50, 300).astype("float32")
    if name in BY_NAME:
        function, points = sweep.compiled(BY_NAME[name], "float32"), points.ravel()
    else:
        x = tensor("x", "float32", 2)
        function = compiled([x], EVERY[name](x), "FAST_RUN")
    return function, pickle.loads(pickle.dumps(function)), points


@pytest.mark.parametrize("name", EVERY)
def test_compiled_functions_pickle(name):
    function, again, points = pickled(name)
    np.testing.assert_array_equal(again(points), function(points))
    assert len(vector_nodes(again)) == len(vector_nodes(function))


@pytest.mark.parametrize("name", ["gelu", "softmax"])
def test_a_pickled_function_is_compiled_in_the_process_that_loads_it(name, tmp_path):
    function, _, points = pickled(name)
    file = tmp_path / "function.pickle"
    file.write_bytes(pickle.dumps([function, points, function(points)]))
    # Of what it does not know Numba warns, and computes it in Python.
    output_of(
        "import lasagne_nl, pickle, warnings\n"
        "warnings.filterwarnings('error', message='.*object mode')\n"
        "function, points, result = pickle.load(open({!r}, 'rb'))\n"
        "assert (function(points) == result).all()\n".format(str(file))
    )


@pytest.mark.parametrize("name", EVERY)
def test_threads_that_call_compiled_functions_side_by_side_get_right_results(name):
    *functions, points = pickled(name)  # of the same compiled code, each with its own memory
    expected = functions[0](points)

    def are_right(function):
        return all(np.array_equal(function(points), expected) for _ in range(50))

    with ThreadPoolExecutor(len(functions)) as threads:
        assert all(threads.map(are_right, functions))


def test_processes_that_share_one_cache_get_right_results(tmp_path):
    program = WHICH_OPS + (
        "x = T.fmatrix()\n"
        "f = library.function([x], [nl.selu(x), T.exp(x)])\n"
        "a = np.linspace(-3, 3, 99, dtype='float32').reshape(3, 33)\n"
        "s, e = f(a)\n"
        "np.testing.assert_allclose(e, np.exp(a), rtol=1e-6)\n"
        "print('right')"
    )
    flags = "base_compiledir={},floatX=float32".format(tmp_path)
    variables = dict(os.environ, PYTHONPATH=ROOT, **{FLAGS: flags})
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    processes = [
        subprocess.Popen(command, env=variables, stdout=pipe, cwd=str(tmp_path)) for _ in range(3)
    ]
    assert [p.communicate()[0] for p in processes] == [b"right\n"] * 3


@pytest.mark.skipif(not library.config.cxx, reason="is for the linkers of C")
def test_a_program_that_only_shares_the_cache_keeps_the_librarys_graphs_until_it_asks(tmp_path):
    # PyTensor 3 has C in a mode of its own.
    mode = ",mode=CVM" if WITH_NUMBA else ""
    flags = {FLAGS: "base_compiledir={}{}".format(tmp_path, mode)}
    repairs = os.path.join(ROOT, "lasagne_nl", "_theano_repairs.py")
    repair = "import runpy\nrunpy.run_path({!r})['install']()\n".format(repairs)
    function = (
        "import sys, {0} as library, {0}.tensor as T\n"
        "sigmoid = getattr(T, 'sigmoid', None) or T.nnet.sigmoid\n"
        "x = T.dvector()\n"
        "def ops(y): return str([n.op for n in library.function([x], y).maker.fgraph.toposort()])\n"
    ).format(library.__name__)
    ours = "import lasagne_nl\n" + function + "print(ops(T.tanh(x)), ops(sigmoid(x)))\n"
    assert "Vector" in output_of(ours, **flags)
    bare = (repair if with_theano else "") + function
    bare += (
        "print(ops(T.exp(x) + 1))\n"
        "assert 'lasagne_nl' in sys.modules, 'the cache has nothing of it'\n"
        "print(ops(T.tanh(x)), ops(sigmoid(x)))\n"
    )
    assert "Vector" not in output_of(bare, **flags)
    uses = (
        "import lasagne_nl; lasagne_nl.nonlinearities",
        "from lasagne_nl import nonlinearities",
        "from lasagne_nl.nonlinearities import tanh",
    )
    for use in uses:
        printed = output_of(bare + use + "\nprint('now', ops(T.tanh(x)))\n", **flags)
        before, now = printed.split("now")
        assert "Vector" not in before and "Vector" in now


OF_FLAGS = """
names = "exp expm1 log log1p tanh erf erfc sigmoid softplus".split()
functions = [getattr(T, name, None) or getattr(T.nnet, name) for name in names]
mode = lasagne_nl.backend.mode_of_one_function()
# No subnormal results: a module linked with -ffast-math has the processor take them for 0.
values = np.array([3, -9, 0.3, -0.0, np.nan, np.inf, -np.inf, 1e-3, -700] * 4)
for dtype in ("float32", "float64"):
    x, x0 = T.TensorType(dtype, (False,))("x"), T.TensorType(dtype, ())("x0")
    activations = [nl.elu, nl.leaky_rectify, nl.softsign, nl.softmax]
    whole = library.function([x], [f(x) for f in functions + activations], mode=mode)
    single = library.function([x0], [f(x0) for f in functions], mode=mode)
    points = values.astype(dtype)
    print([r.tolist() for r in whole(points)] + [[float(r) for r in single(p)] for p in points[:9]])
"""


@of_theano
@pytest.mark.parametrize(
    "flags", [pytest.param("-ffast-math -march=x86-64", marks=of_x86), "-Ofast"]
)
def test_flags_that_free_the_compiler_from_ieee_arithmetic_change_nothing(flags, tmp_path):
    def results(number, flags):
        compiled = "base_compiledir={},gcc.cxxflags={}".format(tmp_path / number, flags)
        printed = output_of(PRELUDE + OF_FLAGS, THEANO_FLAGS=compiled)
        return eval(printed.replace("\n", ","), {"nan": np.nan, "inf": np.inf})

    # The same processor, for whether it has FMA makes a difference in the last place.
    (processor,) = [f for f in flags.split() if f.startswith("-march")] or [""]
    for free, strict in zip(results("free", flags), results("strict", processor)):
        for one, other in zip(free, strict):
            np.testing.assert_array_equal(one, other)


@of_x86
def test_without_fma_no_subnormal_and_no_large_number_is_lost(tmp_path):
    program = """
outputs = [T.nnet.sigmoid(x), nl.squareplus(x), library.grad(nl.ScaledTanH(2.0)(x).sum(), x)]
print(*(list(map(float, y)) for y in library.function([x], outputs)([-734, -744, 1e300, -1.7e308])))
"""
    flags = "gcc.cxxflags=-march=x86-64,base_compiledir={}".format(tmp_path)
    printed = output_of(WHICH_OPS + program, THEANO_FLAGS=flags)
    sigmoid, squareplus, slope = map(ast.literal_eval, re.findall(r"\[.*?\]", printed))
    np.testing.assert_allclose(sigmoid, [*np.exp([-734.0, -744]), 1, 0], rtol=0, atol=5e-324)
    np.testing.assert_allclose(squareplus, [1 / 734, 1 / 744, 1e300, 1 / 1.7e308], 1e-5)
    assert slope == [0, 0, 0, 0]


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_without_fma_the_rest_of_a_product_is_the_exact_one_rounded(tmp_path):
    source, built = tmp_path / "rest.cpp", str(tmp_path / "rest.so")
    function = 'extern "C" double {0}(double a, double b, double c) {{ return lnl_{0}(a, b, c); }}'
    functions = map(function.format, ("rest", "fma"))
    source.write_text("\n".join([in_c.functions(), *functions]))
    flags = "-O2", "-shared", "-fPIC", *linkers.WITHOUT_FMA
    subprocess.check_call(["g++", *flags, str(source), "-o", built])
    rest, fma = (getattr(ctypes.CDLL(built), name) for name in ("rest", "fma"))
    for one in (rest, fma):
        one.restype, one.argtypes = ctypes.c_double, [ctypes.c_double] * 3
    ordinary = st.floats(1e-120, 1e140) | st.floats(-1e140, -1e-120)

    @settings(max_examples=500, deadline=None)
    @given(ordinary, ordinary, ordinary, st.sampled_from([1, -1, 1 + 1e-9, -1 - 1e-9]))
    def check(a, b, c, factor):
        product = Fraction(a) * Fraction(b)
        for z in (c, a * b * factor):
            for got, exact in [
                (rest(a, b, z), Fraction(z) - product),
                (fma(a, b, z), Fraction(z) + product),
            ]:
                assert abs(Fraction(got) - exact) <= Fraction(np.spacing(abs(got)))

    check()
    largest, inf = np.finfo(float).max, np.inf
    assert rest(largest, 0.75, largest * 0.75) == rest(0.75, largest, largest * 0.75) == 0
    assert rest(1e300, 1e-3, 1e297) == float(Fraction(1e297) - Fraction(1e300) * Fraction(1e-3))
    assert fma(largest, 1.0, -largest) == 0 and fma(largest, 0.5, 1.0) == largest / 2
    assert rest(inf, 2.0, 1.0) == -inf and fma(inf, 2.0, 1.0) == fma(largest, 2.0, 1.0) == inf
    assert np.isnan([rest(np.nan, 1.0, 1.0), fma(1.0, np.nan, 1.0), fma(1.0, 1.0, np.nan)]).all()


@pytest.mark.skipif(not WITH_NUMBA, reason="needs Numba")
def test_without_fma_numba_computes_rows(tmp_path):
    program = PRELUDE + (
        "x = T.matrix()\n"
        "of_rows = [nl.softmax(x), nl.log_softmax(x), nl.sparsemax(x)]\n"
        "slopes = [library.grad(T.sqr(y).sum(), x) for y in of_rows]\n"
        "print([y.tolist() for y in library.function([x], of_rows + slopes)(np.eye(3, 40))])\n"
    )
    results = []
    for name in ("generic", ""):
        flags = {"PYTENSOR_FLAGS": "base_compiledir={}".format(tmp_path), "NUMBA_CPU_NAME": name}
        results.append(np.array(ast.literal_eval(output_of(program, **flags).strip())))
    np.testing.assert_allclose(*results, rtol=1e-12)
    assert np.allclose(results[0][0].sum(axis=-1), 1)


@of_theano
@pytest.mark.skipif(shutil.which("clang++") is None, reason="there is no clang++")
@pytest.mark.parametrize("flags, serves", [("-O3", True), ("-ffast-math", False)])
def test_with_clang_they_serve_where_it_keeps_to_ieee_arithmetic(flags, serves, tmp_path):
    program = WHICH_OPS + "print(ops(T.tanh(x)), library.function([x], T.tanh(x))([np.nan]))\n"
    flags = "cxx={},gcc.cxxflags={},base_compiledir={}".format(
        shutil.which("clang++"), flags, tmp_path
    )
    printed = output_of(program, THEANO_FLAGS=flags)
    assert ("Vector" in printed) == serves and "nan" in printed


def test_the_environment_variable_switches_them_off_for_every_mode():
    program = WHICH_OPS + "print(ops(T.tanh(x), mode='FAST_RUN'), ops(T.tanh(x)))\n"
    for value, count in (("0", 0), ("1", 2), ("", 2)):
        assert output_of(program, LASAGNE_NL_SIMD=value).count("scalar_ops.Tanh") == count
    done = run_python(program, LASAGNE_NL_SIMD="off")
    assert "ValueError: LASAGNE_NL_SIMD='off' must be 0 or 1" in done.stderr


@of_theano
@pytest.mark.parametrize("name", ["tanh", "softmax"])
def test_threads_share_operations_from_as_many_elements_on_as_the_flag_says(name):
    node = graph_of(name, fast()).maker.fgraph.outputs[0].owner
    versions = set()
    for flag, least in ((200000, 32768), (0, 0), (200001, 200001)):
        with tools.change_flags(openmp_elemwise_minsize=flag):
            code = node.op.c_code(node, "node", ["x"], ["y"], {"fail": "fail"})
            versions.add(node.op.c_code_cache_version_apply(node))
        assert {"tanh": ", {})", "softmax": "({}, "}[name].format(least) in code
    assert len(versions) == 3  # what is compiled for one is not taken for another


@of_theano
def test_threads_of_openmp_give_the_results_of_one():
    program = PRELUDE + (
        "x, b, y = T.fmatrix(), T.fvector(), T.lvector()\n"
        "loss = T.nnet.categorical_crossentropy(nl.softmax(x + b), y)\n"
        "outputs = [nl.tanh(x), nl.elu(x + b), nl.selu(x.T), nl.softmax(x), loss]\n"
        "mode = lasagne_nl.backend.mode_of_one_function()\n"
        "f = library.function([x, b, y], outputs + [T.grad(loss.sum(), x)], mode=mode)\n"
        "assert all(n.op.openmp for n in f.maker.fgraph.toposort() if 'Vector' in str(n.op)) or "
        "not library.config.openmp\n"
        "rng = np.random.RandomState(0)\n"
        "results = []\n"
        "for shape in ((1, 3), (3, 1), (2, 50), (101, 33), (5, 4000), (9, 5000)):\n"
        "    a, c = rng.randn(*shape).astype('f'), rng.randn(shape[1]).astype('f')\n"
        "    results += f(a, c, rng.randint(0, shape[1], shape[0]))\n"
        "print(b''.join(np.ascontiguousarray(r).tobytes() for r in results).hex())\n"
    )
    all_share, some_share, one = (
        output_of(program, THEANO_FLAGS=flags, OMP_NUM_THREADS="3")
        for flags in ("openmp=True,openmp_elemwise_minsize=0", "openmp=True", "openmp=False")
    )
    assert all_share == some_share == one and len(one) > 20000


@of_theano
def test_beside_matrix_products_one_thread_computes_unless_the_flag_says_from_when_on_more_do():
    """BLAS has threads of its own, which those of OpenMP hold up."""
    program = PRELUDE + (
        "x, w = T.fmatrices('xw')\n"
        "for signal in (x + w, T.dot(x, w)):\n"
        "    outputs = [nl.softmax(nl.tanh(signal)), signal * x - 1]\n"
        "    f = library.function([x, w], outputs, mode='FAST_RUN')\n"
        "    ops = [n.op for n in f.maker.fgraph.apply_nodes if getattr(n.op, 'openmp', None)]\n"
        "    print(sorted({str(op).split('{')[0] for op in ops}))\n"
    )
    without, beside = output_of(program, THEANO_FLAGS="openmp=True").splitlines()
    assert without == str(["Elemwise", "Softmax", "VectorElemwise"]) and beside == "[]"
    flags = "openmp=True,openmp_elemwise_minsize=1000"
    without, beside = output_of(program, THEANO_FLAGS=flags).splitlines()
    assert without == beside == str(["Elemwise", "Softmax", "VectorElemwise"])


@of_theano
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_computes_with_threads_too():
    program = PRELUDE + (
        "import os, signal\n"
        "x = T.fmatrix()\n"
        "f = library.function([x], [nl.tanh(x), nl.softmax(x)])\n"
        "rows = np.random.RandomState(0).randn(256, 512).astype('f')\n"
        "expected = f(rows)\n"
        "if os.fork() == 0:\n"
        "    signal.alarm(60)\n"  # where it waits for threads that are not there
        "    np.testing.assert_array_equal(f(rows), expected)\n"
        "    os._exit(3)\n"
        "status = os.wait()[1]\n"
        "np.testing.assert_array_equal(f(rows), expected)\n"
        "print(os.WIFEXITED(status) and os.WEXITSTATUS(status))\n"
    )
    assert output_of(program, THEANO_FLAGS="openmp=True", OMP_NUM_THREADS="2").strip() == "3"


# --- the mathematics ---


@pytest.mark.parametrize("name", ["tanh", "ScaledTanH(2/3, 1.7159)", "elu", "SELU()", "selu"])
def test_a_zero_keeps_its_sign(name, dtype):
    got = evaluate(BY_NAME[name], np.array([0.0, -0.0] * 20, dtype))[0]
    np.testing.assert_array_equal(got, 0)
    np.testing.assert_array_equal(np.signbit(got), [False, True] * 20)


@pytest.mark.skipif(not (WITH_NUMBA and shutil.which("g++")), reason="needs Numba and g++")
@pytest.mark.parametrize("fma", [True, False])
@pytest.mark.parametrize("kernel", linkers.KERNELS)
def test_a_kernel_has_the_same_bits_in_c_and_in_numba(kernel, fma, tmp_path, monkeypatch):
    """All of them: `make linkers`."""
    from lasagne_nl.simd import in_llvm

    if not fma:
        monkeypatch.setattr(in_llvm, "has_fma", lambda: False)
    elif not in_llvm.has_fma():
        pytest.skip("the processor does not multiply and add in one")
    flags = ["-march=native"] if fma else linkers.WITHOUT_FMA
    of_c = linkers.in_c([kernel], str(tmp_path), *flags)
    for dtype in DTYPES:
        count, found = linkers.differences(kernel, dtype, 65537, of_c)
        assert count > 3000 and not len(found), found[:5]


def _has_gcc():
    """Whether g++ is GCC, for x86, and from 11 on."""
    if platform.machine() != "x86_64" or not shutil.which("g++"):
        return False
    command = ["g++", "-dumpfullversion", "-dumpversion"]  # Clang knows the second one only
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return found.returncode == 0 and int(found.stdout.split(b".")[0]) >= 11


@pytest.mark.skipif(not _has_gcc(), reason="needs GCC for x86")
@pytest.mark.parametrize("processor", ["haswell", "skylake-avx512"])
def test_the_loop_around_every_kernel_is_vectorised(processor, tmp_path):
    """Also where parameters are literals, of which GCC may make branches."""
    report = tmp_path / "report.txt"
    # Without identical functions made one, which are not reported.
    flags = "-march=" + processor, "-fno-ipa-icf", "-fopt-info-vec-optimized={}".format(report)
    linkers.in_c(linkers.KERNELS, str(tmp_path), *flags)
    vectorised = set(map(int, re.findall(r":(\d+):\d+: optimized: +loop vec", report.read_text())))
    loops, name = {}, None
    for number, line in enumerate((tmp_path / "kernels.cpp").read_text().splitlines(), 1):
        function = re.match(r'extern "C" void (\w+)', line)
        name = function.group(1) if function else name
        if line.lstrip().startswith("for (long i"):
            loops[name] = number
    assert len(loops) == len(linkers.KERNELS) * len(DTYPES)
    assert not [name for name, number in loops.items() if number not in vectorised]


def test_the_polynomials_are_those_that_the_script_writes(capsys):
    coefficients.main()
    assert capsys.readouterr().out == text_of("lasagne_nl", "simd", "coefficients.py")


def _in_numpy(value, operands, wide):
    """What an operation of a kernel makes of floats and integers; of floats, in a wider dtype."""
    a = operands[0]
    simple = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    if value.kind in FLOATS and value.operation in simple:
        return simple[value.operation](*(one.astype(wide) for one in operands))
    if value.operation == "sqrt":
        return np.sqrt(a.astype(wide))
    if value.operation == "signed_min":
        signed = value.kind[len("u") :]
        return np.minimum(*(one.view(signed) for one in operands)).view(value.kind)
    if value.operation in ("fma", "mad", "rest"):
        a, b, c = (one.astype(wide) for one in operands)
        return c - a * b if value.operation == "rest" else a * b + c
    if value.operation in ("bits", "number", "convert"):
        kind = np.dtype(value.kind)
        return a.astype(kind) if value.operation == "convert" else a.view(kind)
    return {
        **simple, "&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor,
        "<<": np.left_shift, ">>": np.right_shift, "<": np.less, ">": np.greater,
        "<=": np.less_equal, ">=": np.greater_equal, "==": np.equal, "select": np.where,
        "neg": np.negative,
    }[value.operation](*operands)  # fmt: skip


def _computed(kernel, x, **others):
    """The result of a kernel in NumPy, and (value, exact result) of each of its operations."""
    arguments, result = record(kernel, x.dtype.name)
    made = {value: np.full_like(x, others.get(name, 0.75)) for name, value in arguments.items()}
    made[next(iter(arguments.values()))] = x
    exact = {}
    with np.errstate(all="ignore"):
        for value in in_order(result):
            if value.operation == "constant":
                (number,) = value.operands
                is_integer = value.kind.startswith("uint")
                number = number % 2 ** int(value.kind[len("uint") :]) if is_integer else number
                made[value] = np.full(x.shape, number, value.kind)
            elif value not in made:
                operands = [made[operand] for operand in value.operands]
                wide = np.float64 if x.dtype == "float32" else np.longdouble
                exact[value] = _in_numpy(value, operands, wide)
                made[value] = exact[value].astype(value.kind)
    return made[result], exact.items()


@pytest.mark.parametrize("kernel", linkers.KERNELS)
def test_a_kernel_makes_no_subnormal_numbers_where_its_result_is_none(kernel):
    """With them processors take ten times as long and more."""
    x = np.concatenate([np.linspace(-60, 60, 4001), np.geomspace(1e-9, 1, 99)]).astype("float32")
    others = {"g": 0.37, "largest": 60, "shift": 0, "least": -45, "magic": 2.0**23 * 1.5 + 191}
    result, operations = _computed(kernel, x, **others)
    has_subnormal = np.zeros(x.shape, bool)
    for value, exact in operations:
        if value.kind == "float32" and value.operation not in ("number", "select"):
            has_subnormal |= (exact != 0) & (abs(exact) < np.finfo("float32").tiny)
    assert not has_subnormal[abs(result) > 2.0**-80].any(), x[has_subnormal]


@pytest.mark.parametrize("kernel", sorted({*linkers.KERNELS} - {"scaled_expm1"}))
def test_a_kernel_of_nan_is_nan_whatever_sign_that_has(kernel, dtype):
    x = np.copysign(np.full(4, np.nan, dtype), np.array([1, -1, 1, -1], dtype))
    result, _ = _computed(kernel, x, least=-45)
    assert np.isnan(result).all()


@pytest.mark.parametrize("kernel", [name for name in linkers.KERNELS if name.endswith("_slope")])
def test_a_slope_takes_an_incoming_gradient_of_any_size(kernel, dtype):
    x = np.concatenate([np.linspace(-95, 95, 1001), np.linspace(-1, 1, 1001)]).astype(dtype)
    bounds = {"min_value": -0.75, "zero": -0.75}
    slope, _ = _computed(kernel, x, g=1.37, **bounds)
    most, tiny = np.finfo(dtype).maxexp, np.finfo(dtype).tiny
    for power in (-0.9 * most, -most // 2, most // 3, 0.6 * most, most - 2):
        size = np.array(2.0 ** int(power), dtype)
        got, _ = _computed(kernel, x, g=1.37 * size, **bounds)
        with np.errstate(over="ignore"):
            wanted = slope * size
        is_normal = (abs(slope) >= tiny) & (abs(wanted) >= tiny) & np.isfinite(wanted)
        assert is_normal.sum() > 200
        relative = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(got[is_normal], wanted[is_normal], rtol=relative)
