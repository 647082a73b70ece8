"""Do Theano's own tests give the same results with our rewrites as without? `make safety`.

Runs the tests that ship with Theano 1.0.5 for what the rewrites touch, twice: in stock Theano, and
after ``import lasagne_nl``. Compares test by test, and prints how many pass in both, fail in both
(what stock Theano has against a current NumPy), and differ. A test that differs because it asserts
which op a graph contains stands in EXCEPTIONS with its reason; any other makes the exit status 1.

The same file is the pytest plugin that makes these tests of 2017 run: they import nose, which does
not run on a current Python, so what they take from it is provided here.
"""

import argparse
import collections
import importlib.util
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# What is run: a module of tests, and which of its tests (a regular expression), or all.
MODULES = {
    "theano.tensor.nnet.tests.test_sigm": None,
    "theano.tensor.nnet.tests.test_nnet": None,
    "theano.tensor.tests.test_elemwise": None,
    # The optimiser: canonicalisation, fusion, constants, what is done to exp, log, erf and switch.
    # Not: subtensors, joins, reshapes, sums, shapes.
    "theano.tensor.tests.test_opt": r"canon|fusion|Composite|log_?[1as]|log1p|expm1|erf|switch"
    r"|func_inverse|constant|elemwise|cast|specialize|greedy|mixeddiv|merge_abs|useless_fill"
    r"|zero_div|sumsqr|inplace|T_local_reduce\b|div_to_inv|alloc_f16|fill_useless",
}
# Tests that may differ, because they assert which ops a graph contains: the reason.
_SIGMOID = "asserts that a sigmoid op is left in the graph; it is written out, exactly"
_SOFTPLUS = "asserts that a softplus op is left in the graph; it is written out, exactly"
_SOFTMAX = "asserts that Theano's own softmax operations are in the graph; others are there"
EXCEPTIONS = {
    "test_nnet::test_argmax_pushdown": "counts the nodes of a graph with a sigmoid; it is written "
    "out, and its two constants take a node each",
    "test_sigm::T_sigmoid_opts::test_exp_over_1_plus_exp": _SIGMOID,
    "test_sigm::T_sigmoid_opts::test_local_sigm_times_exp": _SIGMOID,
    "test_sigm::T_sigmoid_opts::test_local_hard_sigmoid": _SIGMOID,
    "test_sigm::T_sigmoid_opts::test_local_ultra_fast_sigmoid": _SIGMOID,
    "test_sigm::T_softplus_opts::test_log1msigm_to_softplus": _SOFTPLUS,
    "test_sigm::T_softplus_opts::test_log1pexp_to_softplus": _SOFTPLUS,
    "test_sigm::T_softplus_opts::test_logsigm_to_softplus": _SOFTPLUS,
    "test_opt::test_log1p": "asks for Theano's own log1p in the graph",
    "test_nnet::T_CrossentropyCategorical1Hot::"
    "test_crossentropy_softmax_1hot_with_bias_dxcale_cost": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::"
    "test_get_rid_of_advanced_indexing_version_of_xent": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_optimize_xent_vector": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_optimize_xent_vector2": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_optimize_xent_vector3": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_optimize_xent_vector4": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_grad_optimizations": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_grad_optimizations_vector": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_optimizations": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_optimizations_vector": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_optimizations_w_bias": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_optimizations_w_bias2": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_softmax_optimizations_w_bias_vector": _SOFTMAX,
    "test_nnet::T_CrossentropyCategorical1Hot::test_xent_thing_int32": _SOFTMAX,
    "test_nnet::T_LogSoftmax::test_logsoftmax_grad_true_div_elemwise": _SOFTMAX,
    "test_nnet::T_SoftmaxWithBias::test_broadcast": _SOFTMAX,
    "test_nnet::Test_softmax_opt::test_basic": _SOFTMAX,
    "test_nnet::Test_softmax_opt::test_basic_keepdims": _SOFTMAX,
}

SECONDS_PER_TEST = 600
# How the plugin is told what to do.
RECORD = "LASAGNE_NL_SAFETY_RECORD"
WITH_REWRITES = "LASAGNE_NL_SAFETY_REWRITES"


# The plugin.


def pytest_configure(config):
    _provide_nose()
    if os.environ[WITH_REWRITES] == "1":
        import lasagne_nl  # noqa: F401
    else:
        _install_repairs_alone()
    import theano
    from theano.compile import optdb

    tags = [tag for tag in ("lasagne_nl", "lasagne_nl_simd") if optdb.__db__.get(tag)]
    _record(version=theano.__version__, rewrites=tags)


