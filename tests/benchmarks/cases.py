"""What `speed.py` times: the cases, their inputs, and what a right result is.

The inputs are drawn from a seed, so that every process has the same. The expected results are
computed by NumPy in float64 from formulas of their own. Needs nothing but NumPy, as it is imported
in the environments of all libraries.
"""

import math
from collections import namedtuple

import numpy as np

SCALE_IN, SCALE_OUT = 2.0 / 3, 1.7159
LEAKINESS = 0.01
SELU_SCALE, SELU_SCALE_NEG = 1.0507009873554805, 1.6732632423543773

# A network with two hidden layers, each followed by the activation; then softmax, cross-entropy.
LAYERS = (784, 512, 512, 10)
BATCH = 256
LEARNING_RATE = 0.1
# With it no sum before an activation is nearer to 0 than 1e-5. Where rounding decides on which side
# of a kink a sum is, right steps of two libraries differ by all of a sample's slope.
STEP_SEED = 5

# Of a Bayesian network, and of a logistic regression: the number of points, and the units of each
# layer. The prior of a weight is the standard normal distribution.
MODELS = {"network": (500, (2, 50, 50)), "regression": (5000, (20,))}

# `kind` is one of
#   forward   f(x)
#   gradient  the gradient with respect to x, from an incoming gradient g
#   bias      f(x + row), the row being a vector
#   step      one training step of the network
#   copy      a copy of x, the floor
#   model     the log-probability of one of MODELS, and its gradient
Case = namedtuple("Case", "activation kind dtype rows columns")
KINDS = ("forward", "gradient", "bias")


def step_case(activation):
    return Case(activation, "step", "float32", BATCH, LAYERS[0])


def model_case(name):
    return Case(name, "model", "float64", MODELS[name][0], MODELS[name][1][0])


def inputs(case):
    """x, the incoming gradient g, and the row."""
    rng = np.random.RandomState(0)
    shapes = (case.rows, case.columns), (case.rows, case.columns), (case.columns,)
    return [rng.standard_normal(shape).astype(case.dtype) for shape in shapes]


def step_inputs(case):
    """A batch of images, their labels, and the parameters: weights and bias of each layer."""
    rng = np.random.RandomState(STEP_SEED)
    images = rng.standard_normal((BATCH, LAYERS[0])).astype(case.dtype)
    labels = rng.randint(0, LAYERS[-1], BATCH)
    parameters = []
    for n_in, n_out in zip(LAYERS, LAYERS[1:]):
        parameters.append((rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)).astype(case.dtype))
        parameters.append((rng.standard_normal(n_out) / 10).astype(case.dtype))
    return images, labels, parameters


def model_inputs(case):
    """Points, whether each is in the class, and weights: those of hidden layers, then a vector."""
    rng = np.random.RandomState(0)
    units = MODELS[case.activation][1]
    points = rng.standard_normal((case.rows, case.columns))
    shapes = [*zip(units, units[1:]), units[-1:]]
    weights = [rng.standard_normal(shape) / 10 for shape in shapes]
    return points, points[:, 0] * points[:, 1] > 0, weights


def joined(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _sum(x):
    return x.sum(axis=1, keepdims=True)


def _softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / _sum(e)


def _sparsemax(x):
    """The threshold is between 1 below the largest entry and it; each step halves that."""
    low, high = (x.max(axis=1, keepdims=True) - above for above in (1, 0))
    for _ in range(60):
        middle = (low + high) / 2
        is_low = _sum(np.maximum(x - middle, 0)) > 1
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.maximum(x - low, 0)


# Activations of rows: value, and gradient from that.
_OF_ROWS = {
    "softmax": (_softmax, lambda p, g: p * (g - _sum(g * p))),
    "log_softmax": (lambda x: np.log(_softmax(x)), lambda logs, g: g - np.exp(logs) * _sum(g)),
    "sparsemax": (_sparsemax, lambda p, g: (p > 0) * (g - _sum((p > 0) * g) / _sum(p > 0))),
}


# Elementwise activations: value and slope.
_FORMULAS = {
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "tanh": (np.tanh, lambda x: np.cosh(x) ** -2.0),
    "ScaledTanH": (
        lambda x: SCALE_OUT * np.tanh(SCALE_IN * x),
        lambda x: SCALE_OUT * SCALE_IN * np.cosh(SCALE_IN * x) ** -2.0,
    ),
    "rectify": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "leaky_rectify": (
        lambda x: np.where(x > 0, x, LEAKINESS * x),
        lambda x: np.where(x > 0, 1.0, LEAKINESS),
    ),
    "elu": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.exp(np.minimum(x, 0)),
    ),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_SCALE_NEG * np.expm1(np.minimum(x, 0))),
        lambda x: SELU_SCALE * np.where(x > 0, 1.0, SELU_SCALE_NEG * np.exp(np.minimum(x, 0))),
    ),
    "softplus": (lambda x: np.logaddexp(0, x), _sigmoid),
}
# Those of Lasagne, which the targets are about.
ACTIVATIONS = ("sigmoid", "softmax") + tuple(list(_FORMULAS)[1:])


