"""What the kernels are worth to a model of PyMC: `make bench-pymc`.

Times the log-probability and its gradient, which samplers call some thousand times, of a Bayesian
network (2, 50, 50 and 1 units, tanh, 500 points) and of a logistic regression (20 features, 5000
points), in float64. A process of PyMC with lasagne_nl takes turns with one that has its kernels
switched off; both have the same cache of what Numba compiled. The medians are printed.
"""

import statistics
import subprocess
import sys
import time

import numpy as np

TURNS, CALLS = 5, 300


def models():
    import pymc
    import pytensor.tensor as T

    rng = np.random.RandomState(0)
    points, features = rng.standard_normal((500, 2)), rng.standard_normal((5000, 20))
    with pymc.Model() as network:
        signal = points
        for i, (rows, columns) in enumerate(((2, 50), (50, 50))):
            weights = pymc.Normal("W{}".format(i), 0, 1, shape=(rows, columns))
            signal = T.tanh(T.dot(signal, weights))
        scores = T.dot(signal, pymc.Normal("W2", 0, 1, shape=50))
        pymc.Bernoulli("y", logit_p=scores, observed=points[:, 0] * points[:, 1] > 0)
    yield "network", network
    with pymc.Model() as regression:
        weights = pymc.Normal("w", 0, 1, shape=20)
        pymc.Bernoulli("y", p=T.sigmoid(T.dot(features, weights)), observed=features[:, 0] > 0)
    yield "regression", regression


def measure():
    """Print microseconds per call for each model."""
    from pymc.blocking import DictToArrayBijection

    import lasagne_nl  # noqa: F401

    for name, model in models():
        function = model.logp_dlogp_function(ravel_inputs=True)
        function.set_extra_values({})
        start = DictToArrayBijection.map(model.initial_point()).data
        values = start + 0.1 * np.random.RandomState(1).standard_normal(start.shape)
        function(values)
        taken = []
        for _ in range(CALLS):
            begun = time.perf_counter()
            function(values)
            taken.append(time.perf_counter() - begun)
        print(name, 1e6 * statistics.median(taken))


def main():
    from libraries import PYMC, environment, python_of

    found = {}
    for turn in range(TURNS + 1):
        for switch in ("0", "1"):
            variables = dict(environment(1, floatX="float64"), **PYMC.variables)
            output = subprocess.check_output(
                [python_of("pymc"), "-W", "ignore", __file__, "measure"],
                env=dict(variables, LASAGNE_NL_SIMD=switch),
                universal_newlines=True,
            )
            for line in output.splitlines() if turn else ():  # the first one compiles
                name, microseconds = line.split()
                found.setdefault(name, {}).setdefault(switch, []).append(float(microseconds))
    for name, taken in found.items():
        stock, ours = (statistics.median(taken[switch]) for switch in ("0", "1"))
        print(
            "{:12s} stock {:5.0f} us, ours {:5.0f} us, {:.2f}".format(
                name, stock, ours, ours / stock
            )
        )


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
