"""Runs the tests of another project twice, as they are and with ours in use, for a comparison.

The same file is the pytest plugin that records each outcome as soon as it is known, so that after
a crash the next process goes on with the next test.
"""

import glob
import json
import os
import signal
import subprocess
import sys
import tarfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SECONDS_PER_TEST = 600
# How the plugins are told what to do.
RECORD = "LASAGNE_NL_SAFETY_RECORD"
WITH_OURS = "LASAGNE_NL_SAFETY_OURS"


def downloaded(requirement, folder, python=sys.executable):
    """The folder of a project's source, which pip downloads into a folder if it is not there."""
    name = requirement.split("=")[0]
    if not glob.glob(os.path.join(folder, name + "-*", "")):
        pip = [python, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(pip + ["--no-binary", name, "--dest", folder, requirement], check=True)
        with tarfile.open(*glob.glob(os.path.join(folder, name + "-*.tar.gz"))) as archive:
            archive.extractall(folder)
    return glob.glob(os.path.join(folder, name + "-*", ""))[0]


def source_of(library, folder):
    """The interpreter of a library's environment, with pytest, and its source of that version."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "benchmarks"))
    from libraries import python_of

    python = python_of(library)
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "pytest"]
    subprocess.run(pip, check=True)
    ask = "from importlib.metadata import version; print(version('{}'))".format(library)
    version = subprocess.check_output([python, "-c", ask], universal_newlines=True).strip()
    return python, downloaded("{}=={}".format(library, version), folder, python)


def outcomes(plugin, with_ours, path, arguments, cwd, python=sys.executable, **variables):
    """Run pytest until every test has an outcome, with a `plugin` beside this module that prepares
    what is tested, further `arguments` and environment `variables`; records go to `path`.

    Returns a dictionary from each test to its last record, and what else the plugin has recorded.
    """
    open(path, "w").close()
    variables.update({RECORD: path, WITH_OURS: str(int(with_ours)), "PYTHONDONTWRITEBYTECODE": "1"})
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([HERE, ROOT, cwd]), **variables)
    # The tests are no part of this checkout, so neither is its configuration of pytest.
    command = [python, "-m", "pytest", "-q", "--assert=plain", "--tb=line", "-W", "ignore"]
    command += ["-p", "no:cacheprovider", "-p", "both_ways", "-p", plugin, "-c", os.devnull]
    ended = 0
    while True:
        done = subprocess.run(command + arguments, env=environment, cwd=cwd, stdout=sys.stderr)
        records = _records(path)
        tests = {one["test"]: one for one in records if "test" in one}
        # 0: all passed, 1: some failed, 5: none was left to run.
        if done.returncode in (0, 1, 5):
            return tests, [one for one in records if "test" not in one]
        if len(tests) == ended:
            raise SystemExit("pytest did not run: what it says is above")
        ended = len(tests)


def record(**fields):
    with open(os.environ[RECORD], "a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")


def _records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    done = {one["test"] for one in _records(os.environ[RECORD]) if "test" in one}
    items[:] = [item for item in items if item.nodeid not in done]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    import numpy

    def stop(number, frame):
        raise TimeoutError("longer than {} s".format(SECONDS_PER_TEST))

    record(test=item.nodeid, outcome="crashed")  # unless there is more to say later
    numpy.random.seed(666)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS_PER_TEST)
    yield
    signal.alarm(0)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        text = "" if report.passed else str(report.longrepr)[-4000:]
        record(test=report.nodeid, outcome=report.outcome, text=text, seconds=report.duration)
