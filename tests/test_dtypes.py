"""Dtypes: every input dtype, every kind of parameter, whatever floatX is."""

import functools

import numpy as np
import pytest
from activations import ALL, CLASSES, ELEMENTWISE
from helpers import AS_IT_IS, UNCONNECTED, T, change_flags, library, tensor, with_theano_itself

from lasagne_nl import nonlinearities as nl

# Input dtype: the dtype that comes out, as Theano promotes it for tanh.
PROMOTION = {
    "float16": "float16", "float32": "float32", "float64": "float64",
    "bool": "float32", "int8": "float32", "uint8": "float32", "int16": "float32",
    "uint16": "float32", "int32": "float64", "uint32": "float64", "int64": "float64",
    "uint64": "float64",
}  # fmt: skip


@functools.lru_cache(maxsize=None)
def outputs_at_ones(name, floatX):
    """What an activation makes of ones, and of which dtype it says that this will be: by dtype."""
    with change_flags(floatX=floatX):
        inputs = [tensor("x", dtype, 2) for dtype in PROMOTION]
        outputs = [ALL[name](x) for x in inputs]
        function = library.function(inputs, outputs, mode="FAST_COMPILE")
        arrays = function(*[np.ones((2, 2), dtype) for dtype in PROMOTION])
    return dict(zip(PROMOTION, arrays)), {d: y.dtype for d, y in zip(PROMOTION, outputs)}


@pytest.mark.parametrize("floatX", ["float32", "float64"])
@pytest.mark.parametrize("dtype", PROMOTION)
@pytest.mark.parametrize("name", ALL)
def test_the_dtype_of_the_output_follows_the_input_and_not_floatx(name, dtype, floatX):
    arrays, dtypes = outputs_at_ones(name, floatX)
    expected = dtype if name == "linear" else PROMOTION[dtype]
    assert arrays[dtype].dtype == dtypes[dtype] == expected
    rtol = {"float16": 4e-3, "float32": 1e-6}.get(expected, 1e-14)
    np.testing.assert_allclose(arrays[dtype], arrays["float64"], rtol=rtol)


NUMPY = {
    "an array of float32": (np.array([[-1.5, 2], [np.nan, -np.inf]], "float32"), "float32"),
    "an array of float64": (np.array([-1.5, np.inf]), "float64"),
    "an array of float16": (np.array([-1.5, 3], "float16"), "float16"),
    "an array of integers": (np.array([-3, 4], "int8"), "float64"),
    "an array of booleans": (np.array([False, True]), "float64"),
    "an array without dimension": (np.array(-2.5, "float32"), "float32"),
    "an array without entries": (np.zeros((0, 2), "float32"), "float32"),
    "the largest float": (np.array([3e38, -3e38], "float32"), "float32"),
    "a float32": (np.float32(2.5), "float32"),
    "an int64": (np.int64(-2), "float64"),
}


@pytest.mark.parametrize("kind", NUMPY)
def test_rectify_of_numpy_is_numpy_as_in_lasagne(kind):
    x, dtype = NUMPY[kind]
    got = nl.rectify(x)
    assert isinstance(got, np.ndarray if np.ndim(x) else np.generic) and got.dtype == dtype
    exact = np.where(np.isnan(np.float64(x)), x, np.maximum(np.float64(x), 0))
    np.testing.assert_array_equal(got, exact.astype(dtype))
    assert nl.relu(x).dtype == dtype


@pytest.mark.parametrize("number, expected", [(3, 3.0), (-2, 0.0), (True, 1.0), (-0.5, 0.0)])
def test_rectify_of_a_number_is_a_float_as_in_lasagne(number, expected):
    got = nl.rectify(number)
    assert type(got) is float and got == expected


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("rectify", "linear")])
def test_every_other_activation_of_numpy_is_an_expression(name):
    y = ALL[name](np.ones((2, 2), "float32"))
    assert y.dtype == "float32" and hasattr(y, "owner")


def test_a_boolean_of_python_is_taken_like_one_of_numpy():
    for case in ELEMENTWISE:
        if case.name not in ("rectify", "linear"):
            y, like = case.activation(True), case.activation(np.bool_(True))
            assert y.type == like.type and y.ndim == 0, case.name


