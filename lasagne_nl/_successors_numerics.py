"""What Aesara and PyTensor compute wrongly, mended from outside.

- Their sigmoid is 1 / (1 + exp(-x)). Where exp(-x) overflows that is 0, and so is the slope of
  softplus: what is smaller than the smallest normal number is lost.
- Where nothing is compiled, softmax and log_softmax of Aesara and PyTensor 2 are those of SciPy.
  The softmax of SciPy 1.7, the newest for Python 3.7, is exp(x - log(sum(exp(x)))), which for large
  x is off by many units in the last place; log_softmax is -inf, not NaN, beside an infinite entry.
- The log of a softmax, and its gradient, are finite where a probability has rounded to 0 only if a
  rewrite finds them. Aesara and PyTensor 2.9 find no log of entries of a softmax
  (``log(softmax(x)[arange(n), labels])``) or of one with its axes in another order; PyTensor 2.13
  and later find nothing in FAST_COMPILE, and nowhere the gradient of the log of entries.
- The rewrite ``local_logsoftmax_grad`` of Aesara and PyTensor 2, which finds the gradient, takes
  what arrives for one of the whole shape: where that is but repeated along the axis, as the
  gradient of a sum is, the result is wrong. And it leaves the gradient of
  ``log(softmax(x))[arange(n), labels]`` to a rewrite that is gone: that is NaN.

``optimizer_excluding=lasagne_nl`` in the flags of the library switches the first and the third off
where no mode is named.
"""

import importlib
from itertools import permutations

import numpy as np


def mend(library):
    """Have all that this process compiles with the library computed without these faults."""
    _mend_sigmoid(library)
    _mend_softmax_in_python(library)
    _mend_log_of_softmax(library)


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

    # The sigmoid that it makes is not to be replaced again.
    rewrite = rewriting.in2out(local_accurate_sigmoid, name=name, ignore_newtrees=True)
    # After the stability rewrites (positions 1 to 3), which know the library's own op, and before
    # elementwise fusion (49).
    _register(library, name, rewrite, position=47.9)


def _register(library, name, rewrite, position):
    optdb = library.compile.mode.optdb
    if name not in optdb.__db__:
        optdb.register(name, rewrite, "fast_run", "fast_compile", "lasagne_nl", position=position)


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


def _mend_log_of_softmax(library):
    tensor = importlib.import_module(library.__name__ + ".tensor")
    special = importlib.import_module(library.__name__ + ".tensor.special")
    rewrites = importlib.import_module(library.__name__ + ".tensor.rewriting.special")
    rewriting = importlib.import_module(library.__name__ + ".graph.rewriting.basic")
    name = "lasagne_nl_log_of_softmax"

    @rewriting.node_rewriter([tensor.log])
    def local_log_of_softmax(fgraph, node):
        """log(view(softmax(x))) -> view(logsoftmax(x))"""
        views, softmax = [], node.inputs[0]
        while _is_made_by(softmax, "DimShuffle", *_KEEP_THE_ORDER, *_PUT_BACK_BY):
            views.append(softmax.owner)
            softmax = softmax.owner.inputs[0]
        if node.op != tensor.log or not _is_made_by(softmax, "Softmax"):
            return False
        result = special.log_softmax(softmax.owner.inputs[0], axis=softmax.owner.op.axis)
        for view in reversed(views):
            result = view.op(result, *view.inputs[1:])
        return [result]

    def local_log_of_softmax_grad(fgraph, node):
        """softmax_grad(g / sm, sm) -> the gradient of logsoftmax, which does not divide"""
        upstream, softmax = node.inputs[:2]
        gradient = _without_division(fgraph, tensor, upstream, softmax)
        if gradient is None:
            return False
        total = tensor.sum(gradient, axis=softmax.owner.op.axis, keepdims=True)
        return [gradient - total * softmax]

    @rewriting.node_rewriter([tensor.mul])
    def local_product_with_softmax(fgraph, node):
        """(g / sm) * sm -> g, with which the gradient of softmax begins where it is no op"""
        if node.op != tensor.mul:
            return False
        for i, j in permutations(range(len(node.inputs)), 2):
            gradient = _without_division(fgraph, tensor, node.inputs[i], node.inputs[j])
            if gradient is not None and _are_alike(gradient, node.inputs[j]):
                others = [node.inputs[k] for k in range(len(node.inputs)) if k not in (i, j)]
                return [tensor.mul(gradient, *others) if others else gradient]
        return False

    # The library's own, where it has one, is never to be made.
    faulty = getattr(rewrites, "local_logsoftmax_grad", None)
    if hasattr(faulty, "fn"):
        faulty.fn = local_log_of_softmax_grad
    of_gradient = (
        rewriting.node_rewriter([special.SoftmaxGrad])(local_log_of_softmax_grad)
        if hasattr(special, "SoftmaxGrad")
        else local_product_with_softmax
    )
    # After canonicalisation (1) and the library's own (1.5), and before the division is made
    # something else (2).
    _register(
        library,
        name,
        rewriting.in2out(local_log_of_softmax, of_gradient, name=name),
        position=1.6,
    )


