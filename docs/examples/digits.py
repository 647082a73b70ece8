"""Which activation learns handwritten digits best?

Trains one small network on the digits of scikit-learn (1,797 images of 8 x 8 pixels) for each of
several activations of ``lasagne_nl.nonlinearities``: those of Lasagne, or all that can serve in a
hidden layer. Nothing else differs between the runs: same initial weights, same order of the
mini-batches, same number of epochs. `linear` is the yardstick: with it, the network is a linear
classifier, however many layers it has.

It shows

- how an activation is passed to a layer, here `Dense`, written on the plain tensor library;
- that the same program runs on Theano and on PyTensor, whichever ``lasagne_nl`` found;
- how the activations compare: a table with the test accuracy of each, a figure of the learning
  curves, and a figure of the activations with the derivatives that the library computes.

How to run it, from the top folder of the project::

    pip install ".[examples]"
    python docs/examples/digits.py                      # those of Lasagne, a minute or two
    python docs/examples/digits.py --activations all    # all of them, some minutes
    python docs/examples/digits.py --activations rectify gelu --epochs 3
    python docs/examples/digits.py --help

Nearly all of the time is compilation. The seconds of the table include it, and Theano keeps what it
compiled: an activation whose operations an earlier one needed already (`leaky_rectify` and
`very_leaky_rectify` differ in one constant) is finished sooner, and so is a second run.
"""

import argparse
import logging
import os
import time
from collections import namedtuple
from importlib import import_module

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

for library in ("theano", "aesara", "pytensor"):
    # That there is no BLAS to link with; for products as small as these it does not matter.
    logging.getLogger(library + ".tensor.blas").setLevel(logging.ERROR)

from lasagne_nl import backend  # noqa: E402
from lasagne_nl.nonlinearities import (  # noqa: E402
    ELU,
    GELU,
    HardShrink,
    ScaledTanH,
    Softplus,
    SoftShrink,
    Swish,
    Threshold,
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_rectify,
    linear,
    log_sigmoid,
    mish,
    rectify,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    tanh,
    tanh_shrink,
    very_leaky_rectify,
)

# The library in use, and its namespace of tensor functions: theano.tensor or pytensor.tensor.
library = backend.library
tensor = import_module(backend.library.__name__ + ".tensor")
floatX = library.config.floatX

# The name of a class stands for an instance, with the parameters that are given here.
CLASSIC = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "ScaledTanH": ScaledTanH(scale_in=2 / 3, scale_out=1.7159),
    "rectify": rectify,
    "leaky_rectify": leaky_rectify,
    "very_leaky_rectify": very_leaky_rectify,
    "elu": elu,
    "selu": selu,
    "softplus": softplus,
    "linear": linear,
}
MODERN = {
    "ELU": ELU(alpha=0.5),
    "celu": celu,
    "gelu": gelu,
    "GELU": GELU(approximate=True),
    "silu": silu,
    "Swish": Swish(beta=1.5),
    "mish": mish,
    "softsign": softsign,
    "Softplus": Softplus(beta=2),
    "squareplus": squareplus,
    "hard_sigmoid": hard_sigmoid,
    "hard_tanh": hard_tanh,
    "hard_silu": hard_silu,
    "relu6": relu6,
    "log_sigmoid": log_sigmoid,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "HardShrink": HardShrink(threshold=0.5),
    "SoftShrink": SoftShrink(threshold=0.5),
    "tanh_shrink": tanh_shrink,
    "Threshold": Threshold(threshold=0.5, value=0),
}
ACTIVATIONS = {**CLASSIC, **MODERN}

HIDDEN_UNITS = 64
BATCH_SIZE = 32
LEARNING_RATE = 0.02
MOMENTUM = 0.9
SPLIT_SEED = 0  # not --seed: every run is to be tested on the same images
ENOUGH = 0.95  # the test accuracy below which the program says why

# Two colours that colour-blind readers tell apart (Okabe and Ito), and a grey for the background.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#C8C8C8"

Digits = namedtuple("Digits", "train_x train_y test_x test_y")
Result = namedtuple("Result", "name test_errors test_accuracy train_accuracy seconds")


class Dense:
    """A fully connected layer: ``nonlinearity(x W + b)``.

    The weights are drawn with mean 0 and variance 1 / n_in. This is what `selu` needs, and in a
    network of two hidden layers every other activation trains from there, too; in a deep one,
    the rectifiers want twice the variance (He et al. 2015).
    """

    def __init__(self, n_in, n_out, nonlinearity=rectify, rng=None):
        rng = np.random.default_rng() if rng is None else rng
        weights = rng.normal(0, n_in**-0.5, size=(n_in, n_out))
        self.W = library.shared(weights.astype(floatX), name="W")
        self.b = library.shared(np.zeros(n_out, dtype=floatX), name="b")
        self.params = [self.W, self.b]
        self.nonlinearity = nonlinearity

    def __call__(self, x):
        return self.nonlinearity(tensor.dot(x, self.W) + self.b)


