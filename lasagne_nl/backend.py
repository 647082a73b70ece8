"""Which tensor library is in use, and the few names that the formulas take from it.

The choice falls once, when this module is imported:

1. the environment variable ``LASAGNE_NL_BACKEND`` (``theano``, ``aesara`` or ``pytensor``);
2. else the one of these that the program has imported already;
3. else the first of these that imports, in this order.

Theano-PyMC is imported as ``theano`` too, and is what that name stands for where it is installed.

Everything that differs between the libraries is a row of the table ``_NAMES``, so that the
formulas need not know whom they speak to. What an activation accepts as input and as parameter is
in ``_arguments``; the activations are in ``nonlinearities``.
"""

import importlib
import importlib.util
import os
import sys
import warnings

import numpy

from lasagne_nl import _requirements, _theano_repairs

ENVIRONMENT_VARIABLE = "LASAGNE_NL_BACKEND"
# What a library is imported as; the columns of the table below.
_MODULES = ("theano", "aesara", "pytensor")
COLUMNS = ("theano", "theano-pymc", "aesara", "pytensor")


def _everywhere(cell):
    return (cell,) * len(COLUMNS)


def _float16_in_float32(function):
    """PyTensor has no float16 with Numba, and its C code for softplus overflows in float16."""

    def wide(x):
        if x.dtype != "float16":
            return function(x)
        return cast(function(cast(x, "float32")), "float16")  # noqa: F821

    return wide


def _last_axis(softmax_of_axis):
    """Without an axis, PyTensor's softmax normalises over all elements: always say which. In some
    versions it is compiled with Numba in any mode.
    """

    def softmax(x):
        return softmax_of_axis(x, axis=-1)

    return _float16_in_float32(softmax)


def _pattern(specify_broadcastable):
    """Theano takes the whole pattern, its successors the axes of length 1."""

    def patternbroadcast(x, pattern):
        return specify_broadcastable(x, *[axis for axis, one in enumerate(pattern) if one])

    return patternbroadcast


def _in_one_dtype(switch):
    """A number as a branch is a constant of the dtype of the other branch: one of int8, which it
    would become, breaks rewrites that move a division into the branches.
    """

    def typed(condition, *branches):
        (dtype,) = {branch.dtype for branch in branches if isinstance(branch, Variable)}  # noqa: F821
        return switch(
            condition,
            *(b if isinstance(b, Variable) else numpy.asarray(b, dtype) for b in branches),  # noqa: F821
        )

    return typed


def _itself(x):
    return x


def _nothing():
    pass


def _yes():
    return True


def _unless_numba_compiles():
    """PyTensor 3 compiles with Numba, PyTensor 2 with a C++ compiler, if it is not told which."""
    linker = importlib.import_module("pytensor.compile.mode").get_default_mode().linker
    return type(linker).__name__ != "NumbaLinker"


def _has_xtensor():
    return importlib.util.find_spec("pytensor.xtensor") is not None


def _numpy_2():
    return int(numpy.__version__.split(".")[0]) >= 2


def _blas_flags():
    return library.config.blas.ldflags


def _blas_flags_renamed():
    return library.config.blas__ldflags


def _mend():
    importlib.import_module("lasagne_nl._mends").mend(library)


def _mode_of_one_function():
    # Theano has no C code for float16.
    can_be = library.config.cxx and library.config.floatX != "float16"
    return library.Mode(linker="c", optimizer="fast_run") if can_be else None


