"""The page for contributors: its example, its steps, its passes, the names that it mentions."""

import glob
import inspect
import os
import re
import runpy
import shutil
import textwrap

import numpy as np
import pytest
from helpers import ROOT, output_of, simd_is_active, text_of, with_theano_itself

import lasagne_nl

EXAMPLE = os.path.join(ROOT, "docs", "examples", "new_activation.py")
PAGE = text_of("docs", "contributing.rst")
_ROWS = re.findall(r"^   \* - ([\d.]+)\n     - ``(\w+)``\n", PAGE, re.M)
PASSES = {name: float(position) for position, name in _ROWS}  # from top to bottom


def block(caption):
    """The code block of the page with a caption, the name of the file that it belongs to."""
    pattern = r"\.\. code-block:: python\n   :caption: {}\n\n((?:(?:   .*)?\n)+)"
    (code,) = re.findall(pattern.format(re.escape(caption)), PAGE)
    return textwrap.dedent(code).strip("\n")


def test_the_example_prints_what_the_page_shows():
    shown = PAGE.split("$ python docs/examples/new_activation.py\n")[1].split("\n\n")[0]
    assert textwrap.indent(output_of(EXAMPLE, ""), "   ").splitlines() == shown.splitlines()


def test_the_formula_on_paper_fails_where_the_page_says_so():
    x = np.array([-1.8e19, -1.9e19, -np.inf], "float32")
    with np.errstate(all="ignore"):
        naive = x / np.sqrt(1 + x * x)
    np.testing.assert_array_equal(naive, [-1, 0, np.nan])


