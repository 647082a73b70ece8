"""What `speed.py` makes of its measurements: ratios, verdicts on the targets, and tables.

Nothing here measures anything. Medians come as a dictionary from (threads, case) to a dictionary
from contestant to seconds per call; what was not measured is missing.
"""

from collections import namedtuple

from aligned import escaped, restructured
from cases import ACTIVATIONS, BEYOND_LASAGNE, KINDS, Case
from libraries import CONTESTANTS, RATIOS

NAMES = {name: contestant.label for name, contestant in CONTESTANTS.items()}
KIND_NAMES = {"forward": "forward", "gradient": "gradient", "bias": "with bias row"}

# Equal programs differ by a few per cent from run to run; "no slower" allows for that.
NO_SLOWER = 1.05

Table = namedtuple("Table", "title header rows")
# A target holds if the quotient of two contestants is at most the limit in the worst of its
# (threads, case) keys.
Target = namedtuple("Target", "where what quotient limit keys")
Verdict = namedtuple("Verdict", "target ratio worst verdict")


def ratio(medians, key, quotient):
    """The quotient of two contestants, or None where one of both was not measured."""
    times = medians.get(key, {})
    ours, theirs = quotient
    return times[ours] / times[theirs] if ours in times and theirs in times else None


def _keys(activations, kinds, threads=1, dtype="float32", size=(256, 512)):
    return [(threads, Case(a, kind, dtype, *size)) for kind in kinds for a in activations]


def _targets():
    """What the project promises of its speed, each with the keys that it speaks of."""
    rows = [
        # what, activations, kinds, limits against stock Theano, PyTorch, JAX
        ("tanh, ScaledTanH, with and without bias row", ("tanh", "ScaledTanH"),
         ("forward", "bias"), (1 / 25.0, 1 / 3.0, 1.25)),
        ("softplus", ("softplus",), ("forward",), (1 / 20.0, 0.7, 0.5)),
        ("elu, selu", ("elu", "selu"), ("forward",), (1 / 10.0, 0.7, 0.9)),
        ("sigmoid", ("sigmoid",), ("forward",), (1 / 6.0, 0.9, 0.8)),
        ("softmax and its gradient", ("softmax",), ("forward", "gradient"), (1 / 5.0, 1.0, 0.9)),
        ("rectify, leaky_rectify", ("rectify", "leaky_rectify"), ("forward",), (1.1, 1.1, 0.7)),
        ("every gradient", ACTIVATIONS, ("gradient",), (NO_SLOWER, 0.8, 1.2)),
    ]  # fmt: skip
    for what, activations, kinds, limits in rows:
        for quotient, limit in zip(RATIOS, limits):
            yield Target(
                "256 x 512, float32, 1 thread", what, quotient, limit, _keys(activations, kinds)
            )
    yield from _targets_with_numba()
    for kind in KINDS:
        keys = _keys(ACTIVATIONS, (kind,), threads=2, size=(1024, 4096))
        for quotient, limit in ((("ours", "torch"), NO_SLOWER), (("ours", "jax"), 1.25)):
            yield Target(
                "1024 x 4096, float32, 2 threads",
                "every activation, {}".format(KIND_NAMES[kind]),
                quotient, limit, keys,
            )  # fmt: skip
    keys = _keys(ACTIVATIONS, KINDS, size=(64, 100))
    yield Target("64 x 100, float32, 1 thread", "everything", RATIOS[0], NO_SLOWER, keys)
    for activation in ("tanh", "elu", "softplus"):
        keys = _keys((activation,), ("forward",), dtype="float64")
        yield Target("256 x 512, float64, 1 thread", activation, RATIOS[0], 1 / 4.0, keys)


def _targets_with_numba():
    smooth = ("tanh", "ScaledTanH", "softplus", "elu", "selu")
    own = ("numba", "numba_stock")
    for dtype, limit in (("float32", 1 / 20.0), ("float64", 1 / 4.0)):
        where = "256 x 512, {}, 1 thread".format(dtype)
        keys = _keys(smooth, ("forward", "bias"), dtype=dtype)
        yield Target(where, ", ".join(smooth) + ", with and without bias row", own, limit, keys)
    where = "256 x 512, float32, 1 thread"
    for activation, limit in (("sigmoid", 1 / 6.0), ("gelu", 1 / 6.0), ("softmax", 1 / 4.0)):
        yield Target(where, activation, own, limit, _keys((activation,), ("forward",)))
    keys = _keys(smooth + ("sigmoid", "gelu", "softmax"), ("gradient",))
    yield Target(where, "every gradient of those", own, 0.5, keys)
    keys = _keys(("rectify", "leaky_rectify"), KINDS)
    yield Target(where, "rectify, leaky_rectify", own, NO_SLOWER, keys)
    keys = _keys(smooth + ("sigmoid", "softmax"), ("forward",))
    yield Target(where, "one kernel in both", ("numba", "ours"), 1.25, keys)


