"""What the benchmark makes of its measurements, on made-up numbers; nothing is timed here."""

import contextlib
import os
import sys
from unittest import mock

import numpy as np
import pytest
from helpers import ROOT, output_of, run_python

BENCHMARKS = os.path.join(ROOT, "tests", "benchmarks")
sys.path.insert(0, BENCHMARKS)

import aligned  # noqa: E402
import cases  # noqa: E402
import libraries  # noqa: E402
import speed  # noqa: E402
import tables  # noqa: E402
from cases import Case  # noqa: E402

SPEED = os.path.join(BENCHMARKS, "speed.py")
KEY = (1, Case("tanh", "forward", "float32", 256, 512))
OTHER = (1, Case("elu", "forward", "float32", 256, 512))
COPY = (1, Case("copy", "copy", "float32", 256, 512))
STEP = (2, cases.step_case("tanh"))
SECONDS_PER_NS = 1e-9 * 256 * 512  # an array's seconds for each ns of an element


OWN = ("theano", "stock theano")


def medians(key=KEY, ours=None, stock=None, **ns):
    ns.update({name: value for name, value in zip(OWN, (ours, stock)) if value is not None})
    return {key: {contestant: value * SECONDS_PER_NS for contestant, value in ns.items()}}


def target(limit, *keys):
    return tables.Target("here", "this", OWN, limit, keys)


def test_a_target_is_judged_by_its_worst_case():
    both = {**medians(ours=1, stock=10), **medians(OTHER, ours=3, stock=10)}
    verdict = tables.judge(target(0.5, KEY, OTHER), both)
    assert verdict[1:] == (pytest.approx(0.3), "elu forward", "met")
    verdict = tables.judge(target(0.2, KEY, OTHER), both)
    assert verdict[1:] == (pytest.approx(0.3), "elu forward", "not met")


def test_a_target_is_met_only_if_all_its_cases_were_measured():
    one = medians(ours=1, stock=10)
    assert tables.judge(target(0.2, KEY, OTHER), one).verdict == "not all measured"
    assert tables.judge(target(0.05, KEY, OTHER), one).verdict == "not met"
    assert tables.judge(target(0.2, OTHER), one).verdict == "not measured"


def test_the_targets_are_about_cases_that_are_timed():
    assert len({(t.where, t.what, t.quotient) for t in tables.TARGETS}) == len(tables.TARGETS)
    for one in tables.TARGETS:
        assert one.keys and one.quotient[1] in libraries.BESIDE[one.quotient[0]]
        for threads, case in one.keys:
            assert threads in (1, 2)
            assert case.activation in cases.ACTIVATIONS + cases.BEYOND_LASAGNE
            assert case.kind in cases.KINDS


