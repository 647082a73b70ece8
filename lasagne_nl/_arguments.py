"""What an activation accepts: its input, and the parameters of a parameterised one."""

import contextlib
import numbers
import types

import numpy as np

from lasagne_nl import backend

FLOATS = ("float16", "float32", "float64")
# The activations that this process has applied, by name, and whether with variables as parameters:
# what `simd` looks for in graphs.
applied = {}


def as_float(activation, x, least_ndim=0):
    """The input of an activation as a symbolic tensor of floats. Those keep their dtype; booleans
    and integers of 8 and 16 bits become float32, wider integers float64, as Theano has it for tanh.
    """
    applied.setdefault(activation, False)
    try:
        tensor = _as_dense_tensor(x)
        dtype = np.dtype(tensor.dtype)
    except Exception as error:  # each library refuses in a way of its own
        raise TypeError(
            "{}: x must be a {} tensor variable or an array of numbers, got {}{}".format(
                activation, backend.name, shown(x), _advice_on_input(x)
            )
        ) from error
    if tensor.ndim < least_ndim:
        raise ValueError(
            "{}: x must have at least one dimension, got the scalar {}".format(activation, shown(x))
        )
    if dtype.name in FLOATS:
        return tensor
    if dtype.kind in "biu":
        return backend.cast(tensor, "float32" if dtype.itemsize <= 2 else "float64")
    raise TypeError(
        "{}: x must have a real dtype (float16, float32, float64, an integer or bool), "
        "got dtype {}: take its real part, its imaginary part or its absolute value".format(
            activation, dtype.name
        )
    )


def _as_dense_tensor(value):
    # The libraries refuse a bool of Python, but not one of NumPy.
    tensor = backend.as_tensor_variable(np.asarray(value) if type(value) is bool else value)
    if not isinstance(tensor.type, backend.DenseTensorType):
        raise TypeError("{} is not dense".format(tensor.type))
    return tensor


def as_numpy(x):
    """A NumPy array or scalar, or a number of Python, as a NumPy one of floats: those stay, all
    else becomes float64. None for what is no such thing, or not real.
    """
    if type(x) in (bool, int, float):
        try:
            return np.float64(x)
        except OverflowError:
            return None
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype.kind not in "biuf":
        return None
    return x if x.dtype.name in FLOATS else x.astype("float64")


def known_length(x, axis):
    """How long an axis of a tensor is, or None where only the compiled function will know."""
    if hasattr(x, "data"):  # a constant
        return np.shape(x.data)[axis]
    if x.type.broadcastable[axis]:
        return 1
    return getattr(x.type, "shape", (None,) * x.ndim)[axis]


def is_symbolic(value):
    """Whether a parameter is a variable of the tensor library, shared ones included."""
    return isinstance(value, backend.Variable)


def _wrong_type(owner, parameter, right, value, advice):
    return TypeError(
        "{}: {} must be {}, got {}{}".format(owner, parameter, right, shown(value), advice)
    )


def check_number(owner, parameter, value):
    """Raise unless a parameter is a finite number or a variable of numbers."""
    if not _is_number(value):
        right = "a number or a symbolic or shared variable of real dtype"
        raise _wrong_type(owner, parameter, right, value, _advice_on_number(owner, value))
    if is_symbolic(value):
        return
    try:
        finite = np.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(
            "{}: {} must be finite, got {}".format(owner, parameter, on_one_line(plain(value)))
        )


def _is_number(value):
    if not is_symbolic(value):
        return isinstance(value, numbers.Real) and not _is_flag(value)
    try:
        return np.dtype(_as_dense_tensor(value).dtype).kind in "iuf"
    except Exception:  # of a type that is no tensor: a generic, a list, sparse
        return False


def _is_flag(value):
    return isinstance(value, (bool, np.bool_))


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not _is_flag(value)


def _is_axis(value):
    """Whether it is a number of an axis, or the name of a dim where the library has such."""
    is_name = isinstance(value, str) and value.isidentifier()
    return _is_integer(value) or (is_name and backend.has_named_dims())


def check_axis(owner, parameter, value):
    """Raise unless a parameter is an integer, or the name of a dim."""
    if not _is_axis(value):
        raise _wrong_type(owner, parameter, "an integer", value, _advice_on_option(owner, value))


