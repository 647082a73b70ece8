"""What the tensor libraries compute wrongly, or not at all, mended from outside.

- **Sigmoid and softplus.** Theano cuts both off: in float64 its sigmoid is 1 above 19 and its
  softplus x above 16, off by 5.0e7 and 3.2e7 units in the last place; without C code both are 0
  below -30. The sigmoid of Aesara and PyTensor is 1 / (1 + exp(-x)): where exp(-x) overflows that
  is 0, and so is the slope of softplus. Late rewrites put exact forms in their place.
- **Softmax.** Theano has it for matrices only. Where nothing is compiled, Aesara and PyTensor 2
  take SciPy's: that of SciPy 1.7 is exp(x - log(sum(exp(x)))), off by many units for large x, and
  its log_softmax is -inf, not NaN, beside an infinite entry.
- **The log of probabilities** that a sigmoid or a softmax makes, and its gradient, are finite where
  one has rounded to 0 or 1 only if the library finds them: not behind a condition, another order of
  axes, of chosen entries, in FAST_COMPILE. Here all are found, in the graph as it was written; and
  gradients do not go through the probabilities. Besides, ``local_logsoftmax_grad`` of Aesara and
  PyTensor 2 takes what arrives for one of the whole shape: where that is but repeated along the
  axis, as the gradient of a sum is, its result is wrong.
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

import functools
import zlib

import numpy as np

from lasagne_nl import backend
from lasagne_nl._rewriting import (
    are_rewrites_on,
    functions,
    gradient,
    local,
    optdb,
    register,
    special,
    tensor,
)
from lasagne_nl.backend import is_theano, module, zero_grad

_TAGS = ("lasagne_nl", "fast_run", "fast_compile")


def mend():
    """Have all that this process compiles computed without these faults."""
    _mend_sigmoid_and_softplus()
    _mend_softmax_in_python()
    _mend_log_of_probabilities()
    _mend_forward_mode()
    if is_theano:
        _mend_compile_cache()
    if backend.name == "pytensor":
        _mend_derivatives_for_jax()


# Sigmoid and softplus.


def _theanos_sigmoid(x):
    exponential = tensor.exp(-abs(x))
    return tensor.switch(x > 0, 1, exponential) / (1 + exponential)


def _theanos_softplus(x):
    return tensor.switch(x > 0, x, 0) + tensor.log1p(tensor.exp(-abs(x)))


def _others_sigmoid(x):
    # There the two differ by less than rounding; all others stay what they are, to the bit.
    far = tensor.constant(-80, dtype=x.dtype, ndim=x.ndim)
    return tensor.switch(x < far, tensor.exp(tensor.minimum(x, far)), tensor.sigmoid(x))


def _mend_sigmoid_and_softplus():
    # A node's op is not the same object where it works in place.
    exact = {type(functions.sigmoid.scalar_op): _theanos_sigmoid if is_theano else _others_sigmoid}
    if is_theano:
        exact[type(functions.softplus.scalar_op)] = _theanos_softplus

    @local(type(functions.sigmoid))
    def local_accurate_sigmoid_and_softplus(fgraph, node):
        """sigmoid(x), softplus(x) -> what is exact, for float32 and float64"""
        expression = exact.get(type(node.op.scalar_op))
        # float16 is left alone: its exponentials are taken in float32.
        if expression is None or node.inputs[0].dtype not in ("float32", "float64"):
            return False
        return [expression(*node.inputs)]

    # The sigmoid that it makes is not to be replaced again. After the stability rewrites (positions
    # 1 to 3), which know the library's own ops, and after `simd`, which serves the same functions
    # faster (48.83); before elementwise fusion (49).
    position = 48.9 if is_theano else 47.9
    rewrite = local_accurate_sigmoid_and_softplus
    register("lasagne_nl_accurate", position, rewrite, tags=_TAGS, ignore_newtrees=True)


# Softmax where nothing is compiled.


def _mend_softmax_in_python():
    in_python = {special.Softmax: perform_softmax, special.LogSoftmax: perform_log_softmax}
    for op, perform in in_python.items():
        # In PyTensor 3 they are made of other operations, and have none.
        if not is_theano and "perform" in vars(op):
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


# The log of probabilities.

# Which inputs of an op hold the entries that it shows elsewhere, repeats or puts together.
_ENTRIES = {
    "Second": slice(1, 2),
    "Switch": slice(1, 3),
    "Join": slice(1, None),
    "MakeVector": slice(None),
    **dict.fromkeys(("Reshape", "SpecifyShape", "Rebroadcast", "DimShuffle", "Alloc"), slice(1)),
    **dict.fromkeys(("Subtensor", "AdvancedSubtensor", "AdvancedSubtensor1"), slice(1)),
}


def _mend_log_of_probabilities():
    logs = tensor.log, tensor.log1p

    @local(*logs)
    def local_log_of_probabilities(fgraph, node):
        """log(p) -> what it is of the scores that p is made of"""
        # PyMC, which rewrites graphs by itself, does not heed the flags.
        log = _Scores().log_of(node) if are_rewrites_on() else None
        return log is not None and [log]

    # In the graph as the program wrote it.
    name = "lasagne_nl_log_of_probabilities"
    if not is_theano and name not in optdb.__db__:
        # PyMC takes gradients of what it has made canonical.
        canonicalize = module("tensor.rewriting.basic").register_canonicalize
        canonicalize(local_log_of_probabilities, "lasagne_nl", name=name)
    register(name, 0.1, local_log_of_probabilities, tags=_TAGS)

    find_clients = gradient._populate_var_to_app_to_idx

    def clients_for_gradient(outputs, wrt, consider_constant):
        """Whose gradients make up that of a variable: to those of scores belong the logs."""
        clients = find_clients(outputs, wrt, consider_constant)
        asked_for = set(outputs).union(wrt, consider_constant or ())
        for nodes in list(clients.values()) if are_rewrites_on() else ():
            for node in [node for node in nodes if node.op in logs]:
                scores = _Scores(lambda score: score.copy())
                log = scores.log_of(node)
                if log is not None and not asked_for & scores.passed:
                    del nodes[node]
                    # What the library has for connected, with a gradient of 0, stays so.
                    beside = [v for client, v in scores.beside if client in clients.get(v, ())]
                    stand_in = _LogOfScores(node, log, scores.read, beside)
                    for i, variable in enumerate(stand_in.inputs):
                        clients.get(variable, {}).setdefault(stand_in, []).append(i)
        return clients

    gradient._populate_var_to_app_to_idx = clients_for_gradient
    if not is_theano:
        # What it looks for comes about by mistake only.
        faulty = getattr(module("tensor.rewriting.special"), "local_logsoftmax_grad", None)
        if hasattr(faulty, "fn"):
            faulty.fn = lambda fgraph, node: False


class _LogOfScores:
    """For a gradient, a node of log that takes the scores. Through the probabilities the gradient
    would be divided by them, which may have rounded to 0. It takes what is `beside` them, too.
    """

    def __init__(self, node, log, copies, beside):
        self.op, self.inputs, self.outputs = self, [*copies, *beside], node.outputs
        self._log, self._copies, self._beside = log, list(copies.values()), beside

    def L_op(self, inputs, outputs, gradients):
        known = {self._log: gradients[0]}
        options = {"disconnected_inputs": "ignore", "return_disconnected": "zero"}
        found = gradient.grad(None, self._copies, known_grads=known, **options)
        return [
            *(
                tensor.cast(one, copy.dtype) if copy.dtype in ("float32", "float64") else one
                for one, copy in zip(found, self._copies)
            ),
            *(tensor.cast(one.zeros_like(), gradients[0].dtype) for one in self._beside),
        ]

    pullback = L_op


class _Scores:
    """The scores that probabilities are made of by sigmoid and softmax. Of them the log is right
    where the probabilities have rounded to 0 or 1.

    What stands for each score is made by `stand_in`, and kept in `read`; in `passed` is what lies
    between the scores and the log, in `beside` what else that is made of, conditions, and by which
    nodes.
    """

    def __init__(self, stand_in=lambda score: score):
        self._stand_in = stand_in
        self._are_found, self.read, self.passed, self.beside = False, {}, set(), []
        # A part that several others show is looked at once.
        self._log = functools.lru_cache(maxsize=None)(self._log_of)
        self._log_rest = functools.lru_cache(maxsize=None)(self._log_rest_of)
        self._logit = functools.lru_cache(maxsize=None)(self._logit_of)

    def log_of(self, node):
        """The output of a node of log or log1p, made of the scores; None if there are none."""
        (p,) = node.inputs
        self._dtype = p.dtype
        if p.dtype not in ("float32", "float64"):
            return None
        try:
            if node.op == tensor.log:
                log = self._log(p)
            else:
                negated = _negated(p)
                log = None if negated is None else self._log_rest(negated)
        except RecursionError:  # of hundreds of conditions, one in the other
            return None
        return log if self._are_found else None

    def _log_of(self, p):
        made_by = maker_of(p)
        parts = p.owner.inputs if made_by in ("Switch", "Join") else ()
        # Of a part that is 1 the log is 0, and the logit infinite.
        logit = None if any(_is_all(1, part) for part in parts) else self._logit(p)
        if logit is not None:
            return -functions.softplus(-logit)
        if made_by == "Softmax":
            return self._log_softmax(p)
        if complement(p) is not None:
            return _if_alike(self._log_rest(complement(p)), p)
        if made_by == "Sub":
            upper, lower = map(self._logit, p.owner.inputs)
            if upper is not None and lower is not None:
                # s(u) - s(l) = s(u) s(-l) (1 - exp(l - u))
                rest = self._log_of_difference(upper, lower)
                return rest - functions.softplus(-upper) - functions.softplus(lower)
        return self._put_together(p, self._log, tensor.log)

    def _log_rest_of(self, p):
        """log(1 - p)"""
        logit = self._logit(p, True)
        if logit is not None:
            return -functions.softplus(logit)
        return self._put_together(p, self._log_rest, lambda other: tensor.log1p(-other))

    def _log_of_difference(self, upper, lower):
        """log(1 - exp(lower - upper)); where they are the same that of 0, with its slopes"""
        are_same = tensor.eq(zero_grad(upper), zero_grad(lower))
        apart = tensor.switch(are_same & tensor.isinf(zero_grad(lower)), 0, upper - lower)
        rest = -tensor.expm1(-tensor.switch(are_same, 1, apart))
        return tensor.switch(are_same, tensor.log(apart), tensor.log(rest))

    def _logit_of(self, p, is_of_complement=False):
        """log(p / (1 - p)); that of a softmax only where its complement is asked for."""
        made_by = maker_of(p)
        if made_by == _kind(functions.sigmoid.scalar_op) and p.owner.inputs[0].dtype == p.dtype:
            return self._score(p)
        if made_by == "Softmax" and is_of_complement:
            return self._logit_of_softmax(p)
        if complement(p) is not None:
            logit = _if_alike(self._logit(complement(p), True), p)
            return None if logit is None else -logit
        if hasattr(p, "data") and np.all((p.data >= 0) & (p.data <= 1)):
            number = np.asarray(p.data, "float64")
            with np.errstate(divide="ignore"):
                logit = np.log(number) - np.log1p(-number)
            return tensor.constant(logit, dtype=self._dtype)
        return self._put_together(p, lambda part: self._logit(part, is_of_complement))

    def _put_together(self, p, function, function_of_others=None):
        """A function of the parts that p is put together of, put together as they are."""
        self.passed.add(p)
        where = _ENTRIES.get(maker_of(p))
        if where is None:
            return None
        if hasattr(p.owner.op, "axis"):  # of Join, which else is its first input
            where = slice(None)
        inputs = list(p.owner.inputs)
        parts = inputs[where]
        results = [function(part) for part in parts]
        self.beside += [(p.owner, one) for one in inputs if one not in parts]
        are_others = [result is None for result in results]
        if all(are_others) or (any(are_others) and not function_of_others):
            return None
        for i, part in enumerate(parts):
            if are_others[i]:
                results[i] = function_of_others(tensor.cast(self._read(part), self._dtype))
        inputs[where] = results
        return p.owner.op(*inputs)

    def _score(self, p):
        self.passed.add(p)
        self._are_found = True
        return self._read(p.owner.inputs[0])

    def _read(self, variable):
        self.passed.discard(variable)
        if variable not in self.read:
            self.read[variable] = self._stand_in(variable)
        return self.read[variable]

    def _log_softmax(self, p):
        if is_theano:
            return special.LogSoftmax()(self._score(p))
        return special.log_softmax(self._score(p), axis=p.owner.op.axis)

    def _logit_of_softmax(self, p):
        log = self._log_softmax(p)
        along = {"axis": 1 if is_theano else p.owner.op.axis, "keepdims": True}
        # No more than one entry is above 0.6. Of that one, the rest is the sum of the others.
        is_most = zero_grad(log) > np.array(-0.5, p.dtype)
        others = tensor.switch(is_most, np.array(-np.inf, p.dtype), log)
        largest = zero_grad(tensor.max(others, **along))
        are_none = tensor.eq(largest, -np.inf)
        shift = tensor.switch(are_none, 0, largest)
        total = tensor.switch(are_none, 1, tensor.sum(tensor.exp(others - shift), **along))
        total = tensor.switch(are_none, np.array(-np.inf, p.dtype), shift + tensor.log(total))
        return log - tensor.switch(is_most, total, tensor.log1p(-tensor.exp(others)))


def maker_of(variable):
    """The kind of the op that makes a variable: for elementwise ones that of single entries."""
    op = getattr(getattr(variable, "owner", None), "op", None)
    return _kind(op.scalar_op if _kind(op) == "Elemwise" else op)


def _kind(op):
    """The name of an op's class; nothing for one that is not of the library."""
    kind = type(op)
    is_own = kind.__module__.split(".")[0] in ("theano", "aesara", "pytensor")
    return kind.__name__ if is_own else None


