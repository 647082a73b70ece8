"""Builds the distributions and tries them: `make package`, or `python tests/package.py --help`.

Makes a new dist/, and installs each file of it into an environment of its own, elsewhere than in
the checkout. There the quick part of the tests runs, as it is in the source distribution. Prints
one line for each file; exit status 0 if all is sound, else 1.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIST = os.path.join(ROOT, "dist")
PACKAGE = "lasagne_nl"
TESTS = ["test_api.py", "test_errors.py", "test_package.py"]
# What the source distribution has besides the package and the tests.
_BESIDES = ["CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "setup.py"]
# What would have the new environment see another one, or another library than its own.
_OF_OTHERS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LASAGNE_NL_BACKEND")


class Failure(Exception):
    """What was found wrong, in one line, perhaps with the output that shows it below."""


def main(arguments=None):
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        source, wheel = _build()
        for path in (wheel, source):
            passed = _try(path, source, options.python)
            name = os.path.basename(path)
            print("{}: installs, is sound, {}".format(name, passed), flush=True)
    except Failure as failure:
        print("tests/package.py: {}".format(failure), file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python tests/package.py", description=__doc__)
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="PYTHON",
        help="the interpreter to install for (the one that runs this)",
    )
    return parser


def _run(what, *command, **options):
    """The output of a command, or a Failure that shows it."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
    except OSError as error:
        raise Failure("{} failed: {}".format(what, error)) from error
    if done.returncode:
        raise Failure("{} failed:\n{}".format(what, done.stdout.rstrip()))
    return done.stdout


def _build():
    """The source distribution and the wheel that is made of it."""
    shutil.rmtree(DIST, ignore_errors=True)
    output = _run("the build", sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    complaints = [line for line in output.splitlines() if "Deprecat" in line]
    if complaints:
        raise Failure("setuptools complains: {}\n{}".format(complaints[0].strip(), output))
    paths = sorted(glob.glob(os.path.join(DIST, "*")))
    _run("twine", sys.executable, "-m", "twine", "--no-color", "check", "--strict", *paths)
    (source,) = [path for path in paths if path.endswith(".tar.gz")]
    (wheel,) = [path for path in paths if path.endswith(".whl")]
    with tarfile.open(source) as archive:
        # Without the folder that all of them are in.
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    for path, names, wanted in (
        (source, in_source, _files(PACKAGE) + _files("tests") + _BESIDES),
        (wheel, in_wheel, _files(PACKAGE)),
    ):
        missing = sorted(set(wanted) - names)
        if missing:
            raise Failure("{} lacks {}".format(os.path.basename(path), ", ".join(missing)))
    return source, wheel


def _files(folder):
    """What a folder of the checkout holds, and is to be distributed."""
    found = []
    for parent, _, names in os.walk(os.path.join(ROOT, folder)):
        found += [os.path.join(parent, n) for n in names if n.endswith((".py", ".h"))]
    return [os.path.relpath(path, ROOT).replace(os.sep, "/") for path in found]


def _try(path, source, python):
    """Install a distribution in a new environment, and test it there; what pytest counts."""
    what = os.path.basename(path) + ": "
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if k not in _OF_OTHERS}
        for library in ("theano", "aesara", "pytensor"):
            # Nothing is to come from what another installation has compiled.
            environment[library.upper() + "_FLAGS"] = "base_compiledir=" + os.path.join(
                folder, library
            )
        at = {"cwd": folder, "env": environment}
        of_it = os.path.join(folder, "environment")
        _run(what + "venv", python, "-m", "venv", of_it, **at)
        own = os.path.join(of_it, "Scripts" if os.name == "nt" else "bin", "python")
        pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(what + "pip install", *pip, path, **at)
        _run(what + "python -m lasagne_nl", own, "-m", PACKAGE, **at)
        _run(what + "pip install of the extra test", *pip, path + "[test]", **at)
        tests = _unpack_tests(source, folder)
        where = _run(
            what + "import", own, "-c", "import lasagne_nl; print(lasagne_nl.__file__)", **at
        )
        if not os.path.realpath(where.splitlines()[-1]).startswith(os.path.realpath(of_it)):
            raise Failure("{}not what was installed is imported: {}".format(what, where.strip()))
        output = _run(
            what + "pytest", own, "-m", "pytest", "-p", "no:cacheprovider",
            "-c", os.path.join(tests, "pyproject.toml"), "-o", "addopts=",
            *[os.path.join(tests, "tests", name) for name in TESTS],
            **at,
        )  # fmt: skip
    counts = re.search(r"\d+ passed.*?(?= in )", output)
    return counts.group(0) if counts else output.splitlines()[-1]


def _unpack_tests(source, folder):
    """Unpack all of the source distribution but the package itself."""
    with tarfile.open(source) as archive:
        members = [
            member
            for member in archive.getmembers()
            if not member.name.partition("/")[2].startswith(PACKAGE)
        ]
        # The default of Python 3.14; older ones have no such option.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, members, **safely)
    return os.path.join(folder, members[0].name.partition("/")[0])


if __name__ == "__main__":
    sys.exit(main())
