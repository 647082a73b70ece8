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
BESIDES = ["CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "setup.py"]
# What would have the new environment see another one, or another library than its own.
OF_OTHERS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LASAGNE_NL_BACKEND")


def run(*command, **options):
    """The output of a command; if it fails, that is all that is printed, and the end."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode:
        sys.exit("{} failed:\n{}".format(" ".join(command), done.stdout.rstrip()))
    return done.stdout


def files(folder):
    """What a folder of the checkout holds, and is to be distributed."""
    paths = glob.glob(os.path.join(ROOT, folder, "**", "*.*"), recursive=True)
    names = (os.path.relpath(path, ROOT).replace(os.sep, "/") for path in paths)
    return [name for name in names if name.endswith((".py", ".h"))]


def build():
    """The source distribution and the wheel that is made of it."""
    shutil.rmtree(DIST, ignore_errors=True)
    output = run(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    if "Deprecat" in output:
        sys.exit("setuptools complains:\n" + output)
    (source,) = glob.glob(os.path.join(DIST, "*.tar.gz"))
    (wheel,) = glob.glob(os.path.join(DIST, "*.whl"))
    run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", source, wheel)
    with tarfile.open(source) as archive:
        # Without the folder that all of them are in.
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    missing = {*files(PACKAGE), *files("tests"), *BESIDES} - in_source
    missing |= set(files(PACKAGE)) - in_wheel
    if missing:
        sys.exit("a distribution lacks " + ", ".join(sorted(missing)))
    return source, wheel


def try_it(path, source, python):
    """Install a distribution in a new environment, and test it there; what pytest counts."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {k: v for k, v in os.environ.items() if k not in OF_OTHERS}
        for library in ("theano", "aesara", "pytensor"):
            # Nothing is to come from what another installation has compiled.
            flags = "base_compiledir=" + os.path.join(folder, library)
            variables[library.upper() + "_FLAGS"] = flags
        at = {"cwd": folder, "env": variables}
        environment = os.path.join(folder, "environment")
        run(python, "-m", "venv", environment, **at)
        own = os.path.join(environment, "Scripts" if os.name == "nt" else "bin", "python")
        pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, path, **at)
        run(own, "-m", PACKAGE, **at)
        run(*pip, path + "[test]", **at)
        where = run(own, "-c", "import lasagne_nl; print(lasagne_nl.__file__)", **at)
        if not os.path.realpath(where.splitlines()[-1]).startswith(os.path.realpath(environment)):
            sys.exit("not what was installed is imported: " + where)
        # All of the source distribution but the package itself.
        shutil.unpack_archive(source, folder)
        (unpacked,) = glob.glob(os.path.join(folder, PACKAGE + "-*"))
        shutil.rmtree(os.path.join(unpacked, PACKAGE))
        settings = ["-c", os.path.join(unpacked, "pyproject.toml"), "-o", "addopts="]
        tests = [os.path.join(unpacked, "tests", name) for name in TESTS]
        output = run(own, "-m", "pytest", "-p", "no:cacheprovider", *settings, *tests, **at)
    counts = re.search(r"\d+ passed.*?(?= in )", output)
    return counts.group(0) if counts else output.splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(prog="python tests/package.py", description=__doc__)
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the interpreter to install for (the one that runs this)",
    )
    options = parser.parse_args()
    source, wheel = build()
    for path in (wheel, source):
        passed = try_it(path, source, options.python)
        print("{}: installs, is sound, {}".format(os.path.basename(path), passed), flush=True)


if __name__ == "__main__":
    main()