def _install_repairs_alone():
    """Have Theano import, and nothing else: the flag optimizer_excluding would not do, because it
    leaves functions alone that are compiled in a mode given by name."""
    path = os.path.join(ROOT, "lasagne_nl", "_theano_repairs.py")
    spec = importlib.util.spec_from_file_location("theano_repairs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install()


def _provide_nose():
    """Stand-ins for what the tests import of nose, parameterized, and numpy.testing of old."""
    import numpy.testing

    def module(name, **contents):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(contents)
        return sys.modules[name]

    def attr(*names, **values):
        return lambda test: test

    def raises(*exceptions):
        def decorate(test):
            def run(*arguments):
                with pytest.raises(exceptions):
                    test(*arguments)

            run.__name__ = test.__name__
            return run

        return decorate

    case = unittest.TestCase("__init__")
    module("nose")
    module("nose.plugins")
    module("nose.plugins.skip", SkipTest=unittest.SkipTest)
    module("nose.plugins.attrib", attr=attr)
    module(
        "nose.tools", raises=raises, assert_raises=case.assertRaises, assert_true=case.assertTrue
    )
    # Only named by the tests that are run here, not used.
    module("parameterized", parameterized=None)
    if not hasattr(numpy.testing, "dec"):
        numpy.testing.dec = types.SimpleNamespace(
            skipif=lambda condition, reason="": pytest.mark.skipif(bool(condition), reason=reason)
        )


def _record(**fields):
    with open(os.environ[RECORD], "a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")


def _name(nodeid):
    """theano/tensor/tests/test_opt.py::Class::test, for short test_opt::Class::test."""
    return re.sub(r"^.*?(\w+)\.py::", r"\1::", nodeid)


def pytest_pycollect_makeitem(collector, name, obj):
    """Do what nose did: call setUp of any class. Count what pytest refuses to run."""
    if inspect.isclass(obj) and not issubclass(obj, unittest.TestCase):
        if name.lower().startswith("test") and hasattr(obj, "setUp"):
            obj.setup_method = lambda self: self.setUp()
    if hasattr(obj, "check_name"):
        # setUp would look for the class in the module that made it for another one.
        obj.check_name = False
    if name.startswith("test") and inspect.isgeneratorfunction(obj):
        _record(generator=_name(collector.nodeid + "::" + name))
        return []
    return None


def pytest_collection_modifyitems(config, items):
    done = {record["test"] for record in read(os.environ[RECORD]) if "test" in record}
    wanted = []
    for item in items:
        pattern = MODULES.get(item.module.__name__)
        name = _name(item.nodeid)
        if pattern is None or re.search(pattern, name.split("::", 1)[1]):
            wanted.append(item)
    _record(collected=len(wanted))
    items[:] = [item for item in wanted if _name(item.nodeid) not in done]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item, nextitem):
    import numpy

    def stop(number, frame):
        raise TimeoutError("longer than {} s".format(SECONDS_PER_TEST))

    _record(test=_name(item.nodeid), outcome="crashed")  # unless there is more to say later
    numpy.random.seed(666)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS_PER_TEST)
    yield
    signal.alarm(0)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        text = "" if report.passed else str(report.longrepr)[-4000:]
        fields = {"test": _name(report.nodeid), "outcome": report.outcome, "text": text}
        _record(seconds=report.duration, **fields)


# The command.


def read(path):
    """The records of a run so far."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def _site_packages():
    """The folder that Theano is in; found without importing Theano."""
    return os.path.dirname(importlib.util.find_spec("theano").submodule_search_locations[0])


class Run:
    """Theano's tests in a process of their own, with or without the rewrites."""

    def __init__(self, with_rewrites, floatX, folder, modules):
        self.label = "with" if with_rewrites else "without"
        self.record = os.path.join(folder, "{}_{}.jsonl".format(self.label, floatX))
        self.log = os.path.join(folder, "{}_{}.log".format(self.label, floatX))
        open(self.record, "w").close()
        flags = "floatX={},base_compiledir={}".format(floatX, os.path.join(folder, "compiled"))
        self.environment = dict(
            os.environ,
            PYTHONPATH=os.pathsep.join([HERE, ROOT]),
            PYTHONDONTWRITEBYTECODE="1",
            THEANO_FLAGS=",".join(filter(None, [os.environ.get("THEANO_FLAGS"), flags])),
            **{RECORD: self.record, WITH_REWRITES: str(int(with_rewrites))},
        )
        # The tests are no part of this checkout, so neither is its configuration of pytest.
        self.command = [sys.executable, "-m", "pytest", "-q", "--assert=plain"]
        self.command += ["-p", "no:cacheprovider", "-p", "theanos_own_tests", "-W", "ignore"]
        self.command += ["-c", os.devnull, "--rootdir", _site_packages(), "--pyargs"] + modules
        self.folder = folder

    def finish(self, show):
        """Run until every test has an outcome: after a crash, go on with the next test."""
        ended = set()
        while True:
            with open(self.log, "a", encoding="utf-8") as log:
                process = subprocess.Popen(
                    self.command, env=self.environment, cwd=self.folder, stdout=log, stderr=log
                )
                while process.poll() is None:
                    time.sleep(0.3)
                    show(self)
            done = set(self.outcomes())
            # 0: all passed, 1: some failed, 5: none was left to run.
            if process.returncode in (0, 1, 5):
                return
            if done == ended:
                with open(self.log, encoding="utf-8") as log:
                    said = [line.strip() for line in log if line.strip()]
                raise SystemExit(
                    "pytest did not run: {} (with --folder FOLDER all that it says is kept)".format(
                        said[-1] if said else "it says nothing"
                    )
                )
            ended = done

    def field(self, name, default=None):
        """The last value of a field that the run has recorded."""
        values = [record[name] for record in read(self.record) if name in record]
        return values[-1] if values else default

    def generators(self):
        return {record["generator"] for record in read(self.record) if "generator" in record}

    def outcomes(self):
        """From the name of a test to the last that was recorded of it."""
        return {record["test"]: record for record in read(self.record) if "test" in record}


