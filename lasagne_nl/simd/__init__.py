"""Faster compiled Theano graphs on a CPU: rewrites of Theano's optimiser, and nothing to call.

`register` registers them under the tags ``fast_run`` and ``lasagne_nl_simd``. Where Theano has no
C++ compiler, it does nothing. To switch them off:
``THEANO_FLAGS=optimizer_excluding=lasagne_nl_simd`` where no mode is named,
``mode.excluding("lasagne_nl_simd")`` for any.

The mathematics is in ``kernels.h``, the walk through arrays in ``loops.h``.
"""

import theano


def register():
    """Have Theano's optimiser make the rewrites; harmless to call twice."""
    if theano.config.cxx:
        from lasagne_nl.simd import rewrites  # noqa: F401
