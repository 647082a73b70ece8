"""Errors: each bad parameter and input gets one that names what was wrong."""

import numpy as np
import pytest
import scipy.sparse as scipy_sparse
from activations import ALL, CLASSES, EVERY, OF_AXES, OF_ONE_AXIS, PARAMETERS
from helpers import AS_IT_IS, T, library, only_graph, sparse, tensor

from lasagne_nl import nonlinearities as nl

ACTIVATIONS = [name for name in ALL if name != "linear"]
of_every_parameter = pytest.mark.parametrize("owner, parameter", PARAMETERS)


def made(owner, parameter, value):
    """An object with one parameter of that value, the others as in the table."""
    return owner(**dict(dict(CLASSES)[owner], **{parameter: value}))


def refused(error, owner, message):
    """What is said begins with the name of an activation, or of the class that it is of."""
    name = getattr(owner, "__name__", None) or type(owner).__name__
    return pytest.raises(error, match="^{}: {}".format(name, message))


@pytest.mark.parametrize(
    "value", ["0.1", None, [0.1], (0.1,), np.array([0.1]), 1j, True, np.bool_(True), ...], ids=repr
)
@of_every_parameter
def test_a_parameter_of_a_wrong_type_is_refused_at_construction(owner, parameter, value):
    with refused(TypeError, owner, parameter + " must be a number or a symbolic"):
        made(owner, parameter, value)


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), float("inf"), 10**400], ids=str)
@of_every_parameter
def test_a_parameter_that_is_not_finite_is_refused_at_construction(owner, parameter, value):
    with refused(ValueError, owner, parameter + " must be finite, got "):
        made(owner, parameter, value)


@of_every_parameter
def test_a_parameter_that_is_changed_to_a_wrong_one_is_refused_at_the_call(owner, parameter):
    activation = made(owner, parameter, 1)
    setattr(activation, parameter, float("nan"))
    with refused(ValueError, owner, parameter + " must be finite, got nan"):
        activation(tensor("x", "float32", 1))


