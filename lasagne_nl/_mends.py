"""What the tensor libraries compute wrongly, or not at all, mended from outside.

- **Sigmoid and softplus.** Theano cuts both off: in float64 its sigmoid is 1 above 19 and its
  softplus x above 16, off by 5.0e7 and 3.2e7 units in the last place; without C code both are 0
  below -30. The sigmoid of Aesara and PyTensor is 1 / (1 + exp(-x)): where exp(-x) overflows that
  is 0, and so is the slope of softplus. Late rewrites put exact forms in their place.
- **Softmax.** Theano has it for matrices only. Where nothing is compiled, Aesara and PyTensor 2
  take SciPy's: that of SciPy 1.7 is exp(x - log(sum(exp(x)))), off by many units for large x, and
  its log_softmax is -inf, not NaN, beside an infinite entry.
- **The log of a softmax**, and its gradient, are finite where a probability has rounded to 0 only
  if a rewrite finds them. The libraries' own find some: not those behind another order of axes, of
  chosen entries, in FAST_COMPILE. One rewrite here finds them all. And ``local_logsoftmax_grad`` of
  Aesara and PyTensor 2 takes what arrives for one of the whole shape: where that is but repeated
  along the axis, as the gradient of a sum is, its result is wrong.
- **Forward mode** (Rop). ``ZeroGrad`` returns no list, ``LogSoftmax`` takes its Jacobian for a
  symmetric one, ``Assert`` and ``CumOp`` have none, nor has ``SortOp``, even of a constant.
- **The compile cache.** Theano's forgets, from one process to the next, all modules that hold a
  DimShuffle, an Alloc, a copy of an input or a softmax.
- **JAX's own derivative** of what PyTensor compiles for it: softplus has a branch that overflows,
  and the slope of abs at 0 is 1, not 0.

All rewrites bear the tag ``lasagne_nl``: ``optimizer_excluding=lasagne_nl`` in the flags of the
library switches them off where no mode is named. What differs between the libraries is asked of
them, or goes by the names of ops.
"""

import importlib
import zlib
from itertools import permutations

import numpy as np

from lasagne_nl._rewriting import Tools

_TAGS = ("lasagne_nl", "fast_run", "fast_compile")


def mend(library):
    """Have all that this process compiles with the library computed without these faults."""
    tools = Tools(library)
    _mend_sigmoid_and_softplus(tools)
    _mend_softmax_in_python(tools)
    _mend_log_of_softmax(tools)
    _mend_forward_mode(tools)
    if tools.is_theano:
        _mend_compile_cache(tools)
    if library.__name__ == "pytensor":
        _mend_derivatives_for_jax(tools)


def softmax(x):
    """Theano's softmax along the last axis of `x`, which has at least one dimension."""
    return of_rows(importlib.import_module("theano.tensor.nnet.nnet").Softmax(), x)


def log_softmax(x):
    """The log of `softmax`, which stays finite where a probability rounds to 0."""
    return of_rows(importlib.import_module("theano.tensor.nnet.nnet").LogSoftmax(), x)


def of_rows(op, *inputs):
    """An operation on the rows of matrices, along the last axis of inputs of one shape."""
    x = inputs[0]
    if x.ndim == 2:
        return op(*inputs)
    number_of_rows = 1
    for axis in range(x.ndim - 1):
        number_of_rows = number_of_rows * x.shape[axis]
    rows = op(*[one.reshape((number_of_rows, x.shape[x.ndim - 1])) for one in inputs])
    patternbroadcast = importlib.import_module("lasagne_nl.backend").patternbroadcast
    return patternbroadcast(rows.reshape(x.shape, ndim=x.ndim), x.type.broadcastable)


# Sigmoid and softplus.


