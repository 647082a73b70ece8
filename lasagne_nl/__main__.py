"""``python -m lasagne_nl``: is this installation sound?

Prints what is in use, compiles the activations of Lasagne and some of the others, compares them
with NumPy, and says in the last line whether the installation is sound, or what to do about it.
Exit status 0 or 1.
"""

import argparse
import math
import os
import shutil
import sys
import sysconfig
import warnings

import numpy as np

import lasagne_nl
from lasagne_nl import _requirements, _site_hook, backend, simd
from lasagne_nl import nonlinearities as nl

# Median over four activations, by tests/benchmarks/without_compiler.py.
_TIMES_SLOWER_WITHOUT_COMPILER = 150
# In units of the dtype's eps. The libraries' own functions are within 4.
_TOLERANCE = 16


def _logistic(x):
    return np.exp(-np.logaddexp(0, -x))


def _softmax(x):
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _kinked(slope):
    return (
        lambda x: np.where(x > 0, x, slope * x),
        lambda x: np.where(x > 0, 1, np.where(x < 0, slope, (1 + slope) / 2)),
    )


def _exponential(scale, scale_neg):
    return (
        lambda x: scale * np.where(x > 0, x, scale_neg * np.expm1(np.minimum(x, 0))),
        lambda x: scale * np.where(x > 0, 1, scale_neg * np.exp(np.minimum(x, 0))),
    )


def _normal_tail(x):
    """The weight of the standard normal distribution above x."""
    return np.vectorize(math.erfc)(x / 2**0.5) / 2


_TANH = np.tanh, lambda x: 1 / np.cosh(x) ** 2

# Name: the value and the gradient of its sum, in NumPy. All of Lasagne's, and of the others those
# that take something new from the library.
_REFERENCES = {
    "sigmoid": (_logistic, lambda x: _logistic(x) * _logistic(-x)),
    "softmax": (_softmax, np.zeros_like),  # a row sums to 1 whatever x is
    "tanh": _TANH,
    "ScaledTanH": _TANH,
    "rectify": _kinked(0),
    "LeakyRectify": _kinked(0.01),
    "leaky_rectify": _kinked(0.01),
    "very_leaky_rectify": _kinked(1 / 3),
    "elu": _exponential(1, 1),
    "SELU": _exponential(1, 1),
    "selu": _exponential(nl.selu.scale, nl.selu.scale_neg),
    "softplus": (lambda x: np.logaddexp(0, x), _logistic),
    "linear": (lambda x: x, np.ones_like),
    "gelu": (
        lambda x: x * _normal_tail(-x),
        lambda x: _normal_tail(-x) + x * np.exp(-x * x / 2) / (2 * np.pi) ** 0.5,
    ),
    "silu": (lambda x: x * _logistic(x), lambda x: _logistic(x) * (1 + x * _logistic(-x))),
    "log_softmax": (lambda x: np.log(_softmax(x)), lambda x: 1 - x.shape[-1] * _softmax(x)),
}


def main(arguments=None):
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lasagne_nl",
        description="Check this installation of lasagne_nl.",
        allow_abbrev=False,  # what changes the environment is to be asked for in full
    )
    parser.add_argument(
        "--repair-theano",
        action="store_true",
        help="have every `import theano` of this environment repaired, by two files in its "
        "site-packages, instead of checking",
    )
    parser.add_argument(
        "--undo", action="store_true", help="with --repair-theano: remove the files again"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --repair-theano: also where there is no virtual environment",
    )
    options = parser.parse_args(arguments)
    if (options.undo or options.force) and not options.repair_theano:
        parser.error("--undo and --force go with --repair-theano")
    return _repair_theano(options) if options.repair_theano else _check()


def _repair_theano(options):
    act, done = (_site_hook.remove, "removed") if options.undo else (_site_hook.write, "wrote")
    try:
        if sys.prefix == sys.base_prefix and not options.force:
            raise OSError(
                "{} is not a virtual environment: this would change every program of this Python. "
                "Activate the environment that is meant, or add --force".format(sys.prefix)
            )
        paths = act()
    except OSError as error:
        there = ", ".join(_site_hook.present()) or "none of the files"
        print("lasagne_nl: {}. There is now: {}".format(error, there), file=sys.stderr)
        return 1
    for path in paths:
        print("{} {}".format(done, path))
    if not paths:
        print("nothing to remove")
    return 0


