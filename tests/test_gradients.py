"""Gradients: against finite differences, and by the library's own verification."""

import numpy as np
import pytest
from activations import ALL, BY_NAME, CLASSES, ELEMENTWISE, PARAMETERS
from helpers import (
    UNCONNECTED,
    T,
    compiled,
    evaluate,
    gradient,
    library,
    pushforward,
    special,
    tensor,
    truth,
    with_theano,
    without_a_compiler,
)

from lasagne_nl import nonlinearities as nl

AWAY_FROM_KINKS = np.array([-30.0, -7.5, -2.0, -0.4, -0.01, 0.01, 0.3, 1.7, 5.6, 30.0])


def test_slope_and_curvature_agree_with_central_differences(case):
    points, h = AWAY_FROM_KINKS, 1e-5
    _, slope, curvature = evaluate(case, points)
    above, below = evaluate(case, points + h), evaluate(case, points - h)
    # Truncation is of order h^2, rounding of order eps |value| / h.
    tolerance = {"rtol": 1e-8, "atol": 1e-8}
    np.testing.assert_allclose(slope, (above[0] - below[0]) / (2 * h), **tolerance)
    np.testing.assert_allclose(curvature, (above[1] - below[1]) / (2 * h), **tolerance)


@pytest.mark.parametrize("case", [case for case in ELEMENTWISE if case.kinks], ids=repr)
def test_the_slope_at_a_kink_is_the_mean_of_both_sides(case, dtype, mode):
    kinks = np.array(case.kinks, dtype)
    _, slope, _ = evaluate(case, kinks, mode)
    sides = [np.nextafter(kinks, kinks.dtype.type(end)) for end in (-np.inf, np.inf)]
    below, above = (np.float64(truth(case, 1, side)) for side in sides)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(slope, (below + above) / 2, rtol=tolerance, atol=tolerance)


# Points away from the kinks of the classes, and far out.
PLACES = np.array([-1e4, -40.0, -3.1, -1.4, -0.6, -0.1, 0.1, 0.3, 1.2, 1.9, 3.3, 40.0, 1e4])


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_the_gradient_along_a_shared_parameter_is_right(owner, parameter):
    given = dict(CLASSES)[owner]
    shared = library.shared(np.float64(given[parameter]))
    x = tensor("x", "float64", 1)
    points = np.concatenate([[-np.inf], PLACES, [np.inf]])
    y = owner(**dict(given, **{parameter: shared}))(x)
    function = library.function([x], library.grad(y.sum(), shared), mode="FAST_COMPILE")
    slopes = np.array([function([point]) for point in points])
    h = 1e-6
    above, below = (
        library.function([x], made(x), mode="FAST_COMPILE")(PLACES)
        for made in (owner(**dict(given, **{parameter: given[parameter] + s})) for s in (h, -h))
    )
    scale = np.maximum(1, np.abs(PLACES))
    central = (above - below) / (2 * h)
    np.testing.assert_allclose(slopes[1:-1] / scale, central / scale, rtol=1e-6, atol=1e-8)
    if owner is nl.LeakyRectify:
        return  # its slope along the leakiness is x, which is -inf at -inf
    # At the ends as far out, never NaN.
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-3)
    if owner is nl.SELU and parameter == "scale":
        assert slopes[-1] == np.inf
    else:
        np.testing.assert_allclose(slopes[-1], slopes[-2], atol=1e-3)


def test_a_learnt_b_of_squareplus_and_a_learnt_beta_of_swish_reach_their_number():
    # The whole way: gradient descent on a parameter.
    x = tensor("x", "float64", 1)
    points = np.linspace(-4, 4, 81)
    for owner, name, start, wanted in [
        (nl.Squareplus, "b", 1.0, 3.0),
        (nl.Swish, "beta", 0.5, 1.5),
    ]:
        shared = library.shared(start)
        loss = ((owner(**{name: shared})(x) - owner(**{name: wanted})(x)) ** 2).mean()
        updates = [(shared, shared - 5 * library.grad(loss, shared))]
        step = library.function([x], loss, updates=updates, mode="FAST_COMPILE")
        for _ in range(400):
            step(points)
        assert abs(shared.get_value() - wanted) < 1e-3


# A vector is another case for what depends on the shape.
@pytest.mark.parametrize(
    "name, shape", [(n, (3, 4)) for n in ALL] + [(n, (6,)) for n in ALL if n not in BY_NAME]
)
def test_the_library_verifies_the_gradient(name, shape):
    if name == "linear":
        pytest.skip("verify_grad wants an expression; linear returns its argument itself")
    rng = np.random.RandomState(4)
    points = rng.uniform(0.1, 3, shape) * rng.choice([-1, 1], shape)
    generator = rng if with_theano else np.random.default_rng(4)
    # Compiled for speed, they are compared with the truth elsewhere; by the name of the mode, the
    # differences would be all the same.
    mode = library.compile.mode.get_mode("FAST_COMPILE")
    gradient.verify_grad(ALL[name], [points], rng=generator, mode=mode)


