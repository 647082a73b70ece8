"""tests/compiler/g++, which the tests compile with: what comes out is what g++ makes."""

import ctypes
import os
import shutil
import subprocess
import sysconfig

import numpy as np
import pytest
from helpers import ROOT

from lasagne_nl.__main__ import _lacks_headers

FOLDER = os.path.join(ROOT, "tests", "compiler")
OURS = os.path.join(FOLDER, "g++")
# As the tensor libraries write it.
MODULE = """#include <Python.h>
#include <iostream>
#include <math.h>
#include <numpy/arrayobject.h>
extern "C" double twice(PyObject* number) { return 2 * floor(PyFloat_AsDouble(number)); }
extern "C" void lnl_twice(double* x, long n) { for (long i = 0; i < n; i++) x[i] *= 2; }
"""


def find_compiler():
    """The first g++ on PATH that is not ours, if it finds the headers of Python."""
    if _lacks_headers():
        return None
    folders = [f for f in os.environ["PATH"].split(os.pathsep) if os.path.realpath(f) != FOLDER]
    return shutil.which("g++", path=os.pathsep.join(folders))


COMPILER = find_compiler()
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no g++, or no Python.h")


@pytest.fixture
def run(tmp_path):
    """Compiles a text; the machine code, and what the compiler said."""

    def compile_with(compiler, text, *flags, name="mod.cpp", **environment):
        (tmp_path / name).write_text(text)
        # As the libraries call it.
        command = [compiler, "-c", "-g", "-fPIC", "-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION"]
        command += ["-I" + sysconfig.get_paths()["include"], "-I" + np.get_include(), *flags]
        output, code = tmp_path / "mod.o", tmp_path / "code"
        done = subprocess.run(
            command + ["-o", str(output), str(tmp_path / name)],
            env=dict(os.environ, LASAGNE_NL_HEADERS=str(tmp_path / "headers"), **environment),
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            return None, done.stderr
        sections = ["--only-section=.text*", "--only-section=.rodata*"]
        subprocess.run(["objcopy", "-O", "binary", *sections, str(output), str(code)], check=True)
        return code.read_bytes(), done.stderr

    return compile_with


def kept(tmp_path):
    folder = tmp_path / "headers"
    return sorted(os.listdir(str(folder))) if folder.exists() else []


@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-march=native")])
def test_a_module_of_ours_is_compiled_to_what_the_compiler_alone_makes(run, tmp_path, flags):
    for text in (MODULE, MODULE.replace("3", "4")):  # the second with the headers of the first
        expected, _ = run(COMPILER, text, *flags)
        got, said = run(OURS, text, *flags)
        assert got == expected and len(got) > 30, said
    assert len(kept(tmp_path)) == 1


def test_a_module_that_has_nothing_of_ours_is_optimised_less(run):
    text = MODULE.replace("lnl_", "their_")
    less, most = (run(COMPILER, text, flag)[0] for flag in ("-O1", "-O3"))
    assert run(OURS, text, "-O3")[0] == less != most


def test_a_module_is_compiled_once(run, tmp_path):
    first, _ = run(OURS, MODULE)
    again, _ = run(OURS, MODULE)
    assert again == first != run(OURS, MODULE.replace("2", "3"))[0]
    assert len(list((tmp_path / "headers").glob("*/" + 32 * "?"))) == 2


def test_the_headers_that_are_kept_are_used(run, tmp_path):
    # With -H the compiler says what it reads; "!" stands before compiled headers that fit, "x"
    # before those that do not.
    _, said = run(OURS, MODULE, "-H")
    (folder,) = kept(tmp_path)
    used = os.path.join(str(tmp_path / "headers"), folder, "modules.h.gch")
    assert said.splitlines()[0] == "! " + used


def test_what_is_linked_runs(tmp_path):
    (tmp_path / "mod.cpp").write_text(MODULE)
    include = ["-I" + sysconfig.get_paths()["include"], "-I" + np.get_include()]
    library = str(tmp_path / "mod.so")
    subprocess.run(
        [OURS, "-shared", "-fPIC", *include] + ["-o", library, str(tmp_path / "mod.cpp")],
        env=dict(os.environ, LASAGNE_NL_HEADERS=str(tmp_path / "headers")),
        check=True,
    )
    twice = ctypes.PyDLL(library).twice
    twice.argtypes, twice.restype = [ctypes.py_object], ctypes.c_double
    assert len(kept(tmp_path)) == 1 and twice(3.5) == 6


def test_flags_that_differ_have_headers_of_their_own(run, tmp_path):
    for flags in ([], ["-DMORE=1"], ["-DMORE=2"]):
        run(OURS, MODULE, *flags)
    assert len(kept(tmp_path)) == 3


@pytest.mark.parametrize(
    "text, name",
    [("#define PY_SSIZE_T_CLEAN\n" + MODULE, "mod.cpp"), (MODULE, "another.cpp")],
    ids=["another beginning", "another name"],
)
def test_what_is_not_such_a_module_is_left_to_the_compiler(run, tmp_path, text, name):
    expected, _ = run(COMPILER, text, name=name)
    got, _ = run(OURS, text, name=name)
    assert got == expected and kept(tmp_path) == []


def test_errors_of_the_compiler_are_passed_on(run, tmp_path):
    _, expected = run(COMPILER, MODULE + "int wrong() { return nothing; }\n")
    made, said = run(OURS, MODULE + "int wrong() { return nothing; }\n")
    assert made is None and "nothing" in expected and said == expected


def test_flags_with_which_the_headers_cannot_be_compiled_are_left_to_the_compiler(run, tmp_path):
    made, said = run(OURS, MODULE, "-std=c++1")
    assert made is None and "-std=c++1" in said and kept(tmp_path) == []


def test_without_a_compiler_it_says_so(run, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname"):
        os.symlink(shutil.which(tool), str(tools / tool))
    _, said = run(OURS, MODULE, PATH=FOLDER + os.pathsep + str(tools))
    assert said.strip() == "tests/compiler/g++: there is no g++ on PATH but this one"
