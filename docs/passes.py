"""Draws the picture in contributing.rst: the passes from the graph of a user to the compiled loop.

Names and positions come from Theano's database of rewrites, in which lasagne_nl registers its own.
The build of the documentation runs it; by itself it lists the passes: python docs/passes.py.
"""

import os
import sys
import textwrap
from collections import namedtuple

import drawing
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

sys.path.insert(0, os.path.dirname(drawing.HERE))

from lasagne_nl import backend  # noqa: E402

THEANO, EXACT, FAST = "Theano's own", "lasagne_nl", "lasagne_nl_simd"

# A pass: where it runs, what it is called, whose it is, and the pass that it is a part of, if any.
Pass = namedtuple("Pass", "position name whose part_of")

# What each pass does. Of Theano's own, those that are named here are drawn; of ours, all.
THEANOS = {
    "canonicalize": "Simplifies. Gradients are in the graph already.",
    "stabilize": "log(sigmoid(x)) and its like become forms that stay finite.",
    "specialize": "log(softmax(x)) becomes one operation, among others.",
    "elemwise_fusion": "Neighbouring elementwise operations become one, a Composite.",
    "inplace_elemwise_opt": "A result is written over an input that is not needed again.",
}
OURS = {
    "lasagne_nl_log_of_softmax": "The same for any shape and any entries, and the gradient.",
    "lasagne_nl_simd_kink": "The kink of a rectifier: two conditions become one.",
    "lasagne_nl_simd_scaled_expm1": "Negative side of elu and selu: one function, rounded once.",
    "lasagne_nl_simd_scaled_tanh": "c tanh(a x): one function, rounded once.",
    "lasagne_nl_simd_kernels": "exp, log, tanh, sigmoid and their like: those of kernels.h.",
    "lasagne_nl_simd_softmax": "The softmax family: row by row, with the kernel of exp.",
    "lasagne_nl_accurate": "Each sigmoid and softplus that is left: written out, exact.",
    "lasagne_nl_simd_vector_elemwise": "Elemwise becomes VectorElemwise: a loop that vectorises.",
}
FIRST = "The graph of a user", "Formulas in ordinary operations, and their gradients."
LAST = "Compiled loops", "C++ of the operations, which the compiler vectorises."
ELSEWHERE = "Not drawn", "The documentation was built without Theano."

_GREYS = {"light": "#666666", "dark": "#999999"}
COLOURS = {
    theme.name: {
        None: theme.text, THEANO: _GREYS[theme.name], EXACT: theme.second, FAST: theme.first
    }
    for theme in drawing.THEMES
}  # fmt: skip
LEGEND = {
    THEANO: "Theano's own",
    EXACT: "For exactness: the tag lasagne_nl",
    FAST: "For speed: the tag lasagne_nl_simd",
}

# In points, of which 72 are an inch.
WIDTH, MARGIN, PADDING, GAP, INDENT = 360, 4, 8, 13, 16
NAME_SIZE, TEXT_SIZE, LINE = 10.5, 10, 14
CHARACTERS = 62  # in a line of text


def passes():
    """The passes in the order in which they run, from the database of Theano."""
    from theano.compile import optdb
    from theano.gof.optdb import DB

    from lasagne_nl.simd import rewrites  # noqa: F401  registers them without a compiler, too

    found = [Pass(optdb.__position__[name], name, THEANO, None) for name in THEANOS]
    for whose in (EXACT, FAST):
        for rewrite in optdb.__db__[whose]:
            found.append(Pass(optdb.__position__[rewrite.name], rewrite.name, whose, None))
        for name, position in optdb.__position__.items():
            group = optdb[name] if len(optdb.__db__[name]) == 1 else None
            # To ask a group for a tag makes an empty entry for it.
            for rewrite in group.__db__.get(whose, ()) if isinstance(group, DB) else ():
                found.append(Pass(position, rewrite.name, whose, name))
    # A part comes after the whole; else the sort keeps the order of registration.
    return sorted(found, key=lambda one: (one.position, one.part_of is not None))


