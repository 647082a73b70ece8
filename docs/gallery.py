"""Makes the gallery: a picture of each activation and its slope, and the start of its docstring.

The build of the documentation runs it. By itself it draws the overview that the README shows:

python docs/gallery.py docs/overview.svg
"""

import inspect
import os
import re
import sys
import textwrap
from collections import namedtuple

import drawing
import numpy as np

from lasagne_nl import backend
from lasagne_nl import nonlinearities as nl

PAGE = os.path.join(drawing.HERE, "_tables", "gallery.rst")

# `names` are those that a card stands for, first the one whose docstring it shows. `shown` is what
# is drawn, as Python: by default the first name. Where that takes rows, `row` is the one that it is
# given, in which None stands for x, and the first `curves` entries of the result are drawn.
Entry = namedtuple("Entry", "names shown row curves", defaults=(None, None, 1))


def entry(names, *shown, **of_rows):
    return Entry(names.split(), *shown, **of_rows)


X = np.arange(-400, 401) / 100.0
OF_THREE = (None, 1, -1)

GROUPS = {
    "Of Lasagne": [
        entry("sigmoid"),
        entry("softmax", row=OF_THREE),
        entry("tanh"),
        entry("ScaledTanH ScaledTanh", "ScaledTanH(2/3, 1.7159)"),
        entry("rectify relu"),
        # The usual leakiness of 0.01 can hardly be seen.
        entry("LeakyRectify leaky_rectify very_leaky_rectify", "LeakyRectify(0.1)"),
        entry("elu"),
        entry("SELU selu", "selu"),
        entry("softplus"),
        entry("linear identity"),
    ],
    "Smooth rectifiers": [
        entry("ELU", "ELU(0.5)"),
        entry("CELU celu", "CELU(2)"),
        entry("GELU gelu", "gelu"),
        entry("Swish silu swish", "silu"),
        entry("mish"),
        entry("Softplus", "Softplus(3)"),
        entry("Squareplus squareplus", "squareplus"),
        entry("sparse_plus"),
    ],
    "Piecewise": [
        entry("ClippedRectify relu6", "ClippedRectify(2)"),
        entry("HardTanh hard_tanh", "hard_tanh"),
        entry("hard_silu hard_swish"),
        entry("Threshold", "Threshold(1, 0.25)"),
    ],
    "Sigmoids": [
        entry("softsign"),
        entry("log_sigmoid"),
        entry("HardSigmoid hard_sigmoid", "hard_sigmoid"),
        entry("sparse_sigmoid"),
    ],
    "Shrinkage": [
        entry("HardShrink", "HardShrink(1)"),
        entry("SoftShrink", "SoftShrink(1)"),
        entry("tanh_shrink"),
    ],
    "Rows and axes": [
        entry("Softmax", "Softmax()", row=(None, 0)),
        entry("LogSoftmax log_softmax", "log_softmax", row=OF_THREE),
        entry("softmin", row=OF_THREE),
        entry("Sparsemax sparsemax", "sparsemax", row=OF_THREE),
    ],
    "Halving and doubling an axis": [
        entry("GLU glu", "glu", row=(1, None)),
        entry("CReLU crelu", "crelu", row=(None,), curves=2),
    ],
}
ENTRIES = [entry for entries in GROUPS.values() for entry in entries]
OVERVIEW = [
    "sigmoid", "tanh", "rectify", "LeakyRectify", "elu", "selu", "softplus", "gelu", "silu",
    "mish", "hard_silu", "SoftShrink",
]  # fmt: skip


def values_of(entry, x):
    """The expressions that are drawn of an entry, for a vector x."""
    activation = eval(entry.shown or entry.names[0], vars(nl))
    if entry.row is None:
        return [activation(x)]
    columns = [x if number is None else 0 * x + number for number in entry.row]
    rows = backend.concatenate([column.dimshuffle(0, "x") for column in columns], axis=1)
    return [activation(rows)[:, k] for k in range(entry.curves)]


def curves_of(entries):
    """The values and the slopes of each entry at X, by a compiled function of the library."""
    x = backend.module("tensor").vector("x", dtype="float64")
    values = [value for entry in entries for value in values_of(entry, x)]
    slopes = [backend.library.grad(value.sum(), x) for value in values]
    results = backend.library.function([x], values + slopes, mode="FAST_COMPILE")(X)
    pairs = iter(zip(results, results[len(values) :]))
    return [[next(pairs) for _ in range(entry.curves)] for entry in entries]


