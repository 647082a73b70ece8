"""Every activation and its gradient beside PyTorch's and JAX's: `make peers`.

Each library evaluates them at the same points, in float32 and float64, PyTorch and JAX in processes
and environments of their own; ours are compiled as users compile them, in FAST_RUN. Prints how far
apart they are, and for each set of points where they differ by more than rounding, who is right by
mpmath. Writes that as reStructuredText, too. The exit status is 1 if it is ever the other one.
"""

import argparse
import contextlib
import os
import sys
import tempfile

import mpmath
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from accuracy import comparison  # noqa: E402
from accuracy.comparison import CONVENTION, NAMES, ROUNDING, THEIRS, WHAT  # noqa: E402
from activations import ROWS_BY_NAME  # noqa: E402
from benchmarks import libraries  # noqa: E402
from benchmarks.aligned import paragraph, restructured, write  # noqa: E402
from benchmarks.libraries import Worker, WorkerError  # noqa: E402
from helpers import DTYPES, ROOT, backend, evaluate, library, tensor  # noqa: E402
from tqdm import tqdm  # noqa: E402

from lasagne_nl import nonlinearities as nl  # noqa: E402

PEERS = {peer: libraries.LIBRARIES[peer].label for peer in libraries.PEERS}


def ours(subject):
    """Our value and gradient at the points of a subject."""
    if subject.x.ndim == 1:
        return evaluate(subject.case, subject.x)[:2]
    activation = subject.case.activation if subject.name in ROWS_BY_NAME else nl.glu
    x, g = (tensor(name, subject.dtype, 2) for name in "xg")
    y = activation(x)
    gradient = library.grad(None, x, known_grads={y: g})
    return library.function([x, g], [y, gradient], mode="FAST_RUN")(subject.x, subject.g)


def theirs(worker, subject, file):
    """The value and the gradient of a peer, by way of a file; None if it has no such activation."""
    np.savez(file, x=subject.x, g=subject.g)
    if not worker.ask(evaluate=subject.name, file=file)["known"]:
        return None
    with np.load(file) as found:
        arrays = [found[what] for what in WHAT]
    for what, array in zip(WHAT, arrays):
        if array.dtype != subject.dtype:
            raise WorkerError(
                "{}: {} of {} in {} is {}".format(
                    worker.name, what, subject.name, subject.dtype, array.dtype
                )
            )
    return arrays


def compare(names, dtypes):
    """What the peers are; the largest differences by (peer, dtype, name, what, set of points); and
    what was found, as pairs of a peer and a finding."""
    largest, findings = {}, []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        workers = [stack.enter_context(contextlib.closing(Worker(peer))) for peer in PEERS]
        versions = [
            "{} {}".format(PEERS[w.name], w.versions[PEERS[w.name]].split(",")[0]) for w in workers
        ]
        bar = stack.enter_context(tqdm(total=len(names) * len(dtypes), unit=" activations"))
        for dtype in dtypes:
            for name in names:
                bar.set_postfix_str("{}, {}".format(name, dtype))
                subject, our_arrays = comparison.subject(name, dtype), None
                for worker in workers:
                    their_arrays = theirs(worker, subject, os.path.join(folder, "arrays.npz"))
                    if their_arrays is None:
                        continue
                    our_arrays = our_arrays or ours(subject)
                    differences, found = comparison.compare(subject, our_arrays, their_arrays)
                    for (what, points), difference in differences.items():
                        largest[worker.name, dtype, name, what, points] = difference
                    findings += [(worker.name, finding) for finding in found]
                bar.update()
    return versions, largest, findings