def compare(without, with_rewrites):
    """Names of tests by the pair of outcomes, for those that both runs have or one lacks."""
    groups = collections.defaultdict(list)
    before, after = without.outcomes(), with_rewrites.outcomes()
    for name in sorted(set(before) | set(after)):
        pair = tuple(run.get(name, {"outcome": "missing"})["outcome"] for run in (before, after))
        groups[pair].append(name)
    return groups


def report(groups, without, with_rewrites, verbose):
    """Print what was found; return the names of the tests that differ without an excuse."""
    total = sum(map(len, groups.values()))
    print("{} tests of Theano {}".format(total, without.field("version")))
    print("rewrites in use: {}".format(", ".join(with_rewrites.field("rewrites")) or "none"))
    for outcome in ("passed", "failed", "skipped", "crashed"):
        names = groups.get((outcome, outcome), [])
        print("{:>5} {} on both".format(len(names), outcome))
        if verbose and outcome in ("failed", "crashed"):
            for name in names:
                print("        {}: {}".format(name, last_line(without.outcomes()[name])))
    generators = without.generators()
    print("{:>5} not run: generators of tests, which pytest has given up".format(len(generators)))
    differing = [(pair, name) for pair in groups if pair[0] != pair[1] for name in groups[pair]]
    print("{:>5} differ".format(len(differing)))
    unexcused = []
    for (before, after), name in differing:
        print("      {}: {} without the rewrites, {} with".format(name, before, after))
        reason = EXCEPTIONS.get(name)
        if reason is None:
            unexcused.append(name)
            worse = with_rewrites if after != "passed" else without
            print("        " + last_line(worse.outcomes().get(name, {})))
        else:
            print("        expected: " + reason)
    return unexcused


def last_line(record):
    """What pytest calls the reason of a failure: the lines that start with E."""
    lines = [line[1:].strip() for line in record.get("text", "").splitlines() if line[:2] == "E "]
    return lines[0][:200] if lines else record.get("text", "").strip()[-200:]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--floatX", nargs="+", choices=["float64", "float32"], default=["float64"])
    parser.add_argument("--modules", nargs="+", choices=list(MODULES), default=list(MODULES),
                        metavar="MODULE", help="of: " + ", ".join(MODULES))  # fmt: skip
    parser.add_argument("--folder", help="where to keep logs and what was compiled; "
                        "else they are removed")  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="name what fails on both")
    return parser.parse_args()


def main():
    options = arguments()
    if options.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            return run_all(options, folder)
    os.makedirs(options.folder, exist_ok=True)
    return run_all(options, os.path.abspath(options.folder))


def run_all(options, folder):
    from tqdm import tqdm

    unexcused = []
    for floatX in options.floatX:
        runs = [Run(on, floatX, folder, options.modules) for on in (False, True)]
        for run in runs:
            label = "floatX={}, {} the rewrites".format(floatX, run.label)
            with tqdm(desc=label, unit=" tests") as bar:

                def show(run, bar=bar):
                    bar.total = run.field("collected")
                    bar.n = len(run.outcomes())
                    bar.refresh()

                run.finish(show)
                show(run)
        print("\nfloatX={}: ".format(floatX), end="")
        unexcused += report(compare(*runs), *runs, verbose=options.verbose)
    if unexcused:
        print("{} differ without a reason".format(len(unexcused)), file=sys.stderr)
    return 1 if unexcused else 0


if __name__ == "__main__":
    sys.exit(main())
