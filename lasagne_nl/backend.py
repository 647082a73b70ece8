"""Which tensor library is in use, and the few names that the formulas take from it.

The choice falls once, when this module is imported:

1. the environment variable ``LASAGNE_NL_BACKEND`` (``theano``, ``aesara`` or ``pytensor``);
2. else the one of these that the program has imported already;
3. else the first of these that imports, in this order.

Theano-PyMC is imported as ``theano`` too, and is what that name stands for where it is installed.

What differs between the libraries has one name here, so that the formulas need not know whom they
speak to.
"""

import functools
import importlib
import importlib.util
import operator
import os
import sys
import traceback
import warnings

import numpy

from lasagne_nl import _requirements, _theano_repairs

ENVIRONMENT_VARIABLE = "LASAGNE_NL_BACKEND"
# What a library is imported as.
_MODULES = ("theano", "aesara", "pytensor")


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
    _theano_repairs.repair_flags(library)
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
    # The first that is there; where none is, the first of all.
    failed = next((one for one in reasons if not _is_missing(*one)), reasons[0])
    raise ImportError(_advice(wanted, failed, reasons)) from failed[1]


def _is_missing(module, error):
    return isinstance(error, ModuleNotFoundError) and error.name == module


def _is_of_flags(error):
    """Whether what a library does with its flags has raised an error."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    return os.path.basename(frame.filename).startswith("config")


def _advice(wanted, failed, reasons):
    """Say what failed, and what mends it: mostly a pip command for this Python."""
    candidate, error = failed
    python = "Python 3.{}".format(_requirements.RUNNING)
    if "compiledir" in str(error):
        remedy = (
            "It needs a folder that it can write to, for what it compiles: set the environment "
            "variable {}_FLAGS=base_compiledir=FOLDER".format(candidate.upper())
        )
    elif _is_of_flags(error):
        remedy = "Correct it in {}_FLAGS, or in the file .{}rc".format(candidate.upper(), candidate)
    elif wanted and not _requirements.runs(wanted):
        remedy = "{} cannot run on {}: unset {} (or set it to pytensor) and run: {}".format(
            wanted.capitalize(), python, ENVIRONMENT_VARIABLE, _requirements.command("pytensor")
        )
    elif _is_missing(candidate, error):
        first = wanted or next(filter(_requirements.runs, _MODULES))
        remedy = "On {}, run: {}".format(python, _requirements.command(first))
    else:
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


def packages_of(value):
    """The packages that the class of a value is defined in, and those that it descends from."""
    return {str(ancestor.__module__).split(".")[0] for ancestor in type(value).__mro__}


def advice_on(value):
    """What to do about a variable of another library than the one in use; empty for all else."""
    packages = packages_of(value)
    other = next((one for one in _MODULES if one in packages), library.__name__)
    if other == library.__name__:
        return ""
    return (
        ": it is a variable of {other}, and lasagne_nl uses {ours} in this process: set {variable}"
        "={other}, or import {other} before lasagne_nl".format(
            other=other, ours=library.__name__, variable=ENVIRONMENT_VARIABLE
        )
    )


library = _choose_library()
is_theano = library.__name__ == "theano"
# Theano-PyMC has a `graph` where Theano had `gof`.
name = "theano-pymc" if is_theano and hasattr(library, "graph") else library.__name__


def module(of_library, in_successors=None):
    """A module of the library, by the name that Theano has for it, and the others."""
    if in_successors and not hasattr(library, "gof"):
        of_library = in_successors
    return importlib.import_module("{}.{}".format(library.__name__, of_library))


_tensor = module("tensor")
globals().update(
    (one, getattr(_tensor, one))
    for one in (
        "as_tensor_variable clip concatenate cumsum eq erfc exp expm1 floor isinf log1p "
        "matrix ones_like sort sqrt tanh"
    ).split()
)
Variable, cast = _tensor.Variable, _tensor.cast
# What gradients do not reach; zero_grad is a constant for every derivative.
disconnected_grad, zero_grad = module("gradient").disconnected_grad, module("gradient").zero_grad


def computed_in_float32(formula, x):
    """Apply a formula of several steps; to float16 in float32, so that it is rounded but once."""
    if x.dtype != "float16":
        return formula(x)
    return cast(formula(cast(x, "float32")), "float16")


def switch(condition, *branches):
    """A number as a branch is a constant of the dtype of the other branch: one of int8, which it
    would become, breaks rewrites that move a division into the branches.
    """
    (dtype,) = {branch.dtype for branch in branches if isinstance(branch, Variable)}
    branches = [b if isinstance(b, Variable) else numpy.asarray(b, dtype) for b in branches]
    return _tensor.switch(condition, *branches)


def of_rows(op, *inputs):
    """An operation on the rows of matrices, along the last axis of inputs of one shape."""
    x = inputs[0]
    if x.ndim == 2:
        return op(*inputs)
    number_of_rows = functools.reduce(operator.mul, [x.shape[i] for i in range(x.ndim - 1)], 1)
    rows = op(*[one.reshape((number_of_rows, x.shape[x.ndim - 1])) for one in inputs])
    return patternbroadcast(rows.reshape(x.shape, ndim=x.ndim), x.type.broadcastable)


if is_theano:
    _nnet = module("tensor.nnet.nnet")
    Assert = module("tensor.opt").Assert
    DenseTensorType = _tensor.TensorType  # that of a tensor that is not sparse
    patternbroadcast = _tensor.patternbroadcast
    sigmoid, softplus = _tensor.nnet.sigmoid, _tensor.nnet.softplus
    softmax = functools.partial(of_rows, _nnet.Softmax())
    log_softmax = functools.partial(of_rows, _nnet.LogSoftmax())

    def comparand(x):
        """What a comparison is to be made with."""
        return x

else:
    _special = module("tensor.special")
    Assert = module("raise_op").Assert
    DenseTensorType = module("tensor.type").DenseTensorType
    sigmoid = _tensor.sigmoid
    # A comparison has slope 0, but that 0 is of floatX, and the gradient of a float32 input would
    # come out float64.
    comparand = zero_grad

    # PyTensor has no float16 with Numba, and its C code for softplus overflows in float16.
    softplus = functools.partial(computed_in_float32, _tensor.softplus)
    # Without an axis, it is that of all elements. In some versions it is compiled with Numba in any
    # mode.
    softmax, log_softmax = (
        functools.partial(computed_in_float32, functools.partial(one, axis=-1))
        for one in (_special.softmax, _special.log_softmax)
    )

    def patternbroadcast(x, pattern):
        """Make the axes broadcastable of which the pattern says so."""
        axes = [axis for axis, is_one in enumerate(pattern) if is_one]
        return module("tensor.shape").specify_broadcastable(x, *axes)


def has_named_dims():
    """Whether there are tensors whose dimensions have names."""
    return importlib.util.find_spec(library.__name__ + ".xtensor") is not None


def wants_compiler():
    """Whether functions are fast with a C++ compiler only: PyTensor 3 compiles with Numba, PyTensor
    2 with a C++ compiler, if it is not told which.
    """
    if name != "pytensor":
        return True
    return type(module("compile.mode").get_default_mode().linker).__name__ != "NumbaLinker"


def mode_of_one_function():
    """The mode that compiles a function of many operations soonest; None is the default one."""
    # Theano has no C code for float16.
    can_be = is_theano and library.config.cxx and library.config.floatX != "float16"
    return library.Mode(linker="c", optimizer="fast_run") if can_be else None