def check_axes(owner, parameter, value):
    """Raise unless a parameter is an integer or a tuple of integers, or of names of dims."""
    several = value if isinstance(value, tuple) else (value,)
    if not all(map(_is_axis, several)):
        right = "an integer or a tuple of integers"
        raise _wrong_type(owner, parameter, right, value, _advice_on_option(owner, value))
    if not several:
        raise ValueError("{}: {} must name at least one axis, got ()".format(owner, parameter))
    if len(set(several)) < len(several):
        raise ValueError(
            "{}: {} must not name an axis twice, got {!r}".format(owner, parameter, value)
        )


def check_flag(owner, parameter, value):
    """Raise unless a parameter is True or False."""
    if not _is_flag(value):
        raise _wrong_type(owner, parameter, "True or False", value, _advice_on_option(owner, value))


def plain(value):
    """A NumPy scalar as the Python number it equals, whose repr does not depend on NumPy's."""
    return value.item() if isinstance(value, np.generic) else value


def shown(value):
    """A value on one line, with its type."""
    text, kind = on_one_line(value), type(value).__name__
    if is_symbolic(value) and str(value.type) not in text:
        kind = "{} of {}".format(kind, value.type)
    return "{} ({})".format(text, kind)


def on_one_line(value):
    """Its repr, cut off where it becomes long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


# What to do about a value that is refused: the end of the message, or nothing.


_A_SHARED_ARRAY = "{}.shared(numpy.asarray(...))".format(backend.library.__name__)


def _advice_on_input(x):
    entries = x if isinstance(x, (list, tuple)) else ()
    for value in (x, *entries):
        if backend.advice_on(value):
            return backend.advice_on(value)
    if _is_activation(x):
        has_parameters = isinstance(x, type) or not hasattr(x, "__name__")
        return ": it is an activation, not the result of one: {}{}(x) applies it to x".format(
            getattr(x, "__name__", type(x).__name__), "(...)" if has_parameters else ""
        )
    if "lasagne" in backend.packages_of(x):
        return ": it is a layer; take get_output(layer), or a NonlinearityLayer on it"
    if isinstance(x, (list, tuple)):
        return ": a list must hold numbers, or variables, that make up rows of one length"
    if isinstance(x, np.ndarray) and x.dtype.kind in "OSU":
        return ": its dtype is {}; convert it, as by x.astype('float32')".format(x.dtype)
    if callable(x):
        return ": it has to be called first"
    return _advice_on_other_types(x)


def _advice_on_number(owner, value):
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            if np.isfinite(float(value)):
                return ": pass the number {!r}".format(float(value))
    if isinstance(value, (list, tuple, np.ndarray)):
        return ": several values are given by {}{}".format(_A_SHARED_ARRAY, _advice_on_data(owner))
    return backend.advice_on(value) or _advice_on_other_types(value)


def _advice_on_option(owner, value):
    if isinstance(value, list) and value and all(map(_is_integer, value)):
        return ": make it a tuple"
    if is_symbolic(value) or isinstance(value, np.ndarray):
        return _advice_on_data(owner)
    return backend.advice_on(value)


def _advice_on_data(owner):
    """For what was given to a class and may have been meant for an instance."""
    return (
        "; if it is meant as the input: {0}(...)(x) applies {0} to x, and a layer takes "
        "nonlinearity={0}(...), not the class".format(owner)
    )


def _advice_on_other_types(value):
    """For variables that are no dense tensors, and for SciPy's matrices."""
    if hasattr(getattr(value, "type", None), "dims"):
        return ": its dims have names; pass its values, which have none: {}.values".format(value)
    if hasattr(value, "toarray"):
        return ": it is sparse; make it dense, as by x.toarray()"
    if hasattr(value, "get_value") and not isinstance(value.type, backend.DenseTensorType):
        return ": it shares no array; make it by " + _A_SHARED_ARRAY
    return ""


def _is_activation(value):
    """Whether it is an activation of this package: a class, an instance or a function."""
    if isinstance(value, types.FunctionType):
        return str(value.__module__).split(".")[0] == "lasagne_nl"
    owner = value if isinstance(value, type) else type(value)
    return "lasagne_nl._base" in {ancestor.__module__ for ancestor in owner.__mro__}
