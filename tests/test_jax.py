"""PyTensor with JAX, where that is installed: every activation, its slope and its curvature.

XLA, which compiles for JAX, takes subnormal numbers for 0, and has a tanh and an erfc of its own.
So what is compared here are numbers of usual size.
"""

import importlib.util

import numpy as np
import pytest
from activations import ROWS
from helpers import T, backend, derivatives, errors, evaluate, library, slope_scale, tensor, truth

from lasagne_nl import nonlinearities as nl

pytestmark = pytest.mark.skipif(
    backend.name != "pytensor" or importlib.util.find_spec("jax") is None,
    reason="PyTensor with JAX is not here",
)
# By how many units in the last place XLA's own functions are off.
MOST_ULPS = 8
POINTS = np.concatenate([np.linspace(-5, 5, 81), [-1000, 1000, -np.inf, np.inf, np.nan]])


def test_values_slopes_and_curvatures_are_right(case, dtype):
    points = POINTS.astype(dtype)
    results = [np.asarray(r) for r in evaluate(case, points, "JAX")]
    assert all(r.dtype == dtype for r in results)
    off = errors(case, results[0], points)
    # erfc, of which gelu is made, rounds x^2 before the exponential of it.
    allowed = MOST_ULPS + np.where(np.abs(points) <= 5, points**2, 0)
    assert np.all(off <= allowed), list(zip(points, off))
    scale = MOST_ULPS * np.finfo(dtype).eps * max(1, slope_scale(case, dtype))
    for order in (1, 2):
        expected = [float(t) for t in truth(case, order, points[:-1])]
        if order == 2 and case.name == "GELU(approximate=True)":
            scale *= 10  # the square of the slope of its exponent, times what the sigmoid rounds
        np.testing.assert_allclose(results[order][:-1], expected, rtol=0, atol=2 * scale)


FAR = np.array([-1e4, -745, -30, -1, 0.5, 30, 711, 1e4])


def test_jax_itself_differentiates_what_pytensor_compiled_for_it(case):
    """As NumPyro and BlackJAX do with a model of PyMC."""
    import jax

    x = tensor("x", "float64", 1)
    compiled = library.function([x], case.activation(x), mode="JAX").vm.jit_fn
    slopes = jax.grad(lambda points: compiled(points)[0].sum())(jax.numpy.asarray(FAR))
    expected = [float(t) for t in truth(case, 1, FAR)]
    np.testing.assert_allclose(slopes, expected, atol=1e-12)


@pytest.mark.parametrize("wrapped", ["log(sigmoid)", "log(1 - sigmoid)"])
def test_jax_itself_differentiates_the_log_of_a_sigmoid(wrapped, dtype):
    import jax

    x = tensor("x", dtype, 1)
    p = nl.sigmoid(x)
    y = T.log(p) if wrapped == "log(sigmoid)" else T.log(1 - p)
    compiled = library.function([x], y, mode="JAX").vm.jit_fn
    slopes = jax.grad(lambda points: compiled(points)[0].sum())(jax.numpy.asarray(FAR, dtype))
    sign = 1 if wrapped == "log(sigmoid)" else -1
    expected = sign * np.exp(-np.logaddexp(0, sign * FAR))
    np.testing.assert_allclose(slopes, expected, atol=1e-6)


@pytest.mark.parametrize("activation", [nl.glu, nl.crelu])
def test_those_that_change_the_shape_compile_where_the_length_is_known(activation):
    points = np.linspace(-2, 2, 8).reshape(2, 4)
    x = T.TensorType("float64", (None, 4))("x")
    y = activation(x)
    outputs = [y, library.grad((y**2).sum(), x)]
    got, expected = (
        library.function([x], outputs, mode=m)(points) for m in ("JAX", "FAST_COMPILE")
    )
    for one, other in zip(got, expected):
        np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("case", ROWS, ids=repr)
def test_rows_and_their_gradients_are_right(case, dtype):
    rows = np.array([[0, 1, -2], [1000, -1000, 0], [-30, 0, 3]], dtype)
    g, h = np.random.RandomState(0).randn(2, 3, 3).astype(dtype)
    values, first, _ = (np.asarray(r) for r in derivatives(case, dtype, "JAX", 2)(rows, g, h))
    eps, exact = np.finfo(dtype).eps, case.values(rows)
    # The log of a sum near 1 is off by the rounding of the sum.
    atol = 2 * eps if case.name == "log_softmax" else 1e-37
    np.testing.assert_allclose(values, exact, rtol=MOST_ULPS * eps, atol=atol)
    np.testing.assert_allclose(first, case.pullback(exact, np.float64(g)), rtol=0, atol=30 * eps)
