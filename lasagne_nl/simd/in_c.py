"""The kernels, and the programs of rows, written down as C."""

import functools
import pkgutil
import zlib

import numpy as np

from lasagne_nl.simd.activations import pads_of_rows, record, record_rows
from lasagne_nl.simd.kernels import FORMATS
from lasagne_nl.simd.recorder import OF_ROWS, WITHOUT_FMA, Value, in_order

_TYPES = {
    "float32": "float", "float64": "double", "uint32": "uint32_t", "uint64": "uint64_t",
    "bool": "bool",
}  # fmt: skip
# An operation of another name is a function of arithmetic.h.
_OPERATORS = {
    "neg": "-{}", "select": "{} ? {} : {}", "convert": "({type}){}", "log": "log({})",
    "row": "{}[j]", "part": "{}_{}",
}  # fmt: skip
_OPERATORS.update((one, "{} " + one + " {}") for one in "+ - * / & | ^ << >> < > <= >= ==".split())
_FUNCTION = """LNL_INLINE {type} lnl_{name}({parameters})
{{
    {statements}
    return {result};
}}
"""
_OUTSIDE = """LNL_NOINLINE {type} lnl_outside_{name}({parameters})
{{
    return lnl_{name}({arguments});
}}
"""


def _literal(number, kind):
    if kind.startswith("uint"):
        return "{:#x}{}".format(number % 2 ** int(kind[4:]), {"uint32": "u", "uint64": "ull"}[kind])
    rounded = np.dtype(kind).type(number)
    if not np.isfinite(rounded):
        inf_or_nan = "__builtin_inf()" if rounded == rounded else '__builtin_nan("")'
        return "({}){}{}".format(_TYPES[kind], "-" if rounded < 0 else "", inf_or_nan)
    return repr(float(rounded)) + ("f" if kind == "float32" else "")


def _expression(value, names):
    operands = [names.get(operand, operand) for operand in value.operands]
    pattern = _OPERATORS.get(value.operation)
    if pattern is None:
        pattern = "lnl_{}({})".format(value.operation, ", ".join(["{}"] * len(operands)))
    return pattern.format(*operands, type=_TYPES[value.kind])


def _statements(names, *results, varies=False):
    """Those for what results need and has no name yet: of rows their elements, or all else."""
    statements = []
    for value in in_order(*results, known=names):
        if value.operation == "constant":
            names[value] = _literal(*value.operands, value.kind)
        elif value.varies == varies:
            name = "v{}".format(len(names))
            if value.operation in OF_ROWS:
                statements += _OF_ROWS[value.operation](names, name, value)
            else:
                expression = _expression(value, names)
                statements.append("const {} {} = {};".format(_TYPES[value.kind], name, expression))
            names[value] = name
    return statements


def _function(pattern, name, arguments, result):
    names = {value: name for name, value in arguments.items()}
    return pattern.format(
        type=_TYPES[result.kind],
        name=name,
        parameters=", ".join(_TYPES[value.kind] + " " + one for one, value in arguments.items()),
        arguments=", ".join(arguments),
        statements="\n    ".join(_statements(names, result)),
        result=names[result],
    )


def function(kernel, dtype):
    """The kernel of a name as a function of C, for numbers of a dtype."""
    return _function(_FUNCTION + _OUTSIDE, kernel, *record(kernel, dtype))


@functools.lru_cache(maxsize=None)
def _without_fma():
    functions = []
    for dtype in FORMATS:
        numbers = {name: Value(dtype, "argument") for name in "abc"}
        for name, operation in WITHOUT_FMA.items():
            functions.append(_function(_FUNCTION, name, numbers, operation(*numbers.values())))
    return _once("FMA", "".join(functions))


# --- the programs of rows ---

_PADS = "static const {type} lnl_pads_{name}[] = {{{pads}}};\n"
_PROGRAM = """LNL_NOINLINE void lnl_row_{name}(
    npy_intp n, const {type} *a, const {type} *b, {type} *result{more})
{{
    {statements}
}}
"""


def _loop(names, values, uses, pragma=""):
    """A loop over the elements of values, each of which has its use in a statement."""
    names = dict(names)
    statements = _statements(names, *values, varies=True)
    statements += [use.format(names[value]) for value, use in zip(values, uses)]
    head = ["#pragma omp simd" + pragma, "for (npy_intp j = 0; j < n; j++) {"]
    return [*head, *("    " + one for one in statements), "}"]


