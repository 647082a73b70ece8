"""How fast are the activations in compiled graphs? `make bench`.

These compute the same on the same arrays:

- a library of Theano's family, with the rewrites that ``import lasagne_nl`` registers;
- the same process, the same expressions, compiled without these rewrites: the stock library;
- PyTorch, eager: forward under ``no_grad``; its gradients are forward and backward together;
- JAX, under ``jit``; its gradients and those of the family are the gradient alone.

PyMC has cases of its own, the log-probabilities of two models, and is timed in the same way.

What is timed is a call as users make it, with arrays that are there already, until its newly
allocated result is there. All but Theano live in environments of their own in ``.venv/peers``,
made at the first run. Each library is a process that sleeps unless it is being timed. A case is
timed in rounds, in each of which every contestant has its turn of some 15 ms, another one first
each time; the tables show the medians. A turn is four stretches, of which the fastest counts, or a
single call that lasts longer. Before they are timed all results of a case are compared, with that
of the first stock library.

Processes with N threads are bound to N cores, the same for all of them. What is compiled with C has
more than one thread by the flag ``openmp``, with its usual thresholds.

The exit status is 1 if a result was wrong, 2 if there is nothing to measure, else 0: targets that
are not met change nothing. The modules beside this one: ``cases`` (what is timed), ``tables``
(what is printed, and the targets), ``libraries`` (the processes and their environments),
``worker`` and ``*_worker`` (what these run).
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing

import numpy as np
from aligned import positive, write
from cases import (
    ACTIVATIONS,
    BEYOND_LASAGNE,
    KINDS,
    MODELS,
    Case,
    inputs_of_peers,
    model_case,
    step_case,
    ulps_off,
)
from libraries import (
    BESIDE,
    FAMILY,
    LIBRARIES,
    PEERS,
    ROOT,
    Worker,
    WorkerError,
    available_cores,
    environment,
    library_of,
    python_of,
)
from tables import report, threads_text
from tqdm import tqdm

CONTESTANTS = [*LIBRARIES, *map("stock {}".format, BESIDE)]
WHERE_ALL_ARE = [("float32", 256, 512), ("float32", 1024, 4096)]
SIZES = ((64, 100), (256, 512), (1024, 4096))
QUICK_COMPILES = ("tanh", "elu", "softmax")
# What is short is noisy.
CACHES = ("cold", "warm", "warm", "warm")

# What a smaller result counts as, in units in the last place: slopes may cross 0.
LEAST = {"forward": np.finfo("float32").tiny, "gradient": 0.125}

# After its turn, a library's further threads wait a little for more work, and they do so busily.
SECONDS_TO_SETTLE = 0.02

IMPORTS = {
    "stock": """
import importlib.util, sys, time
start = time.perf_counter()
spec = importlib.util.spec_from_file_location("repairs", sys.argv[1])
repairs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(repairs)
repairs.install()
import theano
print(time.perf_counter() - start)
""",
    "ours": """
