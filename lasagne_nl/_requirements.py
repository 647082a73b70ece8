"""Which Pythons, libraries and versions go together: said here, and nowhere else.

``setup.py`` runs this file by itself, so it imports nothing of lasagne_nl. The errors of
``backend`` read it too; a test compares the cells of tox with it, another the Pythons that the
Makefile and the pages name.
"""

import sys

PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
RUNNING = sys.version_info[1]  # of Python 3

# What pip is told, and the first and the last minor version of Python 3 that it is told it for.
#
# Theano runs on Python up to 3.11. NumPy is the newest that it needs no repair for; on Python 3.11
# there is none, and on all of them no NumPy 2 will do.
THEANO = [("Theano==1.0.5", 7, 11), ("numpy>=1.21,<1.22", 7, 10), ("numpy>=1.23.2,<2", 11, 11)]
# It does not import with NumPy 2, and asks numpy.distutils, which needs a module that setuptools 74
# took away.
AESARA = [("aesara>=2.8.12", 7, 11), ("numpy<2", 7, 11), ("setuptools<74", 7, 11)]
# For Python 3.9 it does not import with NumPy 2; and that for Python 3.8 and 3.9 wants a newer
# setuptools than venv brings.
PYTENSOR = [("pytensor>=2.9", 7, 14), ("numpy<2", 9, 9), ("setuptools>=59", 7, 9)]

# What is installed without being asked for.
DEFAULT = THEANO + [("pytensor>=3", 12, 14)]
# A library beside the default one, which stays.
EXTRAS = {
    # Aesara cannot run there, but does not say so: pip would build an old NumPy for it.
    "aesara": AESARA + [("aesara<0", 12, 14)],
    # PyTensor 2.28 and later do not import with NumPy 1.21.
    "pytensor": PYTENSOR + [("pytensor<2.28", 10, 10)],
}
_ALONE = {"theano": THEANO, "aesara": AESARA, "pytensor": PYTENSOR}


def with_markers(rows):
    """Rows of this file as what setuptools takes."""
    return [
        '{}; python_version >= "3.{}" and python_version <= "3.{}"'.format(*row) for row in rows
    ]


def runs(library, minor=RUNNING):
    """Whether a library can run on a Python 3."""
    return any(first <= minor <= last for _, first, last in _ALONE[library])


def command(library, minor=RUNNING):
    """The pip command that installs a library, on a Python 3 where it runs."""
    wanted = [what for what, first, last in _ALONE[library] if first <= minor <= last]
    return "python -m pip install " + " ".join('"{}"'.format(what) for what in wanted)
