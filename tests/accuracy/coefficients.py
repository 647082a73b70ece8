"""The polynomials of the kernels:
`python tests/accuracy/coefficients.py >lasagne_nl/simd/coefficients.py`.

Each is fitted to the tail of a power series by least squares of the relative error that it leaves
in the result, at Chebyshev's nodes and in 60 digits, which comes close to the smallest maximum.
The coefficients are rounded to the dtype one after the other, the one that weighs most first;
after each rounding the others are fitted anew, so that they make up for it. What goes to standard
error is the error of the rounded polynomial, in units in the last place at 1.
"""

import functools
import sys
import textwrap

import mpmath
import numpy as np
from mpmath import mp, mpf

mp.dps = 60


class Fit:
    """A fit of the sum of c_p x^p to a function, by the mean square of weight (sum - function)."""

    def __init__(self, function, weight, interval, powers, nodes=200):
        low, high = (mpf(end) for end in interval)
        angles = [mpmath.pi * (2 * i + 1) / (2 * nodes) for i in range(nodes)]
        points = [(low + high) / 2 + (high - low) / 2 * mpmath.cos(angle) for angle in angles]
        points = [x for x in points if x != 0]
        squares = [weight(x) ** 2 for x in points]
        values = [w * function(x) for x, w in zip(points, squares)]
        self.powers = list(powers)
        # The mean of weight^2 x^p, and that of it times the function.
        self.of_power, self.of_function = [], []
        for _ in range(2 * max(self.powers) + 1):
            self.of_power.append(mpmath.fsum(squares))
            self.of_function.append(mpmath.fsum(values))
            squares = [x * w for x, w in zip(points, squares)]
            values = [x * v for x, v in zip(points, values)]

    def coefficients(self, kept):
        """The best coefficients of the powers that are not `kept` (coefficients by power)."""
        left = [p for p in self.powers if p not in kept]
        normal = mpmath.matrix([[self.of_power[i + j] for j in left] for i in left])
        moments = [
            self.of_function[i] - mpmath.fsum(c * self.of_power[i + p] for p, c in kept.items())
            for i in left
        ]
        return list(mpmath.lu_solve(normal, mpmath.matrix(moments)))


def rounded_fit(function, weight, interval, powers, dtype, in_two_parts=False):
    """The coefficients as floats of a dtype, the first one as two where that is asked for."""
    fit = Fit(function, weight, interval, powers)
    kept, floats = {}, []
    for power in powers:
        best = fit.coefficients(kept)[0]
        floats.append(_rounded(best, dtype))
        kept[power] = mpf(float(floats[-1]))
        if power == 0 and in_two_parts:
            floats.append(_rounded(best - kept[power], dtype))
            kept[power] += mpf(float(floats[-1]))
    return floats


def largest_error(floats, function, weight, interval, powers):
    """The largest weighted error that rounded coefficients leave."""
    low, high = (mpf(end) for end in interval)
    probes = [low + (high - low) * i / 3000 for i in range(3001)]

    def error(x):
        return weight(x) * (sum(mpf(float(c)) * x**p for p, c in zip(powers, floats)) - function(x))

    return max(abs(error(x)) for x in probes if x != 0)


def _rounded(value, dtype):
    """A float, rounded once, not by way of a double."""
    if dtype is np.float64:
        return dtype(value)
    near = np.float32(float(value))
    around = [near, np.nextafter(near, np.float32(9e9)), np.nextafter(near, np.float32(-9e9))]
    return min(around, key=lambda c: abs(mpf(float(c)) - value))


def exp_tail(x):
    return (mpmath.expm1(x) - x) / x**2


def erf_tail(x):
    root = mpmath.sqrt(x)
    return mpmath.erf(root) / root - 1


def erfc_ratio(t):
    """erfc(x) exp(x^2) (1 + 2 x), where t = (x - 4) / (x + 4)"""
    x = 4 * (1 + t) / (1 - t)
    return mpmath.erfc(x) * mpmath.exp(x**2) * (1 + 2 * x)


def log1p_tail(x):
    return (mpmath.log1p(x) - x + x**2 / 2) / x**3


