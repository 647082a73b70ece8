"""What activations are made of: classes with parameters, and the dtype that they compute in."""

import copy
import functools
import importlib
import inspect
import sys

import numpy as np

from lasagne_nl import backend
from lasagne_nl._arguments import (
    applied,
    as_float,
    check_axes,
    check_number,
    is_symbolic,
    on_one_line,
    plain,
)
from lasagne_nl._calculus import along
from lasagne_nl.backend import computed_in_float32


def offered(formula):
    """Decorate an activation that is a function, as a user calls it."""

    @functools.wraps(formula)
    def activation(x):
        return _applied(activation, formula, x)

    return activation


def stepwise(formula):
    """Decorate one of several steps: it gets a tensor of floats, float16 as float32."""

    @offered
    @functools.wraps(formula)
    def in_steps(x):
        return computed_in_float32(formula, as_float(formula.__name__, x))

    return in_steps


def _applied(activation, formula, x):
    """The result of an activation by its formula: with the name of the activation, for those who
    print the graph, with named dims if `x` has them, and known to PyMC where the program has
    imported that.
    """
    names = getattr(getattr(x, "type", None), "dims", None)
    if names is not None:
        y = _applied(activation, formula, x.values)
        xtensor = backend.module("xtensor")
        named = xtensor.as_xtensor(y, dims=names)
        named.name = y.name
        return named
    y = formula(x)
    if y is x:
        return y
    if getattr(y, "owner", None) and y.name is None:
        y.name = getattr(activation, "__name__", type(activation).__name__)
    if "pymc" in sys.modules and backend.name == "pytensor":
        try:
            importlib.import_module("lasagne_nl._pymc").mark(y, activation)
        except ImportError:  # another PyMC, or one that is just being imported
            pass
    return y


def _offered_by_class(call):
    @functools.wraps(call)
    def __call__(self, x):
        with_numbers = self._of_dims(getattr(getattr(x, "type", None), "dims", ()))
        return _applied(self, functools.partial(call, with_numbers), x)

    return __call__


class Parameterised:
    """An activation with parameters: what all such classes have in common.

    The constructor of the subclass that has the formula names the parameters, and hands them on in
    that order. Each becomes an attribute; so instances pickle and copy by themselves.
    """

    _parameters = ()
    _check = staticmethod(check_number)

    def __init_subclass__(cls):
        super().__init_subclass__()
        # A user's subclass may have a constructor of its own, with other arguments.
        if "_formula" in vars(cls) or ("__init__" in vars(cls) and not cls._parameters):
            cls._parameters = tuple(inspect.signature(cls.__init__).parameters)[1:]
        if "__call__" in vars(cls):
            cls.__call__ = _offered_by_class(cls.__call__)

    def __init__(self, *values):
        """Check the parameters, and keep each as an attribute."""
        for parameter, value in zip(self._parameters, values):
            if isinstance(value, np.ndarray) and value.ndim == 0:
                value = value[()]  # as a scalar, which nobody changes later
            self._check(type(self).__name__, parameter, value)
            setattr(self, parameter, value)

    def __getattr__(self, name):
        """Raise AttributeError; say what to do where the result of a call was meant."""
        if name.startswith("_") or name in self._parameters or not hasattr(backend.matrix(), name):
            return object.__getattribute__(self, name)  # raises what Python says
        raise AttributeError(
            "{0!r} object has no attribute {1!r}: {2} is an activation, not the result of one: "
            "{0}(...)(x) applies it to x; a layer takes nonlinearity={0}(...), an instance, not "
            "the class".format(type(self).__name__, name, on_one_line(self))
        )

    def __repr__(self):
        """Return the call that makes an equal object."""
        values = ["{}={!r}".format(p, plain(getattr(self, p))) for p in self._parameters]
        return "{}({})".format(type(self).__name__, ", ".join(values))

    def _named(self, name, doc):
        """The instance, with a name for its errors and a docstring of its own."""
        self.__name__, self.__doc__ = name, "{}(x)\n{}".format(name, doc)
        return self

    def _of_dims(self, names):
        """The same, with numbers for the names of dims."""
        return self

    @property
    def _name(self):
        return getattr(self, "__name__", type(self).__name__)

    def _demand(self, condition, parameter, what):
        """Raise ValueError unless a condition on a parameter holds that is not symbolic."""
        value = getattr(self, parameter)
        if not is_symbolic(value) and not condition(value):
            raise ValueError("{}: {} must {}, got {!r}".format(
                type(self).__name__, parameter, what, plain(value)
            ))  # fmt: skip


