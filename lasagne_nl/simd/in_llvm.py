"""The kernels for Numba, as code of LLVM, which vectorises PyTensor's loops around them, and the
programs of rows, whose loops are here.
"""

import contextlib
import functools

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from lasagne_nl.simd.activations import record, record_rows
from lasagne_nl.simd.kernels import FORMATS
from lasagne_nl.simd.recorder import (
    FLOATS,
    OF_ROWS,
    WITHOUT_FMA,
    Value,
    bits,
    convert,
    in_order,
    number,
    select,
)

_TYPES = {
    "float32": ir.FloatType(), "float64": ir.DoubleType(), "uint32": ir.IntType(32),
    "uint64": ir.IntType(64), "bool": ir.IntType(1),
}  # fmt: skip
_DOUBLE = _TYPES["float64"]
_OF_FLOATS = {
    "+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv", "neg": "fneg", "fma": "fma", "mad": "fma",
}  # fmt: skip
_OF_INTEGERS = {
    "+": "add", "-": "sub", "&": "and_", "|": "or_", "^": "xor", "<<": "shl", ">>": "lshr",
}  # fmt: skip


@functools.lru_cache(maxsize=None)
def has_fma():
    """Whether the processor that Numba compiles for multiplies and adds in one: neither older ones
    of x86 do, nor its generic one.
    """
    if not llvmlite.binding.get_process_triple().startswith(("x86", "i")):
        return True
    if config.CPU_FEATURES is None:
        return llvmlite.binding.get_host_cpu_features().get("fma", False)
    return "+fma" in config.CPU_FEATURES.split(",")


def _operation(builder, value, code):
    operands = [code.get(one, one) for one in value.operands]
    if value.operation in ("bits", "number"):
        return builder.bitcast(*operands, _TYPES[value.kind])
    if value.operation == "convert":
        cast = builder.fpext if value.kind == "float64" else builder.fptrunc
        return cast(*operands, _TYPES[value.kind])
    if value.operation == "select":
        return builder.select(*operands)
    if value.operation == "signed_min":
        return builder.select(builder.icmp_signed("<", *operands), *operands)
    if value.operation in ("sqrt", "log"):
        name, kinds = "llvm." + value.operation, [_TYPES[value.kind]]
        return builder.call(builder.module.declare_intrinsic(name, kinds), operands)
    if value.operation == "part":
        return operands[0][operands[1]]
    if value.operation == "row":
        return builder.load(builder.gep(operands[0], [code["index"]]))
    if value.operation == "rest":
        a, b, c = operands
        return builder.fma(builder.fneg(a), b, c)
    kind = value.operands[0].kind
    if value.kind == "bool" != kind:
        compare = builder.fcmp_ordered if kind in FLOATS else builder.icmp_unsigned
        return compare(value.operation, *operands)
    names = _OF_FLOATS if kind in FLOATS else _OF_INTEGERS
    return getattr(builder, names[value.operation])(*operands)


def _generate(builder, code, *results, varies=False):
    """The code of values: of rows their elements, or all else. `code` has that of the arguments,
    and takes in what is made.
    """
    for value in in_order(*results, known=code):
        if value.operation == "constant":
            code[value] = ir.Constant(_TYPES[value.kind], *value.operands)
        elif value.varies != varies:
            continue
        elif value.operation in OF_ROWS:
            code[value] = _OF_ROWS[value.operation](builder, code, *value.operands)
        elif value.operation in WITHOUT_FMA and not has_fma():
            other = WITHOUT_FMA[value.operation](*value.operands)
            _generate(builder, code, other)  # what is the same for all elements
            (code[value],) = _generate(builder, code, other, varies=varies)
        else:
            code[value] = _operation(builder, value, code)
    return [code.get(result) for result in results]


# --- the programs of rows ---


@contextlib.contextmanager
def _loop(builder, code, *values):
    """A loop over the elements of values: an index, and their code."""
    with cgutils.for_range(builder, code["length"]) as loop:
        inside = {**code, "index": loop.index}
        yield loop.index, _generate(builder, inside, *values, varies=True)


def _keep(builder, code, x):
    """Have the elements of a row written where the result is to be."""
    with _loop(builder, code, x) as (index, (element,)):
        builder.store(element, builder.gep(code["result"], [index]))


