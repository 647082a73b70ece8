"""Do a library's own tests give the same results with our rewrites as without? `make safety`.

Runs the tests that ship with a library for what the rewrites touch, twice: as it is, and after
``import lasagne_nl``. Those of Theano 1.0.5 are in what pip installs, those of Aesara and PyTensor,
as far as they are published, in the source package. Compares test by test, and prints how many pass
in both, fail in both (what the library has against a current NumPy), and differ. A test that
differs because it asserts which op a graph contains stands in EXCEPTIONS with its reason; any other
makes the exit status 1.

The same file is the pytest plugin that makes Theano's tests of 2017 run: they import nose, which
does not run on a current Python, so what they take from it is provided here.
"""

import argparse
import collections
import importlib.util
import inspect
import os
import re
import runpy
import sys
import tempfile
import types
import unittest

import pytest
from both_ways import ROOT, WITH_OURS, outcomes, record, source_of

# How the plugin is told which library it is.
LIBRARY = "LASAGNE_NL_SAFETY_LIBRARY"
# What is run: a module of tests, and which of its tests (a regular expression), or all.
MODULES = {
    "theano": {
        "theano.tensor.nnet.tests.test_sigm": None,
        "theano.tensor.nnet.tests.test_nnet": None,
        "theano.tensor.tests.test_elemwise": None,
        "theano.tests.test_gradient": None,
        "theano.tests.test_rop": None,
        "theano.tests.test_ifelse": None,
        "theano.scan_module.tests.test_scan": None,
        # The optimiser: canonicalisation, fusion, constants, what is done to exp, log, erf and
        # switch. Not: subtensors, joins, reshapes, sums, shapes.
        "theano.tensor.tests.test_opt": r"canon|fusion|Composite|log_?[1as]|log1p|expm1|erf|switch"
        r"|func_inverse|constant|elemwise|cast|specialize|greedy|mixeddiv|merge_abs|useless_fill"
        r"|zero_div|sumsqr|inplace|T_local_reduce\b|div_to_inv|alloc_f16|fill_useless",
    },
    "aesara": {
        "tests.tensor.test_elemwise": None,
        "tests.tensor.test_special": None,
        "tests.tensor.nnet.test_basic": None,
        "tests.scalar.test_basic": None,
        "tests.scalar.test_math": None,
        "tests.test_ifelse": None,
        "tests.scan.test_rewriting": None,
        "tests.tensor.rewriting.test_elemwise": None,
    },
    "pytensor": {"tests.test_gradient": None, "tests.test_rop": None},
}
# Tests that may differ, because they assert which ops a graph contains: the reason, and which.
_EXPECTED = {
    "asserts that a sigmoid op is left in the graph; it is written out, exactly": {
        "test_sigm::T_sigmoid_opts": "exp_over_1_plus_exp local_sigm_times_exp local_hard_sigmoid "
        "local_ultra_fast_sigmoid"
    },
    "asks for Theano's own log1p in the graph": {"test_opt": "log1p"},
    "asserts that the library's own softmax operations are in the graph; others are there": {
        "test_nnet::T_CrossentropyCategorical1Hot": ""
        "crossentropy_softmax_1hot_with_bias_dxcale_cost "
        "get_rid_of_advanced_indexing_version_of_xent optimize_xent_vector optimize_xent_vector2 "
        "optimize_xent_vector3 optimize_xent_vector4 softmax_grad_optimizations "
        "softmax_grad_optimizations_vector softmax_optimizations softmax_optimizations_vector "
        "softmax_optimizations_w_bias softmax_optimizations_w_bias2 "
        "softmax_optimizations_w_bias_vector xent_thing_int32",
        "test_nnet::T_LogSoftmax": "logsoftmax_grad_true_div_elemwise",
        "test_nnet::T_SoftmaxWithBias": "broadcast",
        "test_nnet::Test_softmax_opt": "basic basic_keepdims",
        # Aesara's.
        "test_basic": "argmax_pushdown",
        "test_basic::TestCrossEntropyCategorical1Hot": ""
        "crossentropy_softmax_1hot_with_bias_dxcale_cost "
        "get_rid_of_advanced_indexing_version_of_xent softmax_grad_rewrites xent_thing_int32",
        "test_basic::TestSoftmaxRewrite": "basic[-1] basic[0] basic[1] basic_keepdims[-1] "
        "basic_keepdims[-2] basic_keepdims[-3] basic_keepdims[0] basic_keepdims[1] "
        "basic_keepdims[2] transpose_basic",
        "test_basic::TestSoftmaxWithBias": "broadcast",
        "test_special::TestSoftmax": "infer_shape",
        "test_special::TestSoftmaxGrad": "infer_shape",
    },
}
EXCEPTIONS = {
    "{}::test_{}".format(place, name): reason
    for reason, tests in _EXPECTED.items()
    for place, names in tests.items()
    for name in names.split()
}


# The plugin.


def pytest_configure(config):
    name = os.environ[LIBRARY]
    if name == "theano":
        _provide_nose()
    if os.environ[WITH_OURS] == "1":
        import lasagne_nl  # noqa: F401
    elif name == "theano":
        # What has Theano import, and nothing else: the flag optimizer_excluding would not do, for
        # it leaves functions alone that are compiled in a mode given by name.
        runpy.run_path(os.path.join(ROOT, "lasagne_nl", "_theano_repairs.py"))["install"]()
    if name == "pytensor":
        _provide_tools()
    library = importlib.import_module(name)
    optdb = importlib.import_module(name + ".compile.mode").optdb
    tags = [tag for tag in ("lasagne_nl", "lasagne_nl_simd") if tag in optdb.__db__]
    record(version=library.__version__, rewrites=tags)


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


