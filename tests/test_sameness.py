"""Sameness: a training run stays what it was with Lasagne, step for step."""

import numpy as np
import pytest
from activations import BY_NAME, ELEMENTWISE
from helpers import T, library, nnet
from sklearn.datasets import load_digits

from lasagne_nl import nonlinearities as nl


def softmax_of_lasagne(x):
    return nnet.softmax(x) if nnet is not T else T.special.softmax(x, axis=-1)


def train(*networks, steps=100):
    """Networks of 64, 30, 20, 10 neurons, a hidden and an output activation each, on the digits, by
    SGD with momentum, from one seed; the weights after it, of each. They are compiled as one.
    """
    images, labels = load_digits(return_X_y=True)
    images = (images - images.mean()) / images.std()
    sizes = [64, 30, 20, 10]
    x, y, updates, trained = T.dmatrix(), T.dmatrix(), [], []
    for hidden, output in networks:
        rng, signal, parameters = np.random.RandomState(42), x, []
        for n, m, nonlinearity in zip(sizes, sizes[1:], [hidden, hidden, output]):
            parameters.append(library.shared(rng.randn(n, m) / np.sqrt(n)))
            parameters.append(library.shared(np.zeros(m)))
            signal = nonlinearity(T.dot(signal, parameters[-2]) + parameters[-1])
        loss = -T.mean(T.sum(y * T.log(signal), axis=1))
        for p, g in zip(parameters, library.grad(loss, parameters)):
            v = library.shared(np.zeros_like(p.get_value()))
            step = 0.9 * v - 0.01 * g
            updates += [(v, step), (p, p + step)]
        trained.append(parameters)
    function = library.function([x, y], [], updates=updates)
    for _ in range(steps):
        batch = rng.randint(0, len(images), 50)
        function(images[batch], np.eye(10)[labels[batch]])
    return [[p.get_value() for p in parameters] for parameters in trained]


@pytest.mark.parametrize("case", [c for c in ELEMENTWISE if c.lasagne], ids=repr)
def test_weights_after_100_steps_are_those_of_lasagne(case):
    lasagnes = (lambda x: case.lasagne(T, nnet, x)), softmax_of_lasagne
    ours, lasagnes = train((case.activation, nl.softmax), lasagnes)
    for mine, theirs in zip(ours, lasagnes):
        assert np.isfinite(theirs).all()
        assert np.abs(mine - theirs).max() < 1e-9


@pytest.mark.parametrize("case", [BY_NAME["rectify"], BY_NAME["leaky_rectify"]], ids=repr)
def test_neurons_that_are_exactly_zero_learn_as_with_lasagne(case):
    # All weights 0: each hidden neuron sits on the kink, whose slope decides where it goes.
    x = T.dmatrix()
    w = library.shared(np.zeros((4, 3)))
    points = np.random.RandomState(0).randn(5, 4)
    slopes = [
        library.function([x], library.grad(T.sum(f(T.dot(x, w)) * T.dot(x, w + 1)), w))(points)
        for f in (case.activation, lambda z: case.lasagne(T, nnet, z))
    ]
    assert np.abs(slopes[0]).max() > 0.1
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-14)
