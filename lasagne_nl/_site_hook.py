"""Theano's repairs for a whole environment: a ``.pth`` file that hooks the import of Theano.

`write` puts two files into site-packages: a copy of ``_theano_repairs`` and a ``.pth`` file that
calls its ``install()`` when Python starts. From then on a bare ``import theano`` is repaired, in
every program of the environment. The copy needs nothing of lasagne_nl.
"""

import os
import sysconfig

from lasagne_nl import _theano_repairs

_MODULE = "_lasagne_nl_theano_repairs"


def write():
    """Write the files; return their paths."""
    with open(_theano_repairs.__file__, encoding="utf-8") as file:
        repairs = file.read()
    module, pth = _paths()
    # The .pth last: it must not call what is not there yet.
    contents = [(module, repairs), (pth, "import {0}; {0}.install()\n".format(_MODULE))]
    try:
        for path, text in contents:
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(text)
        for path, _ in contents:
            os.replace(path + ".new", path)
    finally:
        for path, _ in contents:
            if os.path.exists(path + ".new"):
                os.remove(path + ".new")
    return [path for path, _ in contents]


def remove():
    """Remove the files that are there; return their paths."""
    paths = present()[::-1]
    for path in paths:
        os.remove(path)
    return paths


def present():
    """The paths of those files that are there."""
    return [path for path in _paths() if os.path.exists(path)]


def _paths():
    folder = sysconfig.get_paths()["purelib"]
    return [os.path.join(folder, _MODULE + suffix) for suffix in (".py", ".pth")]
