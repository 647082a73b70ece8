"""What the workers of `make peers` share: a process that holds one library and evaluates once.

It is called with two files in NumPy's npz format: one to read and one to write. The first has, for
each dtype and activation, the points ``x`` and the incoming gradients ``g``, under keys such as
"x float32 tanh"; the second gets ``value`` and ``gradient`` in the same manner, of what the library
has, and the versions. A line of output for each says how far it is.
"""

import sys

import numpy as np


def serve(versions, activations, value_and_gradient):
    """Evaluate what is asked for.

    Parameters
    ----------
    versions : str
        What is told of the library.
    activations : dict
        The library's activations, under our names.
    value_and_gradient : callable
        From (activation, x, g) to two arrays.
    """
    given = np.load(sys.argv[1])
    results = {"versions": np.array(versions)}
    for key in given.files:
        kind, dtype, name = key.split(" ", 2)
        if kind != "x":
            continue
        if name in activations:
            of_this = " {} {}".format(dtype, name)
            arrays = value_and_gradient(activations[name], given[key], given["g" + of_this])
            for what, array in zip(("value", "gradient"), arrays):
                if array.dtype != dtype:
                    raise TypeError("{}{} is {}".format(what, of_this, array.dtype))
                results[what + of_this] = array
        print(name, flush=True)
    np.savez(sys.argv[2], **results)
