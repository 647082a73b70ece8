"""Errors: each bad parameter and input gets one that names what was wrong."""

import numpy as np
import pytest
from activations import CLASSES, EVERY, OF_AXES, OF_ONE_AXIS, RESHAPING
from helpers import T, library, sparse, tensor

from lasagne_nl import nonlinearities as nl

PARAMETERS = [(owner, name) for owner, parameters in CLASSES for name in parameters]
ALL = dict(EVERY, **RESHAPING)
ACTIVATIONS = [name for name in ALL if name != "linear"]


def made(owner, parameter, value):
    """An object with one parameter of that value, the others as in the table."""
    return owner(**dict(dict(CLASSES)[owner], **{parameter: value}))


def shown(owner, parameter):
    return r"^{}: {} ".format(owner.__name__, parameter)


@pytest.mark.parametrize(
    "value",
    ["0.1", None, [0.1], (0.1,), np.array([0.1]), 1j, True, np.bool_(True), object()],
    ids=repr,
)
@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_of_a_wrong_type_is_refused_at_construction(owner, parameter, value):
    with pytest.raises(TypeError, match=shown(owner, parameter) + "must be a number or a symbolic"):
        made(owner, parameter, value)


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), float("inf"), 10**400], ids=str)
@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_that_is_not_finite_is_refused_at_construction(owner, parameter, value):
    with pytest.raises(ValueError, match=shown(owner, parameter) + "must be finite, got "):
        made(owner, parameter, value)


@pytest.mark.parametrize("kind", ["complex", "bool", "generic", "sparse"])
@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_variable_that_is_no_tensor_of_numbers_is_refused_as_parameter(owner, parameter, kind):
    variable = {
        "complex": lambda: library.shared(np.complex64(1)),
        "bool": lambda: tensor("flag", "bool", 0),
        "generic": lambda: library.shared({}),
        "sparse": lambda: sparse.csr_matrix("s"),
    }[kind]()
    with pytest.raises(TypeError, match=shown(owner, parameter) + "must be a number or a symbolic"):
        made(owner, parameter, variable)


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_too_large_for_the_input_is_refused_at_the_call(owner, parameter):
    value = -1e300 if parameter == "min_value" else 1e300
    with pytest.raises(ValueError, match=shown(owner, parameter) + r"= -?1e\+300 is too large"):
        made(owner, parameter, value)(tensor("x", "float32", 1))


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_that_would_change_the_shape_is_refused_at_the_call(owner, parameter):
    matrix = library.shared(np.ones((2, 3), "float32"))
    for x in (tensor("x", "float32", 1), tensor("x", "float32", 1).dimshuffle("x", 0)):
        with pytest.raises(ValueError, match=shown(owner, parameter) + ".*cannot be broadcast"):
            made(owner, parameter, matrix)(x)


@pytest.mark.parametrize("x", ["text", None, object(), {"a": 1}, lambda x: x], ids=repr)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_input_that_is_no_tensor_is_refused(name, x):
    message = name_of(name) + ": x must be a .* tensor variable or an array of numbers, got "
    with pytest.raises(TypeError, match=message):
        ALL[name](x)