def log1p_ratio(x):
    return (mpmath.log1p(x) - x) / x**2


def tanh_tail(x):
    root = mpmath.sqrt(x)
    return (mpmath.tanh(root) - root) / root**3


def normal_near_0(x):
    """(Phi(sqrt(x)) - 1 / 2) / sqrt(x)"""
    root = mpmath.sqrt(x)
    return mpmath.erf(root / mpmath.sqrt(2)) / 2 / root


def scaled_normal_tail(x):
    """Phi(-x) exp(x^2 / 2)"""
    return mpmath.erfc(x / mpmath.sqrt(2)) / 2 * mpmath.exp(x**2 / 2)


def normal_ratio(t):
    """Phi(-x) exp(x^2 / 2) (2 + x), where t = (x - 4) / (x + 4)"""
    x = 4 * (1 + t) / (1 - t)
    return scaled_normal_tail(x) * (2 + x)


def sum_of(coefficients, x):
    return sum(c * x**k for k, c in enumerate(coefficients))


@functools.lru_cache(maxsize=None)
def quotient(function, most, above, below, nodes=200):
    """Polynomials p and q, of so many coefficients and q0 = 1, with p / q nearly a function for x
    from 0 to `most`: least squares of p - q function over q of the round before, which weighs the
    error of p / q.
    """
    angles = [mpmath.pi * (2 * i + 1) / (2 * nodes) for i in range(nodes)]
    points = [most * (1 + mpmath.cos(angle)) / 2 for angle in angles]
    values = list(map(function, points))
    q = [mpf(1)]
    for _ in range(8):
        scales = [1 / (sum_of(q, x) * y) for x, y in zip(points, values)]
        matrix = mpmath.matrix(
            [
                [s * x**k for k in range(above)] + [-s * y * x**k for k in range(1, below)]
                for x, y, s in zip(points, values, scales)
            ]
        )
        right = mpmath.matrix([s * y for y, s in zip(values, scales)])
        found = list(mpmath.lu_solve(matrix.T * matrix, matrix.T * right))
        q = [mpf(1), *found[above:]]
    return found[:above], q


def parts_of_quotient(name, function, most, above, below):
    """Entries of `POLYNOMIALS`: the two parts of a quotient, which is computed in float64."""
    for i, (part, count) in enumerate((("numerator", above), ("denominator", below))):

        def polynomial(x, i=i):
            return sum_of(quotient(function, most, above, below)[i], x)

        weight = lambda x, polynomial=polynomial: 1 / polynomial(x)  # noqa: E731
        yield name + "_" + part, (polynomial, weight, (0, most), {np.float64: count})


HALF_LOG_2 = mpmath.log(2) / 2 + mpf("1e-3")

