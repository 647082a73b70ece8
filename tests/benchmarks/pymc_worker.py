"""PyMC for `make bench`: a model's log-probability and its gradient, which samplers call some
thousand times, compiled with the rewrites of lasagne_nl and without.
"""

import functools

import cases
import numpy as np
import pymc
import pytensor
import pytensor.tensor as T
from worker import serve

import lasagne_nl  # noqa: F401


def build(contestant, case):
    points, is_true, weights = cases.model_inputs(case)
    with pymc.Model() as model:
        layers = [pymc.Normal("w{}".format(i), 0, 1, shape=w.shape) for i, w in enumerate(weights)]
        signal = points
        for layer in layers[:-1]:
            signal = T.tanh(T.dot(signal, layer))
        scores = T.dot(signal, layers[-1])
        kind = {"logit_p": scores} if layers[1:] else {"p": T.sigmoid(scores)}
        pymc.Bernoulli("y", observed=is_true, **kind)
    mode = pytensor.compile.get_default_mode()
    if contestant.startswith("stock"):
        mode = mode.excluding("lasagne_nl_simd", "lasagne_nl")
    f = model.logp_dlogp_function(ravel_inputs=True, mode=mode)
    f.set_extra_values({})
    call = functools.partial(f, cases.joined(weights))
    return call, lambda: list(map(np.asarray, call()))


if __name__ == "__main__":
    serve({"PyMC": "{}, PyTensor {}".format(pymc.__version__, pytensor.__version__)}, build)
