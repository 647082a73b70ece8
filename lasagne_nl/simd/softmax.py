"""Softmax and the operations that Theano makes of it, row by row with the kernels' exponential."""

from theano import config
from theano.gof.op import OpenMPOp
from theano.tensor.nnet import nnet

from lasagne_nl.simd import in_c
from lasagne_nl.simd.elemwise import compile_args

_CODE = in_c.functions(
    "exp_below", "exp_near_1", "shift_near_1", "least_near_1", "magic_near_1"
) + in_c.read("softmax.h")
_VERSION = in_c.version(_CODE)


class _Rows(OpenMPOp):
    """An operation that a function of softmax.h computes.

    The function is a template of the type of the floats, and of that of the targets where there are
    some; its arguments are the inputs, the addresses of the outputs, and from how many elements on
    it may use threads.

    A subclass has Theano's own operation as its second base, whose computation in Python, gradient
    and shape inference it keeps.
    """

    __props__ = ("openmp",)
    function = None

    def c_support_code(self):
        return _CODE

    def c_compile_args(self):
        # It makes of "omp simd" what it says, and nothing of the threads.
        return super().c_compile_args() + list(compile_args()) + ["-fopenmp-simd"]

    def c_code_cache_version(self):
        return (_VERSION, 2, self.openmp, config.openmp_elemwise_minsize)

    def c_code(self, node, name, inputs, outputs, sub):
        typed = [node.inputs[0]] + node.inputs[2:]  # the second is of the type of the first
        return "if (!{function}<{types}>({arguments})) {{ {fail} }}".format(
            function=self.function,
            types=", ".join(variable.type.dtype_specs()[1] for variable in typed),
            arguments=", ".join(
                [*inputs, *("&" + name for name in outputs), str(config.openmp_elemwise_minsize)]
            ),
            fail=sub["fail"],
        )


class Softmax(_Rows, nnet.Softmax):
    function = "lnl_softmax"


class SoftmaxWithBias(_Rows, nnet.SoftmaxWithBias):
    function = "lnl_softmax"


class LogSoftmax(_Rows, nnet.LogSoftmax):
    function = "lnl_log_softmax"


class SoftmaxGrad(_Rows, nnet.SoftmaxGrad):
    function = "lnl_softmax_grad"


class CrossentropySoftmaxArgmax1HotWithBias(_Rows, nnet.CrossentropySoftmaxArgmax1HotWithBias):
    function = "lnl_crossentropy"

    def __init__(self, openmp=None):
        _Rows.__init__(self, openmp)


class CrossentropySoftmax1HotWithBiasDx(_Rows, nnet.CrossentropySoftmax1HotWithBiasDx):
    function = "lnl_crossentropy_grad"


# Theano's operation: the one that takes its place.
REPLACEMENTS = {op.__bases__[1]: op for op in _Rows.__subclasses__()}
