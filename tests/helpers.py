"""What the tests share: the tensor library in use, compiled activations, distances in ULP."""

import functools
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile

import numpy as np
from mpmath import mpf

from lasagne_nl import backend, simd
from lasagne_nl._rewriting import change_flags  # noqa: F401

library = backend.library
T = importlib.import_module(library.__name__ + ".tensor")
gradient = importlib.import_module(library.__name__ + ".gradient")
# PyTensor 3 has no Rop.
pushforward = getattr(gradient, "pushforward", None) or gradient.Rop
sparse = importlib.import_module(library.__name__ + ".sparse")
special = importlib.import_module(
    library.__name__ + (".tensor.nnet.nnet" if library.__name__ == "theano" else ".tensor.special")
)
with_theano = library.__name__ == "theano"  # or Theano-PyMC
with_theano_itself = backend.name == "theano"
nnet = T.nnet if with_theano else T

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DTYPES = ("float32", "float64")
FLAGS = library.__name__.upper() + "_FLAGS"  # the variable of the environment

# An optimisation that fails is else but a message of a hundred lines.
library.config.on_opt_error = "raise"

# A function, whole rows, a kink, a condition: for what takes long, and is no matter of formulas.
REPRESENTATIVE = ["tanh", "softmax", "leaky_rectify", "elu"]
# A gradient along what the result does not depend on is 0.
UNCONNECTED = {"disconnected_inputs": "ignore", "return_disconnected": "zero"}


def _other_linkers():
    """PyTensor's modes for what FAST_RUN does not compile with: C for version 3, else Numba."""
    if backend.name != "pytensor":
        return ()
    if "CVM" in library.compile.mode.predefined_modes:
        return ("CVM",) if library.config.cxx else ()
    return ("NUMBA",) if importlib.util.find_spec("numba") else ()


MODES = ("FAST_COMPILE", "FAST_RUN") + _other_linkers()


def compiles_with_numba(mode):
    """Whether a mode is Numba's, which has no float16."""
    return type(library.compile.mode.get_mode(mode).linker).__name__ == "NumbaLinker"


def simd_is_active():
    """Whether the vectorised kernels serve what is compiled here in FAST_RUN."""
    return simd.register()


def fast(*excluded):
    """The mode that compiles for speed, a whole function at once where the library can do that."""
    whole = backend.mode_of_one_function() or library.compile.get_mode("FAST_RUN")
    return whole.excluding(*excluded)


def only_graph(mode="FAST_RUN"):
    """A mode with the same graphs, for which nothing is compiled."""
    mode = library.compile.mode.get_mode(mode)
    return type(mode)("py", mode.optimizer if with_theano else mode.provided_optimizer)


def compiled(inputs, outputs, mode, **options):
    """A function whose outputs need not depend on all of its inputs."""
    return library.function(inputs, outputs, mode=mode, on_unused_input="ignore", **options)


# The expression as it stands: nothing is rewritten, nothing is compiled.
AS_IT_IS = library.compile.mode.Mode("py", None)


def tensor(name, dtype, ndim, broadcastable=None):
    pattern = broadcastable or (False,) * ndim
    shape = pattern if with_theano else tuple(1 if one else None for one in pattern)
    return T.TensorType(dtype, shape)(name)


def without_a_compiler():
    """Where C would be compiled, by scan too, Python computes the same, and is there sooner."""
    return change_flags(cxx="")


@functools.lru_cache(maxsize=None)
def graph_of_derivatives(case, ndim=1):
    """The inputs x, incoming gradient of the value, incoming gradient of the slope, of each of
    DTYPES, and as outputs value, gradient, gradient of that gradient of an activation."""
    inputs, outputs = [], []
    for each in DTYPES:
        x, g, h = (tensor(name, each, ndim) for name in "xgh")
        y = case.activation(x)
        first = library.grad(None, x, known_grads={y: g}) if y is not x else g * 1
        second = library.grad(None, x, known_grads={first: h}, **UNCONNECTED)
        inputs += [x, g, h]
        outputs += [y, first, second]
    return inputs, outputs


@functools.lru_cache(maxsize=None)
def compiled_derivatives(case, mode, ndim=1):
    if mode == "FAST_RUN" and ndim == 1:  # operations of rows have not all C code
        mode = backend.mode_of_one_function() or mode
    elif mode == "CVM" and ndim == 1:
        mode = library.compile.mode.get_mode(mode)
        mode = type(mode)("c", mode.provided_optimizer)
    return compiled(*graph_of_derivatives(case, ndim), mode=mode)


