"""What an activation accepts: its input, and the parameters of a parameterised one."""

import numbers
import types

import numpy as np

from lasagne_nl import backend

FLOATS = ("float16", "float32", "float64")


def as_float(activation, x):
    """The input of an activation as a symbolic tensor of floats.

    Parameters
    ----------
    activation : str
        Name of the activation, for the error message.
    x : tensor variable or array_like
        Floats keep their dtype; booleans and integers of 8 and 16 bits become float32, wider
        integers float64, as Theano has it for tanh.

    Returns
    -------
    tensor variable

    Raises
    ------
    TypeError
        If `x` cannot be a tensor of real numbers.
    """
    try:
        tensor = _as_dense_tensor(x)
        dtype = np.dtype(tensor.dtype)
    except Exception as error:  # each library refuses in a way of its own
        raise TypeError(
            "{}: x must be a {} tensor variable or an array of numbers, got {}{}".format(
                activation, backend.name, shown(x), _advice_on_input(x)
            )
        ) from error
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
    tensor = backend.as_tensor_variable(value)
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


class Parameterised:
    """An activation with parameters: what all such classes have in common.

    A subclass names its parameters, in the order of its constructor, in `_parameters`, and hands
    them to this one's; so instances pickle and copy by themselves. A parameter that is no number
    has a check of its own in `_checks`.
    """

    _parameters = ()
    _checks = {}

    def __init__(self, **values):
        """Check the parameters, and keep each as an attribute."""
        for parameter in self._parameters:
            value = values[parameter]
            if isinstance(value, np.ndarray) and value.ndim == 0:
                value = value[()]  # as a scalar, which nobody changes later
            check = self._checks.get(parameter, check_number)
            check(type(self).__name__, parameter, value)
            setattr(self, parameter, value)

    def __getattr__(self, name):
        """Raise AttributeError; say what to do where the result of a call was meant."""
        if name.startswith("_") or name in self._parameters or not _has_a_variable(name):
            return object.__getattribute__(self, name)  # raises what Python says
        owner = type(self).__name__
        raise AttributeError(
            "{0!r} object has no attribute {1!r}: {2} is an activation, not the result of one: "
            "{0}(...)(x) applies it to x; a layer takes nonlinearity={0}(...), an instance, not "
            "the class".format(owner, name, _short(self))
        )

    def _demand(self, condition, parameter, what):
        """Raise ValueError unless a condition on a parameter holds that is not symbolic."""
        value = getattr(self, parameter)
        if not is_symbolic(value) and not condition(value):
            raise ValueError(
                "{}: {} must {}, got {!r}".format(
                    type(self).__name__, parameter, what, plain(value)
                )
            )

    def __repr__(self):
        """Return the call that makes an equal object."""
        return "{}({})".format(
            type(self).__name__,
            ", ".join("{}={!r}".format(p, plain(getattr(self, p))) for p in self._parameters),
        )

    def _input(self, x):
        return as_float(type(self).__name__, x)

    def _constants(self, x):
        """The parameters, in order, in the dtype of `x`, so that they never widen it."""
        return [self._constant(parameter, x) for parameter in self._parameters]

    def _constant(self, parameter, x):
        value = getattr(self, parameter)
        if is_symbolic(value):
            tensor = backend.as_tensor_variable(value)
            self._check_broadcasting(parameter, tensor, x)
            return backend.cast(tensor, x.dtype)
        with np.errstate(over="ignore"):
            constant = np.asarray(float(value), dtype=x.dtype)
        if not np.isfinite(constant):
            raise ValueError(
                "{}: {} = {!r} is too large for the {} input, whose largest number is "
                "{:.3g}".format(
                    type(self).__name__, parameter, plain(value), x.dtype, np.finfo(x.dtype).max
                )
            )
        return backend.as_tensor_variable(constant)

    def _check_broadcasting(self, parameter, value, x):
        """A parameter may be repeated over the input; the input is never repeated over it."""
        reason = _refusal_to_broadcast(parameter, value, x)
        if reason:
            raise ValueError(
                "{}: {} = {} cannot be broadcast to x without changing its shape: {}".format(
                    type(self).__name__, parameter, value, reason
                )
            )


def _refusal_to_broadcast(parameter, value, x):
    """Why a parameter would change the shape of the input, or nothing."""
    if value.ndim > x.ndim:
        return (
            "it has {} dimension(s) and x has {}; it may have no more than x, and its dimensions "
            "are the last ones of x".format(value.ndim, x.ndim)
        )
    for axis in range(-value.ndim, 0):
        if x.type.broadcastable[axis] and not value.type.broadcastable[axis]:
            return (
                "axis {0} of x has length 1 and that of {1} may have more; if it has length 1, "
                "make axis {0} of {1} broadcastable".format(axis, parameter)
            )
    return None


class Elementwise(Parameterised):
    """An activation of single elements with numbers as parameters: a subclass has a `_formula` of
    the input and the parameters, in order.
    """

    def __call__(self, x):
        """Apply this activation to the tensor `x`, elementwise."""
        return in_float32(lambda x: self._formula(x, *self._constants(x)), self._input(x))


