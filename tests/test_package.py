"""The metadata of the installed distribution, beside what the package and the documents say."""

import os
import re
import sys

import pytest
from helpers import text_of

import lasagne_nl
from lasagne_nl._requirements import AESARA, PYTENSOR, PYTHONS

if sys.version_info >= (3, 8):
    from importlib import metadata
else:
    import importlib_metadata as metadata  # pytest brings it

DOCUMENTS = ["README.md", os.path.join("docs", "installation.rst"), "Makefile", "pyproject.toml"]


@pytest.fixture(scope="module")
def distribution():
    return metadata.distribution("lasagne_nl")


def test_the_version_is_that_of_the_package(distribution):
    assert distribution.version == lasagne_nl.__version__


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_extras_that_are_named_exist(distribution, name):
    extras = set(distribution.metadata.get_all("Provides-Extra"))
    text = text_of(name)
    named = {
        extra for group in re.findall(r'"\.\[([a-z,]+)\]"', text) for extra in group.split(",")
    }
    for group in re.findall(r"\{\[testenv\]distribution\}\[([a-z,]+)\]", text):
        named.update(group.split(","))
    # The stamps of the Makefile that `pip install .[...]` makes.
    stamps = re.search(r"^(\$\(VENV\)/\.\w+ )+?.*: \$\(VENV\)/\.%:", text, re.M)
    named.update(re.findall(r"/\.(\w+)", stamps.group(0)) if stamps else ())
    assert named and named <= extras


def test_every_python_that_is_documented_has_its_classifier_and_no_other(distribution):
    classifiers = distribution.metadata.get_all("Classifier")
    pattern = re.compile(r"Programming Language :: Python :: (3\.\d+)$")
    classified = [match.group(1) for match in map(pattern.match, classifiers) if match]
    assert classified == list(PYTHONS)
    for name in DOCUMENTS[:3]:
        ranges = re.findall(r"\b(3\.\d+) to (3\.\d+)\b", text_of(name))
        singles = re.findall(r"\bPython (3\.\d+)\b", text_of(name))
        named = [python for pair in ranges for python in pair] + singles
        assert set(named) <= set(classified), name
        assert (classified[0], classified[-1]) in ranges or name != "README.md"


def test_pip_takes_it_on_these_pythons_only(distribution):
    first, last = PYTHONS[0], PYTHONS[-1]
    after = "3.{}".format(int(last.split(".")[1]) + 1)
    wanted = distribution.metadata["Requires-Python"].replace(" ", "").split(",")
    assert sorted(wanted) == ["<" + after, ">=" + first]


def test_the_metadata_have_what_an_index_shows(distribution):
    shown = distribution.metadata
    for field in ("Summary", "Author", "Keywords", "Description-Content-Type"):
        assert shown.get(field) not in (None, "", "UNKNOWN"), field
    assert "MIT" in (shown.get("License"), shown.get("License-Expression"))
    description = shown.get_payload() or shown.get("Description")
    assert text_of("README.md").split("\n")[0] in description


@pytest.mark.parametrize("library, rows", [("aesara", AESARA), ("pytensor", PYTENSOR)])
@pytest.mark.parametrize("minor", range(7, 12))
def test_a_cell_of_tox_that_has_a_library_alone_installs_what_goes_with_it(library, rows, minor):
    lines = re.findall(r"^    ([\w,-]+): \{\[testenv\]pip\} (.*)$", text_of("pyproject.toml"), re.M)
    cell = "py3{}-{}".format(minor, library)
    installed = [
        packages.replace('"', "").split()
        for factors, packages in lines
        if packages.startswith(library) and {cell, library} & set(factors.split(","))
    ]
    # The library itself in the newest version that there is.
    wanted = [what for what, first, last in rows if first <= minor <= last]
    assert installed == [[library, *wanted[1:]]]
