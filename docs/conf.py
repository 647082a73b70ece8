"""Sphinx configuration. The build needs no network:

python -m sphinx -W --keep-going -b html docs docs/_build/html
"""

import inspect
import os
import sys

sys.path.insert(0, os.path.abspath(os.pardir))

import lasagne_nl  # noqa: E402
from lasagne_nl import nonlinearities  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "examples")]

import chart  # noqa: E402
import drawing  # noqa: E402
import edges  # noqa: E402
import gallery  # noqa: E402
import prelu  # noqa: E402

# Pictures and tables. These are made here, the other tables by commands that take longer, where
# they have been run.
TABLES = os.path.join(HERE, "_tables")
chart.write()
edges.write(TABLES)
gallery.write()
if not drawing.is_newer(os.path.join(drawing.PICTURES, "prelu_dark.svg"), prelu.__file__):
    prelu.draw(prelu.learn(), drawing.PICTURES, dark=True)
for _table in ("accuracy", "peers"):
    _path = os.path.join(TABLES, _table + ".rst")
    if not os.path.exists(_path):
        with open(_path, "w", encoding="utf-8") as _file:
            _file.write("``make {}`` makes the tables that belong here.\n".format(_table))

project = "lasagne_nl"
author = "The lasagne_nl developers"
copyright = author
version = release = lasagne_nl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "maths",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_pictures", "_tables", "examples"]
# `sigmoid` in a docstring is a link to it, as in NumPy's docstrings. One that leads nowhere is an
# error, unless it is a parameter, or an attribute of what `compare` returns: they look the same.
default_role = "py:obj"
nitpicky = True
_documented = [getattr(nonlinearities, n) for n in nonlinearities.__all__] + [lasagne_nl.compare]
_parameters = {name for one in _documented for name in inspect.signature(one).parameters}
nitpick_ignore = {("py:obj", name) for name in _parameters | {"agree", "differences"}}

autosummary_generate = True
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "lasagne_nl {}".format(release)
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["lasagne_nl.css"]
html_math_renderer = "mathml"


ALIASES = {
    "{}.{}".format(nonlinearities.__name__, name)
    for name in nonlinearities.__all__
    if getattr(getattr(nonlinearities, name), "__name__", name) != name
}


def leave_instances_without_signature(app, what, name, obj, options, signature, annotation):
    """Keep numpydoc from giving a named instance a signature, which Sphinx 9 cannot place."""
    return (None, None) if what == "data" else None


def say_which_are_aliases(app, what, name, obj, options, lines):
    """Name what an alias stands for, in the place of the same text twice."""
    if name in ALIASES:
        lines[:] = ["Alias of `{}`: the same object under another name.".format(obj.__name__)]


def setup(app):
    # Before numpydoc's own answer, which has the priority 500; the first answer counts.
    app.connect("autodoc-process-signature", leave_instances_without_signature, priority=400)
    # After numpydoc.
    app.connect("autodoc-process-docstring", say_which_are_aliases, priority=600)