def _totals(names, name, value):
    largest_of, is_kept, *rows = value.operands
    parts = ["{}_{}".format(name, k) for k in range(len(rows))]
    declared = ["double {} = 0;".format(part) for part in parts]
    uses = [part + " += {0};" for part in parts]
    pragma = " reduction(+ : {})".format(", ".join(parts)) if parts else ""
    if is_kept:
        uses[0] = "result[j] = {0}; " + uses[0]
    if largest_of is None:
        return [*declared, *_loop(names, rows, uses, pragma)]
    most = "{}_{}".format(name, len(rows))
    declared.append("auto r_{} = lnl_rank({});".format(most, _literal(-np.inf, largest_of.kind)))
    uses.append("const auto r = lnl_rank({{0}}); r_{0} = r > r_{0} ? r : r_{0};".format(most))
    pragma += " reduction(max : r_{})".format(most)
    loop = _loop(names, [*rows, largest_of], uses, pragma)
    return [*declared, *loop, "const auto {0} = lnl_of_rank(r_{0});".format(most)]


def _increasing(names, name, value):
    start, (before, after) = value.operands
    names = {**names, before: name + "_before"}
    statements = _statements(names, after)
    return [
        "double {0}_before, {0} = {1};".format(name, start),
        "do {",
        *("    " + one for one in ["{0}_before = {0};".format(name), *statements]),
        "    {} = {};".format(name, names[after]),
        "}} while ({0} > {0}_before);".format(name),
    ]


_OF_ROWS = {"totals": _totals, "increasing": _increasing}


@functools.lru_cache(maxsize=None)
def program(name, dtype):
    """The program of a name as a function of C, for rows of numbers of a dtype; what it returns
    besides the elements of the result is `given`.
    """
    names, statements = {}, []
    for (result, *given), condition in record_rows(name, dtype):
        statements += _statements(names, result, *given, *filter(None, [condition]))
        end = _loop(names, [result], ["result[j] = {};"])
        end += ["given[{}] = {};".format(k, names[one]) for k, one in enumerate(given)]
        if condition is not None:
            end = ["if ({}) {{".format(names[condition]), *end, "return;", "}"]
        statements += end
    pads = ", ".join(_literal(pad, dtype) for pad in pads_of_rows(name))
    text = _PADS.format(name=name, type=_TYPES[dtype], pads=pads) if pads else ""
    text += _PROGRAM.format(
        name=name,
        type=_TYPES[dtype],
        more=", double *given" if given else "",
        statements="\n    ".join(statements),
    )
    return _once("row_{}_{}".format(name, dtype), text)


# What flags like -ffast-math allow a compiler: all that our functions must not be subject to. The
# last three are no licence, and let it vectorise: from version 13 on GCC makes branches of some
# choices.
_LICENCES = (
    "no-fast-math", "no-unsafe-math-optimizations", "no-finite-math-only", "no-associative-math",
    "no-reciprocal-math", "signed-zeros", "no-rounding-math", "no-trapping-math", "no-math-errno",
    "no-thread-jumps",
)  # fmt: skip


def in_ieee_arithmetic(text):
    """C functions, to be compiled by the rules of IEEE 754 whatever flags the user has set.

    GCC does so; with other compilers and such flags they are not used (`lasagne_nl.simd.register`).
    """
    # In vectors with masks, of AVX-512, GCC 16 takes -(c ? a : a b + d) for c ? a : -(a b + d), but
    # not where the rounding might depend on the sign.
    return """
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize({licences})
#if __GNUC__ >= 16
#pragma GCC optimize("rounding-math")
#endif
#endif
{text}
#ifndef __clang__
#pragma GCC pop_options
#endif
""".format(licences=", ".join('"{}"'.format(one) for one in _LICENCES), text=text)


@functools.lru_cache(maxsize=None)
def read(*names):
    """C files of this folder."""
    texts = {name: pkgutil.get_data(__package__, name).decode("utf-8") for name in names}
    return "".join(_once(name.replace(".", "_"), text) for name, text in texts.items())


@functools.lru_cache(maxsize=None)
def functions(*names):
    """The kernels of these names as functions of C, lnl_tanh for "tanh", of float and of double.

    LNL_CALL(tanh) is a function of its own, compiled by the rules of IEEE 754 where other code is
    compiled as the user's flags say, and the kernel itself in our vectorised loop.
    """
    both = [_once(name, "".join(function(name, dtype) for dtype in FORMATS)) for name in names]
    return "".join([read("arithmetic.h"), _without_fma(), *both])


def _once(name, text):
    """C functions, for a module that may hold them several times."""
    return in_ieee_arithmetic(
        "#ifndef LNL_HAS_{0}\n#define LNL_HAS_{0}\n{1}#endif\n".format(name, text)
    )


def version(text):
    """A number that changes with the text of some C code."""
    return zlib.crc32(text.encode("utf-8"))
