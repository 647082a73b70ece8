"""Who is right of two libraries: `make peers` on made-up results; no other library is needed."""

import ast
import os

import numpy as np
import pytest
from accuracy import comparison, peers
from accuracy.comparison import NAMES, WHAT, compare
from helpers import DTYPES, ROOT, run_python

PEERS = os.path.join(ROOT, "tests", "accuracy", "peers.py")


def exact(subject):
    """The results of a library that is right everywhere."""
    with np.errstate(over="ignore"):
        return [
            np.array([float(point.exact) for point in subject.points(what)]).astype(subject.dtype)
            for what in WHAT
        ]


def verdicts(subject, ours, theirs):
    return {(f.what, f.point.set, f.right) for f in compare(subject, ours, theirs)[1]}


def with_one(subject, what, points, number, entry=0):
    """The exact results, but for an entry in a set of points."""
    results = exact(subject)
    places = [i for i, point in enumerate(subject.points(what)) if point.set == points]
    results[WHAT.index(what)][places[entry]] = number
    return results


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "GELU(approximate=True)", "HardShrink()", "softmin",
                                  "log_softmax", "glu"])  # fmt: skip
def test_two_that_are_right_up_to_rounding_agree(name, dtype):
    subject = comparison.subject(name, dtype)
    rounded = [array * (1 - 8 * np.finfo(dtype).eps) for array in exact(subject)]
    largest, findings = compare(subject, exact(subject), rounded)
    assert findings == []
    assert {what for what, _ in largest} == set(WHAT)
    assert 4 <= largest["value", "ordinary"] <= 9


# An activation, what of it, a set of points, and what one library has there in the place of what is
# right; at which entry of the set, where it is not the first.
NO_MATTER = [
    ("silu", "gradient", "NaN", 0),  # NaN has no slope
    ("softplus", "gradient", "left tail", 0, -1),  # a gradient is judged by its absolute error
    ("linear", "value", "largest", np.inf, -1),  # they are neighbours
]
WRONG = [
    ("silu", "value", "infinities", np.nan),  # there is a limit
    ("silu", "gradient", "infinities", np.nan),
    ("silu", "value", "NaN", 0),
    ("softplus", "value", "left tail", 0, 100),  # a value is judged by its relative error
    ("linear", "value", "infinities", np.finfo("float32").max, 1),
    ("elu", "value", "left tail", -0.99),
    ("elu", "gradient", "left tail", -0.99),
    ("glu", "value", "+-1000", 7),
    ("glu", "gradient", "+-1000", 7),
    ("softmax", "value", "masked", np.nan),
    ("softmax", "gradient", "masked", np.nan),
    ("relu6", "gradient", "kinks", 1.5),
    ("relu6", "gradient", "kinks", np.nan),
]
# At a kink: an activation, what another library takes for the slope, and the mean.
CONVENTIONS = [("relu6", 0, 0.5), ("relu6", 0.25, 0.5), ("relu6", 1, 0.5), ("hard_silu", 1.5, 1.25)]


@pytest.mark.parametrize("name, what, points, number, entry", [(c + (0,))[:5] for c in NO_MATTER])
def test_a_difference_may_be_of_no_matter(name, what, points, number, entry):
    subject = comparison.subject(name, "float32")
    theirs = with_one(subject, what, points, number, entry)
    assert verdicts(subject, exact(subject), theirs) == set()
    assert verdicts(subject, theirs, exact(subject)) == set()


@pytest.mark.parametrize("name, what, points, number, entry", [(c + (0,))[:5] for c in WRONG])
def test_where_one_is_wrong_the_other_one_is_right(name, what, points, number, entry):
    subject = comparison.subject(name, "float32")
    wrong = with_one(subject, what, points, number, entry)
    assert verdicts(subject, exact(subject), wrong) == {(what, points, "ours")}
    assert verdicts(subject, wrong, exact(subject)) == {(what, points, "theirs")}


def test_the_largest_float_is_the_last_of_the_largest_points():
    points = comparison.subject("linear", "float32").points("value")
    assert [p.x for p in points if p.set == "largest"][-1] == np.finfo("float32").max


def test_where_both_are_wrong_in_different_ways_neither_is_right():
    subject = comparison.subject("elu", "float64")
    results = [with_one(subject, "value", "ordinary", number) for number in (40, 41)]
    assert verdicts(subject, *results) == {("value", "ordinary", "neither")}


