"""Makes the gallery: a picture of every activation and its slope, and what belongs to it.

The build of the documentation runs it. By itself it draws the overview that the README shows:

python docs/gallery.py docs/overview.svg
"""

import importlib
import inspect
import os
import re
import sys
from collections import namedtuple

import drawing
import numpy as np

from lasagne_nl import backend
from lasagne_nl import nonlinearities as nl

PAGE = os.path.join(drawing.HERE, "_tables", "gallery.rst")

# `names` are the names of the module that it stands for, the first one the activation that has the
# docstring. `shown` is what the picture is of: an activation, or a function that returns several
# curves. `note` says what is drawn, where that is not clear.
Entry = namedtuple("Entry", "names shown use note", defaults=("",))


def _row_with(activation, *others):
    """The first entry of the row (x, others...)."""

    def curve(x):
        columns = [backend.as_tensor_variable(np.full(POINTS, o, x.dtype)) for o in others]
        rows = [column.dimshuffle(0, "x") for column in [x, *columns]]
        return [activation(backend.concatenate(rows, axis=1))[:, 0]]

    return curve


def _both_of(activation):
    """Both entries that a row of one becomes."""

    def curves(x):
        result = activation(x.dimshuffle(0, "x"))
        return [result[:, 0], result[:, 1]]

    return curves


def _of_the_gate(activation):
    """The halves (1, x)."""

    def curve(x):
        ones = backend.as_tensor_variable(np.ones((POINTS, 1), x.dtype))
        return [activation(backend.concatenate([ones, x.dimshuffle(0, "x")], axis=1))[:, 0]]

    return curve


X = np.arange(-400, 401) / 100.0
POINTS = len(X)