def _is_all(number, variable):
    while maker_of(variable) in ("DimShuffle", "Alloc", "Second"):
        variable = variable.owner.inputs[_ENTRIES[maker_of(variable)]][0]
    return hasattr(variable, "data") and np.all(variable.data == number)


def complement(variable):
    """What a variable is 1 less, or None."""
    is_one_less = maker_of(variable) == "Sub" and _is_all(1, variable.owner.inputs[0])
    return variable.owner.inputs[1] if is_one_less else None


def _if_alike(variable, like):
    """A variable, but None where there is none, or it is broadcast in another way than `like`."""
    is_alike = variable is not None and variable.type.broadcastable == like.type.broadcastable
    return variable if is_alike else None


def _negated(variable):
    """What a variable is the negative of, also where that is its product with -1."""
    made_by = maker_of(variable)
    if made_by == "Neg":
        return variable.owner.inputs[0]
    if made_by == "Mul" and len(variable.owner.inputs) == 2:
        for one, other in (variable.owner.inputs, variable.owner.inputs[::-1]):
            if _is_all(-1, one):
                return _if_alike(other, variable)
    return None


# Forward mode. PyTensor 3 calls it pushforward, and has no R_op.


def _mend_forward_mode():
    if "pushforward" in vars(gradient.ZeroGrad):
        gradient.ZeroGrad.pushforward = _no_slope_forward
        return
    gradient.ZeroGrad.R_op = _no_slope
    special.LogSoftmax.R_op = _of_log_softmax
    asserts = backend.Assert if is_theano else module("raise_op").CheckAndRaise
    asserts.R_op = _of_the_first
    module("tensor.extra_ops").CumOp.R_op = _linear
    module("tensor.sort").SortOp.R_op = _of_a_constant


