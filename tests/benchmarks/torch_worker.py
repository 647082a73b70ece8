"""PyTorch for `make bench` and `make peers`: eager, as most people run it.

Forward passes are under ``torch.no_grad``. A gradient is a forward and a backward pass.
"""

import sys

import cases
import numpy as np
import torch
import torch.nn.functional as F
from worker import serve

# What PyTorch has, by the names that the tests give.
ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "rectify": F.relu,
    "LeakyRectify(0)": lambda x: F.leaky_relu(x, 0.0),
    "leaky_rectify": F.leaky_relu,
    "very_leaky_rectify": lambda x: F.leaky_relu(x, 1 / 3),
    "elu": F.elu,
    "SELU()": F.elu,  # both scales are 1
    "selu": F.selu,
    "softplus": F.softplus,
    "linear": torch.nn.Identity(),
    "ELU(0.5)": lambda x: F.elu(x, 0.5),
    "celu": F.celu,
    "CELU(1.7)": lambda x: F.celu(x, 1.7),
    "gelu": F.gelu,
    "GELU(approximate=True)": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softsign": F.softsign,
    "Softplus(2.5)": lambda x: F.softplus(x, beta=2.5),
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
    "HardTanh(-0.25, 2)": lambda x: F.hardtanh(x, -0.25, 2.0),
    "hard_silu": F.hardswish,
    "relu6": F.relu6,
    "log_sigmoid": F.logsigmoid,
    "HardShrink()": F.hardshrink,
    "SoftShrink(0.75)": lambda x: F.softshrink(x, 0.75),
    "tanh_shrink": F.tanhshrink,
    "Threshold(1, 0.25)": lambda x: F.threshold(x, 1.0, 0.25),
    "softmax": lambda x: F.softmax(x, -1),
    "softmin": lambda x: F.softmin(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "glu": F.glu,
}


def sparsemax(x):
    sums = x.sort(-1, descending=True).values.cumsum(-1) - 1
    means = sums / torch.arange(1, x.shape[-1] + 1)
    return torch.relu(x - means.max(-1, keepdim=True).values)


# What it has no function for, as people write it.
AS_WRITTEN = {
    "sparsemax": sparsemax,
    "ScaledTanH": lambda x: cases.SCALE_OUT * torch.tanh(cases.SCALE_IN * x),
    "squareplus": lambda x: (x + torch.sqrt(x * x + 4)) / 2,
}


@torch.enable_grad()
def value_and_gradient(f, x, g):
    x = torch.tensor(x, requires_grad=True)
    y = f(x)
    (gradient,) = torch.autograd.grad(y, x, torch.tensor(g))
    return y.detach().numpy(), gradient.numpy()


def training_step(activation, images, labels, start):
    parameters = [torch.tensor(array, requires_grad=True) for array in start]
    optimiser = torch.optim.SGD(parameters, lr=cases.LEARNING_RATE)

    def step():
        signal = images
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            signal = activation(torch.addmm(b, signal, w))
        loss = F.cross_entropy(torch.addmm(parameters[-1], signal, parameters[-2]), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss

    return parameters, step


def build(contestant, case):
    f = ACTIVATIONS.get(case.activation) or AS_WRITTEN[case.activation]
    # A worker has one case at a time, so this can hold for all of it, and costs no call anything.
    torch.set_grad_enabled(case.kind in ("gradient", "step"))
    if case.kind == "step":
        images, labels, start = cases.step_inputs(case)
        parameters, call = training_step(f, torch.tensor(images), torch.tensor(labels), start)
        return call, lambda: [a.detach().numpy() for a in [call()] + parameters]
    x, g, row = (torch.tensor(array) for array in cases.inputs(case))
    if case.kind == "gradient":
        x.requires_grad_()
    call = {
        "forward": lambda: f(x),
        "bias": lambda: f(x + row),
        "gradient": lambda: torch.autograd.grad(f(x), x, g)[0],
    }[case.kind]
    return call, lambda: [call().numpy()]


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    versions = {"PyTorch": torch.__version__, "NumPy of PyTorch": np.__version__}
    serve(versions, build, dict(AS_WRITTEN, **ACTIVATIONS), value_and_gradient)
