"""PyTensor with JAX, where that is installed: every activation, its slope and its curvature.

XLA, which compiles for JAX, takes subnormal numbers for 0, and has a tanh and an erfc of its own.
So what is compared here are numbers of usual size.
"""

import importlib.util

import numpy as np
import pytest
from activations import ROWS
from helpers import DTYPES, backend, derivatives, named, slope_scale, truth, ulps

pytestmark = pytest.mark.skipif(
    backend.name != "pytensor" or importlib.util.find_spec("jax") is None,
    reason="PyTensor with JAX is not here",
)
# By how many units in the last place XLA's own functions are off.
MOST_ULPS = 8
POINTS = np.concatenate([np.linspace(-5, 5, 81), [-1000, 1000, -np.inf, np.inf, np.nan]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named())
def test_values_slopes_and_curvatures_are_right(case, dtype):
    points = POINTS.astype(dtype)
    one = np.ones_like(points)
    results = [np.asarray(r) for r in derivatives(case, dtype, "JAX")(points, one, one)]
    assert all(r.dtype == dtype for r in results)
    off = ulps(results[0], truth(case, 0, points)) - case.allowed(points, dtype)
    # erfc, of which gelu is made, rounds x^2 before the exponential of it.
    allowed = MOST_ULPS + np.where(np.abs(points) <= 5, points**2, 0)
    assert np.all(off <= allowed), list(zip(points, off))
    scale = MOST_ULPS * np.finfo(dtype).eps * max(1, slope_scale(case, dtype))
    for order in (1, 2):
        expected = [float(t) for t in truth(case, order, points[:-1])]
        np.testing.assert_allclose(results[order][:-1], expected, rtol=0, atol=2 * scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(**named(ROWS))
def test_rows_and_their_gradients_are_right(case, dtype, request):
    if case.name == "sparsemax":
        reason = "JAX compiles no arange of a length that it does not know"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    rows = np.array([[0, 1, -2], [1000, -1000, 0], [-30, 0, 3]], dtype)
    g, h = np.random.RandomState(0).randn(2, 3, 3).astype(dtype)
    values, first, _ = (np.asarray(r) for r in derivatives(case, dtype, "JAX", 2)(rows, g, h))
    eps, exact = np.finfo(dtype).eps, case.values(rows)
    # The log of a sum near 1 is off by the rounding of the sum.
    atol = 2 * eps if case.name == "log_softmax" else 1e-37
    np.testing.assert_allclose(values, exact, rtol=MOST_ULPS * eps, atol=atol)
    np.testing.assert_allclose(first, case.pullback(exact, np.float64(g)), rtol=0, atol=30 * eps)
