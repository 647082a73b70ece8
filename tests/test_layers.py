"""Layers: Lasagne's own layers with every activation, and its module replaced by this one."""

import pickle

import numpy as np
import pytest
from activations import BY_NAME, EVERY, OF_AXES, ROWS_BY_NAME
from helpers import (
    REPRESENTATIVE,
    T,
    blocking,
    evaluate,
    library,
    output_of,
    run_python,
    with_theano,
    with_theano_itself,
    without_a_compiler,
)

from lasagne_nl import nonlinearities as nl

needs_lasagne = pytest.mark.skipif(not with_theano, reason="Lasagne needs Theano")
needs_theano_itself = pytest.mark.skipif(
    not with_theano_itself, reason="Lasagne does not import with Theano-PyMC as it is"
)


# A module that Lasagne 0.1 needs, and Theano 1.0 has no more.
DOWNSAMPLE = """
import sys, types, theano.tensor.signal
from theano.tensor.signal import pool
downsample = types.ModuleType("theano.tensor.signal.downsample")
downsample.max_pool_2d = pool.pool_2d
theano.tensor.signal.downsample = sys.modules[downsample.__name__] = downsample
"""


@pytest.fixture(scope="module")
def layers():
    """The layers of Lasagne, which needs a name that Theano-PyMC has not, too."""
    exec(DOWNSAMPLE, {})
    if not with_theano_itself:
        from theano.sandbox import rng_mrg

        rng_mrg.MRG_RandomStreams = rng_mrg.MRG_RandomStream
    import lasagne

    lasagne.random.set_rng(np.random.RandomState(0))
    return lasagne.layers


def reference(name, array):
    """The activation of an array, by functions that other tests compare with mpmath."""
    if name in ROWS_BY_NAME:
        return ROWS_BY_NAME[name].values(array)
    return evaluate(BY_NAME[name], array, "FAST_COMPILE")[0]


def outputs(layers, layer, without, inputs, mode=None):
    """What a layer computes, and what the same layer with a linear activation does."""
    expressions = layers.get_output([layer, without])
    input_layers = [one for one in layers.get_all_layers(layer) if not hasattr(one, "input_layer")]
    variables = [one.input_var for one in input_layers]
    return library.function(variables, expressions, mode=mode)(inputs)


RNG = np.random.RandomState(7)


@needs_lasagne
@pytest.mark.parametrize("name", EVERY)
def test_a_dense_layer_applies_it(layers, name):
    source = layers.InputLayer((4, 5))
    layer = layers.DenseLayer(source, 3, nonlinearity=EVERY[name])
    linear = layers.DenseLayer(source, 3, W=layer.W, b=layer.b, nonlinearity=None)
    # Compiled for speed, one of each kind: a function, rows, a kink, a condition, several steps.
    mode = None if name in [*REPRESENTATIVE, "gelu", "mish", "sparsemax"] else "FAST_COMPILE"
    got, before = outputs(layers, layer, linear, RNG.randn(4, 5), mode)
    np.testing.assert_allclose(got, reference(name, before), rtol=1e-13, atol=1e-15)


@pytest.fixture(scope="module")
def convolution(layers):
    """A convolutional layer with no nonlinearity, and what it computes of some images."""
    layer = layers.Conv2DLayer(layers.InputLayer((2, 2, 6, 6)), 3, (3, 3), nonlinearity=None)
    return layer, layers.get_output(layer).eval(
        {layer.input_layer.input_var: RNG.randn(2, 2, 6, 6)}
    )


@needs_lasagne
@pytest.mark.parametrize("name", EVERY)
def test_a_convolutional_layer_applies_it(layers, convolution, name):
    linear, before = convolution
    given = {"W": linear.W, "b": linear.b, "nonlinearity": EVERY[name]}
    # The convolution is C, and is not compiled again for each.
    images = T.dtensor4()
    given["convolution"] = lambda *_, **__: images
    layer = layers.Conv2DLayer(linear.input_layer, 3, (3, 3), **given)
    got = library.function([images], layers.get_output(layer), mode="FAST_COMPILE")(before)
    assert got.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(got, reference(name, before), rtol=1e-13, atol=1e-15)


@needs_lasagne
@pytest.mark.parametrize("owner", OF_AXES)
def test_a_fully_convolutional_layer_is_normalised_over_its_channels(layers, owner):
    source = layers.InputLayer((2, 2, 6, 5))
    layer = layers.Conv2DLayer(source, 3, (3, 3), nonlinearity=owner(axis=1))
    linear = layers.Conv2DLayer(source, 3, (3, 3), W=layer.W, b=layer.b, nonlinearity=None)
    got, before = outputs(layers, layer, linear, RNG.randn(2, 2, 6, 5))
    expected = OF_AXES[owner].values(np.moveaxis(before, 1, -1))
    np.testing.assert_allclose(np.moveaxis(got, 1, -1), expected, rtol=1e-12, atol=1e-14)


@needs_lasagne
@pytest.mark.parametrize("activation, channels", [(nl.GLU(axis=1), 2), (nl.CReLU(axis=1), 8)])
def test_a_convolutional_layer_may_halve_or_double_its_channels(layers, activation, channels):
    source = layers.InputLayer((2, 2, 6, 5))
    layer = layers.Conv2DLayer(source, 4, (3, 3), nonlinearity=activation)
    got = layers.get_output(layer).eval({source.input_var: RNG.randn(2, 2, 6, 5)})
    assert got.shape == (2, channels, 4, 3)


