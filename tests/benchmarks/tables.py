"""What `speed.py` makes of its measurements: ratios, verdicts on the targets, and tables.

Nothing here measures anything. Medians come as a dictionary from (threads, case) to a dictionary
from contestant to seconds per call; what was not measured is missing.
"""

from collections import namedtuple

from aligned import escaped, restructured
from cases import ACTIVATIONS, KINDS, Case
from libraries import BESIDE, FAMILY, LIBRARIES, PEERS, library_of

KIND_NAMES = {
    "forward": "forward", "gradient": "gradient", "bias": "with bias row",
    "step": "training step", "model": "value and gradient",
}  # fmt: skip

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


WHERE = "256 x 512, float32, 1 thread"


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
        for other, limit in zip(BESIDE["theano"], limits):
            yield Target(WHERE, what, ("theano", other), limit, _keys(activations, kinds))
    for kind in KINDS:
        keys = _keys(ACTIVATIONS, (kind,), threads=2, size=(1024, 4096))
        for other, limit in (("torch", NO_SLOWER), ("jax", 1.25)):
            yield Target(
                "1024 x 4096, float32, 2 threads",
                "every activation, {}".format(KIND_NAMES[kind]),
                ("theano", other), limit, keys,
            )  # fmt: skip
    own = ("theano", "stock theano")
    keys = _keys(ACTIVATIONS, KINDS, size=(64, 100))
    yield Target("64 x 100, float32, 1 thread", "everything", own, NO_SLOWER, keys)
    for activation in ("tanh", "elu", "softplus"):
        keys = _keys((activation,), ("forward",), dtype="float64")
        yield Target("256 x 512, float64, 1 thread", activation, own, 1 / 4.0, keys)


def _targets_of_successors():
    smooth = ("tanh", "ScaledTanH", "softplus", "elu", "selu")
    kinks = ("rectify", "leaky_rectify")
    plain = ("softsign", "squareplus", "hard_sigmoid", "hard_tanh", "hard_silu", "relu6")
    for library in FAMILY[1:]:
        own = (library, "stock " + library)
        for dtype, limit in (("float32", 1 / 20.0), ("float64", 1 / 4.0)):
            where = "256 x 512, {}, 1 thread".format(dtype)
            keys = _keys(smooth, ("forward", "bias"), dtype=dtype)
            yield Target(where, ", ".join(smooth) + ", with and without bias row", own, limit, keys)
        for activation, limit in (("sigmoid", 1 / 6.0), ("gelu", 1 / 6.0), ("softmax", 1 / 4.0)):
            yield Target(WHERE, activation, own, limit, _keys((activation,), ("forward",)))
        keys = _keys(smooth + ("sigmoid", "gelu", "softmax"), ("gradient",))
        yield Target(WHERE, "every gradient of those", own, 0.5, keys)
        for fast in kinks, plain:
            yield Target(WHERE, ", ".join(fast), own, NO_SLOWER, _keys(fast, KINDS))
    keys = _keys(smooth + ("sigmoid", "softmax"), ("forward",))
    yield Target(WHERE, "one kernel in both", ("pytensor", "theano"), 1.25, keys)


TARGETS = [*_targets(), *_targets_of_successors()]
COMPILE_LIMIT = 1.3  # ours / stock
IMPORT_LIMIT = 0.15  # seconds


def judge(target, medians):
    """The worst ratio among the keys of a target, and whether it is within the limit."""
    ratios = [(ratio(medians, key, target.quotient), key) for key in target.keys]
    measured = [(r, "{0.activation} {0.kind}".format(key[1])) for r, key in ratios if r is not None]
    largest, worst = max(measured, default=(None, None))
    verdict = _verdict(largest, target.limit, len(measured) == len(ratios))
    return Verdict(target, largest, worst, verdict)


def _verdict(measured, limit, are_all=True):
    if measured is None:
        return "not measured"
    if measured > limit:
        return "not met"
    return "met" if are_all else "not all measured"


def number(value):
    """A number with three significant digits, or all before the point; "-" for None."""
    if value is None:
        return "-"
    return ("{:.0f}" if value == 0 or abs(value) >= 99.95 else "{:#.3g}").format(value)


def limit_text(limit):
    if limit == NO_SLOWER:
        return "no slower"
    return "<= 1/{:.0f}".format(1 / limit) if limit < 0.4 else "<= {:g}".format(limit)


def label(contestant, library):
    """What a contestant is called where it is about a library."""
    if library_of(contestant) == library:
        return "stock" if contestant.startswith("stock") else "ours"
    return "ours in Theano" if contestant == "theano" else LIBRARIES[contestant].label


def quotient_text(quotient):
    return " / ".join(label(contestant, quotient[0]) for contestant in quotient)


def threads_text(threads):
    return "1 thread" if threads == 1 else "{} threads".format(threads)


