"""How fast are the activations in compiled graphs? `make bench`.

Four contestants compute the same on the same arrays:

- ours: Theano with the rewrites that ``import lasagne_nl`` registers;
- stock Theano: the same process, the same expressions, compiled without these rewrites;
- PyTorch, eager: forward under ``no_grad``; its gradients are forward and backward together;
- JAX, under ``jit``; its gradients and those of Theano are the gradient alone.

What is timed is a call as users make it, with arrays that are there already, until its newly
allocated result is there. PyTorch and JAX live in environments of their own in ``.venv/peers``,
made at the first run. Each library is a process that sleeps unless it is being timed. A case is
timed in rounds, in each of which every contestant has its turn of some 15 ms, another one first
each time; the tables show the medians. A turn is four stretches, of which the fastest counts, or a
single call that lasts longer. Each result is compared with NumPy's before it is timed.

Processes with N threads are bound to N cores, the same for all of them. Theano has more than one
thread by its flag ``openmp``, with its usual thresholds.

The exit status is 1 if a result was wrong, 2 if there is nothing to measure, else 0: targets that
are not met change nothing. The modules beside this one: ``cases`` (what is timed), ``tables``
(what is printed, and the targets), ``worker`` and ``*_worker`` (the processes), ``peers`` (their
environments).
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from aligned import aligned
from cases import ACTIVATIONS, BEYOND_LASAGNE, KINDS, Case, step_case
from tables import (
    NAMES,
    escaped,
    plain,
    restructured,
    table_of_targets,
    tables_of_times,
    threads_text,
)
from tqdm import tqdm

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(peers.ROOT, "docs", "_tables", "speed.rst")
WORKER_OF = {"ours": "theano", "stock": "theano", "copy": "theano", "torch": "torch", "jax": "jax"}
WHERE_ALL_ARE = ("float32", 256, 512)
SIZES = ((64, 100), (256, 512), (1024, 4096))

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


class WorkerError(Exception):
    """A worker ended, or could not do what it was told; the message says why in one line."""


# Whether the C library gives freed memory back, and faults it in anew for the next result, is
# chance for each function, and may cost more than the function. So it keeps it, up to 32 MB. Not
# for JAX, which is slower by it.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}


class Worker:
    """A process that holds a library, and waits for requests.

    Parameters
    ----------
    name : str
        "theano", "torch" or "jax".
    python : str
        The interpreter of its environment.
    threads : int
        How many it may use.
    **flags : str
        More flags of Theano.
    """

    def __init__(self, name, python, threads, **flags):
        self.name = name
        self._stderr = tempfile.TemporaryFile("w+")
        with on_cores(threads):
            self._process = subprocess.Popen(
                [python, os.path.join(HERE, name + "_worker.py"), str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=dict(environment(threads, **flags), **({} if name == "jax" else KEEP_MEMORY)),
                universal_newlines=True,
            )
        try:
            self.versions = self._answer()["versions"]
        except WorkerError:
            self.close()
            raise

    def ask(self, **request):
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended: reading its answer says why
        answer = self._answer()
        if "error" in answer:
            raise WorkerError("{}: {}".format(self.name, answer["error"]))
        return answer

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._stderr.seek(0)
            why = peers.reason(self._stderr.read())
            raise WorkerError("the process of {} has ended: {}".format(self.name, why))
        return json.loads(line)

    def close(self):
        self._process.stdout.close()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()


@contextlib.contextmanager
def on_cores(count):
    """Have processes that are started inside run on so many cores, where the system can do it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    available = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(available)[-count:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, available)


def environment(threads, **flags):
    """The environment variables of a worker."""
    flags = dict({"device": "cpu", "floatX": "float32", "openmp": threads > 1}, **flags)
    theano_flags = ["{}={}".format(*flag) for flag in flags.items()]
    if os.environ.get("THEANO_FLAGS"):
        theano_flags.insert(0, os.environ["THEANO_FLAGS"])  # the later one counts
    variables = dict(
        os.environ,
        THEANO_FLAGS=",".join(theano_flags),
        LASAGNE_NL_BACKEND="theano",
        JAX_PLATFORMS="cpu",
        CUDA_VISIBLE_DEVICES="",
        XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        if threads == 1
        else "",
    )
    for library in ("OMP", "OPENBLAS", "MKL"):
        variables[library + "_NUM_THREADS"] = str(threads)
    return variables