def test_a_set_of_points_may_have_several_answers():
    subject = comparison.subject("elu", "float64")
    ours = with_one(subject, "value", "ordinary", 40, entry=3)
    theirs = with_one(subject, "value", "ordinary", 40, entry=4)
    found = verdicts(subject, ours, theirs)
    assert {right for _, _, right in found} == {"ours", "theirs"}


@pytest.mark.parametrize("name, slope, mean", CONVENTIONS)
def test_a_slope_between_those_on_both_sides_of_a_kink_is_a_convention(name, slope, mean):
    subject = comparison.subject(name, "float32")
    theirs = with_one(subject, "gradient", "kinks", slope, entry=1)
    _, [finding] = compare(subject, exact(subject), theirs)
    assert finding.right == "a convention"
    assert (finding.point.x, finding.ours) == (subject.case.kinks[1], mean)
    # Ours is the mean by contract.
    assert verdicts(subject, theirs, exact(subject)) == {("gradient", "kinks", "theirs")}


@pytest.mark.parametrize("peer", peers.PEERS)
def test_the_workers_name_activations_as_the_tests_do(peer):
    path = os.path.join(ROOT, "tests", "benchmarks", peer + "_worker.py")
    with open(path, encoding="utf-8") as file:
        body = ast.parse(file.read()).body
    tables = {s.targets[0].id: s.value for s in body if isinstance(s, ast.Assign)}
    names = [ast.literal_eval(key) for key in tables["ACTIVATIONS"].keys]
    assert len(names) == len(set(names)) > 30
    assert set(names) <= set(NAMES)


class Worker:
    """Stands in for a process: of what it has are the results that a test gives to PyTorch."""

    versions = {"PyTorch": "1", "JAX": "2"}

    def __init__(self, name):
        self.name = name

    def ask(self, evaluate, file):
        known = self.name == "torch" and evaluate in self.results
        if known:
            np.savez(file, **dict(zip(WHAT, self.results[evaluate])))
        return {"known": known}

    def close(self):
        pass


@pytest.fixture
def run_main(monkeypatch, tmp_path):
    """From findings to the exit status of the command, and what it writes, if it finds this beside
    PyTorch."""

    def run(*findings):
        ours = {subject.name: results for subject, results, _ in findings}
        Worker.results = {subject.name: results for subject, _, results in findings}
        monkeypatch.setattr(peers, "Worker", Worker)
        monkeypatch.setattr(peers, "ours", lambda subject: ours[subject.name])
        output = tmp_path / "table.rst"
        options = ["--dtypes", "float32", "--output", str(output), "--activations", "mish"]
        monkeypatch.setattr("sys.argv", ["peers.py"] + options + list(ours))
        return peers.main(), output.read_text(encoding="utf-8")

    return run


def test_the_command_succeeds_where_only_the_others_are_wrong(run_main, capsys):
    silu, relu6 = (comparison.subject(name, "float32") for name in ("silu", "relu6"))
    status, text = run_main(
        (silu, exact(silu), with_one(silu, "value", "infinities", np.nan)),
        (relu6, exact(relu6), with_one(relu6, "gradient", "kinks", 1, entry=1)),
    )
    assert status == 0 and "wrong" not in capsys.readouterr().err
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "silu PyTorch float32 value infinities ours -inf 0.0 nan 0.0" in lines
    assert "relu6 6 0.5 1" in lines
    assert "PyTorch 1, JAX 2 and " in text and "Neither has mish." in " ".join(text.split())


def test_the_command_fails_where_ours_is_wrong(run_main, capsys):
    silu = comparison.subject("silu", "float32")
    status, text = run_main((silu, with_one(silu, "value", "infinities", 1), exact(silu)))
    assert status == 1 and " theirs " in text
    complaint = "value of silu in float32 at -inf: 1.0, to be 0.0; PyTorch has 0.0"
    assert complaint in capsys.readouterr().err


def test_a_peer_that_cannot_be_installed_is_told_in_one_line(monkeypatch, capsys):
    def refuse(name):
        raise peers.WorkerError("torch cannot be installed: no network")

    monkeypatch.setattr(peers, "Worker", refuse)
    monkeypatch.setattr("sys.argv", ["peers.py"])
    assert peers.main() == 1
    assert capsys.readouterr().err == "torch cannot be installed: no network\n"


def test_the_command_refuses_what_it_does_not_know():
    done = run_python(PEERS, "--activations", "tangent")
    assert done.returncode == 2 and "leaky_rectify" in done.stderr
