"""Do the kernels give the same bits in C and in Numba? `make linkers`, in an environment with both.

Each kernel is compiled by g++ from what `in_c` writes, and by Numba from what `in_llvm` makes, and
is computed at every float32, or one bit pattern in `--stride`, and at float64 of every magnitude.
A NaN is like another one.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile

import numpy as np

from lasagne_nl.nonlinearities import __all__ as ACTIVATIONS
from lasagne_nl.simd import activations

# What the functions of several arguments are given beside x.
OTHERS = 0.7, -1.3, 1.67, 0.8
KERNELS = "exp expm1 scaled_expm1 tanh erf erfc sigmoid softplus log log1p exp_below".split()
KERNELS += ["slope_of_sigmoid", "slope_of_tanh"]
KERNELS += [name for name in vars(activations) if name.split("_slope")[0] in ACTIVATIONS]
TYPES = {"float32": "float", "float64": "double"}
# Has a compiler write for a processor that does not multiply and add in one, whichever there is.
WITHOUT_FMA = "-U__FMA__ -U__AVX512F__ -U__ARM_FEATURE_FMA -ffp-contract=off".split()


def arguments_of(kernel, dtype):
    _, *others = activations.record(kernel, dtype)[0]
    return [np.dtype(dtype).type(other) for _, other in zip(others, OTHERS)]


def in_c(kernels, folder, *flags):
    """From (kernel, dtype) to a function of two arrays, compiled by g++."""
    from lasagne_nl.simd import in_c

    source = in_c.functions(*kernels)
    loop = """
extern "C" void {kernel}_{dtype}(const {type} *x, {type} *y, long n)
{{
    for (long i = 0; i < n; i++) y[i] = lnl_{kernel}({arguments});
}}
"""
    for kernel in kernels:
        for dtype, kind in TYPES.items():
            others = ["({}){!r}".format(kind, float(a)) for a in arguments_of(kernel, dtype)]
            arguments = ", ".join(["x[i]", *others])
            text = loop.format(kernel=kernel, dtype=dtype, type=kind, arguments=arguments)
            source += in_c.in_ieee_arithmetic(text)
    path = os.path.join(folder, "kernels.cpp")
    with open(path, "w") as file:
        file.write(source)
    library = path[:-3] + "so"
    flags = flags or ("-march=native",)
    flags += "-O3", "-fno-trapping-math", "-fno-math-errno", "-shared", "-fPIC"
    subprocess.run(["g++", *flags, path, "-o", library], check=True)
    functions = ctypes.CDLL(library)

    def function(kernel, dtype):
        call = getattr(functions, "{}_{}".format(kernel, dtype))

        def compute(x, y):
            call(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), x.size)

        return compute

    return function


def in_numba(kernel, dtype):
    import numba

    from lasagne_nl.simd import numba_ops

    call, others = numba_ops.call(kernel, dtype), tuple(arguments_of(kernel, dtype))

    @numba.njit
    def compute(x, y):
        for i in range(x.size):
            y[i] = call(x[i], *others)

    return compute


def points(dtype, stride):
    """Arrays that have every float32, or that one in `stride`; or float64 of every magnitude."""
    if dtype == "float64":
        rng = np.random.RandomState(0)
        bits = rng.randint(0, 2**64, 10**7 // stride + 1000, dtype="uint64")
        yield bits.view("float64")
        yield rng.uniform(-750, 720, len(bits))
        yield rng.randn(len(bits)) * 3
        return
    step = 2**24 * stride
    for start in range(0, 2**32, step):
        bits = np.arange(start, min(start + step, 2**32), stride, dtype="uint64")
        yield bits.astype("uint32").view("float32")


def differences(kernel, dtype, stride, of_c):
    """How many points there are, and those where the bits differ."""
    functions, count, found = (of_c(kernel, dtype), in_numba(kernel, dtype)), 0, []
    for x in points(dtype, stride):
        if kernel == "scaled_expm1":
            x = -np.abs(x)
        results = [np.empty_like(x) for _ in functions]
        for function, result in zip(functions, results):
            function(x, result)
        first, second = results
        same = first.view("u{}".format(x.itemsize)) == second.view("u{}".format(x.itemsize))
        same |= np.isnan(first) & np.isnan(second)
        count += x.size
        found.append(x[~same])
    return count, np.concatenate(found)


def main():
    parser = argparse.ArgumentParser(
        description="Compares the kernels in C and in Numba, bit by bit."
    )
    parser.add_argument("--stride", type=int, default=1, help="one float32 in so many (default: 1)")
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=KERNELS, metavar="NAME")
    options = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        of_c = in_c(options.kernels, folder)
        for kernel in options.kernels:
            for dtype in TYPES:
                count, found = differences(kernel, dtype, options.stride, of_c)
                different += len(found)
                shown = "{:14s} {} {:>10d} points, {} differ"
                where = "as at {!r}".format(found[0]) if len(found) else ""
                print(shown.format(kernel, dtype, count, len(found)), where, flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
