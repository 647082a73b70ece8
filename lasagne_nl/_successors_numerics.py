"""What Aesara and PyTensor compute wrongly, mended from outside.

- Their sigmoid is 1 / (1 + exp(-x)). Where exp(-x) overflows that is 0, and so is the slope of
  softplus: what is smaller than the smallest normal number is lost.
- Where nothing is compiled, softmax and log_softmax of Aesara and PyTensor 2 are those of SciPy.
  The softmax of SciPy 1.7, the newest for Python 3.7, is exp(x - log(sum(exp(x)))), which for large
  x is off by many units in the last place; log_softmax is -inf, not NaN, beside an infinite entry.
- The rewrite ``local_logsoftmax_grad`` of Aesara and PyTensor 2 gives log(softmax(x)) a gradient
  without a division, which is finite where a probability has rounded to 0. It takes the gradient
  that arrives for one of the whole shape: where that is but repeated along the axis, as the
  gradient of a sum is, the result is wrong. And it leaves the gradient of
  ``log(softmax(x))[arange(n), labels]`` to a rewrite that is gone: that is NaN.

``optimizer_excluding=lasagne_nl`` in the flags of the library switches the first off where no mode
is named.
"""

import importlib

import numpy as np


def mend(library):
    """Have all that this process compiles with the library computed without these faults."""
    _mend_sigmoid(library)
    _mend_softmax_in_python(library)
    _mend_gradient_of_log_softmax(library)


def _mend_sigmoid(library):
    tensor = importlib.import_module(library.__name__ + ".tensor")
    rewriting = importlib.import_module(library.__name__ + ".graph.rewriting.basic")
    name = "lasagne_nl_accurate"

    @rewriting.node_rewriter([tensor.sigmoid])
    def local_accurate_sigmoid(fgraph, node):
        """sigmoid(x) -> switch(x < -80, exp(x), sigmoid(x)), for float32 and float64"""
        (x,) = node.inputs
        # float16 is left alone, as its exponentials are taken in float32.
        if node.op != tensor.sigmoid or x.dtype not in ("float32", "float64"):
            return False
        # There the two differ by less than rounding; all others stay what they are, to the bit.
        far = tensor.constant(-80, dtype=x.dtype, ndim=x.ndim)
        return [tensor.switch(x < far, tensor.exp(tensor.minimum(x, far)), tensor.sigmoid(x))]

    optdb = library.compile.mode.optdb
    if name not in optdb.__db__:
        # After the stability rewrites (positions 1 to 3), which know the library's own op, and
        # before elementwise fusion (49).
        optdb.register(
            name,
            # The sigmoid that it makes is not to be replaced again.
            rewriting.in2out(local_accurate_sigmoid, name=name, ignore_newtrees=True),
            "fast_run",
            "fast_compile",
            "lasagne_nl",
            position=47.9,
        )


def _mend_softmax_in_python(library):
    special = importlib.import_module(library.__name__ + ".tensor.special")
    for op, perform in (
        (special.Softmax, _perform_softmax),
        (special.LogSoftmax, _perform_log_softmax),
    ):
        # In PyTensor 3 they are made of other operations, and have none.
        if "perform" in vars(op):
            op.perform = perform


@np.errstate(invalid="ignore")  # inf - inf, which makes the row NaN
def _perform_softmax(self, node, inputs, outputs):
    (x,) = inputs
    exponential = np.exp(x - x.max(axis=self.axis, keepdims=True))
    outputs[0][0] = exponential / exponential.sum(axis=self.axis, keepdims=True)


@np.errstate(invalid="ignore")
def _perform_log_softmax(self, node, inputs, outputs):
    (x,) = inputs
    shifted = x - x.max(axis=self.axis, keepdims=True)
    outputs[0][0] = shifted - np.log(np.exp(shifted).sum(axis=self.axis, keepdims=True))


def _mend_gradient_of_log_softmax(library):
    """Put a rewrite without the fault into the place of the library's own, if it has it."""
    tensor = importlib.import_module(library.__name__ + ".tensor")
    special = importlib.import_module(library.__name__ + ".tensor.special")
    rewrites = importlib.import_module(library.__name__ + ".tensor.rewriting.special")
    faulty = getattr(rewrites, "local_logsoftmax_grad", None)
    if not hasattr(faulty, "fn"):
        return

    def local_logsoftmax_grad(fgraph, node):
        """softmax_grad(g / sm, sm) -> the gradient of logsoftmax, which does not divide"""
        if not isinstance(node.op, special.SoftmaxGrad):
            return False
        upstream, softmax = node.inputs[:2]
        quotient = upstream.owner
        if (
            quotient is None
            or quotient.op != tensor.true_div
            or quotient.inputs[1] is not softmax
            or softmax.owner is None
            or not isinstance(softmax.owner.op, special.Softmax)
        ):
            return False
        gradient = quotient.inputs[0]
        if gradient.type.broadcastable != softmax.type.broadcastable:
            gradient = tensor.alloc(gradient, *[softmax.shape[i] for i in range(softmax.ndim)])
        total = tensor.sum(gradient, axis=softmax.owner.op.axis, keepdims=True)
        return [gradient - total * softmax]

    faulty.fn = local_logsoftmax_grad
