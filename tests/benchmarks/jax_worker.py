"""JAX for `speed.py`: everything under ``jax.jit``, each call waited for.

A gradient is a jitted function from x and the incoming gradient to the gradient, so XLA computes
of the forward pass what it needs. The training step donates its parameters.
"""

import cases
import in_jax
import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from worker import serve

# With those that JAX has no function for, as people write them.
ACTIVATIONS = dict(
    in_jax.ACTIVATIONS,
    ScaledTanH=lambda x: cases.SCALE_OUT * jnp.tanh(cases.SCALE_IN * x),
    tanh_shrink=lambda x: x - jnp.tanh(x),
)


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
    f = ACTIVATIONS[case.activation]
    if case.kind == "step":
        images, labels, start = cases.step_inputs(case)
        parameters, call = training_step(f, jnp.array(images), jnp.array(labels), start)

        def arrays():
            loss = call()
            return [np.array(a) for a in [loss] + parameters]

        return call, arrays
    x, g, row = (jnp.array(array) for array in cases.inputs(case))
    if case.kind == "forward":
        compiled, arguments = jax.jit(f), (x,)
    elif case.kind == "bias":
        compiled, arguments = jax.jit(lambda x, row: f(x + row)), (x, row)
    else:
        compiled, arguments = jax.jit(lambda x, g: jax.vjp(f, x)[1](g)[0]), (x, g)

    def call():
        return compiled(*arguments).block_until_ready()

    return call, lambda: [np.asarray(call())]


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    versions = {
        "JAX": "{}, jaxlib {}".format(jax.__version__, jaxlib.__version__),
        "NumPy of JAX": np.__version__,
    }
    serve(versions, build)
