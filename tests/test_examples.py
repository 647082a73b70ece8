"""The examples: those in the docstrings, and the program of `make demo`."""

import doctest
import os
import runpy

import pytest
from helpers import ROOT, run_python

from lasagne_nl import nonlinearities as nl

DIGITS = os.path.join(ROOT, "docs", "examples", "digits.py")


def test_the_examples_in_the_docstrings_print_what_they_say():
    results = doctest.testmod(nl)
    assert results.attempted >= 6 and results.failed == 0


def test_the_demo_has_every_activation_that_a_hidden_layer_can_have():
    activations = runpy.run_path(DIGITS)["ACTIVATIONS"]
    for name in nl.__all__:
        wanted = getattr(nl, name)
        if name == "softmax":
            continue
        assert any(one is wanted or type(one) is wanted for one in activations.values()), name


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
