"""The kernels for Numba, as code of LLVM, which vectorises PyTensor's loops around them."""

import functools

import llvmlite.binding
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from lasagne_nl.simd.activations import record
from lasagne_nl.simd.recorder import FLOATS, convert, in_order

_TYPES = {
    "float32": ir.FloatType(), "float64": ir.DoubleType(), "uint32": ir.IntType(32),
    "uint64": ir.IntType(64), "bool": ir.IntType(1),
}  # fmt: skip
_OF_FLOATS = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv", "neg": "fneg", "fma": "fma"}
_OF_INTEGERS = {
    "+": "add", "-": "sub", "&": "and_", "|": "or_", "^": "xor", "<<": "shl", ">>": "lshr",
}  # fmt: skip


@functools.lru_cache(maxsize=None)
def has_fma():
    """Whether the processor multiplies and adds in one: older ones of x86 do not."""
    is_x86 = llvmlite.binding.get_process_triple().startswith(("x86", "i"))
    return not is_x86 or llvmlite.binding.get_host_cpu_features().get("fma", False)


def _mad(a, b, c):
    return a * b + c


def _rest(a, b, c):
    if a.kind == "float32":
        return _fma(-a, b, c)
    # Dekker's product, exact from halves of 26 bits; here |a| and |b| are far from overflow.
    product, parts = a * b, []
    for x in (a, b):
        y = x * 134217729.0
        parts += [y - (y - x), x - (y - (y - x))]
    a1, a2, b1, b2 = parts
    return (c - product) - (((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)


def _fma(a, b, c):
    if a.kind == "float32":
        a, b, c = (convert(one, "float64") for one in (a, b, c))
        return convert(a * b + c, "float32")
    product = a * b
    return product + (c - _rest(a, b, product))


# The operations that a processor may not have, by others.
_BY_OTHERS = {"mad": _mad, "rest": _rest, "fma": _fma}


def _operation(builder, value, operands):
    kind = value.operands[0].kind
    if value.operation in ("bits", "number"):
        return builder.bitcast(*operands, _TYPES[value.kind])
    if value.operation == "convert":
        cast = builder.fpext if value.kind == "float64" else builder.fptrunc
        return cast(*operands, _TYPES[value.kind])
    if value.operation == "select":
        return builder.select(*operands)
    if value.operation == "signed_min":
        return builder.select(builder.icmp_signed("<", *operands), *operands)
    if value.operation == "sqrt":
        root = builder.module.declare_intrinsic("llvm.sqrt", [_TYPES[kind]])
        return builder.call(root, operands)
    if value.operation == "mad":
        return builder.fma(*operands)
    if value.operation == "rest":
        a, b, c = operands
        return builder.fma(builder.fneg(a), b, c)
    if value.kind == "bool" != kind:
        compare = builder.fcmp_ordered if kind in FLOATS else builder.icmp_unsigned
        return compare(value.operation, *operands)
    names = _OF_FLOATS if kind in FLOATS else _OF_INTEGERS
    return getattr(builder, names[value.operation])(*operands)


def _generate(builder, result, code):
    """The code of a value, where `code` has that of the arguments; it takes in all others."""
    for value in in_order(result):
        if value in code:
            continue
        if value.operation == "constant":
            code[value] = ir.Constant(_TYPES[value.kind], *value.operands)
        elif value.operation in _BY_OTHERS and not has_fma():
            code[value] = _generate(builder, _BY_OTHERS[value.operation](*value.operands), code)
        else:
            operands = [code[operand] for operand in value.operands]
            code[value] = _operation(builder, value, operands)
    return code[result]


def widen(function):
    """Have the loops of a function of LLVM vectorised with 512 bits where the processor has them.

    LLVM prefers 256 on many that do, for the sake of code that needs them seldom. What is inlined
    goes by its caller's preference, so only those are that are said to be.
    """
    set.add(function.attributes, '"prefer-vector-width"="512"')
    if "alwaysinline" not in function.attributes:
        function.attributes.add("noinline")


@functools.lru_cache(maxsize=None)
def function(name, dtype):
    """The kernel of a name as a function that those of Numba can call, for numbers of a dtype."""
    arguments, result = record(name, dtype)

    def generate(context, builder, signature, given):
        widen(builder.function)
        return _generate(builder, result, dict(zip(arguments.values(), given)))

    returned, *taken = (
        types.boolean if value.kind == "bool" else getattr(types, value.kind)
        for value in (result, *arguments.values())
    )
    typed = returned(*taken), generate
    # Numba asks for as many parameters as there are arguments.
    return intrinsic(
        eval("lambda context, {}: typed".format(", ".join(arguments)), {"typed": typed})
    )
