"""What a model of PyMC makes of activations: likelihoods, densities, variational inference."""

import importlib
import os
import re
import sys

import mpmath
import numpy as np
import pytest
from activations import BY_NAME
from helpers import ROOT, T, library, output_of

from lasagne_nl import nonlinearities as nl

pm = pytest.importorskip("pymc")
if library.__name__ != "pytensor":
    pytest.skip("PyMC computes with PyTensor", allow_module_level=True)


@pytest.mark.parametrize("mode", [None, "FAST_COMPILE"])
@pytest.mark.parametrize("pregrad", [True, False])
@pytest.mark.parametrize(
    "name, expected, slope",
    [
        ("Bernoulli", -10000 - 1000, [-1, 1, 0]),
        ("Bernoulli of two classes", -20000, [-1, 1, 0]),
        ("Categorical", -20000, [-1, 1, 0]),
        ("OrderedLogistic", -10000 + np.log(np.expm1(1.0)), [-1, 0, 0]),
    ],
)
def test_a_likelihood_that_rounds_to_zero_has_its_logarithm(name, expected, slope, pregrad, mode):
    start = np.array([10000.0, -10000.0 if "of two" in name or name == "Categorical" else -1000, 0])
    with pm.Model() as model:
        x = pm.Flat("x", shape=3)
        if name == "Bernoulli":
            pm.Bernoulli("y", p=nl.sigmoid(x), observed=[0, 1, 1])
            expected, slope = expected - np.log(2), [-1, 1, 0.5]
        elif name == "Bernoulli of two classes":
            pm.Bernoulli("y", p=nl.softmax(x[:2])[1], observed=1)
        elif name == "Categorical":
            pm.Categorical("y", p=nl.softmax(x), observed=1)
        else:
            pm.OrderedLogistic("y", eta=x[0], cutpoints=np.array([0.0, 1.0]), observed=1)
    if pregrad:
        function = model.logp_dlogp_function(ravel_inputs=True, mode=mode)
        function.set_extra_values({})
        value, got = function(start)
    else:
        (scores,) = model.value_vars
        log = model.logp()
        value, got = pm.compile([scores], [log, library.grad(log, scores)], mode=mode)(start)
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(got, slope, atol=1e-14)


@pytest.mark.parametrize("activation", [nl.rectify, nl.softplus, nl.selu])
def test_variational_inference_of_a_network_ends_without_nan(activation):
    random = np.random.default_rng(0)
    data = 3000 * random.standard_normal((60, 4))
    with pm.Model():
        hidden = pm.Normal("hidden", 0, 3, shape=(4, 5), initval=random.standard_normal((4, 5)))
        out = pm.Normal("out", 0, 3, shape=5, initval=random.standard_normal(5))
        p = nl.sigmoid(T.dot(activation(T.dot(data, hidden)), out))
        pm.Bernoulli("y", p=p, observed=data[:, 0] > 0)
        fit = pm.fit(300, random_seed=1, progressbar=False, compile_kwargs={"mode": "FAST_COMPILE"})
    assert np.isfinite(fit.hist).all()
    assert fit.hist[-50:].mean() < fit.hist[:50].mean()


exp, log = mpmath.exp, mpmath.log
# An activation, the case that has its formula, constants for that, values, and what is no value.
INVERTIBLE = {
    "LeakyRectify(0.1)": (nl.LeakyRectify(0.1), "leaky_rectify", [0.1], [-3, -0.07, 1e-5, 4], []),
    "elu": (nl.elu, "elu", [], [-1 + 1e-6, -0.5, 2], [-1, -1.5]),
    "ELU(2)": (nl.ELU(2), "ELU(0.5)", [2], [-1.9, 2], [-2, -np.inf]),
    "CELU(2)": (nl.CELU(2), "CELU(1.7)", [2], [-1.9, 3], [-2.5]),
    "SELU(2, 3)": (nl.SELU(2, 3), "selu", [2, 3], [-5.9, -0.1, 3], [-6, -7]),
    "softplus": (nl.softplus, "softplus", [], [1e-3, 0.5, 4], [0, -1]),
    "Softplus(3)": (nl.Softplus(3), "Softplus(2.5)", [3], [1e-3, 0.5, 4], [0, -1]),
    "softsign": (nl.softsign, "softsign", [], [-0.9, 0.01, 0.7], [-1, 1, 2]),
    "squareplus": (nl.squareplus, "squareplus", [4], [0.2, 1, 5], [0, -1]),
    "tanh_shrink": (nl.tanh_shrink, "tanh_shrink", [], [-3, -1e-9, 1e-3, 0.2, 6], []),
}


def inverted(increasing, y):
    """By bisection, to 50 digits."""
    low, high = mpmath.mpf(-64), mpmath.mpf(64)
    for _ in range(180):
        middle = (low + high) / 2
        low, high = (low, middle) if increasing(middle) > y else (middle, high)
    return low


NORMAL = np.array([0.25, 1.5])


def log_density_of_normal(x):
    return log(mpmath.npdf(x, *NORMAL))


@pytest.mark.parametrize("name", INVERTIBLE)
def test_an_invertible_activation_of_a_random_variable_has_its_density(name, dtype):
    activation, case, constants, points, outside = INVERTIBLE[name]
    rv = activation(pm.Normal.dist(*NORMAL.astype(dtype), dtype=dtype))
    value = T.vector(dtype=dtype)
    density = pm.logp(rv, value)
    compiled = library.function([value], density, mode="FAST_COMPILE")
    for y in np.array(points, dtype):
        with mpmath.workdps(50):
            x = inverted(lambda x: BY_NAME[case].value(x, *constants), mpmath.mpf(float(y)))
            exact = log_density_of_normal(x) - log(BY_NAME[case].slope(x, *constants))
        rtol = 1e-12 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(compiled([y])[0], float(exact), rtol=rtol)
    np.testing.assert_array_equal(compiled(np.array(outside, dtype)), -np.inf)