GROUPS = [
    ("Of Lasagne", [
        Entry(["sigmoid"], nl.sigmoid,
              "A probability or a gate, between 0 and 1: the output of a classifier of two "
              "classes, "
              "the gates of an LSTM. A deep stack of it learns slowly, as its slope is 0.25 at "
              "most."),
        Entry(["softmax"], _row_with(nl.softmax, 1, -1),
              "The output of a classifier of several classes: probabilities that sum to 1. Its log "
              "stays finite in a loss.",
              "The first entry of the row (x, 1, -1)."),
        Entry(["tanh"], nl.tanh,
              "Hidden layers of small networks, and the state of recurrent ones: its values are "
              "centred on 0."),
        Entry(["ScaledTanH", "ScaledTanh"], nl.ScaledTanH(2 / 3, 1.7159),
              "A tanh whose targets -1 and 1 lie where the slope is still large, with the scales "
              "of LeCun et al.", "ScaledTanH(2/3, 1.7159)."),
        Entry(["rectify", "relu"], nl.rectify,
              "The usual choice of a hidden layer: cheap, and its slope stays 1 however large the "
              "input is."),
        Entry(["LeakyRectify", "leaky_rectify"], nl.LeakyRectify(0.1),
              "Where units of rectify die: negative input keeps a slope. With a shared variable as "
              "leakiness, the slope is learnt (PReLU).",
              "LeakyRectify(0.1), for the eye; that of leaky_rectify is 0.01."),
        Entry(["very_leaky_rectify"], nl.very_leaky_rectify,
              "The same with a leakiness of 1/3, as Graham took it for images."),
        Entry(["elu"], nl.elu,
              "A rectifier whose negative side saturates at -1, which brings the mean closer to 0 "
              "without batch normalisation."),
        Entry(["SELU", "selu"], nl.selu,
              "Deep fully connected networks without normalisation: it keeps mean 0 and variance 1 "
              "from layer to layer, if the weights are drawn with variance 1 / fan-in.", "selu."),
        Entry(["softplus"], nl.softplus,
              "An output that is positive without a bound, such as a rate or a variance; a "
              "rectifier that is smooth."),
        Entry(["linear", "identity"], nl.linear,
              "The output of a regression, and a layer without an activation."),
    ]),
    ("Smooth rectifiers", [
        Entry(["ELU"], nl.ELU(0.5),
              "An elu that saturates at -alpha. Its slope jumps at 0 unless alpha is 1.",
              "ELU(0.5)."),
        Entry(["CELU", "celu"], nl.CELU(2),
              "An elu that saturates at -alpha and is smooth for every alpha; celu has 1 and is "
              "elu.",
              "CELU(2)."),
        Entry(["GELU", "gelu"], nl.gelu,
              "Transformers. Where a model was trained with the tanh form (BERT, GPT-2), take "
              "GELU(approximate=True).", "gelu."),
        Entry(["Swish", "silu", "swish"], nl.silu,
              "Deep convolutional networks, and the gates of language models; with a learnable "
              "beta it is Swish.", "silu."),
        Entry(["mish"], nl.mish,
              "In the place of silu, which it is close to; detectors of objects use it."),
        Entry(["Softplus"], nl.Softplus(3),
              "A softplus that is closer to the rectifier the larger beta is.", "Softplus(3)."),
        Entry(["Squareplus", "squareplus"], nl.squareplus,
              "In the place of softplus without an exponential: it approaches its asymptotes more "
              "slowly.", "squareplus."),
        Entry(["sparse_plus"], nl.sparse_plus,
              "A softplus that is exactly 0 below -1 and exactly x above 1: beside sparsemax."),
    ]),
    ("Piecewise", [
        Entry(["ClippedRectify", "relu6"], nl.ClippedRectify(2),
              "A rectifier for arithmetic of few bits; relu6 is that of MobileNetV2.",
              "ClippedRectify(2); relu6 has 6."),
        Entry(["HardTanh", "hard_tanh"], nl.hard_tanh,
              "A tanh without an exponential; and an output that is to stay within bounds.",
              "hard_tanh."),
        Entry(["hard_silu", "hard_swish"], nl.hard_silu,
              "A silu without an exponential, that of MobileNetV3."),
        Entry(["Threshold"], nl.Threshold(1, 0.25),
              "A rectifier that sets in at any point, and has any value below it.",
              "Threshold(1, 0.25)."),
    ]),
    ("Sigmoids", [
        Entry(["softsign"], nl.softsign,
              "A tanh that approaches its limits as 1 / x does, so that it saturates later."),
        Entry(["log_sigmoid"], nl.log_sigmoid,
              "The log of a probability of two classes, straight from the score: a term of a "
              "loss."),
        Entry(["HardSigmoid", "hard_sigmoid"], nl.hard_sigmoid,
              "A gate without an exponential. hard_sigmoid is that of PyTorch and JAX; the slope "
              "of older Kerases is HardSigmoid(0.2).", "hard_sigmoid."),
        Entry(["sparse_sigmoid"], nl.sparse_sigmoid,
              "A gate that is exactly 0 or 1 outside of (-1, 1): sparsemax of two classes."),
    ]),
    ("Shrinkage", [
        Entry(["HardShrink"], nl.HardShrink(1),
              "Sparse codes: what is small becomes 0, the rest stays as it is.", "HardShrink(1)."),
        Entry(["SoftShrink"], nl.SoftShrink(1),
              "Sparse codes, and the step of proximal methods with an L1 penalty: everything comes "
              "closer to 0.", "SoftShrink(1)."),
        Entry(["tanh_shrink"], nl.tanh_shrink,
              "What the tanh takes away: nearly 0 near 0, and nearly x less 1 far from it."),
    ]),
    ("Rows and axes", [
        Entry(["Softmax"], _row_with(nl.Softmax(axis=1), 0),
              "The softmax along any axis, or over several together: attention, classes that are "
              "not the last axis.", "The first entry of the row (x, 0), where it is the sigmoid."),
        Entry(["LogSoftmax", "log_softmax"], _row_with(nl.log_softmax, 1, -1),
              "The log of the probabilities, straight from the scores: for a loss, and for scores "
              "so extreme that a probability rounds to 0.",
              "The first entry of the row (x, 1, -1)."),
        Entry(["softmin"], _row_with(nl.softmin, 1, -1),
              "Weights that are large where a distance is small.",
              "The first entry of the row (x, 1, -1)."),
        Entry(["Sparsemax", "sparsemax"], _row_with(nl.sparsemax, 1, -1),
              "Attention, or classes of which few apply: probabilities of which many are exactly "
              "0.",
              "The first entry of the row (x, 1, -1)."),
    ]),
    ("Halving and doubling an axis", [
        Entry(["GLU", "glu"], _of_the_gate(nl.glu),
              "A linear layer with gates, in convolutional and transformer models of sequences: "
              "the layer before it has twice the units.", "The halves (1, x)."),
        Entry(["CReLU", "crelu"], _both_of(nl.crelu),
              "Early convolutional layers, whose filters come in pairs of opposite sign: the layer "
              "after it gets twice the features.", "Both halves."),
    ]),
]  # fmt: skip
ENTRIES = [entry for _, entries in GROUPS for entry in entries]
OVERVIEW = [
    "sigmoid", "tanh", "rectify", "LeakyRectify", "elu", "selu", "softplus", "gelu", "silu",
    "mish", "hard_silu", "SoftShrink",
]  # fmt: skip


