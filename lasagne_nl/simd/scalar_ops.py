"""Theano's scalar functions, computed by the kernels.

Each is a subclass of Theano's own, whose gradient and whose computation in Python it keeps; what is
not float32 or float64 is left to the parent's C code.
"""

import numpy as np
from theano import scalar
from theano.scalar import basic_scipy
from theano.tensor.nnet import sigm

from lasagne_nl.simd import in_c
from lasagne_nl.simd.recorder import FLOATS


class Kernel:
    """A scalar op whose C code is a call of the kernel that `kernel` names."""

    kernel = None

    def c_code(self, node, name, inputs, outputs, sub):
        dtype = node.inputs[0].type.dtype
        kinds = {variable.type.dtype for variable in node.inputs + node.outputs}
        if dtype not in FLOATS or kinds - {dtype, "bool"}:
            return super().c_code(node, name, inputs, outputs, sub)
        return "{} = LNL_CALL({})({});".format(outputs[0], self.kernel, ", ".join(inputs))

    def c_support_code(self):
        return in_c.functions(self.kernel)

    def c_code_cache_version(self):
        parents = super().c_code_cache_version()
        return (in_c.version(self.c_support_code()),) + parents if parents else ()


class Erf(Kernel, basic_scipy.Erf):
    kernel = "erf"


class Erfc(Kernel, basic_scipy.Erfc):
    kernel = "erfc"


class Exp(Kernel, scalar.Exp):
    kernel = "exp"


class Expm1(Kernel, scalar.Expm1):
    kernel = "expm1"


class Log(Kernel, scalar.Log):
    kernel = "log"


class Log1p(Kernel, scalar.Log1p):
    kernel = "log1p"


class Tanh(Kernel, scalar.Tanh):
    kernel = "tanh"


class IsInf(Kernel, scalar.IsInf):
    """By the bits: the C library's own is what the user's flags make of it."""

    kernel = "is_inf"


class Sigmoid(Kernel, sigm.ScalarSigmoid):
    kernel = "sigmoid"

    def impl(self, x):
        # Theano's own is 0 below -30.
        exponential = np.exp(-abs(x))
        return (1 if x > 0 else exponential) / (1 + exponential)


class Softplus(Kernel, sigm.ScalarSoftplus):
    kernel = "softplus"

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
        return (in_c.version(self.c_support_code()), 1)


class ScaledExpm1(_Scaled):
    """c d expm1(x), for x that is not positive: the negative side of elu and selu."""

    kernel = "scaled_expm1"

    def impl(self, x, c, d):
        return c * d * np.expm1(x)


class ScaledTanh(_Scaled):
    """c tanh(a x)"""

    kernel = "scaled_tanh"

    def impl(self, x, a, c):
        return c * np.tanh(a * x)


# Theano's class: the class that takes its place.
REPLACEMENTS = {
    op.__mro__[2]: op for op in (Erf, Erfc, Exp, Expm1, IsInf, Log, Log1p, Tanh, Sigmoid, Softplus)
}