class Benchmark:
    """Takes the measurements; what it found so far is in its attributes.

    Attributes
    ----------
    medians : dict
        From (threads, case) to a dictionary from contestant to seconds per call.
    compile_ratio, import_seconds : float or None
        The cost of compiling, ours over stock, and the seconds that importing takes longer.
    versions : dict
    notes : list of str
        What a reader of the tables should know.
    wrong : list of str
        The results that were wrong.
    """

    def __init__(self, options, pythons):
        self.options = options
        self.pythons = pythons
        self.medians = {}
        self.compile_ratio = self.import_seconds = None
        self.versions = {}
        self.notes = []
        self.wrong = []

    def run(self):
        options = self.options
        cases = self._cases()
        imports = 5 if options.quick else 11
        # Three stand for all where there is no time for more.
        compiled = QUICK_COMPILES if options.quick else ACTIVATIONS
        names = [a for a in options.activations if a in compiled]
        compilations = 1 if options.quick else 3
        total = len(options.threads) * len(cases) * options.rounds
        total += imports + len(names) * compilations
        with tqdm(total=total, unit="round", smoothing=0.05) as self._bar:
            for threads in options.threads:
                self._time_cases(threads, cases)
            if names:
                self._time_compilations(names, compilations)
            self._time_imports(imports)

    def _cases(self):
        options = self.options
        cases = []
        # A function that Theano has compiled serves all sizes.
        for dtype in options.dtypes:
            for rows, columns in options.sizes:
                cases.append(Case("copy", "copy", dtype, rows, columns))
                for activation in options.activations:
                    if activation in BEYOND_LASAGNE and (dtype, rows, columns) != WHERE_ALL_ARE:
                        continue
                    cases.extend(Case(activation, k, dtype, rows, columns) for k in KINDS)
        if "float32" in options.dtypes and not options.quick:
            cases.extend(step_case(a) for a in options.activations if a in ACTIVATIONS)
        return cases

    def _time_cases(self, threads, cases):
        with contextlib.ExitStack() as stack:
            workers = {}
            for name, python in self.pythons.items():
                self._bar.set_description("starting " + name)
                try:
                    worker = Worker(name, python, threads)
                except WorkerError as error:
                    self._lose(name, error)
                    continue
                stack.callback(worker.close)
                workers[name] = worker
                self.versions.update(worker.versions)
            for case in cases:
                self._bar.set_description(
                    "{}, {} x {} {}, {} {}".format(
                        threads_text(threads), case.rows, case.columns, case.dtype,
                        case.activation, case.kind,
                    )
                )  # fmt: skip
                self._time_case(threads, case, workers)

    def _lose(self, name, error):
        """Go on without a peer; there is no benchmark without Theano."""
        if name == "theano":
            raise error
        note = "{}: {}".format(NAMES[name], error)
        if note not in self.notes:
            self.notes.append(note)
            self._bar.write(note, file=sys.stderr)

    def _time_case(self, threads, case, workers):
        contestants = []
        for contestant in ["copy"] if case.kind == "copy" else list(NAMES):
            if WORKER_OF[contestant] in workers and self._prepare(contestant, case, workers):
                contestants.append(contestant)
        samples = {contestant: [] for contestant in contestants}
        for turn in range(self.options.rounds):
            first = turn % max(1, len(contestants))
            for contestant in contestants[first:] + contestants[:first]:
                worker = workers.get(WORKER_OF[contestant])
                if worker is None:
                    continue
                if threads > 1:
                    time.sleep(SECONDS_TO_SETTLE)
                try:
                    samples[contestant].append(worker.ask(time=contestant)["seconds"])
                except WorkerError as error:
                    self._lose(worker.name, error)
                    del workers[worker.name]
            self._bar.update()
        self.medians[threads, case] = {
            contestant: statistics.median(taken)
            for contestant, taken in samples.items()
            if len(taken) == self.options.rounds
        }

    def _prepare(self, contestant, case, workers):
        """Whether the contestant has a right result to be timed."""
        worker = workers[WORKER_OF[contestant]]
        try:
            wrong = worker.ask(prepare=contestant, case=case)["wrong"]
        except WorkerError as error:
            self._lose(worker.name, error)
            del workers[worker.name]
            return False
        if wrong is not None:
            what = "{} is wrong: {}, {} {}, {} x {} {}: {}".format(
                NAMES.get(contestant, contestant), worker.name, *(case + (wrong,))
            )
            self.wrong.append(what)
            self._bar.write(what, file=sys.stderr)
        return wrong is None

    def _time_compilations(self, activations, repetitions):
        ratios = []
        for turn in range(repetitions):
            with contextlib.ExitStack() as stack:
                workers = {}
                for contestant in ("ours", "stock"):
                    self._bar.set_description("starting theano with a cold cache")
                    folder = tempfile.mkdtemp()
                    stack.callback(shutil.rmtree, folder, ignore_errors=True)
                    workers[contestant] = Worker(
                        "theano", self.pythons["theano"], 1, base_compiledir=folder
                    )
                    stack.callback(workers[contestant].close)
                    # The first compilation of a process does more than its own work.
                    workers[contestant].ask(compile=None, contestant=contestant)
                for i, activation in enumerate(activations):
                    self._bar.set_description("compiling " + activation)
                    seconds = {}
                    for contestant in sorted(workers, reverse=(turn + i) % 2):
                        answer = workers[contestant].ask(compile=activation, contestant=contestant)
                        seconds[contestant] = answer["seconds"]
                    ratios.append(seconds["ours"] / seconds["stock"])
                    self._bar.update()
        self.compile_ratio = statistics.median(ratios)

    def _time_imports(self, repetitions):
        repairs = os.path.join(peers.ROOT, "lasagne_nl", "_theano_repairs.py")
        seconds = {contestant: [] for contestant in IMPORTS}
        self._bar.set_description("importing")
        variables = environment(1)
        for turn in range(repetitions + 1):
            for contestant in sorted(IMPORTS, reverse=turn % 2):
                output = subprocess.check_output(
                    [self.pythons["theano"], "-c", IMPORTS[contestant], repairs],
                    env=variables, cwd=peers.ROOT, universal_newlines=True,
                    stderr=subprocess.DEVNULL,
                )  # fmt: skip
                if turn:  # what the first ones read from the disk, the others have in memory
                    seconds[contestant].append(float(output.split()[-1]))
            if turn:
                self._bar.update()
        medians = {contestant: statistics.median(taken) for contestant, taken in seconds.items()}
        self.import_seconds = medians["ours"] - medians["stock"]
        self.notes.append(
            "Importing takes {ours:.2f} s, Theano alone {stock:.2f} s.".format(**medians)
        )


