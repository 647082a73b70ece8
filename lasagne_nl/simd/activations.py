"""Activations, each as one kernel, named as in `lasagne_nl.nonlinearities`, and its slope times the
incoming gradient g, with "_slope" behind the name.

They are written as those of `kernels` are, in whose terms their errors are given. Naming one here
is enough: `recognition` finds the activation in a graph by its own expression, and puts the kernel
in its place. At its edges a kernel is what the expression is: where a switch is not taken it is 0,
whatever g is, and NaN stays.
"""

import inspect

from lasagne_nl.simd import kernels
from lasagne_nl.simd.kernels import absolute, exp, is_inf, scaled_expm1, scaled_tanh
from lasagne_nl.simd.recorder import FLOATS, Value, equal, mad, select


def product(f, a, x):
    """a x, but 0 where a is 0 and x infinite"""
    return select(equal(a, 0.0) & is_inf(f, x), 0.0, a * x)


def rectify(f, x):
    return select(x <= 0, 0.0, x)


def rectify_slope(f, x, g):
    at_0 = mad(g, 0.5, -absolute(f, x))  # NaN where x is NaN
    return select(x > 0, g, select(x < 0, 0.0, at_0))


def LeakyRectify(f, x, leakiness):
    return select(x > 0, x, product(f, leakiness, x))


def LeakyRectify_slope(f, x, leakiness, g):
    below = leakiness * g
    at_0 = mad(g + below, 0.5, -absolute(f, x))
    return select(x > 0, g, select(x < 0, below, at_0))


def elu(f, x):
    return select(x > 0, x, scaled_expm1(f, x, x.of(1.0), x.of(1.0)))


def elu_slope(f, x, g):
    return select(x > 0, g, g * exp(f, x))


def SELU(f, x, scale, scale_neg):
    return select(x > 0, product(f, scale, x), scaled_expm1(f, x, scale, scale_neg))


def SELU_slope(f, x, scale, scale_neg, g):
    return scale * select(x > 0, g, scale_neg * (g * exp(f, x)))


def ScaledTanH(f, x, scale_in, scale_out):
    return scaled_tanh(f, x, scale_in, scale_out)


# --- for those that write kernels down ---


def record(name, dtype):
    """The arguments of the kernel of a name, by their names, and its result."""
    kernel = globals().get(name) or getattr(kernels, name)
    parameters = list(inspect.signature(kernel).parameters)[1:]
    kinds = {"integer": FLOATS[dtype]}  # by the name of a parameter, where it is no float
    arguments = {one: Value(kinds.get(one, dtype), "argument") for one in parameters}
    return arguments, kernel(kernels.FORMATS[dtype], *arguments.values())