# Functions that all libraries have in the same place.
_SAME = (
    "Variable arange as_tensor_variable cast clip concatenate cumsum eq erfc exp expm1 floor isinf "
    "log1p matrix sort sqrt tanh"
)
# What differs: one row a name of this module, one column a library: where the function is (a
# leading dot stands for the library), and what is to be done to it, if anything; or a function of
# this module.
_NAMES = {
    # here: (theano, theano-pymc, aesara, pytensor)
    "Assert": (".tensor.opt:Assert", ".tensor.opt:Assert", ".raise_op:Assert", ".raise_op:Assert"),
    # The type of a tensor that is not sparse.
    "DenseTensorType": (
        ".tensor:TensorType",
        ".tensor:TensorType",
        ".tensor.type:DenseTensorType",
        ".tensor.type:DenseTensorType",
    ),
    # Has the compiled graphs of this process computed faster; true where they are.
    "accelerate": _everywhere("lasagne_nl.simd:register"),
    # What a linker is told, to link with a BLAS; empty where there is none.
    "blas_flags": (_blas_flags, _blas_flags_renamed, _blas_flags_renamed, _blas_flags_renamed),
    # What a comparison is to be made with. A comparison has slope 0, but in Aesara and PyTensor
    # that 0 is of floatX, and the gradient of a float32 input would come out float64.
    "comparand": (_itself, _itself, ".gradient:zero_grad", ".gradient:zero_grad"),
    # What gradients do not reach; zero_grad is a constant for every derivative.
    "disconnected_grad": _everywhere(".gradient:disconnected_grad"),
    "log_softmax": (
        "lasagne_nl._mends:log_softmax",
        "lasagne_nl._mends:log_softmax",
        (".tensor.special:log_softmax", _last_axis),
        (".tensor.special:log_softmax", _last_axis),
    ),
    # Mends what the library computes wrongly.
    "mend": _everywhere(_mend),
    # Whether the library imports with NumPy 2, and fails at each compilation.
    "fails_with_this_numpy": (_numpy_2, _numpy_2, _nothing, _nothing),
    # Whether there are tensors whose dimensions have names.
    "has_named_dims": (_nothing, _nothing, _nothing, _has_xtensor),
    # The mode that compiles a function of many operations soonest; None is the default one.
    "mode_of_one_function": (_mode_of_one_function, _mode_of_one_function, _nothing, _nothing),
    "patternbroadcast": (
        ".tensor:patternbroadcast",
        ".tensor:patternbroadcast",
        (".tensor.shape:specify_broadcastable", _pattern),
        (".tensor.shape:specify_broadcastable", _pattern),
    ),
    "sigmoid": (
        ".tensor.nnet:sigmoid",
        ".tensor.nnet:sigmoid",
        ".tensor:sigmoid",
        ".tensor:sigmoid",
    ),
    "softmax": (
        "lasagne_nl._mends:softmax",
        "lasagne_nl._mends:softmax",
        (".tensor.special:softmax", _last_axis),
        (".tensor.special:softmax", _last_axis),
    ),
    "softplus": (
        ".tensor.nnet:softplus",
        ".tensor.nnet:softplus",
        ".tensor:softplus",
        (".tensor:softplus", _float16_in_float32),
    ),
    "switch": _everywhere((".tensor:switch", _in_one_dtype)),
    # Whether functions are fast with a C++ compiler only.
    "wants_compiler": (_yes, _yes, _yes, _unless_numba_compiles),
    "zero_grad": _everywhere(".gradient:zero_grad"),
}


def _import_library(module):
    """Import a library; what it warns of meanwhile is not ours to say, nor to fail by."""
    if module == "theano":
        _theano_repairs.install()
    is_new = module not in sys.modules
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = importlib.import_module(module)
    if not _is_the_library(library):
        if is_new:
            del sys.modules[module]
        raise ModuleNotFoundError(
            "No module named {!r}: what has that name is not the library, but {}".format(
                module, ", ".join(getattr(library, "__path__", [repr(library)]))
            ),
            name=module,
        )
    return library


def _is_the_library(module):
    """Whether it is no folder or program of a user that has the name of a library."""
    return hasattr(module, "__version__") and getattr(module, "__file__", None) is not None


