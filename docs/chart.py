"""Draws the charts in speed.rst from what `make bench` measured, two for each library.

The build of the documentation runs it. Where nothing has been measured, the page says so.
"""

import json
import os
import re

import drawing

TABLES = os.path.join(drawing.HERE, "_tables")
MEASURED = os.path.join(TABLES, "speed.json")
WRITTEN = os.path.join(TABLES, "speed.rst")
PAGE = os.path.join(TABLES, "speed_charts.rst")
# What is drawn: with one thread, in float32, arrays that the cache of a core holds.
THREADS, DTYPE, ROWS, COLUMNS = 1, "float32", 256, 512
KINDS = {"forward": "The activation", "gradient": "Its gradient"}


def times(measured, kind):
    """Nanoseconds per element, by activation and contestant."""
    found = {}
    for threads, activation, of_kind, dtype, rows, columns, seconds in measured:
        if (threads, of_kind, dtype, rows, columns) == (THREADS, kind, DTYPE, ROWS, COLUMNS):
            found[activation] = {who: 1e9 * s / (rows * columns) for who, s in seconds.items()}
    return found


def draw(found, library, theme, title):
    """Bars for each activation, those of the contestants below each other, on a log scale."""
    names = {library: "lasagne_nl", "stock " + library: "stock"}
    if library == "theano":
        names.update(torch="PyTorch", jax="JAX")
    names = {who: name for who, name in names.items() if any(who in one for one in found.values())}
    colours = theme.first, theme.text, theme.second, theme.third
    height = 0.8 / len(names)
    figure = drawing.figure(4.2, 1.4 + 0.15 * (len(names) + 1) * len(found))
    axes = figure.add_subplot()
    for i, (who, colour) in enumerate(zip(names, colours)):
        places = [k + (i + 0.5) * height - 0.4 for k in range(len(found))]
        lengths = [one.get(who, float("nan")) for one in found.values()]
        axes.barh(places, lengths, 0.92 * height, label=names[who], color=colour)
    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ns per element (log scale)")
    figure.suptitle(title, fontsize=11, color=theme.text)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    drawing.style(axes, theme)
    # Above the bars, at the same distance however many there are.
    legend = axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncol=2, frameon=False)
    for text in legend.get_texts():
        text.set_color(theme.text)
    return figure


def pictures(measured, library):
    """The charts of a library, drawn, as reStructuredText."""
    text = ""
    for kind, title in KINDS.items():
        found = {a: t for a, t in times(measured, kind).items() if library in t}
        name = "speed-{}-{}".format(library, kind)
        for theme in drawing.THEMES if found else ():
            drawing.save(draw(found, library, theme, title), drawing.path_of(name, theme))
        if found:
            alt = "{}: time per element; the table below has the figures."
            text += drawing.shown(name, alt.format(title)) + "\n"
    return text


def write():
    """Draw the charts, and write what speed.rst includes: the tables, with the charts in them."""
    os.makedirs(TABLES, exist_ok=True)
    text = "``make bench`` makes the charts and the tables that belong here.\n"
    if os.path.exists(MEASURED):
        with open(MEASURED, encoding="utf-8") as file:
            measured = json.load(file)
        with open(WRITTEN, encoding="utf-8") as file:
            text = file.read()
        bars = re.compile(r"^\.\. bars of (.*)$", re.MULTILINE)
        text = bars.sub(lambda match: pictures(measured, match.group(1)), text)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    write()
