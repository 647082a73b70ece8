"""Lasagne's own tests, with its activations and with ours in their place: none may fail by that.

The tests come with the source package of Lasagne 0.1, which pip downloads into a temporary folder.
What Lasagne needs of a Theano older than 1.0 is provided by this module, as a plugin of pytest.
"""

import argparse
import os
import sys
import tempfile
import types

from both_ways import WITH_OURS, downloaded, outcomes


def pytest_configure(config):
    from unittest import mock

    import lasagne_nl  # isort: skip  repairs Theano's import, which comes next
    import numpy
    from theano.tensor import signal
    from theano.tensor.signal import pool

    downsample = types.ModuleType("theano.tensor.signal.downsample")
    downsample.max_pool_2d = pool.pool_2d
    sys.modules[downsample.__name__] = signal.downsample = downsample
    sys.modules["mock"] = mock
    for builtin in (bool, int, float, object):
        if builtin.__name__ not in vars(numpy):
            setattr(numpy, builtin.__name__, builtin)
    if os.environ[WITH_OURS] == "1":
        lasagne_nl.replace_lasagne()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("arguments", nargs="*", help="for pytest, such as: -- -k nonlinearities")
    arguments = parser.parse_args().arguments
    with tempfile.TemporaryDirectory() as folder:
        source = downloaded("Lasagne==0.1", folder)
        arguments += ["--rootdir", source, "--noconftest", os.path.join(source, "lasagne", "tests")]
        found = []
        for with_ours in (False, True):
            records = os.path.join(folder, "records")
            tests, _ = outcomes("lasagnes_own_tests", with_ours, records, arguments, source)
            found.append({name: test["outcome"] for name, test in tests.items()})
    before, after = found
    for label, tests in (("Lasagne's activations", before), ("ours in their place", after)):
        counts = [list(tests.values()).count(one) for one in ("passed", "failed", "crashed")]
        print("{}: {} passed, {} failed, {} crashed".format(label, *counts))
    worse = [name for name in before if before[name] == "passed" != after.get(name)]
    for name in worse:
        print("{}: {}".format(name, after.get(name, "missing")))
    if not before or worse:
        print("{} tests fail by the replacement".format(len(worse)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
