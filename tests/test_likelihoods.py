"""The logs of probabilities that a sigmoid or a softmax makes, and their gradients, beyond where
the probabilities round to 0 or 1."""

import functools
import os
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from activations import BY_NAME, ROWS_BY_NAME
from helpers import DTYPES, FLAGS, MODES, ROOT, T, gradient, library, only_graph, output_of, tensor

from lasagne_nl import _rewriting
from lasagne_nl import nonlinearities as nl
from lasagne_nl.backend import module

SCORES = (-10000, -1000, -100, -40, -20, -1, 0, 2, 17, 37, 90, 745, 10000)
ROWS = ((10000, -10000, 0), (0, -1000, -2000), (-1000, 1000, 1000), (3, -2, 1), (90, 10000, 50))
LABELS = [1, 1, 0, 2, 1]
STEP, INF = "1e-60", np.inf
softmax = ROWS_BY_NAME["softmax"].value


def digits(*scores):
    """So many that 1 less the smallest probability is not 1, nor its difference quotient 0."""
    return 100 + (max(*scores, 0) - min(*scores, 0)) * 4 // 9


# What likelihoods are made of: functions of variables; and the same of arrays of numbers that have
# so many digits that nothing is lost.
SYMBOLIC = SimpleNamespace(**dict(vars(T), sigmoid=nl.sigmoid))
OF_NUMBERS = {
    "sigmoid": BY_NAME["sigmoid"].value,
    "log": mpmath.log,
    "log1p": lambda x: mpmath.log(1 + x),
    "exp": mpmath.exp,
}
EXACT = SimpleNamespace(
    **dict(vars(np), **{name: np.frompyfunc(f, 1, 1) for name, f in OF_NUMBERS.items()})
)
EXACT.switch, EXACT.neq, EXACT.eq = np.where, np.not_equal, np.equal
# Of whatever number of rows.
EXACT.specify_shape = EXACT.reshape = lambda array, shape: array.reshape(-1, *shape[1:])


def ordered(o, scores):
    """The probabilities of five classes in an order, between four scores."""
    below = [o.sigmoid(scores - cut) for cut in (3, 1, -1, -4)]
    below = o.stack([o.zeros_like(scores), *below, o.ones_like(scores)])
    return below[1:] - below[:-1]


# Likelihoods of a vector of scores and one of observations, made of SYMBOLIC or of EXACT.
OF_A_SIGMOID = {
    "log(s)": lambda o, x, y: o.log(o.sigmoid(x)),
    "log(1 - s)": lambda o, x, y: o.log(1 - o.sigmoid(x)),
    "log1p(-s)": lambda o, x, y: o.log1p(-o.sigmoid(x)),
    "cross-entropy": lambda o, x, y: y * o.log(o.sigmoid(x)) + (1 - y) * o.log(1 - o.sigmoid(x)),
    "log(switch)": lambda o, x, y: o.log(o.switch(o.neq(y, 0), o.sigmoid(x), 1 - o.sigmoid(x))),
    "log(switch) of another": lambda o, x, y: o.log(
        o.switch(o.neq(y, 0), o.sigmoid(x), 3 + abs(x))
    ),
    "log(1 - switch) of another": lambda o, x, y: o.log(
        1 - o.switch(o.neq(y, 0), o.sigmoid(x), 0.5 * o.exp(-abs(x)))
    ),
    "log1p(-concatenate) with another": lambda o, x, y: o.log1p(
        -o.concatenate([o.sigmoid(x), 0.5 * o.exp(-abs(x))])
    )[: x.shape[0]],
    "switch(log)": lambda o, x, y: o.switch(
        o.neq(y, 0), o.log(o.sigmoid(x)), o.log(1 - o.sigmoid(x))
    ),
    "log(difference)": lambda o, x, y: o.log(o.sigmoid(x + 2) - o.sigmoid(x - 1)),
    "log(difference to a constant)": lambda o, x, y: o.log(1 - o.sigmoid(-abs(x) - 1) - 0.25),
    "the first of ordered": lambda o, x, y: o.log(ordered(o, x)[0]),
    "one of ordered": lambda o, x, y: o.log(ordered(o, x).T[:, 1]),
    "the last of ordered": lambda o, x, y: o.log(ordered(o, x)[4]),
    "beside a client": lambda o, x, y: o.log(o.sigmoid(x)) + 3 * o.sigmoid(x),
    "with half of it unlikely": lambda o, x, y: o.log(
        o.concatenate([o.sigmoid(x), 1 - o.sigmoid(x)])
    ).reshape((2, -1))[1],
}


