"""The examples: those in the docstrings, and the program of `make demo`."""

import doctest
import os
import runpy

import pytest
from helpers import ROOT, run_python

from lasagne_nl import nonlinearities as nl

DIGITS = os.path.join(ROOT, "docs", "examples", "digits.py")
PRELU = os.path.join(ROOT, "docs", "examples", "prelu.py")


def test_the_examples_in_the_docstrings_print_what_they_say():
    results = doctest.testmod(nl)
    assert results.attempted >= 6 and results.failed == 0


def test_the_demo_has_every_activation_that_a_hidden_layer_can_have():
    activations = runpy.run_path(DIGITS)["ACTIVATIONS"].values()
    shown = [{id(one), id(type(one))} for one in activations]
    missing = {
        name for name in nl.__all__ if not any(id(getattr(nl, name)) in ids for ids in shown)
    }
    # These have the entries of a row compete, or change their number. The rest is elementwise, and
    # its classes may be shown by an instance of theirs.
    of_rows = {"softmax", "Softmax", "softmin", "LogSoftmax", "log_softmax"}
    assert missing == of_rows | {"Sparsemax", "sparsemax", "GLU", "glu", "CReLU", "crelu"}


def test_the_demo_takes_those_of_lasagne_by_default_and_every_one_by_the_word_all(monkeypatch):
    program = runpy.run_path(DIGITS)
    classic = [
        "sigmoid", "tanh", "ScaledTanH", "rectify", "leaky_rectify", "very_leaky_rectify", "elu",
        "selu", "softplus", "linear",
    ]  # fmt: skip
    for options, names in [
        ([], classic),
        (["all"], list(program["ACTIVATIONS"])),
        (["gelu", "all"], list(program["ACTIVATIONS"])),
        (["gelu", "tanh", "gelu"], ["gelu", "tanh"]),
    ]:
        monkeypatch.setattr("sys.argv", [DIGITS, *(["--activations"] if options else []), *options])
        assert program["chosen"](program["parse_arguments"]()) == names


def test_the_example_of_prelu_finds_the_slopes_and_prints_what_the_documentation_shows(tmp_path):
    done = run_python(PRELU, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    with open(os.path.join(ROOT, "docs", "prelu.rst"), encoding="utf-8") as file:
        shown = [line.strip() for line in file if line.startswith("   true slope")]
    assert done.stdout.splitlines() == shown + [str(tmp_path / "prelu.svg")] and len(shown) == 5


def test_the_demo_prints_a_table_and_draws_two_plots(tmp_path):
    options = ["--activations", "linear", "--epochs", "1", "--output", str(tmp_path)]
    done = run_python(DIGITS, *options)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
    for name in ("learning_curves.png", "activations.png"):
        assert done.stdout.count(str(tmp_path / name)) == 1
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--activations", "rectifier"], "rectify"),
        (["--epochs", "0"], "must be at least 1, got 0"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_the_demo_refuses_bad_options_and_says_what_is_right(options, message):
    done = run_python(DIGITS, *options)
    assert done.returncode == 2 and message in done.stderr
