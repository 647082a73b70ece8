"""Tensors whose dimensions have names (XTensorVariable of PyTensor, dims of PyMC)."""

import importlib

import numpy as np
import pytest
from activations import EVERY
from helpers import T, library

from lasagne_nl import backend
from lasagne_nl import nonlinearities as nl

if not backend.has_named_dims():
    pytest.skip("the library has none", allow_module_level=True)
xtensor = importlib.import_module("pytensor.xtensor").xtensor

POINTS = np.random.RandomState(0).randn(2, 4)


def computed(y, x):
    slope = library.grad((getattr(y, "values", y) ** 2).sum(), x)
    return library.function([x], [y, slope], mode="FAST_COMPILE")(POINTS)


def assert_same(named, plain):
    """Whether an activation of named dims gives what another does of the same array."""
    x, matrix = xtensor("x", dims=("row", "column"), shape=(None, 4)), T.dmatrix()
    y = named(x)
    assert y.type.dims == ("row", "column")
    assert y is x or y.name == plain(matrix).name
    for got, expected in zip(computed(y, x), computed(plain(matrix), matrix)):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_every_activation_keeps_the_dims(name):
    assert_same(EVERY[name], EVERY[name])


@pytest.mark.parametrize("owner", [nl.Softmax, nl.LogSoftmax, nl.Sparsemax, nl.GLU, nl.CReLU])
@pytest.mark.parametrize("axis, number", [("row", 0), ("column", 1)])
def test_an_axis_is_given_by_the_name_of_its_dim(owner, axis, number):
    assert_same(owner(axis), owner(number))
    assert repr(owner(axis)) == "{}(axis='{}')".format(owner.__name__, axis)


def test_several_axes_are_given_by_names_and_numbers():
    assert_same(nl.Softmax(("row", "column")), nl.Softmax((0, 1)))
    assert_same(nl.Softmax(("row", -1)), nl.Softmax((0, 1)))


def test_a_dim_that_the_input_does_not_have_is_refused():
    x = xtensor("x", dims=("row", "column"), shape=(None, None))
    message = r"^Softmax: axis = 'lane' is not a dim of x, which has the dims \('row', 'column'\)$"
    with pytest.raises(ValueError, match=message):
        nl.Softmax("lane")(x)
    message = "^GLU: axis = 'lane' is not a dim of x, which has no names$"
    with pytest.raises(ValueError, match=message):
        nl.GLU("lane")(T.matrix())
    with pytest.raises(ValueError, match="names an axis of x twice"):
        nl.Softmax(("row", 0))(x)


def test_a_parameter_with_named_dims_is_refused_with_what_to_pass():
    k = xtensor("k", dims=())
    with pytest.raises(TypeError, match="its dims have names; pass its values, .*: k.values$"):
        nl.LeakyRectify(k)
    assert nl.LeakyRectify(k.values)(xtensor("x", dims=("row",))).type.dims == ("row",)
