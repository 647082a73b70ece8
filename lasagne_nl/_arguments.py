"""What an activation accepts: its input, and the parameters of a parameterised one."""

import numbers

import numpy as np

from lasagne_nl import backend

_FLOATS = ("float16", "float32", "float64")


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
            "{}: x must be a {} tensor variable or an array of numbers, got {}".format(
                activation, backend.name, _shown(x)
            )
        ) from error
    if dtype.name in _FLOATS:
        return tensor
    if dtype.kind in "biu":
        return backend.cast(tensor, "float32" if dtype.itemsize <= 2 else "float64")
    raise TypeError(
        "{}: x must have a real dtype (float16, float32, float64, an integer or bool), "
        "got dtype {}".format(activation, dtype.name)
    )


def _as_dense_tensor(value):
    tensor = backend.as_tensor_variable(value)
    if not isinstance(tensor.type, backend.DenseTensorType):
        raise TypeError("{} is not dense".format(tensor.type))
    return tensor


class Parameterised:
    """An activation with parameters: what all such classes have in common.

    A subclass names its parameters, in the order of its constructor, in `_parameters`, and keeps
    each under its own name with `_set`; so instances pickle and copy by themselves. A parameter
    that is no number has a check of its own in `_checks`.
    """

    _parameters = ()
    _checks = {}

    def _set(self, **values):
        for parameter in self._parameters:
            check = self._checks.get(parameter, check_number)
            check(type(self).__name__, parameter, values[parameter])
            setattr(self, parameter, values[parameter])

    def _demand(self, condition, parameter, what):
        """Raise ValueError unless a condition on a parameter holds that is not symbolic."""
        value = getattr(self, parameter)
        if not is_symbolic(value) and not condition(value):
            raise ValueError(
                "{}: {} must {}, got {!r}".format(
                    type(self).__name__, parameter, what, _plain(value)
                )
            )

    def __repr__(self):
        return "{}({})".format(
            type(self).__name__,
            ", ".join("{}={!r}".format(p, _plain(getattr(self, p))) for p in self._parameters),
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
                "{}: {} = {!r} is too large for the {} input".format(
                    type(self).__name__, parameter, value, x.dtype
                )
            )
        return backend.as_tensor_variable(constant)

    def _check_broadcasting(self, parameter, value, x):
        """A parameter may be repeated over the input; the input is never repeated over it."""
        repeated = x.type.broadcastable[x.ndim - value.ndim :] if value.ndim <= x.ndim else None
        if repeated is None or any(r and not p for r, p in zip(repeated, value.type.broadcastable)):
            raise ValueError(
                "{}: {} = {} with {} dimension(s) cannot be broadcast to the {} dimension(s) of "
                "x without changing its shape".format(
                    type(self).__name__, parameter, value, value.ndim, x.ndim
                )
            )


class Elementwise(Parameterised):
    """An activation of single elements with numbers as parameters: a subclass has a `_formula` of
    the input and the parameters, in order.
    """

    def __call__(self, x):
        """Apply it to the tensor `x`, elementwise."""
        x = self._input(x)
        return in_float32(self._formula, x, *self._constants(x))


class AlongAxes(Parameterised):
    """An activation whose parameter `axis` says along which axis, or axes, it works."""

    _parameters = ("axis",)

    def __init__(self, axis=-1):
        self._set(axis=axis)

    def _axes(self, x):
        """The axes as numbers from 0, in ascending order."""
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -x.ndim <= axis < x.ndim for axis in given):
            raise ValueError(
                "{}: axis = {!r} is not an axis of x, which has {} dimension(s)".format(
                    type(self).__name__, self.axis, x.ndim
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


def in_float32(formula, x, *constants):
    """Apply a formula of several steps; to float16 in float32, so that it is rounded but once."""
    if x.dtype != "float16":
        return formula(x, *constants)
    wide = [backend.cast(argument, "float32") for argument in (x,) + constants]
    return backend.cast(formula(*wide), "float16")


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
            "{}: {} must be a number or a symbolic or shared variable of real dtype, got {}".format(
                owner, parameter, _shown(value)
            )
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
        raise ValueError("{}: {} must be finite, got {!r}".format(owner, parameter, value))


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def check_axis(owner, parameter, value):
    """Raise unless a parameter is an integer."""
    if not _is_integer(value):
        raise TypeError("{}: {} must be an integer, got {}".format(owner, parameter, _shown(value)))


def check_axes(owner, parameter, value):
    """Raise unless a parameter is an integer or a tuple of integers."""
    several = value if isinstance(value, tuple) else (value,)
    if not all(map(_is_integer, several)):
        raise TypeError(
            "{}: {} must be an integer or a tuple of integers, got {}".format(
                owner, parameter, _shown(value)
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
            "{}: {} must be True or False, got {}".format(owner, parameter, _shown(value))
        )


def _plain(value):
    """A NumPy scalar as the Python number it equals, whose repr does not depend on NumPy's."""
    return value.item() if isinstance(value, np.generic) else value


def _shown(value):
    """A value and its type, and what to do about it where it is another library's."""
    text = repr(value)
    short = text if len(text) <= 80 else text[:77] + "..."
    return "{} ({}){}".format(short, type(value).__name__, backend.advice_on(value))
