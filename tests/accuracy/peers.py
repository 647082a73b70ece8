"""Every activation and its gradient beside PyTorch's and JAX's: `make peers`.

Each library evaluates them at the same points, in float32 and float64, PyTorch and JAX in processes
and environments of their own; ours are compiled as users compile them, in FAST_RUN. Prints how far
apart they are, and for each set of points where they differ by more than rounding, who is right by
mpmath. Writes that as reStructuredText, too. The exit status is 1 if it is ever the other one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap

import mpmath
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from accuracy import comparison  # noqa: E402
from accuracy.comparison import CONVENTION, NAMES, ROUNDING, THEIRS, WHAT  # noqa: E402
from activations import ROWS_BY_NAME  # noqa: E402
from benchmarks.aligned import aligned  # noqa: E402
from benchmarks.peers import PeerError, python_of, reason  # noqa: E402
from helpers import DTYPES, ROOT, backend, evaluate, library, tensor  # noqa: E402
from tqdm import tqdm  # noqa: E402

from lasagne_nl import nonlinearities as nl  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = {"torch": "PyTorch", "jax": "JAX"}


def ours(subject):
    """Our value and gradient at the points of a subject."""
    if subject.x.ndim == 1:
        return evaluate(subject.case, subject.x)[:2]
    activation = subject.case.activation if subject.name in ROWS_BY_NAME else nl.glu
    x, g = (tensor(name, subject.dtype, 2) for name in "xg")
    y = activation(x)
    gradient = library.grad(None, x, known_grads={y: g})
    return library.function([x, g], [y, gradient], mode="FAST_RUN")(subject.x, subject.g)


def theirs(peer, python, subjects, bar):
    """What a peer makes of the subjects: its version, and value and gradient by subject."""
    with tempfile.TemporaryDirectory() as folder:
        given, results = (os.path.join(folder, name + ".npz") for name in ("given", "results"))
        arrays = {"x " + _key(subject): subject.x for subject in subjects}
        arrays.update(("g " + _key(subject), subject.g) for subject in subjects)
        np.savez(given, **arrays)
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [python, os.path.join(HERE, peer + "_peer.py"), given, results],
                stdout=subprocess.PIPE,
                stderr=errors,
                universal_newlines=True,
            )
            with process.stdout:
                for line in process.stdout:
                    bar.set_postfix_str("{} of {}".format(line.strip(), PEERS[peer]))
                    bar.update()
            if process.wait():
                errors.seek(0)
                raise PeerError("{} fails: {}".format(PEERS[peer], reason(errors.read())))
        with np.load(results) as found:
            return str(found["versions"]), {
                subject: [found["{} {}".format(what, _key(subject))] for what in WHAT]
                for subject in subjects
                if "value " + _key(subject) in found.files
            }


def _key(subject):
    return "{} {}".format(subject.dtype, subject.name)


class Comparisons:
    """What was found: the differences and the findings of each peer."""

    def __init__(self):
        self.versions = {}
        self.largest = {}  # by peer, dtype, name, what and set of points
        self.findings = []  # (peer, finding)

    def add(self, peer, subject, largest, findings):
        for (what, points), difference in largest.items():
            self.largest[peer, subject.dtype, subject.name, what, points] = difference
        self.findings += [(peer, finding) for finding in findings]


def compare(names, dtypes, pythons):
    """Evaluate and compare all of them."""
    result = Comparisons()
    subjects = [comparison.subject(name, dtype) for dtype in dtypes for name in names]
    with tqdm(total=len(subjects) * (1 + len(pythons)), unit=" evaluations") as bar:
        of_peers = {}
        for peer, python in pythons.items():
            result.versions[peer], of_peers[peer] = theirs(peer, python, subjects, bar)
        for subject in subjects:
            bar.set_postfix_str("{}, {}".format(subject.name, subject.dtype))
            comparable = {p: arrays[subject] for p, arrays in of_peers.items() if subject in arrays}
            our_arrays = ours(subject) if comparable else None
            for peer, arrays in comparable.items():
                result.add(peer, subject, *comparison.compare(subject, our_arrays, arrays))
            bar.update()
    return result


def report(result, names, dtypes):
    """The tables, as reStructuredText."""
    compared = [name for name in names if any(key[2] == name for key in result.largest)]
    parts = []
    for dtype in dtypes:
        parts += _table(
            "Largest differences at ordinary points, {}, in eps".format(dtype),
            _rows_of_differences(result.largest, compared, dtype),
        )
    parts += _paragraph(
        "{}, {} and {} {}. Ordinary points lie between -6 and 6; eps is 1.19e-07 in float32 and "
        "2.22e-16 in float64. A difference of values is relative to the exact one, a difference of "
        "gradients relative to the exact one or to 1, whichever is larger. An empty cell: the "
        "library has no such activation.{}".format(
            result.versions["torch"], result.versions["jax"], backend.name, library.__version__,
            _not_compared(names, compared),
        )
    )  # fmt: skip
    merged = list(_merged(result.findings, compared))
    disagreements = [rest for rest in merged if rest[2].right != CONVENTION]
    if disagreements:
        parts += _table(
            "Who is right where they differ by more than {} eps".format(ROUNDING),
            _rows_of_disagreements(disagreements),
        )
        parts += _paragraph(
            "At the point where both differ most; for float32 where it says float32 and float64. "
            '"exact" is what mpmath finds, rounded.'
        )
    else:
        parts += _paragraph("Nowhere do they differ by more than {} eps.".format(ROUNDING))
    conventions = [rest for rest in merged if rest[2].right == CONVENTION]
    if conventions:
        parts += _table("Slopes at kinks, where each has its own", _rows_of_kinks(conventions))
        parts += _paragraph(
            "lasagne_nl takes the mean of the slopes on both sides. An empty cell: the library "
            "does as well, or has no such activation."
        )
    return "\n".join(parts)


def _rows_of_differences(largest, names, dtype):
    columns = [(peer, what) for peer in PEERS for what in WHAT]
    rows = [["name"] + ["{}, {}".format(PEERS[peer], what) for peer, what in columns]]
    for name in names:
        cells = [largest.get((peer, dtype, name, what, "ordinary")) for peer, what in columns]
        rows.append([name] + ["" if cell is None else "{:.3g}".format(cell) for cell in cells])
    return rows


def _not_compared(names, compared):
    missing = [name for name in names if name not in compared]
    return " Neither has {}.".format(", ".join(missing)) if missing else ""


def _merged(findings, names):
    """The findings as (peer, dtypes, finding in the first of them), by the names' order."""
    merged = {}
    for peer, finding in findings:
        point = finding.point
        kink = float(point.x) if finding.right == CONVENTION else None
        key = names.index(finding.name), list(PEERS).index(peer), finding.what, point.set, kink
        merged.setdefault(key + (finding.right,), []).append((peer, finding))
    for key in sorted(merged, key=lambda key: key[:2]):  # in the rest as they were found
        found = merged[key]
        yield found[0][0], [finding.dtype for _, finding in found], found[0][1]


