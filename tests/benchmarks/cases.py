"""What `speed.py` times: the cases, their inputs, and when two programs have the same result.

The inputs are drawn from a seed, so that every process has the same. Needs nothing but NumPy, as it
is imported in the environments of all libraries.
"""

from collections import namedtuple

import numpy as np

# Those of Lasagne, which the targets are about, and those that are timed at fewer sizes.
ACTIVATIONS = (
    "sigmoid", "softmax", "tanh", "ScaledTanH", "rectify", "leaky_rectify", "elu", "selu",
    "softplus",
)  # fmt: skip
BEYOND_LASAGNE = (
    "log_softmax", "sparsemax", "gelu", "GELU(approximate=True)", "silu", "mish", "softsign",
    "squareplus", "hard_sigmoid", "hard_tanh", "hard_silu", "relu6", "log_sigmoid", "tanh_shrink",
)  # fmt: skip
OF_ROWS = ("softmax", "log_softmax", "sparsemax")
SCALE_IN, SCALE_OUT = 2.0 / 3, 1.7159

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


def inputs_of_peers(activation):
    """Points from -20 to 20, and incoming gradients, which are 1 but for an activation of rows."""
    x = np.linspace(-20, 20, 2**15).reshape(-1, 64).astype("float32")
    if activation not in OF_ROWS:
        return x, np.ones_like(x)
    return x, np.random.RandomState(0).standard_normal(x.shape).astype("float32")


def ulps_off(got, exact, least):
    """By how many units in the last place of a float32 a result is off at most. What is smaller
    than `least` counts in units of that.
    """
    unit = np.spacing(np.maximum(np.abs(exact), least).astype("float32"))
    return float((np.abs(got - exact) / unit).max())


def what_is_wrong(case, arrays, expected):
    """Nothing (None), or a sentence on how the arrays of a result differ from those of another.

    A step gives the loss, then the parameters after it, a model the log-probability, then its
    gradient; every other kind gives one array.
    """
    if len(arrays) != len(expected):
        return "{} arrays, expected {}".format(len(arrays), len(expected))
    starts = [np.zeros((), case.dtype)] * len(expected)
    if case.kind == "step":  # what it adds to a parameter is small, and has that one's rounding
        starts[1:] = step_inputs(case)[2]
    rtol = 1e-3 if case.kind == "step" else {"float32": 1e-4, "float64": 1e-8}[case.dtype]
    for got, want, start in zip(arrays, expected, starts):
        if got.dtype != case.dtype or got.shape != want.shape:
            return "{} of shape {}, expected {} of shape {}".format(
                got.dtype, got.shape, case.dtype, want.shape
            )
        change = np.abs(want.astype("float64") - start)
        size = want if case.activation in OF_ROWS else start  # an entry has the rounding of its row
        rounding = 8 * np.finfo(case.dtype).eps * np.abs(size).max()
        off = np.abs(got.astype("float64") - want)
        # Not off > tolerance: NaN is wrong.
        bad = ~(off <= rtol * (change + change.mean()) + rounding)
        if bad.any():
            return "{} of {} values are off, the worst by {:.2g}".format(
                bad.sum(), bad.size, np.where(bad, off, 0).max()
            )
    return None