# The ops that show all entries, one after the other.
_KEEP_THE_ORDER = ("Reshape", "SpecifyShape")
# The ops that take entries, and those with which their gradients put them back.
_PUT_BACK_BY = {
    "Subtensor": "IncSubtensor",
    "AdvancedSubtensor": "AdvancedIncSubtensor",
    "AdvancedSubtensor1": "AdvancedIncSubtensor1",
}


def _without_division(fgraph, tensor, upstream, softmax, reshaped=False):
    """The product of the two if upstream is a quotient by softmax, or by entries of it; or None."""
    node = upstream.owner
    if node is None or not _is_made_by(softmax, "Softmax"):
        return None
    if _is_made_by(upstream, *_KEEP_THE_ORDER):
        result = _without_division(fgraph, tensor, node.inputs[0], softmax, reshaped=True)
        return None if result is None else node.op(result, *node.inputs[1:])
    put_back = _is_made_by(upstream, *_PUT_BACK_BY.values())
    quotient = node.inputs[1] if put_back else upstream
    if quotient.owner is None or quotient.owner.op != tensor.true_div:
        return None
    gradient, divisor = quotient.owner.inputs
    whole = _what_is_put_back(fgraph, divisor, node) if put_back else divisor
    while reshaped and whole is not None and _is_made_by(whole, *_KEEP_THE_ORDER):
        whole = whole.owner.inputs[0]
    if whole is not softmax:
        return None
    if not _are_alike(gradient, divisor):
        gradient = tensor.alloc(gradient, *[divisor.shape[i] for i in range(divisor.ndim)])
    return node.op(node.inputs[0], gradient, *node.inputs[2:]) if put_back else gradient


def _what_is_put_back(fgraph, entries, node):
    """The variable of which node puts entries where they are in it, and 0 elsewhere; or None."""
    if not _is_made_by(entries, *_PUT_BACK_BY):
        return None
    taken = entries.owner
    whole, empty = taken.inputs[0], node.inputs[0]
    # A list in one of them, a tuple in the other.
    where = [tuple(getattr(op, "idx_list", ())) for op in (taken.op, node.op)]
    is_so = (
        not node.op.set_instead_of_inc
        and _is_zero_of_the_shape_of(fgraph, whole, empty)
        and _PUT_BACK_BY[type(taken.op).__name__] == type(node.op).__name__
        and where[0] == where[1]
        and len(taken.inputs) == len(node.inputs) - 1
        and all(_are_same(a, b) for a, b in zip(taken.inputs[1:], node.inputs[2:]))
    )
    return whole if is_so else None


def _is_zero_of_the_shape_of(fgraph, whole, variable):
    """Whether the graph shows that a variable is 0 everywhere, and has the shape of another."""
    scalar_op = getattr(getattr(variable.owner, "op", None), "scalar_op", None)
    if type(scalar_op).__name__ == "Second":
        like, number = variable.owner.inputs
        is_alike = like is whole
    elif _is_made_by(variable, "Alloc") and hasattr(fgraph, "shape_feature"):
        number = variable.owner.inputs[0]
        is_alike = fgraph.shape_feature.same_shape(variable, whole)
    else:
        return False
    return is_alike and not np.any(getattr(number, "data", 1))


def _are_alike(one, other):
    """Whether the same axes of two variables have but one entry, which is repeated."""
    return one.type.broadcastable == other.type.broadcastable


def _are_same(one, other):
    return one is other or (hasattr(one, "data") and one.equals(other))


def _is_made_by(variable, *names):
    return variable.owner is not None and type(variable.owner.op).__name__ in names
