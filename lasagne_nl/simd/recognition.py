"""Activations and their slopes, found in a graph by their own expressions.

What an activation returns for a placeholder is the pattern of its value; what the gradient makes of
that, for a placeholder of the incoming one, is the pattern of its slope. Patterns have no
dimensions, and match any number of them. They are made of the activations that the process has
applied, when a graph with floats of their dtype is first compiled, and are compared with the graph
as it was written, before any other rewrite. What is only like a pattern is left as it is. Those of
sparsemax, of whole rows, have the type of what they are compared with.
"""

import collections
import functools
import itertools
import sys

import numpy as np

from lasagne_nl import nonlinearities
from lasagne_nl._arguments import applied
from lasagne_nl._base import Parameterised
from lasagne_nl._mends import complement, maker_of
from lasagne_nl.backend import library, of_rows
from lasagne_nl.simd import activations, in_c
from lasagne_nl.simd.recorder import FLOATS
from lasagne_nl.simd.rows import RowSparsemax, RowSparsemaxGrad
from lasagne_nl.simd.scalar_ops import Kernel, scalar, tools

tensor = tools.tensor
Elemwise, Constant = type(tensor.exp), type(tensor.constant(0.0))


class Activation(Kernel, scalar.ScalarOp):
    """An activation, or its slope times an incoming gradient, as one function of floats.

    It comes into a graph after all gradients are taken, and has none of its own. In Python it is
    computed by the expression whose place it takes.
    """

    def output_types(self, types):
        if any(t != types[0] or t.dtype not in FLOATS for t in types):
            raise TypeError("{}: the inputs must be of one dtype, of {}".format(self, list(FLOATS)))
        return [types[0]]

    def impl(self, *inputs):
        dtype = np.result_type(*inputs).name  # in a Composite they may be numbers of Python
        return _in_python(self.kernel, dtype if dtype in FLOATS else "float64")(*inputs)

    def c_code_cache_version(self):
        return in_c.version(self.c_support_code()), 2


def _operations():
    for name in nonlinearities.__all__:
        for kernel in (name, name + "_slope"):
            if hasattr(activations, kernel):
                inputs = activations.parameters_of(getattr(activations, kernel))
                attributes = {"kernel": kernel, "inputs": inputs, "nin": len(inputs)}
                attributes["__module__"] = __name__
                yield kernel, type(kernel, (Activation,), attributes)


class slope_of_sigmoid(Activation):
    kernel, nin = "slope_of_sigmoid", 1

    def impl(self, x):
        return np.exp(-abs(x)) / (1 + np.exp(-abs(x))) ** 2


class slope_of_tanh(slope_of_sigmoid):
    kernel = "slope_of_tanh"

    def impl(self, x):
        return 4 * super().impl(2 * x)


OPERATIONS = dict(_operations())
globals().update(OPERATIONS)  # where what is pickled finds them


def _elementwise(operation, *inputs):
    """One of these operations of tensors; it bears the name of its kernel."""
    return Elemwise(operation(name=operation.kernel))(*inputs)


# A class whose parameter chooses between two expressions, one of which is that of an instance.
_OF_ONE_FORM = {"GELU": nonlinearities.GELU(approximate=True)}
# Of what a class makes its expression, where that is not of its parameters.
_FORMULAS = {"HardSigmoid": nonlinearities.HardSigmoid._rising}
# A kernel, the expression whose place it takes, and what stands in that for the kernel's inputs.
_Pattern = collections.namedtuple("_Pattern", "kernel expression inputs")
# What numbers as parameters are in a pattern: none that a formula takes as a case of its own.
_NUMBERS = 0.7109375, 0.7265625, 0.7421875
# Decorates what makes patterns: flags that watch what a program builds are not for them.
_unwatched = functools.partial(tools.change_flags, compute_test_value="off", warn_float64="ignore")


def _patterns(name, are_variable, dtype, is_canonical=False):
    """The patterns of an activation, whose parameters are variables or numbers."""
    x, incoming = (tensor.scalar(dtype=dtype) for _ in range(2))
    formula, parameters = _OF_ONE_FORM.get(name) or getattr(nonlinearities, name), []
    if isinstance(formula, Parameterised) and name not in _OF_ONE_FORM:
        formula = type(formula)()  # of which a program may have set a parameter
    if are_variable:
        formula = _FORMULAS.get(name) or formula.__new__(formula)._formula
        parameters = [
            tensor.scalar(dtype=dtype) if one else tensor.constant(np.array(number, dtype))
            for one, number in zip(are_variable, _NUMBERS)
        ]
    value = formula(x, *parameters)
    if is_canonical:
        value = tools.canonical(value)
    stands_for = dict(zip(OPERATIONS[name].inputs, map(_key, (x, *parameters))), g=incoming)
    expressions = {name: value}
    if name + "_slope" in OPERATIONS:
        slope = tools.gradient.grad(None, x, known_grads={value: incoming})
        expressions[name + "_slope"] = slope
    for kernel, expression in expressions.items():
        inputs = [stands_for[one] for one in OPERATIONS[kernel].inputs]
        yield _Pattern(kernel, expression, inputs)


