"""How the pictures of the documentation look, on a light page and on a dark one."""

import os
from collections import namedtuple

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = os.path.join(HERE, "_pictures")

# Colours that colour-blind readers tell apart, after Okabe and Ito.
Theme = namedtuple("Theme", "name first second third text faint")
THEMES = (
    Theme("light", "#0072B2", "#D55E00", "#009E73", "#222222", "#C8C8C8"),
    Theme("dark", "#56B4E9", "#E69F00", "#00C796", "#DDDDDD", "#555555"),
)
_SETTINGS = {
    # No random names, so that nothing changes unless the picture does.
    "svg.hashsalt": "lasagne_nl",
    # Text as text, which what reads a page aloud finds.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
}


def figure(width, height):
    drawn = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(drawn)
    return drawn


def style(axes, theme):
    """Colour the frame of some axes, and let the page show through."""
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_color(theme.faint)
    axes.tick_params(colors=theme.text, labelcolor=theme.text, color=theme.faint)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(theme.text)


def path_of(name, theme):
    """Where the picture of this name is, in a theme."""
    return os.path.join(PICTURES, "{}-{}.svg".format(name, theme.name))


def save(drawn, path, background="none"):
    """Write a picture."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with matplotlib.rc_context(_SETTINGS):
        drawn.savefig(path, format="svg", facecolor=background, metadata={"Date": None})


def is_newer(path, *sources):
    """Whether a file was made after each of its sources."""
    return os.path.exists(path) and all(
        os.path.getmtime(path) > os.path.getmtime(source) for source in sources
    )


def shown(name, alt):
    """The picture of this name, in the theme of the page, as reStructuredText."""
    return "\n".join(
        ".. image:: /_pictures/{0}-{1}.svg\n   :class: only-{1}\n   :alt: {2}\n".format(
            name, theme.name, alt
        )
        for theme in THEMES
    )
