"""A new activation, from its formula to numbers: the example of docs/contributing.rst.

The function is what goes into lasagne_nl/nonlinearities.py, where what is imported here is at hand
already.
"""

from importlib import import_module

import numpy as np

from lasagne_nl import backend as T
from lasagne_nl._base import stepwise
from lasagne_nl._calculus import negative_part, positive


@stepwise
def isrlu(x):
    r"""Inverse square root linear unit: :math:`\varphi(x) = x` if :math:`x > 0`, else
    :math:`x / \sqrt{1 + x^2}`.

    Close to `elu`, with a square root in the place of the exponential [1]_.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (-1, inf): -1 at -inf, inf at inf. The slope is 0 at -inf, 1 at 0 and above.

    References
    ----------
    .. [1] Carlile, Delamarter, Kinney, Marti, Whitney (2017): Improving Deep Learning by Inverse
       Square Root Linear Units (ISRLUs), arXiv:1710.09967.
    """
    is_far = T.comparand(x) < -1e8  # there it is -1, and a square might overflow
    near = T.switch(is_far, 0, negative_part(x))
    below = T.switch(is_far, -1, near / T.sqrt(1 + near * near))
    return T.switch(positive(x), x, below)


def main():
    library = T.library
    x = import_module(library.__name__ + ".tensor").fvector("x")
    y = isrlu(x)
    function = library.function([x], [y, library.grad(y.sum(), x)])
    points = np.array([-np.inf, -1e30, -2, -0.5, 0, 2, np.inf], "float32")
    print("       x   value   slope")
    for row in zip(points, *function(points)):
        print("{:8g} {:7.4f} {:7.4f}".format(*row))


if __name__ == "__main__":
    main()