def report(versions, largest, findings, names, dtypes):
    """The tables, as reStructuredText."""
    compared = [name for name in names if any(key[2] == name for key in largest)]
    missing = [name for name in names if name not in compared]
    parts = [_table_of_differences(largest, compared, dtype) for dtype in dtypes]
    parts.append(
        paragraph(
            "{}, {} and {} {}. Ordinary points lie between -6 and 6; eps is 1.19e-07 in float32 "
            "and 2.22e-16 in float64. A difference of values is relative to the exact one, a "
            "difference of gradients relative to the exact one or to 1, whichever is larger. An "
            "empty cell: the library has no such activation.{}".format(
                *versions, backend.name, library.__version__,
                " Neither has {}.".format(", ".join(missing)) if missing else "",
            )
        )
    )  # fmt: skip
    merged = list(_merged(findings, compared))
    disagreements = [rest for rest in merged if rest[2].right != CONVENTION]
    if disagreements:
        parts += [
            _table_of_disagreements(disagreements),
            paragraph(
                "At the point where both differ most; for float32 where it says float32 and "
                'float64. "exact" is what mpmath finds, rounded.'
            ),
        ]
    else:
        parts.append(paragraph("Nowhere do they differ by more than {} eps.".format(ROUNDING)))
    conventions = [rest for rest in merged if rest[2].right == CONVENTION]
    if conventions:
        parts += [
            _table_of_kinks(conventions),
            paragraph(
                "lasagne_nl takes the mean of the slopes on both sides. An empty cell: the library "
                "does as well, or has no such activation."
            ),
        ]
    return "\n".join(parts)


def _table_of_differences(largest, names, dtype):
    columns = [(peer, what) for peer in PEERS for what in WHAT]
    rows = []
    for name in names:
        cells = [largest.get((peer, dtype, name, what, "ordinary")) for peer, what in columns]
        rows.append([name] + ["" if cell is None else "{:.3g}".format(cell) for cell in cells])
    return restructured(
        "Largest differences at ordinary points, {}, in eps".format(dtype),
        ["name"] + ["{}, {}".format(PEERS[peer], what) for peer, what in columns],
        rows,
    )


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


def _table_of_disagreements(merged):
    rows = []
    for peer, dtypes, finding in merged:
        kind = np.dtype(finding.dtype).type
        with np.errstate(over="ignore", under="ignore"):
            numbers = [
                str(kind(float(number)))
                for number in (finding.point.x, finding.ours, finding.theirs, finding.point.exact)
            ]
        of_finding = [finding.what, finding.point.set, finding.right]
        rows.append([finding.name, PEERS[peer], " and ".join(dtypes)] + of_finding + numbers)
    return restructured(
        "Who is right where they differ by more than {} eps".format(ROUNDING),
        ["name", "beside", "dtype", "what", "points", "right", "at", "ours", "theirs", "exact"],
        rows,
    )


def _table_of_kinks(merged):
    slopes = {}
    for peer, _, finding in merged:
        of_kink = slopes.setdefault((finding.name, float(finding.point.x)), {"ours": finding.ours})
        of_kink[peer] = finding.theirs
    rows = []
    for (name, x), of_kink in slopes.items():
        cells = ["{:.4g}".format(of_kink[c]) if c in of_kink else "" for c in ["ours", *PEERS]]
        rows.append([name, "{:g}".format(x)] + cells)
    header = ["name", "at", "ours"] + list(PEERS.values())
    return restructured("Slopes at kinks, where each has its own", header, rows)


def complaints(findings):
    """What a peer has right and ours wrong, as sentences."""
    for peer, finding in findings:
        if finding.right == THEIRS:
            yield "{} of {} in {} at {!r}: {!r}, to be {}; {} has {!r}".format(
                finding.what, finding.name, finding.dtype, float(finding.point.x), finding.ours,
                mpmath.nstr(mpmath.mpf(finding.point.exact), 17), PEERS[peer], finding.theirs,
            )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--activations", nargs="+", choices=NAMES, default=NAMES, metavar="NAME",
        help="compare these, by default all: {}".format(", ".join(NAMES)),
    )  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--output", default=os.path.join(ROOT, "docs", "_tables", "peers.rst"),
                        metavar="FILE", help="where to write the tables")  # fmt: skip
    options = parser.parse_args()
    try:
        versions, largest, findings = compare(options.activations, options.dtypes)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 1
    text = report(versions, largest, findings, options.activations, options.dtypes)
    print(text)
    write(options.output, text)
    wrong = list(complaints(findings))
    for complaint in wrong:
        print("ours is wrong: " + complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
