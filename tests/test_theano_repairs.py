"""What Theano needs before its import: each repair, in a fresh process with a NumPy that needs it.

The NumPy versions are installed once, by pip, into pytest's cache.
"""

import os
import subprocess
import sys

import pytest
from helpers import ROOT, clang_in, library, output_of, run_python, with_theano

from lasagne_nl import _theano_repairs

pytestmark = pytest.mark.skipif(not with_theano, reason="only Theano needs repairs")

PYTHON = sys.version_info[:2]
# A NumPy for each repair, where this Python has one: what breaks in Theano's import without us.
NUMPYS = {
    (3, 7): {"1.21.6": None},
    (3, 8): {"1.21.6": None, "1.23.5": "blas_opt_info", "1.24.4": "numpy.bool"},
    (3, 9): {"1.21.6": None, "1.23.5": "blas_opt_info", "1.26.4": "numpy.bool"},
    (3, 10): {"1.21.6": None, "1.23.5": "blas_opt_info", "1.26.4": "numpy.bool"},
    (3, 11): {"1.23.5": "blas_opt_info", "1.25.2": "numpy.bool", "1.26.4": "numpy.bool"},
}.get(PYTHON, {})
MESSAGES = {"blas_opt_info": "has no attribute 'blas_opt_info'", "numpy.bool": "numpy.bool|'bool'"}

USE = """
import numpy as np
import theano, theano.tensor as T
x = T.dvector()
steps, _ = theano.scan(lambda s: T.tanh(s), outputs_info=[x], n_steps=3)
got = theano.function([x], steps[-1])(np.array([0.5, -1.0]))
np.testing.assert_allclose(got, np.tanh(np.tanh(np.tanh([0.5, -1.0]))), rtol=1e-14)
y = T.switch(x > 0, x, T.cast(x > 1, 'float64'))
np.testing.assert_array_equal(theano.function([x], T.grad(y.sum(), x))([1.0, -1.0]), [1, 0])
assert theano.function([x], x[:, None] * x)([1.0, 2.0]).tolist() == [[1, 2], [2, 4]]
assert T.get_scalar_constant_value(T.constant(3.0) * 2) == 6
assert theano.function([x], T.cast(x, 'bool'))([0.0, 2.0]).tolist() == [False, True]
import copy, pickle
copy.deepcopy(T.cast(x, 'bool').owner)
print("used NumPy", np.__version__)
"""
NAMES = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy, numpy.distutils
# What Theano and SciPy import of NumPy is no trace of ours.
import scipy.stats, scipy.sparse, scipy.signal
import numpy.testing, numpy.distutils.misc_util
config = getattr(numpy.distutils, "__config__", None)
def names():
    return [set(vars(numpy)), set(vars(numpy.distutils)), set(vars(config or numpy.char))]
