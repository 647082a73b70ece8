"""Imports Lasagne 0.1, the one on PyPI, with Theano 1.0."""

import sys
import types

from theano.tensor import signal
from theano.tensor.signal import pool

import lasagne_nl  # noqa: F401, before theano: it repairs Theano's import

downsample = types.ModuleType("theano.tensor.signal.downsample")
downsample.max_pool_2d = pool.pool_2d
sys.modules[downsample.__name__] = signal.downsample = downsample

import lasagne  # noqa: E402

if __name__ == "__main__":
    print("Lasagne", lasagne.__version__)