def of_labels(o, p, y):
    return p[o.arange(y.shape[0]), y]


# The same of the softmax of rows of scores, and a label for each row.
OF_A_SOFTMAX = {
    "log(p[y])": lambda o, p, y: o.log(of_labels(o, p, y)),
    "log(p[y]) + p[0]": lambda o, p, y: o.log(of_labels(o, p, y)) + p[:, 0],
    "log1p(-p[1])": lambda o, p, y: o.log1p(-p[:, 1]),
    "log(1 - p)": lambda o, p, y: o.log(1 - p).sum(axis=1),
    "behind a switch": lambda o, p, y: o.switch(
        y > 2, -np.inf, o.log(of_labels(o, p, o.clip(y, 0, 2)))
    ),
    "in a switch": lambda o, p, y: o.log(o.switch(o.eq(y, 1), p[:, 1], 1 - p[:, 1])),
    "behind specify_shape": lambda o, p, y: of_labels(o, o.log(o.specify_shape(p, (5, 3))), y),
    "in rows of one": lambda o, p, y: o.log(o.reshape(p, (5, 1, 3)).transpose(2, 0, 1)[1, :, 0]),
}


@functools.lru_cache(maxsize=None)
def truth_of_sigmoid(name):
    """The values and the slopes, exactly."""
    results = []
    for i, x in enumerate(SCORES):
        with mpmath.workdps(digits(x)):
            step = mpmath.mpf(STEP)
            scores = [np.array([z]) for z in (x + 0 * step, x + step, x - step)]
            at, above, below = (OF_A_SIGMOID[name](EXACT, z, np.array([i % 2]))[0] for z in scores)
            results.append([float(at), float((above - below) / (2 * step))])
    return np.transpose(results)


@functools.lru_cache(maxsize=None)
def truth_of_softmax(name):
    """The values, and the slope of each along each of its scores."""
    values, slopes = [], []
    for row, label in zip(ROWS, LABELS):
        with mpmath.workdps(digits(*row)):
            step, at = mpmath.mpf(STEP), []
            for moved in (None, 0, 1, 2):
                p = softmax([x + step * (i == moved) for i, x in enumerate(row)])
                at += list(OF_A_SOFTMAX[name](EXACT, np.array([p]), np.array([label])))
            values.append(float(at[0]))
            slopes.append([float((one - at[0]) / step) for one in at[1:]])
    return np.array(values), np.array(slopes)


def itself(variable):
    return variable


WAYS = [(mode, itself) for mode in MODES]
if library.__name__ != "theano":  # as PyMC has a graph before it takes gradients
    WAYS.append((MODES[0], _rewriting.canonical))
every_way = pytest.mark.parametrize("mode, prepare", WAYS)


@functools.lru_cache(maxsize=None)
def compiled(are_rows, mode, prepare):
    """A function of scores and observations of both dtypes to all likelihoods and their gradients,
    in dictionaries by name: compiled at once, which takes half the time."""
    likelihoods = OF_A_SOFTMAX if are_rows else OF_A_SIGMOID
    inputs, outputs = [], []
    for dtype in DTYPES:
        x = tensor("x", dtype, 2 if are_rows else 1)
        y = T.lvector("y") if are_rows else tensor("y", dtype, 1)
        inputs += [x, y]
        for likelihood in likelihoods.values():
            log = prepare(likelihood(SYMBOLIC, nl.softmax(x) if are_rows else x, y))
            outputs += [log, library.grad(log.sum(), x)]
    # Another linker has rewrites of its own, whose graph need not be compiled, too.
    linked = mode if mode in MODES[:2] else only_graph(mode)
    function = library.function(inputs, outputs, mode=linked)

    def of_both(scores, observed):
        got = iter(function(*[a for d in DTYPES for a in (np.array(scores, d), observed)]))
        return {d: {name: (next(got), next(got)) for name in likelihoods} for d in DTYPES}

    return of_both


