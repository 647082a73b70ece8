"""What the tests share: the tensor library in use, compiled activations, distances in ULP."""

import importlib
import os
import subprocess
import sys
import tempfile

import numpy as np
from activations import ELEMENTWISE
from mpmath import mpf

from lasagne_nl import backend

library = backend.library
T = importlib.import_module(backend.name + ".tensor")
gradient = importlib.import_module(backend.name + ".gradient")
sparse = importlib.import_module(backend.name + ".sparse")
nnet = T.nnet if backend.name == "theano" else T
with_theano = backend.name == "theano"

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODES = ("FAST_COMPILE", "FAST_RUN")
DTYPES = ("float32", "float64")

_compiled = {}


def simd_is_active():
    """Whether the vectorised kernels serve what is compiled here in FAST_RUN."""
    if not with_theano:
        return False
    from theano.compile import optdb

    # To ask a query for a tag makes an empty entry for it.
    return bool(optdb.__db__.get("lasagne_nl_simd")) and bool(library.config.cxx)


def tensor(name, dtype, ndim):
    shape = (False,) * ndim
    return T.TensorType(dtype, shape if with_theano else (None,) * ndim)(name)


def change_flags(**flags):
    if with_theano:
        from theano.configparser import change_flags as change

        return change(**flags)
    return library.config.change_flags(**flags)


def derivatives(case, dtype, mode, ndim=1):
    """A compiled function of (x, incoming gradient of the value, incoming gradient of the slope)
    to [value, gradient, gradient of that gradient] of an activation; by default of vectors."""
    key = case.name, dtype, mode, ndim
    if key not in _compiled:
        x, g, h = (tensor(name, dtype, ndim) for name in "xgh")
        y = case.activation(x)
        first = library.grad(None, x, known_grads={y: g}) if y is not x else g * 1
        second = library.grad(
            None,
            x,
            known_grads={first: h},
            disconnected_inputs="ignore",
            return_disconnected="zero",
        )
        _compiled[key] = library.function(
            [x, g, h], [y, first, second], mode=mode, on_unused_input="ignore"
        )
    return _compiled[key]


def evaluate(case, points, mode="FAST_RUN"):
    """Value, slope and curvature of an elementwise activation at an array of points."""
    flat = points.reshape(-1)
    one = np.ones_like(flat)
    return [
        r.reshape(points.shape) for r in derivatives(case, flat.dtype.name, mode)(flat, one, one)
    ]


def truth(case, order, points):
    return [case.truth(order, x, points.dtype) for x in points]


def ulps(got, exact):
    """Distance of the floats `got` from the exact numbers, in units in the last place of `got`'s
    dtype at the exact number. PyTensor's sigmoid is 0 below the smallest normal number."""
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
    if not with_theano and got == 0 and abs(exact) < mpf(float(limits.tiny)):
        return 0.0
    nearest = max(dtype(float(limits.tiny)), dtype(min(abs(float(exact)), float(limits.max))))
    unit = (
        nearest - np.nextafter(nearest, dtype(0)) if nearest == limits.max else np.spacing(nearest)
    )
    return float(abs(mpf(float(got)) - exact) / mpf(float(unit)))


def slope_scale(case, dtype):
    """The largest slope or curvature, roughly: what the rounding of derivatives scales with."""
    probes = np.linspace(-3, 3, 13).astype(dtype)
    return max(float(abs(t)) for order in (1, 2) for t in truth(case, order, probes))


def run_python(*arguments, python=sys.executable, **environment):
    """Run a fresh interpreter on a program (or on other arguments)."""
    variables = dict(os.environ, PYTHONPATH=ROOT)
    variables.pop("LASAGNE_NL_BACKEND", None)
    variables.update(environment)
    if len(arguments) == 1:
        arguments = ("-c",) + arguments
    # Elsewhere than in the checkout, so that only what is on the path is found.
    return subprocess.run(
        (python,) + arguments,
        env=variables,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
    )


def named(cases=ELEMENTWISE):
    """The argument of pytest.mark.parametrize for a list of cases."""
    return {"argnames": "case", "argvalues": cases, "ids": [case.name for case in cases]}