@functools.lru_cache(maxsize=None)
@_unwatched()
def _variants(name, with_variables, dtype, is_canonical):
    """All patterns of an activation, of numbers as parameters, or of variables among them."""
    if name not in OPERATIONS:
        return []
    kinds = itertools.product([False, True], repeat=OPERATIONS[name].nin - 1)
    kinds = [kind for kind in kinds if any(kind) == with_variables]
    return [pattern for kind in kinds for pattern in _patterns(name, kind, dtype, is_canonical)]


@functools.lru_cache(maxsize=None)
def _by_root(called, dtype, forms):
    """The patterns of activations that were called, by the operation of their result: the largest
    first, which may hold others, and the one without parameters.
    """
    found, variants = collections.defaultdict(list), set()
    for name, with_variables in called:
        names = _kernels_of(getattr(nonlinearities, name, None))
        variants.update((n, v) for n in names for v in {False, with_variables})
    for (name, with_variables), form in itertools.product(variants, forms):
        for pattern in _variants(name, with_variables, dtype, form):
            found[pattern.expression.owner.op].append(pattern)
    for patterns in found.values():
        patterns.sort(key=lambda one: (-len(_nodes(one.expression)), len(one.inputs)))
    return found


def _kernels_of(activation):
    """The names of the kernels that an activation may have, a function, a class or an instance."""
    name = getattr(activation, "__name__", None)
    if isinstance(activation, type):
        instances = [n for n in OPERATIONS if isinstance(vars(nonlinearities).get(n), activation)]
        return [name, *instances]
    return [name if name in OPERATIONS else type(activation).__name__]


def _nodes(variable, seen=None):
    """The operations that a variable is made of."""
    seen = set() if seen is None else seen
    if variable.owner is not None and variable.owner not in seen:
        seen.add(variable.owner)
        for one in variable.owner.inputs:
            _nodes(one, seen)
    return seen


@functools.lru_cache(maxsize=None)
@_unwatched()
def _in_python(kernel, dtype):
    """The expression of a kernel as a function that is computed without a compiler."""
    name = kernel[: -len("_slope")] if kernel.endswith("_slope") else kernel
    mode = library.compile.mode.Mode(linker="py", optimizer=None)
    patterns = _patterns(name, (True,) * (OPERATIONS[name].nin - 1), dtype)
    pattern = next(one for one in patterns if one.kernel == kernel)
    return library.function(pattern.inputs, pattern.expression, mode=mode)


def bare(variable):
    """A variable without the axes that broadcasting has put before its own."""
    while variable.owner is not None and type(variable.owner.op).__name__ == "DimShuffle":
        (inner,), order = variable.owner.inputs, tuple(variable.owner.op.new_order)
        if order != ("x",) * (len(order) - inner.ndim) + tuple(range(inner.ndim)):
            break
        variable = inner
    return variable


def _number(variable):
    """The number that a constant is everywhere, or None."""
    is_one = isinstance(variable, Constant) and variable.data.size == 1
    return variable.data.item() if is_one else None


def _key(variable):
    """What stands for a part of a pattern: it itself, or the number that is a parameter."""
    return _number(variable) if _number(variable) in _NUMBERS else variable


def _is_same(a, b):
    return a is b or (a.dtype == b.dtype and _number(a) is not None and _number(a) == _number(b))


def matches(pattern, variable, found):
    """Whether a variable is an instance of a pattern; `found` gets what its parts stand for."""
    plain, key = bare(variable), _key(bare(pattern))
    if key in found:
        return _is_same(bare(found[key]), plain)
    found[key] = variable
    if variable.dtype != pattern.dtype:
        return False
    if key in _NUMBERS:
        return _is_moderate(plain)
    if key.owner is None and isinstance(key, Constant):
        return _is_same(key, plain)
    if key.owner is None:
        return _number(plain) is None or _is_moderate(plain)
    parts, node = key.owner.inputs, plain.owner
    if node is None or node.op != key.owner.op:
        return False
    if len(parts) < len(node.inputs):
        parts = [one for part in parts for one in _terms(part, node.op, found)]
    return len(parts) == len(node.inputs) and all(
        matches(part, one, found) for part, one in zip(parts, node.inputs)
    )


