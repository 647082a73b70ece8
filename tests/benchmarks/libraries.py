"""The libraries that `make bench` and `make peers` compare, each in a process of its own.

PyTorch and JAX need a NumPy that Theano cannot have, so each has a virtual environment, made when
it is first needed, and once more when its requirements change. All runs on the processor, whichever
build of PyTorch pip chooses; on Linux that may be the one for CUDA, of several GB.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import namedtuple

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(ROOT, ".venv", "peers")

# Whether the C library gives freed memory back, and faults it in anew for the next result, is
# chance for each function, and may cost more than the function. So it keeps it, up to 32 MB.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}

WITH_AESARA = dict(KEEP_MEMORY, LASAGNE_NL_BACKEND="aesara")
WITH_PYTENSOR = dict(KEEP_MEMORY, LASAGNE_NL_BACKEND="pytensor")

# The name for people, the program that serves it, what pip installs into its environment (None: it
# is in this one), further environment variables and flags, and the minor versions of Python 3 that
# it may have, the best one first (none: it has this one).
Library = namedtuple(
    "Library", "label program requirements variables flags minors", defaults=({}, ())
)
GRAPHS = "graph_worker.py"
OLD, NEW = (11, 10, 9, 8, 7), (13, 12, 14)
LIBRARIES = {
    "theano": Library("Theano", GRAPHS, None, KEEP_MEMORY),
    "pytensor": Library("PyTensor with Numba", GRAPHS, ["pytensor"], WITH_PYTENSOR, {}, NEW),
    "pytensor-c": Library(
        "PyTensor with C", GRAPHS, ["pytensor"], WITH_PYTENSOR, {"linker": "cvm"}, NEW
    ),
    "aesara": Library(
        "Aesara", GRAPHS, ["aesara==2.9.4", "numpy<2", "setuptools<74"], WITH_AESARA, {}, OLD
    ),
    "theano-pymc": Library(
        "Theano-PyMC", GRAPHS, ["Theano-PyMC==1.1.2", "numpy<1.22", "setuptools<80"],
        KEEP_MEMORY, {"openmp": False}, OLD[1:],  # with it, what it writes does not compile
    ),
    "pymc": Library("PyMC", "pymc_worker.py", ["pymc"], WITH_PYTENSOR, {"floatX": "float64"}, NEW),
    "torch": Library("PyTorch", "torch_worker.py", ["torch==2.13.0", "numpy"], KEEP_MEMORY),
    "jax": Library("JAX", "jax_worker.py", ["jax"], {}),  # keeping memory makes it slower
}  # fmt: skip
FAMILY = [name for name, one in LIBRARIES.items() if one.program == GRAPHS]
PEERS = ["torch", "jax"]

# A contestant is a library, with our rewrites where there are any, or "stock " and its name. What
# ours is shown beside, and divided by:
BESIDE = {name: ["stock " + name] for name in FAMILY + ["pymc"]}
BESIDE["theano"] += PEERS
BESIDE["pytensor"] += ["theano"]


def library_of(contestant):
    return contestant.split()[-1]


class WorkerError(Exception):
    """A library is not to be had, or could not do what it was told; the message says why in one
    line."""


def python_of(name):
    """The interpreter of a library's environment, which is made if it is missing."""
    library = LIBRARIES[name]
    requirements = library.requirements
    if requirements is None:
        return sys.executable
    folder = os.path.join(FOLDER, requirements[0].split("=")[0].lower())
    python, stamp = os.path.join(folder, "bin", "python"), os.path.join(folder, ".installed")
    wanted = " ".join(requirements) + "\n"
    with contextlib.suppress(OSError), open(stamp) as file:
        if file.read() == wanted:
            return python
    print("installing {} into {}".format(requirements[0], folder), file=sys.stderr)
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    venv = [first_python(library.minors), "-m", "venv", "--clear"]
    for command in (venv + [folder], pip + requirements):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise WorkerError(
                "{} cannot be installed: {}".format(requirements[0], reason(done.stdout))
            )
    with open(stamp, "w") as file:
        file.write(wanted)
    return python


def first_python(minors):
    """The first of these Pythons that is there, or else this one."""
    for minor in minors:
        python = "python3.{}".format(minor)
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([python, "-c", ""], check=True, stderr=subprocess.DEVNULL)
            return python
    return sys.executable


def reason(output):
    """The line of a program's output that says what went wrong: its last error, or last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[-1][:200]


class Worker:
    """A process that holds one of LIBRARIES, with more flags of that, and waits for requests;
    `worker.py` is its other end."""

    def __init__(self, name, threads=1, **flags):
        self.name = name
        library = LIBRARIES[name]
        program = os.path.join(HERE, library.program)
        command = [python_of(name), program, str(threads), library.label]
        flags = dict(library.flags, **flags)
        self._stderr = tempfile.TemporaryFile("w+")
        with on_cores(threads):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=dict(environment(threads, **flags), **library.variables),
                universal_newlines=True,
            )
        try:
            self.versions = self._answer()["versions"]
        except WorkerError:
            self.close()
            raise

    def ask(self, **request):
        # Where it has ended, reading its answer says why.
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise WorkerError("{}: {}".format(self.name, answer["error"]))
        return answer

    def evaluate(self, activation, x, g):
        """The value at the points x, and the gradient from an incoming one g; None if the library
        has no such activation."""
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "arrays.npz")
            np.savez(file, x=x, g=g)
            if not self.ask(evaluate=activation, file=file)["known"]:
                return None
            with np.load(file) as found:
                return found["value"], found["gradient"]

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._stderr.seek(0)
            why = reason(self._stderr.read())
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


def available_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _flags(variable, flags):
    """Flags after those of the environment: the later one counts."""
    given = [os.environ[variable]] if os.environ.get(variable) else []
    return ",".join(given + ["{}={}".format(*flag) for flag in flags.items()])


def environment(threads, **flags):
    flags = dict({"floatX": "float32", "openmp": threads > 1}, **flags)
    variables = dict(
        os.environ,
        THEANO_FLAGS=_flags("THEANO_FLAGS", dict(flags, device="cpu")),
        AESARA_FLAGS=_flags("AESARA_FLAGS", flags),
        PYTENSOR_FLAGS=_flags("PYTENSOR_FLAGS", flags),
        LASAGNE_NL_BACKEND="theano",
        PYTHONPATH=ROOT,
        JAX_PLATFORMS="cpu",
        CUDA_VISIBLE_DEVICES="",
        XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        if threads == 1
        else "",
    )
    for library in ("OMP", "OPENBLAS", "MKL"):
        variables[library + "_NUM_THREADS"] = str(threads)
    return variables


def main():
    """Run a program, the first argument, in the environment of PyTensor."""
    variables = dict(os.environ, PYTHONPATH=ROOT, **LIBRARIES["pytensor"].variables)
    return subprocess.run([python_of("pytensor"), *sys.argv[1:]], env=variables).returncode


if __name__ == "__main__":
    sys.exit(main())
