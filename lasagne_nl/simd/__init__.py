"""Faster compiled Theano graphs on a CPU: rewrites of Theano's optimiser, and nothing to call.

`register` registers them under the tags ``fast_run`` and ``lasagne_nl_simd``. Where Theano has no
C++ compiler, it does nothing. To switch them off:
``LASAGNE_NL_SIMD=0`` in the environment for the whole process,
``THEANO_FLAGS=optimizer_excluding=lasagne_nl_simd`` where no mode is named,
``mode.excluding("lasagne_nl_simd")`` for any.

The mathematics is in `kernels`, the walk through arrays in ``loops.h``.
"""

import os
import re

import theano

ENVIRONMENT_VARIABLE = "LASAGNE_NL_SIMD"
# The flags with which a compiler need not keep to IEEE 754. GCC is told to, for our functions.
_LICENCE = re.compile(
    r"-Ofast|-ffp-model=fast|-f(fast-math|unsafe-math|finite-math|associative-math"
    r"|reciprocal-math|no-signed-zeros|approx-func|no-honor-\w+|single-precision-constant)"
)


def register():
    """Have Theano's optimiser make the rewrites, and say whether; harmless to call twice."""
    wanted = os.environ.get(ENVIRONMENT_VARIABLE) or "1"
    if wanted not in ("0", "1"):
        raise ValueError("{}={!r} must be 0 or 1".format(ENVIRONMENT_VARIABLE, wanted))
    if wanted == "1" and theano.config.cxx and _is_ieee_arithmetic():
        from lasagne_nl.simd import rewrites  # noqa: F401

        return True
    return False


def _is_ieee_arithmetic():
    """Whether the compiler will keep to IEEE 754 in our functions."""
    found = _LICENCE.search(theano.config.gcc.cxxflags)
    if found is None:
        return True
    is_clang = "clang" in theano.config.cxx or theano.gof.cmodule.gcc_llvm()
    return "single-precision" not in found.group() and not is_clang