def _mend_sigmoid_and_softplus(tools):
    tensor, functions = tools.tensor, tools.functions

    def theanos_sigmoid(x):
        exponential = tensor.exp(-abs(x))
        return tensor.switch(x > 0, 1, exponential) / (1 + exponential)

    def theanos_softplus(x):
        return tensor.switch(x > 0, x, 0) + tensor.log1p(tensor.exp(-abs(x)))

    def others_sigmoid(x):
        # There the two differ by less than rounding; all others stay what they are, to the bit.
        far = tensor.constant(-80, dtype=x.dtype, ndim=x.ndim)
        return tensor.switch(x < far, tensor.exp(tensor.minimum(x, far)), tensor.sigmoid(x))

    exact = (
        {functions.sigmoid: theanos_sigmoid, functions.softplus: theanos_softplus}
        if tools.is_theano
        else {functions.sigmoid: others_sigmoid}
    )
    # A node's op is not the same object where it works in place.
    by_scalar_op = {type(op.scalar_op): expression for op, expression in exact.items()}

    @tools.local(*exact)
    def local_accurate_sigmoid_and_softplus(fgraph, node):
        """sigmoid(x), softplus(x) -> what is exact, for float32 and float64"""
        expression = by_scalar_op.get(type(getattr(node.op, "scalar_op", None)))
        (x,) = node.inputs if expression else (None,)
        # float16 is left alone: its exponentials are taken in float32.
        if expression is None or x.dtype not in ("float32", "float64"):
            return False
        return [expression(x)]

    # The sigmoid that it makes is not to be replaced again. After the stability rewrites (positions
    # 1 to 3), which know the library's own ops, and after `simd`, which serves the same functions
    # faster (48.83); before elementwise fusion (49).
    position = 48.9 if tools.is_theano else 47.9
    tools.register(
        "lasagne_nl_accurate",
        position,
        local_accurate_sigmoid_and_softplus,
        tags=_TAGS,
        ignore_newtrees=True,
    )


# Softmax where nothing is compiled.


def _mend_softmax_in_python(tools):
    if tools.is_theano:
        return
    for name, perform in (("Softmax", perform_softmax), ("LogSoftmax", perform_log_softmax)):
        op = getattr(tools.special, name)
        # In PyTensor 3 they are made of other operations, and have none.
        if "perform" in vars(op):
            op.perform = perform


@np.errstate(invalid="ignore")  # inf - inf, which makes the row NaN
def perform_softmax(self, node, inputs, outputs):
    (x,) = inputs
    exponential = np.exp(x - x.max(axis=self.axis, keepdims=True))
    outputs[0][0] = exponential / exponential.sum(axis=self.axis, keepdims=True)


@np.errstate(invalid="ignore")
def perform_log_softmax(self, node, inputs, outputs):
    (x,) = inputs
    shifted = x - x.max(axis=self.axis, keepdims=True)
    outputs[0][0] = shifted - np.log(np.exp(shifted).sum(axis=self.axis, keepdims=True))


# The log of a softmax.

# Ops that show the entries in another shape, or order of axes, each once.
_VIEWS = ("Reshape", "SpecifyShape", "Rebroadcast", "DimShuffle")
# Those that take entries, and those with which their gradients put them back.
_PUT_BACK_BY = {
    "Subtensor": "IncSubtensor",
    "AdvancedSubtensor": "AdvancedIncSubtensor",
    "AdvancedSubtensor1": "AdvancedIncSubtensor1",
}


def _mend_log_of_softmax(tools):
    tensor, special = tools.tensor, tools.special

    @tools.local(tensor.log)
    def local_log_of_softmax(fgraph, node):
        """log(taken(softmax(x))) -> taken(logsoftmax(x))"""
        taken, softmax = _walk(node.inputs[0], _VIEWS + tuple(_PUT_BACK_BY))
        if node.op != tensor.log or not _is_made_by(softmax, "Softmax"):
            return False
        if tools.is_theano and _is_known_to_theano(special, taken):
            return False
        x, op = softmax.owner.inputs[0], softmax.owner.op
        log = special.LogSoftmax()(x) if tools.is_theano else special.log_softmax(x, axis=op.axis)
        return [_done_again(taken, log, 0)]

    def local_log_of_softmax_grad(fgraph, node):
        """softmax_grad(g / sm, sm) -> the gradient of logsoftmax, which does not divide"""
        upstream, softmax = node.inputs[:2]
        gradient = _without_division(fgraph, tools, upstream, softmax)
        if gradient is None:
            return False
        axis = 1 if tools.is_theano else softmax.owner.op.axis
        return [gradient - tensor.sum(gradient, axis=axis, keepdims=True) * softmax]

    @tools.local(tensor.mul)
    def local_product_with_softmax(fgraph, node):
        """(g / sm) * sm -> g, with which the gradient of softmax begins where it is no op"""
        if node.op != tensor.mul:
            return False
        for i, j in permutations(range(len(node.inputs)), 2):
            gradient = _without_division(fgraph, tools, node.inputs[i], node.inputs[j])
            if gradient is not None and _are_alike(gradient, node.inputs[j]):
                others = [node.inputs[k] for k in range(len(node.inputs)) if k not in (i, j)]
                return [tensor.mul(gradient, *others) if others else gradient]
        return False

    if hasattr(special, "SoftmaxGrad"):
        of_gradient = tools.local(special.SoftmaxGrad)(local_log_of_softmax_grad)
    else:
        of_gradient = local_product_with_softmax
    if not tools.is_theano:
        # The library's own, where it has one, is never to be made.
        rewrites = importlib.import_module(tensor.__name__ + ".rewriting.special")
        faulty = getattr(rewrites, "local_logsoftmax_grad", None)
        if hasattr(faulty, "fn"):
            faulty.fn = local_log_of_softmax_grad
    # After canonicalisation (1) and the library's own (1.5), and before the division is made
    # something else (2).
    tools.register("lasagne_nl_log_of_softmax", 1.6, local_log_of_softmax, of_gradient, tags=_TAGS)


