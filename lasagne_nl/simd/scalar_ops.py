"""Theano's scalar functions, computed by the kernels of ``kernels.h``.

Each is a subclass of Theano's own, whose gradient and whose computation in Python it keeps; what is
not float32 or float64 is left to the parent's C code.
"""

import os
import zlib

import numpy as np
from theano import scalar
from theano.scalar import basic_scipy
from theano.tensor.nnet import sigm

FLOATS = ("float32", "float64")


# What flags like -ffast-math allow a compiler: all that our functions must not be subject to. The
# last two are no licence, and let it vectorise.
_LICENCES = (
    "no-fast-math", "no-unsafe-math-optimizations", "no-finite-math-only", "no-associative-math",
    "no-reciprocal-math", "signed-zeros", "no-rounding-math", "no-trapping-math", "no-math-errno",
)  # fmt: skip


def in_ieee_arithmetic(text):
    """C functions, to be compiled by the rules of IEEE 754 whatever flags the user has set.

    GCC does so; with other compilers and such flags they are not used (`lasagne_nl.simd.register`).
    """
    return """
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize({licences})
#endif
{text}
#ifndef __clang__
#pragma GCC pop_options
#endif
""".format(licences=", ".join('"{}"'.format(one) for one in _LICENCES), text=text)


def read_source(name, **constants):
    """The text of a C file of this folder, with macros defined before it, and a number that changes
    with it.
    """
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        text = in_ieee_arithmetic(file.read())
    text = "".join("#define {} {}\n".format(*item) for item in sorted(constants.items())) + text
    return text, zlib.crc32(text.encode("utf-8"))


_KERNELS, _VERSION = read_source("kernels.h")


class Kernel:
    """A scalar op whose C code is a call of the kernel that `kernel` names."""

    kernel = None

    def c_code(self, node, name, inputs, outputs, sub):
        dtype = node.outputs[0].type.dtype
        if dtype not in FLOATS or any(i.type.dtype != dtype for i in node.inputs):
            return super().c_code(node, name, inputs, outputs, sub)
        return "{} = LNL_CALL({}, {})({});".format(
            outputs[0], self.kernel, node.outputs[0].type.dtype_specs()[1], ", ".join(inputs)
        )

    def c_support_code(self):
        return _KERNELS

    def c_code_cache_version(self):
        parents = super().c_code_cache_version()
        return (_VERSION,) + parents if parents else ()


class Erf(Kernel, basic_scipy.Erf):
    kernel = "lnl_erf"


class Erfc(Kernel, basic_scipy.Erfc):
    kernel = "lnl_erfc"


class Exp(Kernel, scalar.Exp):
    kernel = "lnl_exp"


class Expm1(Kernel, scalar.Expm1):
    kernel = "lnl_expm1"


class Log(Kernel, scalar.Log):
    kernel = "lnl_log"


class Log1p(Kernel, scalar.Log1p):
    kernel = "lnl_log1p"


class Tanh(Kernel, scalar.Tanh):
    kernel = "lnl_tanh"


class IsInf(scalar.IsInf):
    """By the bits: the C library's own is what the user's flags make of it."""

    def c_code(self, node, name, inputs, outputs, sub):
        if node.inputs[0].type.dtype not in FLOATS:
            return super().c_code(node, name, inputs, outputs, sub)
        return "{} = lnl_is_inf({});".format(outputs[0], inputs[0])

    def c_support_code(self):
        return _KERNELS

    def c_code_cache_version(self):
        return (_VERSION, super().c_code_cache_version())


class Sigmoid(Kernel, sigm.ScalarSigmoid):
    kernel = "lnl_sigmoid"

    def impl(self, x):
        # Theano's own is 0 below -30.
        exponential = np.exp(-abs(x))
        return (1 if x > 0 else exponential) / (1 + exponential)


class Softplus(Kernel, sigm.ScalarSoftplus):
    kernel = "lnl_softplus"

    def impl(self, x):
        return max(x, 0 * x) + np.log1p(np.exp(-abs(x)))


class _Scaled(Kernel, scalar.ScalarOp):
    """A function of x and two factors, all of one dtype, as if rounded once.

    Made where a graph has the function between the factors, after all gradients are taken; as
    `theano.scalar.Composite` it has none of its own.
    """

    nin = 3

    def output_types(self, types):
        if any(t != types[0] or t.dtype not in FLOATS for t in types):
            raise TypeError("{}: the inputs must be of one dtype, of {}".format(self, FLOATS))
        return [types[0]]

    def c_code_cache_version(self):
        return (_VERSION, 1)


class ScaledExpm1(_Scaled):
    """c d expm1(x), for x that is not positive: the negative side of elu and selu."""

    kernel = "lnl_scaled_expm1"

    def impl(self, x, c, d):
        return c * d * np.expm1(x)


class ScaledTanh(_Scaled):
    """c tanh(a x)"""

    kernel = "lnl_scaled_tanh"

    def impl(self, x, a, c):
        return c * np.tanh(a * x)


# Theano's class: the class that takes its place.
REPLACEMENTS = {
    op.__mro__[2]: op for op in (Erf, Erfc, Exp, Expm1, Log, Log1p, Tanh, Sigmoid, Softplus)
}
REPLACEMENTS[scalar.IsInf] = IsInf