def _gated(exponent, exponents_slope):
    """x sigmoid(v(x)) and its slope."""

    def slope(x):
        gate = _sigmoid(exponent(x))
        return gate * (1 + x * (1 - gate) * exponents_slope(x))

    return lambda x: x * _sigmoid(exponent(x)), slope


def _normal_tail(x):
    return np.vectorize(math.erfc)(x / 2**0.5) / 2


def _mish_slope(x):
    t = np.tanh(np.logaddexp(0, x))
    return t + x * (1 - t**2) * _sigmoid(x)


def _between(low, high):
    return (
        lambda x: np.clip(x, low, high),
        lambda x: np.where((x > low) & (x < high), 1.0, 0.0),
    )


_GELU_LINEAR = (8 / np.pi) ** 0.5
_FORMULAS_BEYOND_LASAGNE = {
    "gelu": (
        lambda x: x * _normal_tail(-x),
        lambda x: _normal_tail(-x) + x * np.exp(-x * x / 2) / (2 * np.pi) ** 0.5,
    ),
    "GELU(approximate=True)": _gated(
        lambda x: _GELU_LINEAR * (x + 0.044715 * x**3),
        lambda x: _GELU_LINEAR * (1 + 0.134145 * x**2),
    ),
    "silu": _gated(lambda x: x, lambda x: 1),
    "mish": (lambda x: x * np.tanh(np.logaddexp(0, x)), _mish_slope),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2.0),
    "squareplus": (
        lambda x: (x + np.sqrt(x * x + 4)) / 2,
        lambda x: (1 + x / np.sqrt(x * x + 4)) / 2,
    ),
    "hard_sigmoid": (
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        lambda x: np.where(np.abs(x) < 3, 1.0 / 6, 0.0),
    ),
    "hard_tanh": _between(-1, 1),
    "hard_silu": (
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, x > 0),
    ),
    "relu6": _between(0, 6),
    "log_sigmoid": (lambda x: -np.logaddexp(0, -x), lambda x: _sigmoid(-x)),
    "tanh_shrink": (lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
}
# Timed at one size only.
BEYOND_LASAGNE = ("log_softmax", "sparsemax") + tuple(_FORMULAS_BEYOND_LASAGNE)
_FORMULAS.update(_FORMULAS_BEYOND_LASAGNE)


def value(activation, x):
    return (_OF_ROWS.get(activation) or _FORMULAS[activation])[0](x)


def gradient(activation, x, g):
    if activation in _OF_ROWS:
        return _OF_ROWS[activation][1](value(activation, x), g)
    return g * _FORMULAS[activation][1](x)


def inputs_of_peers(activation):
    """Points from -20 to 20, and incoming gradients, which are 1 but for an activation of rows."""
    x = np.linspace(-20, 20, 2**15).reshape(-1, 64).astype("float32")
    if activation not in _OF_ROWS:
        return x, np.ones_like(x)
    return x, np.random.RandomState(0).standard_normal(x.shape).astype("float32")


def ulps_off(activation, kind, got):
    """By how many units in the last place a result at these points is off at most. Slopes below 1/8
    count in units of that: there they may cross 0.
    """
    x, g = (array.astype("float64") for array in inputs_of_peers(activation))
    want = value(activation, x) if kind == "forward" else gradient(activation, x, g)
    least = np.finfo("float32").tiny if kind == "forward" else 0.125
    unit = np.spacing(np.maximum(np.abs(want), least).astype("float32"))
    return float((np.abs(got - want) / unit).max())