def _check():
    """Print facts, the errors of each activation and the verdict; return the exit status."""
    for label, value in _facts():
        print("{:13s} {}".format(label, value))
    print(flush=True)  # before the seconds of compiling
    wrong = []
    # Theano with NumPy 2 fails with some thousand lines for each function.
    results = {} if _fails_with_this_numpy() else _compute_all()
    for name, result in results.items():
        if isinstance(result, Exception):
            is_right, first_line = False, str(result).strip().split("\n")[0]
            shown = "FAILED  {}: {}".format(type(result).__name__, first_line)[:200]
        else:
            errors = _errors(name, result)
            is_right = all(error <= _TOLERANCE for error in errors)  # not so where one is NaN
            shown = "value within {:4.1f} eps, gradient within {:4.1f} eps  {}".format(
                *errors, "ok" if is_right else "WRONG"
            )
        if not is_right:
            wrong.append(name)
        print("{:{}s}  {}".format(name, max(map(len, _REFERENCES)), shown))
    advice = _advice(wrong)
    print("\n" + ("not sound: " + advice if advice else "sound"))
    return 1 if advice else 0


def _fails_with_this_numpy():
    """Whether the library imports, and fails at each compilation."""
    return backend.is_theano and int(np.__version__.split(".")[0]) >= 2


def _facts():
    library, config = backend.library, backend.library.config
    with warnings.catch_warnings():
        # PyTensor warns of slow C code, which it does not run by default.
        warnings.simplefilter("ignore")
        blas = config.blas.ldflags if hasattr(library, "gof") else config.blas__ldflags
    yield "lasagne_nl", lasagne_nl.__version__
    yield "Python", sys.version.split()[0]
    yield "NumPy", np.__version__
    yield backend.name, library.__version__
    yield "floatX", config.floatX
    lacks = ", of no use without Python.h" if config.cxx and _lacks_headers() else ""
    yield "C++ compiler", (config.cxx or "none") + lacks
    yield "kernels", "vectorised" if simd.register() else "those of the library"
    yield "BLAS", blas or "none to link with: NumPy's is used"


def _lacks_headers():
    return not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))


def _advice(wrong):
    """What is not sound, and what to do about it; nothing where all is sound."""
    if _fails_with_this_numpy():
        command = _requirements.command("theano")
        return "Theano cannot work with NumPy 2: run: {}".format(command)
    if backend.wants_compiler() and not backend.library.config.cxx:
        if shutil.which("g++") or shutil.which("clang++"):
            return "the flag cxx of {} is empty: unset it, for g++ is there".format(backend.name)
        return (
            "no C++ compiler found: install g++; without it {} runs in Python, which is (with "
            "Theano) about {} times slower".format(backend.name, _TIMES_SLOWER_WITHOUT_COMPILER)
        )
    if wrong and backend.wants_compiler() and _lacks_headers():
        return (
            "Python.h is missing: install the headers of this Python (on Debian: python3-dev), "
            "which {} compiles with".format(backend.name)
        )
    if wrong:
        return "{} did not compute what NumPy does: see above".format(", ".join(wrong))
    return None


def _compute_all():
    """Name: value and gradient at the points, or the exception that there was."""
    try:
        return _compute(_REFERENCES)
    except Exception:  # whatever a compiler or a library may raise; which activation is it?
        results = {}
        for name in _REFERENCES:
            try:
                results.update(_compute([name]))
            except Exception as error:
                results[name] = error
        return results


def _compute(names):
    """Name: value and gradient at the points, all by one compiled function."""
    x = backend.matrix("x", dtype=_points().dtype.name)
    outputs = []
    for name in names:
        activation = getattr(nl, name)
        y = (activation() if isinstance(activation, type) else activation)(x)
        outputs += [y, backend.library.grad(y.sum(), x)]
    mode = backend.mode_of_one_function()
    results = backend.library.function([x], outputs, mode=mode)(_points())
    return dict(zip(names, zip(results[::2], results[1::2])))


def _points():
    return np.linspace(-20, 20, 402).reshape(3, 134).astype(backend.library.config.floatX)


def _errors(name, computed):
    """The largest errors of value and gradient, in eps of floatX, relative above 1."""
    exact = [reference(_points().astype("float64")) for reference in _REFERENCES[name]]
    eps = np.finfo(_points().dtype).eps
    return [
        float(np.max(np.abs(c - e) / np.maximum(np.abs(e), 1)) / eps)
        for c, e in zip(computed, exact)
    ]


if __name__ == "__main__":
    sys.exit(main())
