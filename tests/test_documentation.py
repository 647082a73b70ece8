"""The documentation: what its pages show runs, and every activation has its place in them."""

import ast
import doctest
import json
import os
import pydoc
import re
import sys
import textwrap

import pytest
from helpers import ROOT, library, output_of, text_of, with_theano_itself

import lasagne_nl
from lasagne_nl import __main__ as check
from lasagne_nl import nonlinearities as nl

DOCS = os.path.join(ROOT, "docs")
PAGES = [os.path.join(DOCS, name) for name in sorted(os.listdir(DOCS)) if name.endswith(".rst")]
PAGES.append(os.path.join(ROOT, "README.md"))
_RST = re.compile(r"^\.\. code-block:: (python|pycon)\n\n((?:(?:   .*)?\n)+)", re.M)
_MARKDOWN = re.compile(r"^```(python|pycon)\n(.*?)^```", re.M | re.S)

sys.path.insert(0, DOCS)

import chart  # noqa: E402
import gallery  # noqa: E402


def blocks(path):
    """The examples of a page, as (language, line, text)."""
    text = text_of(path)
    for match in (_MARKDOWN if path.endswith(".md") else _RST).finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield match.group(1), line, textwrap.dedent(match.group(2))


def run_page(path):
    """Run the examples of a page one after the other, in one namespace; stop at the first that does
    not do what it shows. Where a page imports Lasagne's activations, it gets these."""
    lasagne_nl.replace_lasagne()
    runner, names = doctest.DocTestRunner(verbose=False), {}
    for language, line, text in blocks(path):
        if language == "python":
            exec(compile(text, "{}:{}".format(path, line), "exec"), names)
            continue
        example = doctest.DocTestParser().get_doctest(text, names, path, path, line)
        runner.run(example, clear_globs=False)
        names.update(example.globs)
        if runner.failures:
            raise SystemExit("the example in line {} of {} failed".format(line, path))


@pytest.mark.parametrize("path", PAGES, ids=[os.path.basename(path) for path in PAGES])
@pytest.mark.skipif(not with_theano_itself, reason="the pages show Theano")
def test_the_examples_of_a_page_do_what_they_show(path):
    if not list(blocks(path)):
        pytest.skip("no examples")
    here = os.path.dirname(os.path.abspath(__file__))
    output_of(
        "import sys; sys.path.insert(0, {!r}); from test_documentation import run_page; "
        "run_page({!r})".format(here, path)
    )


def test_every_example_in_the_pages_is_found_and_is_python():
    found = {os.path.basename(path): list(blocks(path)) for path in PAGES}
    for path in PAGES:
        # A block with options, such as a caption, is a part of a program: another test has it.
        fences = re.findall(
            "^```py" if path.endswith(".md") else r":: py\w+\n\n", text_of(path), re.M
        )
        assert len(fences) == len(found[os.path.basename(path)])
    for language, _, text in sum(found.values(), []):
        if language == "python":
            ast.parse(text)
    assert len(found["moving.rst"]) >= 6 and len(found["README.md"]) >= 2


def test_the_pages_show_what_the_check_prints():
    shown = re.search(r"\$ python -m lasagne_nl\n   lasagne_nl .*?\n   sound\n",
                      text_of(os.path.join(DOCS, "installation.rst")), re.S).group(0)  # fmt: skip
    lines = [line.strip() for line in shown.split("\n")]
    assert lines[1].split() == ["lasagne_nl", lasagne_nl.__version__]
    names = [line.split()[0] for line in lines if line.endswith(" ok")]
    assert names == list(check._REFERENCES)
    facts = [line.split("  ")[0] for line in lines[1:9]]
    here = [fact for fact, _ in check._facts()]
    assert facts[:3] + facts[4:] == here[:3] + here[4:]


def names_of_this_library():
    """What the page on the other libraries calls by a name of the one in use."""
    named = set(re.findall(r"`((?:theano|aesara|pytensor)\.[\w.]+)`",
                           text_of(os.path.join(DOCS, "moving_on.rst"))))  # fmt: skip
    mine = sorted(name for name in named if name.split(".")[0] == library.__name__)
    gone = ("theano.gof", "theano.sandbox")  # in Theano-PyMC, as the page says
    return [n for n in mine if with_theano_itself or not n.startswith(gone)]


