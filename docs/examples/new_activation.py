"""A new activation, from its formula to numbers: the example of docs/contributing.rst.

The two functions are what goes into lasagne_nl/nonlinearities.py, where what is imported here is at
hand already.
"""

from importlib import import_module

import numpy as np

from lasagne_nl._arguments import as_float, in_float32
from lasagne_nl.backend import library, sqrt, switch
from lasagne_nl.nonlinearities import _limited, _negative_part, _positive

tensor = import_module(library.__name__ + ".tensor")


def isrlu(x):
    r"""Inverse square root linear unit: :math:`\varphi(x) = x` if :math:`x > 0`, else
    :math:`x / \sqrt{1 + x^2}`.

    Close to `elu`, with a square root in the place of the exponential [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The inverse square root linear unit of `x` elementwise, in (-1, inf): -1 at -inf, inf at
        inf. The slope is 0 at -inf, 1 at 0 and above.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    References
    ----------
    .. [1] Carlile, Delamarter, Kinney, Marti, Whitney (2017): Improving Deep Learning by Inverse
       Square Root Linear Units (ISRLUs), arXiv:1710.09967.
    """
    return in_float32(_isrlu, as_float("isrlu", x))


def _isrlu(x):
    negative = _limited(_negative_part(x), 1 / np.finfo(x.dtype).eps)  # beyond, it is -1
    return switch(_positive(x), x, negative / sqrt(1 + negative * negative))


def main():
    x = tensor.fvector("x")
    y = isrlu(x)
    function = library.function([x], [y, library.grad(y.sum(), x)])
    points = np.array([-np.inf, -1e30, -2, -0.5, 0, 2, np.inf], "float32")
    print("       x   value   slope")
    for row in zip(points, *function(points)):
        print("{:8g} {:7.4f} {:7.4f}".format(*row))


if __name__ == "__main__":
    main()