def assert_right(got, name, expected, expected_slope, least):
    """Value and slope of both dtypes are within a few units in the last place; `least` is what a
    value may be off near 0, of the limits of a dtype."""
    for dtype in DTYPES:
        value, slope = got[dtype][name]
        assert value.dtype == slope.dtype == dtype
        few = 8 * np.finfo(dtype).eps
        np.testing.assert_allclose(value, expected, rtol=few, atol=least(np.finfo(dtype)))
        np.testing.assert_allclose(slope, expected_slope, rtol=few, atol=few / 4)


@every_way
@pytest.mark.parametrize("name", OF_A_SIGMOID)
def test_the_likelihood_of_a_sigmoid_and_its_gradient_are_right_at_any_score(name, mode, prepare):
    observed = np.arange(len(SCORES), dtype="float32") % 2
    got = compiled(False, mode, prepare)(SCORES, observed)
    assert_right(got, name, *truth_of_sigmoid(name), least=lambda limits: limits.tiny)


@every_way
@pytest.mark.parametrize("name", OF_A_SOFTMAX)
def test_the_likelihood_of_a_softmax_and_its_gradient_are_right_at_any_score(name, mode, prepare):
    got = compiled(True, mode, prepare)(ROWS, LABELS)
    assert_right(got, name, *truth_of_softmax(name), least=lambda limits: 2 * limits.eps)


def test_the_curvature_of_the_log_of_a_sigmoid_is_right_at_any_score(mode):
    x = tensor("x", "float64", 1)
    s = nl.sigmoid(x)
    logs = [T.log(s), T.log(T.switch(x > 1, s, 1 - s))]
    slopes = [library.grad(log.sum(), x) for log in logs]
    curvatures = [library.grad(slope.sum(), x) for slope in slopes]
    points = np.array(SCORES, "float64")
    exact = -1 / (2 + 2 * np.cosh(np.clip(points, -700, 700)))
    for curvature in library.function([x], curvatures, mode=mode)(points):
        np.testing.assert_allclose(curvature, exact, rtol=1e-14, atol=1e-16)


def test_what_is_no_probability_beside_one_may_be_integers(mode):
    x, k = tensor("x", "float64", 1), tensor("k", "int8", 1)
    s, condition = nl.sigmoid(x), x > 0
    others = [np.uint8(1), np.array([1, 1, 0], "uint8"), np.array([True, False, True]), k]
    logs = [T.log(T.switch(condition, s, other)) for other in others]
    slopes = [library.grad(log[2], x) for log in logs]
    got = library.function([x, k], logs + slopes, mode=mode)([-1, -2, 3], [7, 3, -1])
    of_3 = -np.log1p(np.exp(-3))
    for log, pair in zip(got, ([0, 0], [0, 0], [0, -np.inf], np.log([7.0, 3.0]))):
        np.testing.assert_allclose(log, [*pair, of_3], rtol=1e-15)
    for slope in got[len(logs) :]:
        np.testing.assert_allclose(slope, [0, 0, 1 / (1 + np.exp(3))], rtol=1e-14)


def test_where_no_other_class_is_left_the_log_of_the_rest_is_that_of_0(mode):
    x = tensor("x", "float64", 2)
    for log in (T.log(1 - nl.softmax(x)), T.log1p(-nl.softmax(x))):
        outputs = [log, library.grad(log[0, 1], x), library.grad((0 * log).sum(), x)]
        value, slope, weightless = library.function([x], outputs, mode=mode)([[2, -INF, -INF]])
        np.testing.assert_array_equal(value, [[-INF, 0, 0]])
        np.testing.assert_allclose(slope, [[0, 0, 0]], atol=1e-15)
        np.testing.assert_array_equal(weightless, [[0, 0, 0]])
        alone = library.function([x], log, mode=mode)([[3.0], [-9.0]])
        np.testing.assert_array_equal(alone, [[-INF], [-INF]])