def broken(y):
    """A curve with a gap where it jumps, and the points that stand alone there."""
    steps = np.abs(np.diff(y)) > 0.1
    alone = np.append(False, steps) & np.append(steps, False)
    gaps = np.flatnonzero(steps) + 1
    return np.insert(X, gaps, np.nan), np.insert(y, gaps, np.nan), X[alone], y[alone]


def draw(axes, curves, theme, width=2.2):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.axhline(0, color=theme.faint, linewidth=0.8)
    axes.axvline(0, color=theme.faint, linewidth=0.8)
    for value, slope in curves:
        for y, color, line in ((slope, theme.second, "--"), (value, theme.first, "-")):
            x, y, alone_x, alone_y = broken(y)
            axes.plot(x, y, line, color=color, linewidth=width)
            axes.plot(alone_x, alone_y, "o", color=color, markersize=2.2 * width)
    axes.set_xlim(X[0], X[-1])
    drawing.style(axes, theme)


def draw_all():
    """Draw every entry for both themes, unless that is done."""
    paths = [drawing.path_of(e.names[0], theme) for e in ENTRIES for theme in drawing.THEMES]
    sources = [nl.__file__, __file__, drawing.__file__]
    if all(drawing.is_newer(path, *sources) for path in paths):
        return
    for entry, curves in zip(ENTRIES, curves_of(ENTRIES)):
        for theme in drawing.THEMES:
            figure = drawing.figure(3.6, 2.4)
            draw(figure.add_subplot(), curves, theme)
            drawing.save(figure, drawing.path_of(entry.names[0], theme))


def draw_overview(path):
    """The picture of the README: one for both themes, so it has a background."""
    by_name = {name: entry for entry in ENTRIES for name in entry.names}
    entries = [by_name[name] for name in OVERVIEW]
    figure = drawing.figure(8, 5)
    theme = drawing.THEMES[0]
    for axes, name, curves in zip(figure.subplots(3, 4).flat, OVERVIEW, curves_of(entries)):
        draw(axes, curves, theme, width=1.8)
        axes.set_title(name, fontsize=10, color=theme.text)
        axes.tick_params(labelsize=8)
    drawing.save(figure, path, background="white")


def beginning(name):
    """What the docstring has before its first section: the formula, and when to take it."""
    text = re.split(r"\n\n\w+\n-+\n", inspect.getdoc(getattr(nl, name)))[0]
    return re.sub(r"\s*\[\d+\]_", "", text)


def papers(name):
    """The references of the docstring, without their numbers, with links to arXiv."""
    found = re.search(
        r"References\n-+\n(.*?)(?=\n\n\w+\n-+|\Z)", inspect.getdoc(getattr(nl, name)), re.S
    )
    if not found:
        return []
    items = re.split(r"\.\. \[\d+\]", " ".join(found.group(1).split()))[1:]
    link = r"`\g<0> <https://arxiv.org/abs/\1>`__"
    return [re.sub(r"arXiv:([\d.]+\d)", link, item.strip()) for item in items]


def card(entry):
    """A card of the gallery, as reStructuredText."""
    first = entry.names[0]
    parts = [", ".join("`{}`".format(name) for name in entry.names)]
    parts.append(drawing.shown(first, "Value and slope of {}, for x from -4 to 4.".format(first)))
    if entry.shown or entry.row:
        shown = "``{}``".format(entry.shown or first)
        if entry.row:
            row = ", ".join("x" if number is None else str(number) for number in entry.row)
            which = "both entries" if entry.curves == 2 else "the first entry"
            shown = "{} that {} makes of the row ({})".format(which, shown, row)
        parts.append("Shown: {}.".format(shown))
    parts.append(beginning(first))
    parts += ["*{}*".format(p) if "`" not in p else p for p in papers(first)]
    return ".. container:: card\n\n" + textwrap.indent("\n\n".join(parts), "   ")


def write():
    """Draw the pictures, and write what gallery.rst includes."""
    draw_all()
    lines = []
    for title, entries in GROUPS.items():
        lines += [title, "-" * len(title), "", ".. container:: cards", ""]
        lines += [textwrap.indent(card(entry), "   ") + "\n" for entry in entries]
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    draw_overview(sys.argv[1])
