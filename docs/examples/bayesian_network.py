"""A Bayesian network: how sure is it of what it says?

The cells of 569 tumours were measured; is one malignant? Each weight of a small network is a
distribution here, and so is its answer: by variational inference (ADVI), and by sampling (NUTS).

How to run it, from the top folder of the project, where PyMC and scikit-learn are installed::

    python docs/examples/bayesian_network.py                     # two minutes
    python docs/examples/bayesian_network.py --output figures    # draws the answers, too

Only the drawing needs matplotlib.
"""

import argparse
import os

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from lasagne_nl.nonlinearities import leaky_rectify, sigmoid

HIDDEN = 4


def load():
    """Ten measurements of each tumour, to mean 0 and variance 1, and whether it is malignant."""
    data = load_breast_cancer()
    x = data.data[:, :10]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return train_test_split(x, data.target == 0, test_size=0.4, random_state=0)


def network(x, is_malignant):
    """The model: leaky rectifiers, and a sigmoid that gives a probability."""
    with pm.Model() as model:
        x = pm.Data("x", x)
        start = np.random.RandomState(0).randn(10, HIDDEN)
        weights = pm.Normal("weights", 0, 1, shape=start.shape, initval=start)
        biases = pm.Normal("biases", 0, 1, shape=HIDDEN)
        out = pm.Normal("out", 0, 1, shape=HIDDEN)
        p = sigmoid(pt.dot(leaky_rectify(pt.dot(x, weights) + biases), out))
        pm.Bernoulli("is_malignant", p=p, observed=is_malignant, shape=p.shape)
        pm.Deterministic("p", p)
    return model


def answers(model, posterior, x):
    """The probabilities that the samples of a posterior give to other tumours, one in each row."""
    with model:
        pm.set_data({"x": x})
        predicted = pm.sample_posterior_predictive(
            posterior, var_names=["p"], predictions=True, random_seed=0, progressbar=False
        )
    p = predicted["predictions"]["p"].values
    return p.reshape(-1, p.shape[-1])


def report(name, p, is_malignant):
    """How often the mean answer is right, and where the network is sure of what it says."""
    is_right = (p.mean(axis=0) > 0.5) == is_malignant
    low, high = np.quantile(p, [0.05, 0.95], axis=0)
    is_sure = (low > 0.5) | (high < 0.5)
    print("{}: {:.1%} right, of the {:.0%} that it is sure of {:.1%}".format(
        name, is_right.mean(), is_sure.mean(), is_right[is_sure].mean()
    ))  # fmt: skip


def draw(both, is_malignant, folder):
    """Draw the answers to each tumour, with 90 % of the samples; return the path."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), constrained_layout=True)
    for panel, (name, p) in zip(figure.subplots(1, len(both), sharey=True), both.items()):
        order = p.mean(axis=0).argsort()
        low, high = np.quantile(p[:, order], [0.05, 0.95], axis=0)
        ranks = np.arange(len(order))
        panel.vlines(ranks, low, high, color="#BBBBBB", linewidth=1)
        for value, colour in ((False, "#0072B2"), (True, "#D55E00")):
            these = is_malignant[order] == value
            label = "malignant" if value else "benign"
            means = p.mean(axis=0)[order]
            panel.plot(ranks[these], means[these], ".", color=colour, markersize=3, label=label)
        panel.set_title(name)
        panel.set_xlabel("tumours that it has not seen, in order")
    figure.axes[0].set_ylabel("probability")
    figure.axes[0].legend(frameon=False)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "bayesian_network.png")
    figure.savefig(path, dpi=120)
    return path


def parse_arguments():
    parser = argparse.ArgumentParser(description="Train a Bayesian network, in two ways.")
    parser.add_argument("--draws", type=int, default=300, help="samples of a chain (300)")
    parser.add_argument("--steps", type=int, default=10000, help="steps of ADVI (10000)")
    parser.add_argument(
        "--output", metavar="FOLDER", help="draw the answers into bayesian_network.png there"
    )
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    x, other_x, is_malignant, others_are = load()
    both = {}
    for name in ("ADVI", "NUTS"):
        model = network(x, is_malignant)
        with model:
            if name == "ADVI":
                fit = pm.fit(arguments.steps, random_seed=0, progressbar=False)
                posterior = fit.sample(1000, random_seed=0)
            else:
                posterior = pm.sample(
                    arguments.draws, tune=arguments.draws, chains=2, random_seed=0,
                    progressbar=False, compute_convergence_checks=False,
                )  # fmt: skip
        both[name] = answers(model, posterior, other_x)
        report(name, both[name], others_are)
    if arguments.output is not None:
        print(draw(both, others_are, arguments.output))


if __name__ == "__main__":
    main()