TARGETS = list(_targets())
COMPILE_LIMIT = 1.3  # ours / stock
IMPORT_LIMIT = 0.15  # seconds


def judge(target, medians):
    """The worst ratio among the keys of a target, and whether it is within the limit."""
    ratios = [(ratio(medians, key, target.quotient), key) for key in target.keys]
    measured = [(r, "{0.activation} {0.kind}".format(key[1])) for r, key in ratios if r is not None]
    if not measured:
        return Verdict(target, None, None, "not measured")
    largest, worst = max(measured)
    if largest > target.limit:
        verdict = "not met"
    else:
        verdict = "met" if len(measured) == len(ratios) else "not all measured"
    return Verdict(target, largest, worst, verdict)


def number(value):
    """A number with three significant digits, or all before the point; "-" for None."""
    if value is None:
        return "-"
    return ("{:.0f}" if value == 0 or abs(value) >= 99.95 else "{:#.3g}").format(value)


def limit_text(limit):
    if limit == NO_SLOWER:
        return "no slower"
    return "<= 1/{:.0f}".format(1 / limit) if limit < 0.4 else "<= {:g}".format(limit)


def quotient_text(quotient):
    return " / ".join(NAMES[name] for name in quotient)


def threads_text(threads):
    return "1 thread" if threads == 1 else "{} threads".format(threads)


def _cells(medians, key, unit):
    """What follows the name of a row: times in a unit (of seconds), then ratios."""
    times = medians.get(key, {})
    cells = [number(times[c] / unit if c in times else None) for c in NAMES]
    return cells + [number(ratio(medians, key, quotient)) for quotient in RATIOS]


def tables_of_times(medians):
    """A table for each number of threads, dtype and size, then those of the training steps."""
    header = list(NAMES.values()) + [quotient_text(quotient) for quotient in RATIOS]
    setups = dict.fromkeys((t, c.dtype, c.rows, c.columns) for t, c in medians if c.kind != "step")
    for threads, dtype, rows, columns in setups:
        per_element = 1e-9 * rows * columns
        floor = medians.get((threads, Case("copy", "copy", dtype, rows, columns)), {}).get("copy")
        title = "{} x {}, {}, {}: ns per element (a copy of the array takes {})".format(
            rows, columns, dtype, threads_text(threads), number(floor and floor / per_element)
        )
        keys = [
            (threads, Case(activation, kind, dtype, rows, columns))
            for activation in ACTIVATIONS + BEYOND_LASAGNE
            for kind in KINDS
        ]
        lines = [
            [key[1].activation, KIND_NAMES[key[1].kind]] + _cells(medians, key, per_element)
            for key in keys
            if key in medians
        ]
        yield Table(title, ["activation", "what"] + header, lines)
    for threads, dtype in dict.fromkeys((t, c.dtype) for t, c in medians if c.kind == "step"):
        title = "Training step of a network, {}, {}: ms".format(dtype, threads_text(threads))
        lines = [
            [key[1].activation] + _cells(medians, key, 1e-3)
            for key in medians
            if key[1].kind == "step" and (key[0], key[1].dtype) == (threads, dtype)
        ]
        yield Table(title, ["activation"] + header, lines)


def table_of_targets(medians, compile_ratios, import_seconds):
    """The targets and what was measured. The ratio is that of the worst case of each."""
    lines = []
    for target in TARGETS:
        _, largest, worst, verdict = judge(target, medians)
        lines.append([
            target.where, target.what, quotient_text(target.quotient), limit_text(target.limit),
            number(largest), worst or "-", verdict,
        ])  # fmt: skip
    costs = [
        ("compiling", "f(x + row) and its gradient", quotient, compile_ratios.get(quotient))
        for quotient in (RATIOS[0], RATIOS[3])
    ]
    costs.append(("importing", "seconds more than Theano", RATIOS[0], import_seconds))
    for where, what, quotient, measured in costs:
        limit, text = COMPILE_LIMIT, "<= {:g}"
        if where == "importing":
            limit, text = IMPORT_LIMIT, "<= {:g} s"
        verdict = "not measured" if measured is None else "met" if measured <= limit else "not met"
        lines.append([
            where, what, quotient_text(quotient), text.format(limit), number(measured), "-",
            verdict,
        ])  # fmt: skip
    header = ["where", "what", "of what", "target", "measured", "worst in", "verdict"]
    title = "Targets for quotients (no slower: at most {:g}, as runs differ)".format(NO_SLOWER)
    return Table(title, header, lines)


def report(facts, notes, medians, compile_ratios, import_seconds):
    """All tables, as reStructuredText."""
    parts = [".. Written by tests/benchmarks/speed.py.\n"]
    parts.append(restructured("What was measured, and with what", None, facts))
    parts += ["- {}\n".format(escaped(note)) for note in notes]
    parts += [restructured(*table) for table in tables_of_times(medians)]
    parts.append(restructured(*table_of_targets(medians, compile_ratios, import_seconds)))
    return "\n".join(parts)
