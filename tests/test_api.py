"""The API: names, signatures, attributes, aliases, and what the objects do."""

import copy
import importlib
import inspect
import math
import pickle
import pydoc
import sys
import textwrap
import types

import numpy as np
import pytest
from activations import ALL, CLASSES, OTHER_CLASSES
from helpers import backend, library, tensor

import lasagne_nl
from lasagne_nl import nonlinearities as nl

pprint = importlib.import_module(library.__name__ + ".printing").pprint

READING_ORDER = [
    "sigmoid", "softmax", "tanh", "ScaledTanH", "ScaledTanh", "rectify", "LeakyRectify",
    "leaky_rectify", "very_leaky_rectify", "elu", "SELU", "selu", "softplus", "linear", "identity",
    # Beyond Lasagne.
    "relu", "ELU", "CELU", "celu", "GELU", "gelu", "Swish", "silu", "swish", "mish", "softsign",
    "Softplus", "Squareplus", "squareplus", "HardSigmoid", "hard_sigmoid", "HardTanh", "hard_tanh",
    "hard_silu", "hard_swish", "ClippedRectify", "relu6", "log_sigmoid", "Softmax", "LogSoftmax",
    "log_softmax", "softmin", "Sparsemax", "sparsemax", "sparse_plus", "sparse_sigmoid",
    "HardShrink", "SoftShrink", "tanh_shrink", "Threshold", "GLU", "glu", "CReLU", "crelu",
]  # fmt: skip
ALIASES = {
    "ScaledTanh": "ScaledTanH", "identity": "linear", "relu": "rectify", "swish": "silu",
    "hard_swish": "hard_silu",
}  # fmt: skip
NAMES = [name for name in READING_ORDER if name not in ALIASES]
FUNCTIONS = [name for name in NAMES if isinstance(getattr(nl, name), types.FunctionType)]
OWNERS = [name for name in NAMES if isinstance(getattr(nl, name), type)]
INSTANCES = [name for name in NAMES if name not in FUNCTIONS + OWNERS]
EVERY_CLASS = CLASSES + OTHER_CLASSES


def test_all_lists_the_names_of_lasagne_and_then_the_others_in_reading_order():
    assert nl.__all__ == READING_ORDER


def test_names_of_classes_begin_with_a_capital_and_others_do_not():
    assert [name for name in NAMES if name[0].isupper()] == OWNERS
    assert len(FUNCTIONS) == 15 and len(INSTANCES) == 14


def test_the_package_exports_the_module_the_replacement_and_the_comparison():
    assert lasagne_nl.__all__ == ["compare", "nonlinearities", "replace_lasagne"]
    assert lasagne_nl.nonlinearities is nl
    assert len(lasagne_nl.__version__.split(".")) == 3


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_one_argument_named_x(name):
    assert list(inspect.signature(getattr(nl, name)).parameters) == ["x"]


SIGNATURES = {
    nl.ScaledTanH: "(scale_in=1, scale_out=1)",
    nl.LeakyRectify: "(leakiness=0.01)",
    nl.SELU: "(scale=1, scale_neg=1)",
    nl.ELU: "(alpha=1)",
    nl.CELU: "(alpha=1)",
    nl.GELU: "(approximate=False)",
    nl.Swish: "(beta=1)",
    nl.Softplus: "(beta=1)",
    nl.Squareplus: "(b=4)",
    nl.HardSigmoid: "(slope=0.16666666666666666, shift=0.5)",
    nl.HardTanh: "(min_value=-1, max_value=1)",
    nl.ClippedRectify: "(max_value)",
    nl.Softmax: "(axis=-1)",
    nl.LogSoftmax: "(axis=-1)",
    nl.Sparsemax: "(axis=-1)",
    nl.HardShrink: "(threshold=0.5)",
    nl.SoftShrink: "(threshold=0.5)",
    nl.Threshold: "(threshold, value)",
    nl.GLU: "(axis=-1)",
    nl.CReLU: "(axis=-1)",
}