QUICK_COMPILES = ("tanh", "elu", "softmax")


def processor():
    """The name of the processor and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.lower().startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return "{}, {} cores".format(name, available_cores())


def available_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def notes_before(options):
    """What is to be said of the machine before anything is measured."""
    if max(options.threads) > available_cores():
        yield "There are only {} cores for {} threads.".format(
            available_cores(), max(options.threads)
        )
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        yield "Other programs were running (a load of {:.1f}): the figures are noisy.".format(
            os.getloadavg()[0]
        )


def facts(benchmark):
    """What the tables hold for: rows of a name and a value."""
    options = benchmark.options
    rows = [
        ["date", "{:%Y-%m-%d %H:%M} UTC".format(datetime.datetime.now(datetime.timezone.utc))],
        ["processor", processor()],
        ["system", platform.platform()],
        ["Python", platform.python_version()],
    ]
    rows += [list(item) for item in benchmark.versions.items()]
    return rows + [["rounds", str(options.rounds)]]


def report(benchmark, title, table, note):
    """The whole report, written by functions for a title, a table and a note."""
    parts = [title("What was measured, and with what", facts(benchmark))]
    parts += [note(text) for text in benchmark.notes + benchmark.wrong]
    parts += [table(one) for one in tables_of_times(benchmark.medians)]
    parts.append(
        table(
            table_of_targets(benchmark.medians, benchmark.compile_ratio, benchmark.import_seconds)
        )
    )
    return "\n".join(parts)


def measured(benchmark):
    """The medians in seconds, as what can be written to JSON: the chart of the documentation."""
    return [[threads, *case, times] for (threads, case), times in benchmark.medians.items()]


def plain_report(benchmark):
    return report(benchmark, plain_facts, plain, "- {}\n".format)


def plain_facts(title, rows):
    width = max(len(name) for name, _ in rows)
    lines = ["{}  {}".format(name.ljust(width), value) for name, value in rows]
    return "\n".join([title, ""] + lines) + "\n"


def restructured_report(benchmark):
    return ".. Written by tests/benchmarks/speed.py.\n\n" + report(
        benchmark, restructured_facts, restructured, lambda text: "- {}\n".format(escaped(text))
    )


def restructured_facts(title, rows):
    lines = aligned(["", ""], [[escaped(cell) for cell in row] for row in rows])
    return "\n".join([".. table:: " + title, ""] + ["   " + line for line in lines[2:]]) + "\n"


def positive(text):
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1, got {!r}".format(text))
    return number


def size(text):
    try:
        rows, columns = (positive(part) for part in text.lower().split("x"))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            "must be rows x columns such as 256x512, got {!r}".format(text)
        ) from None
    return rows, columns


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description="Times the activations in compiled Theano graphs, with the rewrites of "
        "lasagne_nl and without, and in PyTorch and JAX. Prints medians, ratios, and which targets "
        "are met; a target that is missed does not change the exit status, a wrong result does.",
        epilog="A full run takes some 25 minutes. The first one also installs PyTorch and JAX into "
        ".venv/peers, and compiles.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="256x512, float32, one thread, no training steps, fewer compilations and imports",
    )
    parser.add_argument(
        "--activations", nargs="+", choices=ACTIVATIONS + BEYOND_LASAGNE, metavar="NAME",
        help="some of: {}; and, at 256x512 in float32 only: {} (default: all, with --quick those "
        "of the first list)".format(", ".join(ACTIVATIONS), ", ".join(BEYOND_LASAGNE)),
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=positive, default=15, metavar="N",
        help="how often each contestant is timed in a case (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--sizes", nargs="+", type=size, metavar="RxC",
        help="rows x columns of the arrays (default: 64x100 256x512 1024x4096)",
    )  # fmt: skip
    parser.add_argument("--threads", nargs="+", type=positive, metavar="N", help="(default: 1 2)")
    parser.add_argument(
        "--dtypes", nargs="+", choices=("float32", "float64"), metavar="DTYPE",
        help="float32, float64 (default: both)",
    )  # fmt: skip
    parser.add_argument(
        "--output", default=OUTPUT, metavar="FILE",
        help="where the tables go as reStructuredText (default: docs/_tables/speed.rst)",
    )  # fmt: skip
    parser.add_argument(
        "--no-peers", action="store_true", help="without PyTorch and JAX: ours and stock only"
    )
    options = parser.parse_args(arguments)
    if options.activations is None:
        options.activations = ACTIVATIONS + (() if options.quick else BEYOND_LASAGNE)
    options.sizes = options.sizes or (SIZES[1:2] if options.quick else SIZES)
    options.threads = options.threads or ([1] if options.quick else [1, 2])
    options.dtypes = options.dtypes or (["float32"] if options.quick else ["float32", "float64"])
    return options


def main():
    options = parse()
    pythons, notes = {"theano": sys.executable}, list(notes_before(options))
    for name in () if options.no_peers else peers.REQUIREMENTS:
        try:
            pythons[name] = peers.python_of(name)
        except peers.PeerError as error:
            notes.append("{}: {}".format(NAMES[name], error))
    for note in notes:
        print(note, file=sys.stderr)
    benchmark = Benchmark(options, pythons)
    benchmark.notes += notes
    try:
        benchmark.run()
    except WorkerError as error:
        print("speed.py: {}".format(error), file=sys.stderr)
        return 2
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(restructured_report(benchmark))
    with open(os.path.splitext(options.output)[0] + ".json", "w", encoding="utf-8") as file:
        json.dump(measured(benchmark), file)
    print(plain_report(benchmark))
    print("written to {}".format(options.output))
    return 1 if benchmark.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
