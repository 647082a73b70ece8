"""Every library on every Python: `make test-all`, or `python tests/matrix.py --help`.

Has tox run the tests in each cell of the matrix in pyproject.toml whose Python is there, and
prints one table at the end. Exit status 0 if every cell that was run passed.
"""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed

from benchmarks.aligned import aligned

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, ".tox", "results")
COMPILER = os.path.join(ROOT, "tests", "compiler")
HEADER = ["cell", "passed", "failed", "skipped", "seconds"]
PYTHONS = ["3.{}".format(minor) for minor in range(7, 14)]
_COUNTED = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def main(arguments=None):
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    environment = _with_all_of_pyenv(os.environ)
    cells = chosen(all_cells(), options.cells)
    if options.newest:
        cells = newest(cells, [python for python in PYTHONS if _is_there(python, environment)])
    if not cells:
        sys.exit(
            "tests/matrix.py: no cell is called {}; there are: {}".format(
                " or ".join(options.cells), ", ".join(all_cells())
            )
        )
    rows = _run(cells, options, environment)
    print("\n".join(aligned(HEADER, [row.cells for row in rows])))
    return 0 if all(row.succeeded for row in rows) else 1


def _parser():
    parser = argparse.ArgumentParser(prog="python tests/matrix.py", description=__doc__)
    parser.add_argument(
        "--cells", nargs="+", default=["*"], metavar="CELL", help="which, like py39-* (all)"
    )
    parser.add_argument(
        "--newest",
        action="store_true",
        help="of the cells, only those of the newest Python that is there",
    )
    parser.add_argument(
        "--parallel",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="how many at a time (as many as there are processors)",
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        default=[],
        metavar="OPTION",
        help="what to give to pytest, at the end",
    )
    return parser


def _with_all_of_pyenv(environment):
    """Where pyenv chooses the interpreters, and is not told which: all of them."""
    if "PYENV_VERSION" in environment or shutil.which("pyenv") is None:
        return dict(environment)
    done = subprocess.run(["pyenv", "versions", "--bare"], stdout=subprocess.PIPE, text=True)
    current = "{}.{}.{}".format(*sys.version_info[:3])
    found = {".".join(v.split(".")[:2]): v for v in done.stdout.split()}
    versions = [found[python] for python in PYTHONS if python in found]
    # The first is what `python3` is.
    versions.sort(key=lambda version: version != current)
    return dict(environment, PYENV_VERSION=":".join(versions)) if versions else dict(environment)


def _is_there(python, environment):
    if python == "{}.{}".format(*sys.version_info[:2]):
        return True
    try:
        return not subprocess.run(
            ["python" + python, "-c", ""], env=environment, stderr=subprocess.DEVNULL
        ).returncode
    except OSError:
        return False


def all_cells():
    """The cells, as pyproject.toml lists them for tox."""
    with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as file:
        listed = file.read().split("env_list =", 1)[1].split("skip_missing_interpreters", 1)[0]
    return listed.replace(",", " ").split()


def chosen(cells, patterns):
    """The cells whose names match one of the patterns."""
    return [cell for cell in cells if any(fnmatch.fnmatch(cell, p) for p in patterns)]


def newest(cells, pythons):
    """The cells of the newest of these Pythons that has one."""
    for python in reversed(pythons):
        prefix = "py{}-".format(python.replace(".", ""))
        found = [cell for cell in cells if cell.startswith(prefix)]
        if found:
            return found
    return []


def _run(cells, options, environment):
    """The rows of the cells, in their order; each is printed when it is there, too."""
    # What setuptools left there of an older checkout would come with the wheel.
    shutil.rmtree(os.path.join(ROOT, "build"), ignore_errors=True)
    shutil.rmtree(RESULTS, ignore_errors=True)
    os.makedirs(RESULTS)
    with tempfile.TemporaryDirectory() as folder:
        # One wheel for all: cells that build it in the checkout would be in each other's way.
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--wheel-dir", folder, ROOT],
            check=True,
        )  # fmt: skip
        (wheel,) = os.listdir(folder)
        environment = dict(environment, LASAGNE_NL_WHEEL=os.path.join(folder, wheel))
        if shutil.which("g++"):
            environment["PATH"] = COMPILER + os.pathsep + environment["PATH"]
        return rows_of(cells, options.parallel, lambda cell: _run_cell(cell, options, environment))


def rows_of(cells, parallel, run):
    """What `run` makes of the cells, so many at a time."""
    # A tox for each cell: without a spinner, one for several has all of them run at once.
    rows = {}
    with ThreadPoolExecutor(parallel) as pool:
        futures = {pool.submit(run, cell): cell for cell in cells}
        for future in as_completed(futures):
            cell = futures[future]
            rows[cell] = future.result()
            print("  ".join(rows[cell].cells), flush=True)
            if not rows[cell].succeeded:
                print(_end_of(_log_of(cell)), flush=True)
    return [rows[cell] for cell in cells]


def _run_cell(cell, options, environment):
    """The row of a cell, which tox runs."""
    result = os.path.join(RESULTS, cell + ".json")
    command = [sys.executable, "-m", "tox", "run", "--recreate", "--result-json", result]
    command += ["-e", cell] + (["--", *options.tests] if options.tests else [])
    with open(_log_of(cell), "w") as log:
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    succeeded = False  # if tox itself failed
    if os.path.exists(result):
        with open(result, encoding="utf-8") as file:
            ran = json.load(file)["testenvs"].get(cell, {})
        succeeded = ran["result"]["success"] if "result" in ran else None
    return row_of(cell, succeeded, _reports(cell))


def _log_of(cell):
    return os.path.join(RESULTS, cell + ".log")


def _end_of(path, lines=60):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-lines:])


def _reports(cell):
    """What the runs of pytest in a cell wrote."""
    names = [n for n in sorted(os.listdir(RESULTS)) if fnmatch.fnmatch(n, cell + ".*xml")]
    return [os.path.join(RESULTS, name) for name in names]


class Row:
    """A line of the table, and whether it is as it should be."""

    def __init__(self, cells, succeeded):
        self.cells = cells
        self.succeeded = succeeded


def row_of(cell, succeeded, reports):
    """The row of a cell: its outcome by tox (None where its Python is missing), and its reports."""
    if not reports:
        if succeeded is False:
            return Row([cell, "failed before the tests"], False)
        return Row([cell, "skipped: no Python " + python_of(cell)], True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    seconds = 0.0
    for report in reports:
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            seconds += float(suite.get("time"))
            for case in suite.iter("testcase"):
                kinds = [_COUNTED[child.tag] for child in case if child.tag in _COUNTED]
                counts[kinds[0] if kinds else "passed"] += 1
    shown = [cell] + [str(counts[kind]) for kind in HEADER[1:4]] + ["{:.0f}".format(seconds)]
    return Row(shown, bool(succeeded) and not counts["failed"])


def python_of(cell):
    """The version of a cell's Python: 3.10 of py310-theano."""
    digits = cell.split("-")[0][2:]
    return digits[0] + "." + digits[1:]


if __name__ == "__main__":
    sys.exit(main())