def curves_of(entries):
    """The values and the slopes of each entry at X, by a compiled function of the library."""
    tensor = importlib.import_module(backend.library.__name__ + ".tensor")
    x = tensor.vector("x", dtype="float64")
    outputs, counts = [], []
    for entry in entries:
        shown = entry.shown(x)
        values = shown if isinstance(shown, list) else [shown]
        for value in values:
            outputs += [value, backend.library.grad(value.sum(), x)]
        counts.append(len(values))
    results = iter(backend.library.function([x], outputs, mode="FAST_COMPILE")(X))
    return [[(next(results), next(results)) for _ in range(count)] for count in counts]


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


def _docstring(name):
    """That of an activation, or of the class where it is an instance."""
    activation = getattr(nl, name)
    if not inspect.isclass(activation) and not inspect.isfunction(activation):
        activation = type(activation)
    return inspect.getdoc(activation)


def formula(name):
    """What the docstring says first, as far as the formula."""
    text = ""
    for paragraph in re.split(r"\n\s*\n", _docstring(name)):
        text += paragraph.replace("\n", " ") + " "
        if ":math:" in paragraph:
            break
    return re.sub(r"\s*\[\d+\]_", "", text).strip()


def papers(name):
    """The references of the docstring, without their numbers, with links to arXiv."""
    found = re.search(r"References\n-+\n(.*?)(?=\n\n\w+\n-+|\Z)", _docstring(name), re.S)
    if not found:
        return []
    items = re.split(r"\.\. \[\d+\]", " ".join(found.group(1).split()))[1:]
    link = r"`\g<0> <https://arxiv.org/abs/\1>`__"
    return [re.sub(r"arXiv:([\d.]+\d)", link, item.strip()) for item in items]


def of_entry(entry):
    """A card of the gallery, as reStructuredText."""
    first = entry.names[0]
    links = ", ".join(":py:obj:`{}`".format(name) for name in entry.names)
    alt = "Value and slope of {}, for x from -4 to 4. {}".format(first, entry.note).strip()
    parts = [links, drawing.shown(first, alt)]
    if entry.note:
        parts.append("*Shown: {}*".format(entry.note))
    parts += [formula(first), entry.use]
    parts += ["*{}*".format(p) if "`" not in p else p for p in papers(first)]
    body = "\n\n".join(parts)
    return ".. container:: card\n\n" + "\n".join(
        "   " + line if line else line for line in body.split("\n")
    )


def write():
    """Draw the pictures, and write what gallery.rst includes."""
    draw_all()
    lines = []
    for title, entries in GROUPS:
        lines += [title, "-" * len(title), "", ".. container:: cards", ""]
        for entry in entries:
            lines += ["   " + line if line else line for line in of_entry(entry).split("\n")]
            lines.append("")
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    draw_overview(sys.argv[1])