# Name: function, weight (its share of the result), interval, number of coefficients by dtype.
POLYNOMIALS = {
    "exp_tail": (
        exp_tail, lambda x: abs(x**2 / mpmath.expm1(x)), (-HALF_LOG_2, HALF_LOG_2),
        {np.float32: 6, np.float64: 11},
    ),
    "exp_tail_short": (
        exp_tail, lambda x: x**2 / mpmath.exp(x), (-HALF_LOG_2, HALF_LOG_2), {np.float32: 5},
    ),
    "tanh_tail": (
        tanh_tail, lambda x: mpmath.sqrt(x)**3 / mpmath.tanh(mpmath.sqrt(x)), (0, 1),
        {np.float32: 7, np.float64: 15},
    ),
    "tanh_tail_short": (
        tanh_tail, lambda x: mpmath.sqrt(x)**3 / mpmath.tanh(mpmath.sqrt(x)), (0, mpf(1) / 4),
        {np.float32: 4, np.float64: 10},
    ),
    # tanh(x) - x, to its last digit.
    "tanh_tail_alone": (
        tanh_tail, lambda x: 1 / tanh_tail(x), (0, 1), {np.float64: 16},
    ),
    "normal_ratio": (
        normal_ratio, lambda t: 1 / normal_ratio(t), (mpf(-7) / 9, mpf(9) / 11),
        {np.float64: 22},
    ),
    "normal_near_0": (
        normal_near_0, lambda x: mpmath.sqrt(x), (0, mpf(1) / 4), {np.float64: 11},
    ),
    **dict(parts_of_quotient("normal", scaled_normal_tail, 15, 5, 6)),
    **dict(parts_of_quotient("tanh_rest", lambda x: -tanh_tail(x), 81, 4, 5)),
    # For float32, computed in float64.
    "exp2_ratio_for_float": (
        lambda x: mpmath.expm1(x * mpmath.log(2)) / x, lambda x: abs(x / 2**x),
        (-mpf(1) / 2, mpf(1) / 2), {np.float64: 6},
    ),
    "erf_tail": (
        erf_tail, lambda x: mpmath.sqrt(x) / mpmath.erf(mpmath.sqrt(x)), (0, 1),
        {np.float32: 7, np.float64: 12},
    ),
    "erfc_ratio": (  # for x from 0 to 27.3
        erfc_ratio, lambda t: 1 / erfc_ratio(t), (-1, mpf(233) / 313), {np.float64: 23},
    ),
    "log1p_tail": (
        log1p_tail, lambda x: abs(x**3 / mpmath.log1p(x)), (mpf(-3) / 10, mpf(1) / 2),
        {np.float32: 9, np.float64: 20},
    ),
    "log1p_ratio": (
        log1p_ratio, lambda x: abs(x**2 / mpmath.log1p(x)), (mpf(-1) / 4, mpf(1) / 2),
        {np.float32: 9, np.float64: 21},
    ),
}  # fmt: skip
# Those whose first coefficient is the sum of two floats.
IN_TWO_PARTS = {"tanh_tail_alone", "normal_ratio"}
# How many digits say which float it is.
DIGITS = {np.float32: "{:.9g}", np.float64: "{:.17g}"}
MODULE = '''"""The polynomials of the kernels, from c0 on. Written by a program of the tests."""

# fmt: off
POLYNOMIALS = {{
{}}}
# What is left out for speed in float32 is not in float64.
POLYNOMIALS["float64"]["exp_tail_short"] = POLYNOMIALS["float64"]["exp_tail"]
'''


def split(value, dtype, bits):
    """A number as the float of its first bits, and the float of what that leaves."""
    high = mpmath.floor(value * 2**bits) / 2**bits
    rest = value - high
    return float(high), float(_rounded(rest, dtype))


def polynomials(dtype):
    """Name, coefficients (as floats, from the lowest power on) and what was fitted, of each."""
    for name, (function, weight, interval, count) in POLYNOMIALS.items():
        if dtype in count:
            fitted = function, weight, interval, range(count[dtype])
            floats = rounded_fit(*fitted, dtype, name in IN_TWO_PARTS)
            if name in IN_TWO_PARTS:
                fitted = *fitted[:3], [0, *fitted[3]]
            yield name, floats, fitted


def main():
    """Write the module on standard output, and errors and other constants on standard error."""
    tables = ""
    for dtype, bits in (np.float32, 15), (np.float64, 42):
        ln2 = [DIGITS[dtype].format(part) for part in split(mpmath.log(2), dtype, bits)]
        print("{}: ln2 = {}, ln2_lo = {}".format(dtype.__name__, *ln2), file=sys.stderr)
        tables += '    "{}": {{\n'.format(dtype.__name__)
        for name, floats, fitted in polynomials(dtype):
            error = largest_error(floats, *fitted) / mpf(float(np.finfo(dtype).eps))
            print("{} is within {} ULP".format(name, mpmath.nstr(error, 2)), file=sys.stderr)
            numbers = ", ".join(DIGITS[dtype].format(float(one)) for one in floats)
            text = '"{}": ({}),'.format(name, numbers)
            lines = textwrap.wrap(text, 100, initial_indent=" " * 8, subsequent_indent=" " * 12)
            tables += "\n".join(lines) + "\n"
        tables += "    },\n"
    sys.stdout.write(MODULE.format(tables))


if __name__ == "__main__":
    main()