@pytest.mark.parametrize(
    "activation, beyond",
    [(nl.softsign, [(-1.5, 0), (-1, 0), (1, 1), (1.5, 1)]), (nl.softplus, [(-1, 0), (np.inf, 1)])],
    ids=["softsign", "softplus"],
)
def test_beyond_its_range_an_activation_has_the_probability_0_or_1(activation, beyond):
    rv = activation(pm.Normal.dist(*NORMAL))
    inside = float(library.function([], activation(NORMAL[:1]), mode="FAST_COMPILE")()[0])
    values, expected = zip((inside, 0.5), *beyond)  # the image of the median, of all
    got = pm.logcdf(rv, np.array(values)).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(np.exp(got), expected, rtol=1e-7)


@pytest.mark.parametrize(
    "activation, low, high",
    [(nl.rectify, 0, np.inf), (nl.hard_tanh, -1, 1), (nl.relu6, 0, 6), (nl.HardTanh(-2, 1), -2, 1)],
    ids=["rectify", "hard_tanh", "relu6", "HardTanh(-2, 1)"],
)
def test_an_activation_that_clips_has_the_density_of_what_is_clipped(activation, low, high):
    rv = activation(pm.Normal.dist(*NORMAL))
    expected = {
        low: log(mpmath.ncdf(low, *NORMAL)),
        0.5: log_density_of_normal(0.5),
        low - 0.1: -np.inf,
    }
    if np.isfinite(high):
        expected[high] = log(1 - mpmath.ncdf(high, *NORMAL))
        expected[high + 0.1] = -np.inf
    got = pm.logp(rv, np.array(list(expected))).eval(mode="FAST_COMPILE")
    # PyMC's log of the normal distribution function has the square root of 2 in float32.
    np.testing.assert_allclose(got, [float(one) for one in expected.values()], rtol=1e-7)


def test_a_parameter_and_what_is_around_an_activation_take_part_in_the_density():
    alpha, y = T.dscalars("alpha", "y")
    rv = 2 * nl.softsign(nl.ELU(alpha)(pm.Normal.dist(*NORMAL))) + 1
    density = pm.logp(rv, y)
    function = library.function([alpha, y], [density, library.grad(density, alpha)])

    def exact(alpha):
        inner = mpmath.mpf("-0.375")  # (0.25 - 1) / 2
        negative = inner / (1 + inner)  # softsign of which is inner
        x = log(1 + negative / alpha)
        slope = 2 / (1 - negative) ** 2 * alpha * exp(x)
        return log_density_of_normal(x) - log(slope)

    got = function(3, 0.25)
    np.testing.assert_allclose(got, [float(exact(3)), float(mpmath.diff(exact, 3))], rtol=1e-12)
    with pytest.raises(ValueError, match="ELU: parameters > 0"):
        function(-3, 0.25)


def test_an_activation_is_the_distribution_of_a_model_and_its_parameter_another_variable():
    def dist(alpha, size):
        return nl.ELU(alpha)(pm.Normal.dist(*NORMAL, size=size))

    with pm.Model() as model:
        alpha = pm.HalfNormal("alpha", default_transform=None)
        pm.CustomDist("y", alpha, dist=dist, observed=np.array([-0.5, 0.5]))
    value = model.compile_logp(mode="FAST_COMPILE")({"alpha": np.array(2.0)})
    prior = log(2 * mpmath.npdf(2))
    negative = log_density_of_normal(log(0.75)) - log(1.5)  # the slope is 2 exp(x)
    exact = prior + negative + log_density_of_normal(0.5)
    np.testing.assert_allclose(value, float(exact), rtol=1e-7)  # PyMC's constants are of float32


def test_the_example_of_a_bayesian_network_prints_what_it_finds():
    options = ["--draws", "5", "--steps", "20"]
    example = os.path.join(ROOT, "docs", "examples", "bayesian_network.py")
    flags = os.environ.get("PYTENSOR_FLAGS", "") + ",mode=FAST_COMPILE"
    printed = output_of(example, *options, PYTENSOR_FLAGS=flags)
    lines = re.findall(
        r"^(ADVI|NUTS): [\d.]+% right, of the \d+% that it is sure of", printed, re.M
    )
    assert lines == ["ADVI", "NUTS"]


def test_what_has_no_inverse_is_refused_as_ever():
    for activation in (nl.gelu, nl.mish, nl.hard_silu):
        with pytest.raises(NotImplementedError):
            pm.logp(activation(pm.Normal.dist()), 0.5)


def test_an_activation_in_the_mean_keeps_its_slope():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Normal("y", nl.leaky_rectify(x), observed=1.0)
    slope = model.compile_dlogp(mode="FAST_COMPILE")({"x": np.array(0.0)})
    np.testing.assert_allclose(slope, 0.505)  # the mean of both sides


def test_densities_may_be_imported_again(monkeypatch):
    monkeypatch.delitem(sys.modules, "lasagne_nl._pymc", raising=False)
    importlib.import_module("lasagne_nl._pymc")
    monkeypatch.delitem(sys.modules, "lasagne_nl._pymc")
    found = pm.logp(nl.LeakyRectify(0.5)(pm.Normal.dist(*NORMAL)), -1.0).eval()
    np.testing.assert_allclose(found, float(log_density_of_normal(-2) + log(2)))


def test_nothing_of_pymc_is_imported_by_the_package_itself():
    program = (
        "import sys, lasagne_nl; lasagne_nl.nonlinearities.elu([1.0]);"
        "print([name for name in sys.modules if 'pymc' in name])"
    )
    assert output_of(program).strip() == "[]"