@needs_lasagne
@pytest.mark.parametrize("name", EVERY)
def test_a_nonlinearity_layer_applies_it(layers, name):
    source = layers.InputLayer((3, 4))
    layer = layers.NonlinearityLayer(source, nonlinearity=EVERY[name])
    points = RNG.randn(3, 4)
    got = library.function([source.input_var], layers.get_output(layer), mode="FAST_COMPILE")
    np.testing.assert_allclose(T.as_tensor_variable(got(points)).eval(), reference(name, points))


@needs_theano_itself  # that layer of Lasagne asks theano.gof
@pytest.mark.parametrize("name", EVERY)
def test_a_recurrent_layer_applies_it_at_each_step(layers, name):
    source = layers.InputLayer((2, 3, 4))
    layer = layers.RecurrentLayer(source, 5, nonlinearity=EVERY[name])
    points = RNG.randn(2, 3, 4)
    with without_a_compiler():
        got = library.function([source.input_var], layers.get_output(layer))(points)
    by_shape = {p.get_value().shape: p.get_value() for p in layers.get_all_params(layer)}
    into, over, bias = by_shape[4, 5], by_shape[5, 5], by_shape[5,]
    state = np.zeros((2, 5))
    for step in range(3):
        state = reference(name, points[:, step].dot(into) + bias + state.dot(over))
        np.testing.assert_allclose(got[:, step], state, rtol=1e-12)


# A small package in Lasagne's place, or the real one's name blocked: the four situations.
FAKE = {
    "__init__.py": "from . import nonlinearities\nfrom . import layers\n",
    "nonlinearities.py": "def rectify(x):\n    return 'old'\n",
    "layers.py": "from . import nonlinearities as nl\nfrom . import nonlinearities\n"
    "def dense(nonlinearity=nonlinearities.rectify):\n    return nonlinearity\n",
}
CHECK = """
import lasagne_nl
from lasagne_nl import nonlinearities as ours
lasagne_nl.replace_lasagne()
lasagne_nl.replace_lasagne()
import lasagne.nonlinearities
assert lasagne.nonlinearities is ours
from lasagne import nonlinearities
assert nonlinearities is ours
from lasagne.nonlinearities import rectify
assert rectify is ours.rectify
import pickle
leaky = pickle.loads(PICKLE)
assert type(leaky) is ours.LeakyRectify and leaky.leakiness == 0.2, leaky
assert pickle.loads(FUNCTION) is ours.rectify
"""
# As Lasagne wrote them: the class by reference, the attributes, no constructor.
PICKLE = (
    b"\x80\x02clasagne.nonlinearities\nLeakyRectify\nq\x00)\x81q\x01}q\x02X\t\x00\x00\x00"
    b"leakinessq\x03G?\xc9\x99\x99\x99\x99\x99\x9asb."
)
FUNCTION = b"\x80\x02clasagne.nonlinearities\nrectify\nq\x00."
CHECK = CHECK.replace("PICKLE", repr(PICKLE)).replace("FUNCTION", repr(FUNCTION))


@pytest.fixture
def fake_lasagne(tmp_path):
    package = tmp_path / "lasagne"
    package.mkdir()
    for name, text in FAKE.items():
        (package / name).write_text(text)
    return "import sys\nsys.path.insert(0, {!r})\n".format(str(tmp_path))


def test_replacing_works_where_lasagne_is_not_installed():
    output_of(blocking("lasagne") + CHECK)


def test_replacing_works_where_lasagne_is_not_installed_but_something_in_its_name_was_imported():
    stand_in = "import sys, types\nsys.modules['lasagne'] = types.ModuleType('lasagne')\n"
    output_of(stand_in + CHECK)


def test_replacing_works_where_lasagne_is_installed_and_not_imported(fake_lasagne):
    defaults = "from lasagne.layers import dense\nassert dense() is ours.rectify\n"
    output_of(fake_lasagne + CHECK + defaults)


def test_replacing_works_where_lasagne_was_imported_already(fake_lasagne):
    rebound = (
        "from lasagne import layers\n"
        "assert layers.nl is ours and layers.nonlinearities is ours\n"
        "assert layers.dense()(1) == 'old', 'a default argument stays bound, as documented'\n"
    )
    output_of(fake_lasagne + "import lasagne.nonlinearities\n" + CHECK + rebound)


@needs_theano_itself
def test_replacing_works_with_a_real_lasagne_that_cannot_be_imported_whole():
    # Lasagne 0.1 with Theano 1.0: its layers lack theano.tensor.signal.downsample.
    rest = """
import lasagne.updates
assert lasagne.updates.sgd
try:
    lasagne.layers
except AttributeError as error:
    assert "downsample" in str(error), error
else:
    raise AssertionError("layers came from nowhere")
"""
    output_of(CHECK + rest)


@needs_theano_itself
@pytest.mark.parametrize("imported", [False, True])
def test_replacing_works_with_a_real_lasagne(imported):
    program = "import lasagne_nl\n" + DOWNSAMPLE + "import lasagne\n" * imported + CHECK
    program += """
import inspect
default = inspect.signature(lasagne.layers.DenseLayer.__init__).parameters["nonlinearity"].default
assert (default is ours.rectify) is not {}
assert lasagne.layers.dense.nonlinearities is ours
""".format(imported)
    output_of(program)


def test_a_missing_part_of_lasagne_says_who_stands_in_for_it():
    program = blocking("lasagne") + CHECK + "import lasagne\nlasagne.layers\n"
    done = run_python(program)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "lasagne_nl stands in for Lasagne, which cannot be imported here (" in said
    assert "Error: " in said.split("cannot be imported here (")[1].split("), and has nothing")[0]


def test_the_pickles_of_this_test_are_what_pickle_writes():
    from lasagne_nl.nonlinearities import LeakyRectify

    theirs = PICKLE.replace(b"clasagne.", b"clasagne_nl.")
    assert pickle.dumps(LeakyRectify(0.2), 2) == theirs