@pytest.mark.parametrize("floatX", ["float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_first_and_second_gradients_have_the_dtype_of_the_input(name, dtype, floatX):
    with change_flags(floatX=floatX):
        x = tensor("x", dtype, 2)
        first = library.grad(ALL[name](x).sum(), x)
        second = library.grad(first.sum(), x, **UNCONNECTED)
        assert first.dtype == second.dtype == dtype


@pytest.mark.parametrize("mode", ["FAST_COMPILE"] + ["FAST_RUN"] * with_theano_itself)
def test_float16_is_the_exact_result_rounded_up_to_the_ends_of_its_range(mode):
    """Also with a parameter that is hardly a normal number of float16."""
    small = [owner(**dict(given, **{name: 1e-4})) for owner, given in CLASSES for name in given]
    x, exact = tensor("x", "float16", 1), tensor("exact", "float64", 1)
    points = np.array([-np.inf, -65504, -3, -1e-4, 0, 1e-4, 3, 65504, np.inf], "float16")
    for activation in [*small, nl.softplus, nl.log_sigmoid, nl.mish]:
        got = library.function([x], activation(x), mode=mode)(points)
        expected = library.function([exact], activation(exact), mode="FAST_COMPILE")(points)
        assert got.dtype == "float16"
        with np.errstate(over="ignore"):
            expected = expected.astype("float16")
        np.testing.assert_allclose(got, expected, rtol=3e-3, atol=1e-4, err_msg=str(activation))


FLOATS = ["float16", "float32", "float64"]
KINDS = {
    "float": float,
    "int": lambda value: int(np.ceil(value)),
    "numpy float32": np.float32,
    "numpy float64": np.float64,
    "0-d array": lambda value: np.array(value, "float32"),
    "numpy int64": lambda value: np.int64(np.ceil(value)),
    "shared float32": lambda value: library.shared(np.float32(value)),
    "shared float64": lambda value: library.shared(np.float64(value)),
    "constant": lambda value: T.constant(np.float64(value)),
}


@functools.lru_cache(maxsize=None)
def outputs_with_parameters(place, kind, floatX):
    """What the class at a place of CLASSES makes of some points with its parameters of a kind, and
    with the same as plain numbers: (dtype, values, values) by dtype of the input."""
    owner, parameters = CLASSES[place]
    given = {name: KINDS[kind](value) for name, value in parameters.items()}
    if "int" in kind:
        plain = {name: int(value) for name, value in given.items()}
    elif "shared" in kind or kind == "constant":
        rounded = np.float32 if "float32" in kind else np.float64
        plain = {name: float(rounded(value)) for name, value in parameters.items()}
    else:
        plain = {name: float(value) for name, value in given.items()}
    with change_flags(floatX=floatX):
        inputs = [tensor("x", dtype, 1) for dtype in FLOATS]
        outputs = [owner(**given)(x) for x in inputs] + [owner(**plain)(x) for x in inputs]
        function = library.function(inputs, outputs, mode=AS_IT_IS)
        arrays = function(*[np.array([-2, -0.5, 0, 0.5, 2], dtype) for dtype in FLOATS])
    dtypes = [y.dtype for y in outputs]
    return dict(zip(FLOATS, zip(dtypes, arrays, arrays[len(FLOATS) :])))


@pytest.mark.parametrize("floatX", ["float32", "float64"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", range(len(CLASSES)), ids=[o.__name__ for o, _ in CLASSES])
def test_no_kind_of_parameter_widens_the_output(place, kind, dtype, floatX):
    said, got, want = outputs_with_parameters(place, kind, floatX)[dtype]
    assert said == dtype and got.dtype == dtype
    np.testing.assert_allclose(got, want, rtol=8 * float(np.finfo(dtype).eps))


POINTS = np.array([-np.inf, -1000, -2, -0.3, 0, 0.3, 2, 1000, np.inf])
NEGATIVE = np.expm1(np.minimum(POINTS, 0))
FINITE = POINTS[1:-1]
OF_SCALE_IN = [0, *2.4 * FINITE / np.cosh(np.clip(0.5 * FINITE, -300, 300)) ** 2, 0]


@pytest.mark.parametrize(
    "owner, given, number, expected, rtol, atol",
    [
        (nl.LeakyRectify, [0.2], 0, np.minimum(POINTS, 0), 0, 0),
        (nl.ScaledTanH, [0.5, 2.4], 0, OF_SCALE_IN, 1e-12, 1e-12),
        (nl.ScaledTanH, [0.5, 2.4], 1, np.tanh(0.5 * POINTS), 1e-15, 0),
        (nl.SELU, [1.5, 0.7], 0, np.where(POINTS > 0, POINTS, 0.7 * NEGATIVE), 1e-15, 0),
        (nl.SELU, [1.5, 0.7], 1, 1.5 * NEGATIVE, 1e-15, 0),
    ],
)
def test_the_gradient_along_a_shared_parameter_is_exact(owner, given, number, expected, rtol, atol):
    parameters = list(map(library.shared, given))
    x = tensor("x", "float64", 0)
    slope = library.grad(owner(*parameters)(x), parameters[number])
    function = library.function([x], slope, mode="FAST_COMPILE")
    got = [function(point) for point in POINTS]
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


def test_a_learnt_parameter_that_is_frozen_stays_what_it_was():
    learnt = library.shared(np.asarray(0.25, "float32"))
    array = np.array(learnt.get_value())
    frozen = nl.LeakyRectify(array)
    array[...] = 7  # what happens to the array later does not matter
    assert frozen.leakiness == 0.25 and repr(frozen) == "LeakyRectify(leakiness=0.25)"
    assert nl.Softmax(axis=np.array(1)).axis == 1 and nl.GELU(np.array(True)).approximate


def test_a_leakiness_for_each_feature_is_broadcast_and_learnt_by_itself():
    leakiness = library.shared(np.array([0.1, 0.2, 0.3], "float32"))
    x = tensor("x", "float32", 2)
    y = nl.LeakyRectify(leakiness)(x)
    outputs = [y, library.grad(y.sum(), leakiness)]
    function = library.function([x], outputs, mode="FAST_COMPILE")
    points = np.array([[-1, 2, -3], [-4, -5, 6]], "float32")
    value, slope = function(points)
    np.testing.assert_allclose(value, [[-0.1, 2, -0.9], [-0.4, -1, 6]], rtol=1e-6)
    np.testing.assert_allclose(slope, [-5, -5, -3], rtol=1e-6)
