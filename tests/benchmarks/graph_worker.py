"""A library of Theano's family for `speed.py`: with every rewrite, or stock, without those of
lasagne_nl.

A function is called as users call it, ``f(x)``, with the library's usual checks of its input.
Arrays are borrowed: none is copied on its way in or out, and each call gives a newly allocated
result.
"""

import functools
import importlib
import platform
import sys

import cases
import numpy as np
from worker import seconds_of, serve

import lasagne_nl
from lasagne_nl import backend
from lasagne_nl import nonlinearities as nl

library = backend.library
T = importlib.import_module(library.__name__ + ".tensor")
with_theano = library.__name__ == "theano"

ACTIVATIONS = {
    "ScaledTanH": nl.ScaledTanH(cases.SCALE_IN, cases.SCALE_OUT),
    "GELU(approximate=True)": nl.GELU(approximate=True),
}
for _name in cases.ACTIVATIONS + cases.BEYOND_LASAGNE:
    ACTIVATIONS.setdefault(_name, getattr(nl, _name, None))


def mode_of(contestant):
    mode = library.compile.get_mode("FAST_RUN")
    is_stock = contestant.startswith("stock")
    return mode.excluding("lasagne_nl_simd", "lasagne_nl") if is_stock else mode


def variables(dtype):
    """x, the incoming gradient g, and the row."""
    any_length = False if with_theano else None
    return [
        T.TensorType(dtype, (any_length,) * ndim)(name)
        for name, ndim in (("x", 2), ("g", 2), ("row", 1))
    ]


def function(arguments, result, **options):
    arguments = [library.In(argument, borrow=True) for argument in arguments]
    return library.function(arguments, library.Out(result, borrow=True), **options)


@functools.lru_cache(None)
def compiled(contestant, activation, kind, dtype):
    """The function of a case, and which of the inputs it takes."""
    x, g, row = variables(dtype)
    f, mode = ACTIVATIONS[activation], mode_of(contestant)
    if kind == "forward":
        return function([x], f(x), mode=mode), (0,)
    if kind == "bias":
        return function([x, row], f(x + row), mode=mode), (0, 2)
    y = f(x)
    slope = library.grad(None, x, known_grads={y: g})
    return function([x, g], slope, mode=mode, on_unused_input="ignore"), (0, 1)


def value_and_gradient(f, x, g):
    arguments = variables(x.dtype.name)[:2]
    y = f(arguments[0])
    slope = library.grad(None, arguments[0], known_grads={y: arguments[1]})
    return library.function(arguments, [y, slope], on_unused_input="ignore")(x, g)


def training_step(activation, start, mode):
    """The parameters as shared variables, and a function from images and labels to the loss, which
    updates them."""
    images, labels = T.fmatrix("images"), T.lvector("labels")
    parameters = [library.shared(array) for array in start]
    signal = images
    for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
        signal = ACTIVATIONS[activation](T.dot(signal, w) + b)
    probabilities = nl.softmax(T.dot(signal, parameters[-2]) + parameters[-1])
    if with_theano:
        losses = T.nnet.categorical_crossentropy(probabilities, labels)
    else:
        losses = -T.log(probabilities)[T.arange(labels.shape[0]), labels]
    loss = losses.mean(dtype="float32")
    rate = np.float32(cases.LEARNING_RATE)
    slopes = library.grad(loss, parameters)
    updates = [(p, p - rate * slope) for p, slope in zip(parameters, slopes)]
    return parameters, function([images, labels], loss, updates=updates, mode=mode)


def build(contestant, case):
    if case.kind == "copy":
        call = cases.inputs(case)[0].copy
    elif case.kind == "step":
        images, labels, start = cases.step_inputs(case)
        parameters, step = training_step(case.activation, start, mode_of(contestant))
        call = functools.partial(step, images, labels)
        return call, lambda: [np.asarray(call())] + [p.get_value() for p in parameters]
    else:
        f, taken = compiled(contestant, case.activation, case.kind, case.dtype)
        arrays = cases.inputs(case)
        call = functools.partial(f, *[arrays[i] for i in taken])
    return call, lambda: [call()]


def compile_anew(activation, request):
    """Compile f(x + row) and its gradient. The cache is cold if the caller sees to it."""
    x, g, row = variables("float32")
    mode = mode_of(request["contestant"])

    def compile_them():
        y = x * 3 if activation is None else ACTIVATIONS[activation](x + row)
        outputs = [y, library.grad(None, x, known_grads={y: g})]
        f = library.function([x, g, row], outputs, mode=mode, on_unused_input="ignore")
        # Numba compiles when it is called.
        f(*[np.zeros((3, 4), "float32")] * 2, np.zeros(4, "float32"))

    return {"seconds": seconds_of(compile_them, 1)}


def versions(label):
    version = "{}, Python {}, NumPy {}".format(
        library.__version__, platform.python_version(), np.__version__
    )
    if "Numba" in label:
        version += ", Numba {}".format(importlib.import_module("numba").__version__)
    yield label, version
    yield "lasagne_nl", lasagne_nl.__version__
    if hasattr(library, "gof"):
        compiler = library.gof.cmodule.gcc_version_str or ""
        yield "C++ compiler", "{} {}".format(library.config.cxx, compiler)
        yield "BLAS of Theano", library.config.blas.ldflags or "NumPy's"


if __name__ == "__main__":
    serve(dict(versions(sys.argv[2])), build, ACTIVATIONS, value_and_gradient, compile=compile_anew)