@pytest.mark.parametrize("owner", SIGNATURES)
def test_classes_have_the_documented_parameters_and_defaults_in_order(owner):
    assert str(inspect.signature(owner)) == SIGNATURES[owner]
    instance = owner(**dict(EVERY_CLASS)[owner])
    assert list(inspect.signature(instance).parameters) == ["x"]


@pytest.mark.parametrize("owner, parameters", EVERY_CLASS)
def test_parameters_are_public_attributes_by_name_and_by_position(owner, parameters):
    for instance in (owner(**parameters), owner(*parameters.values())):
        assert {name: getattr(instance, name) for name in parameters} == parameters


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_are_the_same_object(alias):
    assert getattr(nl, alias) is getattr(nl, ALIASES[alias])


@pytest.mark.parametrize(
    "name, made",
    [
        ("leaky_rectify", "LeakyRectify(leakiness=0.01)"),
        ("very_leaky_rectify", "LeakyRectify(leakiness=0.3333333333333333)"),
        ("selu", "SELU(scale=1.0507009873554805, scale_neg=1.6732632423543772)"),
        ("celu", "CELU(alpha=1)"),
        ("gelu", "GELU(approximate=False)"),
        ("silu", "Swish(beta=1)"),
        ("squareplus", "Squareplus(b=4)"),
        ("hard_sigmoid", "HardSigmoid(slope=0.16666666666666666, shift=0.5)"),
        ("hard_tanh", "HardTanh(min_value=-1, max_value=1)"),
        ("relu6", "ClippedRectify(max_value=6)"),
        ("log_softmax", "LogSoftmax(axis=-1)"),
        ("sparsemax", "Sparsemax(axis=-1)"),
        ("glu", "GLU(axis=-1)"),
        ("crelu", "CReLU(axis=-1)"),
    ],
)
def test_named_instances_have_the_published_parameters(name, made):
    assert repr(getattr(nl, name)) == made


def test_linear_returns_its_argument_itself():
    anything = object()
    assert nl.linear(anything) is anything


@pytest.mark.parametrize(
    "owner, parameter, function",
    [
        (nl.LeakyRectify, 0, nl.rectify),
        (nl.ELU, 1, nl.elu),
        (nl.Softplus, 1, nl.softplus),
        (nl.Squareplus, 0, nl.rectify),
    ],
)
def test_a_class_with_the_parameter_of_a_function_is_that_function(owner, parameter, function):
    """And so has its kernel, and the rewrites that know its expression."""
    x = tensor("x", "float32", 2)
    assert pprint(owner(parameter)(x)) == pprint(function(x))


@pytest.mark.parametrize("owner, parameters", EVERY_CLASS)
def test_repr_rebuilds_the_object(owner, parameters):
    rebuilt = eval(repr(owner(**parameters)), vars(nl))
    assert type(rebuilt) is owner and vars(rebuilt) == parameters


@pytest.mark.parametrize("parameter", ["float32", "float64", "int8"])
def test_repr_shows_a_numpy_scalar_as_the_number_it_is(parameter):
    value = np.dtype(parameter).type(1.25)
    assert repr(nl.LeakyRectify(value)) == "LeakyRectify(leakiness={!r})".format(value.item())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ALL)
def test_every_activation_survives_pickling(name, protocol):
    activation = ALL[name]
    again = pickle.loads(pickle.dumps(activation, protocol))
    assert again is activation or (
        type(again) is type(activation) and vars(again) == vars(activation)
    )


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("owner, parameters", EVERY_CLASS)
def test_objects_copy(owner, parameters, copying):
    again = copying(owner(**parameters))
    assert type(again) is owner and vars(again) == parameters


@pytest.mark.parametrize("owner, parameters", EVERY_CLASS)
def test_a_pickled_object_holds_no_library_object(owner, parameters):
    written = pickle.dumps(owner(**parameters))
    assert not [module for module in backend._MODULES if module.encode() in written]


class OfAngle(nl.LeakyRectify):
    def __init__(self, angle, label=None):
        super().__init__(math.tan(angle))
        self.angle, self.label = angle, label


