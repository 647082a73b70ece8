"""Graphs: the library's stability rewrites still apply, and the expressions work anywhere."""

import contextlib

import numpy as np
import pytest
from activations import ALL, BY_NAME, CLASSES, EVERY
from helpers import (
    DTYPES,
    REPRESENTATIVE,
    UNCONNECTED,
    T,
    compiled,
    compiled_derivatives,
    evaluate,
    gradient,
    graph_of_derivatives,
    library,
    nnet,
    only_graph,
    tensor,
    truth,
    ulps,
    with_theano,
    with_theano_itself,
    without_a_compiler,
)
from scipy.special import log_softmax

from lasagne_nl import nonlinearities as nl

SCANNED_FAST = REPRESENTATIVE[:2]  # a function, whole rows
LOGITS = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0], [3.0, -2.0, 0.5]])


def arranged(rows, ndim):
    """The same rows in an array of another number of dimensions (the first row as a vector)."""
    return rows[0] if ndim == 1 else rows.reshape((1,) * (ndim - 2) + rows.shape)


def linked(mode, ndim):
    """What a mode makes of a matrix is compiled; of other arrays there is the same graph."""
    return mode if ndim == 2 else only_graph(mode)


@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
def test_the_cross_entropy_of_softmax_is_finite_and_right_at_extreme_logits(ndim, dtype, mode):
    x, target = tensor("x", dtype, ndim), tensor("target", dtype, ndim)
    loss = -T.sum(target * T.log(nl.softmax(x)), axis=-1)
    outputs = [loss, library.grad(loss.sum(), x)]
    function = library.function([x, target], outputs, mode=linked(mode, ndim))
    for hot in range(3):
        rows = arranged(LOGITS, ndim).astype(dtype)
        onehot = np.zeros_like(rows)
        onehot[..., hot] = 1
        got, slope = function(rows, onehot)
        logp = log_softmax(np.float64(rows), axis=-1)
        np.testing.assert_allclose(got, -logp[..., hot], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(slope, np.exp(logp) - onehot, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
def test_the_sum_of_the_log_of_softmax_is_finite_and_right_at_extreme_logits(ndim, mode):
    # The gradient that arrives at the log is a constant 1 here, not yet an array.
    x = tensor("x", "float64", ndim)
    total = T.log(nl.softmax(x)).sum()
    function = library.function([x], [total, library.grad(total, x)], mode=linked(mode, ndim))
    got, slope = function(arranged(LOGITS, ndim))
    logp = log_softmax(arranged(LOGITS, ndim), axis=-1)
    np.testing.assert_allclose(got, logp.sum())
    np.testing.assert_allclose(slope, 1 - 3 * np.exp(logp), atol=1e-12)


def test_the_log_of_a_softmax_in_another_order_of_axes_is_finite_and_right(mode):
    x, weights = tensor("x", "float64", 3), tensor("weights", "float64", 3)
    y = T.log(nl.softmax(x).dimshuffle(2, 0, 1))
    slope = library.grad((weights * y).sum(), x)
    rows = np.stack([LOGITS, LOGITS[::-1] / 3])
    upstream = np.random.RandomState(0).randn(3, 2, 3)
    got, got_slope = library.function([x, weights], [y, slope], mode=mode)(rows, upstream)
    logp, upstream = log_softmax(rows, axis=-1), upstream.transpose(1, 2, 0)
    np.testing.assert_allclose(got, logp.transpose(2, 0, 1))
    expected = upstream - upstream.sum(axis=-1, keepdims=True) * np.exp(logp)
    np.testing.assert_allclose(got_slope, expected, atol=1e-10)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_ratio_of_two_softmaxes_is_not_mistaken_for_a_log(ndim, mode):
    x, y = tensor("x", "float64", ndim), tensor("y", "float64", ndim)
    p, q = nl.softmax(x), nl.softmax(y)
    slopes = [library.grad((p / q).sum(), wrt) for wrt in (x, y)]
    rows = [arranged(np.random.RandomState(seed).randn(4, 3), ndim) for seed in (0, 1)]
    # In Python, PyTensor 3 computes a reciprocal beside another output in float32.
    mode = linked(mode, ndim) if with_theano else mode
    got = library.function([x, y], slopes, mode=mode)(*rows)
    p, q = (np.exp(log_softmax(r, axis=-1)) for r in rows)
    for at, g, slope in zip((p, q), (1 / q, -p / q**2), got):
        expected = at * (g - (g * at).sum(axis=-1, keepdims=True))
        np.testing.assert_allclose(slope, expected, rtol=1e-10, atol=1e-12)


def test_the_ratio_of_a_softmax_to_its_own_transpose_is_not_mistaken_for_a_log(mode):
    x = tensor("x", "float64", 3)
    p = nl.softmax(x)
    transposed = gradient.disconnected_grad(p.dimshuffle(0, 2, 1))
    slope = library.grad((p / transposed).sum(), x)
    rows = np.random.RandomState(0).randn(2, 3, 3)
    p = np.exp(log_softmax(rows, axis=-1))
    g = 1 / p.transpose(0, 2, 1)
    expected = p * (g - (g * p).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(library.function([x], slope, mode=mode)(rows), expected, rtol=1e-10)


def entries(x, labels):
    """Some entries of a matrix, as graph and as array alike: those of given classes, a column..."""
    rows = T.arange(labels.shape[0]) if hasattr(labels, "owner") else np.arange(len(labels))
    return {
        "of given classes": x[rows, labels],
        "of given classes, by cross-entropy": x[rows, labels],
        "of given classes of so many rows": x[np.arange(3), labels],
        "a column": x[:, 1],
        "every second row": x[::2],
        "rows, one of them twice": x[labels * 0 + 1],
        "an element": x[0, 1],
        "in another shape": x.reshape((3, 3)).T,
        "some in another shape": x.reshape((9,))[3 * labels],
        "of given classes of a sequence": x.reshape((3, 1, 3)).reshape((-1, 3))[rows, labels],
    }


@pytest.mark.parametrize("which", entries(np.zeros((3, 3)), np.array([0, 0, 0])))
def test_the_log_of_entries_of_softmax_is_finite_and_right_at_extreme_logits(which, mode):
    x, labels = tensor("x", "float64", 2), T.lvector("labels")
    p = nl.softmax(x)
    if "by cross-entropy" not in which:
        loss = -T.log(entries(p, labels)[which]).sum()
    elif with_theano:
        loss = nnet.categorical_crossentropy(p, labels).sum()
    else:
        loss = -entries(T.log(p), labels)[which].sum()
    function = compiled([x, labels], [loss, library.grad(loss, x)], mode)
    at = np.array([1, 0, 2])
    got, slope = function(LOGITS, at)
    logp = log_softmax(LOGITS, axis=-1)
    np.testing.assert_allclose(got, -entries(logp, at)[which].sum())
    # How often each entry is taken.
    numbers = np.arange(9).reshape(3, 3)
    times = np.bincount(entries(numbers, at)[which].ravel(), minlength=9).reshape(3, 3)
    expected = times.sum(axis=-1, keepdims=True) * np.exp(logp) - times
    np.testing.assert_allclose(slope, expected, atol=1e-12)


def test_quotients_by_other_entries_of_softmax_are_not_mistaken_for_a_log(mode):
    x = tensor("x", "float64", 2)
    p = nl.softmax(x)
    fixed = gradient.disconnected_grad(p)
    quotients = [p[:, 0] / fixed[:, 1], p[0] / fixed[1], T.set_subtensor(p[:, 0], 2.0) / fixed]
    slopes = [library.grad(q.sum(), x) for q in quotients]
    got = library.function([x], slopes, mode=mode)(np.log([[1.0, 2, 5], [4, 3, 1]]))
    p = np.array([[1.0, 2, 5], [4, 3, 1]]) / 8
    upstreams = np.zeros((3, 2, 3))
    upstreams[0, :, 0] = 1 / p[:, 1]
    upstreams[1, 0] = 1 / p[1]
    upstreams[2, :, 1:] = 1 / p[:, 1:]
    for slope, upstream in zip(got, upstreams):
        expected = p * (upstream - (upstream * p).sum(axis=-1, keepdims=True))
        np.testing.assert_allclose(slope, expected, rtol=1e-12)


def test_log_of_sigmoid_and_of_its_complement_are_finite_and_right_at_extreme_logits(dtype):
    x = tensor("x", dtype, 1)
    p = nl.sigmoid(x)
    outputs = [T.log(p), T.log(1 - p)]
    slopes = [library.grad(y.sum(), x) for y in outputs]
    points = np.array([-1000, -89, -20, -1, 0, 1, 20, 89, 1000], dtype)
    log_p, log_q, slope_p, slope_q = library.function([x], outputs + slopes)(points)
    expected_log_p, expected_log_q = (-np.logaddexp(0, s * np.float64(points)) for s in (-1, 1))
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(log_p, expected_log_p, rtol=rtol, atol=1e-37)
    np.testing.assert_allclose(log_q, expected_log_q, rtol=rtol, atol=1e-37)
    logistic = np.exp(expected_log_p)
    np.testing.assert_allclose(slope_p, 1 - logistic, rtol=0, atol=rtol)
    np.testing.assert_allclose(slope_q, -logistic, rtol=0, atol=rtol)


@pytest.mark.parametrize("name", EVERY)
def test_every_activation_works_inside_scan_with_its_gradient(name):
    # The others without a compiler: the graph of all steps takes it long, and scan looks into none.
    is_fast = name in SCANNED_FAST
    mode = "FAST_RUN" if is_fast else "FAST_COMPILE"
    start = tensor("start", "float64", 2)
    steps, updates = library.scan(
        lambda state: EVERY[name](0.5 * state + 0.25), outputs_info=[start], n_steps=3, mode=mode
    )
    unrolled = start
    for _ in range(3):
        unrolled = EVERY[name](0.5 * unrolled + 0.25)
    outputs = [steps[-1], unrolled]
    slopes = [library.grad((y**2).sum(), start) for y in outputs]
    with contextlib.ExitStack() if is_fast else without_a_compiler():
        function = library.function([start], outputs + slopes, updates=updates, mode=mode)
    points = np.random.RandomState(0).randn(3, 4)
    scanned, expected, slope, expected_slope = function(points)
    np.testing.assert_allclose(scanned, expected, rtol=1e-13)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-12, atol=1e-15)


def test_a_step_of_scan_may_multiply_matrices():
    x, w = T.dmatrices("xw")
    states, _ = library.scan(
        lambda row, state: nl.tanh(T.dot(state, w) + row), sequences=x, outputs_info=T.zeros(3)
    )
    slope = library.grad(states[-1].sum(), w)
    rng = np.random.RandomState(0)
    rows, weights, state = rng.randn(4, 3), rng.randn(3, 3), np.zeros(3)
    got, slope = library.function([x, w], [states[-1], slope])(rows, weights)
    for row in rows:
        state = np.tanh(state @ weights + row)
    np.testing.assert_allclose(got, state, rtol=1e-13)
    assert slope.shape == (3, 3) and np.isfinite(slope).all() and slope.any()


def uniform(shape):
    random = T.shared_randomstreams if hasattr(T, "shared_randomstreams") else T.random.utils
    streams = getattr(random, "RandomStreams", None) or random.RandomStream
    return streams(1).uniform(size=shape)


def test_what_is_no_tensor_in_a_graph_is_no_error_of_a_rewrite():
    x, i = T.dmatrix("x"), T.lscalar("i")
    dropped, chosen = x * (uniform(x.shape) < 0.5), x[i, None, :] + x[1:, i].sum()
    function = library.function([x, i], nl.softmax(dropped) + nl.tanh(chosen))
    assert function(np.ones((2, 3)), 1).shape == (2, 3)


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_named_after_the_activation_and_no_variable_of_the_user_is(name):
    activation, x = ALL[name], T.matrix("x")
    y = activation(x + 1)
    named = getattr(activation, "__name__", type(activation).__name__)
    # LeakyRectify(0) is the rectifier.
    assert y.name == {"linear": None, "LeakyRectify(0)": "rectify"}.get(name, named)
    if y.name:
        first_line = library.printing.debugprint(y, file="str").splitlines()[0]
        assert "'{}'".format(y.name) in first_line
    assert activation(x) is not None and x.name == "x"


@pytest.mark.skipif(not with_theano, reason="DebugMode compares Theano's C with its Python")
# DebugMode compiles each operation for itself, some of them several times.
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_debugmode_finds_nothing(name):
    x = tensor("x", "float32", 2)
    y = EVERY[name](x + 1)
    function = library.function([x], [y, library.grad((y**2).sum(), x)], mode="DebugMode")
    function(np.array([[-40, -1.5, -1], [0.5, 3, 40]], "float32"))


LEARNT = {
    "{} with shared parameters".format(owner.__name__): owner(
        **{name: library.shared(np.float32(value)) for name, value in given.items()}
    )
    for owner, given in CLASSES
}
EVERY_GRAPH = dict(ALL, **LEARNT)


@pytest.mark.parametrize("name", EVERY_GRAPH)
def test_no_graph_holds_a_large_constant_and_every_one_is_optimised_without_failure(name):
    """NanGuardMode takes a constant above 1e10 for an error of the program. And an optimisation
    that fails is an error for all tests, see the helpers.
    """
    constants = []
    for before, function in optimised(name):
        after = [i for node in function.maker.fgraph.toposort() for i in node.inputs]
        everything = {*after, *ancestors(before)}
        constants += [np.asarray(v.data) for v in everything if hasattr(v, "data")]
    numbers = [c for c in constants if c.dtype.kind in "fiu"]
    assert numbers and max(np.abs(c).max(initial=0) for c in numbers) <= 1e10


def optimised(name):
    """Value, first and second derivatives of an activation, along its parameters too; and what
    they are in a compiled function."""
    if name in BY_NAME:  # these are compiled for other tests
        case = BY_NAME[name]
        yield graph_of_derivatives(case, 1)[1], compiled_derivatives(case, "FAST_RUN", 1)
        return
    for dtype in DTYPES:
        x = tensor("x", dtype, 2)
        y = EVERY_GRAPH[name](x)
        parameters = [v for v in vars(EVERY_GRAPH[name]).values() if hasattr(v, "get_value")]
        first = [library.grad(y.sum(), v, **UNCONNECTED) for v in [x, *parameters]]
        directions = [tensor("direction", dtype, one.ndim) for one in first]
        second = [
            library.grad(None, x, known_grads={one: along}, **UNCONNECTED)
            for one, along in zip(first, directions)
        ]
        outputs = [y] + first + second
        yield outputs, compiled([x, *directions], outputs, only_graph())


def ancestors(variables):
    inputs = {one for v in variables if v.owner for one in v.owner.inputs}
    return {*variables, *(ancestors(inputs) if inputs else ())}


@pytest.mark.parametrize("name", EVERY_GRAPH)
def test_nanguardmode_finds_nothing_in_ordinary_input(name):
    guard = type(library.compile.mode.get_mode("NanGuardMode"))  # its module has moved
    mode = guard(nan_is_error=True, inf_is_error=True, big_is_error=True, optimizer="fast_compile")
    x = tensor("x", "float32", 2)
    y = EVERY_GRAPH[name](x)
    with without_a_compiler():
        function = library.function([x], [y * 1, library.grad((y**2).sum(), x)], mode=mode)
    function(np.array([[-30, -2.5, -0.3, 0], [0.7, 1, 3, 90]], "float32"))


@pytest.mark.skipif(not with_theano, reason="mends what only Theano computes wrongly")
class TestMendedTheano:
    @staticmethod
    def largest_error(name, mode, *excluded):
        """Of Theano's own function, beyond the points where it cuts it off."""
        points = np.array([-700, -100, -31, 16.001, 17, 19.001, 25, 31, 36])
        x = T.dvector()
        mode = library.compile.get_mode(mode).excluding(*excluded)
        got = library.function([x], getattr(nnet, name)(x), mode=mode)(points)
        return ulps(got, truth(BY_NAME[name], 0, points)).max()

    @pytest.mark.parametrize("excluded", [(), ("lasagne_nl_simd",)])
    @pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
    @pytest.mark.parametrize("name", ["sigmoid", "softplus"])
    def test_a_function_that_the_program_wrote_itself_is_exact_too(self, name, mode, excluded):
        assert self.largest_error(name, mode, *excluded) <= 4

    @pytest.mark.skipif(not with_theano_itself, reason="Theano-PyMC does not cut them off")
    @pytest.mark.parametrize("name", ["sigmoid", "softplus"])
    def test_the_tag_lasagne_nl_switches_the_rewrites_off(self, name):
        assert self.largest_error(name, "FAST_RUN", "lasagne_nl", "lasagne_nl_simd") > 1e7

    def test_rewrites_that_look_for_constants_find_them(self):
        # With NumPy 1.24 and later, Theano unrepaired finds no constant, and says nothing.
        assert T.get_scalar_constant_value(T.constant(3.0) * 2) == 6
        x = T.dvector()
        graph = library.function([x], x**2, mode="FAST_COMPILE").maker.fgraph
        assert "sqr" in str(library.function([x], x**2).maker.fgraph) or "sqr" in str(graph)


@pytest.mark.skipif(with_theano, reason="mends what Aesara and PyTensor compute wrongly")
class TestMendedSuccessors:
    # Here exp(-x) overflows, and exp(x) is subnormal.
    FAR_LEFT = {"float32": np.array([-90], "float32"), "float64": np.array([-712.0])}

    def sigmoid_and_slope_of_softplus(self, dtype, mode, points=None):
        x = tensor("x", dtype, 1)
        outputs = [nnet.sigmoid(x), library.grad(nnet.softplus(x).sum(), x)]
        function = library.function([x], outputs, mode=mode)
        return function(self.FAR_LEFT[dtype] if points is None else points)

    def test_a_sigmoid_that_the_program_wrote_itself_is_not_lost(self, dtype, mode):
        exact = truth(BY_NAME["sigmoid"], 0, self.FAR_LEFT[dtype])
        for got in self.sigmoid_and_slope_of_softplus(dtype, mode):
            assert got.dtype == dtype
            assert ulps(got, exact) <= 4

    def test_the_tag_lasagne_nl_switches_the_rewrite_off(self, dtype):
        mode = library.compile.get_mode("FAST_RUN").excluding("lasagne_nl", "lasagne_nl_simd")
        assert self.sigmoid_and_slope_of_softplus(dtype, mode) == [0, 0]

    def test_all_that_is_not_lost_is_the_library_s_own_to_the_bit(self, dtype, mode):
        points = np.concatenate([np.linspace(-80, 40, 4001), [-0.0, 1e30, np.inf, np.nan]])
        points = points.astype(dtype)
        mended = library.compile.get_mode(mode).excluding("lasagne_nl_simd")
        own = mended.excluding("lasagne_nl")
        np.testing.assert_array_equal(
            self.sigmoid_and_slope_of_softplus(dtype, mended, points),
            self.sigmoid_and_slope_of_softplus(dtype, own, points),
        )


@pytest.mark.parametrize(
    "activation, distribution, off_mean, off_variance",
    [
        (nl.ScaledTanH(0.5, 2.4), "normal", 1e-12, 0.02),
        (nl.ScaledTanH(1, 1.6), "normal", 1e-12, 0.02),
        (nl.ScaledTanH(0.5, 2.27), "uniform", 1e-12, 0.02),
        (nl.ScaledTanH(1, 1.48), "uniform", 1e-12, 0.02),
        (nl.selu, "normal", 1e-7, 1e-7),
    ],
)
def test_the_scales_keep_zero_mean_and_unit_variance(
    activation, distribution, off_mean, off_variance
):
    # The claims of the docstrings, by quadrature over the quantiles.
    edge = 12 if distribution == "normal" else np.sqrt(3)
    z = np.linspace(-edge, edge, 400001)
    density = np.exp(-(z**2) / 2) if distribution == "normal" else np.ones_like(z)
    x = tensor("x", "float64", 1)
    y = library.function([x], activation(x), mode="FAST_COMPILE")(z)
    assert abs((density * y).sum() / density.sum()) < off_mean
    assert abs((density * y**2).sum() / density.sum() - 1) < off_variance


def test_lecuns_scales_map_one_to_one_and_bend_most_near_one():
    points = np.linspace(0, 3, 3001)
    value, _, curvature = evaluate(BY_NAME["ScaledTanH(2/3, 1.7159)"], points)
    assert abs(value[1000] - 1) < 1e-4
    assert abs(points[np.abs(curvature).argmax()] - 1) < 0.02