@pytest.mark.filterwarnings("ignore:Method .* is not implemented for sparse variables")
@pytest.mark.parametrize("kind", ["generic", "sparse"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_variable_that_is_no_dense_tensor_is_refused(name, kind):
    x = library.shared({}) if kind == "generic" else sparse.csr_matrix("s")
    with pytest.raises(TypeError, match=name_of(name) + ": x must be a .* tensor variable"):
        ALL[name](x)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_complex_input_is_refused(name, dtype):
    with pytest.raises(TypeError, match=name_of(name) + ": x must have a real dtype.*" + dtype):
        ALL[name](tensor("x", dtype, 1))


def name_of(name):
    """How the errors call an activation: a function by its name, an instance by its class."""
    activation = ALL[name]
    return "^" + (getattr(activation, "__name__", None) or type(activation).__name__)


@pytest.mark.parametrize("name", ["softmax", "softmin"])
def test_a_row_function_of_a_scalar_is_refused(name):
    with pytest.raises(ValueError, match="^" + name + ": x must have at least one dimension"):
        getattr(nl, name)(tensor("x", "float32", 0))


@pytest.mark.parametrize(
    "owner, given, message",
    [
        (nl.CELU, {"alpha": 0}, "CELU: alpha must not be 0, got 0"),
        (nl.Softplus, {"beta": 0.0}, "Softplus: beta must not be 0, got 0.0"),
        (nl.Squareplus, {"b": -1}, "Squareplus: b must not be negative, got -1"),
        (
            nl.HardShrink,
            {"threshold": -0.5},
            "HardShrink: threshold must not be negative, got -0.5",
        ),
        (nl.SoftShrink, {"threshold": -2}, "SoftShrink: threshold must not be negative, got -2"),
        (nl.ClippedRectify, {"max_value": 0}, "ClippedRectify: max_value must be positive, got 0"),
        (nl.HardTanh, {"min_value": 1}, "HardTanh: min_value must be below max_value = 1, got 1"),
        (nl.HardTanh, {"max_value": np.float32(-2)}, "HardTanh: min_value must be below max_value"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_at_construction(owner, given, message):
    with pytest.raises(ValueError, match="^" + message):
        owner(**given)


@pytest.mark.parametrize("value", [1, 0, None, "tanh", np.float32(1)], ids=repr)
def test_a_flag_that_is_no_bool_is_refused(value):
    with pytest.raises(TypeError, match="^GELU: approximate must be True or False, got "):
        nl.GELU(approximate=value)


@pytest.mark.parametrize("axis", [None, 1.0, "1", True, [1], (0, None), (True,)], ids=repr)
@pytest.mark.parametrize("owner", OF_AXES)
def test_an_axis_that_is_no_integer_is_refused(owner, axis):
    message = "^{}: axis must be an integer or a tuple of integers, got ".format(owner.__name__)
    with pytest.raises(TypeError, match=message):
        owner(axis=axis)


@pytest.mark.parametrize("axis", [None, 1.0, "1", True, (1,)], ids=repr)
@pytest.mark.parametrize("owner", OF_ONE_AXIS)
def test_an_axis_that_is_not_one_integer_is_refused(owner, axis):
    with pytest.raises(
        TypeError, match="^{}: axis must be an integer, got ".format(owner.__name__)
    ):
        owner(axis=axis)


@pytest.mark.parametrize("owner", OF_AXES)
def test_axes_that_are_none_or_named_twice_are_refused(owner):
    with pytest.raises(ValueError, match=owner.__name__ + ": axis must name at least one axis"):
        owner(axis=())
    with pytest.raises(ValueError, match=owner.__name__ + ": axis must not name an axis twice"):
        owner(axis=(1, 1))
    with pytest.raises(
        ValueError, match=owner.__name__ + r": axis = \(1, -1\) names an axis of x "
    ):
        owner(axis=(1, -1))(tensor("x", "float32", 2))


@pytest.mark.parametrize("ndim, axis", [(0, -1), (0, 0), (1, 1), (2, -3), (2, 2)])
@pytest.mark.parametrize("owner", [*OF_AXES, *OF_ONE_AXIS])
def test_an_axis_that_the_input_does_not_have_is_refused_at_the_call(owner, axis, ndim):
    message = "^{}: axis = {} is not an axis of x, which has {} dim".format(
        owner.__name__, axis, ndim
    )
    with pytest.raises(ValueError, match=message):
        owner(axis)(tensor("x", "float32", ndim))


def test_an_odd_axis_of_glu_is_refused_where_its_length_is_known():
    message = "^GLU: axis {} of x must have an even length, got {}"
    with pytest.raises(ValueError, match=message.format(-1, 3)):
        nl.glu(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match=message.format(1, 1)):
        nl.GLU(axis=1)(tensor("x", "float32", 1).dimshuffle(0, "x"))


def test_an_odd_axis_of_glu_is_refused_at_run_time():
    x = tensor("x", "float32", 2)
    function = library.function([x], nl.GLU(axis=1)(x))
    assert function(np.zeros((3, 4), "float32")).shape == (3, 2)
    with pytest.raises(AssertionError, match="GLU: axis 1 of x must have an even length"):
        function(np.zeros((3, 5), "float32"))


@pytest.mark.parametrize("name", EVERY)
def test_arrays_lists_and_numbers_are_welcome(name):
    for x in ([[0.5, -1.0]], np.array([[0.5, -1.0]])):
        y = T.as_tensor_variable(EVERY[name](x))
        assert library.function([], y, mode="FAST_COMPILE")().shape == (1, 2)