NO_NUMBERS = {
    "complex": lambda: library.shared(np.complex64(1)),
    "bool": lambda: tensor("flag", "bool", 0),
    "generic": lambda: library.shared({}),
    "sparse": lambda: sparse.csr_matrix("s"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
@of_every_parameter
def test_a_variable_that_is_no_tensor_of_numbers_is_refused_as_parameter(owner, parameter, kind):
    with refused(TypeError, owner, parameter + " must be a number or a symbolic"):
        made(owner, parameter, NO_NUMBERS[kind]())


@of_every_parameter
def test_a_parameter_too_large_for_the_input_is_refused_at_the_call(owner, parameter):
    value = -1e300 if parameter == "min_value" else 1e300
    with refused(ValueError, owner, parameter + r" = -?1e\+300 is too large.*e\+38$"):
        made(owner, parameter, value)(tensor("x", "float32", 1))


@of_every_parameter
def test_a_parameter_that_would_change_the_shape_is_refused_at_the_call(owner, parameter):
    matrix = library.shared(np.ones((2, 3), "float32"))
    for x, reason in (
        (tensor("x", "float32", 1), r"it has 2 dimension\(s\) and x has 1; "),
        (tensor("x", "float32", 1).dimshuffle("x", 0), "axis -2 of x has length 1 and that of "),
    ):
        with refused(ValueError, owner, parameter + " .*cannot be broadcast to x .*: " + reason):
            made(owner, parameter, matrix)(x)


@pytest.mark.parametrize("x", ["text", None, ..., {"a": 1}, len], ids=repr)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_input_that_is_no_tensor_is_refused(name, x):
    message = "x must be a .* tensor variable or an array of numbers, got "
    with refused(TypeError, ALL[name], message):
        ALL[name](x)


@pytest.mark.filterwarnings("ignore:Method .* is not implemented for sparse variables")
@pytest.mark.parametrize("kind", ["generic", "sparse"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_variable_that_is_no_dense_tensor_is_refused(name, kind):
    with refused(TypeError, ALL[name], "x must be a .* tensor variable"):
        ALL[name](NO_NUMBERS[kind]())


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_complex_input_is_refused(name, dtype):
    with refused(TypeError, ALL[name], "x must have a real dtype.*" + dtype):
        ALL[name](tensor("x", dtype, 1))


def test_a_named_instance_calls_itself_by_its_name():
    for name in ("silu", "very_leaky_rectify", "log_softmax"):
        with pytest.raises(TypeError, match="^{}: x must be".format(name)):
            getattr(nl, name)("text")


@pytest.mark.parametrize(
    "activation", [nl.softmax, nl.softmin, nl.log_softmax, nl.glu, *OF_AXES, *OF_ONE_AXIS]
)
def test_a_scalar_is_refused_by_what_works_along_an_axis(activation):
    made = activation() if isinstance(activation, type) else activation
    for x, shown in ((tensor("x", "float32", 0), "x "), (3, r"3 \(int\)$")):
        message = "x must have at least one dimension, got the scalar " + shown
        with refused(ValueError, activation, message):
            made(x)


@pytest.mark.parametrize(
    "owner, given, message",
    [
        (nl.CELU, {"alpha": 0}, "alpha must not be 0, got 0"),
        (nl.Softplus, {"beta": 0.0}, "beta must not be 0, got 0.0"),
        (nl.Squareplus, {"b": -1}, "b must not be negative, got -1"),
        (nl.HardShrink, {"threshold": -0.5}, "threshold must not be negative, got -0.5"),
        (nl.SoftShrink, {"threshold": -2}, "threshold must not be negative, got -2"),
        (nl.ClippedRectify, {"max_value": 0}, "max_value must be positive, got 0"),
        (nl.HardTanh, {"max_value": np.float32(-2)},
         "min_value must be below max_value, got min_value=-1 and max_value=-2.0"),
        # A scalar of NumPy is shown as the number it is.
        (nl.HardTanh, {"min_value": np.float32(-1.5), "max_value": np.float64(-2)},
         "min_value must be below max_value, got min_value=-1.5 and max_value=-2.0$"),
        (nl.ELU, {"alpha": np.float32("nan")}, "alpha must be finite, got nan$"),
    ],
)  # fmt: skip
def test_a_number_that_makes_no_sense_is_refused_at_construction(owner, given, message):
    with refused(ValueError, owner, message):
        owner(**given)


@pytest.mark.parametrize("value", [1, 0, None, "tanh", np.float32(1)], ids=repr)
def test_a_flag_that_is_no_bool_is_refused(value):
    with refused(TypeError, nl.GELU, "approximate must be True or False, got "):
        nl.GELU(approximate=value)


@pytest.mark.parametrize(
    "owner, axis",
    [(owner, axis) for owner in OF_AXES for axis in (None, 1.0, "1", True, [1], (0, None), (True,))]
    + [(owner, axis) for owner in OF_ONE_AXIS for axis in (None, 1.0, "1", True, (1,))],
)
def test_an_axis_that_is_no_integer_is_refused(owner, axis):
    right = "an integer or a tuple of integers" if owner in OF_AXES else "an integer"
    with refused(TypeError, owner, "axis must be {}, got ".format(right)):
        owner(axis=axis)


@pytest.mark.parametrize("owner", OF_AXES)
def test_axes_that_are_none_or_named_twice_are_refused(owner):
    for axis, message in (
        ((), "axis must name at least one axis"),
        ((1, 1), "axis must not name an axis twice"),
    ):
        with refused(ValueError, owner, message):
            owner(axis=axis)
    with refused(ValueError, owner, r"axis = \(1, -1\) names an axis of x "):
        owner(axis=(1, -1))(tensor("x", "float32", 2))


@pytest.mark.parametrize("ndim, axis", [(1, 1), (2, -3), (2, 2)])
@pytest.mark.parametrize("owner", [*OF_AXES, *OF_ONE_AXIS])
def test_an_axis_that_the_input_does_not_have_is_refused_at_the_call(owner, axis, ndim):
    message = "axis = {} is not an axis of x, which has {} dim.*: choose from {} to {}$"
    with refused(ValueError, owner, message.format(axis, ndim, -ndim, ndim - 1)):
        owner(axis)(tensor("x", "float32", ndim))


def test_an_odd_axis_of_glu_is_refused_where_its_length_is_known():
    message = "axis {} of x must have an even length, got {}"
    with refused(ValueError, nl.glu, message.format(-1, 3)):
        nl.glu(np.zeros((2, 3), "float32"))
    with refused(ValueError, nl.GLU, message.format(1, 1)):
        nl.GLU(axis=1)(tensor("x", "float32", 1).dimshuffle(0, "x"))


def test_an_odd_axis_of_glu_is_refused_at_run_time():
    x = tensor("x", "float32", 2)
    function = library.function([x], nl.GLU(axis=1)(x), mode=only_graph())
    assert function(np.zeros((3, 4), "float32")).shape == (3, 2)
    with pytest.raises(AssertionError, match="GLU: axis 1 of x must have an even length"):
        function(np.zeros((3, 5), "float32"))


@pytest.mark.parametrize("name", EVERY)
def test_arrays_lists_and_numbers_are_welcome(name):
    for x in ([[0.5, -1.0]], np.array([[0.5, -1.0]])):
        y = T.as_tensor_variable(EVERY[name](x))
        assert library.function([], y, mode=AS_IT_IS)().shape == (1, 2)


# NumPy 1.21 warns of it, later ones refuse it.
of_a_ragged_list = pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")


class Layer:
    """What looks like a layer of Lasagne."""

    __module__ = "lasagne.layers.base"


@of_a_ragged_list
@pytest.mark.parametrize(
    "make, advice",
    [
        (lambda: nl.LeakyRectify, r"an activation, .*: LeakyRectify\(...\)\(x\) applies it to x"),
        (
            lambda: nl.LeakyRectify(0.2),
            r"an activation, .*: LeakyRectify\(...\)\(x\) applies it to",
        ),
        (lambda: nl.ELU(T.matrix()), r"an activation, .*: ELU\(...\)\(x\) applies it"),
        (lambda: nl.elu, r"an activation, .*: elu\(x\) applies it to x"),
        (Layer, r"a layer; take get_output\(layer\), or a NonlinearityLayer"),
        (lambda: T.matrix, "it has to be called first"),
        (lambda: tensor("x", "float32", 2).type, "it has to be called first"),
        (lambda: [[1, 2], [3]], "a list must hold numbers, or variables, that make up rows"),
        (lambda: [tensor("x", "float32", 2), tensor("y", "float32", 1)], "a list must hold"),
        (lambda: np.array(["1"]), r"its dtype is <U1; convert it, as by x.astype\('float32'\)"),
        (lambda: np.array([None]), "its dtype is object; convert it"),
        (lambda: library.shared([1]), r"it shares no array; make it by \w+.shared\(numpy.asarray"),
        (lambda: scipy_sparse.eye(2), r"it is sparse; make it dense, as by x.toarray\(\)"),
    ],
)
def test_an_input_that_is_refused_is_told_what_to_do(make, advice):
    for name in ("tanh", "selu", "log_softmax"):
        with pytest.raises(TypeError, match=": x must be a .* got .*" + advice):
            getattr(nl, name)(make())


@pytest.mark.parametrize(
    "make, advice",
    [
        (lambda: "0.1", "pass the number 0.1$"),
        (lambda: np.array("0.5"), "pass the number 0.5$"),
        (lambda: np.array(None), r"got None \(NoneType\)$"),
        (lambda: np.array(True), r"got (np\.)?True"),
        (lambda: "nan", r"got 'nan' \(str\)$"),
        (lambda: [0.1], r"several values are given by \w+.shared\(numpy.asarray\(...\)\); if"),
        (
            lambda: np.zeros((2, 3)),
            r"if it is meant as the input: ELU\(...\)\(x\) applies ELU to x",
        ),
        (lambda: library.shared([1]), r"it shares no array; make it by \w+.shared\(numpy.asarray"),
        (lambda: tensor("flag", "bool", 0), r"got flag \(TensorVariable of .*bool.*\)$"),
    ],
)
def test_a_parameter_that_is_refused_is_told_what_to_do(make, advice):
    with pytest.raises(TypeError, match="^ELU: alpha must be a number or .*" + advice):
        nl.ELU(make())


@pytest.mark.parametrize("owner", [nl.GELU, *OF_AXES, *OF_ONE_AXIS])
def test_a_class_that_is_given_the_input_says_that_an_instance_takes_it(owner):
    call = r"if it is meant as the input: {0}\(...\)\(x\) applies {0} to x, ".format(owner.__name__)
    for x in (tensor("x", "float32", 2), np.zeros((2, 3))):
        with pytest.raises(TypeError, match=call):
            owner(x)


@pytest.mark.parametrize("owner", [owner for owner, _ in CLASSES])
def test_an_activation_that_is_taken_for_its_result_says_what_it_is(owner):
    """As by `nonlinearity=LeakyRectify`, the class: a layer makes an instance of it and goes on."""
    taken = owner(*[tensor("x", "float32", 2)] * len(dict(CLASSES)[owner]))
    call = r"{0}\(...\)\(x\) applies it to x; a layer takes nonlinearity={0}\(...\)"
    for attribute in ("ndim", "shape", "sum", "dimshuffle"):
        message = "has no attribute '{}': .*".format(attribute) + call.format(owner.__name__)
        with pytest.raises(AttributeError, match=message):
            getattr(taken, attribute)


def test_another_attribute_that_is_missing_is_reported_as_python_does():
    for missing in ("leakines", "_private", "__array__"):
        with pytest.raises(AttributeError, match="has no attribute '{}'$".format(missing)):
            getattr(nl.leaky_rectify, missing)
    unfinished = object.__new__(nl.LeakyRectify)  # as unpickling has it at first
    with pytest.raises(AttributeError, match="has no attribute 'leakiness'$"):
        unfinished.leakiness  # noqa: B018


def test_a_list_of_axes_is_to_be_a_tuple():
    with pytest.raises(TypeError, match=r"got \[0, 1\] \(list\): make it a tuple$"):
        nl.Softmax(axis=[0, 1])


@of_a_ragged_list
def test_a_value_is_shown_on_one_line_and_not_at_full_length():
    for activation, x in ((nl.ELU, np.zeros((50, 50))), (nl.tanh, [[1, 2]] * 500 + [[3]])):
        with pytest.raises(TypeError) as caught:
            activation(x)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    with pytest.raises(ValueError) as caught:
        nl.ELU(10**400)
    assert str(caught.value).endswith("000...")
