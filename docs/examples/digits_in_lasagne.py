"""The network of digits.py, built with the layers of Lasagne.

Layers, loss and updates are those of Lasagne, the activations those of ``lasagne_nl``. Everything
else is as in digits.py: the data, the initial weights, the order of the mini-batches. So both
programs reach the same accuracy.

Lasagne needs Theano, so this program does not run on another library. How to run it, from the top
folder of the project::

    pip install ".[examples]" "Lasagne==0.1" "setuptools<80"
    python docs/examples/digits_in_lasagne.py
    python docs/examples/digits_in_lasagne.py --activation gelu --epochs 3
"""

import argparse
import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from digits import (
    ACTIVATIONS,
    HIDDEN_UNITS,
    LEARNING_RATE,
    MOMENTUM,
    accuracy,
    at_least,
    batches,
    load_data,
)

from lasagne_nl import backend
from lasagne_nl.nonlinearities import softmax

if backend.name != "theano":
    sys.exit("Lasagne needs Theano; the library in use is {}".format(backend.name))

import theano.tensor as T  # noqa: E402
from theano.tensor import signal  # noqa: E402
from theano.tensor.signal import pool  # noqa: E402

# Lasagne 0.1, the one on PyPI, imports a module that Theano 1.0 has no more: what it asked there is
# in `pool` now. So a module of that name stands in for it. A newer Lasagne asks `pool` itself.
if find_spec("theano.tensor.signal.downsample") is None:
    downsample = ModuleType("theano.tensor.signal.downsample")
    downsample.max_pool_2d = pool.pool_2d
    signal.downsample = sys.modules[downsample.__name__] = downsample

try:
    import lasagne
except ImportError as error:
    sys.exit("Lasagne cannot be imported: {}".format(error))

SEED = 0  # as in digits.py, by default


def build_network(x, n_in, n_classes, nonlinearity):
    """Two hidden layers and a softmax; returns the last layer, which knows those before it."""
    layer = lasagne.layers.InputLayer((None, n_in), input_var=x)
    for _ in range(2):
        layer = lasagne.layers.DenseLayer(
            layer, HIDDEN_UNITS, W=lasagne.init.HeNormal(), nonlinearity=nonlinearity
        )
    return lasagne.layers.DenseLayer(
        layer, n_classes, W=lasagne.init.HeNormal(), nonlinearity=softmax
    )


def compile_network(n_in, n_classes, nonlinearity):
    """A function that trains the network, one that predicts."""
    x, labels = T.matrix("x"), T.lvector("labels")
    network = build_network(x, n_in, n_classes, nonlinearity)
    probabilities = lasagne.layers.get_output(network)
    loss = lasagne.objectives.categorical_crossentropy(probabilities, labels).mean()
    params = lasagne.layers.get_all_params(network, trainable=True)
    updates = lasagne.updates.momentum(loss, params, LEARNING_RATE, MOMENTUM)
    train = backend.library.function([x, labels], updates=updates)
    predict = backend.library.function([x], probabilities)
    return train, predict


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Train a network of Lasagne's layers on the digits of scikit-learn."
    )
    parser.add_argument(
        "--activation",
        choices=list(ACTIVATIONS),
        default="rectify",
        metavar="NAME",
        help="of the hidden layers: {} (default: %(default)s)".format(", ".join(ACTIVATIONS)),
    )
    parser.add_argument(
        "--epochs",
        type=at_least(1),
        default=40,
        help="how often the network sees all training images (default: %(default)s)",
    )
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    digits = load_data()
    rng = np.random.default_rng(SEED)
    lasagne.random.set_rng(rng)  # the initial weights are drawn from it
    n_in, n_classes = digits.train_x.shape[1], digits.train_y.max() + 1
    train, predict = compile_network(n_in, n_classes, ACTIVATIONS[arguments.activation])
    for _ in range(arguments.epochs):
        for batch in batches(len(digits.train_y), rng):
            train(digits.train_x[batch], digits.train_y[batch])
    print(
        "Lasagne {}, {}, epochs: {}: test accuracy {:.2%}".format(
            lasagne.__version__,
            arguments.activation,
            arguments.epochs,
            accuracy(predict, digits.test_x, digits.test_y),
        )
    )


if __name__ == "__main__":
    main()
