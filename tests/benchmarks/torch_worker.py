"""PyTorch for `speed.py`: eager, as most people run it.

Forward passes are under ``torch.no_grad``. A gradient is a forward and a backward pass.
"""

import sys

import cases
import in_torch
import numpy as np
import torch
import torch.nn.functional as F
from worker import serve

# With those that PyTorch has no function for, as people write them.
ACTIVATIONS = dict(
    in_torch.ACTIVATIONS,
    ScaledTanH=lambda x: cases.SCALE_OUT * torch.tanh(cases.SCALE_IN * x),
    squareplus=lambda x: (x + torch.sqrt(x * x + 4)) / 2,
)


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
    f = ACTIVATIONS[case.activation]
    # A worker has one case at a time, so this can hold for all of it, and costs no call anything.
    torch.set_grad_enabled(case.kind in ("gradient", "step"))
    if case.kind == "step":
        images, labels, start = cases.step_inputs(case)
        parameters, call = training_step(f, torch.tensor(images), torch.tensor(labels), start)
        return call, lambda: [a.detach().numpy() for a in [call()] + parameters]
    x, g, row = (torch.tensor(array) for array in cases.inputs(case))
    if case.kind == "forward":

        def call():
            return f(x)

    elif case.kind == "bias":

        def call():
            return f(x + row)

    else:
        x.requires_grad_()

        def call():
            return torch.autograd.grad(f(x), x, g)[0]

    return call, lambda: [call().numpy()]


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve({"PyTorch": torch.__version__, "NumPy of PyTorch": np.__version__}, build)