def test_the_log_of_the_difference_of_equal_sigmoids_is_that_of_0(mode):
    a, b = tensor("a", "float64", 1), tensor("b", "float64", 1)
    log = T.log(nl.sigmoid(a) - nl.sigmoid(b))
    outputs = [log, *library.grad(log.sum(), [a, b])]
    points = np.array([3, INF, -INF])
    value, slope, other = library.function([a, b], outputs, mode=mode)(points, points)
    np.testing.assert_array_equal(value, [-INF, -INF, -INF])
    assert (slope[0], other[0]) == (INF, -INF)


def test_a_part_that_many_others_show_is_looked_at_once():
    x = tensor("x", "float64", 1)
    rolled, either = x, nl.sigmoid(x)
    for i in range(40):  # one after the other would take 2^40 steps
        rolled = T.roll(rolled, 1)
        either = T.switch(x > i, either, 1 - either)
    for log in (T.log(rolled), T.log(either)):
        assert library.grad(log.sum(), x).type == x.type
        assert library.function([x], log, mode=only_graph("FAST_COMPILE"))


def test_hundreds_of_conditions_one_in_the_other_have_a_gradient():
    x = tensor("x", "float64", 1)
    p = nl.sigmoid(x)
    for i in range(400):
        p = T.switch(x > i, p, 0.5)
    assert library.grad(T.log(p).sum(), x).type == x.type


def test_an_operation_of_a_user_that_is_called_softmax_stays_what_it_is():
    class Softmax(module("gof.op", "graph.op").Op):
        """That of 2 x."""

        __props__ = ()

        def make_node(self, x):
            return module("gof.graph", "graph.basic").Apply(self, [x], [x.type()])

        def perform(self, node, inputs, outputs):
            exponential = np.exp(2 * inputs[0])
            outputs[0][0] = exponential / exponential.sum(axis=1, keepdims=True)

    x = tensor("x", "float64", 2)
    log = library.function([x], T.log(Softmax()(x)), mode=only_graph("FAST_COMPILE"))([[1, 2]])
    np.testing.assert_allclose(log, [[-np.log1p(np.exp(2)), -np.log1p(np.exp(-2))]], rtol=1e-14)


def test_a_step_of_scan_takes_the_gradient_of_the_scores_too():
    x = tensor("x", "float64", 1)
    logs, _ = library.scan(lambda one: T.log(1 - nl.sigmoid(one)), sequences=[x])
    slope = library.function([x], library.grad(logs.sum(), x))([-1000.0, 0.0, 1000.0])
    np.testing.assert_array_equal(slope, [0, -0.5, -1])


def test_what_a_condition_is_made_of_stays_connected_with_the_loss():
    x, y, w = (tensor(name, "float64", 1) for name in "xyw")

    def step(one, target, h, w):
        p = nl.sigmoid(h * w + one)
        return h + one, -T.log(T.switch(T.eq(target, 1), p, 1 - p)).sum()

    (_, losses), _ = library.scan(
        step, sequences=[x, y], outputs_info=[T.zeros_like(w), None], non_sequences=[w]
    )
    of_scan = library.grad(losses.sum(), w)
    p = nl.sigmoid(x)
    beside = library.grad(T.log(T.switch(w, p, 1 - p)).sum(), [x, w])
    both = library.grad(T.log(T.switch(x, p, 1 - p)).sum(), x)
    got = library.function([x, y, w], [of_scan, *beside, both], mode="FAST_COMPILE")
    # The sum before the second step is 2.
    of_scan, along_x, along_w, both = got([2.0, 1.0], [1.0, 0.0], [1.0, 0.0])
    np.testing.assert_allclose(of_scan[0], 2 / (1 + np.exp(-3.0)), rtol=1e-14)
    np.testing.assert_allclose(
        along_x, [1 / (1 + np.exp(2.0)), -1 / (1 + np.exp(-1.0))], rtol=1e-14
    )
    np.testing.assert_array_equal(along_w, [0, 0])
    np.testing.assert_allclose(both, 1 / (1 + np.exp([2.0, 1.0])), rtol=1e-14)


