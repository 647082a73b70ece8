"""Lasagne's own tests, with its activations and with ours in their place: none may fail by that.

The tests come with the source package of Lasagne 0.1, which pip downloads into a temporary folder.
What Lasagne needs of a Theano older than 1.0 is provided by this module, as a plugin of pytest.
"""

import argparse
import glob
import importlib
import os
import subprocess
import sys
import tarfile
import tempfile
import types
from xml.etree import ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REPLACE = "LASAGNE_NL_REPLACES"


def pytest_configure(config):
    import lasagne_nl  # repairs Theano's import, which comes next

    numpy, signal, pool, mock = (
        importlib.import_module(name)
        for name in (
            "numpy",
            "theano.tensor.signal",
            "theano.tensor.signal.pool",
            "unittest.mock",
        )
    )
    downsample = types.ModuleType("theano.tensor.signal.downsample")
    downsample.max_pool_2d = pool.pool_2d
    sys.modules[downsample.__name__] = signal.downsample = downsample
    sys.modules["mock"] = mock
    for name, builtin in (("bool", bool), ("int", int), ("float", float), ("object", object)):
        if name not in vars(numpy):
            setattr(numpy, name, builtin)
    if os.environ[REPLACE] == "1":
        lasagne_nl.replace_lasagne()


def outcomes(source, replaced, arguments, folder):
    """Run the tests; from the name of each to whether it passed, failed or was skipped."""
    report = os.path.join(folder, "report-{}.xml".format(replaced))
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join([HERE, ROOT, source]),
        PYTHONDONTWRITEBYTECODE="1",
        **{REPLACE: str(int(replaced))},
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lasagnes_own_tests", "-W", "ignore"]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", source]
    command += ["--junitxml", report, "--noconftest", os.path.join(source, "lasagne", "tests")]
    with open(os.path.join(folder, "log"), "a", encoding="utf-8") as log:
        subprocess.run(
            command + arguments, env=environment, cwd=source, stdout=log, stderr=subprocess.STDOUT
        )
    if not os.path.exists(report):
        with open(log.name, encoding="utf-8") as text:
            raise SystemExit("pytest did not run: " + text.read()[-2000:])
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        found["{classname}::{name}".format(**case.attrib)] = min(kinds) if kinds else "passed"
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("arguments", nargs="*", help="for pytest, such as: -- -k nonlinearities")
    arguments = parser.parse_args().arguments
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        pip += ["--no-deps", "--no-binary", ":all:", "--dest", folder, "Lasagne==0.1"]
        subprocess.run(pip, check=True)
        with tarfile.open(*glob.glob(os.path.join(folder, "*.tar.gz"))) as archive:
            archive.extractall(folder)
        (source,) = glob.glob(os.path.join(folder, "Lasagne-*", ""))
        before, after = (outcomes(source, on, arguments, folder) for on in (False, True))
    for label, found in (("Lasagne's activations", before), ("ours in their place", after)):
        counts = [list(found.values()).count(one) for one in ("passed", "failure", "error")]
        print("{}: {} passed, {} failed, {} errors".format(label, *counts))
    worse = [name for name in before if before[name] == "passed" != after.get(name)]
    for name in worse:
        print("{}: {}".format(name, after.get(name, "missing")))
    if not before or worse:
        print("{} tests fail by the replacement".format(len(worse)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
