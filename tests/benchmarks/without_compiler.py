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

import cases

ACTIVATIONS = ("tanh", "rectify", "elu", "sigmoid")
STEPS = 15


def seconds_per_step(name):
    from theano_worker import training_step  # imports Theano, which the main process need not do

    images, labels, start = cases.step_inputs(cases.step_case(name))
    _, step = training_step(name, start)
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step(images, labels)
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
