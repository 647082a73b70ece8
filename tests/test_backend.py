"""The choice of the tensor library, and what `python -m lasagne_nl` says of it."""

import importlib.util
import os
import pickle
import re
import shutil
import sys
import textwrap

import numpy as np
import pytest
from activations import CLASSES, EVERY
from helpers import (
    FLAGS,
    PRELUDE,
    ROOT,
    backend,
    blocking,
    clang_in,
    library,
    output_of,
    run_python,
    simd_is_active,
    tensor,
    with_theano,
    with_theano_itself,
)

from lasagne_nl import __main__, _requirements, _site_hook, _theano_repairs
from lasagne_nl import nonlinearities as nl
from lasagne_nl.__main__ import _REFERENCES, main

WHICH = "import lasagne_nl.backend as b; print(b.name)"
EVERYTHING = ("theano", "aesara", "pytensor")
OTHERS = [other for other in EVERYTHING if other != library.__name__]
FREE = {"LASAGNE_NL_BACKEND": ""}  # the choice is left to the other rules


def chosen(program=WHICH, **environment):
    return output_of(program, **environment).strip()


def refusal(program=WHICH, **environment):
    """The last line of what a program says that fails."""
    done = run_python(program, **environment)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("value", ["tensorflow", "Theano", "theano,pytensor"])
def test_an_unknown_name_in_the_environment_variable_is_refused_with_the_list(value):
    said = refusal(LASAGNE_NL_BACKEND=value)
    assert said.startswith("ValueError: LASAGNE_NL_BACKEND={!r}".format(value))
    assert "choose one of: theano, aesara, pytensor" in said


def test_a_library_that_is_imported_already_goes_before_the_first_in_order():
    # An empty pytensor is imported: the choice falls on it, so it is in it that names are missed.
    pretend = (
        "import sys, types\nsys.modules['pytensor'] = module = types.ModuleType('pytensor')\n"
        "module.__version__, module.__file__ = '3.0', 'pytensor.py'\n"
    )
    said = refusal(pretend + WHICH, **FREE)
    assert "pytensor" in said and "theano" not in said


def test_the_import_warns_of_nothing_even_where_warnings_are_errors():
    assert output_of("-W", "error", "-c", WHICH).strip() == backend.name


IMPORTS = {
    "once": "",
    "after one that failed": """
        os.environ["LASAGNE_NL_SIMD"] = "yes"
        try:
            import lasagne_nl
        except ValueError:
            os.environ["LASAGNE_NL_SIMD"] = "1"
    """,
    "reloaded": "import lasagne_nl; importlib.reload(lasagne_nl)",
    "after it was forgotten": """
        import lasagne_nl
        for name in [one for one in sys.modules if one.split(".")[0] == "lasagne_nl"]:
            del sys.modules[name]
    """,
}
AFTER_IMPORT = """{}
x = T.matrix()
log = T.log(nl.softmax(nl.tanh(x) * 1e3))
gradient = library.grad(log[:, 0].sum(), x)
compiled = library.function([x], [log, gradient, nl.LeakyRectify(0.2)(x)])
print([one.tolist() for one in compiled([[-1, 0, 2]])])
print([type(node.op).__name__ for node in compiled.maker.fgraph.toposort()])
""".format(PRELUDE)


def test_it_may_be_imported_again():
    first, *others = [
        output_of("import importlib, os, sys\n" + textwrap.dedent(before) + AFTER_IMPORT)
        for before in IMPORTS.values()
    ]
    assert "inf" not in first and others == [first] * 3


