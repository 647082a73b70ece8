"""An activation is known in a graph by its own expression, whose place its kernel takes."""

import numpy as np
import pytest
from helpers import (
    AS_IT_IS,
    DTYPES,
    MODES,
    PRELUDE,
    T,
    change_flags,
    compiled,
    fast,
    library,
    only_graph,
    output_of,
    simd_is_active,
    tensor,
)

from lasagne_nl import nonlinearities as nl

pytestmark = pytest.mark.skipif(not simd_is_active(), reason="the kernels do not serve here")
if simd_is_active():
    from lasagne_nl.simd import recognition

# Parameters for each class that has a kernel.
PARAMETERS = {
    "LeakyRectify": [(0.01,), (-1.7,), (1,)],
    "SELU": [(1.05, 1.67), (-2, 0.3)],
    "ScaledTanH": [(2.0 / 3, 1.7159), (-0.4, 3)],
    "ELU": [(1.7,), (-0.6,)],
    "CELU": [(0.7,), (-1.3,)],
    "Swish": [(1.7,), (-0.01,), (40,)],
    "Softplus": [(2.5,), (-1.3,), (0.01,)],
    "Squareplus": [(4,), (0.3,)],
    "HardSigmoid": [(0.2,), (-0.3, 0.4)],
    "HardTanh": [(-2, 3)],
    "ClippedRectify": [(6,)],
    "HardShrink": [(1,)],
    "SoftShrink": [(1,)],
    "Threshold": [(1, 3), (-1, 0)],
    "GELU": [(True,)],
}
FIXED = "GELU", "HardSigmoid"  # in the kernel
MAY_BE_ZERO = "LeakyRectify SELU ScaledTanH ELU Swish HardShrink SoftShrink".split()
ACTIVATIONS = [name for name in nl.__all__ if simd_is_active() and name in recognition.OPERATIONS]
CASES = [(name, parameters) for name in ACTIVATIONS for parameters in PARAMETERS.get(name, [()])]


def made(name, parameters):
    activation = getattr(nl, name)
    return activation(*parameters) if parameters else activation


def kernels_of(function):
    """The names of the kernels of activations in a compiled function."""

    def names(op):
        op = getattr(op, "scalar_op", op)
        inner = op.fgraph.apply_nodes if hasattr(op, "fgraph") else ()
        own = [type(op).__name__] if isinstance(op, recognition.Activation) else []
        return own + [name for node in inner for name in names(node.op)]

    return sorted(name for n in function.maker.fgraph.toposort() for name in names(n.op))


def expected(name):
    return sorted(kernel for kernel in (name, name + "_slope") if kernel in recognition.OPERATIONS)


def value_and_slope(activation, dtype, ndim=1):
    x, g = tensor("x", dtype, ndim), tensor("g", dtype, ndim)
    y = activation(x)
    return [x, g], [y, library.grad(None, x, known_grads={y: g})]


def both(inputs, outputs):
    """A function with kernels, and one of the expressions as they stand."""
    return [compiled(inputs, outputs, mode) for mode in (fast(), AS_IT_IS)]


def step(activation, dtype, **options):
    """A function that trains a layer with a bias, as a program has it."""
    inputs, weights = tensor("inputs", dtype, 2), library.shared(np.ones((3, 4), dtype))
    bias = library.shared(np.zeros(4, dtype))
    cost = T.sqr(activation(T.dot(inputs, weights) + bias) - 1).mean()
    updates = [(p, p - g / 8) for p, g in zip((weights, bias), library.grad(cost, [weights, bias]))]
    return library.function([inputs], cost, updates=updates, **options)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_slope_of_a_training_step_are_one_operation_each(name, dtype):
    for parameters in PARAMETERS.get(name, [()])[:1]:
        function = step(made(name, parameters), dtype, mode=only_graph())
        assert kernels_of(function) == expected(name)


@pytest.mark.parametrize("kind", ["number among them", "scalar", "row"])
@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n in PARAMETERS and n not in FIXED])
def test_parameters_that_are_learnt_are_inputs_of_the_kernel(name, kind):
    values = PARAMETERS[name][0]
    shape = (4,) if kind == "row" else ()
    shared = [library.shared(np.full(shape, value, "float32")) for value in values]
    if kind == "number among them":
        shared[-1] = values[-1]
    function = step(getattr(nl, name)(*shared), "float32", mode=only_graph())
    assert kernels_of(function) == expected(name)


def edges(dtype):
    info = np.finfo(dtype)
    finite = [0.0, -0.0, info.tiny / 4, -info.tiny / 4, 1, -1, 3, -3, 6, 88, -88, -104, 710, -746]
    return np.array([*finite, info.max, -info.max, np.inf, -np.inf, np.nan] * 3, dtype)