import time
start = time.perf_counter()
import lasagne_nl
print(time.perf_counter() - start)
""",
}


class Benchmark:
    """Takes the measurements."""

    def __init__(self, options, libraries, notes):
        self.options, self.libraries, self.versions = options, libraries, {}
        # From (threads, case) to a dictionary from contestant to seconds per call.
        self.medians = {}
        # From (library, "cold" or "warm") to the cost of compiling with the rewrites over that
        # without, and with such a cache.
        self.compile_ratios = {}
        self.import_seconds = None  # that it takes longer
        # From (peer, activation, kind) to by how many units in the last place its result is off.
        self.ulps = {}
        # What a reader of the tables should know, and the results that were wrong.
        self.notes, self.wrong = notes, []

    def run(self):
        options = self.options
        cases = self._cases()
        imports = (5 if options.quick else 11) if "theano" in self.libraries else 0
        # Three stand for all where there is no time for more.
        compiled = QUICK_COMPILES if options.quick else ACTIVATIONS
        names = [a for a in options.activations if a in compiled]
        compilations = 1 if options.quick else 3
        total = len(options.threads) * len(cases) * options.rounds
        compiling = [name for name in FAMILY if name in self.libraries]
        total += imports + len(CACHES) * len(names) * compilations * len(compiling)
        with tqdm(total=total, unit="round", smoothing=0.05) as self._bar:
            for threads in options.threads:
                self._time_cases(threads, cases)
            for name in compiling if names else ():
                try:
                    self._time_compilations(name, names, compilations)
                except WorkerError as error:
                    self._lose(name, error)
            if imports:
                self._time_imports(imports)

    def _cases(self):
        options = self.options
        cases = [model_case(name) for name in MODELS if "pymc" in self.libraries]
        # A function that Theano has compiled serves all sizes.
        for dtype in options.dtypes:
            for rows, columns in options.sizes:
                cases.append(Case("copy", "copy", dtype, rows, columns))
                for activation in options.activations:
                    if activation in BEYOND_LASAGNE and (dtype, rows, columns) not in WHERE_ALL_ARE:
                        continue
                    cases.extend(Case(activation, k, dtype, rows, columns) for k in KINDS)
        if "float32" in options.dtypes and not options.quick:
            cases.extend(step_case(a) for a in options.activations if a in ACTIVATIONS)
        return cases

    def _time_cases(self, threads, cases):
        with contextlib.ExitStack() as stack:
            workers = {}
            for name in self.libraries:
                self._bar.set_description("starting " + name)
                try:
                    workers[name] = stack.enter_context(closing(Worker(name, threads)))
                    self.versions.update(workers[name].versions)
                except WorkerError as error:
                    self._lose(name, error)
            for case in cases:
                text = "{0}, {1.rows} x {1.columns} {1.dtype}, {1.activation} {1.kind}"
                self._bar.set_description(text.format(threads_text(threads), case))
                self._time_case(threads, case, workers)
            if not self.ulps:
                self._measure_peers(workers)

    def _measure_peers(self, workers):
        """Part of the speed of others is that they are less exact: beside ours in float64."""
        (ours, *_) = [name for name in FAMILY if name in workers] or [None]

        def evaluate(name, *arrays):
            return self._ask(workers, name, activation, *arrays, how=Worker.evaluate) or ()

        for activation in self.options.activations if ours else ():
            x, g = inputs_of_peers(activation)
            exact = evaluate(ours, x.astype("float64"), g.astype("float64"))
            for name in PEERS:
                for kind, got, right in zip(LEAST, evaluate(name, x, g), exact):
                    self.ulps[name, activation, kind] = ulps_off(got, right, LEAST[kind])

    def _lose(self, name, error):
        """Go on without a library."""
        note = "{}: {}".format(LIBRARIES[name].label, error)
        if note not in self.notes:
            self.notes.append(note)
            self._bar.write(note, file=sys.stderr)

    def _ask(self, workers, contestant, *arguments, how=Worker.ask, **request):
        """What the contestant's worker answers; None if that is lost, now or since before."""
        name = library_of(contestant)
        if name not in workers:
            return None
        try:
            return how(workers[name], *arguments, **request)
        except WorkerError as error:
            self._lose(name, error)
            del workers[name]
            return None

    def _time_case(self, threads, case, workers):
        if case.kind == "copy":
            contestants = ["copy " + name for name in FAMILY if name in workers][:1]
        else:
            is_model = case.kind == "model"
            contestants = [c for c in CONTESTANTS if (library_of(c) == "pymc") == is_model]
        # Stock libraries come first: what the first one finds is expected of the others.
        contestants.sort(key=lambda one: "stock" not in one)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "expected.npz")
            contestants = [one for one in contestants if self._prepare(one, case, workers, file)]
        samples = {contestant: [] for contestant in contestants}
        for turn in range(self.options.rounds):
            first = turn % max(1, len(contestants))
            for contestant in contestants[first:] + contestants[:first]:
                if threads > 1:
                    time.sleep(SECONDS_TO_SETTLE)
                answer = self._ask(workers, contestant, time=contestant)
                if answer is not None:
                    samples[contestant].append(answer["seconds"])
            self._bar.update()
        self.medians[threads, case] = {
            contestant: statistics.median(taken)
            for contestant, taken in samples.items()
            if len(taken) == self.options.rounds
        }

    def _prepare(self, contestant, case, workers, expected):
        """Whether the contestant has a right result to be timed."""
        answer = self._ask(workers, contestant, prepare=contestant, case=case, expected=expected)
        if answer is None or answer["wrong"] is None:
            return answer is not None
        what = "{} is wrong: {} {}, {} {} x {}: {}".format(contestant, *case, answer["wrong"])
        self.wrong.append(what)
        self._bar.write(what, file=sys.stderr)
        return False

    def _time_compilations(self, name, activations, repetitions):
        """With a cold cache, and in further processes with what is then in it."""
        ratios = {"cold": [], "warm": []}
        for turn in range(repetitions):
            with tempfile.TemporaryDirectory() as folder:
                for cache in CACHES:
                    self._bar.set_description("compiling in {}, {} cache".format(name, cache))
                    ratios[cache] += self._compile(name, activations, folder, turn)
        for cache, taken in ratios.items():
            self.compile_ratios[name, cache] = statistics.median(taken)

    def _compile(self, name, activations, folder, turn):
        """The cost of each, with the rewrites over that without."""
        with contextlib.ExitStack() as stack:
            workers = {}
            for contestant in (name, "stock " + name):
                own = os.path.join(folder, contestant.split()[0])
                worker = stack.enter_context(closing(Worker(name, base_compiledir=own)))
                # The first compilation of a process does more than its own work.
                worker.ask(compile=None, contestant=contestant)
                workers[contestant] = worker
            for i, activation in enumerate(activations):
                seconds = {}
                for contestant in sorted(workers, reverse=(turn + i) % 2):
                    answer = workers[contestant].ask(compile=activation, contestant=contestant)
                    seconds[contestant] = answer["seconds"]
                self._bar.update()
                yield seconds[name] / seconds["stock " + name]

    def _time_imports(self, repetitions):
        repairs = os.path.join(ROOT, "lasagne_nl", "_theano_repairs.py")
        seconds = {contestant: [] for contestant in IMPORTS}
        self._bar.set_description("importing")
        variables = environment(1)
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # lest lasagne_nl is compiled each time
        for turn in range(repetitions + 1):
            for contestant in sorted(IMPORTS, reverse=turn % 2):
                output = subprocess.check_output(
                    [sys.executable, "-c", IMPORTS[contestant], repairs], stderr=subprocess.DEVNULL,
                    env=variables, cwd=ROOT, universal_newlines=True,
                )  # fmt: skip
                if turn:  # what the first ones read from the disk, the others have in memory
                    seconds[contestant].append(float(output.split()[-1]))
            self._bar.update(turn > 0)
        medians = {contestant: statistics.median(taken) for contestant, taken in seconds.items()}
        self.import_seconds = medians["ours"] - medians["stock"]
        self.notes.append(
            "Importing takes {ours:.2f} s, Theano alone {stock:.2f} s.".format(**medians)
        )


