"""The largest error of every elementwise activation, against mpmath: `make accuracy`.

Prints a line for each activation and dtype: the largest distance from the exact value over some
14,000 points of all magnitudes, in units in the last place (ULP), in the library's two modes, with
the point where it occurs.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from activations import ELEMENTWISE  # noqa: E402
from helpers import DTYPES, MODES, backend, evaluate, truth, ulps  # noqa: E402
from tqdm import tqdm  # noqa: E402


def points(dtype):
    rng = np.random.RandomState(1)
    magnitudes = np.exp(rng.uniform(np.log(1e-37), np.log(800), 5000))
    return np.concatenate(
        [magnitudes, -magnitudes, rng.normal(scale=2, size=2000), np.linspace(-110, 110, 2001)]
    ).astype(dtype)


def largest_error(case, dtype):
    at = points(dtype)
    exact = truth(case, 0, at)
    found = []
    for mode in MODES:
        errors = ulps(evaluate(case, at, mode)[0], exact)
        worst = errors.argmax()
        found.append("{:5.2f} at {!r:<24}".format(errors[worst], float(at[worst])))
    return found


def main():
    rows = []
    combinations = [(case, dtype) for case in ELEMENTWISE for dtype in DTYPES]
    for case, dtype in tqdm(combinations, unit="activation"):
        rows.append((case.name, dtype, *largest_error(case, dtype)))
    print("{} {}".format(backend.name, backend.library.__version__))
    print("{:24s}{:9s}{:34s}{}".format("activation", "dtype", *("ULP in " + m for m in MODES)))
    for name, dtype, *errors in rows:
        print("{:24s}{:9s}{}".format(name, dtype, "".join("{:34s}".format(e) for e in errors)))


if __name__ == "__main__":
    main()