def insert(path, *changes):
    """Put each text before another one, which is at exactly one place of the file."""
    text = path.read_text(encoding="utf-8")
    for new, before in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, new + before)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the steps of the page change and test."""
    ignored = shutil.ignore_patterns("__pycache__", "output")
    package = os.path.dirname(lasagne_nl.__file__)
    shutil.copytree(package, str(tmp_path / "lasagne_nl"), ignore=ignored)
    for folder in ("tests", "docs/examples"):
        shutil.copytree(os.path.join(ROOT, folder), str(tmp_path / folder), ignore=ignored)
    shutil.copy(os.path.join(ROOT, "pyproject.toml"), str(tmp_path))
    return tmp_path


def test_the_steps_of_the_page_are_all_that_a_new_activation_needs(checkout):
    example = runpy.run_path(EXAMPLE)
    insert(
        checkout / "lasagne_nl" / "nonlinearities.py",
        ('"isrlu", ', '"GELU", "gelu"'),
        (inspect.getsource(example["isrlu"]) + "\n\n", "class GELU(Parameterised):"),
    )
    insert(
        checkout / "tests" / "activations.py",
        (block("tests/activations.py") + "\n    ", 'Case("softsign"'),
    )
    insert(
        checkout / "tests" / "accuracy" / "references.py",
        (block("tests/accuracy/references.py") + "\n\n\n", "def _gated("),
        ('    "isrlu": _isrlu,\n', '    "gelu": _gelu,'),
    )
    api = checkout / "tests" / "test_api.py"
    insert(api, ('"isrlu", ', '"GELU", "gelu"'))
    text = api.read_text(encoding="utf-8")
    number = re.search(r"len\(FUNCTIONS\) == (\d+)", text)
    one_more = "len(FUNCTIONS) == {}".format(int(number.group(1)) + 1)
    api.write_text(text.replace(number.group(), one_more), encoding="utf-8")
    insert(
        checkout / "docs" / "examples" / "digits.py",
        ("    isrlu,\n", "    leaky_rectify,\n    linear,"),
        ('    "isrlu": isrlu,\n', '    "gelu": gelu,\n'),
    )
    # What takes no compiler, and little time; and the tests of the lists.
    tests = (
        "isrlu and (FAST_COMPILE and (limits or finite or ulps and not float16) or reference"
        " or numpydoc or docstring or signature or takes or pickling or refused)"
        " or in_reading_order or begin_with_a_capital or in_a_table or demo_has_every"
    )
    files = ["values", "edges", "api", "errors", "accuracy_sweep", "examples"]
    settings = str(checkout / "pyproject.toml")
    output = output_of(
        "-m", "pytest", "-p", "no:cacheprovider", "-c", settings, "-k", tests,
        *[str(checkout / "tests" / "test_{}.py".format(name)) for name in files],
        PYTHONPATH=str(checkout),
    )  # fmt: skip
    assert int(re.search(r"(\d+) passed", output).group(1)) > 25


def test_every_file_that_the_page_names_is_there():
    names = re.findall(r"``((?:lasagne_nl|tests|docs)/[^`]+|[a-zA-Z.]+\.(?:py|md|h))``", PAGE)
    assert len(names) > 30
    folders = ("", "lasagne_nl/simd")
    for name in set(names):
        assert any(os.path.exists(os.path.join(ROOT, f, name)) for f in folders), name


def test_every_test_file_that_the_page_lists_is_parametrised_over_the_table():
    proofs = PAGE.split("What the tests prove then")[1]
    listed = re.findall(r"^``(tests/test_\w+\.py)``\n   \w", proofs, re.M)
    assert len(listed) == len(set(listed)) == 11
    for name in listed:
        assert re.search(r"\bEVERY\b|\bALL\b|\bELEMENTWISE\b", text_of(name)), name


def test_every_helper_and_name_of_code_that_the_page_mentions_exists():
    files = glob.glob(os.path.join(ROOT, "lasagne_nl", "**", "*.*"), recursive=True)
    files += glob.glob(os.path.join(ROOT, "tests", "accuracy", "*.py"))
    files += ["tests/activations.py", "tests/test_api.py", "docs/examples/digits.py", "Makefile"]
    files += ["docs/gallery.py"]
    sources = "".join(text_of(path) for path in files if not path.endswith(".pyc"))
    # What Theano, Sphinx or the example names, or what stands for any name.
    elsewhere = {"optdb", "scan", "False", "floatX", "lnl_name", "FAST_RUN", "tanh"}
    names = set(re.findall(r"``(\w+)``", PAGE)) - elsewhere - set(PASSES)
    assert len(names) > 25
    missing = {name for name in names if not re.search(r"\b{}\b".format(name), sources)}
    assert missing == set()


def test_the_page_has_every_command_of_the_makefile_and_of_the_ci():
    commands = re.search(r"\.PHONY: (.+)", text_of("Makefile")).group(1).split()
    table = set(re.findall(r"   \* - ``make ([\w-]+)``", PAGE))
    assert set(commands) <= table
    run_by_ci = set(re.findall(r"^make ([\w-]+)", text_of(".ci", "run"), re.M))
    last = PAGE[PAGE.index("``.ci/run`` is what") :]
    assert run_by_ci == set(re.findall(r"``make ([\w-]+)``", last))


# --- the passes ---


needs_passes = pytest.mark.skipif(
    not (with_theano_itself and simd_is_active()),
    reason="the page has Theano's passes, the fast ones with them",
)


@needs_passes
def test_the_page_has_every_rewrite_that_is_registered_and_has_it_where_it_runs():
    from theano.compile import optdb

    from lasagne_nl.simd import c_linkers, rewrites

    ours = [one.name for tag in ("lasagne_nl", rewrites.TAG) for one in optdb.__db__[tag]]
    assert {name for name in PASSES if name.startswith("lasagne_nl")} == set(ours)
    assert PASSES == {name: optdb.__position__[name] for name in PASSES}
    assert list(PASSES) == sorted(PASSES, key=PASSES.get)
    local = [n for n in (*vars(rewrites), *vars(c_linkers)) if n.startswith("local_")]
    # The gradients of softmax are looked for twice.
    assert len(local) == len([name for name in ours if name.startswith(rewrites.TAG)]) - 1


@needs_passes
def test_the_passes_stand_where_the_page_says():
    first, second, *functions, last = [n for n in PASSES if n.startswith("lasagne_nl_simd")]
    assert first.endswith("activations") and second.endswith("softmax_gradients_first")
    assert PASSES[second] < PASSES["canonicalize"]
    assert max(PASSES["stabilize"], PASSES["specialize"]) < 48.5 < PASSES[functions[0]]
    assert PASSES[functions[-1]] < PASSES["lasagne_nl_accurate"] < PASSES["elemwise_fusion"]
    assert last.endswith("vector_elemwise") and PASSES[last] > PASSES["inplace_elemwise_opt"]


@needs_passes
def test_the_name_of_a_pass_switches_it_off():
    import theano

    from lasagne_nl.nonlinearities import leaky_rectify

    def conditions(*excluded):
        x = theano.tensor.fvector("x")
        mode = theano.compile.get_mode("FAST_RUN").excluding(*excluded)
        function = theano.function([x], leaky_rectify(x), mode=mode)
        return str(function.maker.fgraph.toposort()).count("Switch")

    assert conditions() < conditions("lasagne_nl_simd_activations")