class Swapped(nl.ScaledTanH):
    def __init__(self, scale_out=1.7159, scale_in=0.5):
        super().__init__(scale_in, scale_out)


class OfChannels(nl.Softmax):
    def __init__(self):
        super().__init__(1)


def test_a_subclass_may_have_a_constructor_of_its_own():
    one, two, three = pickle.loads(pickle.dumps([OfAngle(0.5, "a"), Swapped(), OfChannels()]))
    assert vars(one) == {"leakiness": math.tan(0.5), "angle": 0.5, "label": "a"}
    assert vars(two) == {"scale_in": 0.5, "scale_out": 1.7159} and vars(three) == {"axis": 1}
    x = np.array([[-1.0, 2.0]])

    def value(activation):
        return library.function([], activation(x), mode="FAST_COMPILE")()

    for own, same in ((one, nl.LeakyRectify(math.tan(0.5))), (two, nl.ScaledTanH(0.5, 1.7159))):
        np.testing.assert_array_equal(value(own), value(same))
    np.testing.assert_allclose(value(three).sum(), 1)
    two.scale_out = 1.0
    np.testing.assert_allclose(value(two), np.tanh(x / 2))


def test_a_shared_parameter_survives_pickling_and_deepcopy():
    shared = library.shared(0.25, name="slope")
    original = nl.LeakyRectify(shared)
    for again in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
        assert again.leakiness.get_value() == 0.25 and again.leakiness is not shared
    assert copy.copy(original).leakiness is shared


@pytest.mark.parametrize("name", READING_ORDER)
def test_every_name_has_a_docstring_of_its_own(name):
    documented = getattr(nl, name)
    doc = inspect.getdoc(documented)
    assert doc and len(doc) > 100
    if name in INSTANCES:
        assert doc.startswith(name + "(x)")
        assert doc != inspect.getdoc(type(documented))


@pytest.mark.parametrize("name", FUNCTIONS + OWNERS)
def test_docstrings_have_the_sections_of_numpydoc(name):
    doc = inspect.getdoc(getattr(nl, name))
    needed = ["Parameters\n---"]
    if name != "linear":
        needed += ["References\n---"]
    for section in needed:
        assert section in doc, section


def help_on(thing):
    return pydoc.plain(pydoc.render_doc(thing))


def test_help_on_the_module_begins_with_examples_and_a_table_of_every_name():
    guide = help_on(nl).split("\nCLASSES\n")[0]
    assert guide.index("import lasagne_nl  # before theano") < guide.index("sigmoid")
    for name in READING_ORDER:
        if name != "ScaledTanh":  # an alias for the sake of old programs
            assert "`{}`".format(name) in guide, name


def test_the_example_of_the_module_runs_as_it_is_written():
    block = inspect.getdoc(nl).split("::\n\n", 1)[1].split("\n\nClasses", 1)[0]
    program = textwrap.dedent(block).replace("theano.tensor", library.__name__ + ".tensor")
    made = {"DenseLayer": lambda incoming, **options: options, "incoming": None}
    exec(program, made)
    assert (
        made["y"].ndim == 2 and repr(made["layer"]["nonlinearity"]) == "LeakyRectify(leakiness=0.2)"
    )


@pytest.mark.parametrize("name", OWNERS)
def test_help_on_a_class_says_what_each_method_does(name):
    text = help_on(getattr(nl, name))
    assert "Initialize self" not in text and "Call self" not in text and "repr(self)" not in text
    assert inspect.getdoc(getattr(nl, name)).splitlines()[0] in text


@pytest.mark.skipif(sys.version_info < (3, 9), reason="help on an object is that on its class")
@pytest.mark.parametrize("name", INSTANCES)
def test_help_on_an_instance_shows_its_parameters_and_its_own_text(name):
    instance = getattr(nl, name)
    text = help_on(instance)
    assert repr(instance) in text and "Methods" not in text
    assert all(line in text for line in inspect.getdoc(instance).splitlines())
