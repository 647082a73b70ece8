"""Draws the chart in speed.rst from what `make bench` measured.

The build of the documentation runs it. Where nothing has been measured, the page says so.
"""

import json
import os

import drawing

TABLES = os.path.join(drawing.HERE, "_tables")
MEASURED = os.path.join(TABLES, "speed.json")
PAGE = os.path.join(TABLES, "speed_chart.rst")
NAMES = {
    "ours": "lasagne_nl, Theano", "stock": "stock Theano", "numba": "lasagne_nl, PyTensor",
    "numba_stock": "stock PyTensor", "torch": "PyTorch", "jax": "JAX",
}  # fmt: skip
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


def draw(found, theme, title):
    """Bars for each activation, those of the contestants below each other, on a log scale."""
    contestants = [who for who in NAMES if any(who in one for one in found.values())]
    # What is PyTensor's is paler than what is Theano's.
    colours = dict(zip(NAMES, (theme.first, theme.text) * 2 + (theme.second, theme.third)))
    height = 0.8 / len(contestants)
    figure = drawing.figure(4.2, 1.4 + 0.8 * len(found))
    axes = figure.add_subplot()
    for i, who in enumerate(contestants):
        places = [k + (i + 0.5) * height - 0.4 for k in range(len(found))]
        lengths = [one.get(who, float("nan")) for one in found.values()]
        look = {"color": colours[who], "alpha": 0.5 if who.startswith("numba") else 1}
        axes.barh(places, lengths, 0.92 * height, label=NAMES[who], **look)
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


def write():
    """Draw the charts, and write what speed.rst includes."""
    os.makedirs(TABLES, exist_ok=True)
    text = "``make bench`` draws the chart that belongs here.\n"
    if os.path.exists(MEASURED):
        with open(MEASURED, encoding="utf-8") as file:
            measured = json.load(file)
        text = ""
        for kind, title in KINDS.items():
            found = times(measured, kind)
            for theme in drawing.THEMES if found else ():
                path = drawing.path_of("speed-" + kind, theme)
                drawing.save(draw(found, theme, title), path)
            if found:
                alt = "{}: time per element in each library; the table below has the figures."
                text += drawing.shown("speed-" + kind, alt.format(title)) + "\n"
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    write()
