"""JAX for `make bench` and `make peers`: everything under ``jax.jit``, each call waited for.

A gradient is a jitted function from x and the incoming gradient to the gradient, so XLA computes
of the forward pass what it needs. The training step donates its parameters.
"""

import functools

import cases
import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from worker import serve

# What JAX has, by the names that the tests give.
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


def sparsemax(x):
    sums = jnp.cumsum(-jnp.sort(-x, axis=-1), axis=-1) - 1
    means = sums / jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    return jax.nn.relu(x - means.max(axis=-1, keepdims=True))


# What it has no function for, as people write it.
AS_WRITTEN = {
    "sparsemax": sparsemax,
    "ScaledTanH": lambda x: cases.SCALE_OUT * jnp.tanh(cases.SCALE_IN * x),
    "tanh_shrink": lambda x: x - jnp.tanh(x),
}


@functools.partial(jax.jit, static_argnums=0)
def value_and_gradient(f, x, g):
    y, pullback = jax.vjp(f, x)
    return y, pullback(g)[0]


def training_step(activation, images, labels, start):
    def loss_of(parameters, images, labels):
        signal = images
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            signal = activation(signal @ w + b)
        logarithms = jax.nn.log_softmax(signal @ parameters[-2] + parameters[-1])
        return -jnp.take_along_axis(logarithms, labels[:, None], axis=1).mean()

    def updated(parameters, images, labels):
        loss, slopes = jax.value_and_grad(loss_of)(parameters, images, labels)
        return loss, [p - cases.LEARNING_RATE * slope for p, slope in zip(parameters, slopes)]

    compiled = jax.jit(updated, donate_argnums=0)
    parameters = [jnp.array(array) for array in start]

    def step():
        loss, parameters[:] = jax.block_until_ready(compiled(parameters, images, labels))
        return loss

    return parameters, step


def build(contestant, case):
    f = ACTIVATIONS.get(case.activation) or AS_WRITTEN[case.activation]
    if case.kind == "step":
        images, labels, start = cases.step_inputs(case)
        parameters, call = training_step(f, jnp.array(images), jnp.array(labels), start)

        def arrays():
            loss = call()
            return [np.array(a) for a in [loss] + parameters]

        return call, arrays
    x, g, row = (jnp.array(array) for array in cases.inputs(case))
    function, arguments = {
        "forward": (f, (x,)),
        "bias": (lambda x, row: f(x + row), (x, row)),
        "gradient": (lambda x, g: jax.vjp(f, x)[1](g)[0], (x, g)),
    }[case.kind]
    compiled = jax.jit(function)

    def call():
        return compiled(*arguments).block_until_ready()

    return call, lambda: [np.asarray(call())]


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    versions = {
        "JAX": "{}, jaxlib {}".format(jax.__version__, jaxlib.__version__),
        "NumPy of JAX": np.__version__,
    }
    serve(versions, build, dict(AS_WRITTEN, **ACTIVATIONS), value_and_gradient)
