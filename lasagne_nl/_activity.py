"""Whether the rewrites of Theano's graphs are to do anything in this process.

Theano pickles operations into its compile cache, those of lasagne_nl too. Another program of the
same environment that reads the cache imports lasagne_nl by that, without ever having asked for it.
Its graphs are to stay Theano's: the rewrites sleep until the program uses lasagne_nl itself.
"""

import sys
import types

_PACKAGE = "lasagne_nl"
# In Theano, and in Theano-PyMC and its successors.
_READ_THE_CACHE = ["theano.gof.cmodule"]
_READ_THE_CACHE += [one + ".link.c.cmodule" for one in ("theano", "aesara", "pytensor")]
_awake = True


def is_awake():
    """Whether the program has imported lasagne_nl itself."""
    return _awake


def sleep_if_only_unpickled():
    """Sleep if Theano is importing lasagne_nl to read its cache, until an attribute is used."""
    global _awake
    if not _is_read_from_the_cache():
        return
    _awake = False
    for name in (_PACKAGE, _PACKAGE + ".nonlinearities"):
        sys.modules[name].__class__ = _Sleeping


def _is_read_from_the_cache():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") in _READ_THE_CACHE:
            return True
        frame = frame.f_back
    return False


class _Sleeping(types.ModuleType):
    """A module whose use by a program wakes the rewrites."""

    def __getattribute__(self, attribute):
        global _awake
        if not attribute.startswith("__"):
            _awake = True
            for name in (_PACKAGE, _PACKAGE + ".nonlinearities"):
                sys.modules[name].__class__ = types.ModuleType
        return types.ModuleType.__getattribute__(self, attribute)