def _choose_library():
    """The library that serves."""
    wanted = os.environ.get(ENVIRONMENT_VARIABLE)
    if wanted:
        if wanted not in _MODULES:
            raise ValueError(
                "{}={!r} is not a library that lasagne_nl knows; choose one of: {}".format(
                    ENVIRONMENT_VARIABLE, wanted, ", ".join(_MODULES)
                )
            )
        candidates = (wanted,)
    else:
        imported = [one for one in _MODULES if _is_the_library(sys.modules.get(one))]
        candidates = imported or _MODULES

    reasons = []
    for candidate in candidates:
        try:
            return _import_library(candidate)
        except Exception as error:  # a library that is too old for its NumPy raises anything
            reasons.append((candidate, error))
    raise ImportError(_advice(wanted, reasons)) from reasons[-1][1]


def _is_missing(module, error):
    return isinstance(error, ModuleNotFoundError) and error.name == module


def _advice(wanted, reasons):
    """Say what failed, and what mends it: mostly a pip command for this Python."""
    python = "Python 3.{}".format(_requirements.RUNNING)
    misconfigured = [c for c, error in reasons if "configuration variable" in str(error)]
    homeless = [c for c, error in reasons if "compiledir" in str(error)]
    if homeless:
        remedy = (
            "It needs a folder that it can write to, for what it compiles: set the environment "
            "variable {}_FLAGS=base_compiledir=FOLDER".format(homeless[0].upper())
        )
    elif misconfigured:
        remedy = "Correct it in {}_FLAGS, or in the file .{}rc".format(
            misconfigured[0].upper(), misconfigured[0]
        )
    elif wanted and not _requirements.runs(wanted):
        remedy = "{} cannot run on {}: unset {} (or set it to pytensor) and run: {}".format(
            wanted.capitalize(), python, ENVIRONMENT_VARIABLE, _requirements.command("pytensor")
        )
    elif all(_is_missing(candidate, error) for candidate, error in reasons):
        first = wanted or next(filter(_requirements.runs, _MODULES))
        remedy = "On {}, run: {}".format(python, _requirements.command(first))
    else:
        candidate = next(c for c, error in reasons if not _is_missing(c, error))
        remedy = (
            "{} is installed, but its import fails for the reason above. Versions that go together "
            "on {}: {}".format(
                candidate,
                python,
                _requirements.command(candidate if _requirements.runs(candidate) else "pytensor"),
            )
        )
    failures = "; ".join(
        "{}: {}".format(candidate, " ".join("{}: {}".format(type(e).__name__, e).split())[:200])
        for candidate, e in reasons
    )
    return "lasagne_nl found no tensor library that imports ({}). {}".format(failures, remedy)


def _column_of(chosen):
    """The column of a library. Theano-PyMC has a `graph` where Theano had `gof`."""
    if chosen.__name__ == "theano" and hasattr(chosen, "graph"):
        return "theano-pymc"
    return chosen.__name__


def _take(cell):
    """The function that a cell of the table names, from the library in use."""
    if callable(cell):
        return cell
    place, adapt = cell if isinstance(cell, tuple) else (cell, None)
    module, attribute = place.split(":")
    function = getattr(importlib.import_module(module, package=library.__name__), attribute)
    return adapt(function) if adapt else function


def library_of(value):
    """The library that a variable belongs to, by the name that it is imported as, or None."""
    roots = {ancestor.__module__.split(".")[0] for ancestor in type(value).__mro__}
    return next((module for module in _MODULES if module in roots), None)


def advice_on(value):
    """What to do about a variable of another library than the one in use; empty for all else."""
    other = library_of(value)
    if other in (None, library.__name__):
        return ""
    return (
        ": it is a variable of {other}, and lasagne_nl uses {ours} in this process: set {variable}"
        "={other}, or import {other} before lasagne_nl".format(
            other=other, ours=library.__name__, variable=ENVIRONMENT_VARIABLE
        )
    )


library = _choose_library()
name = _column_of(library)
globals().update((here, _take(".tensor:" + here)) for here in _SAME.split())
globals().update((here, _take(row[COLUMNS.index(name)])) for here, row in _NAMES.items())
