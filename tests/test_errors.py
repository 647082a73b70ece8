"""Errors: each bad parameter and input gets one that names what was wrong."""

import numpy as np
import pytest
from activations import CLASSES, EVERY
from helpers import T, library, sparse, tensor

from lasagne_nl import nonlinearities as nl

PARAMETERS = [(owner, name) for owner, parameters in CLASSES for name in parameters]
ACTIVATIONS = [name for name in EVERY if name != "linear"]


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
        owner(**{parameter: value})


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), float("inf"), 10**400], ids=str)
@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_that_is_not_finite_is_refused_at_construction(owner, parameter, value):
    with pytest.raises(ValueError, match=shown(owner, parameter) + "must be finite, got "):
        owner(**{parameter: value})


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
        owner(**{parameter: variable})


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_too_large_for_the_input_is_refused_at_the_call(owner, parameter):
    with pytest.raises(ValueError, match=shown(owner, parameter) + r"= 1e\+300 is too large"):
        owner(**{parameter: 1e300})(tensor("x", "float32", 1))


@pytest.mark.parametrize("owner, parameter", PARAMETERS)
def test_a_parameter_that_would_change_the_shape_is_refused_at_the_call(owner, parameter):
    matrix = library.shared(np.ones((2, 3), "float32"))
    for x in (tensor("x", "float32", 1), tensor("x", "float32", 1).dimshuffle("x", 0)):
        with pytest.raises(ValueError, match=shown(owner, parameter) + ".*cannot be broadcast"):
            owner(**{parameter: matrix})(x)


@pytest.mark.parametrize("x", ["text", None, object(), {"a": 1}, lambda x: x], ids=repr)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_input_that_is_no_tensor_is_refused(name, x):
    message = name_of(name) + ": x must be a .* tensor variable or an array of numbers, got "
    with pytest.raises(TypeError, match=message):
        EVERY[name](x)


@pytest.mark.filterwarnings("ignore:Method .* is not implemented for sparse variables")
@pytest.mark.parametrize("kind", ["generic", "sparse"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_variable_that_is_no_dense_tensor_is_refused(name, kind):
    x = library.shared({}) if kind == "generic" else sparse.csr_matrix("s")
    with pytest.raises(TypeError, match=name_of(name) + ": x must be a .* tensor variable"):
        EVERY[name](x)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_complex_input_is_refused(name, dtype):
    with pytest.raises(TypeError, match=name_of(name) + ": x must have a real dtype.*" + dtype):
        EVERY[name](tensor("x", dtype, 1))


def name_of(name):
    """How the errors call an activation: a function by its name, an instance by its class."""
    activation = EVERY[name]
    return "^" + (getattr(activation, "__name__", None) or type(activation).__name__)


def test_softmax_of_a_scalar_is_refused():
    with pytest.raises(ValueError, match="^softmax: x must have at least one dimension"):
        nl.softmax(tensor("x", "float32", 0))


@pytest.mark.parametrize("name", EVERY)
def test_arrays_lists_and_numbers_are_welcome(name):
    for x in ([[0.5, -1.0]], np.array([[0.5, -1.0]])):
        y = T.as_tensor_variable(EVERY[name](x))
        assert library.function([], y, mode="FAST_COMPILE")().shape == (1, 2)