@pytest.mark.parametrize("name", names_of_this_library())
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_name_that_the_pages_give_for_this_library_exists(name):
    assert pydoc.locate(name) is not None


class TestGallery:
    def test_every_activation_is_in_it_once(self):
        named = [name for entry in gallery.ENTRIES for name in entry.names]
        assert sorted(named) == sorted(nl.__all__)

    @pytest.mark.parametrize("name", [entry.names[0] for entry in gallery.ENTRIES])
    def test_a_card_has_a_formula_and_a_use_and_its_paper(self, name):
        beginning = gallery.beginning(name)
        assert ":math:" in beginning and "\n\n" in beginning
        assert "]_" not in beginning and "---" not in beginning
        assert bool(gallery.papers(name)) == (name != "linear")

    def test_a_curve_has_a_gap_where_it_jumps_and_a_dot_for_the_value_there(self):
        entry = next(e for e in gallery.ENTRIES if e.names[0] == "rectify")
        ((value, slope),) = gallery.curves_of([entry])[0]
        x, y, alone_x, alone_y = gallery.broken(slope)
        assert (list(alone_x), list(alone_y)) == ([0], [0.5])
        assert sum(y != y) == 2 and not any(gallery.broken(value)[2])

    def test_the_overview_of_the_readme_is_drawn_of_entries(self, tmp_path):
        path = str(tmp_path / "overview.svg")
        gallery.draw_overview(path)
        drawn = text_of(path)
        for title in ("sigmoid", "selu", "gelu", "silu", "hard_silu"):
            assert ">{}</text>".format(title) in drawn
        assert "overview.svg" in text_of(os.path.join(ROOT, "README.md"))


def test_every_picture_in_the_pages_has_a_text_in_its_place():
    # Sphinx finds a picture that is not there, and would show its path where there is no text.
    for path in PAGES:
        pictures = text_of(path).split(".. image::")[1:]
        assert all(":alt:" in picture.split("\n\n")[0] for picture in pictures), path


def test_the_charts_have_what_was_measured_with_one_thread_at_one_size(tmp_path, monkeypatch):
    monkeypatch.setattr(chart.drawing, "PICTURES", str(tmp_path))
    monkeypatch.setattr(chart, "TABLES", str(tmp_path))
    for name in ("MEASURED", "WRITTEN", "PAGE"):
        path = str(tmp_path / os.path.basename(getattr(chart, name)))
        monkeypatch.setattr(chart, name, path)
    chart.write()
    assert "make bench" in text_of(chart.PAGE)
    seconds = {"theano": 1e-5, "stock theano": 1e-3, "jax": 2e-5, "aesara": 1e-5}
    measured = [
        [1, "tanh", "forward", "float32", 256, 512, seconds],
        [2, "tanh", "forward", "float32", 256, 512, {"theano": 1.0}],
        [1, "tanh", "gradient", "float32", 256, 512, {"theano": 1e-5}],
        [1, "elu", "forward", "float32", 64, 100, {"theano": 1.0}],
    ]
    found = chart.times(measured, "forward")
    assert list(found) == ["tanh"] and list(found["tanh"]) == list(seconds)
    assert found["tanh"]["theano"] == pytest.approx(1e-5 / 256 / 512 * 1e9)  # ns per element
    with open(chart.MEASURED, "w", encoding="utf-8") as file:
        json.dump(measured, file)
    with open(chart.WRITTEN, "w", encoding="utf-8") as file:
        file.write("all\n\n.. bars of theano\n\n.. bars of aesara\n\n.. bars of pymc\n\nrest\n")
    chart.write()
    drawn, in_aesara = (
        text_of(str(tmp_path / "speed-{}-forward-dark.svg".format(library)))
        for library in ("theano", "aesara")
    )
    for text in ("tanh", "lasagne_nl", "stock", "JAX"):
        assert ">{}</text>".format(text) in drawn
    assert ">PyTorch</text>" not in drawn
    assert ">lasagne_nl</text>" in in_aesara and ">JAX</text>" not in in_aesara
    page = text_of(chart.PAGE)
    assert page.count(".. image::") == 6 and "bars of" not in page
    assert page.startswith("all\n\n.. image::") and page.endswith("\n\nrest\n")