def _terms(part, op, found):
    """A part of a sum or product: that itself, or the terms of the one that it stands for, which
    canonical form makes terms of the whole.
    """
    node = found[_key(bare(part))].owner if _key(bare(part)) in found else None
    if node is None or node.op != op:
        return [part]
    found.update((bare(one), one) for one in node.inputs)
    return node.inputs


def _is_moderate(variable):
    """Whether it is a number whose product with another one neither overflows nor underflows."""
    number = _number(variable)
    return number == 0 or (number is not None and 2.0**-30 < abs(number) < 2.0**30)


@functools.lru_cache(maxsize=64)  # types are without number
@_unwatched()
def _patterns_of_sparsemax(kind):
    """The input, the incoming gradient, the value, and the gradient."""
    x, incoming = kind(), kind()
    value = nonlinearities.Sparsemax()._of_rows(x)
    return x, incoming, value, tools.gradient.grad(None, x, known_grads={value: incoming})


@functools.lru_cache(maxsize=None)
def _roots_of_sparsemax(dtype):
    """The operations that the value and the gradient end with."""
    *_, value, gradient = _patterns_of_sparsemax(tensor.vector(dtype=dtype).type)
    return value.owner.op, gradient.owner.op


def _sparsemax(result):
    """What takes the place of the value or the gradient of sparsemax, or False."""
    if not applied.keys() & {"Sparsemax", "sparsemax"}:
        return False
    if result.owner.op not in _roots_of_sparsemax(result.dtype):
        return False
    x, incoming, value, gradient = _patterns_of_sparsemax(result.type)
    for pattern in (value, gradient):
        found = {}
        if pattern.owner.op == result.owner.op and matches(pattern, result, found):
            made = of_rows(RowSparsemax(), found[x])
            if pattern is gradient:
                made = of_rows(RowSparsemaxGrad(), found[incoming], made)
            return [made]
    return False


@tools.local(Elemwise)
def local_activation(fgraph, node):
    """The expression of an activation, or of its slope -> the kernel of that name, or its rows"""
    (result, *others) = node.outputs
    if others or result.dtype not in FLOATS:
        return False
    # PyMC brings a model into canonical form before it takes gradients.
    forms = (False, True) if "pymc" in sys.modules else (False,)
    for pattern in _by_root(tuple(applied.items()), result.dtype, forms).get(node.op, ()):
        found = {}
        if matches(pattern.expression, result, found):
            made = _elementwise(OPERATIONS[pattern.kernel], *map(found.get, pattern.inputs))
            return [made] if made.type.broadcastable == result.type.broadcastable else False
    return result.ndim > 0 and _sparsemax(result)


# The slopes of sigmoid and tanh, made of the value, cancel where that is nearly 1. Where it serves
# nothing else they are one function.


def _complement(variable):
    """What a variable is 1 less, of its dtype and shape, or None."""
    other = complement(variable)
    is_like = other is not None and other.dtype == variable.dtype
    return other if is_like and all(variable.owner.inputs[0].type.broadcastable) else None


def _argument(variable, function):
    """What a variable is a function of, of its dtype, by the name of the function, or None."""
    (x,) = variable.owner.inputs if maker_of(variable) == function else (None,)
    return x if x is not None and x.dtype == variable.dtype in FLOATS else None


def _counts(fgraph, *variables):
    """By how many operations each is taken."""
    return [len(tools.clients(fgraph, one)) for one in variables]


def _factors(fgraph, product):
    """The factors of a product, also those of one that only the product takes."""
    for one in product.inputs:
        is_product = one.owner is not None and one.owner.op == tensor.mul
        yield from one.owner.inputs if is_product and _counts(fgraph, one) == [1] else [one]


def _slope_of_sigmoid(fgraph, product):
    sigmoid = type(tools.functions.sigmoid.scalar_op).__name__
    factors = list(_factors(fgraph, product))
    for rest in factors:
        s = _complement(rest)
        x = _argument(s, sigmoid) if s in factors and _counts(fgraph, rest, s) == [1, 2] else None
        if x is not None:
            others = [one for one in factors if one is not rest and one is not s]
            slope = _elementwise(slope_of_sigmoid, x)
            return [tensor.mul(slope, *others) if others else slope]
    return False


def _slope_of_tanh(fgraph, difference):
    square = _complement(difference.outputs[0])
    value = _argument(square, "Sqr")
    x = _argument(value, "Tanh")
    is_alone = x is not None and _counts(fgraph, square, value) == [1, 1]
    return is_alone and [_elementwise(slope_of_tanh, x)]


@tools.local(tensor.mul, tensor.sub)
def local_slope(fgraph, node):
    """s (1 - s), among the factors of a product, and 1 - tanh(x)^2 -> one function each"""
    slope = _slope_of_sigmoid if node.op == tensor.mul else _slope_of_tanh
    return node.outputs[0].dtype in FLOATS and slope(fgraph, node)