class Elementwise(Parameterised):
    """An activation of single elements with numbers as parameters: a subclass has a `_formula` of
    the input and the parameters, in order.
    """

    def __call__(self, x):
        """Apply this activation to the tensor `x`, elementwise."""

        def formula(x):
            return self._formula(x, *[self._constant(p, x) for p in self._parameters])

        return computed_in_float32(formula, as_float(self._name, x))

    def _constant(self, parameter, x):
        """A parameter in the dtype of `x`, which it never widens."""
        value = getattr(self, parameter)
        self._check(self._name, parameter, value)  # it may have been set since
        if is_symbolic(value):
            applied[self._name] = True
            tensor = backend.as_tensor_variable(value)
            reason = _refusal_to_broadcast(parameter, tensor, x)
            if reason:
                raise ValueError(
                    "{}: {} = {} cannot be broadcast to x without changing its shape: {}".format(
                        self._name, parameter, tensor, reason
                    )
                )
            return backend.cast(tensor, x.dtype)
        with np.errstate(over="ignore"):
            constant = np.asarray(float(value), dtype=x.dtype)
        if not np.isfinite(constant):
            raise ValueError(
                "{}: {} = {!r} is too large for the {} input, whose largest number is "
                "{:.3g}".format(self._name, parameter, plain(value), x.dtype, np.finfo(x.dtype).max)
            )
        return backend.as_tensor_variable(constant)


def _refusal_to_broadcast(parameter, value, x):
    """Why a parameter would change the shape of the input, or nothing. It may be repeated over the
    input; the input is never repeated over it.
    """
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


class AlongAxes(Parameterised):
    """An activation whose parameter `axis` says along which axis, or axes, it works: a subclass has
    what it makes `_of_rows`, along the last axis.
    """

    _check = staticmethod(check_axes)

    def __init__(self, axis=-1):
        super().__init__(axis)

    def __call__(self, x):
        """Apply this activation to the tensor `x`, along the axis."""
        x, axes = self._input(x)
        return along(axes, self._of_rows, x)

    def _of_dims(self, names):
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if not any(isinstance(axis, str) for axis in given):
            return self
        missing = [axis for axis in given if isinstance(axis, str) and axis not in names]
        if missing:
            raise ValueError("{}: axis = {!r} is not a dim of x, which has {}".format(
                self._name, missing[0], "the dims {}".format(tuple(names)) if names else "no names"
            ))  # fmt: skip
        numbers = tuple(names.index(a) if isinstance(a, str) else a for a in given)
        replaced = copy.copy(self)
        replaced.axis = numbers if isinstance(self.axis, tuple) else numbers[0]
        return replaced

    def _input(self, x):
        """The input as a tensor of floats, and the axes as numbers from 0, in ascending order."""
        x = as_float(self._name, x, least_ndim=1)
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -x.ndim <= axis < x.ndim for axis in given):
            raise ValueError(
                "{}: axis = {!r} is not an axis of x, which has {} dimension(s): choose from {} "
                "to {}".format(self._name, self.axis, x.ndim, -x.ndim, x.ndim - 1)
            )
        axes = sorted(int(axis) % x.ndim for axis in given)
        if len(set(axes)) < len(axes):
            raise ValueError(
                "{}: axis = {!r} names an axis of x twice, which has {} dimension(s)".format(
                    self._name, self.axis, x.ndim
                )
            )
        return x, tuple(axes)
