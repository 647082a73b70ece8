"""The tests find their helpers, and what most of them are run over: arguments of these names. And
with ``-n`` (pytest-xdist), how they are shared out."""

import os
import re
import sys
import sysconfig

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that compile into the same folder wait for each other.
    for library in ("theano", "aesara", "pytensor"):
        variable = library.upper() + "_FLAGS"
        flags = os.environ.get(variable, "")
        given = re.findall("base_compiledir=([^,]*)", flags)
        folder = given[-1] if given else os.path.join(os.path.expanduser("~"), "." + library)
        flags += ",base_compiledir=" + os.path.join(folder, os.environ["PYTEST_XDIST_WORKER"])
        os.environ[variable] = flags.lstrip(",")

if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    # PyTensor has Numba, and would take a compiler that is of no use without them.
    os.environ["PYTENSOR_FLAGS"] = (os.environ.get("PYTENSOR_FLAGS", "") + ",cxx=").lstrip(",")

from activations import ELEMENTWISE, EVERY, RESHAPING  # noqa: E402
from helpers import DTYPES, MODES  # noqa: E402


@pytest.fixture(params=ELEMENTWISE, ids=repr)
def case(request):
    return request.param


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """All tests of one activation are for the same process, which compiles it once for them; so are
    those of one function that are of no activation, and those that install versions of NumPy."""
    from xdist.scheduler import LoadScopeScheduling

    names = sorted([*EVERY, *RESHAPING], key=len, reverse=True)  # hard_tanh before tanh

    class ByActivation(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            function, _, parameters = nodeid.partition("[")
            file = function.partition("::")[0]
            if "repairs" in file:
                return file
            return next((name for name in names if name in parameters), function)

    return ByActivation(config, log)