@pytest.mark.parametrize(
    "value, text",
    [(None, "-"), (0, "0"), (1, "1.00"), (15.84, "15.8"), (0.0383333, "0.0383"), (0.1204, "0.120"),
     (4101.2, "4101"), (9.999, "10.0"), (-0.02, "-0.0200")],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert tables.number(value) == text


def test_limits_are_written_as_the_targets_state_them():
    limits = (1 / 25.0, 1 / 3.0, 0.7, 1.25, tables.NO_SLOWER)
    texts = ["<= 1/25", "<= 1/3", "<= 0.7", "<= 1.25", "no slower"]
    assert [tables.limit_text(limit) for limit in limits] == texts


def test_each_successor_has_the_same_targets():
    def of(library):
        own = (library, "stock " + library)
        return [(t.where, t.what, t.limit, t.keys) for t in tables.TARGETS if t.quotient == own]

    assert len(of("aesara")) > 5
    assert of("aesara") == of("theano-pymc") == of("pytensor-c") == of("pytensor")


def lines(measured, *costs, asked=("theano",)):
    """The lines of the report, with single spaces."""
    text = tables.report([["Python", "3"]], ["all *is* well"], asked, measured, {}, *costs)
    return [" ".join(line.split()) for line in text.splitlines()]


def test_times_are_shown_in_ns_per_element_beside_the_floor():
    measured = {
        **medians(ours=0.5, stock=20, torch=2, pytensor=4),
        **medians(OTHER, stock=4),
        **medians(COPY, **{"copy theano": 0.12}),
    }
    shown = lines(measured, {}, None)
    title, _ = (line for line in shown if "256 x 512, float32, 1 thread:" in line)
    assert title.endswith("ns per element (a copy of the array takes 0.120)")
    assert "tanh forward 0.500 20.0 2.00 \\- 0.0250 0.250 \\-" in shown
    assert "elu forward \\- 4.00" + 5 * " \\-" in shown
    assert "Python 3" in shown and "- all \\*is\\* well" in shown
    # The table of PyTensor, beside Theano.
    assert "tanh forward 4.00 \\- 0.500 \\- 8.00" in shown
    assert shown.index(".. bars of theano") < shown.index(".. bars of pytensor")
    assert ".. bars of aesara" not in shown


def test_training_steps_and_models_are_shown_in_tables_of_their_own():
    model = (1, cases.model_case("network"))
    measured = {
        STEP: {"theano": 0.002, "stock theano": 0.004},
        model: {"pymc": 2e-6, "stock pymc": 8e-6},
    }
    shown = lines(measured, {}, None)
    assert ".. table:: Training step of a network, float32, 2 threads: ms" in shown
    assert "tanh training step 2.00 4.00 \\- \\- 0.500 \\- \\-" in shown
    at = shown.index(
        ".. table:: Log-probability of a model and its gradient, float64, 1 thread: us"
    )
    assert "network value and gradient 2.00 8.00 0.250" in shown[at:]


def test_compiling_and_importing_are_targets_too():
    cold, warm, importing = lines({}, {("theano", "cold"): 1.2}, 0.2)[-4:-1]
    assert cold.endswith("cold cache f(x + row) and its gradient ours / stock <= 1.3 1.20 \\- met")
    assert warm.endswith("<= 1.3 \\- \\- not measured")
    assert importing.endswith("<= 0.15 s 0.200 \\- not met")


def test_only_the_targets_of_what_was_asked_for_are_told():
    def told(*asked):
        return [line for line in lines({}, {}, None, asked=asked) if line.endswith("not measured")]

    of_theano = [t for t in tables.TARGETS if t.quotient == OWN]
    assert len(told("theano")) == len(of_theano) + 3
    assert len(told("theano", "torch")) > len(told("theano"))
    assert len(told(*libraries.LIBRARIES)) == len(tables.TARGETS) + 2 * len(libraries.FAMILY) + 1
    assert {line.split()[0] for line in told("aesara")} == {"Aesara"}


@pytest.mark.parametrize("off, target", [(1.4, "no slower"), (2.1, "<= 1.25")])
def test_a_faster_peer_is_told_with_its_error_which_buys_it_a_quarter(off, target):
    slope, small = Case("tanh", "gradient", *KEY[1][2:]), KEY[1]._replace(rows=64)
    measured = {
        **medians(ours=1.3, torch=2, jax=1),
        **medians((1, slope), ours=1.04, jax=1),
        **medians((1, small), ours=9, jax=1),
    }
    title, _, rows = tables.table_of_peers(measured, {("jax", "tanh", "forward"): off})
    assert title.endswith("1 of 2 cases")
    assert rows == [
        ["tanh", "forward", "256 x 512", "1", "JAX", tables.number(off), target, "1.30"]
    ]


def test_an_error_is_told_in_units_in_the_last_place():
    exact = np.array([0.3, 1.7, -40])
    rounded = exact.astype("float32")
    assert cases.ulps_off(rounded, exact, 0.125) <= 0.5
    assert 0.5 < cases.ulps_off(np.nextafter(rounded, np.float32(99)), exact, 0.125) <= 1.5
    assert cases.ulps_off(np.float32([2**-30]), np.zeros(1), 0.125) == 2**-4


def test_restructured_text_takes_the_cells_literally():
    rows = [["leaky_rectify", "-"], ["x_ *`|", "-0.1"]]
    assert aligned.restructured("title", ["a", "b"], rows).splitlines() == [
        ".. table:: title",
        "",
        "   =============  ====",
        "   a              b",
        "   =============  ====",
        "   leaky_rectify  \\-",
        "   x\\_ \\*\\`\\|     -0.1",
        "   =============  ====",
    ]


def case_of(kind, activation="tanh", dtype="float32"):
    return Case(activation, kind, dtype, 4, 5)


def test_what_differs_from_the_expected_result_is_told(dtype):
    case = case_of("bias", dtype=dtype)
    x, _, row = cases.inputs(case)
    right = np.tanh(x + row)

    def wrong(*arrays):
        return cases.what_is_wrong(case, arrays, [right])

    assert wrong(right) is None and wrong(np.nextafter(right, x)) is None
    nan = right.copy()
    nan[2, 3] = np.nan
    assert "1 of 20 values" in wrong(nan)
    assert "20 of 20 values" in wrong(right * right.dtype.type(1.01))
    assert "float16" in wrong(right.astype("float16"))
    assert "shape" in wrong(right[:2])
    assert "2 arrays" in wrong(right, right)


def test_an_entry_of_a_row_may_have_the_rounding_of_the_largest_one():
    right = np.array([[0.9] + [0] * 999 + [1e-5, 0.1]], "float32")
    off = np.zeros_like(right)
    off[0, -2] = 4e-7
    for activation, is_wrong in (("sparsemax", False), ("sigmoid", True)):
        found = cases.what_is_wrong(case_of("forward", activation), [right + off], [right])
        assert bool(found) == is_wrong
    assert cases.what_is_wrong(case_of("forward", "sparsemax"), [right + 5 * off], [right])


def test_a_training_step_is_judged_by_what_it_adds_to_the_parameters():
    case = cases.step_case("tanh")
    _, _, start = cases.step_inputs(case)
    expected = [np.float32(2.3)] + [p + np.float32(1e-3) for p in start]
    assert cases.what_is_wrong(case, expected, expected) is None
    unchanged = expected[:1] + start
    assert "values are off" in cases.what_is_wrong(case, unchanged, expected)


WORKER = """
import cases
import numpy
import worker

def build(contestant, case):
    print("noise on standard output")
    if contestant == "broken":
        raise ValueError("it does not compile")
    x = cases.inputs(case)[0]
    y = {"nan": x * numpy.nan, "first": x, "right": x, "wrong": -x}[contestant]
    return lambda: None, lambda: [y]

worker.serve({"library": "1.0"}, build, {"double": 2}, lambda f, x, g: (f * x, f * g))
"""


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Makes a library that is called this, and served by a program."""

    def make(text):
        program = tmp_path / "stand_in.py"
        program.write_text(text)
        library = libraries.Library("", str(program), None, {"PYTHONPATH": BENCHMARKS})
        monkeypatch.setitem(libraries.LIBRARIES, "this", library)

    return make


@pytest.fixture
def worker(stand_in):
    """A process that runs WORKER."""
    stand_in(WORKER)
    with contextlib.closing(libraries.Worker("this")) as process:
        yield process


def test_a_worker_times_only_what_has_the_result_of_the_first(worker, tmp_path):
    case, file = ["tanh", "forward", "float32", 4, 5], str(tmp_path / "expected.npz")
    nan, first, right, wrong, broken = (
        worker.ask(prepare=contestant, case=case, expected=file)["wrong"]
        for contestant in ("nan", "first", "right", "wrong", "broken")
    )
    assert worker.versions == {"library": "1.0"}
    assert first is right is None and "values are off" in nan and "values are off" in wrong
    assert broken == "ValueError: it does not compile"
    assert worker.ask(time="right")["seconds"] > 0
    with pytest.raises(libraries.WorkerError, match="this: KeyError: 'wrong'"):
        worker.ask(time="wrong")


def test_a_worker_evaluates_what_it_has(worker):
    assert worker.evaluate("half", [1.0], [1.0]) is None
    value, gradient = worker.evaluate("double", [1.0, 2.0], [3.0, 4.0])
    assert value.tolist() == [2, 4] and gradient.tolist() == [6, 8]


def test_a_worker_that_ends_is_told_with_the_reason(stand_in):
    stand_in("raise SystemExit('ImportError: no library')")
    with pytest.raises(libraries.WorkerError, match="has ended: ImportError: no library"):
        libraries.Worker("this")


COMPILES = """
import os
import worker

folder = os.environ["THEANO_FLAGS"].split("base_compiledir=")[-1].split(",")[0]
os.makedirs(folder, exist_ok=True)

def compile_anew(activation, request):
    file = os.path.join(folder, str(activation))
    seconds = 1 if "stock" in request["contestant"] else 3 if os.path.exists(file) else 2
    open(file, "w").close()
    return {"seconds": seconds}

worker.serve({}, None, compile=compile_anew)
"""


def test_compiling_is_timed_with_a_cold_cache_and_once_more_with_what_is_in_it(stand_in):
    stand_in(COMPILES)
    benchmark = speed.Benchmark(None, ["this"], [])
    benchmark._bar = mock.Mock()
    benchmark._time_compilations("this", ["tanh", "elu"], 2)
    assert benchmark.compile_ratios == {("this", "cold"): 2, ("this", "warm"): 3}


def test_a_failed_installation_is_told_by_its_last_error():
    output = "Looking in links\nERROR: no version\nERROR: No matching distribution\n\nnotice\n"
    assert libraries.reason(output) == "ERROR: No matching distribution"
    assert libraries.reason("one\ntwo\n") == "two"
    assert libraries.reason("") == "no reason given"


def test_the_benchmark_tells_its_options():
    told = output_of(SPEED, "--help")
    for option in ("--quick", "--activations", "--rounds", "--sizes", "--threads", "--dtypes",
                   "--output", "--libraries"):  # fmt: skip
        assert option in told


@pytest.mark.parametrize(
    "options, message",
    [
        (["--activations", "relu"], "rectify"),
        (["--rounds", "0"], "must be a whole number from 1, got '0'"),
        (["--sizes", "256"], "must be rows x columns such as 256x512, got '256'"),
        (["--threads", "two"], "got 'two'"),
        (["--libraries", "keras"], "theano-pymc"),
    ],
)
def test_the_benchmark_refuses_bad_options_and_says_what_is_right(options, message):
    done = run_python(SPEED, *options)
    assert done.returncode == 2 and message in done.stderr