class AlongAxes(Parameterised):
    """An activation whose parameter `axis` says along which axis, or axes, it works."""

    _parameters = ("axis",)

    def __init__(self, axis=-1):
        super().__init__(axis=axis)

    def _axes(self, x):
        """The axes as numbers from 0, in ascending order."""
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -x.ndim <= axis < x.ndim for axis in given):
            raise ValueError(
                "{}: axis = {!r} is not an axis of x, which has {} dimension(s): {}".format(
                    type(self).__name__,
                    self.axis,
                    x.ndim,
                    "choose from {} to {}".format(-x.ndim, x.ndim - 1)
                    if x.ndim
                    else "it needs one",
                )
            )
        axes = sorted(int(axis) % x.ndim for axis in given)
        if len(set(axes)) < len(axes):
            raise ValueError(
                "{}: axis = {!r} names an axis of x twice, which has {} dimension(s)".format(
                    type(self).__name__, self.axis, x.ndim
                )
            )
        return tuple(axes)


def in_float32(formula, x):
    """Apply a formula of several steps; to float16 in float32, so that it is rounded but once."""
    if x.dtype != "float16":
        return formula(x)
    return backend.cast(formula(backend.cast(x, "float32")), "float16")


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


def check_number(owner, parameter, value):
    """Raise unless a parameter is a finite number or a variable of numbers."""

    def wrong_type():
        return TypeError(
            "{}: {} must be a number or a symbolic or shared variable of real dtype, "
            "got {}{}".format(owner, parameter, shown(value), _advice_on_number(owner, value))
        )

    if is_symbolic(value):
        try:
            real = np.dtype(_as_dense_tensor(value).dtype).kind in "iuf"
        except Exception as error:  # of a type that is no tensor: a generic, a list, sparse
            raise wrong_type() from error
        if not real:
            raise wrong_type()
        return
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise wrong_type()
    try:
        finite = np.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(
            "{}: {} must be finite, got {}".format(owner, parameter, _short(plain(value)))
        )


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def check_axis(owner, parameter, value):
    """Raise unless a parameter is an integer."""
    if not _is_integer(value):
        raise TypeError(
            "{}: {} must be an integer, got {}{}".format(
                owner, parameter, shown(value), _advice_on_option(owner, value)
            )
        )


def check_axes(owner, parameter, value):
    """Raise unless a parameter is an integer or a tuple of integers."""
    several = value if isinstance(value, tuple) else (value,)
    if not all(map(_is_integer, several)):
        raise TypeError(
            "{}: {} must be an integer or a tuple of integers, got {}{}".format(
                owner, parameter, shown(value), _advice_on_option(owner, value)
            )
        )
    if not several:
        raise ValueError("{}: {} must name at least one axis, got ()".format(owner, parameter))
    if len(set(several)) < len(several):
        raise ValueError(
            "{}: {} must not name an axis twice, got {!r}".format(owner, parameter, value)
        )


def check_flag(owner, parameter, value):
    """Raise unless a parameter is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            "{}: {} must be True or False, got {}{}".format(
                owner, parameter, shown(value), _advice_on_option(owner, value)
            )
        )


def plain(value):
    """A NumPy scalar as the Python number it equals, whose repr does not depend on NumPy's."""
    return value.item() if isinstance(value, np.generic) else value


def shown(value):
    """A value on one line, with its type."""
    text, kind = _short(value), type(value).__name__
    if is_symbolic(value) and str(value.type) not in text:
        kind = "{} of {}".format(kind, value.type)
    return "{} ({})".format(text, kind)


def _short(value):
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
        name = getattr(x, "__name__", None) or type(x).__name__
        return ": it is an activation, not the result of one: {} applies it to x".format(
            name + ("(x)" if isinstance(x, types.FunctionType) else "(...)(x)")
        )
    if _is_of(x, "lasagne"):
        return ": it is a layer; take get_output(layer), or a NonlinearityLayer on it"
    if isinstance(x, (list, tuple)):
        return ": a list must hold numbers, or variables, that make up rows of one length"
    if isinstance(x, np.ndarray) and x.dtype.kind in "OSU":
        return ": its dtype is {}; convert it, as by x.astype('float32')".format(x.dtype)
    if callable(x):
        return ": it has to be called first"
    return _advice_on_other_types(x)


def _advice_on_number(owner, value):
    number = _number_in(value)
    if number is not None:
        return ": pass the number {!r}".format(number)
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
    if hasattr(value, "toarray"):
        return ": it is sparse; make it dense, as by x.toarray()"
    if hasattr(value, "get_value") and not isinstance(value.type, backend.DenseTensorType):
        return ": it shares no array; make it by " + _A_SHARED_ARRAY
    return ""


def _is_activation(value):
    """Whether it is an activation of this package: a class, an instance or a function."""
    if isinstance(value, types.FunctionType):
        return _is_of(value, "lasagne_nl")
    return issubclass(value if isinstance(value, type) else type(value), Parameterised)


def _is_of(value, package):
    """Whether a function, or the class of an object, is defined in a package."""
    owners = [value] if isinstance(value, types.FunctionType) else type(value).__mro__
    return package in {str(owner.__module__).split(".")[0] for owner in owners}


def _has_a_variable(name):
    """Whether symbolic tensors have an attribute of this name."""
    return hasattr(backend.matrix(), name)


def _number_in(value):
    """The number that a string holds, or None."""
    if isinstance(value, str):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        return number if np.isfinite(number) else None
    return None