def test_it_may_be_imported_from_an_archive(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", ROOT, "lasagne_nl")
    assert output_of(AFTER_IMPORT, PYTHONPATH=archive) == output_of(AFTER_IMPORT)


@pytest.mark.parametrize("content", [None, "", "tensor = None\n"])
def test_a_folder_that_has_the_name_of_a_library_is_not_taken_for_it(tmp_path, content):
    others = OTHERS[:1] if library.__name__ != "theano" else []
    for other in others:  # before the library in use, in the order in which they are tried
        (tmp_path / other).mkdir()
        if content is not None:
            (tmp_path / other / "__init__.py").write_text(content)
    blocked = [name for name in EVERYTHING if name not in others + [library.__name__]]
    program = "import sys; sys.path.insert(0, {!r})\n".format(str(tmp_path))
    assert chosen(program + blocking(*blocked) + WHICH, **FREE) == backend.name
    for other in others:
        said = refusal(program + WHICH, LASAGNE_NL_BACKEND=other)
        assert "not the library" in said and str(tmp_path) in said


@pytest.mark.parametrize(
    "error, advice",
    [
        ("AttributeError('no blas')", "is installed, but its import fails for the reason above"),
        ("DeprecationWarning('old')", "is installed, but its import fails for the reason above"),
        ("ModuleNotFoundError('x', name={!r})", ", run: python -m pip install "),
    ],
)
def test_the_advice_names_the_cause_that_the_failure_had(error, advice):
    error = error.format(library.__name__)
    program = blocking(*OTHERS) + (
        "class Failing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == {!r}: raise {}\n"
        "sys.meta_path.insert(0, Failing())\n"
    ).format(library.__name__, error)
    assert advice in refusal(program + WHICH, **FREE)


def test_the_environment_variable_goes_before_what_is_imported_already():
    pretend = "import sys, types\nsys.modules[{0!r}] = types.ModuleType({0!r})\n".format(OTHERS[0])
    assert chosen(pretend + WHICH) == backend.name


def test_with_an_empty_variable_and_no_import_the_first_in_order_that_imports_serves():
    before = EVERYTHING[: EVERYTHING.index(library.__name__)]
    assert chosen(blocking(*before) + WHICH, **FREE) == backend.name


def test_without_any_library_the_error_has_the_pip_command_for_this_python():
    said = refusal(blocking(*EVERYTHING) + WHICH, **FREE)
    assert said.startswith("ImportError: lasagne_nl found no tensor library")
    if sys.version_info >= (3, 12):
        command = 'python -m pip install "pytensor>=2.9"'
    elif sys.version_info >= (3, 11):
        command = 'python -m pip install "Theano==1.0.5" "numpy>=1.23.2,<2"'
    else:
        command = 'python -m pip install "Theano==1.0.5" "numpy>=1.21,<1.22"'
    assert said.endswith(command)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Aesara does not run on this Python")
def test_a_chosen_library_that_does_not_import_is_named_with_its_reason():
    said = refusal(blocking(*EVERYTHING) + WHICH, LASAGNE_NL_BACKEND="aesara")
    assert "aesara: ModuleNotFoundError: No module named 'aesara'" in said
    assert said.endswith('python -m pip install "aesara>=2.8.12" "numpy<2" "setuptools<74"')


@pytest.mark.skipif(sys.version_info < (3, 12), reason="they run on this Python")
@pytest.mark.parametrize("library", ["theano", "aesara"])
def test_a_library_chosen_where_it_cannot_run_is_advised_against(library):
    said = refusal(LASAGNE_NL_BACKEND=library)
    assert library.capitalize() + " cannot run on Python 3." in said
    assert said.endswith('python -m pip install "pytensor>=2.9"')


@pytest.mark.skipif(not with_theano_itself, reason="makes the folder when it compiles")
def test_theano_that_cannot_write_what_it_compiles_is_to_be_given_a_folder():
    # No folder can be made below a file.
    folder = os.path.join(os.path.abspath(__file__), "folder")
    said = refusal(THEANO_FLAGS="base_compiledir=" + folder)
    assert said.endswith("set the environment variable THEANO_FLAGS=base_compiledir=FOLDER")
    assert "pip install" not in said


@pytest.mark.skipif(not (library.config.cxx and shutil.which("g++")), reason="needs g++")
@pytest.mark.parametrize("flags", ["", "-O1"])
def test_with_clang_the_librarys_loops_over_broadcast_arrays_compile(flags, tmp_path):
    program = """
from lasagne_nl.backend import library
m, b = library.tensor.matrix(), library.tensor.row()
mode = library.compile.mode.Mode(linker="cvm", optimizer=None)
print(library.function([m, b], m + b, mode=mode)([[1], [2]], [[3]]).tolist())
"""
    option = "gcc.cxxflags" if library.__name__ == "theano" else "gcc__cxxflags"
    flags = "cxx={},{}={},base_compiledir={}".format(clang_in(tmp_path), option, flags, tmp_path)
    assert output_of(program, **{FLAGS: flags}) == "[[4.0], [5.0]]\n"


@pytest.mark.parametrize(
    "flag, cause",
    [("floatX=float8", "float8"), ("mode=FASTER", "FAST_RUN"), ("device=gpu", "GPU back-end")],
)
def test_a_library_whose_flags_are_wrong_is_not_to_be_installed_again(flag, cause):
    if flag == "device=gpu" and library.__name__ == "pytensor":
        pytest.skip("PyTensor has no such flag")
    said = run_python(blocking(*OTHERS) + WHICH, **FREE, **{FLAGS: flag}).stderr.strip()
    assert "configparser.py" in said  # the traceback is that of the library which failed
    said = said.splitlines()[-1]
    assert "ValueError" in said and cause in said and "pip" not in said
    assert said.endswith("Correct it in {}, or in the file .{}rc".format(FLAGS, library.__name__))


def foreign(module, kind):
    """What looks like a variable of another library: a class that is defined there."""
    return type(kind, (), {"__module__": module + ".tensor.var", "ndim": 2, "dtype": "float32"})()


ADVICE = (
    "it is a variable of {other}, and lasagne_nl uses {ours} in this process: "
    "set LASAGNE_NL_BACKEND={other}, or import {other} before lasagne_nl$"
)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", [name for name in EVERY if name != "linear"])
def test_a_variable_of_another_library_is_refused_with_what_to_do(name, other):
    with pytest.raises(TypeError, match=ADVICE.format(other=other, ours=library.__name__)):
        EVERY[name](foreign(other, "TensorVariable"))


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("owner, given", CLASSES)
def test_a_parameter_of_another_library_is_refused_with_what_to_do(owner, given, other):
    for name in given:
        parameters = dict(given, **{name: foreign(other, "TensorSharedVariable")})
        with pytest.raises(TypeError, match=ADVICE.format(other=other, ours=library.__name__)):
            owner(**parameters)


def test_what_is_of_no_library_gets_no_advice_on_libraries():
    for value in ("theano", None, {}, type("Mine", (), {})()):
        assert backend.advice_on(value) == ""
    assert backend.advice_on(tensor("x", "float32", 2)) == ""


# A program that takes what another library's process has pickled, or makes its variables.
LOAD_AND_USE = """
import pickle, sys
from lasagne_nl import backend
import numpy as np
leaky, selu, rectify = pickle.loads({!r})
x = backend.matrix("x", dtype="float64")
function = backend.library.function([x], [leaky(x), selu(x), rectify(x)])
print(backend.library.__name__, *[float(y[0, 0]) for y in function(np.array([[-1.0]]))])
"""
MIX = """
from lasagne_nl.nonlinearities import tanh
import {other}.tensor
tanh({other}.tensor.matrix())
"""
# Theano may need repairs, which lasagne_nl makes only if it is to use it.
REPAIR = "import runpy\nrunpy.run_path({!r})['install']()\n".format(_theano_repairs.__file__)


@pytest.mark.parametrize("other", OTHERS)
class TestBeside:
    """Two libraries in one environment; `make test-all` makes such environments."""

    @pytest.fixture(autouse=True)
    def needs_the_other(self, other):
        if importlib.util.find_spec(other) is None:
            pytest.skip(other + " is not installed")

    def test_pickles_of_one_library_load_with_the_other(self, other):
        written = pickle.dumps((nl.LeakyRectify(0.25), nl.selu, nl.rectify))
        name, *values = chosen(LOAD_AND_USE.format(written), LASAGNE_NL_BACKEND=other).split()
        assert name == other
        exact = [-0.25, -1.1113307378125627, 0]
        np.testing.assert_allclose([float(v) for v in values], exact, rtol=1e-15)

    def test_a_real_variable_of_the_other_is_refused_with_what_to_do(self, other):
        said = refusal(REPAIR + MIX.format(other=other))
        assert re.search(ADVICE.format(other=other, ours=library.__name__), said)
        assert said.startswith("TypeError: tanh: x must be a ")

    def test_the_other_serves_where_it_is_imported_first(self, other):
        program = REPAIR + "import {}\n".format(other) + WHICH
        assert chosen(program, **FREE) in (other, other + "-pymc")


def test_the_check_finds_this_installation_sound():
    lines = output_of("-m", "lasagne_nl").strip().splitlines()
    assert lines[-1] == "sound"
    assert len([line for line in lines if line.endswith("  ok")]) == len(_REFERENCES)
    for label in ("Python", "NumPy", backend.name, "floatX", "C++ compiler", "kernels", "BLAS"):
        assert any(line.startswith(label) for line in lines), label
    own = "vectorised" if simd_is_active() else "those of the library"
    assert any(line.split("  ")[0] == "kernels" and line.endswith(own) for line in lines)


def test_the_check_covers_every_activation_of_lasagne():
    aliases = {"ScaledTanh", "identity"}
    of_lasagne = [n for n in nl.__all__[: nl.__all__.index("relu")] if n not in aliases]
    assert list(_REFERENCES)[: len(of_lasagne)] == of_lasagne
    assert set(_REFERENCES) <= set(nl.__all__)


right = nl.tanh


@pytest.mark.parametrize(
    "tanh, said",
    [
        (lambda x: right(x) * 1.0001, "WRONG$"),
        (lambda x: right(1 / 0), "FAILED  ZeroDivisionError"),
    ],
    ids=["wrong", "failing"],
)
def test_the_check_finds_what_is_wrong_or_fails_and_computes_the_others(
    tanh, said, monkeypatch, capsys
):
    some = {name: _REFERENCES[name] for name in ("rectify", "tanh", "linear")}
    monkeypatch.setattr(__main__, "_REFERENCES", some)
    monkeypatch.setattr(nl, "tanh", tanh)
    assert main([]) == 1
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[0] for line in lines if line.endswith("  ok")] == ["rectify", "linear"]
    (found,) = [line for line in lines if line.startswith("tanh ")]
    assert re.search(said, found)
    assert lines[-1].startswith("not sound: tanh did not compute")


