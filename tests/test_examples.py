"""The examples: those in the docstrings, the program of `make demo`, and those of the tutorial."""

import doctest
import os
import re
import runpy
import shutil
import textwrap
from importlib.util import find_spec
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import ROOT, output_of, run_python, text_of, with_theano_itself

from lasagne_nl import backend
from lasagne_nl import nonlinearities as nl

DOCS = os.path.join(ROOT, "docs")
DIGITS = os.path.join(DOCS, "examples", "digits.py")
IN_LASAGNE = os.path.join(DOCS, "examples", "digits_in_lasagne.py")
PRELU = os.path.join(DOCS, "examples", "prelu.py")

needs_theano = pytest.mark.skipif(not with_theano_itself, reason="Lasagne needs Theano")
needs_lasagne = pytest.mark.skipif(
    not (with_theano_itself and find_spec("lasagne")), reason="Lasagne or Theano is not there"
)


def shown(program):
    """The options that the tutorial gives to a program, and the lines that it shows in answer."""
    command = r"^   \$ python docs/examples/{}( .*)?\n((?:   .+\n)+)".format(
        re.escape(os.path.basename(program))
    )
    [(options, lines)] = re.findall(command, text_of("docs", "tutorial.rst"), re.M)
    return options.split(), textwrap.dedent(lines).splitlines()


def without_numbers(lines):
    """The lines but for measurements and versions, in an order that does not depend on them."""
    return sorted(re.sub(r"\d+(\.\d+)*", "0", " ".join(line.split())) for line in lines)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What the demo prints with the options that the tutorial gives it, and its folder of plots."""
    folder = str(tmp_path_factory.mktemp("figures"))
    options, _ = shown(DIGITS)
    assert options[-2:] == ["--output", "figures"]
    return output_of(DIGITS, *options[:-1], folder).splitlines(), folder


def test_the_examples_in_the_docstrings_print_what_they_say():
    results = doctest.testmod(nl)
    assert results.attempted >= 3 and results.failed == 0


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


def test_the_demo_prints_what_the_tutorial_shows_but_for_the_numbers_and_draws_two_plots(demo):
    lines, folder = demo
    _, expected = shown(DIGITS)
    first, *rest = (line.replace(folder, "figures") for line in lines)
    assert first.startswith(backend.name + " ")  # the tutorial shows it with Theano
    assert first.partition(":")[2] == expected[0].partition(":")[2]
    assert without_numbers(rest) == without_numbers(expected[1:])
    assert rest[0] == expected[1] and len(rest) == 9
    for name in ("learning_curves.png", "activations.png"):
        with open(os.path.join(folder, name), "rb") as file:
            assert file.read(4) == b"\x89PNG"
    assert rest[-2:] == ["figures/learning_curves.png", "figures/activations.png"]


@needs_lasagne
def test_the_network_in_lasagne_is_as_accurate_as_that_of_the_demo(demo):
    options, expected = shown(IN_LASAGNE)
    same_epochs = shown(DIGITS)[0][-4:-2]
    assert options == ["--activation", "rectify"] + same_epochs
    printed = output_of(IN_LASAGNE, *options).splitlines()
    assert without_numbers(printed) == without_numbers(expected) and len(printed) == 1
    [accuracy] = [line.split()[1] for line in demo[0] if line.startswith("rectify ")]
    one_image = 100 / 450
    assert abs(float(printed[0].split()[-1][:-1]) - float(accuracy[:-1])) < 1.5 * one_image


@needs_lasagne
def test_the_network_in_lasagne_starts_with_a_lasagne_that_knows_theano_1(tmp_path):
    # Lasagne 0.1 with the one change that a newer one has: it asks the module of today.
    [source] = find_spec("lasagne").submodule_search_locations
    shutil.copytree(source, str(tmp_path / "lasagne"))
    pool = tmp_path / "lasagne" / "layers" / "pool.py"
    old = "from theano.tensor.signal import downsample"
    assert pool.read_text().count(old) == 1
    pool.write_text(pool.read_text().replace(old, "from theano.tensor.signal.pool import pool_2d"))
    path = os.pathsep.join([ROOT, str(tmp_path)])
    assert "--activation" in output_of(IN_LASAGNE, "--help", PYTHONPATH=path)  # after the import


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Lasagne cannot be imported: No module named 'lasagne'", marks=needs_theano),
        pytest.param(
            "Lasagne needs Theano; the library in use is {}".format(backend.name),
            marks=pytest.mark.skipif(with_theano_itself, reason="the library in use is Theano"),
        ),
    ],
)
def test_what_the_network_in_lasagne_misses_it_says_in_one_line(message, tmp_path):
    (tmp_path / "lasagne.py").write_text("raise ImportError(\"No module named 'lasagne'\")")
    done = run_python(IN_LASAGNE, "", PYTHONPATH=os.pathsep.join([ROOT, str(tmp_path)]))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.endswith(message + "\n")


def test_the_example_of_prelu_finds_the_slopes_and_prints_what_the_tutorial_shows(tmp_path):
    options, expected = shown(PRELU)
    printed = output_of(PRELU, *options, "--output", str(tmp_path), "--dark").splitlines()
    pictures = [str(tmp_path / name) for name in ("prelu.svg", "prelu_dark.svg")]
    assert printed == expected + pictures and len(expected) == 5
    for path in pictures:
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_prelu_draws_nothing_by_itself_and_for_a_light_page_by_default(tmp_path, monkeypatch):
    program = runpy.run_path(PRELU)
    monkeypatch.setattr("sys.argv", [PRELU])
    arguments = program["parse_arguments"]()
    assert arguments.output is None and not arguments.dark
    slopes = np.stack([np.full_like(program["TRUE_SLOPES"], 0.25), program["TRUE_SLOPES"]])
    assert program["draw"](slopes, str(tmp_path)) == [str(tmp_path / "prelu.svg")]
    assert os.listdir(str(tmp_path)) == ["prelu.svg"]


@pytest.mark.parametrize(
    "program, options, message",
    [
        (DIGITS, ["--activations", "rectifier"], "rectify"),
        (DIGITS, ["--epochs", "0"], "must be at least 1, got 0"),
        (DIGITS, ["--seed", "x"], "--seed"),
        (PRELU, ["--dark"], "--dark: needs --output"),
    ],
)
def test_bad_options_are_refused_with_what_is_right(program, options, message):
    done = run_python(program, *options)
    assert done.returncode == 2 and message in done.stderr
