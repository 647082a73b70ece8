"""A leaky rectifier that learns its slopes: PReLU.

The leakiness of `LeakyRectify` is a shared variable here, a vector with one entry for each feature.
It is repeated over the rows of a mini-batch, as a bias is. The data are made by leaky rectifiers
whose slopes the training does not know, and finds.

How to run it, from the top folder of the project::

    python docs/examples/prelu.py                             # prints the slopes
    python docs/examples/prelu.py --output figures            # draws how they were learnt, too
    python docs/examples/prelu.py --output figures --dark     # also for a dark background

Only the drawing needs matplotlib.
"""

import argparse
import os
from importlib import import_module

import numpy as np

from lasagne_nl import backend
from lasagne_nl.nonlinearities import LeakyRectify

library = backend.library  # Theano or PyTensor
tensor = import_module(backend.library.__name__ + ".tensor")
floatX = library.config.floatX

TRUE_SLOPES = np.array([0.01, 0.1, 0.5, 1, -0.3], dtype=floatX)
LEARNING_RATE = 0.5
STEPS = 200

# For each background: the text, and a colour for each slope. Colour-blind readers tell them apart
# (Okabe and Ito), and each has a contrast of at least 3 to its background.
COLOURS = {
    "prelu.svg": ("#000000", ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")),
    "prelu_dark.svg": ("#FFFFFF", ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442")),
}


def compile_training():
    """The slopes, a shared variable, and a function that trains them on a mini-batch."""
    # 0.25 is where He et al. (2015, arXiv:1502.01852) start.
    leakiness = library.shared(np.full_like(TRUE_SLOPES, 0.25), name="leakiness")
    prelu = LeakyRectify(leakiness)

    x, target = tensor.matrix("x"), tensor.matrix("target")
    loss = ((prelu(x) - target) ** 2).mean()
    step = LEARNING_RATE * library.grad(loss, leakiness)
    train = library.function([x, target], loss, updates=[(leakiness, leakiness - step)])
    return leakiness, train


def learn():
    """The slopes before the training and after each step, as the rows of an array."""
    leakiness, train = compile_training()
    rng = np.random.RandomState(0)
    slopes = [leakiness.get_value()]
    for _ in range(STEPS):
        batch = rng.randn(32, len(TRUE_SLOPES)).astype(floatX)
        train(batch, np.where(batch > 0, batch, TRUE_SLOPES * batch))
        slopes.append(leakiness.get_value())
    return np.array(slopes)


def draw(slopes, folder, dark=False):
    """Draw the slopes over the steps, for a dark background too if wanted; return the paths."""
    os.makedirs(folder, exist_ok=True)
    names = list(COLOURS) if dark else ["prelu.svg"]
    paths = [os.path.join(folder, name) for name in names]
    for name, path in zip(names, paths):
        _draw(slopes, path, *COLOURS[name])
    return paths


def _draw(slopes, path, text, colours):
    import matplotlib
    from matplotlib.figure import Figure

    parts = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style = dict.fromkeys(parts, text)
    style["font.size"] = 10  # in a figure of 5 inches, which a telephone shows at nearly that width
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(5, 3.2), constrained_layout=True)
        panel = figure.subplots()
        for learnt, true, colour in zip(slopes.T, TRUE_SLOPES, colours):
            panel.plot(learnt, color=colour, linewidth=2)
            panel.axhline(true, color=colour, linewidth=1.2, linestyle="--")
            panel.annotate(
                "{:g}".format(true),
                (1, true),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                verticalalignment="center",
            )
        solid = panel.plot([], color=text, linewidth=2, label="learnt")
        dashed = panel.plot([], color=text, linewidth=1.2, linestyle="--", label="true")
        panel.legend(
            handles=solid + dashed, loc="center right", bbox_to_anchor=(1, 0.78), frameon=False
        )
        panel.spines["top"].set_visible(False)
        panel.spines["right"].set_visible(False)
        panel.set_xlim(0, len(slopes) - 1)
        panel.set_xlabel("training step")
        panel.set_ylabel("slope below 0")
        figure.savefig(path, transparent=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Learn the slopes of leaky rectifiers.")
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help="draw the slopes over the training steps into prelu.svg in this folder, which is "
        "created if it is missing",
    )
    parser.add_argument(
        "--dark", action="store_true", help="draw prelu_dark.svg too, for a dark background"
    )
    arguments = parser.parse_args()
    if arguments.dark and arguments.output is None:
        parser.error("argument --dark: needs --output")
    return arguments


def main():
    arguments = parse_arguments()
    slopes = learn()
    for true, learnt in zip(TRUE_SLOPES, slopes[-1]):
        print("true slope {:6.3f}, learnt {:6.3f}".format(true, learnt))
    if arguments.output is not None:
        for path in draw(slopes, arguments.output, arguments.dark):
            print(path)


if __name__ == "__main__":
    main()
