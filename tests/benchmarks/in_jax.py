"""What JAX calls the activations, by their names in the tests and in the benchmark."""

import jax
import jax.numpy as jnp

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