def _walk(variable, names):
    """The nodes of the named ops that make a variable of their first input, the last one first, and
    that input of the first one.
    """
    nodes = []
    while _is_made_by(variable, *names):
        nodes.append(variable.owner)
        variable = variable.owner.inputs[0]
    return nodes, variable


def _done_again(nodes, variable, place):
    """What nodes, the last one first, make of another variable in the place of an input."""
    for node in reversed(nodes):
        here = 0 if _is_made_by(node.outputs[0], *_VIEWS) else place
        inputs = list(node.inputs)
        inputs[here] = variable
        variable = node.op(*inputs)
    return variable


def _is_known_to_theano(special, taken):
    """Whether Theano makes a cross-entropy of the log of these entries: of [arange(len(y)), y]."""
    if len(taken) != 1 or type(taken[0].op).__name__ != "AdvancedSubtensor":
        return False
    indices = taken[0].inputs[1:]
    return len(indices) == 2 and bool(special._check_rows_is_arange_len_labels(*indices))


def _without_division(fgraph, tools, upstream, softmax):
    """The product of the two, if upstream is what the gradient of a log of entries of softmax is: a
    quotient by them, put back to where they were taken; else None.
    """
    if not _is_made_by(softmax, "Softmax"):
        return None
    placed, quotient = [], upstream
    while _is_made_by(quotient, *_VIEWS, *_PUT_BACK_BY.values()):
        placed.append(quotient.owner)
        quotient = quotient.owner.inputs[0 if _is_made_by(quotient, *_VIEWS) else 1]
    if quotient.owner is None or quotient.owner.op != tools.true_div:
        return None
    gradient, divisor = quotient.owner.inputs
    taken, whole = _walk(divisor, _VIEWS + tuple(_PUT_BACK_BY))
    if whole is not softmax or not _undo(fgraph, placed, taken[::-1]):
        return None
    if not _are_alike(gradient, divisor):
        lengths = [divisor.shape[i] for i in range(divisor.ndim)]
        gradient = tools.tensor.alloc(gradient, *lengths)
    if tools.is_theano:
        gradient = tools.tensor.patternbroadcast(gradient, quotient.broadcastable)
    return _done_again(placed, gradient, 1)


def _undo(fgraph, placed, taken):
    """Whether nodes that place entries, the last one first, put each where the others took it."""
    placed, taken = list(placed), list(taken)
    while True:
        views_before, views_after = _views_ahead(taken), _views_ahead(placed)
        if not _keep_the_order(views_before + views_after[::-1]):
            return False
        if not placed or not taken:
            return placed == taken
        if not _puts_back(fgraph, placed.pop(0), taken.pop(0)):
            return False


def _views_ahead(nodes):
    """The views that nodes begin with, which are taken off."""
    views = []
    while nodes and type(nodes[0].op).__name__ in _VIEWS:
        views.append(nodes.pop(0))
    return views


def _keep_the_order(views):
    """Whether views, the first one first, show the entries in the order that they had before."""
    axes = None  # where each axis comes from since the last reshape; None is all in their places
    for node in views:
        name = type(node.op).__name__
        if name == "DimShuffle":
            new = node.op.new_order
            axes = [a if a == "x" or axes is None else axes[a] for a in new]
        elif name == "Reshape":
            if not _ascend(axes):
                return False
            axes = None
    return _ascend(axes)


def _ascend(axes):
    kept = [axis for axis in axes or () if axis != "x"]
    return kept == sorted(kept)


