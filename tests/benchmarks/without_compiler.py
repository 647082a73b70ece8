"""How much slower is Theano without a C++ compiler? The figure that `python -m lasagne_nl` quotes.

Times the training step of `make bench` for a few activations, with the compiler and without, and
prints the ratios and their median:

    python tests/benchmarks/without_compiler.py
"""

import os
import statistics
import tempfile
from contextlib import closing

from cases import step_case
from libraries import Worker, available_cores

STEPS = 15


def seconds_per_step(name, **flags):
    with tempfile.TemporaryDirectory() as folder, closing(
        Worker("theano", available_cores(), openmp=False, **flags)
    ) as worker:
        result = os.path.join(folder, "result.npz")
        wrong = worker.ask(prepare="theano", case=step_case(name), expected=result)["wrong"]
        if wrong is not None:
            raise SystemExit("{}: {}".format(name, wrong))
        return statistics.median(worker.ask(time="theano")["seconds"] for _ in range(STEPS))


ratios = []
for name in ("tanh", "rectify", "elu", "sigmoid"):
    with_compiler, without = seconds_per_step(name), seconds_per_step(name, cxx="")
    ratios.append(without / with_compiler)
    text = "{:10s} with {:.4f} s, without {:.4f} s, ratio {:.1f}"
    print(text.format(name, with_compiler, without, ratios[-1]))
print("median ratio {:.1f}".format(statistics.median(ratios)))
