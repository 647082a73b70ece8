"""The scalar functions of the library in use, computed by the kernels.

Each is a subclass of the library's own, whose gradient and whose computation in Python it keeps;
what is not float32 or float64 is left to the parent's code.
"""

import numpy as np

from lasagne_nl import _rewriting as tools
from lasagne_nl.simd import in_c
from lasagne_nl.simd.recorder import FLOATS

scalar = tools.scalar


class Kernel:
    """A scalar op that a kernel computes: the one that `kernel` names."""

    kernel = None

    def c_code(self, node, name, inputs, outputs, sub):
        dtype = node.inputs[0].type.dtype
        kinds = {variable.type.dtype for variable in node.inputs + node.outputs}
        if dtype not in FLOATS or kinds - {dtype, "bool"}:
            return super().c_code(node, name, inputs, outputs, sub)
        # PyTensor writes a constant as a literal, which is a double: the cast chooses the kernel.
        casts = ["({}){}".format(i.type.dtype_specs()[1], n) for i, n in zip(node.inputs, inputs)]
        return "{} = LNL_CALL({})({});".format(outputs[0], self.kernel, ", ".join(casts))

    def c_support_code(self, **kwargs):
        return in_c.functions(self.kernel)

    def c_code_cache_version(self):
        parents = super().c_code_cache_version()
        return (in_c.version(self.c_support_code()), 2) + parents if parents else ()


# In Python Theano's own of these two are 0 below -30.
def _sigmoid(self, x):
    exponential = np.exp(-abs(x))
    return (1 if x > 0 else exponential) / (1 + exponential)


def _softplus(self, x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def _replacements():
    """The library's class: the one that takes its place."""
    parents = {name: type(getattr(tools.tensor, name).scalar_op) for name in _NAMES.split()}
    parents.update((name, type(getattr(tools.functions, name).scalar_op)) for name in _IN_PYTHON)
    parents["is_inf"] = scalar.IsInf
    for kernel, parent in parents.items():
        attributes = {"kernel": kernel, "__module__": __name__}
        if kernel in _IN_PYTHON and tools.is_theano:
            attributes["impl"] = _IN_PYTHON[kernel]
        yield parent, type(parent.__name__, (Kernel, parent), attributes)


_NAMES = "erf erfc exp expm1 log log1p tanh"
_IN_PYTHON = {"sigmoid": _sigmoid, "softplus": _softplus}
REPLACEMENTS = dict(_replacements())
# Where what is pickled finds them: in the cache of what Theano compiles.
globals().update((op.__name__, op) for op in REPLACEMENTS.values())