def _puts_back(fgraph, node, taken):
    """Whether a node puts entries where another one took them, and 0 elsewhere."""
    whole, empty = taken.inputs[0], node.inputs[0]
    # A list in one of them, a tuple in the other.
    where = [tuple(getattr(op, "idx_list", ())) for op in (taken.op, node.op)]
    return (
        _PUT_BACK_BY[type(taken.op).__name__] == type(node.op).__name__
        and not node.op.set_instead_of_inc
        and where[0] == where[1]
        and len(taken.inputs) == len(node.inputs) - 1
        and all(_are_same(a, b) for a, b in zip(taken.inputs[1:], node.inputs[2:]))
        and _is_zero_of_the_shape_of(fgraph, whole, empty)
    )


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


# Forward mode. PyTensor 3 calls it pushforward, and has no R_op.


def _mend_forward_mode(tools):
    zero_grad, log_softmax = tools.gradient.ZeroGrad, tools.special.LogSoftmax
    if "pushforward" in vars(zero_grad):
        zero_grad.pushforward = _no_slope_forward
        return

    def of_log_softmax(self, inputs, eval_points):
        """Push v forward: v - sum(softmax(x) v), along the rows."""
        (v,) = eval_points
        if v is None:
            return [None]
        softmax = tools.tensor.exp(self(*inputs))
        total = tools.tensor.sum(softmax * v, axis=getattr(self, "axis", -1), keepdims=True)
        return [v - total]

    zero_grad.R_op = _no_slope
    log_softmax.R_op = of_log_softmax
    tools.asserts.R_op = _of_the_first
    tools.extra_ops.CumOp.R_op = _linear
    tools.sort.SortOp.R_op = _of_a_constant


def _no_slope(self, inputs, eval_points):
    return [None if v is None else v.zeros_like() for v in eval_points]


def _no_slope_forward(self, inputs, outputs, tangents):
    return [t.zeros_like() if hasattr(t.type, "dtype") else t for t in tangents]


def _of_the_first(self, inputs, eval_points):
    return [eval_points[0]]


def _of_a_constant(self, inputs, eval_points):
    if eval_points[0] is None:
        return [None]
    raise NotImplementedError("{} has no forward mode".format(self))


def _linear(self, inputs, eval_points):
    return [None if eval_points[0] is None else self(eval_points[0])]


# The cache of what is compiled.


def _mend_compile_cache(tools):
    version_of_op, key_of_module = tools.c_op.c_code_cache_version, tools.c_linker.cmodule_key_

    def c_code_cache_version(self):
        # The first is a hash of strings, which is another one in each process.
        code = "\n".join(self.func_codes).encode("utf-8")
        return (zlib.crc32(code),) + version_of_op(self)[1:]

    def cmodule_key_(self, fgraph, *arguments, **options):
        version, signature = key_of_module(self, fgraph, *arguments, **options)
        if not version:
            # An op without parameters was taken for one without a version.
            nodes = fgraph.toposort()
            versions = [node.op.c_code_cache_version_apply(node) for node in nodes]
            versions += [v.type.c_code_cache_version() for n in nodes for v in n.inputs + n.outputs]
            version = tuple(versions) if all(versions) else ()
        return version, signature

    tools.c_op.c_code_cache_version = c_code_cache_version
    tools.c_linker.cmodule_key_ = cmodule_key_


# JAX.


def _mend_derivatives_for_jax(tools):
    tensor = tools.tensor
    sign = tensor.sign if hasattr(tensor, "sign") else tensor.sgn

    @tools.local(tensor.softplus)
    def local_softplus_for_jax(fgraph, node):
        """softplus(x) -> max(x, 0) + log1p(exp(-|x|))"""
        if node.op != tensor.softplus:
            return False
        (x,) = node.inputs
        is_positive = x > 0
        zero = tensor.constant(0, dtype=x.dtype)
        size = tensor.switch(is_positive, -x, x)
        return [tensor.switch(is_positive, x, zero) + tensor.log1p(tensor.exp(size))]

    @tools.local(tensor.abs)
    def local_abs_for_jax(fgraph, node):
        """abs(x) -> x sign(x)"""
        if node.op != tensor.abs or node.inputs[0].dtype not in ("float32", "float64"):
            return False
        (x,) = node.inputs
        return [x * sign(x)]

    tools.register(
        "lasagne_nl_for_jax",
        47.9,
        local_softplus_for_jax,
        local_abs_for_jax,
        tags=("lasagne_nl", "jax"),
    )
