"""Which tensor library is in use, and the few names that the formulas take from it.

The choice falls once, when this module is imported:

1. the environment variable ``LASAGNE_NL_BACKEND`` (``theano``, ``aesara`` or ``pytensor``);
2. else the one of these that the program has imported already;
3. else the first of these that imports, in this order.

Everything that differs between the libraries is a row of the table ``_NAMES``, so that the
formulas need not know whom they speak to. What an activation accepts as input and as parameter is
in ``_arguments``; the activations are in ``nonlinearities``.
"""

import importlib
import os
import sys

from lasagne_nl import _theano_repairs

__all__ = [
    "Assert",
    "DenseTensorType",
    "Variable",
    "arange",
    "as_tensor_variable",
    "cast",
    "clip",
    "comparand",
    "concatenate",
    "cumsum",
    "eq",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "library",
    "log1p",
    "log_softmax",
    "matrix",
    "name",
    "patternbroadcast",
    "sigmoid",
    "softmax",
    "softplus",
    "sort",
    "sqrt",
    "switch",
    "tanh",
    "zero_grad",
]

LIBRARIES = ("theano", "aesara", "pytensor")
ENVIRONMENT_VARIABLE = "LASAGNE_NL_BACKEND"


def _last_axis(softmax_of_axis):
    """Without an axis, PyTensor's softmax normalises over all elements: always say which."""

    def softmax(x):
        return softmax_of_axis(x, axis=-1)

    return softmax


def _pattern(specify_broadcastable):
    """Theano takes the whole pattern, its successors the axes of length 1."""

    def patternbroadcast(x, pattern):
        return specify_broadcastable(x, *[axis for axis, one in enumerate(pattern) if one])

    return patternbroadcast


def _itself(x):
    return x


# One row a name of this module, one column a library: where the function is (a leading dot stands
# for the library), and what is to be done to it, if anything; or a function of this module.
_NAMES = {
    # here: (theano, aesara, pytensor)
    "Assert": (".tensor.opt:Assert", ".raise_op:Assert", ".raise_op:Assert"),
    "Variable": (".tensor:Variable",) * 3,
    "arange": (".tensor:arange",) * 3,
    "as_tensor_variable": (".tensor:as_tensor_variable",) * 3,
    "cast": (".tensor:cast",) * 3,
    "clip": (".tensor:clip",) * 3,
    # What a comparison is to be made with. A comparison has slope 0, but in PyTensor that 0 is of
    # floatX, and the gradient of a float32 input would come out float64.
    "comparand": (_itself, ".gradient:zero_grad", ".gradient:zero_grad"),
    # The type of a tensor that is not sparse.
    "DenseTensorType": (
        ".tensor:TensorType",
        ".tensor.type:DenseTensorType",
        ".tensor.type:DenseTensorType",
    ),
    "concatenate": (".tensor:concatenate",) * 3,
    "cumsum": (".tensor:cumsum",) * 3,
    "eq": (".tensor:eq",) * 3,
    "erfc": (".tensor:erfc",) * 3,
    "exp": (".tensor:exp",) * 3,
    "expm1": (".tensor:expm1",) * 3,
    "floor": (".tensor:floor",) * 3,
    "log1p": (".tensor:log1p",) * 3,
    "matrix": (".tensor:matrix",) * 3,
    "patternbroadcast": (
        ".tensor:patternbroadcast",
        (".tensor:specify_broadcastable", _pattern),
        (".tensor:specify_broadcastable", _pattern),
    ),
    "sort": (".tensor:sort",) * 3,
    "sqrt": (".tensor:sqrt",) * 3,
    "switch": (".tensor:switch",) * 3,
    "tanh": (".tensor:tanh",) * 3,
    # A constant for every derivative.
    "zero_grad": (".gradient:zero_grad",) * 3,
    "sigmoid": (".tensor.nnet:sigmoid", ".tensor:sigmoid", ".tensor:sigmoid"),
    "softplus": (".tensor.nnet:softplus", ".tensor:softplus", ".tensor:softplus"),
    "log_softmax": (
        "lasagne_nl._theano_numerics:log_softmax",
        (".tensor.special:log_softmax", _last_axis),
        (".tensor.special:log_softmax", _last_axis),
    ),
    "softmax": (
        "lasagne_nl._theano_numerics:softmax",
        (".tensor.special:softmax", _last_axis),
        (".tensor.special:softmax", _last_axis),
    ),
}

# What pip is to be told where a library is missing, by the running Python.
REQUIREMENTS = {
    "theano": (
        '"Theano==1.0.5" "numpy<1.22"'
        if sys.version_info < (3, 11)
        else '"Theano==1.0.5" "numpy>=1.23.2,<2"'
    ),
    "aesara": "aesara",
    "pytensor": "pytensor",
}
# Theano cannot run on Python 3.12 and later, whatever NumPy it finds there.
_RECOMMENDED = "theano" if sys.version_info < (3, 12) else "pytensor"


def _import_library(candidate):
    if candidate == "theano":
        _theano_repairs.install()
    return importlib.import_module(candidate)


def _choose_library():
    """The name of the library that serves, and the library itself."""
    wanted = os.environ.get(ENVIRONMENT_VARIABLE)
    if wanted:
        if wanted not in LIBRARIES:
            raise ValueError(
                "{}={!r} is not a library that lasagne_nl knows; choose one of: {}".format(
                    ENVIRONMENT_VARIABLE, wanted, ", ".join(LIBRARIES)
                )
            )
        candidates = (wanted,)
    else:
        candidates = [one for one in LIBRARIES if sys.modules.get(one) is not None] or LIBRARIES

    reasons = []
    for candidate in candidates:
        try:
            return candidate, _import_library(candidate)
        except Exception as error:  # a library that is too old for its NumPy raises anything
            reasons.append((candidate, error))
    raise ImportError(_advice(wanted, reasons)) from reasons[-1][1]


def _advice(wanted, reasons):
    """Say what failed and the pip command that mends it on this Python."""
    python = "Python {}.{}".format(*sys.version_info[:2])
    if wanted == "theano" and _RECOMMENDED != "theano":
        remedy = (
            "Theano cannot run on {}: unset {} (or set it to pytensor) and run: "
            "python -m pip install {}".format(
                python, ENVIRONMENT_VARIABLE, REQUIREMENTS["pytensor"]
            )
        )
    else:
        remedy = "On {}, run: python -m pip install {}".format(
            python, REQUIREMENTS[wanted or _RECOMMENDED]
        )
    failures = "; ".join(
        "{}: {}".format(candidate, " ".join("{}: {}".format(type(e).__name__, e).split())[:200])
        for candidate, e in reasons
    )
    return "lasagne_nl found no tensor library that imports ({}). {}".format(failures, remedy)


def _take(cell):
    """The function that a cell of the table names, from the library in use."""
    if callable(cell):
        return cell
    place, adapt = cell if isinstance(cell, tuple) else (cell, None)
    module, attribute = place.split(":")
    function = getattr(importlib.import_module(module, package=name), attribute)
    return adapt(function) if adapt else function


name, library = _choose_library()
globals().update((here, _take(row[LIBRARIES.index(name)])) for here, row in _NAMES.items())