# Away from kinks; of an even length, for glu.
MATRIX = np.array([[-7.5, -2.0, -0.4, -0.07], [0.01, 0.3, 1.7, 5.6], [-0.3, 0.9, 4.0, -1.6]])
DIRECTIONS = np.random.RandomState(5).randn(3, *MATRIX.shape)


def central(function, points, direction, h=1e-5):
    return (function(points + h * direction) - function(points - h * direction)) / (2 * h)


@pytest.mark.parametrize("name", ALL)
def test_all_ways_to_differentiate_agree_with_central_differences(name):
    """Rop (pushforward), Lop, the gradient of gradient times direction, Rop of the gradient."""
    x, v = (tensor(n, "float64", 2) for n in "xv")
    y = ALL[name](x)
    g = tensor("g", "float64", 2)
    first = library.grad(None, x, known_grads={y: g}) if y is not x else g * 1
    outputs = [
        y * 1,
        first,
        pushforward(y, x, v) if y is not x else v * 1,
        gradient.Lop(y, x, g),
        library.grad((first * v).sum(), x, **UNCONNECTED),
    ]
    # Through the gradient of softmax, where that is an op of its own, no direction can be pushed.
    is_op = name in ("softmax", "softmin", "log_softmax") and hasattr(special, "SoftmaxGrad")
    if y is not x and not is_op:
        outputs.append(pushforward(first, x, v))
    function = compiled([x, v, g], outputs, "FAST_COMPILE")
    v = DIRECTIONS[0]
    g = np.resize(DIRECTIONS[2], library.function([x], y * 1, mode="FAST_COMPILE")(MATRIX).shape)
    value, first, forward, backward, *second = function(MATRIX, v, g)
    close = {"rtol": 1e-7, "atol": 1e-8}
    np.testing.assert_allclose(backward, first, rtol=1e-13)
    along = central(lambda p: function(p, v, g)[0], MATRIX, v)
    np.testing.assert_allclose(forward, along, **close)
    np.testing.assert_allclose((g * forward).sum(), (v * first).sum(), rtol=1e-11)
    along = central(lambda p: function(p, v, g)[1], MATRIX, v)
    for result in second:
        np.testing.assert_allclose(result, along, **close)


@pytest.mark.parametrize("name", ["tanh", "rectify", "gelu", "softmax", "sparsemax", "glu"])
def test_the_hessian_is_that_of_central_differences(name):
    x = tensor("x", "float64", 1)
    weights = DIRECTIONS[0, 0]
    cost = (ALL[name](x)[:2] * weights[:2]).sum()
    outputs = [library.grad(cost, x), gradient.hessian(cost, x, disconnected_inputs="ignore")]
    with without_a_compiler():
        function = library.function([x], outputs, mode="FAST_COMPILE")
    for row in MATRIX:
        rows = [central(lambda p: function(p)[0], row, step) for step in np.eye(4)]
        np.testing.assert_allclose(function(row)[1], rows, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_an_infinite_entry_of_weight_0_does_not_count_along_a_learnt_parameter(owner, parameter):
    given = dict(CLASSES)[owner]
    shared = library.shared(np.float64(given[parameter]))
    x, weights = tensor("x", "float64", 1), tensor("weights", "float64", 1)
    y = owner(**dict(given, **{parameter: shared}))(x)
    function = library.function(
        [x, weights], library.grad((weights * y).sum(), shared), mode="FAST_COMPILE"
    )
    finite = [-1.4, 0.3, 3.3]
    expected = function(finite, [1, 2, 3])
    assert np.isfinite(expected)
    assert function([-np.inf, *finite, np.inf], [0, 1, 2, 3, 0]) == expected


def test_the_gradient_of_a_softmax_that_is_nearly_1_is_not_rounded_away():
    rng = np.random.RandomState(0)
    scores = (rng.randn(500, 10) * 20).astype("float32")
    weights = rng.randn(500, 10).astype("float32")
    x, w = tensor("x", "float32", 2), tensor("w", "float32", 2)
    function = library.function([x, w], library.grad((w * nl.softmax(x)).sum(), x))
    exact = np.exp(scores.astype("float64") - scores.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    differences = weights[:, :, None] - weights[:, None].astype("float64")
    exact *= (exact[:, None] * differences).sum(-1)
    got = function(scores, weights)
    np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-7)
    largest = scores.argmax(1)[:, None]
    got, exact = (np.take_along_axis(one, largest, 1) for one in (got, exact))
    assert ((got == 0) & (abs(exact) > 1e-20)).sum() < 15


def test_the_slope_of_squareplus_is_0_at_its_end_whatever_arrives_there(dtype):
    x = tensor("x", dtype, 1)
    function = library.function([x], library.grad(T.log(nl.squareplus(x)).sum(), x))
    slopes = function(np.array([-np.inf, -1e15, 2], dtype))
    np.testing.assert_allclose(slopes, [0, 1e-15, 1 / np.sqrt(8)], rtol=1e-6)
