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
from lasagne_nl import _site_hook, backend
from lasagne_nl import nonlinearities as nl

# Median over four activations, by tests/benchmarks/without_compiler.py.
_TIMES_SLOWER_WITHOUT_COMPILER = 150
# In units of the dtype's eps. The libraries' own functions are within 3.
_TOLERANCE = 16


def _exp_or(x, scale=1, scale_neg=1):
    return scale * np.where(x > 0, x, scale_neg * np.expm1(np.minimum(x, 0)))


def _exp_or_slope(x, scale=1, scale_neg=1):
    return scale * np.where(x > 0, 1, scale_neg * np.exp(np.minimum(x, 0)))


def _logistic(x):
    return np.exp(-np.logaddexp(0, -x))


def _softmax(x):
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _kinked(leakiness):
    return (
        lambda x: np.where(x > 0, x, leakiness * x),
        lambda x: np.where(x > 0, 1, np.where(x < 0, leakiness, (1 + leakiness) / 2)),
    )


def _normal_tail(x):
    """The weight of the standard normal distribution above x."""
    return np.vectorize(math.erfc)(x / 2**0.5) / 2


_SCALES = nl.selu.scale, nl.selu.scale_neg

# Name: the value and the gradient of its sum, in NumPy.
_REFERENCES = {
    "sigmoid": (_logistic, lambda x: _logistic(x) * _logistic(-x)),
    # The entries of a row sum to 1 whatever x is.
    "softmax": (_softmax, np.zeros_like),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "ScaledTanH": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "rectify": _kinked(0),
    "LeakyRectify": _kinked(0.01),
    "leaky_rectify": _kinked(0.01),
    "very_leaky_rectify": _kinked(1 / 3),
    "elu": (_exp_or, _exp_or_slope),
    "SELU": (_exp_or, _exp_or_slope),
    "selu": (lambda x: _exp_or(x, *_SCALES), lambda x: _exp_or_slope(x, *_SCALES)),
    "softplus": (lambda x: np.logaddexp(0, x), _logistic),
    "linear": (lambda x: x, np.ones_like),
    # Of the others, those that take something new from the library.
    "gelu": (
        lambda x: x * _normal_tail(-x),
        lambda x: _normal_tail(-x) + x * np.exp(-x * x / 2) / (2 * np.pi) ** 0.5,
    ),
    "silu": (
        lambda x: x * _logistic(x),
        lambda x: _logistic(x) * (1 + x * _logistic(-x)),
    ),
    "log_softmax": (lambda x: np.log(_softmax(x)), lambda x: 1 - x.shape[-1] * _softmax(x)),
}


def main(arguments=None):
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    if (options.undo or options.force) and not options.repair_theano:
        _parser().error("--undo and --force go with --repair-theano")
    if options.repair_theano:
        return _repair_theano(options)
    return _check()


def _parser():
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
    return parser


def _repair_theano(options):
    try:
        act, done = (_site_hook.remove, "removed") if options.undo else (_site_hook.write, "wrote")
        paths = act(force=options.force)
    except (_site_hook.Refused, OSError) as error:
        print("lasagne_nl: nothing changed: {}".format(error), file=sys.stderr)
        return 1
    for path in paths:
        print("{} {}".format(done, path))
    if not paths:
        print("nothing to remove")
    return 0


def _check():
    for label, value in _facts():
        print("{:13s} {}".format(label, value))
    print(flush=True)  # before the seconds of compiling
    if backend.fails_with_this_numpy():
        # With some thousand lines for each function.
        print(
            "not sound: Theano cannot work with NumPy 2: run: python -m pip install {}".format(
                backend.REQUIREMENTS["theano"]
            )
        )
        return 1
    wrong = []
    width = max(len(name) for name in _REFERENCES)
    results = _compute_all()
    for name, result in results.items():
        if isinstance(result, Exception):
            shown = "{}: {}".format(type(result).__name__, str(result).strip().split("\n")[0])
            print("{:{}s}  FAILED  {}".format(name, width, shown[:200]))
            wrong.append(name)
            continue
        errors = _errors(name, result)
        if not max(errors) <= _TOLERANCE:
            wrong.append(name)
        print(
            "{:{}s}  value within {:4.1f} eps, gradient within {:4.1f} eps  {}".format(
                name, width, errors[0], errors[1], "WRONG" if name in wrong else "ok"
            )
        )
    print()
    advice = _advice(wrong)
    print(advice or "sound")
    return 1 if advice else 0


def _facts():
    yield "lasagne_nl", lasagne_nl.__version__
    yield "Python", sys.version.split()[0]
    yield "NumPy", np.__version__
    yield backend.name, backend.library.__version__
    yield "floatX", backend.library.config.floatX
    yield "C++ compiler", backend.library.config.cxx or "none"
    yield "BLAS", _blas() or "none to link with: NumPy's is used"


def _blas():
    with warnings.catch_warnings():
        # PyTensor warns of slow C code, which it does not run by default.
        warnings.simplefilter("ignore")
        return backend.blas_flags()


def _compute_all():
    """Name: value and gradient at the points, or the exception that there was."""
    try:
        outputs = _compute(list(_REFERENCES))
        return dict(zip(_REFERENCES, zip(outputs[::2], outputs[1::2])))
    except Exception:  # whatever a compiler or a library may raise; which activation is it?
        return {name: _compute_alone(name) for name in _REFERENCES}


def _compute_alone(name):
    try:
        return _compute([name])
    except Exception as error:
        return error


def _compute(names):
    """Value and gradient of each activation at the points, all by one compiled function."""
    x = backend.matrix("x", dtype=_points().dtype.name)
    outputs = []
    for name in names:
        activation = getattr(nl, name)
        if isinstance(activation, type):
            activation = activation()
        y = activation(x)
        outputs += [y, backend.library.grad(y.sum(), x)]
    mode = backend.mode_of_one_function()
    return backend.library.function([x], outputs, mode=mode)(_points())


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


def _advice(wrong):
    """What to do, in one line; nothing where all is sound."""
    if backend.wants_compiler() and not backend.library.config.cxx:
        if shutil.which("g++") or shutil.which("clang++"):
            return "not sound: the flag cxx of {} is empty: unset it, for g++ is there".format(
                backend.name
            )
        return (
            "not sound: no C++ compiler found: install g++; without it {} runs in Python, which "
            "is (with Theano) about {} times slower".format(
                backend.name, _TIMES_SLOWER_WITHOUT_COMPILER
            )
        )
    if backend.wants_compiler() and wrong and not os.path.exists(_python_header()):
        return (
            "not sound: Python.h is missing: install the headers of this Python (on Debian: "
            "python3-dev), which {} compiles with".format(backend.name)
        )
    if wrong:
        return "not sound: {} did not compute what NumPy does: see above".format(", ".join(wrong))
    return None


def _python_header():
    return os.path.join(sysconfig.get_paths()["include"], "Python.h")


if __name__ == "__main__":
    sys.exit(main())