def _rank(x):
    """An integer of the same order"""
    # The maximum of floats is not vectorised, for the sake of NaN.
    sign = FORMATS[x.kind].sign
    return bits(x) ^ select(bits(x) < sign, bits(x).of(sign), 2 * sign - 1)


def _of_rank(rank, kind):
    sign = FORMATS[kind].sign
    return number(rank ^ select(rank < sign, rank.of(2 * sign - 1), sign))


def _totals(builder, code, largest_of, is_kept, *rows):
    def raise_to(element):
        before = builder.load(most)
        is_more = builder.icmp_unsigned(">", element, before)
        builder.store(builder.select(is_more, element, before), most)

    ranks = [] if largest_of is None else [_rank(largest_of)]
    most = ranks and cgutils.alloca_once_value(builder, ir.Constant(_TYPES[ranks[0].kind], 0))
    if len(rows) == 1 and rows[0].operation != "row" and rows[0].kind == code["dtype"]:
        # A loop of its own, as the vectors of float64 hold half as many as those of float32.
        with _loop(builder, code, *rows, *ranks) as (index, (element, *others)):
            builder.store(element, builder.gep(code["result"], [index]))
            for other in others:
                raise_to(other)
        rows, ranks = [Value(rows[0].kind, "row", "result")], []
    sums = [cgutils.alloca_once_value(builder, ir.Constant(_DOUBLE, 0.0)) for _ in rows]
    wide = [convert(one, "float64") for one in rows]
    with _loop(builder, code, *wide, *ranks) as (_, elements):
        for total, element in zip(sums, elements):
            # Parts of it are summed in the lanes of a vector.
            more = builder.fadd(builder.load(total), element, flags=["reassoc"])
            builder.store(more, total)
        for other in elements[len(sums) :]:
            raise_to(other)
    totals = [builder.load(total) for total in sums]
    if largest_of is not None:
        rank = Value(FLOATS[largest_of.kind], "argument")
        totals += _generate(builder, {rank: builder.load(most)}, _of_rank(rank, largest_of.kind))
    return totals


def _increasing(builder, code, start, step):
    variable = cgutils.alloca_once_value(builder, ir.Constant(_DOUBLE, start))
    again, end = builder.append_basic_block(), builder.append_basic_block()
    builder.branch(again)
    builder.position_at_end(again)
    before, after = builder.load(variable), step[1]
    (after,) = _generate(builder, {**code, step[0]: before}, after)
    builder.store(after, variable)
    builder.cbranch(builder.fcmp_ordered(">", after, before), again, end)
    builder.position_at_end(end)
    return after


_OF_ROWS = {"totals": _totals, "increasing": _increasing}


@functools.lru_cache(maxsize=None)
def program(name, dtype, has_bias):
    """The program of a name as a function that those of Numba can call, for two rows, of which the
    second may be a bias, and the one where the result is to be.
    """
    first, *others = record_rows(name, dtype, has_bias)

    def write(builder, code, results, *others):
        (result,), condition = results
        _generate(builder, code, result, *filter(None, [condition]))
        if condition is None:
            return _keep(builder, code, result)
        with builder.if_else(code[condition]) as (right, wrong):
            with right:
                _keep(builder, code, result)
            with wrong:
                write(builder, code, *others)

    def generate(context, builder, signature, given):
        widen(builder.function)
        a, b, to = (
            context.make_array(kind)(context, builder, one)
            for kind, one in zip(signature.args, given)
        )
        code = {"a": a.data, "b": b.data, "result": to.data, "length": a.nitems, "dtype": dtype}
        write(builder, code, first, *others)
        return context.get_dummy_value()

    return intrinsic(lambda context, a, b, result: (types.void(a, b, result), generate))


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
        return _generate(builder, dict(zip(arguments.values(), given)), result)[0]

    returned, *taken = (
        types.boolean if value.kind == "bool" else getattr(types, value.kind)
        for value in (result, *arguments.values())
    )
    typed = returned(*taken), generate
    # Numba asks for as many parameters as there are arguments.
    return intrinsic(
        eval("lambda context, {}: typed".format(", ".join(arguments)), {"typed": typed})
    )
