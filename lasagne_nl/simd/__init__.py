"""Faster compiled graphs on a CPU: rewrites of the library's optimiser, and nothing to call.

They serve what is compiled with C++, by any library of the family, and what PyTensor compiles with
Numba, and bear the tag ``lasagne_nl_simd``. To switch them off:
``LASAGNE_NL_SIMD=0`` in the environment for the whole process,
``THEANO_FLAGS=optimizer_excluding=lasagne_nl_simd`` (``PYTENSOR_FLAGS``) where no mode is named,
``mode.excluding("lasagne_nl_simd")`` for any.

The mathematics is in `kernels` and `activations`; `in_c` and `in_llvm` write it down for the
linkers; `recognition` finds activations in a graph, `rewrites` says what else is replaced. The rest
is what one kind of linker needs: `c_linkers` for C, with `elemwise` and ``loops.h``, `softmax` and
``softmax.h``; `numba_linker` for Numba, with `numba_ops`.
"""

import importlib.util
import os
import re

from lasagne_nl import backend
from lasagne_nl._theano_repairs import option_of_flags

ENVIRONMENT_VARIABLE = "LASAGNE_NL_SIMD"
# The flags with which a compiler need not keep to IEEE 754. GCC is told to, for our functions.
_LICENCE = re.compile(
    r"-Ofast|-ffp-model=fast|-f(fast-math|unsafe-math|finite-math|associative-math"
    r"|reciprocal-math|no-signed-zeros|approx-func|no-honor-\w+|single-precision-constant)"
)


def register():
    """Have the optimiser make the rewrites, and say whether it does so by default; harmless to call
    twice.
    """
    wanted = os.environ.get(ENVIRONMENT_VARIABLE) or "1"
    if wanted not in ("0", "1"):
        raise ValueError("{}={!r} must be 0 or 1".format(ENVIRONMENT_VARIABLE, wanted))
    if wanted == "0":
        return False
    with_c = bool(backend.library.config.cxx) and _is_ieee_arithmetic()
    # PyTensor 3, with a Numba.
    modules = "numba", "pytensor.link.numba.cache"
    with_numba = backend.name == "pytensor" and all(map(importlib.util.find_spec, modules))
    if with_c:
        importlib.import_module("lasagne_nl.simd.c_linkers").register()
    if with_numba:
        importlib.import_module("lasagne_nl.simd.numba_linker").register()
    return with_c if backend.wants_compiler() else with_numba


def _is_ieee_arithmetic():
    """Whether the compiler will keep to IEEE 754 in our functions."""
    config = backend.library.config
    found = _LICENCE.search(getattr(*option_of_flags(config)))
    if found is None:
        return True
    cmodule = backend.module("gof.cmodule", "link.c.cmodule")
    is_clang = "clang" in config.cxx or cmodule.gcc_llvm()
    return "single-precision" not in found.group() and not is_clang
