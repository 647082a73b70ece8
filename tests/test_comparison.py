"""`lasagne_nl.compare`: it finds what differs, and only that."""

import numpy as np
import pytest
from activations import EVERY
from helpers import T, backend, with_theano

from lasagne_nl import compare
from lasagne_nl import nonlinearities as nl


def halves(x):
    return 0.5 * (x + abs(x))


@pytest.mark.parametrize("name", ["rectify", "gelu", "selu", "HardShrink()"])
def test_an_activation_agrees_with_itself(name, dtype):
    found = compare(EVERY[name], EVERY[name], dtype=dtype)
    assert found.agree and found.differences == [] and found.compared["value"] > 4000
    assert str(found).count("the same at {} points".format(found.compared["value"])) == 2


def test_the_points_are_of_every_magnitude():
    seen = []
    compare(lambda x: seen.append(x) or x * 1, nl.linear, dtype="float32")
    assert seen[0].ndim == 1 and seen[0].dtype == "float32"
    from lasagne_nl._comparison import _every_magnitude

    for dtype in ("float16", "float32", "float64"):
        points, limits = _every_magnitude(dtype), np.finfo(dtype)
        assert points.dtype == dtype and np.isnan(points[-1])
        steps = np.diff(points[:-1])
        assert (steps >= 0).all() and list(points[:-2][steps == 0]) == [0]  # -0 and then 0
        smallest = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
        for point in (0, smallest, -smallest, limits.max, limits.min, np.inf, -np.inf):
            assert point in points
        octaves = np.unique(np.frexp(np.abs(points[np.isfinite(points) & (points != 0)]))[1])
        assert (np.diff(octaves) == 1).all()


def test_an_overflow_and_a_wrong_limit_are_found_with_the_inputs_where_they_are():
    found = compare(halves, nl.rectify, dtype="float32")
    assert not found.agree and [one.what for one in found.differences] == ["value", "value"]
    limit, overflow = found.differences
    assert limit.start == limit.stop == limit.at == -np.inf
    assert np.isnan(limit.first) and limit.second == 0 and limit.units == np.inf
    assert 1.7e38 < overflow.start < 1.9e38 and overflow.stop == np.finfo("float32").max
    assert overflow.first == np.inf and overflow.second == overflow.at


@pytest.mark.skipif(not with_theano, reason="a rewrite of others may make it right")
def test_a_slope_that_is_nan_where_the_true_one_is_finite_is_found():
    def careless(x):
        return nl.selu.scale * T.switch(x > 0, x, nl.selu.scale_neg * T.expm1(x))

    differences = compare(careless, nl.selu, dtype="float32").differences
    (found,) = [one for one in differences if one.what == "gradient"]
    assert 88 < found.start < 89 and found.stop == np.inf
    assert np.isnan(found.first) and found.second == np.float32(nl.selu.scale)


def test_a_kink_with_another_slope_is_one_run():
    def left(x):
        return T.switch(x > 0, x, T.zeros_like(x))

    def right(x):
        return T.switch(x >= 0, x, T.zeros_like(x))

    (found,) = compare(left, right, dtype="float64").differences
    assert (found.what, found.start, found.stop, found.at) == ("gradient", 0, 0, 0)
    assert (found.first, found.second) == (0, 1)


def test_small_differences_count_if_the_tolerance_says_so():
    def nearly(x):
        return x * np.asarray(1 - 4 * 2.0**-23, "float32")

    assert compare(nearly, nl.linear, dtype="float32").agree
    found = compare(nearly, nl.linear, dtype="float32", tolerance=2)
    assert not found.agree and max(one.units for one in found.differences) <= 8


def test_other_dtypes_and_shapes_are_said():
    wide = compare(lambda x: T.cast(nl.tanh(x), "float64"), nl.tanh, dtype="float32")
    assert wide.notes == ["value: the dtypes differ: float64 and float32"] and not wide.agree
    row = compare(lambda x: nl.softmax(x).dimshuffle("x", 0), nl.softmax, points=[1.0, 2.0])
    assert row.notes == ["value: the shapes differ: (1, 2) and (2,)"]
    assert str(row).startswith("value: the shapes differ: (1, 2) and (2,)\ngradient: the same")


def test_models_are_compared_at_points_of_their_own_and_the_largest_difference_is_first():
    W = np.linspace(-1, 1, 12).reshape(4, 3)

    def network(nonlinearity):
        return lambda x: nl.softmax(T.dot(nonlinearity(x), W))

    points = np.linspace(-2, 2, 20).reshape(5, 4)
    assert compare(network(halves), network(nl.rectify), points, dtype="float64").agree
    found = compare(network(nl.tanh), network(nl.rectify), points, dtype="float64")
    values = [one for one in found.differences if one.what == "value"]
    assert [one.units for one in values] == sorted([one.units for one in values], reverse=True)
    assert values[0].at == values[0].start == values[0].stop and len(values[0].at) == 2
    assert found.compared == {"value": 15, "gradient": 20} and "and 7 more" in str(found)


def test_the_gradient_of_a_row_is_not_that_of_its_sum_which_is_0():
    found = compare(nl.softmax, lambda x: nl.softmax(1.5 * x), np.eye(3), dtype="float64")
    assert {one.what for one in found.differences} == {"value", "gradient"}


def test_a_dtype_may_be_numpys_own():
    assert compare(nl.rectify, nl.relu, dtype=np.float32).agree
    assert compare(nl.rectify, nl.relu, dtype=np.dtype("float64")).agree


def test_a_callable_may_ignore_its_argument():
    two = np.full(3, 2.0)
    found = compare(lambda x: T.as_tensor_variable(two), lambda x: x * 1, points=two)
    assert {one.what for one in found.differences} == {"gradient"}


def test_what_does_not_depend_on_its_input_has_gradient_0():
    assert compare(T.zeros_like, lambda x: 0 * T.ones_like(x), points=np.ones(3)).agree


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((nl.rectify, 3), TypeError, "compare: second must be a callable .* got 3"),
        ((nl.ELU, nl.elu), TypeError, "compare: first is the class ELU: give it an instance"),
        ((nl.elu, lambda x: 1.0), TypeError, "compare: second must return .* returned 1.0"),
        ((nl.elu, nl.elu, []), ValueError, r"points must not be empty, got shape \(0,\)"),
        ((nl.elu, nl.elu, None, "int8"), ValueError, "dtype must be one of .*, got 'int8'"),
        ((nl.elu, nl.elu, None, ""), ValueError, "dtype must be one of .*, got ''"),
        ((nl.elu, nl.elu, [1j]), TypeError, "points must be real numbers, got dtype complex128"),
        ((nl.elu, nl.elu, ["a"]), TypeError, "points must be real numbers, got dtype <U1"),
        ((nl.elu, lambda x: x > 0), TypeError, "second must return floats, .* returned .*bool"),
        ((lambda x: x * 1j, nl.elu), TypeError, "first must return floats, .*complex"),
        ((nl.elu, nl.elu, None, "float32", -1), ValueError, "tolerance must be .*, got -1"),
        ((nl.elu, nl.elu, None, "float32", float("nan")), ValueError, "tolerance .* got nan"),
        (
            (nl.softmax, nl.softmin),
            ValueError,
            "first is NaN at all .* for elementwise activations",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        compare(*arguments)


def test_the_library_in_use_compiles_both():
    assert isinstance(nl.rectify(T.vector()), backend.Variable)
    assert repr(compare(nl.rectify, halves, dtype="float32")) == "<Comparison: they differ>"
