"""Inventories of what these pages name of NumPy, Theano, Aesara and PyTensor, for links to it.

The documentation of each library has an inventory of its own, which Sphinx would fetch. So that the
build needs no network, this makes small ones, of the names below: the page that documents each.
"""

import os
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))

_LIBRARY = {
    "function": "library/compile/function.html",
    "shared": "library/compile/shared.html",
    "grad": "library/gradient.html",
    "scan": "library/scan.html",
    "config": "library/config.html",
    "tensor.switch": "library/tensor/basic.html",
    "printing.debugprint": "library/printing.html",
}
_OF_SUCCESSORS = {
    **_LIBRARY,
    "tensor.abs": "library/tensor/basic.html",
    "tensor.sigmoid": "library/tensor/basic.html",
    "tensor.random.utils.RandomStream": "library/tensor/random/utils.html",
    "compile.mode.get_default_mode": "library/compile/mode.html",
    "graph.op.Op": "library/graph/op.html",
    "graph.basic.Apply": "library/graph/graph.html",
}
_OF_THEANO = {
    **_LIBRARY,
    "compile.get_default_mode": "library/compile/mode.html",
    "tensor.abs_": "library/tensor/basic.html",
    "tensor.nnet.sigmoid": "library/tensor/nnet/nnet.html",
    "tensor.nnet.softplus": "library/tensor/nnet/nnet.html",
    "tensor.nnet.softmax": "library/tensor/nnet/nnet.html",
    "tensor.nnet.relu": "library/tensor/nnet/nnet.html",
    "tensor.nnet.categorical_crossentropy": "library/tensor/nnet/nnet.html",
}
_OF_NUMPY = {
    name: "reference/generated/numpy.{}.html".format(name)
    for name in ("save", "savez", "testing.assert_allclose")
}

# Theano's documentation is that of Theano-PyMC: its own is gone.
LIBRARIES = {
    "numpy": ("https://numpy.org/doc/stable/", _OF_NUMPY),
    "theano": ("https://theano-pymc.readthedocs.io/en/latest/", _OF_THEANO),
    "aesara": ("https://aesara.readthedocs.io/en/latest/", _OF_SUCCESSORS),
    "pytensor": ("https://pytensor.readthedocs.io/en/latest/", _OF_SUCCESSORS),
}


def write():
    """Write the inventories; return what Sphinx calls intersphinx_mapping."""
    mapping = {}
    for library, (address, pages) in LIBRARIES.items():
        path = os.path.join(HERE, "_tables", library + ".inv")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        header = "# Sphinx inventory version 2\n# Project: {}\n# Version: \n".format(library)
        header += "# The remainder of this file is compressed using zlib.\n"
        lines = [
            "{0}.{1} py:function 1 {2} -\n".format(library, name, page)
            for name, page in sorted(pages.items())
        ]
        with open(path, "wb") as file:
            file.write(header.encode() + zlib.compress("".join(lines).encode()))
        mapping[library] = (address, path)
    return mapping
