"""Softmax and the operations that Theano makes of it, row by row with the kernels' exponential.

Each has Theano's own operation as its second base, whose computation in Python, gradient and shape
inference it keeps.
"""

from theano.tensor.nnet import nnet

from lasagne_nl.simd.rows import OfRows
from lasagne_nl.simd.scalar_ops import tools


class Softmax(OfRows, nnet.Softmax):
    program = "softmax"


class SoftmaxWithBias(OfRows, nnet.SoftmaxWithBias):
    program = "softmax"


class LogSoftmax(OfRows, nnet.LogSoftmax):
    program = "log_softmax"


class SoftmaxGrad(OfRows, nnet.SoftmaxGrad):
    program = "softmax_grad"


class CrossentropySoftmaxArgmax1HotWithBias(OfRows, nnet.CrossentropySoftmaxArgmax1HotWithBias):
    function, program = "lnl_crossentropy", "crossentropy"

    def __init__(self, openmp=None):
        OfRows.__init__(self, openmp)


class CrossentropySoftmax1HotWithBiasDx(OfRows, nnet.CrossentropySoftmax1HotWithBiasDx):
    function = "lnl_crossentropy_grad"


# Theano's operation: the one that takes its place.
REPLACEMENTS = {op.__bases__[1]: op for op in OfRows.__subclasses__() if op.__module__ == __name__}


@tools.local(*REPLACEMENTS)
def local_softmax(fgraph, node):
    """Theano's operations on rows of softmax -> those of this module."""
    replacement = REPLACEMENTS.get(type(node.op))
    variables, integers = node.inputs + node.outputs, tools.tensor.discrete_dtypes
    floats = {variable.dtype for variable in variables if variable.dtype not in integers}
    if replacement is None or floats not in ({"float32"}, {"float64"}):
        return False
    return replacement()(*node.inputs, return_list=True)