@pytest.mark.skipif(not backend.wants_compiler(), reason="PyTensor 3 compiles with Numba")
def test_the_check_says_what_a_missing_compiler_costs():
    done = run_python("-m", "lasagne_nl", PATH="", **{FLAGS: "cxx="})
    assert done.returncode == 1
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("not sound: no C++ compiler found: install g++")
    assert last.endswith("times slower")


@pytest.mark.skipif(not library.config.cxx, reason="there is no compiler")
def test_the_check_says_that_a_compiler_needs_the_headers_of_python(monkeypatch, capsys):
    monkeypatch.setattr(__main__, "_REFERENCES", {"linear": _REFERENCES["linear"]})
    monkeypatch.setattr(__main__, "_lacks_headers", lambda: True)
    main([])
    (line,) = re.findall("^C[+]+ compiler.*", capsys.readouterr().out, re.M)
    assert line.endswith(library.config.cxx + ", of no use without Python.h")


@pytest.mark.skipif(not with_theano, reason="the cache of Aesara and PyTensor has these")
def test_what_one_process_has_compiled_the_next_one_finds_in_the_cache(tmp_path):
    program = (
        "import lasagne_nl, theano\nx = theano.tensor.matrix()\n"
        # A DimShuffle, an Alloc, and the copy of an input.
        "theano.function([x], [x, x.T, theano.tensor.alloc(x[0], 3, x.shape[1])])\n"
    )
    modules = []
    for _ in range(2):
        output_of(program, THEANO_FLAGS="base_compiledir={}".format(tmp_path))
        modules.append(sorted(str(path) for path in tmp_path.glob("*/*/mod.cpp")))
    assert modules[0] == modules[1] and len(modules[0]) > 3