def _no_slope_forward(self, inputs, outputs, tangents):
    return [t.zeros_like() if hasattr(t.type, "dtype") else t for t in tangents]


def _no_slope(self, inputs, eval_points):
    return [None if v is None else v.zeros_like() for v in eval_points]


def _of_log_softmax(self, inputs, eval_points):
    """Push v forward: v - sum(softmax(x) v), along the rows."""
    (v,) = eval_points
    if v is None:
        return [None]
    softmax = tensor.exp(self(*inputs))
    return [v - tensor.sum(softmax * v, axis=getattr(self, "axis", -1), keepdims=True)]


def _of_the_first(self, inputs, eval_points):
    return [eval_points[0]]


def _of_a_constant(self, inputs, eval_points):
    if eval_points[0] is None:
        return [None]
    raise NotImplementedError("{} has no forward mode".format(self))


def _linear(self, inputs, eval_points):
    return [None if eval_points[0] is None else self(eval_points[0])]


# The cache of what is compiled.


def _mend_compile_cache():
    elemwise, linker = module("tensor.elemwise"), module("gof.cc", "link.c.basic").CLinker
    c_op = getattr(elemwise, "ExternalCOp", None) or elemwise.COp
    version_of_op, key_of_module = c_op.c_code_cache_version, linker.cmodule_key_

    def c_code_cache_version(self):
        # The first is a hash of strings, which is another one in each process.
        code = "\n".join(self.func_codes).encode("utf-8")
        return (zlib.crc32(code),) + version_of_op(self)[1:]

    def cmodule_key_(self, fgraph, *arguments, **options):
        version, signature = key_of_module(self, fgraph, *arguments, **options)
        if not version:
            # An op without parameters was taken for one without a version.
            nodes = fgraph.toposort()
            versions = [version_of(node.op, "c_code_cache_version_apply", node) for node in nodes]
            types = [variable.type for node in nodes for variable in node.inputs + node.outputs]
            versions += [version_of(one, "c_code_cache_version") for one in types]
            version = tuple(versions) if all(versions) else ()
        return version, signature

    def version_of(one, method, *arguments):
        # What is not written in C has none: Theano-PyMC asks for the key of any graph of a scan.
        return getattr(one, method)(*arguments) if hasattr(one, method) else ()

    c_op.c_code_cache_version = c_code_cache_version
    linker.cmodule_key_ = cmodule_key_


# JAX.


def _mend_derivatives_for_jax():
    sign = tensor.sign if hasattr(tensor, "sign") else tensor.sgn

    @local(tensor.softplus)
    def local_softplus_for_jax(fgraph, node):
        """softplus(x) -> max(x, 0) + log1p(exp(-|x|))"""
        (x,) = node.inputs
        is_positive = x > 0
        zero = tensor.constant(0, dtype=x.dtype)
        size = tensor.switch(is_positive, -x, x)
        return [tensor.switch(is_positive, x, zero) + tensor.log1p(tensor.exp(size))]

    @local(tensor.abs)
    def local_abs_for_jax(fgraph, node):
        """abs(x) -> x sign(x)"""
        (x,) = node.inputs
        return x.dtype in ("float32", "float64") and [x * sign(x)]

    rewrites = local_softplus_for_jax, local_abs_for_jax
    register("lasagne_nl_for_jax", 47.9, *rewrites, tags=("lasagne_nl", "jax"))
