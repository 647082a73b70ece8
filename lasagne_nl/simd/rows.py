"""Operations on the rows of matrices, the softmax family and sparsemax: the C code, and those that
Theano has not, which serve its successors, with Numba too.
"""

import numpy as np

from lasagne_nl import _mends
from lasagne_nl.simd import in_c
from lasagne_nl.simd.activations import pads_of_rows
from lasagne_nl.simd.elemwise import compile_args, least_for_threads
from lasagne_nl.simd.scalar_ops import tools

_OpenMPOp = tools.module("gof.op", "graph.op" if tools.is_theano else "link.c.op").OpenMPOp


class OfRows(_OpenMPOp):
    """An operation that a function of softmax.h computes, with the program of a row.

    The function is a template of the type of the floats, of that of the targets where there are
    some, and of the program; its arguments are from how many elements on it may use threads, the
    pads of the program, the addresses of the outputs, and the inputs.
    """

    __props__ = ("openmp",)
    function, program = "lnl_rows", None

    def c_support_code(self, **options):
        return in_c.functions() + in_c.read("threads.h", "softmax.h")

    def c_support_code_apply(self, node, name):
        return in_c.program(self.program, node.inputs[0].dtype) if self.program else ""

    def c_compile_args(self, **options):
        # It makes of "omp simd" what it says, and nothing of the threads.
        return [*super().c_compile_args(**options), *compile_args(), "-fopenmp-simd"]

    def c_code_cache_version_apply(self, node):
        code = self.c_support_code() + self.c_support_code_apply(node, "")
        return (in_c.version(code), 4, self.openmp, least_for_threads())

    def c_code(self, node, name, inputs, outputs, sub):
        typed = [node.inputs[0]] + node.inputs[2:]  # the second has the dtype of the first
        of = [variable.type.dtype_specs()[1] for variable in typed]
        arguments = [str(least_for_threads())]
        if self.program:
            of += ["lnl_row_" + self.program]
            arguments += ["lnl_pads_" + self.program if pads_of_rows(self.program) else "NULL"]
        arguments += [*("&" + one for one in outputs), *inputs]
        return "if (!{}<{}>({})) {{ {} }}".format(
            self.function, ", ".join(of), ", ".join(arguments), sub["fail"]
        )


class _AlongLastAxis(OfRows):
    """Of the shape and dtype of the first input; the last axis is that of the rows."""

    axis = -1

    def make_node(self, *inputs):
        apply = tools.module("gof", "graph.basic").Apply
        return apply(self, list(inputs), [inputs[0].type()])

    def infer_shape(self, *given):  # older libraries give the graph first
        return given[-1][:1]


class RowSoftmax(_AlongLastAxis):
    """exp(x_j) / sum_k exp(x_k), of x or of the sum of x and a row"""

    program = "softmax"

    def perform(self, node, inputs, outputs):
        _mends.perform_softmax(self, node, [sum(inputs)], outputs)


class RowLogSoftmax(_AlongLastAxis):
    """x_j - log(sum_k exp(x_k)), of x or of the sum of x and a row"""

    program = "log_softmax"

    def perform(self, node, inputs, outputs):
        _mends.perform_log_softmax(self, node, [sum(inputs)], outputs)


class RowSoftmaxGrad(_AlongLastAxis):
    """The gradient of softmax s for the incoming gradient g: s_j (g_j - sum_k g_k s_k)"""

    program = "softmax_grad"

    def perform(self, node, inputs, outputs):
        g, s = inputs
        outputs[0][0] = (g - (g * s).sum(axis=-1, keepdims=True)) * s


class RowLogSoftmaxGrad(_AlongLastAxis):
    """The gradient of log_softmax of x for the incoming gradient g: g_j - softmax(x)_j sum_k g_k"""

    program = "log_softmax_grad"

    def perform(self, node, inputs, outputs):
        g, x = inputs
        _mends.perform_softmax(self, node, [x], outputs)
        outputs[0][0] = g - g.sum(axis=-1, keepdims=True) * outputs[0][0]


class RowSparsemax(_AlongLastAxis):
    """max(0, x_j - t), for the t with which a row sums to 1"""

    program = "sparsemax"

    @np.errstate(invalid="ignore")
    def perform(self, node, inputs, outputs):
        (x,) = inputs
        below = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
        sums = np.sort(below, axis=-1)[..., ::-1].cumsum(axis=-1)
        thresholds = (sums - 1) / np.arange(1, x.shape[-1] + 1)
        threshold = thresholds.max(axis=-1, keepdims=True, initial=-np.inf)
        outputs[0][0] = np.where(below <= threshold, 0, below - threshold).astype(x.dtype)


class RowSparsemaxGrad(_AlongLastAxis):
    """The gradient of sparsemax p for the incoming gradient g: g_j less its mean, where p > 0"""

    program = "sparsemax_grad"

    @np.errstate(invalid="ignore", divide="ignore")
    def perform(self, node, inputs, outputs):
        g, p = inputs
        total = np.where(p > 0, g, 0).sum(axis=-1, keepdims=True)
        mean = total / (p > 0).sum(axis=-1, keepdims=True)
        outputs[0][0] = np.where(p <= 0, 0, g - mean).astype(p.dtype)