def test_the_gradient_of_scores_of_two_dtypes_has_the_dtype_of_each():
    x, z, y = tensor("x", "float32", 1), tensor("z", "float64", 1), tensor("y", "int8", 1)
    log = T.log(T.switch(y, nl.sigmoid(x), nl.sigmoid(z)))
    assert [g.dtype for g in library.grad(log.sum(), [x, z])] == ["float32", "float64"]


def test_a_probability_of_1_beside_a_sigmoid_makes_nothing_infinite():
    x, y = tensor("x", "float64", 1), tensor("y", "int8", 1)
    log = T.log(T.switch(y, nl.sigmoid(x), 1.0))
    nodes = library.function([x, y], log, mode=only_graph()).maker.fgraph.apply_nodes
    constants = [np.max(v.data) for n in nodes for v in n.inputs if hasattr(v, "data")]
    assert np.isfinite(constants).all()
    got = library.function([x, y], log, mode="FAST_COMPILE")([-800.0, 2.0], [1, 0])
    np.testing.assert_array_equal(got, [-800, 0])


def test_the_gradient_along_the_probability_itself_stays_what_it_is():
    x, g = tensor("x", "float64", 1), tensor("g", "float64", 1)
    p = nl.sigmoid(x)
    log = T.log(1 - p)
    fixed = gradient.disconnected_grad(p)
    slopes = [
        library.grad(log.sum(), p),
        library.grad(T.log(fixed).sum() + x.sum(), x),
        library.grad(log.sum(), x, consider_constant=[p], disconnected_inputs="ignore"),
        # What is known of p alone is to be handed on from there.
        library.grad(None, x, known_grads={p: g}),
        library.grad(None, [p, x], known_grads={log: g})[1],
    ]
    got = library.function([x, g], slopes)(np.log([1.0, 3.0]), [1.0, 2.0])
    expected = [-2, -4], [1, 1], [0, 0], [0.25, 0.375], [-0.5, -1.5]
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


def test_logs_of_anything_else_stay_what_they_are():
    x, y = tensor("x", "float64", 1), tensor("y", "float64", 1)
    s = nl.sigmoid(x)
    for log in (T.log(s - y), T.log(2 - s), T.log1p(s), T.log(s * y), T.log(T.switch(y > 0, y, 2))):
        assert library.grad(log.sum(), [x, y], disconnected_inputs="ignore")
        points = np.log([1.0, 3.0]), np.array([0.25, 0.5])
        mode = library.compile.get_mode("FAST_COMPILE")
        got, expected = (
            library.function([x, y], log, mode=m, on_unused_input="ignore")(*points)
            for m in (mode, mode.excluding("lasagne_nl"))
        )
        np.testing.assert_array_equal(got, expected)


def test_the_flags_of_the_library_switch_it_off():
    program = """if True:
        from helpers import T, library
        from lasagne_nl import nonlinearities as nl
        x = T.dscalar()
        slope = library.grad(T.log(T.switch(x > 3, 1 - nl.sigmoid(x), 1)), x)
        print(library.function([x], slope, mode="FAST_COMPILE")(1000.0))"""
    tests = os.path.join(ROOT, "tests")
    for excluded, slope in (("another", "-1.0"), ("another:lasagne_nl", "nan")):
        ours = os.environ.get(FLAGS, "") + ",optimizer_excluding=" + excluded
        path = os.pathsep.join([ROOT, tests])
        assert output_of(program, **{FLAGS: ours, "PYTHONPATH": path}).strip() == slope
