"""By how much each of several libraries is off: `make peers` on made-up results; no other library
is needed."""

import ast
import os

import numpy as np
import pytest
from accuracy import peers
from accuracy.peers import MOST, NAMES, WHAT, Subject
from helpers import ROOT, run_python

PEERS = os.path.join(ROOT, "tests", "accuracy", "peers.py")


def exact(subject):
    """The results of a library that is right everywhere."""
    with np.errstate(over="ignore"):
        return [
            np.array([float(e.exact) for _, e in subject.entries(what)]).astype(subject.dtype)
            for what in WHAT
        ]


def with_one(subject, what, points, number, entry=0):
    """The exact results, but for an entry in a set of points."""
    results = exact(subject)
    places = [i for i, (one, _) in enumerate(subject.entries(what)) if one == points]
    results[WHAT.index(what)][places[entry]] = number
    return results


def off(subject, results):
    """The largest errors of results, by what and set of points, and the slopes at kinks."""
    found = peers.Found({}, {})
    peers.take(found, subject, {"ours": exact(subject), "torch": results})
    largest = {(what, points): of["torch"][0] for (*_, what, points), of in found.largest.items()
               if "torch" in of}  # fmt: skip
    assert max(of["ours"][0] for of in found.largest.values()) <= 1
    return largest, {x: slopes["torch"] for (_, x), slopes in found.slopes.items()}


@pytest.mark.parametrize("name", ["tanh", "GELU(approximate=True)", "HardShrink()", "softmin",
                                  "log_softmax", "glu"])  # fmt: skip
def test_what_is_right_up_to_rounding_has_small_errors(name, dtype):
    subject = Subject(name, dtype)
    largest, _ = off(subject, [a * (1 - 8 * np.finfo(dtype).eps) for a in exact(subject)])
    assert {what for what, _ in largest} == set(WHAT)
    assert 4 <= largest["value", "ordinary"] <= 9 and max(largest.values()) <= MOST


# An activation, what of it, a set of points, what a library has there in the place of what is
# right, and whether that is wrong; at which entry of the set, where it is not the first.
DIFFERENCES = [
    ("silu", "gradient", "NaN", 0, False),  # NaN has no slope
    ("softplus", "gradient", "left tail", 0, False, -1),  # judged by its absolute error
    ("linear", "value", "largest", np.inf, False, -1),  # they are neighbours
    ("relu6", "gradient", "kinks", 0.25, False),  # where a library may choose
    ("silu", "value", "infinities", np.nan, True),  # there is a limit
    ("silu", "gradient", "infinities", np.nan, True),
    ("silu", "value", "NaN", 0, True),
    ("softplus", "value", "left tail", 0, True, 100),  # judged by its relative error
    ("linear", "value", "infinities", np.finfo("float32").max, True, 1),
    ("elu", "value", "left tail", -0.99, True),
    ("elu", "gradient", "left tail", -0.99, True),
    ("glu", "value", "+-1000", 7, True),
    ("glu", "gradient", "+-1000", 7, True),
    ("softmax", "value", "masked", np.nan, True),
    ("softmax", "gradient", "masked", np.nan, True),
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=str)
def test_a_difference_is_told_where_it_is_unless_it_is_of_no_matter(difference):
    name, what, points, number, is_wrong, *entry = difference
    subject = Subject(name, "float32")
    largest, _ = off(subject, with_one(subject, what, points, number, *entry))
    assert [key for key, error in largest.items() if error > MOST] == [(what, points)] * is_wrong


def test_the_largest_float_is_the_last_of_the_largest_points():
    entries = Subject("linear", "float32").entries("value")
    assert [e.x for points, e in entries if points == "largest"][-1] == np.finfo("float32").max


def test_slopes_at_kinks_are_told_as_they_are():
    subject = Subject("relu6", "float32")
    _, slopes = off(subject, with_one(subject, "gradient", "kinks", 0.25, entry=1))
    assert slopes == {0.0: 0.5, 6.0: 0.25}


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

    def evaluate(self, activation, x, g):
        return self.results.get(activation) if self.name == "torch" else None

    def close(self):
        pass


@pytest.fixture
def run_main(monkeypatch, tmp_path):
    """From (subject, our results, those of PyTorch) to the exit status of the command, and what it
    writes."""

    def run(*findings):
        ours = {subject.name: results for subject, results, _ in findings}
        Worker.results = {subject.name: results for subject, _, results in findings}
        mish = Subject("mish", "float32")
        ours["mish"] = exact(mish)
        monkeypatch.setattr(peers, "Worker", Worker)
        monkeypatch.setattr(peers, "ours", lambda subject: ours[subject.name])
        output = tmp_path / "table.rst"
        options = ["--dtypes", "float32", "--output", str(output), "--activations"]
        monkeypatch.setattr("sys.argv", ["peers.py"] + options + list(ours))
        return peers.main(), output.read_text(encoding="utf-8")

    return run


def test_the_command_succeeds_where_only_the_others_are_wrong(run_main, capsys):
    silu, relu6 = (Subject(name, "float32") for name in ("silu", "relu6"))
    status, text = run_main(
        (silu, exact(silu), with_one(silu, "value", "infinities", np.nan)),
        (relu6, exact(relu6), with_one(relu6, "gradient", "kinks", 1, entry=1)),
    )
    assert status == 0 and "wrong" not in capsys.readouterr().err
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "silu float32 value infinities 0 inf -inf 0.0" in lines
    assert "relu6 6 0.5 1" in lines
    assert "PyTorch 1, JAX 2 and " in text and "Neither has mish." in " ".join(text.split())


def test_a_slope_of_nan_at_a_kink_is_shown(run_main):
    relu6 = Subject("relu6", "float32")
    _, text = run_main((relu6, exact(relu6), with_one(relu6, "gradient", "kinks", np.nan)))
    assert "relu6 0 0.5 nan" in [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("name, what, points, number, entry, complaint", [
    ("silu", "value", "infinities", 3, 0, "value of silu in float32 at -inf: 3.0, to be 0.0"),
    ("silu", "gradient", "ordinary", 3, 4, "gradient of silu in float32 at "),
    # The mean of both sides.
    ("relu6", "gradient", "kinks", 1, 0, "gradient of relu6 in float32 at 0.0: 1.0, to be 0.5"),
])  # fmt: skip
def test_the_command_fails_where_ours_is_wrong(
    name, what, points, number, entry, complaint, run_main, capsys
):
    subject = Subject(name, "float32")
    status, _ = run_main((subject, with_one(subject, what, points, number, entry), exact(subject)))
    assert status == 1 and "ours is wrong: " + complaint in capsys.readouterr().err


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
