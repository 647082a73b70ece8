"""How much slower is Theano without a C++ compiler? The figure that `python -m lasagne_nl` quotes.

Times the training step of a 784-512-512-10 network (batch 256) for a few activations, with the
compiler and without, each in a process of its own, and prints the ratios and their median:

    python tests/benchmarks/without_compiler.py
"""

import os
import statistics
import subprocess
import sys
import time

ACTIVATIONS = ("tanh", "rectify", "elu", "sigmoid")
STEPS = 15


def seconds_per_step(name):
    import numpy as np

    import lasagne_nl  # noqa: F401  before theano, for its repairs
    from lasagne_nl import nonlinearities as nl

    import theano  # isort: skip
    import theano.tensor as T

    rng = np.random.RandomState(0)
    floats = theano.config.floatX
    x, y = T.matrix(), T.matrix()
    sizes = (784, 512, 512, 10)
    weights = [
        theano.shared((rng.randn(n, m) / np.sqrt(n)).astype(floats))
        for n, m in zip(sizes, sizes[1:])
    ]
    signal = x
    for w, f in zip(weights, [getattr(nl, name)] * 2 + [nl.softmax]):
        signal = f(T.dot(signal, w))
    loss = -T.mean(T.sum(y * T.log(signal), axis=1))
    updates = [(w, w - T.cast(0.01, floats) * g) for w, g in zip(weights, T.grad(loss, weights))]
    step = theano.function([x, y], loss, updates=updates)
    batch = rng.randn(256, 784).astype(floats), np.eye(10, dtype=floats)[rng.randint(0, 10, 256)]
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step(*batch)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measured(name, flags):
    environment = dict(os.environ, THEANO_FLAGS="floatX=float32," + flags)
    output = subprocess.check_output(
        [sys.executable, __file__, name], env=environment, universal_newlines=True
    )
    return float(output.split()[-1])


def main():
    if len(sys.argv) > 1:
        print(seconds_per_step(sys.argv[1]))
        return
    ratios = []
    for name in ACTIVATIONS:
        with_compiler, without = measured(name, ""), measured(name, "cxx=")
        ratios.append(without / with_compiler)
        print(
            "{:10s} with {:.4f} s, without {:.4f} s, ratio {:.1f}".format(
                name, with_compiler, without, ratios[-1]
            )
        )
    print("median ratio {:.1f}".format(statistics.median(ratios)))


if __name__ == "__main__":
    main()
