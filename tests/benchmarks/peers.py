"""The libraries that `speed.py` compares with, each in a virtual environment of its own.

PyTorch and JAX need a NumPy that Theano cannot have. An environment is made when it is first
needed, and once more when its requirements change. All that is timed runs on the processor,
whichever build of PyTorch pip chooses; on Linux that may be the one for CUDA, of several GB.
"""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, ".venv", "peers")
REQUIREMENTS = {"torch": ["torch==2.13.0", "numpy"], "jax": ["jax"]}


class PeerError(Exception):
    """A peer is not to be had; the message says why in one line."""


def _stamp(name):
    return os.path.join(FOLDER, name, ".installed")


def _wanted(name):
    return "{}\n".format(" ".join(REQUIREMENTS[name]))


def is_installed(name):
    try:
        with open(_stamp(name)) as stamp:
            return stamp.read() == _wanted(name)
    except OSError:
        return False


def python_of(name):
    """The interpreter of a peer's environment, which is made if it is missing."""
    folder = os.path.join(FOLDER, name)
    python = os.path.join(folder, "bin", "python")
    if not is_installed(name):
        print("installing {} into {}".format(REQUIREMENTS[name][0], folder), file=sys.stderr)
        _run([sys.executable, "-m", "venv", "--clear", folder], name)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        _run(pip + REQUIREMENTS[name], name)
        with open(_stamp(name), "w") as stamp:
            stamp.write(_wanted(name))
    return python


def _run(command, name):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise PeerError(
            "{} cannot be installed: {}".format(REQUIREMENTS[name][0], reason(done.stdout))
        )


def reason(output):
    """The line of a program's output that says what went wrong: its last error, or last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[-1][:200]
