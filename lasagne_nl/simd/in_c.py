"""The kernels, written down as C."""

import functools
import pathlib
import zlib

import numpy as np

from lasagne_nl.simd.activations import record
from lasagne_nl.simd.kernels import FORMATS
from lasagne_nl.simd.recorder import in_order

_TYPES = {
    "float32": "float", "float64": "double", "uint32": "uint32_t", "uint64": "uint64_t",
    "bool": "bool",
}  # fmt: skip
# An operation of another name is a function of arithmetic.h.
_OPERATORS = {"neg": "-{}", "select": "{} ? {} : {}", "convert": "({type}){}"}
_OPERATORS.update((one, "{} " + one + " {}") for one in "+ - * / & | ^ << >> < > <= >= ==".split())
_FUNCTION = """LNL_INLINE {type} lnl_{kernel}({parameters})
{{
    {statements}
    return {result};
}}
LNL_NOINLINE {type} lnl_outside_{kernel}({parameters}) {{ return lnl_{kernel}({arguments}); }}
"""


def _literal(number, kind):
    if kind.startswith("uint"):
        return "{:#x}{}".format(number % 2 ** int(kind[4:]), {"uint32": "u", "uint64": "ull"}[kind])
    rounded = np.dtype(kind).type(number)
    if not np.isfinite(rounded):
        inf_or_nan = "__builtin_inf()" if rounded == rounded else '__builtin_nan("")'
        return "({}){}{}".format(_TYPES[kind], "-" if rounded < 0 else "", inf_or_nan)
    return repr(float(rounded)) + ("f" if kind == "float32" else "")


def _expression(value, operands):
    pattern = _OPERATORS.get(value.operation)
    if pattern is None:
        pattern = "lnl_{}({})".format(value.operation, ", ".join(["{}"] * len(operands)))
    return pattern.format(*operands, type=_TYPES[value.kind])


def function(kernel, dtype):
    """The kernel of a name as a function of C, for numbers of a dtype."""
    arguments, result = record(kernel, dtype)
    names, statements = {value: name for name, value in arguments.items()}, []
    for value in in_order(result):
        if value.operation == "constant":
            names[value] = _literal(*value.operands, value.kind)
        elif value not in names:
            names[value] = "v{}".format(len(statements))
            expression = _expression(value, [names[operand] for operand in value.operands])
            statements.append(
                "const {} {} = {};".format(_TYPES[value.kind], names[value], expression)
            )
    return _FUNCTION.format(
        type=_TYPES[result.kind],
        kernel=kernel,
        parameters=", ".join(_TYPES[value.kind] + " " + name for name, value in arguments.items()),
        arguments=", ".join(arguments),
        statements="\n    ".join(statements),
        result=names[result],
    )


# What flags like -ffast-math allow a compiler: all that our functions must not be subject to. The
# last two are no licence, and let it vectorise.
_LICENCES = (
    "no-fast-math", "no-unsafe-math-optimizations", "no-finite-math-only", "no-associative-math",
    "no-reciprocal-math", "signed-zeros", "no-rounding-math", "no-trapping-math", "no-math-errno",
)  # fmt: skip


def in_ieee_arithmetic(text):
    """C functions, to be compiled by the rules of IEEE 754 whatever flags the user has set.

    GCC does so; with other compilers and such flags they are not used (`lasagne_nl.simd.register`).
    """
    return """
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize({licences})
#endif
{text}
#ifndef __clang__
#pragma GCC pop_options
#endif
""".format(licences=", ".join('"{}"'.format(one) for one in _LICENCES), text=text)


@functools.lru_cache(maxsize=None)
def read(*names):
    """C files of this folder."""
    folder = pathlib.Path(__file__).parent
    texts = [(folder / name).read_text(encoding="utf-8") for name in names]
    return in_ieee_arithmetic("\n".join(texts))


@functools.lru_cache(maxsize=None)
def functions(*names):
    """The kernels of these names as functions of C, lnl_tanh for "tanh", of float and of double.

    LNL_CALL(tanh) is a function of its own, compiled by the rules of IEEE 754 where other code is
    compiled as the user's flags say, and the kernel itself in our vectorised loop.
    """
    parts = [read("arithmetic.h")]
    for name in names:
        both = [function(name, dtype) for dtype in FORMATS]
        guarded = "#ifndef LNL_HAS_{0}\n#define LNL_HAS_{0}\n{1}#endif\n"
        parts.append(in_ieee_arithmetic(guarded.format(name, "".join(both))))
    return "".join(parts)


def version(text):
    """A number that changes with the text of some C code."""
    return zlib.crc32(text.encode("utf-8"))