def _provide_tools():
    """Stand-ins for what PyTensor's tests share, and its source package leaves out."""
    import numpy
    from pytensor import gradient

    def fetch_seed():
        return 666

    def verify_grad(op, points, *arguments, **options):
        options.setdefault("rng", numpy.random.default_rng(fetch_seed()))
        return gradient.verify_grad(op, points, *arguments, **options)

    tools = types.ModuleType("tests.unittest_tools")
    tools.fetch_seed, tools.verify_grad = fetch_seed, verify_grad
    sys.modules["tests"] = types.ModuleType("tests")
    sys.modules["tests"].unittest_tools = sys.modules[tools.__name__] = tools


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
        record(generator=_name(collector.nodeid + "::" + name))
        return []
    return None


def pytest_collection_modifyitems(items):
    modules = MODULES[os.environ[LIBRARY]]
    items[:] = [
        item
        for item in items
        if re.search(modules.get(item.module.__name__) or "", _name(item.nodeid).split("::", 1)[1])
    ]


# The command.


def prepare(options, folder):
    """The interpreter that has the library, where to run it, and what pytest is told of tests."""
    if options.library == "theano":
        (where,) = importlib.util.find_spec("theano").submodule_search_locations  # not imported
        root = ["--rootdir", os.path.dirname(where)]
        return sys.executable, folder, ["--pyargs", *options.modules, *root]
    python, source = source_of(options.library, folder)
    paths = [os.path.join(source, *module.split(".")) + ".py" for module in options.modules]
    return python, source, ["--rootdir", source, *paths]


def run(with_rewrites, floatX, options, folder, python, cwd, arguments):
    """Its tests in processes of their own: their records by name, and what else was said."""
    label = "with" if with_rewrites else "without"
    print("floatX={}, {} the rewrites".format(floatX, label), file=sys.stderr)
    flags = "floatX={},base_compiledir={}".format(floatX, os.path.join(folder, "compiled"))
    name = options.library.upper() + "_FLAGS"
    variables = {LIBRARY: options.library, "LASAGNE_NL_BACKEND": options.library}
    variables[name] = ",".join(filter(None, [os.environ.get(name), flags]))
    path = os.path.join(folder, "{}_{}.jsonl".format(label, floatX))
    tests, others = outcomes("own_tests", with_rewrites, path, arguments, cwd, python, **variables)
    return {_name(nodeid): test for nodeid, test in tests.items()}, others


def report(before, after, others, verbose):
    """Print what was found, from the records without the rewrites and with them, and from what else
    the latter run said; return the names of the tests that differ without an excuse."""
    groups = collections.defaultdict(list)
    for name in sorted(set(before) | set(after)):
        groups[
            tuple(tests.get(name, {"outcome": "missing"})["outcome"] for tests in (before, after))
        ].append(name)
    (about,) = {(one["version"], ", ".join(one["rewrites"])) for one in others if "version" in one}
    print("{} tests of version {}".format(sum(map(len, groups.values())), about[0]))
    print("rewrites in use: {}".format(about[1] or "none"))
    for outcome in ("passed", "failed", "skipped", "crashed"):
        names = groups.pop((outcome, outcome), [])
        print("{:>5} {} on both".format(len(names), outcome))
        if verbose and outcome in ("failed", "crashed"):
            for name in names:
                print("        {}: {}".format(name, last_line(before[name])))
    generators = {one["generator"] for one in others if "generator" in one}
    print("{:>5} not run: generators of tests, which pytest has given up".format(len(generators)))
    print("{:>5} differ".format(sum(map(len, groups.values()))))
    unexcused = []
    for (without, with_them), names in groups.items():
        for name in names:
            print("      {}: {} without the rewrites, {} with".format(name, without, with_them))
            if name in EXCEPTIONS:
                print("        expected: " + EXCEPTIONS[name])
            else:
                unexcused.append(name)
                worse = after if with_them != "passed" else before
                print("        " + last_line(worse.get(name, {})))
    return unexcused


def last_line(test):
    """What pytest calls the reason of a failure: the lines that start with E."""
    text = test.get("text", "")
    lines = [line[1:].strip() for line in text.splitlines() if line[:2] == "E "]
    return lines[0][:200] if lines else text.strip()[-200:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--floatX", nargs="+", choices=["float64", "float32"], default=["float64"])
    parser.add_argument("--library", choices=list(MODULES), default="theano")
    parser.add_argument("--modules", nargs="+", metavar="MODULE", help="some of its modules")
    parser.add_argument("--folder", help="where to keep records and what was compiled; "
                        "else they are removed")  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="name what fails on both")
    options = parser.parse_args()
    known = MODULES[options.library]
    options.modules = options.modules or list(known)
    if not set(options.modules) <= set(known):
        parser.error("choose modules of: " + ", ".join(known))
    unexcused = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(options.folder or temporary)
        os.makedirs(folder, exist_ok=True)
        prepared = prepare(options, folder)
        for floatX in options.floatX:
            (before, _), (after, others) = (
                run(with_rewrites, floatX, options, folder, *prepared)
                for with_rewrites in (False, True)
            )
            print("\nfloatX={}: ".format(floatX), end="")
            unexcused += report(before, after, others, options.verbose)
    if unexcused:
        print("{} differ without a reason".format(len(unexcused)), file=sys.stderr)
    return 1 if unexcused else 0


if __name__ == "__main__":
    sys.exit(main())