def processor():
    """The name of the processor and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.lower().startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return "{}, {} cores".format(name, available_cores())


def notes_before(options):
    """What is to be said of the machine before anything is measured."""
    cores, threads = available_cores(), max(options.threads)
    if threads > cores:
        yield "There are only {} cores for {} threads.".format(cores, threads)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    if load > 0.5:
        yield "Other programs were running (a load of {:.1f}): the figures are noisy.".format(load)


def facts(benchmark):
    """What the tables hold for: rows of a name and a value."""
    return [
        ["date", "{:%Y-%m-%d %H:%M} UTC".format(datetime.datetime.now(datetime.timezone.utc))],
        ["processor", processor()],
        ["system", platform.platform()],
        ["Python", platform.python_version()],
        *map(list, benchmark.versions.items()),
        ["rounds", str(benchmark.options.rounds)],
    ]


def size(text):
    if not re.match(r"[1-9]\d*x[1-9]\d*$", text.lower()):
        raise argparse.ArgumentTypeError(
            "must be rows x columns such as 256x512, got {!r}".format(text)
        )
    return tuple(map(int, text.lower().split("x")))


def parse():
    parser = argparse.ArgumentParser(
        description="Times the activations in compiled graphs, with the rewrites of lasagne_nl and "
        "without, and in PyTorch and JAX. Prints medians, ratios, and which targets are met; a "
        "target that is missed does not change the exit status, a wrong result does.",
        epilog="A full run takes more than half an hour. The first one also installs the libraries "
        "into .venv/peers, and compiles.",
    )
    option = parser.add_argument
    # fmt: off
    option("--quick", action="store_true",
           help="256x512, float32, one thread, no training steps, fewer compilations and imports")
    option("--activations", nargs="+", choices=ACTIVATIONS + BEYOND_LASAGNE, metavar="NAME",
           help="some of: {}; and, in float32 and not at 64x100: {} (default: all, with --quick "
           "those of the first list)".format(", ".join(ACTIVATIONS), ", ".join(BEYOND_LASAGNE)))
    option("--rounds", type=positive, default=15, metavar="N",
           help="how often each contestant is timed in a case (default: %(default)s)")
    option("--sizes", nargs="+", type=size, metavar="RxC",
           help="rows x columns of the arrays (default: 64x100 256x512 1024x4096)")
    option("--threads", nargs="+", type=positive, metavar="N", help="(default: 1 2)")
    option("--dtypes", nargs="+", choices=("float32", "float64"), metavar="DTYPE",
           help="float32, float64 (default: both)")
    option("--output", default=os.path.join(ROOT, "docs", "_tables", "speed.rst"), metavar="FILE",
           help="where the tables go as reStructuredText (default: docs/_tables/speed.rst)")
    option("--libraries", nargs="+", choices=LIBRARIES, metavar="NAME",
           default=[name for name in LIBRARIES if name not in ("aesara", "theano-pymc")],
           help="some of {} (default: without aesara, theano-pymc)".format(", ".join(LIBRARIES)))
    # fmt: on
    options = parser.parse_args()
    quick = options.quick
    options.activations = options.activations or ACTIVATIONS + (() if quick else BEYOND_LASAGNE)
    options.sizes = options.sizes or (SIZES[1:2] if quick else SIZES)
    options.threads = options.threads or ([1] if quick else [1, 2])
    options.dtypes = options.dtypes or (["float32"] if quick else ["float32", "float64"])
    return options


def main():
    options = parse()
    libraries, notes = [], list(notes_before(options))
    for name in filter(options.libraries.__contains__, LIBRARIES):
        try:
            python_of(name)
            libraries.append(name)
        except WorkerError as error:
            notes.append("{}: {}".format(LIBRARIES[name].label, error))
    for note in notes:
        print(note, file=sys.stderr)
    benchmark = Benchmark(options, libraries, notes)
    benchmark.run()
    medians = benchmark.medians
    if not any(medians.values()):
        print("speed.py: there is nothing to measure", file=sys.stderr)
        return 2
    text = report(
        facts(benchmark), benchmark.notes + benchmark.wrong, options.libraries,
        medians, benchmark.ulps, benchmark.compile_ratios, benchmark.import_seconds,
    )  # fmt: skip
    print(re.sub(r"\\-(?!\S)", "- ", text))  # a lone dash is escaped for a page, not for a terminal
    write(options.output, text)
    # In seconds, for the chart of the documentation.
    measured = [[threads, *case, times] for (threads, case), times in medians.items()]
    write(os.path.splitext(options.output)[0] + ".json", json.dumps(measured))
    return 1 if benchmark.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