def derivatives(case, dtype, mode, ndim=1):
    """A compiled function of (x, incoming gradient of the value, incoming gradient of the slope)
    to [value, gradient, gradient of that gradient] of an activation; by default of vectors."""
    function, start = compiled_derivatives(case, mode, ndim), 3 * DTYPES.index(dtype)

    def of_dtype(*arrays):
        filled = [np.zeros((1,) * ndim, each) for each in DTYPES for _ in range(3)]
        filled[start : start + 3] = arrays
        return function(*filled)[start : start + 3]

    return of_dtype


def evaluate(case, points, mode="FAST_RUN"):
    """Value, slope and curvature of an elementwise activation at an array of points."""
    flat = points.reshape(-1)
    one = np.ones_like(flat)
    return [
        r.reshape(points.shape) for r in derivatives(case, flat.dtype.name, mode)(flat, one, one)
    ]


def truth(case, order, points):
    return [_truth(case, order, x, points.dtype) for x in points]


@functools.lru_cache(maxsize=None)  # each mode asks for the same
def _truth(case, order, x, dtype):
    return case.truth(order, x, dtype)


def ulps(got, exact):
    """Distance of the floats `got` from the exact numbers, in units in the last place of `got`'s
    dtype at the exact number."""
    got = np.asarray(got)
    return np.array([_ulps_of_one(g, e, got.dtype.type) for g, e in zip(got, exact)])


def errors(case, got, points):
    """Distance of the values `got` from the truth, in units in the last place, less what the case
    says that its formula amplifies."""
    return ulps(got, truth(case, 0, points)) - case.allowed(points, got.dtype)


def _ulps_of_one(got, exact, dtype):
    limits = np.finfo(dtype)
    if isinstance(exact, float) and np.isnan(exact):
        return 0.0 if np.isnan(got) else np.inf
    # What rounds to inf in this dtype is to be inf.
    if abs(exact) > mpf(float(limits.max)) * (1 + mpf(float(limits.eps)) / 4):
        return 0.0 if np.isinf(got) and (got > 0) == (exact > 0) else np.inf
    if not np.isfinite(got):
        return np.inf
    nearest = max(dtype(float(limits.tiny)), dtype(min(abs(float(exact)), float(limits.max))))
    unit = (
        nearest - np.nextafter(nearest, dtype(0)) if nearest == limits.max else np.spacing(nearest)
    )
    return float(abs(mpf(float(got)) - exact) / mpf(float(unit)))


def slope_scale(case, dtype):
    """The largest slope or curvature, roughly: what the rounding of derivatives scales with."""
    probes = np.linspace(-3, 3, 13).astype(dtype)
    return max(float(abs(t)) for order in (1, 2) for t in truth(case, order, probes))


def text_of(*path):
    """The text of a file of this checkout."""
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


# The beginning of most programs that have a process of their own.
PRELUDE = """
import numpy as np, lasagne_nl
from lasagne_nl import nonlinearities as nl
from lasagne_nl.backend import library, module
T = module("tensor")
"""


def run_python(*arguments, python=sys.executable, **environment):
    """Run a fresh interpreter on a program (or on other arguments), with the library in use."""
    variables = dict(os.environ, PYTHONPATH=ROOT, LASAGNE_NL_BACKEND=library.__name__)
    variables.update(environment)
    if len(arguments) == 1:
        arguments = ("-c",) + arguments
    return subprocess.run(
        (python,) + arguments,
        env=variables,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),  # so that only what is on the path is found
    )


def output_of(*arguments, **environment):
    """What such a run prints, if it succeeds."""
    done = run_python(*arguments, **environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def clang_in(folder):
    """The path of a compiler that refuses what Clang does of the libraries' loops, unless told."""
    path = folder / "clang++"
    path.write_text(
        """#!/bin/sh
case " $* " in *" -Wno-c++11-narrowing "*) ;; *) set -- "$@" -Werror=narrowing ;; esac
exec g++ "$@"
"""
    )
    path.chmod(0o755)
    return str(path)


def blocking(*names):
    """The beginning of a program in which an import of these modules fails."""
    return """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
""".format(names)
