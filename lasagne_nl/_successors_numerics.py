"""What Aesara and PyTensor 2 compute wrongly, mended from outside.

Their rewrite ``local_logsoftmax_grad`` gives log(softmax(x)) a gradient without a division, which
is finite where a probability has rounded to 0. It takes the gradient that arrives for one of the
whole shape: where that is but repeated along the axis, as the gradient of a sum is, the result is
wrong. And it leaves the gradient of ``log(softmax(x))[arange(n), labels]`` to a rewrite that is
gone: that is NaN.
"""

import importlib


def mend(library):
    """Put a rewrite without these faults into the place of the library's own, if it has it."""
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
