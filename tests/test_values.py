"""Values: right against mpmath, for every dtype, shape and layout."""

import numpy as np
import pytest
from activations import EVERY, softmax_truth
from helpers import DTYPES, MODES, evaluate, library, named, tensor, truth, ulps, with_theano
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lasagne_nl import nonlinearities as nl

# tanh of the C library and exp of NumPy are off by up to 1.9 units by themselves.
MOST_ULPS = 4


def grid(dtype):
    """Points of every magnitude, and the places where the libraries switch formulas."""
    rng = np.random.RandomState(0)
    magnitudes = np.exp(rng.uniform(np.log(float(np.finfo(dtype).tiny)), np.log(800), 300))
    switches = [14, 15, 16, 17.5, 19, 19.1, 20, 30, 31, 33.4, 36, 37, 88, 88.5, 103, 709, 745, 746]
    points = np.concatenate(
        [magnitudes, -magnitudes, switches, np.negative(switches), np.linspace(-6, 6, 201)]
    )
    return points[np.abs(points) > 0].astype(dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
def test_values_are_within_a_few_ulps_of_the_truth(case, dtype, mode):
    points = grid(dtype)
    errors = ulps(evaluate(case, points, mode)[0], truth(case, 0, points))
    worst = errors.argmax()
    assert errors[worst] <= MOST_ULPS, (points[worst], errors[worst])


@pytest.mark.parametrize("mode", MODES if with_theano else ["FAST_COMPILE"])  # no Numba float16
@pytest.mark.parametrize(**named())
def test_values_of_float16_are_within_a_few_ulps_of_the_truth(case, mode):
    points = np.concatenate([np.linspace(-20, 20, 401), [-np.inf, -65504, 6e-8, 65504, np.inf]])
    points = points.astype("float16")
    x = tensor("x", "float16", 1)
    got = library.function([x], case.activation(x), mode=mode)(points)
    assert ulps(got, truth(case, 0, points)).max() <= MOST_ULPS


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_values_of_any_float_are_within_a_few_ulps_of_the_truth(case, dtype, data):
    width = int(dtype[-2:])
    floats = st.floats(width=width, allow_nan=True, allow_infinity=True)
    points = data.draw(hnp.arrays(dtype, st.integers(1, 6), elements=floats))
    errors = ulps(evaluate(case, points)[0], truth(case, 0, points))
    assert errors.max() <= MOST_ULPS, points


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_any_row_is_within_a_few_ulps_of_the_truth(dtype, mode):
    x = tensor("x", dtype, 2)
    softmax = library.function([x], nl.softmax(x), mode=mode)
    rng = np.random.RandomState(1)
    rows = np.concatenate(
        [scale * rng.randn(12, 7) for scale in (1e-30, 1e-3, 1, 10, 1e3, 1e30)]
    ).astype(dtype)
    for row, got in zip(rows, softmax(rows)):
        # x - max is rounded once, by up to |x - max| u (u is half a unit at 1); exp turns that into
        # a relative error of as much, and a unit of the result is at least u of it.
        shifted = np.abs(np.float64(row) - row.max())
        allowed = 5 + np.where(shifted < 800, shifted, 0)
        assert np.all(ulps(got, softmax_truth(row)) <= allowed), row


@pytest.mark.parametrize("ndim", range(6))
@pytest.mark.parametrize(**named())
def test_shape_and_values_are_those_of_the_elements_in_any_number_of_dimensions(case, ndim):
    x = tensor("x", "float32", ndim)
    y = case.activation(x)
    assert y.ndim == ndim and y.type.broadcastable == x.type.broadcastable
    points = np.asarray(np.random.RandomState(ndim).randn(*(2, 3, 1, 2, 3)[:ndim]), "float32")
    got = library.function([x], y, mode="FAST_COMPILE")(points)
    assert got.shape == points.shape and got.dtype == "float32"
    assert ulps(got.reshape(-1), truth(case, 0, points.reshape(-1))).max() <= MOST_ULPS


@pytest.mark.parametrize("ndim", range(1, 6))
@pytest.mark.parametrize("mode", MODES)
def test_softmax_normalises_the_last_axis_in_any_number_of_dimensions(ndim, mode):
    x = tensor("x", "float64", ndim)
    y = nl.softmax(x)
    assert y.ndim == ndim and y.type.broadcastable == x.type.broadcastable
    points = np.random.RandomState(ndim).randn(*(2, 3, 1, 2, 4)[-ndim:])
    got = library.function([x], y, mode=mode)(points)
    expected = np.exp(points) / np.exp(points).sum(axis=-1, keepdims=True)
    assert got.shape == points.shape
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("axes", [("x", 0), (0, "x"), ("x", 0, "x"), (0, "x", 1), ("x", 0, 1, "x")])
def test_softmax_keeps_the_broadcast_pattern_in_any_number_of_dimensions(axes):
    kept = [axis for axis in axes if axis != "x"]
    x = tensor("x", "float32", len(kept)).dimshuffle(*axes)
    assert nl.softmax(x).type.broadcastable == tuple(axis == "x" for axis in axes)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("name", EVERY)
def test_empty_arrays_stay_empty(name, shape):
    if name == "softmax" and shape[-1] == 0:
        pytest.skip("a row without entries has no softmax: the library raises or returns it")
    x = tensor("x", "float32", len(shape))
    got = library.function([x], EVERY[name](x), mode="FAST_COMPILE")(np.zeros(shape, "float32"))
    assert got.shape == shape and got.dtype == "float32"


@pytest.mark.parametrize("pattern", [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("name", EVERY)
def test_the_broadcast_pattern_stays(name, pattern):
    x = tensor("x", "float32", 2).dimshuffle(0, 1)
    x = x[: 1 if pattern[0] else None, : 1 if pattern[1] else None]
    specified = [0 if b else slice(None) for b in pattern]
    x = x[tuple(specified)].dimshuffle(
        *[("x" if b else sum(not p for p in pattern[:axis])) for axis, b in enumerate(pattern)]
    )
    assert x.type.broadcastable == pattern
    assert EVERY[name](x).type.broadcastable == pattern


@pytest.mark.parametrize("name", EVERY)
def test_the_layout_in_memory_does_not_matter(name):
    x = tensor("x", "float32", 2)
    function = library.function([x], EVERY[name](x))
    points = np.random.RandomState(3).randn(6, 8).astype("float32")
    for view in (points.T, points[::2], points[:, ::-1], points[::-2, 1::3]):
        np.testing.assert_array_equal(function(view), function(np.array(view, order="C")))
