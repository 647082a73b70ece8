"""Gradients: against finite differences, and by the library's own verification."""

import numpy as np
import pytest
from activations import EVERY
from helpers import evaluate, gradient, named, with_theano

AWAY_FROM_KINKS = np.array([-30.0, -7.5, -2.0, -0.4, -0.01, 0.01, 0.3, 1.7, 6.0, 30.0])


@pytest.mark.parametrize(**named())
def test_slope_and_curvature_agree_with_central_differences(case):
    points, h = AWAY_FROM_KINKS, 1e-5
    _, slope, curvature = evaluate(case, points)
    above, below = evaluate(case, points + h), evaluate(case, points - h)
    # Truncation is of order h^2, rounding of order eps |value| / h.
    tolerance = {"rtol": 1e-8, "atol": 1e-8}
    np.testing.assert_allclose(slope, (above[0] - below[0]) / (2 * h), **tolerance)
    np.testing.assert_allclose(curvature, (above[1] - below[1]) / (2 * h), **tolerance)


@pytest.mark.parametrize("shape", [(5,), (3, 4)])
@pytest.mark.parametrize("name", EVERY)
def test_the_library_verifies_the_gradient(name, shape):
    if name == "linear":
        pytest.skip("verify_grad wants an expression; linear returns its argument itself")
    rng = np.random.RandomState(4)
    points = rng.uniform(0.1, 3, shape) * rng.choice([-1, 1], shape)
    generator = rng if with_theano else np.random.default_rng(4)
    gradient.verify_grad(EVERY[name], [points], rng=generator)