before = names()
"""


@pytest.fixture(params=list(NUMPYS))
def numpy_version(request):
    """A version of NumPy, and the environment variables that put it first on the path."""
    version = request.param
    folder = str(request.config.cache.mkdir("numpy-{}-py{}.{}".format(version, *PYTHON)))
    complete = os.path.join(folder, "complete")
    if not os.path.exists(complete):
        scipy = {"1.21.6": "scipy<1.8", "1.26.4": "scipy"}.get(version, "scipy<1.12")
        if PYTHON >= (3, 10) and version == "1.21.6":
            scipy = "scipy<1.9"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
        subprocess.run(command + ["numpy==" + version, scipy], check=True)
        open(complete, "w").close()
    # What Theano compiled with a newer NumPy does not import with an older one.
    compiled = os.path.join(library.config.base_compiledir, "numpy-" + version)
    flags = os.environ.get("THEANO_FLAGS", "") + ",base_compiledir=" + compiled
    return version, {"PYTHONPATH": os.pathsep.join([folder, ROOT]), "THEANO_FLAGS": flags}


def test_theano_works_with_lasagne_nl_imported_first(numpy_version):
    version, variables = numpy_version
    assert "used NumPy " + version in output_of("import lasagne_nl\n" + USE, **variables)


def test_without_the_repairs_the_import_fails_where_one_is_needed(numpy_version):
    version, variables = numpy_version
    done = run_python("import theano", **variables)
    missing = NUMPYS[version]
    if missing is None:
        assert done.returncode == 0, done.stderr
    else:
        assert any(message in done.stderr for message in MESSAGES[missing].split("|"))
        assert done.returncode == 1


def test_numpy_has_the_same_names_before_and_after(numpy_version):
    _, variables = numpy_version
    check = "import lasagne_nl\nassert names() == before, [a ^ b for a, b in zip(names(), before)]"
    output_of(NAMES + check, **variables)


def test_theano_looks_as_if_it_had_been_imported_without_us():
    program = (
        "import lasagne_nl, theano, json\n"
        "assert type(theano.__loader__) is type(theano.__spec__.loader) is type(json.__loader__)\n"
    )
    output_of(program)


def test_theano_imported_first_is_left_alone(numpy_version):
    version, variables = numpy_version
    if NUMPYS[version] is not None:
        pytest.skip("with this NumPy, Theano cannot be imported first")
    program = NAMES + (
        "import theano\n"
        "finders, view = list(sys.meta_path), theano.tensor.basic.np\n"
        "import lasagne_nl\n"
        "assert sys.meta_path == finders and theano.tensor.basic.np is view is numpy\n"
    )
    output_of(program + USE, **variables)


def test_nothing_is_hooked_where_theano_is_imported_already():
    # With a stand-in for Theano: on Python 3.11 no NumPy lets it be imported without a repair.
    program = (
        "import runpy, sys, types\n"
        "repairs = runpy.run_path({!r})\n"
        "finders = list(sys.meta_path)\n"
        "sys.modules['theano'] = types.ModuleType('theano')\n"
        "repairs['install']()\n"
        "assert sys.meta_path == finders\n"
        "del sys.modules['theano']\n"
        "repairs['install']()\n"
        "repairs['install']()\n"
        "assert len(sys.meta_path) == len(finders) + 1\n"
    )
    output_of(program.format(_theano_repairs.__file__))


def test_no_search_for_a_blas_is_made(numpy_version):
    _, variables = numpy_version
    program = "import lasagne_nl, sys\nassert 'numpy.distutils.system_info' not in sys.modules\n"
    output_of(program, **variables)


OPENBLAS = "libopenblas.dylib" if sys.platform == "darwin" else "libopenblas.so"
OF_THE_SYSTEM = os.path.join(os.sep, "usr", "lib", OPENBLAS)
OF_THE_ENVIRONMENT = os.path.join(sys.prefix, "lib", OPENBLAS)
BY_PATH = {"libraries": ["openblas"], "library_dirs": [os.path.dirname(OF_THE_ENVIRONMENT)]}


@pytest.mark.parametrize(
    "present, flags",
    [
        ([], {}),
        ([OF_THE_SYSTEM], {"libraries": ["openblas"]}),
        ([OF_THE_ENVIRONMENT], BY_PATH),
        ([OF_THE_ENVIRONMENT, OF_THE_SYSTEM], {"libraries": ["openblas"]}),
    ],
    ids=["none", "of the system", "of the environment", "both"],
)
def test_an_openblas_that_the_linker_finds_is_handed_to_theano(monkeypatch, present, flags):
    monkeypatch.setattr(os.path, "exists", lambda path: path in present)
    found = _theano_repairs._openblas()
    monkeypatch.undo()
    assert found == flags


@pytest.mark.skipif(PYTHON < (3, 11), reason="scan's extension compiles on this Python")
def test_scan_on_python_311_falls_back_to_its_loop_in_python():
    program = (
        "import lasagne_nl, sys\n"
        "assert sys.modules['theano.scan_module.scan_perform_ext'] is None\n"
    )
    output_of(program + USE)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a virtual environment that borrows the packages of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    purelib = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        universal_newlines=True,
    ).strip()
    # Theano and the rest come from the environment of the tests.
    ours = [path for path in sys.path if path.endswith("site-packages")]
    with open(os.path.join(purelib, "theirs.pth"), "w") as file:
        file.write("\n".join(ours))
    return python


class TestForAnEnvironment:
    """`python -m lasagne_nl --repair-theano` in a virtual environment of its own."""

    def test_a_bare_import_works_until_it_is_undone(self, python, tmp_path):
        before = run_python("import theano", python=python, PYTHONPATH="")
        repair = "-m", "lasagne_nl", "--repair-theano"
        written = output_of(*repair, python=python)
        paths = [line.split(" ", 1)[1] for line in written.splitlines() if "wrote" in line]
        assert [os.path.basename(path) for path in paths] == [
            "_lasagne_nl_theano_repairs.py",
            "_lasagne_nl_theano_repairs.pth",
        ]
        assert all(os.path.exists(path) for path in paths)

        assert output_of(*repair, python=python) == written
        # A program that never heard of us. Where Theano's cache holds an operation of ours, reading
        # it imports us, if we are installed: hence a cache of its own.
        flags = "base_compiledir={},cxx={}".format(tmp_path, clang_in(tmp_path))
        bare = USE + "assert 'lasagne_nl' not in __import__('sys').modules"
        output_of(bare, python=python, PYTHONPATH="", THEANO_FLAGS=flags)
        # And one that imports theano first, and us after.
        output_of("import theano, lasagne_nl\n" + USE, python=python)

        output_of(*repair, "--undo", python=python)
        assert not any(os.path.exists(path) for path in paths)
        after = run_python("import theano", python=python, PYTHONPATH="")
        assert after.returncode == before.returncode
        if PYTHON >= (3, 11):
            assert after.returncode == 1

        assert output_of(*repair, "--undo", python=python) == "nothing to remove\n"

    def test_python_starts_without_theano_and_without_lasagne_nl(self, python):
        repair = "-m", "lasagne_nl", "--repair-theano"
        output_of(*repair, python=python)
        loaded = "print(sorted({'numpy', 'theano', 'lasagne_nl'} & set(sys.modules)))"
        done = run_python("import sys\n" + loaded, python=python, PYTHONPATH="")
        assert done.stdout == "[]\n" and done.stderr == ""
        output_of(*repair, "--undo", python=python)


def test_outside_a_virtual_environment_the_repair_is_refused_without_force():
    program = (
        "import sys\nsys.prefix = sys.base_prefix\n"
        "from lasagne_nl.__main__ import main\n"
        "sys.exit(main(['--repair-theano']))"
    )
    done = run_python(program)
    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr and "--force" in done.stderr


REPAIR_BELOW = (
    "import sys\nsys.prefix = sys.base_prefix\n"
    "from lasagne_nl import _site_hook\n"
    "_site_hook._paths = lambda: [{0!r} + '/a.py', {0!r} + '/{1}']\n"
    "from lasagne_nl.__main__ import main\n"
    "sys.exit(main(['--repair-theano', '--force']))"
)


def test_with_force_it_is_written_anywhere(tmp_path):
    output_of(REPAIR_BELOW.format(str(tmp_path), "a.pth"))
    assert sorted(os.listdir(str(tmp_path))) == ["a.pth", "a.py"]


def test_where_the_second_file_cannot_be_written_the_first_is_not_and_the_message_says_so(tmp_path):
    done = run_python(REPAIR_BELOW.format(str(tmp_path), "missing/a.pth"))
    assert done.returncode == 1 and os.listdir(str(tmp_path)) == []
    assert "missing/a.pth" in done.stderr
    assert done.stderr.strip().endswith("There is now: none of the files")
