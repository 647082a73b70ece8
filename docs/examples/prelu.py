"""A leaky rectifier that learns its slopes: PReLU.

The leakiness of `LeakyRectify` is a shared variable here, a vector with one entry for each feature.
It is repeated over the rows of a mini-batch, as a bias is. The data are made by leaky rectifiers
whose slopes the training does not know, and finds.
"""

from importlib import import_module

import numpy as np

from lasagne_nl import backend
from lasagne_nl.nonlinearities import LeakyRectify

library = backend.library  # Theano or PyTensor
tensor = import_module(backend.library.__name__ + ".tensor")
floatX = library.config.floatX

TRUE_SLOPES = np.array([0.01, 0.1, 0.5, 1, -0.3], dtype=floatX)
LEARNING_RATE = 0.5

# 0.25 is where He et al. (2015, arXiv:1502.01852) start.
leakiness = library.shared(np.full_like(TRUE_SLOPES, 0.25), name="leakiness")
prelu = LeakyRectify(leakiness)

x, target = tensor.matrix("x"), tensor.matrix("target")
loss = ((prelu(x) - target) ** 2).mean()
step = LEARNING_RATE * library.grad(loss, leakiness)
train = library.function([x, target], loss, updates=[(leakiness, leakiness - step)])


def main():
    rng = np.random.RandomState(0)
    for _ in range(200):
        batch = rng.randn(32, len(TRUE_SLOPES)).astype(floatX)
        train(batch, np.where(batch > 0, batch, TRUE_SLOPES * batch))
    for true, learnt in zip(TRUE_SLOPES, leakiness.get_value()):
        print("true slope {:6.3f}, learnt {:6.3f}".format(true, learnt))


if __name__ == "__main__":
    main()
