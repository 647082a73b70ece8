"""The edges: infinities, the largest and the smallest floats, zeros, NaN."""

import numpy as np
import pytest
from activations import CLASSES, ELEMENTWISE, EVERY, OTHER_CLASSES, RESHAPING, ROWS
from helpers import T, derivatives, errors, evaluate, library, slope_scale, tensor, truth

from lasagne_nl import nonlinearities as nl

INF, NAN = np.inf, np.nan


def edges(dtype):
    limits = np.finfo(dtype)
    smallest = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
    return np.array(
        [-INF, limits.min, -1000, -89, -0.0, 0.0, smallest, 89, 1000, limits.max, INF, NAN], dtype
    )


def test_values_at_the_edges_are_the_limits(case, dtype, mode):
    points = edges(dtype)
    values = evaluate(case, points, mode)[0]
    off = errors(case, values, points)
    assert off.max() <= 4, list(zip(points, values, off))


@pytest.mark.parametrize("order", [1, 2], ids=["slope", "curvature"])
def test_derivatives_at_the_edges_are_finite_and_right(case, dtype, mode, order):
    points = edges(dtype)[:-1]
    got = evaluate(case, points, mode)[order]
    expected = [float(t) for t in truth(case, order, points)]
    assert got.dtype == dtype
    atol = 4 * np.finfo(dtype).eps * max(1, slope_scale(case, dtype))
    np.testing.assert_allclose(got, expected, rtol=0, atol=atol)


def rows_of_edges(case, dtype):
    limits, masked = np.finfo(dtype), case.masked
    rows = [
        [0, 0, 0], [1000, -1000, 0], [-1000, -1000, -1000], [-89, 0, 89], [0.25, 0.5, -0.125],
        [limits.max / 2, 0, limits.min / 2], [limits.max, limits.max, limits.max],
        [0, masked, 0], [masked, 3, masked],
    ]  # fmt: skip
    return np.array(rows, dtype)


@pytest.mark.parametrize("case", ELEMENTWISE + ROWS, ids=repr)
def test_the_gradient_is_zero_where_the_incoming_gradient_is_zero(case, dtype, mode):
    points = rows_of_edges(case, dtype) if case in ROWS else edges(dtype)[:-1]
    zero, one = np.zeros_like(points), np.ones_like(points)
    function = derivatives(case, dtype, mode, points.ndim)
    np.testing.assert_array_equal(function(points, zero, one)[1], zero)
    np.testing.assert_array_equal(function(points, zero, zero)[2], zero)
    np.testing.assert_array_equal(function(points, one, zero)[2], zero)


@pytest.mark.parametrize("case", [case for case in ELEMENTWISE if case.name != "linear"], ids=repr)
def test_the_slope_at_nan_is_nan(case, dtype, mode):
    slopes = evaluate(case, np.array([NAN, 1.5], dtype), mode)[1]
    assert np.isnan(slopes).tolist() == [True, False]


# Parameters with which a function is 0, or another constant, at infinity, where a product would be
# 0 times inf; a number that is not 0 but rounds to 0.
DEGENERATE = [
    (nl.LeakyRectify, {"leakiness": 1e-50}, 0, INF),
    (nl.LeakyRectify, {"leakiness": 0}, 0, INF),
    (nl.ScaledTanH, {"scale_in": 0, "scale_out": 2}, 0, 0),
    (nl.ScaledTanH, {"scale_in": 1e-50, "scale_out": 2}, 0, 0),
    (nl.ScaledTanH, {"scale_in": 1, "scale_out": 0}, 0, 0),
    (nl.SELU, {"scale": 0, "scale_neg": 2}, 0, 0),
    (nl.SELU, {"scale": 2, "scale_neg": 0}, 0, INF),
    (nl.ELU, {"alpha": 0}, 0, INF),
    (nl.Swish, {"beta": 0}, -INF, INF),
    (nl.HardSigmoid, {"slope": 0, "shift": 0.25}, 0.25, 0.25),
    (nl.Squareplus, {"b": 0}, 0, INF),
]


@pytest.mark.parametrize("kind", ["number", "0-d array", "shared", "one of a constant"])
@pytest.mark.parametrize("owner, given, left, right", DEGENERATE)
def test_a_factor_of_0_times_infinity_is_0(owner, given, left, right, kind):
    make = {
        "number": float,
        "0-d array": np.array,
        "shared": lambda v: library.shared(np.float32(v)),
        "one of a constant": lambda v: T.constant(np.array([v, 1, 1, v], "float32")),
    }
    if kind not in ("number", "0-d array") and owner is nl.Squareplus:
        pytest.skip("its variable has to be positive")
    x = tensor("x", "float32", 1)
    y = owner(**{name: make[kind](value) for name, value in given.items()})(x)
    outputs = [y, library.grad(y.sum(), x)]
    values, slopes = library.function([x], outputs, mode="FAST_COMPILE")([-INF, -1, 1, INF])
    assert (values[0], values[-1]) == (left, right) and np.isfinite(values[1:-1]).all()
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("case", ROWS, ids=repr)
class TestRows:
    @pytest.fixture
    def function(self, case, dtype, mode):
        return derivatives(case, dtype, mode, ndim=2)

    def test_values_at_the_edges_are_the_limits(self, function, case, dtype):
        rows = rows_of_edges(case, dtype)
        got = function(rows, np.ones_like(rows), np.ones_like(rows))[0]
        assert got.dtype == dtype
        np.testing.assert_allclose(got, case.values(rows), rtol=2 * np.finfo(dtype).eps, atol=1e-37)

    def test_a_row_without_a_value_is_nan_and_leaves_the_others_alone(self, function, case, dtype):
        masked = case.masked
        rows = np.array([[0, -masked, 0], [0, NAN, 0], [masked] * 3, [0, 0, 0]], dtype)
        got = function(rows, np.ones_like(rows), np.ones_like(rows))[0]
        assert np.isnan(got[:3]).all()
        np.testing.assert_allclose(got[3:], case.values(rows[3:]), rtol=2 * np.finfo(dtype).eps)

    def test_derivatives_at_the_edges_are_finite_and_right(self, function, case, dtype):
        rows = rows_of_edges(case, dtype)
        rng = np.random.RandomState(0)
        g, h = (rng.randn(*rows.shape).astype(dtype) for _ in range(2))
        _, first, second = function(rows, g, h)
        values = case.values(rows)
        g, h = np.float64(g), np.float64(h)
        atol = 30 * np.finfo(dtype).eps
        np.testing.assert_allclose(first, case.pullback(values, g), rtol=0, atol=atol)
        np.testing.assert_allclose(second, case.second(values, g, h), rtol=0, atol=atol)


def test_every_activation_is_in_a_table():
    tables = list(EVERY.values()) + list(RESHAPING.values())
    covered = {id(activation) for activation in tables}
    objects = {name: getattr(nl, name) for name in nl.__all__}
    instances_and_functions = {n: o for n, o in objects.items() if not isinstance(o, type)}
    assert {n for n, o in instances_and_functions.items() if id(o) not in covered} == set()
    classes = {owner for owner, _ in CLASSES + OTHER_CLASSES}
    assert classes == {o for o in objects.values() if isinstance(o, type)}
    # Softmax is the class of no instance: its tests are those of its axes.
    assert classes - {type(activation) for activation in tables} == {nl.Softmax}