def step_changes(activation, images, labels, parameters):
    """The loss, and what a step adds to each parameter; all in float64."""
    weights = [w.astype("float64") for w in parameters[::2]]
    biases = [b.astype("float64") for b in parameters[1::2]]
    signals, sums = [images.astype("float64")], []
    for w, b in zip(weights, biases):
        sums.append(signals[-1].dot(w) + b)
        signals.append(value(activation, sums[-1]))
    probabilities = _softmax(sums[-1])
    everyone = np.arange(len(labels))
    loss = -np.log(probabilities[everyone, labels]).mean()
    g = probabilities.copy()
    g[everyone, labels] -= 1
    g /= len(labels)
    changes = []
    for layer in reversed(range(len(weights))):
        changes[:0] = [
            -LEARNING_RATE * signals[layer].T.dot(g),
            -LEARNING_RATE * g.sum(axis=0),
        ]
        if layer:
            g = gradient(activation, sums[layer - 1], g.dot(weights[layer].T))
    return loss, changes


def log_probability(points, is_true, weights):
    """That of a model, and its gradient."""
    signals = [points]
    for w in weights[:-1]:
        signals.append(np.tanh(signals[-1].dot(w)))
    scores = signals[-1].dot(weights[-1])
    likelihood = -np.logaddexp(0, np.where(is_true, -scores, scores)).sum()
    prior = -(joined(weights) ** 2 + np.log(2 * np.pi)).sum() / 2
    g = is_true - _sigmoid(scores)
    slopes = [signals[-1].T.dot(g)]
    g = np.outer(g, weights[-1])
    for layer in reversed(range(len(weights) - 1)):
        g = g * (1 - signals[layer + 1] ** 2)
        slopes.insert(0, signals[layer].T.dot(g))
        g = g.dot(weights[layer].T)
    return likelihood + prior, joined(slopes) - joined(weights)


def _expected(case):
    """For each array of the result: where it starts from, what is added, how far it may be off."""
    if case.kind == "step":
        images, labels, parameters = step_inputs(case)
        loss, changes = step_changes(case.activation, images, labels, parameters)
        yield np.zeros((), case.dtype), np.asarray(loss), 1e-4 * loss
        for start, change in zip(parameters, changes):
            # A change is small beside its parameter, whose rounding it has.
            rounding = 4 * np.finfo(case.dtype).eps * np.abs(start).max()
            yield start, change, 1e-3 * (np.abs(change) + np.abs(change).mean()) + rounding
        return
    if case.kind == "model":
        for want in map(np.asarray, log_probability(*model_inputs(case))):
            yield np.zeros((), case.dtype), want, 1e-8 * (np.abs(want) + np.abs(want).mean())
        return
    x, g, row = (a.astype("float64") for a in inputs(case))
    want = {
        "forward": lambda: value(case.activation, x),
        "gradient": lambda: gradient(case.activation, x, g),
        "bias": lambda: value(case.activation, x + row),
        "copy": lambda: x,
    }[case.kind]()
    rtol = {"float32": 1e-4, "float64": 1e-8}[case.dtype]
    yield np.zeros((), case.dtype), want, rtol * (np.abs(want) + np.abs(want).mean())


def what_is_wrong(case, arrays):
    """Nothing (None), or a sentence on how the arrays of a result differ from the expected ones.

    A step gives the loss, then the parameters after it, a model the log-probability, then its
    gradient; every other kind gives one array.
    """
    expected = list(_expected(case))
    if len(arrays) != len(expected):
        return "{} arrays, expected {}".format(len(arrays), len(expected))
    for got, (start, change, tolerance) in zip(arrays, expected):
        if got.dtype != case.dtype or got.shape != change.shape:
            return "{} of shape {}, expected {} of shape {}".format(
                got.dtype, got.shape, case.dtype, change.shape
            )
        off = np.abs((got.astype("float64") - start) - change)
        # Not off > tolerance: NaN is wrong.
        bad = ~(off <= tolerance)
        if bad.any():
            return "{} of {} values are off, the worst by {:.2g}".format(
                bad.sum(), bad.size, np.where(bad, off, 0).max()
            )
    return None
