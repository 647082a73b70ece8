"""The edges: infinities, the largest and the smallest floats, zeros, NaN."""

import numpy as np
import pytest
from activations import ELEMENTWISE
from helpers import DTYPES, MODES, derivatives, library, named, slope_scale, tensor, truth, ulps

from lasagne_nl import nonlinearities as nl

INF, NAN = np.inf, np.nan


def edges(dtype):
    limits = np.finfo(dtype)
    smallest = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
    return np.array(
        [-INF, limits.min, -1000, -89, -0.0, 0.0, smallest, 89, 1000, limits.max, INF, NAN], dtype
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
def test_values_at_the_edges_are_the_limits(case, dtype, mode):
    points = edges(dtype)
    one = np.ones_like(points)
    values = derivatives(case, dtype, mode)(points, one, one)[0]
    errors = ulps(values, truth(case, 0, points))
    assert errors.max() <= 4, list(zip(points, values, errors))


@pytest.mark.parametrize("order", [1, 2], ids=["slope", "curvature"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
def test_derivatives_at_the_edges_are_finite_and_right(case, dtype, mode, order):
    points = edges(dtype)[:-1]
    one = np.ones_like(points)
    got = derivatives(case, dtype, mode)(points, one, one)[order]
    expected = [float(t) for t in truth(case, order, points)]
    assert got.dtype == dtype
    atol = 4 * np.finfo(dtype).eps * max(1, slope_scale(case, dtype))
    np.testing.assert_allclose(got, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
def test_the_gradient_is_zero_where_the_incoming_gradient_is_zero(case, dtype, mode):
    points = edges(dtype)[:-1]
    zero, one = np.zeros_like(points), np.ones_like(points)
    function = derivatives(case, dtype, mode)
    np.testing.assert_array_equal(function(points, zero, one)[1], zero)
    np.testing.assert_array_equal(function(points, zero, zero)[2], zero)
    np.testing.assert_array_equal(function(points, one, zero)[2], zero)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
class TestSoftmax:
    @pytest.fixture
    def function(self, dtype, mode):
        x, g, h = (tensor(name, dtype, 2) for name in "xgh")
        y = nl.softmax(x)
        first = library.grad(None, x, known_grads={y: g})
        second = library.grad(None, x, known_grads={first: h})
        return library.function([x, g, h], [y, first, second], mode=mode)

    def rows(self, dtype):
        limits = np.finfo(dtype)
        return np.array(
            [
                [0, 0, 0],
                [1000, -1000, 0],
                [-1000, -1000, -1000],
                [limits.max, 0, limits.min],
                [limits.max, limits.max, limits.max],
                [-89, 0, 89],
                [0, -INF, 0],
                [-INF, 3, -INF],
            ],
            dtype,
        )

    def test_values_at_the_edges_are_the_limits(self, function, dtype):
        rows = self.rows(dtype)
        third = 1.0 / 3
        expected = [
            [third] * 3, [1, 0, 0], [third] * 3, [1, 0, 0], [third] * 3, [0, 0, 1],
            [0.5, 0, 0.5], [0, 1, 0],
        ]  # fmt: skip
        got = function(rows, np.ones_like(rows), np.ones_like(rows))[0]
        np.testing.assert_allclose(got, expected, rtol=2 * np.finfo(dtype).eps, atol=1e-37)

    def test_a_row_without_a_softmax_is_nan_and_leaves_the_others_alone(self, function, dtype):
        rows = np.array([[0, INF, 0], [0, NAN, 0], [-INF] * 3, [0, 0, 0]], dtype)
        got = function(rows, np.ones_like(rows), np.ones_like(rows))[0]
        assert np.isnan(got[:3]).all()
        np.testing.assert_allclose(got[3], 1.0 / 3, rtol=2 * np.finfo(dtype).eps)

    def test_derivatives_at_the_edges_are_finite_and_right(self, function, dtype):
        rows = self.rows(dtype)
        rng = np.random.RandomState(0)
        g, h = (rng.randn(*rows.shape).astype(dtype) for _ in range(2))
        _, first, second = function(rows, g, h)
        p = np.float64(function(rows, g, h)[0])
        g, h = np.float64(g), np.float64(h)
        dot = lambda a, b: (a * b).sum(axis=1, keepdims=True)  # noqa: E731
        # J = diag(p) - p p^T: J g, and the gradient of h . J g along x.
        expected_first = p * (g - dot(p, g))
        along_p = h * g - h * dot(p, g) - g * dot(p, h)
        expected_second = p * (along_p - dot(p, along_p))
        atol = 30 * np.finfo(dtype).eps
        np.testing.assert_allclose(first, expected_first, rtol=0, atol=atol)
        np.testing.assert_allclose(second, expected_second, rtol=0, atol=atol)

    def test_the_gradient_is_zero_where_the_incoming_gradient_is_zero(self, function, dtype):
        rows = self.rows(dtype)
        zero, one = np.zeros_like(rows), np.ones_like(rows)
        np.testing.assert_array_equal(function(rows, zero, one)[1], zero)
        np.testing.assert_array_equal(function(rows, one, zero)[2], zero)


def test_every_activation_but_softmax_is_in_the_table_of_edges():
    covered = {id(case.activation) for case in ELEMENTWISE}
    instances_and_functions = {
        name for name in nl.__all__ if not isinstance(getattr(nl, name), type) and name != "softmax"
    }
    assert {n for n in instances_and_functions if id(getattr(nl, n)) not in covered} == set()
    assert {type(case.activation) for case in ELEMENTWISE} >= {
        getattr(nl, name) for name in nl.__all__ if isinstance(getattr(nl, name), type)
    }