def load_data():
    """The digits as rows of floatX, split into train and test with all classes in both."""
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=SPLIT_SEED
    )
    # Mean 0 and variance 1 over all pixels together. One scale for each pixel would blow up those
    # that are nearly always blank.
    mean, scale = train_x.mean(), train_x.std()
    train_x, test_x = (((x - mean) / scale).astype(floatX) for x in (train_x, test_x))
    return Digits(train_x, train_y, test_x, test_y)


def cross_entropy(probabilities, targets):
    """The mean categorical cross-entropy; `targets` has one row of zeros and a one per example.

    Written as it stands in a textbook: the tensor library recognises the log of a softmax and
    compiles it to a form that stays finite where a probability has rounded to 0.
    """
    return -(targets * tensor.log(probabilities)).sum(axis=1).mean()


def momentum_updates(loss, params):
    """Stochastic gradient descent with momentum, as pairs (shared variable, its new value)."""
    updates = []
    for param, gradient in zip(params, library.grad(loss, params)):
        velocity = library.shared(np.zeros_like(param.get_value()))
        step = MOMENTUM * velocity - LEARNING_RATE * gradient
        updates += [(velocity, step), (param, param + step)]
    return updates


def compile_network(n_in, n_classes, nonlinearity, rng):
    """Two hidden layers and a softmax, compiled: a function that trains, one that predicts."""
    layers = [
        Dense(n_in, HIDDEN_UNITS, nonlinearity=nonlinearity, rng=rng),
        Dense(HIDDEN_UNITS, HIDDEN_UNITS, nonlinearity=nonlinearity, rng=rng),
        Dense(HIDDEN_UNITS, n_classes, nonlinearity=softmax, rng=rng),
    ]
    x, targets = tensor.matrix("x"), tensor.matrix("targets")
    probabilities = x
    for layer in layers:
        probabilities = layer(probabilities)

    params = [param for layer in layers for param in layer.params]
    updates = momentum_updates(cross_entropy(probabilities, targets), params)
    # The parameters are shared variables: what `train` updates is what `predict` sees.
    train = library.function([x, targets], updates=updates)
    predict = library.function([x], probabilities)
    return train, predict


def accuracy(predict, x, labels):
    """The part of the rows of `x` whose most probable class is the right one."""
    return np.mean(predict(x).argmax(axis=1) == labels)


def batches(number, rng):
    """The numbers of the training images, shuffled, in pieces: the mini-batches of one epoch."""
    order = rng.permutation(number)
    for first in range(0, number, BATCH_SIZE):
        yield order[first : first + BATCH_SIZE]


def run(name, digits, epochs, seed):
    """Train one network with the activation of this name, and say how it went."""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)  # anew for each activation, so that all start alike
    one_hot = np.eye(digits.train_y.max() + 1, dtype=floatX)
    targets = one_hot[digits.train_y]

    test_errors = []
    with tqdm(total=epochs, desc="{:<18}".format(name), unit="epoch") as progress:
        progress.set_postfix_str("compiling")
        train, predict = compile_network(
            digits.train_x.shape[1], len(one_hot), ACTIVATIONS[name], rng
        )
        for _ in range(epochs):
            for batch in batches(len(targets), rng):
                train(digits.train_x[batch], targets[batch])
            test_accuracy = accuracy(predict, digits.test_x, digits.test_y)
            test_errors.append(1 - test_accuracy)
            progress.set_postfix_str("test error {:.1%}".format(1 - test_accuracy), refresh=False)
            progress.update()

    train_accuracy = accuracy(predict, digits.train_x, digits.train_y)
    seconds = time.perf_counter() - start
    return Result(name, test_errors, test_accuracy, train_accuracy, seconds)


def print_table(results, number_of_test_images):
    """The measurements, best first; and which activations did not get far, and why."""
    results = sorted(results, key=lambda result: result.test_accuracy, reverse=True)
    header = ("activation", "test accuracy", "train accuracy", "seconds")
    print("{:<20}{:>15}{:>16}{:>10}".format(*header))
    for result in results:
        numbers = (result.test_accuracy, result.train_accuracy, result.seconds)
        print("{:<20}{:>15.2%}{:>16.2%}{:>10.1f}".format(result.name, *numbers))

    below = [result for result in results if result.test_accuracy < ENOUGH]
    print("Below {:.0%} test accuracy: {}".format(ENOUGH, "" if below else "none").rstrip())
    for result in below:
        print("    {}: {}".format(result.name, explain(result)))

    best = results[0].test_accuracy
    print(
        "Measured on {} images, an accuracy of {:.1%} has a standard error of {:.1f} percentage "
        "points.".format(
            number_of_test_images, best, 100 * (best * (1 - best) / number_of_test_images) ** 0.5
        )
    )


def explain(result):
    """Why this result is poor, as far as the measurements tell."""
    if ACTIVATIONS[result.name] is linear:
        return "layers without a nonlinearity add no capacity: this is a linear classifier"
    if result.train_accuracy < ENOUGH:
        return "still learning, as the train accuracy shows: it needs more epochs"
    return "fits the training images, but does not generalise as well to others"


