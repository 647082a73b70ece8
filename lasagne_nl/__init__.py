"""The activations of ``lasagne.nonlinearities``, for everyone who holds Theano-family code.

See `lasagne_nl.nonlinearities` for the activations. `replace_lasagne` hands them to programs that
import Lasagne's, `compare` says where two activations or models differ, and
``python -m lasagne_nl`` whether this installation is sound.
"""

__version__ = "0.1.0"

from lasagne_nl import _mends, _rewriting, nonlinearities, simd
from lasagne_nl._comparison import compare
from lasagne_nl._replacement import replace_lasagne

_mends.mend()
simd.register()
_rewriting.sleep_if_only_unpickled()

__all__ = ["compare", "nonlinearities", "replace_lasagne"]
