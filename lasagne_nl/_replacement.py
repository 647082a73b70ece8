"""`replace_lasagne`: programs that import Lasagne's activations get these."""

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
import types

from lasagne_nl import nonlinearities

_PACKAGE = "lasagne"
_MODULE = "lasagne.nonlinearities"


def replace_lasagne():
    """Make an unedited program use these activations in the place of Lasagne's.

    Afterwards ``import lasagne.nonlinearities``, ``from lasagne import nonlinearities`` and
    ``from lasagne.nonlinearities import rectify`` give `lasagne_nl.nonlinearities`, and pickles
    that name ``lasagne.nonlinearities.LeakyRectify`` (and the like) load. Lasagne may be
    installed or not, and imported already or not. Calling it again changes nothing more.

    Call it before the program imports Lasagne. What was bound earlier cannot be rebound: a name
    taken by ``from lasagne.nonlinearities import rectify``, and the default arguments of Lasagne's
    layers (``DenseLayer(..., nonlinearity=nonlinearities.rectify)``), which Python evaluates when
    Lasagne is imported. With the call first, the defaults are these activations too.

    Where Lasagne is not installed, or cannot be imported, an otherwise empty package ``lasagne``
    stands in for it; importing another part of Lasagne raises the error that Lasagne itself
    would have raised.

    Examples
    --------
    >>> import lasagne_nl
    >>> lasagne_nl.replace_lasagne()
    >>> from lasagne.nonlinearities import rectify
    >>> rectify is lasagne_nl.nonlinearities.rectify
    True
    """
    replaced = sys.modules.get(_MODULE)
    sys.modules[_MODULE] = nonlinearities
    package = sys.modules.get(_PACKAGE)
    if package is None:
        package = _import_or_stand_in()
    package.nonlinearities = nonlinearities
    if replaced is not None:
        _rebind(replaced)


def _import_or_stand_in():
    """Lasagne, which then binds these activations as its defaults; or a package in its name."""
    try:
        return importlib.import_module(_PACKAGE)
    except Exception as error:  # not installed, or too old for its Theano: it may raise anything
        reason = "{}: {}".format(type(error).__name__, error)
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except (ImportError, ValueError):
        spec = None
    stand_in = types.ModuleType(_PACKAGE, "Stands in for Lasagne; made by lasagne_nl.")
    stand_in.__path__ = list(spec.submodule_search_locations or []) if spec else []
    stand_in.__spec__ = importlib.machinery.ModuleSpec(_PACKAGE, None, is_package=True)
    stand_in.__spec__.submodule_search_locations = stand_in.__path__
    stand_in.__getattr__ = functools.partial(_import_part, reason)
    sys.modules[_PACKAGE] = stand_in
    return stand_in


def _import_part(reason, name):
    """``lasagne.layers`` and the like: the real part, or the error that says why there is none."""
    if name.startswith("__"):
        raise AttributeError("module {!r} has no attribute {!r}".format(_PACKAGE, name))
    try:
        return importlib.import_module("{}.{}".format(_PACKAGE, name))
    except ImportError as error:
        raise AttributeError(
            "lasagne_nl stands in for Lasagne, which cannot be imported here ({}), and has nothing "
            "but lasagne.nonlinearities; lasagne.{}: {}".format(reason, name, error)
        ) from error


def _rebind(replaced):
    """Point the modules of Lasagne that hold its activations under a name to these."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE + ".") and isinstance(module, types.ModuleType):
            for attribute, value in list(vars(module).items()):
                if value is replaced:
                    setattr(module, attribute, nonlinearities)
