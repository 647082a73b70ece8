"""PyTorch for `make peers`: eager, as most people run it."""

import os
import sys

import torch
from peer import serve

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "benchmarks"))

from in_torch import ACTIVATIONS  # noqa: E402


def value_and_gradient(f, x, g):
    x = torch.tensor(x, requires_grad=True)
    y = f(x)
    (gradient,) = torch.autograd.grad(y, x, torch.tensor(g))
    return y.detach().numpy(), gradient.numpy()


if __name__ == "__main__":
    serve("PyTorch {}".format(torch.__version__), ACTIVATIONS, value_and_gradient)
