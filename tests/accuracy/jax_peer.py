"""JAX for `make peers`: on the processor, under ``jax.jit``."""

import functools
import os
import sys

import jax
import numpy as np
from peer import serve

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "benchmarks"))

from in_jax import ACTIVATIONS  # noqa: E402


@functools.partial(jax.jit, static_argnums=0)
def _evaluated(f, x, g):
    y, pullback = jax.vjp(f, x)
    return y, pullback(g)[0]


def value_and_gradient(f, x, g):
    return [np.asarray(array) for array in _evaluated(f, x, g)]


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    serve("JAX {}".format(jax.__version__), ACTIVATIONS, value_and_gradient)