def panels(number):
    """A figure with a panel for each activation, at most five in a row; the figure, the panels."""
    columns = min(number, 5)
    rows = -(-number // columns)
    figure = Figure(figsize=(1.2 + 2.4 * columns, 1.0 + 2.4 * rows), constrained_layout=True)
    FigureCanvasAgg(figure)  # draws into memory, so no display is needed
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for unused in axes[number:]:
        unused.set_visible(False)
    for panel in axes[:number]:
        panel.spines["top"].set_visible(False)
        panel.spines["right"].set_visible(False)
    for lowest in axes[max(0, number - columns) : number]:  # in its column, of those in use
        lowest.tick_params(labelbottom=True)
    return figure, axes[:number]


def draw_learning_curves(results, path):
    """The test error over the epochs: each activation in its panel, before all others in grey."""
    figure, axes = panels(len(results))
    percents = {result.name: 100 * np.array(result.test_errors) for result in results}
    epochs = np.arange(1, len(results[0].test_errors) + 1)
    for panel, (name, percent) in zip(axes, percents.items()):
        for other in percents:
            panel.plot(epochs, percents[other], color=GREY, linewidth=0.8, label="the others")
        panel.plot(epochs, percent, color=BLUE, linewidth=1.8, marker="o", markersize=2.5)
        panel.set_title("{} ({:.1f}% at the end)".format(name, percent[-1]), fontsize=9)
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}%"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    one_line = axes[0].get_lines()[:1]
    axes[0].legend(handles=one_line, loc="best", fontsize=8, frameon=False)
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("test error", fontsize=10)
    figure.savefig(path, dpi=120)


def values_and_slopes(names, x):
    """Each activation and its derivative at the points `x`, all from one compiled function."""
    variable = tensor.vector("x")
    expressions = []
    for name in names:
        value = ACTIVATIONS[name](variable)
        # The entries of x do not mix, so the gradient of the sum is the derivative at each.
        expressions += [value, library.grad(value.sum(), variable)]
    computed = library.function([variable], expressions)(x.astype(floatX))
    return zip(computed[::2], computed[1::2])


def draw_activations(names, path):
    """Each activation with its derivative, as the tensor library computes them."""
    x = np.linspace(-4, 4, 401)
    figure, axes = panels(len(names))
    for panel, name, (value, slope) in zip(axes, names, values_and_slopes(names, x)):
        panel.axhline(0, color=GREY, linewidth=0.8)
        panel.axvline(0, color=GREY, linewidth=0.8)
        panel.plot(x, value, color=BLUE, linewidth=2, label="activation")
        panel.plot(x, slope, color=VERMILION, linewidth=2, linestyle="--", label="derivative")
        panel.set_title(name, fontsize=9)
        panel.set_ylim(-2.2, 4.4)
    axes[0].legend(loc="upper left", fontsize=8, frameon=False)
    figure.supxlabel("input", fontsize=10)
    figure.supylabel("output", fontsize=10)
    figure.savefig(path, dpi=120)


def at_least(minimum):
    """A type for argparse: an integer that is not below `minimum`."""

    def integer(text):
        if int(text) < minimum:
            raise argparse.ArgumentTypeError("must be at least {}, got {}".format(minimum, text))
        return int(text)

    return integer


def parse_arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(
        description="Compare the activations of lasagne_nl on the digits of scikit-learn."
    )
    parser.add_argument(
        "--activations",
        nargs="+",
        choices=["all", *ACTIVATIONS],
        default=list(CLASSIC),
        metavar="NAME",
        help="the activations to compare; those of Lasagne, which are the default: {}; and: {}; or "
        "all".format(", ".join(CLASSIC), ", ".join(MODERN)),
    )
    parser.add_argument(
        "--epochs",
        type=at_least(1),
        default=40,
        help="how often each network sees all training images (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=at_least(0),
        default=0,
        help="for the initial weights and the order of the mini-batches (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        default=os.path.join(here, "output"),
        metavar="FOLDER",
        help="for the figures, created if it is missing (default: output, next to this program)",
    )
    arguments = parser.parse_args()
    try:  # now, lest a run of minutes end in an error
        os.makedirs(arguments.output, exist_ok=True)
    except OSError as error:
        parser.error("argument --output: {}".format(error))
    return arguments


def chosen(arguments):
    """The names of the activations to compare: each once, in the order given."""
    if "all" in arguments.activations:
        return list(ACTIVATIONS)
    return list(dict.fromkeys(arguments.activations))


def main():
    arguments = parse_arguments()
    names = chosen(arguments)
    digits = load_data()
    print(
        "{} {}, {}: {} training and {} test images, epochs: {}".format(
            backend.name,
            library.__version__,
            floatX,
            len(digits.train_x),
            len(digits.test_x),
            arguments.epochs,
        ),
        flush=True,  # before the progress bars, which go to stderr
    )
    results = [run(name, digits, arguments.epochs, arguments.seed) for name in names]
    print_table(results, len(digits.test_y))

    for file_name, draw, content in [
        ("learning_curves.png", draw_learning_curves, results),
        ("activations.png", draw_activations, names),
    ]:
        path = os.path.join(arguments.output, file_name)
        draw(content, path)
        print(path)


if __name__ == "__main__":
    main()