def _title_and_unit(medians, key):
    """Of the table that a case is in; the unit is in seconds."""
    threads, case = key
    where = "{}, {}".format(case.dtype, threads_text(threads))
    if case.kind == "step":
        return "Training step of a network, {}: ms".format(where), 1e-3
    if case.kind == "model":
        return "Log-probability of a model and its gradient, {}: us".format(where), 1e-6
    unit = 1e-9 * case.rows * case.columns
    copies = medians.get((threads, case._replace(activation="copy", kind="copy")), {}).values()
    title = "{} x {}, {}: ns per element (a copy of the array takes {})".format(
        case.rows, case.columns, where, number(min(copies) / unit if copies else None)
    )
    return title, unit


def tables_of_times(medians, library):
    """A table for each number of threads, dtype and size, and those of training steps or models:
    times, then ratios."""
    contestants = [library] + BESIDE[library]
    header = ["name", "what"] + [label(contestant, library) for contestant in contestants]
    header += [quotient_text((library, other)) for other in BESIDE[library]]
    tables = {}
    for key, times in medians.items():
        title, unit = _title_and_unit(medians, key)
        if any(library_of(contestant) == library for contestant in times) and key[1].kind != "copy":
            row = [key[1].activation, KIND_NAMES[key[1].kind]]
            row += [number(times[c] / unit if c in times else None) for c in contestants]
            row += [number(ratio(medians, key, (library, other))) for other in BESIDE[library]]
            tables.setdefault(title, []).append(row)
    return [Table(title, header, rows) for title, rows in tables.items()]


def table_of_targets(libraries, medians, compile_ratios, import_seconds):
    """The targets for these libraries, and what was measured. The ratio is that of the worst case
    of each."""
    lines = []
    for target in TARGETS:
        if not {library_of(contestant) for contestant in target.quotient} <= set(libraries):
            continue
        _, largest, worst, verdict = judge(target, medians)
        lines.append([
            LIBRARIES[target.quotient[0]].label, target.where, target.what,
            quotient_text(target.quotient), limit_text(target.limit),
            number(largest), worst or "-", verdict,
        ])  # fmt: skip
    costs = [
        (library, "compiling, {} cache".format(cache), "f(x + row) and its gradient",
         "ours / stock", COMPILE_LIMIT, "", compile_ratios.get((library, cache)))
        for library in FAMILY for cache in ("cold", "warm")
    ]  # fmt: skip
    costs.append(
        ("theano", "importing", "both", "ours - stock", IMPORT_LIMIT, " s", import_seconds)
    )
    for library, where, what, of_what, limit, unit, measured in costs:
        if library in libraries:
            lines.append([
                LIBRARIES[library].label, where, what, of_what, "<= {:g}{}".format(limit, unit),
                number(measured), "-", _verdict(measured, limit),
            ])  # fmt: skip
    header = ["library", "where", "what", "of what", "target", "measured", "worst in", "verdict"]
    title = "Targets for quotients (no slower: at most {:g}, as runs differ)".format(NO_SLOWER)
    return Table(title, header, lines)


def table_of_peers(medians, ulps):
    """Where we are slower than the faster of PyTorch and JAX, and how exact that is: one that is
    off by more than 1.5 units may be faster by a quarter."""
    lines, count = [], 0
    for (threads, case), times in medians.items():
        peers = [peer for peer in PEERS if peer in times]
        is_told = case.kind in ("forward", "gradient") and case.rows > 64
        if not (peers and is_told and "theano" in times and case.dtype == "float32"):
            continue
        count += 1
        peer = min(peers, key=times.get)
        off = ulps.get((peer, case.activation, case.kind))
        limit = 1.25 if off is not None and off > 1.5 else NO_SLOWER
        measured = times["theano"] / times[peer]
        if measured > limit:
            lines.append([
                case.activation, case.kind, "{} x {}".format(case.rows, case.columns),
                str(threads), LIBRARIES[peer].label, number(off), limit_text(limit),
                number(measured),
            ])  # fmt: skip
    header = ["name", "what", "size", "threads", "faster peer", "off by ULP", "target", "measured"]
    title = "Slower than the faster of PyTorch and JAX, {} of {} cases".format(len(lines), count)
    return Table(title, header, lines)


def section(title, *parts):
    return "\n".join(["{}\n{}\n".format(title, "~" * len(title)), *parts])


def report(facts, notes, libraries, medians, ulps, *costs):
    """All tables, as reStructuredText, with a comment where the bars of a library belong."""
    parts = [".. Written by tests/benchmarks/speed.py.\n"]
    parts.append(restructured("What was measured, and with what", None, facts))
    parts += ["- {}\n".format(escaped(note)) for note in notes]
    for library in BESIDE:
        tables = [restructured(*table) for table in tables_of_times(medians, library)]
        if tables:
            bars = ".. bars of {}\n".format(library)
            parts.append(section(LIBRARIES[library].label, bars, *tables))
    targets = [restructured(*table_of_targets(libraries, medians, *costs))]
    peers = table_of_peers(medians, ulps)
    if peers.rows:
        targets.append(restructured(*peers))
    return "\n".join(parts + [section("Targets", *targets)])