def test_the_check_takes_a_gradient_that_is_nan_for_wrong(monkeypatch, capsys):
    points = __main__._points()
    result = {"linear": (points, np.full_like(points, np.nan))}
    monkeypatch.setattr(__main__, "_compute_all", lambda: result)
    assert main([]) == 1
    assert "nan eps  WRONG" in capsys.readouterr().out


@pytest.mark.skipif(not with_theano, reason="the others work with it, or do not import")
def test_the_check_says_that_theano_cannot_work_with_numpy_2(monkeypatch, capsys):
    monkeypatch.setattr(np, "__version__", "2.2.6")
    assert main([]) == 1
    advice = "not sound: Theano cannot work with NumPy 2: run: "
    assert capsys.readouterr().out.splitlines()[-1] == advice + _requirements.command("theano")


@pytest.mark.parametrize("option", ["--repair", "--rep", "--repair-thean"])
def test_the_option_that_writes_files_is_not_abbreviated(option, monkeypatch):
    monkeypatch.setattr(_site_hook, "write", lambda: pytest.fail("it was taken"))
    with pytest.raises(SystemExit) as refused:
        main([option])
    assert refused.value.code == 2


@pytest.mark.parametrize("option", ["--undo", "--force"])
def test_options_of_the_repair_are_refused_without_it(option):
    done = run_python("-m", "lasagne_nl", option)
    assert done.returncode == 2 and "go with --repair-theano" in done.stderr