def line_of(one):
    """What a pass does."""
    return (THEANOS if one.whose == THEANO else OURS)[one.name]


class _Picture:
    """A column of boxes with arrows between them, drawn from the top."""

    def __init__(self, colours):
        self.colours = colours
        self.drawn = []  # functions of the axes and the height
        self.y = MARGIN

    def legend(self):
        for whose, text in LEGEND.items():
            self._box(MARGIN, self.y + 2, 10, 10, whose)
            self._text(MARGIN + 18, self.y + 7, text, TEXT_SIZE)
            self.y += LINE + 2
        self.y += GAP - 4

    def box(self, name, text, whose=None, position=None, indent=0):
        left, lines = MARGIN + indent, textwrap.wrap(text, CHARACTERS - indent // 5)
        height = PADDING * 2 + LINE * (1 + len(lines)) - 3
        self._box(left, self.y, WIDTH - MARGIN - left, height, whose)
        y = self.y + PADDING + LINE / 2 - 1
        self._text(left + PADDING, y, name, NAME_SIZE, whose, weight="bold")
        if position is not None:
            at = "{:g}".format(position)
            self._text(WIDTH - MARGIN - PADDING, y, at, NAME_SIZE, whose, ha="right")
        for line in lines:
            y += LINE
            self._text(left + PADDING, y, line, TEXT_SIZE)
        self.y += height

    def arrow(self):
        x, top = WIDTH / 2, self.y
        self.y += GAP

        def draw(axes, height):
            axes.annotate(
                "", (x, height - top - GAP), (x, height - top), annotation_clip=False,
                arrowprops={"arrowstyle": "->", "color": self.colours[THEANO], "shrinkA": 1.5,
                            "shrinkB": 1.5, "linewidth": 1.2},
            )  # fmt: skip

        self.drawn.append(draw)

    def _box(self, x, y, width, height, whose):
        colour = self.colours[whose]

        def draw(axes, total):
            for face, alpha in ((colour, 0.12), ("none", 1)):
                axes.add_patch(
                    FancyBboxPatch(
                        (x, total - y - height), width, height, facecolor=face, alpha=alpha,
                        edgecolor=colour, linewidth=1.2, boxstyle="round,pad=0,rounding_size=3",
                    )
                )  # fmt: skip

        self.drawn.append(draw)

    def _text(self, x, y, text, size, whose=None, **options):
        options.update(size=size, color=self.colours[whose], va="center_baseline")
        self.drawn.append(lambda axes, height: axes.text(x, height - y, text, **options))

    def save(self, path):
        height = self.y + MARGIN
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        axes = figure.add_axes([0, 0, 1, 1])
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(0, height)
        axes.axis("off")
        for draw in self.drawn:
            draw(axes, height)
        # The boxes are as wide as the letters of this font.
        drawing.save(figure, path, outlines=True)


def write(folder=drawing.PICTURES):
    """Draw the picture for a light and for a dark background, and return the paths."""
    paths = []
    for background, colours in COLOURS.items():
        picture = _Picture(colours)
        if backend.name == "theano":
            picture.legend()
            picture.box(*FIRST)
            for one in passes():
                if not one.part_of:
                    picture.arrow()
                    picture.box(one.name, line_of(one), one.whose, one.position)
                else:
                    picture.y += 3
                    picture.box(one.name, line_of(one), one.whose, None, INDENT)
            picture.arrow()
            picture.box(*LAST)
        else:
            picture.box(*ELSEWHERE)
        paths.append(os.path.join(folder, "passes-{}.svg".format(background)))
        picture.save(paths[-1])
    return paths


if __name__ == "__main__":
    write()
    for one in passes():
        print("{0.position:6g}  {0.name:<35}{1}".format(one, line_of(one)))