@pytest.mark.parametrize("name, parameters", CASES)
def test_at_the_edges_a_kernel_is_what_the_expression_is(name, parameters):
    halves = [value_and_slope(made(name, parameters), dtype) for dtype in DTYPES]
    inputs, outputs = (of_one + of_other for of_one, of_other in zip(*halves))
    # In one loop with a kernel, which GCC may make something else of.
    ours, theirs = both(inputs, [-one for one in outputs])
    assert kernels_of(ours) == sorted(expected(name) * 2) and not kernels_of(theirs)
    for incoming in (1, -0.3, 0):
        points = [array for x in map(edges, DTYPES) for array in (x, np.full_like(x, incoming))]
        # The expression rounds exponents, and the slope of a tanh is a difference from 1.
        for one, other, x in zip(ours(*points), theirs(*points), np.repeat(points[::2], 2, axis=0)):
            # Not where an infinite slope meets an incoming 0.
            same, eps = ~np.isnan(other) | np.isnan(x), np.finfo(one.dtype).eps
            np.testing.assert_allclose(one[same], other[same], rtol=999 * eps, atol=eps)


@pytest.mark.parametrize("name", [n for n in MAY_BE_ZERO if n in ACTIVATIONS])
def test_a_learnt_parameter_may_be_zero_and_negative(name):
    values = np.array([0, -0.6, 1, 2], "float32")
    parameters = [library.shared(values[::step]) for step in (1, -1)][: len(PARAMETERS[name][0])]
    if name == "SELU":
        parameters[0] = library.shared(values + 1)
    inputs, outputs = value_and_slope(getattr(nl, name)(*parameters), "float32", 2)
    x = np.array([[-np.inf] * 4, [-2] * 4, [0] * 4, [1.5] * 4, [np.inf] * 4], "float32")
    ours, theirs = (f(x, np.ones_like(x)) for f in both(inputs, outputs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_else_a_graph_takes_of_an_activation_stays_right(name):
    """The input has other clients, and the parts of the expression have: by hand, by a second
    derivative, by a second call.
    """
    activation = made(name, PARAMETERS.get(name, [()])[0])
    x = tensor("x", "float64", 1)
    y = activation(x) + x * activation(x) + T.sqr(x) * (x > 0)
    first = library.grad(y.sum(), x)
    outputs = [y, first, library.grad(first.sum(), x), T.switch(x > 0, x, T.expm1(x * (x < 0)))]
    points = np.linspace(-4, 4, 41) + 0.03
    ours, theirs = (f(points) for f in both([x], outputs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name, parameter, number", [
    ("hard_sigmoid", "slope", 0.2), ("silu", "beta", 2.0), ("gelu", "approximate", True),
])  # fmt: skip
def test_a_parameter_that_a_program_has_set_is_that_of_the_kernel(name, parameter, number):
    program = """
nl.{0}.{1} = {2}
points = np.array([-2.0, -0.5, 0.3, 1.7])
x = T.dvector()
y = nl.{0}(x)
outputs = [y, library.grad(y.sum(), x)]
functions = [library.function([x], outputs, mode=mode) for mode in (None, "FAST_COMPILE")]
np.testing.assert_allclose(*[function(points) for function in functions], rtol=1e-6, atol=1e-9)
"""
    output_of(PRELUDE + program.format(name, parameter, number))


@pytest.mark.parametrize("activation", [nl.log_sigmoid, nl.Softplus(2.5)])
def test_an_incoming_gradient_that_is_not_finite_stays_so(activation):
    inputs, (_, slope) = value_and_slope(activation, "float32")
    function = compiled(inputs, slope, fast())
    x = np.array([-3, 0, 3, -150, 150], "float32")
    incoming = np.array([np.inf, -np.inf, np.inf, np.nan, np.nan], "float32")
    np.testing.assert_array_equal(function(x, incoming), incoming)


@pytest.mark.parametrize(
    "name, number",
    [
        ("HardTanh", np.nan),
        ("ClippedRectify", np.nan),
        ("HardShrink", np.nan),
        ("Threshold", np.nan),
        ("Squareplus", np.nan),
        ("Squareplus", -1),
    ],
)
def test_a_learnt_parameter_that_has_become_nan_or_is_not_allowed_shows(name, number):
    parameters = [library.shared(np.float32(number)) for _ in PARAMETERS[name][0]]
    inputs, (value, _) = value_and_slope(getattr(nl, name)(*parameters), "float32")
    function = compiled(inputs, value, fast())
    assert kernels_of(function) == [name]
    assert np.isnan(function(np.array([0.5, 2, 3], "float32"), np.ones(3, "float32"))).all()


def test_the_slope_of_what_is_no_float32_or_float64_is_left_as_it_is():
    x, k = tensor("x", "float16", 1), tensor("k", "int32", 1)
    s = T.tanh(k)
    outputs = [library.grad(nl.sigmoid(x).sum(), x), 1 - s * s]
    function = library.function([x, k], outputs, mode=only_graph())
    assert kernels_of(function) == []


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_slope_does_not_cancel_where_the_value_is_not_there_anyway(name):
    x, g = tensor("x", "float64", 1), tensor("g", "float64", 1)
    value = getattr(nl, name)(x)
    slope = library.grad(None, x, known_grads={value: g})
    alone, beside = (compiled([x, g], made, fast()) for made in (slope, [value, slope]))
    assert kernels_of(alone) == ["slope_of_" + name] and kernels_of(beside) == []
    points = np.array([0.0, -0.3, 1, -5, 18, 36, -350, 720, -np.inf])
    e, scale = (np.exp(-2 * abs(points)), 4) if name == "tanh" else (np.exp(-abs(points)), 1)
    exact = 1.5 * scale * e / (1 + e) ** 2
    np.testing.assert_allclose(alone(points, np.full(9, 1.5)), exact, rtol=1e-15)
    np.testing.assert_allclose(beside(points, np.full(9, 1.5))[1], exact, rtol=0, atol=1e-15)


def test_what_only_looks_like_a_slope_keeps_its_value():
    nl.sigmoid(0.0), nl.tanh(0.0)
    row, k = tensor("row", "float64", 2, (True, False)), tensor("k", "int64", 2)
    ones = T.zeros_like(k) + np.float64(1)
    s, t, u = nl.sigmoid(row), nl.tanh(row), nl.sigmoid(-row)
    outputs = [s * (ones - s), ones - T.sqr(t), u * u * (1 - u), T.exp(-u), 1 - T.sqr(T.tanh(k))]
    # Theano's C linker fails at the ones.
    ours, theirs = (library.function([row, k], outputs, mode=m) for m in ("FAST_RUN", AS_IT_IS))
    points = [[0.3, -2, 30]], [[1, 2, 3]] * 2
    for one, other in zip(ours(*points), theirs(*points)):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


def test_what_is_divided_by_the_slope_of_tanh_cancels_with_it():
    x = tensor("x", "float64", 1)
    log = T.log(1 - T.sqr(nl.tanh(x)))
    function = library.function([x], library.grad(log.sum(), x), mode=fast())
    points = np.array([0.0, -0.3, 5, 30, -350, np.inf])
    np.testing.assert_allclose(function(points), -2 * np.tanh(points), rtol=1e-15)


def test_what_only_looks_like_an_activation_keeps_its_value():
    x = tensor("x", "float32", 1)
    nl.rectify(x), nl.LeakyRectify(2)(x), nl.elu(x)  # so that they are looked for
    below = T.switch(x > 0, 0, x - 8)
    y = T.switch(x > 0, x, T.switch(x < 0, below, (x + below) * np.float32(0.5) - abs(x)))
    z = T.switch(x > 0, x, T.switch(x < 0, 0, np.float32(0.5) * abs(x - 2) - abs(x)))
    other = T.switch(x > 0, x, T.expm1(T.switch(x > 1, 0, x)))
    function = library.function([x], [y, z, other], mode=fast())
    assert kernels_of(function) == []
    values = np.array([-1, 0, 1], "float32")
    exact = [[-9, -4, 1], [0, 1, 1], [np.expm1(np.float32(-1)), 0, 1]]
    np.testing.assert_allclose(function(values), exact, rtol=1e-6)


@pytest.mark.parametrize("linked", [name for name in MODES if name != "FAST_COMPILE"])
def test_what_is_fused_with_a_kernel_changes_no_bit_of_it(linked):
    x, row = tensor("x", "float32", 2), tensor("row", "float32", 1)
    points = np.linspace(-4, 4, 4000).astype("float32").reshape(40, 100)
    for activation in (nl.ScaledTanH(2.0 / 3, 1.7159), nl.selu, nl.Swish(1.7)):
        alone = library.function([x], activation(x), mode=linked)(points)
        fused = library.function([x, row], activation(x + row), mode=linked)
        np.testing.assert_array_equal(fused(points, np.zeros(100, "float32")), alone)


@pytest.mark.parametrize("number", [1e-30, 1e30])
def test_numbers_whose_products_may_overflow_are_left_to_the_expression(number):
    x = tensor("x", "float32", 1)
    nl.ScaledTanH(2, library.shared(number))(x)  # so that variables are looked for, too
    for scales in ((number, 2), (2, number)):
        function = library.function([x], nl.ScaledTanH(*scales)(x), mode=only_graph())
        assert kernels_of(function) == []


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_without_a_compiler_a_kernel_is_computed_by_its_expression(name):
    inputs, outputs = value_and_slope(made(name, PARAMETERS.get(name, [()])[0]), "float32")
    ours, theirs = (compiled(inputs, outputs, m) for m in (only_graph(), "FAST_COMPILE"))
    assert kernels_of(ours) == expected(name)
    points = np.linspace(-3, 3, 7).astype("float32")
    for one, other in zip(ours(points, points), theirs(points, points)):
        assert one.dtype == "float32"
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_without_a_compiler_a_kernel_takes_what_a_condition_makes_of_integers():
    x, k = tensor("x", "float32", 1), tensor("k", "int8", 1)
    outputs = [nl.elu(T.switch(k > 0, x, 0)), nl.rectify(T.switch(x > 0, x, T.isnan(x)))]
    with change_flags(warn_float64="raise"):
        ours, theirs = (compiled([x, k], outputs, m) for m in (only_graph(), AS_IT_IS))
        points = np.array([-1, 2, 0.5], "float32"), np.array([1, 0, -3], "int8")
        for one, other in zip(ours(*points), theirs(*points)):
            assert one.dtype == other.dtype == "float32"
            np.testing.assert_allclose(one, other, rtol=1e-6)
