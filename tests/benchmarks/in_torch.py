"""What PyTorch calls the activations, by their names in the tests and in the benchmark."""

import torch
import torch.nn.functional as F

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
