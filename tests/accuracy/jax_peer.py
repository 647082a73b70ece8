"""JAX for `make peers`: on the processor, under ``jax.jit``."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from peer import serve

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "rectify": jax.nn.relu,
    "LeakyRectify(0)": lambda x: jax.nn.leaky_relu(x, 0.0),
    "leaky_rectify": jax.nn.leaky_relu,
    "very_leaky_rectify": lambda x: jax.nn.leaky_relu(x, 1 / 3),
    "elu": jax.nn.elu,
    "SELU()": jax.nn.elu,  # both scales are 1
    "selu": jax.nn.selu,
    "softplus": jax.nn.softplus,
    "linear": jax.nn.identity,
    "ELU(0.5)": lambda x: jax.nn.elu(x, 0.5),
    "celu": jax.nn.celu,
    "CELU(1.7)": lambda x: jax.nn.celu(x, 1.7),
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "GELU(approximate=True)": lambda x: jax.nn.gelu(x, approximate=True),
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "softsign": jax.nn.soft_sign,
    "squareplus": jax.nn.squareplus,
    "Squareplus(0.3)": lambda x: jax.nn.squareplus(x, 0.3),
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_tanh": jax.nn.hard_tanh,
    "hard_silu": jax.nn.hard_silu,
    "relu6": jax.nn.relu6,
    "log_sigmoid": jax.nn.log_sigmoid,
    "sparse_plus": jax.nn.sparse_plus,
    "sparse_sigmoid": jax.nn.sparse_sigmoid,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "glu": jax.nn.glu,
}


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