def _rows_of_disagreements(merged):
    rows = [["name", "beside", "dtype", "what", "points", "right", "at", "ours", "theirs", "exact"]]
    for peer, dtypes, finding in merged:
        kind = np.dtype(finding.dtype).type
        with np.errstate(over="ignore", under="ignore"):
            numbers = [
                str(kind(float(number)))
                for number in (finding.point.x, finding.ours, finding.theirs, finding.point.exact)
            ]
        of_finding = [finding.what, finding.point.set, finding.right]
        rows.append([finding.name, PEERS[peer], " and ".join(dtypes)] + of_finding + numbers)
    return rows


def _rows_of_kinks(merged):
    slopes = {}
    for peer, _, finding in merged:
        of_kink = slopes.setdefault((finding.name, float(finding.point.x)), {"ours": finding.ours})
        of_kink[peer] = finding.theirs
    rows = [["name", "at", "ours"] + list(PEERS.values())]
    for (name, x), of_kink in slopes.items():
        cells = [of_kink.get(column) for column in ["ours"] + list(PEERS)]
        rows.append(
            [name, "{:g}".format(x)]
            + ["" if cell is None else "{:.4g}".format(cell) for cell in cells]
        )
    return rows


def _table(title, rows):
    return [
        ".. table:: " + title,
        "",
        textwrap.indent("\n".join(aligned(rows[0], rows[1:])), "   "),
        "",
    ]


def _paragraph(text):
    return [textwrap.fill(text, width=98), ""]


def complaints(findings):
    """What a peer has right and ours wrong, as sentences."""
    for peer, finding in findings:
        if finding.right == THEIRS:
            yield "{} of {} in {} at {!r}: {!r}, to be {}; {} has {!r}".format(
                finding.what, finding.name, finding.dtype, float(finding.point.x), finding.ours,
                mpmath.nstr(mpmath.mpf(finding.point.exact), 17), PEERS[peer], finding.theirs,
            )  # fmt: skip


def arguments(argv=None):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--activations", nargs="+", choices=NAMES, default=NAMES, metavar="NAME",
        help="compare these, by default all: {}".format(", ".join(NAMES)),
    )  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--output", default=os.path.join(ROOT, "docs", "_tables", "peers.rst"),
                        metavar="FILE", help="where to write the tables")  # fmt: skip
    return parser.parse_args(argv)


def main():
    options = arguments()
    try:
        pythons = {peer: python_of(peer) for peer in PEERS}
        result = compare(options.activations, options.dtypes, pythons)
    except PeerError as error:
        print(error, file=sys.stderr)
        return 1
    text = report(result, options.activations, options.dtypes)
    print(text)
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(text)
    print("written to {}".format(os.path.relpath(options.output)))
    wrong = list(complaints(result.findings))
    for complaint in wrong:
        print("ours is wrong: " + complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
