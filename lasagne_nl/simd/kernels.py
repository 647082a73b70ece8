"""The mathematics: exp, expm1, log, log1p, tanh, erf, erfc, sigmoid and softplus of float32 and
float64, and the programs of rows: softmax, its family and sparsemax.

A kernel is a function of numbers of `recorder`, and of the `Format` that they have. It is
straight-line code, without branches, calls and tables, so that a compiler vectorises a loop around
it for any instruction set, and needs no licence such as -ffast-math: NaN, infinities, signed zeros
and subnormal results are right. One formula serves both formats.

"Error" is the largest distance from the exact value in units in the last place, and the input that
causes it: for float32 over all 2^32 inputs, for float64 over 10^6 points and more. `make accuracy`
measures both anew.

What the formulas have in common: a number is carried as an unevaluated sum, high and low part (x
and x_lo), where rounding it once more would cost the result half a unit. A product that is added
to something is a `mad`, or is exact: so no compiler's contraction makes a difference.
"""

import numpy as np

from lasagne_nl.simd.coefficients import POLYNOMIALS
from lasagne_nl.simd.recorder import (
    FLOATS,
    bits,
    convert,
    equal,
    fma,
    increasing,
    kept_sum,
    largest,
    log_of_double,
    mad,
    number,
    rest,
    select,
    signed_min,
    totals,
)

INF, NAN = float("inf"), float("nan")


class Format:
    """What the kernels need to know of the floats of a dtype."""

    def __init__(self, dtype, log2e, log_of_2, ln2, ln2_lo, **bounds):
        self.dtype = dtype
        width = 8 * np.dtype(dtype).itemsize
        self.mantissa = np.finfo(dtype).nmant
        self.bias = 2 ** (width - self.mantissa - 2) - 1
        self.sign = 2 ** (width - 1)  # its bit
        self.largest = float(np.finfo(dtype).max)
        self.magic = 1.5 * 2.0**self.mantissa  # adding it rounds to an integer
        # ln2 has so few bits that its product with an exponent is exact; ln2_lo is the rest.
        self.log2e, self.log_of_2, self.ln2, self.ln2_lo = log2e, log_of_2, ln2, ln2_lo
        self.polynomials = POLYNOMIALS[dtype]
        # Where a result no longer depends on x; where an exponential is scaled, as it may be small;
        # the largest n log(2) for which n ln2 is exact; a number whose square is a float; and a
        # power of 2 times which exponentials of rows are no subnormal numbers.
        vars(self).update(bounds)

    def bits_of(self, x):
        """The bits of a number of Python."""
        return int(np.array(x, self.dtype).view(FLOATS[self.dtype]))


FORMATS = {
    "float32": Format(
        "float32", 1.44269504, 0.693147182, 0.693145752, 1.42860677e-06,
        exp_is_0=-105.0, exp_is_far=60.0, exp_is_inf=89.0, expm1_is_minus_1=-18.0,
        tanh_is_1=9.5, erf_is_far=0.5, most_reducible=354.0, tiny=2.0**-100, squarable=2.0**62,
        power=100,
    ),
    "float64": Format(
        "float64", 1.4426950408889634, 0.69314718055994531, 0.69314718055989033,
        5.4979230187083712e-14, exp_is_0=-746.0, exp_is_far=400.0, exp_is_inf=709.9,
        expm1_is_minus_1=-38.0, tanh_is_1=20.0, erf_is_far=1.0, most_reducible=1419.0,
        tiny=2.0**-900, squarable=2.0**510, power=130,
    ),
}  # fmt: skip


# --- what they share ---


def polynomial(coefficients, x, square=None):
    """c0 + x (c1 + x (c2 + ...)), or where it is long, or the square is there anyway, c0 + c1 x
    + x^2 (c2 + c3 x + ...): most of its time a processor waits for what comes before
    """
    if square is None and len(coefficients) >= 10:
        # The first step is one of its own, lest the sum be rounded twice.
        return mad(polynomial(coefficients[1:], x, x * x), x, coefficients[0])
    if square is None:
        result = coefficients[-1]
        for coefficient in coefficients[-2::-1]:
            result = mad(result, x, coefficient)
        return result
    pairs = [mad(b, x, x.of(a)) for a, b in zip(coefficients[::2], coefficients[1::2])]
    pairs += coefficients[2 * len(pairs) :]
    return polynomial(pairs, square, square * square if len(pairs) > 5 else None)


def sign(f, x):
    """The bit of the sign"""
    return bits(x) & f.sign


def absolute(f, x):
    return number(bits(x) ^ sign(f, x))


def copysign(f, x, y):
    """|x| with the sign of y"""
    return number(bits(absolute(f, x)) | sign(f, y))


def negate_if(f, y, x):
    """y, or -y where x is negative"""
    return number(bits(y) ^ sign(f, x))


def at_least(bound, x):
    """A bound on one side; NaN stays."""
    return select(x < bound, bound, x)


def at_most(bound, x):
    return select(x > bound, bound, x)


def cap(f, x, bound):
    """The one nearer to 0 of x and a bound of its sign, or x where that is positive and the bound
    is not; of NaN maybe the bound. Compilers make one instruction of this, of a comparison of
    floats two.
    """
    bound = bits(x.of(bound))
    return number(select(bits(x) < bound, bits(x), bound))


def within(f, x, low, high):
    """x, or the bound that it is beyond, one below 0 and one from 0 on; of NaN one of them.
    Compilers make an instruction of each.
    """
    return cap(f, number(signed_min(bits(x), bits(x.of(high)))), low)


def pow2(f, k):
    """2^n for a number k = n + bias + magic"""
    return number(bits(k) << f.mantissa)


def reduce(f, y, extra=0):
    """a, r, r_lo for y = n log(2) + r + r_lo with |r| <= log(2) / 2, where a = 2^(n + extra)"""
    return reduce_sum(f, y, None, f.magic + f.bias + extra)


def reduce_sum(f, y, y_lo, magic):
    """The same for y + y_lo, or y alone, where a = 2^(n + e) for magic = e + f.bias + f.magic"""
    return reduce_at(f, y, y_lo, mad(y, f.log2e, magic), magic)


def reduce_at(f, y, y_lo, k, magic):
    n = k - magic
    whole = mad(n, -f.ln2, y)  # exact
    w = whole if y_lo is None else whole + y_lo
    r = mad(n, -f.ln2_lo, w)
    a, r_lo = pow2(f, k), mad(n, -f.ln2_lo, w - r)
    return a, r, r_lo if y_lo is None else r_lo + ((whole - w) + y_lo)


def expm1_reduced(f, r, tail="exp_tail"):
    """exp(r) - 1 = p + p_lo"""
    square = r * r
    tail = polynomial(f.polynomials[tail], r, square)
    p = mad(square, tail, r)
    return p, mad(square, tail, r - p)


def exact_sum(a, b):
    """a + b = s + s_lo"""
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


def exact_product(a, b):
    """a b = p + p_lo"""
    p = a * b
    return p, -rest(a, b, p)


def remainder(x, q, d, d_lo):
    """x - q (d + d_lo), for a q that is nearly the quotient"""
    return mad(-q, d_lo, rest(q, d, x))


def rest_of_quotient(q, d, d_lo):
    """What 1 / (d + d_lo) is more than q, which is nearly that"""
    return q * remainder(1.0, q, d, d_lo)


def quotient(x, d, inverse, d_lo=None):
    """x / (d + d_lo), for an inverse of d that is not quite that"""
    q = x * inverse
    return mad(rest(q, d, x) if d_lo is None else remainder(x, q, d, d_lo), inverse, q)


def exp_of_sum(f, y, y_lo, magic, is_exact=False):
    """exp(y + y_lo) = e + e_lo, times a power of 2 as `reduce_sum` has it; there may be no y_lo. It
    is off by a quarter of a unit of e, or exact but for the polynomial.
    """
    a, r, r_lo = reduce_sum(f, y, y_lo, magic)
    p, p_lo = expm1_reduced(f, r)
    p_lo = r_lo + p_lo if is_exact else r_lo
    e = mad(a, p, a)
    return e, mad(a, p_lo, mad(a, p, a - e))


def sum_with_exp(f, one, a, r, r_lo=None, is_exact=False):
    """one + a exp(r + r_lo) = d + d_lo for powers of 2, exact but for the polynomial, or off by a
    quarter of a unit of the exponential, without r_lo by half of one
    """
    p, p_lo = expm1_reduced(f, r, "exp_tail_short")
    b = a + one
    b_lo = one - (b - a)
    d = mad(a, p, b)
    d_lo = mad(a, p, b - d) + b_lo
    if is_exact:
        r_lo = r_lo + p_lo
    return d, d_lo if r_lo is None else mad(a, r_lo, d_lo)


def log1p_parts(f, x, x_lo, n):
    """log(1 + x + x_lo) + n log(2) = high + low, for x from -0.3 to 0.5"""
    xx = x * x
    square, square_lo = -0.5 * xx, 0.5 * rest(x, x, xx)
    tail = mad(x * xx, polynomial(f.polynomials["log1p_tail"], x, xx), square_lo)
    base = n * f.ln2
    s = base + x
    s_lo = (base - s) + x
    high = s + square
    return high, (((s - high) + square) + s_lo) + (mad(n, f.ln2_lo, tail) + mad(-x, x_lo, x_lo))


def split(f, x):
    """x = 2^n m with 0.707 <= m < 1.414, for a positive normal x: n, m"""
    # 2^mantissa is added, lest the difference be negative.
    up = f.bias << f.mantissa
    exponent = (bits(x) + (up - f.bits_of(0.70703125))) >> f.mantissa
    m = number(bits(x) - (exponent << f.mantissa) + up)
    return number(exponent + f.bits_of(f.magic)) - (f.magic + f.bias), m


# --- in float64, for a float32 ---
# Fewer operations than to carry what float32 rounds, where there is much to carry.

WIDE = FORMATS["float64"]


def exp2_for_float(y, c):
    """2^(c y)"""
    magic = WIDE.magic + WIDE.bias
    k = mad(y, c, magic)
    a, r = pow2(WIDE, k), mad(y, c, magic - k)
    return mad(a * r, polynomial(WIDE.polynomials["exp2_ratio_for_float"], r), a)


def quotient_for_float(name, x):
    """Of two of the polynomials, by the beginning of their names"""
    above, below = (
        polynomial(WIDE.polynomials[name + part], x) for part in ("_numerator", "_denominator")
    )
    return above / below


def normal_tail_for_float(v):
    """Phi(-v) exp(v^2 / 2) and exp(-v^2 / 2) for v from 0 to 15"""
    return quotient_for_float("normal", v), exp2_for_float(v * v, -0.5 * WIDE.log2e)


# --- the kernels ---


def is_inf(f, x):
    return equal(bits(absolute(f, x)), f.bits_of(INF))


def exp(f, x):
    """exp(x).  Error: float32 0.676, -0x1.b610dep+4; float64 0.679, -0x1.555fff182f272p+8."""
    y = within(f, x, f.exp_is_0, f.exp_is_inf)
    # 2^n may be no float: multiply in two steps, of which at most the second rounds.
    step, back = select(x < 0, x.of(64.0), -64.0), select(x < 0, x.of(2.0**-64), 2.0**64)
    a, r, r_lo = reduce(f, y, step)
    e, square = 1 + r, r * r
    s = mad(square, polynomial(f.polynomials["exp_tail"], r, square), r_lo)
    e = e + (((1 - e) + r) + s)
    return select(x <= INF, (e * a) * back, x)


def exp_below_0(f, x):
    """exp(x) for x <= 0, else 1; of NaN 1, or 0.  Error: float32 0.83; float64 0.95."""
    a, r, _ = reduce(f, within(f, x, f.exp_is_0, 0.0), 64)
    p, _ = expm1_reduced(f, r, "exp_tail_short")
    return mad(a, p, a) * 2.0**-64


def expm1(f, x):
    """expm1(x).  Error: float32 0.840, 0x1.673946p-2; float64 1.035, 0x1.90fe1007c0792p-2."""
    y = within(f, x, f.expm1_is_minus_1, f.exp_is_inf)
    a, r, r_lo = reduce(f, y, -1)  # half of it, as 2^n may be no float
    p, p_lo = expm1_reduced(f, r)
    b, b_lo = exact_sum(a, -0.5)
    t = mad(a, p, b)
    t_lo = mad(a, p_lo + r_lo, mad(a, p, b - t) + b_lo)
    return select(absolute(f, x) >= f.tiny, (t + t_lo) * 2, x)


def expm1_below_0(f, x):
    """expm1(x) = t + t_lo for x < 0; of NaN what it is far from 0.
    Error of the sum: float32 0.827, -0x1.250f1cp-2; float64 0.947, -0x1.728785af1f08p-2.
    """
    a, r, _ = reduce(f, cap(f, x, f.expm1_is_minus_1))  # r_lo would mend a tenth of a unit
    p, p_lo = expm1_reduced(f, r, "exp_tail_short")
    b = a - 1
    b_lo = (-1 - b) + a
    t = mad(a, p, b)
    return t, mad(a, p_lo, mad(a, p, b - t) + b_lo)


def scaled_expm1(f, x, c, d=None):
    """c expm1(x) for x < 0, or c d expm1(x), as if rounded once"""
    t, t_lo = expm1_below_0(f, x)
    if d is None:
        return fma(c, t, c * t_lo)
    e = c * d
    return fma(e, t, mad(e, t_lo, -rest(c, d, e) * t))


def half_exp_of_double(f, v):
    """exp(2 v) / 2 = a (1 + p) for v >= 0: a, a power of 2, and p"""
    magic = f.magic + f.bias - 1
    w = cap(f, v, f.tanh_is_1)
    k = mad(w, 2 * f.log2e, magic)
    p, _ = expm1_reduced(f, rest(k - magic, f.log_of_2, w + w), "exp_tail_short")
    return pow2(f, k), p


def tanh(f, x):
    """tanh(x).  Error: float32 0.929, 0x1.d3b48cp-1; float64 0.979, -0x1.00068b1b26dd9p+0."""
    v = absolute(f, x)
    # Far from 0 it is 1 - 2 / (exp(2 v) + 1), of which the second part is small, and so are its
    # errors.
    a, p = half_exp_of_double(f, v)
    far = 1 - 1 / mad(a, p, a + 0.5)
    z = v * v
    near = fma(v * z, polynomial(f.polynomials["tanh_tail"], z), v)
    return negate_if(f, select(v >= 1, far, near), x)


def exp_plus_1(f, x, factor=None):
    """(exp(|x|) + 1) one = d + d_lo, and the power of 2; or of |x| times a factor, a product that
    is not rounded. Where it is bounded its inverse, times 1e10, is 0.
    """
    power, most = (64, 130.0) if f.dtype == "float32" else (128, 790.0)
    one, magic = 2.0**-power, f.magic + (f.bias - power)
    if factor is not None:
        most = at_most(f.largest, most / factor)
    v = cap(f, absolute(f, x), most)
    k = mad(v, f.log2e if factor is None else factor * f.log2e, magic)
    n = k - magic
    whole = mad(n, -f.ln2, v) if factor is None else fma(v, factor, n * -f.ln2)
    a, (p, _) = pow2(f, k), expm1_reduced(f, mad(n, -f.ln2_lo, whole), "exp_tail_short")
    q = mad(a, p, x.of(one))
    d = a + q
    return d, (a - d) + q, one


# s (1 - s) for s = sigmoid(-|x|), which is at most 1/2: nothing cancels, and no error grows.


def slope_of_sigmoid(f, x):
    """s (1 - s) for s = sigmoid(x).  Error: float32 2.00, 0x1.c906e2p+0; float64 1.90,
    -0x1.0a9a151c580f6p+2.
    """
    d, _, one = exp_plus_1(f, x)
    s = one / d
    return select(x <= INF, mad(-s, s, s), x)


def slope_of_tanh(f, x):
    """1 - tanh(x)^2.  Error: float32 2.00, 0x1.c906e2p-1; float64 1.90,
    -0x1.0a9a151c580f6p+1.
    """
    d, _, one = exp_plus_1(f, 2 * x)
    four_s = 4 * one / d
    return select(x <= INF, mad(-four_s, 0.25 * four_s, four_s), x)


def _erfc_above_0(f, v):
    """erfc(v) for v >= 0, as a and b, of which it is the product, in float64"""
    if f.dtype == "float32":
        tail, e = normal_tail_for_float(convert(at_most(10.5, v), "float64") * 2.0**0.5)
        return tail, e + e
    x = at_most(27.3, v)
    square, square_lo = exact_product(x, x)
    a, r, r_lo = reduce(f, -square, 64)
    r = r + (r_lo - square_lo)
    p, _ = expm1_reduced(f, r)
    # 1 / (1 + 2 x) = w + w_lo, and t: the two quotients from one
    c, d = x + 4, mad(2.0, x, 1.0)
    d_lo = mad(2.0, x, 1 - d)
    inverse = 1 / (c * d)
    w = inverse * c
    w_lo = rest_of_quotient(w, d, d_lo)
    t, (c0, *others) = quotient(x - 4, c, inverse * d), f.polynomials["erfc_ratio"]
    q = polynomial(others, t)
    ratio = mad(q, t, c0)
    ratio_lo = mad(q, t, c0 - ratio)  # what the sum was rounded by
    g = w * ratio
    g_lo = mad(w, ratio_lo, mad(w_lo, ratio, -rest(w, ratio, g)))
    return (g + mad(g, p, mad(g_lo, p, g_lo))) * a, 2.0**-64


def _erf_near_0(f, v):
    return mad(v, polynomial(f.polynomials["erf_tail"], v * v), v)


def erf(f, x):
    """erf(x).  Error: float32 0.639, 0x1.b6c1fap-2; float64 1.195, 0x1.feee54b9bd5a4p-1."""
    v = absolute(f, x)
    a, b = _erfc_above_0(f, v)
    far = convert(mad(-a, b, 1.0), f.dtype)
    return negate_if(f, select(v >= f.erf_is_far, far, _erf_near_0(f, v)), x)


def erfc(f, x):
    """1 - erf(x).  Error: float32 0.636, 0x1.8bd73ap+0; float64 1.559, 0x1.1ab99b70d74f2p-1."""
    v = absolute(f, x)
    a, b = _erfc_above_0(f, v)
    far = convert(select(x < 0, mad(-a, b, 2.0), a * b), f.dtype)
    if f.dtype == "float32":
        return far
    # Next to 0 the error of t would weigh most; for a float32 there is none.
    return select(v < 0.5, 1 - negate_if(f, _erf_near_0(f, v), x), far)


def sigmoid(f, x):
    """1 / (1 + exp(-x)).  Error: float32 0.974, -0x1.f3666ap+3; float64 0.944,
    -0x1.4ce2497c6f488p+9.
    """
    y = -within(f, x, f.exp_is_0, -f.expm1_is_minus_1)
    # All times 2^-64 (a float64 twice, lest the halves of `rest` overflow): so 2^n stays finite,
    # and the division rounds to the subnormal result.
    power = 64 if f.dtype == "float32" else 128
    one = 2.0**-power
    d, d_lo = sum_with_exp(f, one, *reduce(f, y, -power)[:2])
    q = one / d
    return select(x <= INF, mad(remainder(one, q, d, d_lo), q * 2.0**power, q), x)


def softplus(f, x):
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
    Error: float32 0.947, -0x1.6f50fcp-1; float64 0.929, -0x1.61ada845b1f0dp+9.
    """
    is_positive = x > 0
    y = number(bits(within(f, x, f.exp_is_0, 64.0)) | f.sign)
    # u = exp(y), by way of 2^64 u, which is no subnormal.
    a, r, _ = reduce(f, y, 64)
    p, p_lo = expm1_reduced(f, r, "exp_tail_short")
    u = mad(a, p, a)
    u_lo = mad(a, p_lo, mad(a, p, a - u))
    u, u_lo = u * 2.0**-64, u_lo * 2.0**-64
    # 1 + u = 2^n (1 + w), of which the log is n log(2) + w + w t; u_lo is to be over 1 + u, nearly.
    is_large = y > -f.log_of_2
    base, w = select(is_large, x.of(f.log_of_2), 0.0), select(is_large, mad(0.5, u, x.of(-0.5)), u)
    # In float32 the rest of log(2) is a thirtieth of a unit.
    base_lo = f.ln2_lo - (f.log_of_2 - f.ln2) if f.dtype == "float64" else 0.0
    t = w * polynomial(f.polynomials["log1p_ratio"], w)
    low = mad(u_lo, mad(-0.5, u, x.of(1.0)), select(is_large, x.of(base_lo), 0.0))
    low = mad(w, t, low)
    # No part is smaller than the next one, or it is 0, for which there are no remainders either.
    above = select(is_positive, x, 0.0)
    b = base + above
    s = b + w
    low = (((base - b) + above) + ((b - s) + w)) + low
    return select(x < INF, s + low, x)


def log(f, x):
    """log(x).  Error: float32 0.633, 0x1.69c758p+0; float64 0.642, 0x1.6697273928e57p+0."""
    small = x < float(np.finfo(f.dtype).tiny)
    n, m = split(f, select(small, x * 2.0**54, x))
    n = select(small, n - 54, n)
    high, low = log1p_parts(f, m - 1, 0.0, n)
    y = select(x < INF, high + low, x)  # inf and NaN
    y = select(equal(x, 0.0), -INF, y)
    return select(x < 0, NAN, y)


def log1p(f, x):
    """log(1 + x).  Error: float32 0.852, -0x1.33b402p-2; float64 0.802, -0x1.327215a29e501p-2."""
    u, u_lo = exact_sum(1.0, x)
    n, m = split(f, u)
    scale = pow2(f, f.magic + f.bias - at_most(100.0, n))
    # Near 0 the sum 1 + x would lose what x has.
    whole = equal(n, 0.0)
    high, low = log1p_parts(f, select(whole, x, m - 1), select(whole, 0.0, u_lo * scale), n)
    y = select(x < INF, high + low, x)
    y = select(equal(x, -1.0), -INF, y)
    y = select(equal(x, 0.0), x, y)
    return select(x < -1, NAN, y)


# --- the programs of rows ---
# A program makes the elements of a result of those of rows: `totals`, `largest` and `kept_sum` are
# a pass over the row each, and the result is one more. One that yields several results says of
# each when it is right. Exponentials are times 2^64 or more, lest they be subnormal, with which
# processors take very long.


def exp_near_1(f, x, shift, least, magic):
    """2^64 exp(x - shift) times a power of 2, which is in `magic` as `reduce_sum` has it; 0 for
    what is below `least`
    """
    z = x - shift
    is_0 = z < least
    # For what is below it is enough that a is no small number.
    a, r, _ = reduce_at(f, z, None, select(is_0, magic, mad(z, f.log2e, magic)), magic)
    p, _ = expm1_reduced(f, r, "exp_tail_short")
    return select(is_0, 0.0, mad(a, p, a))


def exp_below(f, x, most):
    """2^64 exp(x - most): 2^64 for the largest of a row"""
    return exp_near_1(f, x, most, f.exp_is_0, f.magic + f.bias + 64)


def _exponentials(f, x):
    """2^64 exp(x) / 2^n, which is about 2^64 for the largest of a row; the sum, not times 2^64; the
    largest x, and what it becomes.

    Nothing is subtracted and rounded: either n log(2) is exact for all x that count, or their
    differences from the largest are.
    """
    most, magic = largest(x), f.magic + f.bias + 64
    is_exact = (most >= -f.most_reducible - f.exp_is_0) & (most <= f.most_reducible)
    shift = select(is_exact, 0.0, most)
    least = select(is_exact, most + f.exp_is_0, f.exp_is_0)
    magic = select(is_exact, magic - (mad(most, f.log2e, f.magic) - f.magic), magic)
    e, total = kept_sum(exp_near_1(f, x, shift, least, magic))
    return e, total * 2.0**-64, most, exp_near_1(f, most, shift, least, magic)


def exp_near_0(f, x):
    """2^power exp(x) for x up to 18, and as of 18 for more, and maybe for NaN; 0 for what does not
    count beside an x near 0
    """
    least = -150.0 if f.dtype == "float32" else -790.0
    y = number(signed_min(bits(x), bits(x.of(18.0))))
    return exp_near_1(f, y, 0.0, least, f.magic + f.bias + f.power)


def _sum_near_0(f, total):
    """The sum of such exponentials, not times 2^power, and whether it is right: the largest x, of
    which nothing was known, is near 0, and nothing is NaN.
    """
    total = total * 2.0**-f.power
    return total, (total > 2.0**-40) & (total < 2.0**20)


def _divided(f, e, total, power=64):
    """e / 2^power / total, as if by the factor 1 / total in twice the precision"""
    inverse = 1 / total
    factor = convert(inverse, f.dtype)
    factor_lo = (inverse - convert(factor, "float64")) + rest(inverse, total, 1.0) * inverse
    return fma(e, factor, e * convert(factor_lo, f.dtype)) * 2.0**-power


def softmax(f, x):
    e, total = kept_sum(exp_near_0(f, x))
    total, is_right = _sum_near_0(f, total)
    yield _divided(f, e, total, f.power), is_right
    e, total, *_ = _exponentials(f, x)
    yield _divided(f, e, total), None


def _log_of_sum(total, largest_e):
    # A sum of little more than its largest part: what this part was rounded by cancels.
    return log_of_double(total / convert(largest_e, "float64"))


def log_softmax(f, x):
    def below(most, log):
        # Not x - (most + log), where a large one would swallow the log.
        return convert(convert(x, "float64") - convert(most, "float64") - log, f.dtype)

    total, most = totals(exp_near_0(f, x), largest_of=x)
    _, is_right = _sum_near_0(f, total)
    yield below(most, _log_of_sum(total, exp_near_0(f, most))), is_right
    most = largest(x)
    (total,) = totals(exp_below(f, x, most))
    yield below(most, log_of_double(total * 2.0**-64)), None


def crossentropy(f, x):
    """softmax, minus the log of its largest entry, and the largest x"""
    e, whole, most = kept_sum(exp_near_0(f, x), largest_of=x)
    total, is_right = _sum_near_0(f, whole)
    loss = _log_of_sum(whole, exp_near_0(f, most))
    yield (_divided(f, e, total, f.power), loss, convert(most, "float64")), is_right
    e, total, most, largest_e = _exponentials(f, x)
    loss = _log_of_sum(total, largest_e * 2.0**-64)
    yield (_divided(f, e, total), loss, convert(most, "float64")), None


def softmax_grad(f, g, s):
    """The gradient of softmax s for the incoming gradient g"""
    (dot,) = totals(convert(g, "float64") * convert(s, "float64"))
    if f.dtype == "float64":
        return (g - dot) * s
    # Where s is nearly 1 the difference is small: it is not to be rounded before.
    high = convert(dot, "float32")
    return ((g - high) - convert(dot - convert(high, "float64"), "float32")) * s


def log_softmax_grad(f, g, x):
    """The gradient of log_softmax of x for the incoming gradient g: g - factor exp(x)"""

    def gradient(e, total, power=64):
        factor = convert(totals(g)[0] / total, f.dtype)
        # Of 2^-power, what would make the factor subnormal is for e.
        is_small = absolute(f, factor) < 2.0 ** (power - 124)
        unit = select(is_small, factor.of(2.0**-power), 1.0)
        return mad(-(e * unit), factor * (2.0**-power / unit), g)

    e, total = kept_sum(exp_near_0(f, x))
    total, is_right = _sum_near_0(f, total)
    yield gradient(e, total, f.power), is_right
    e, total, *_ = _exponentials(f, x)
    yield gradient(e, total), None


def sparsemax(f, x):
    """What is above a threshold, less that, and 0 for the others, such that all sum to 1. By
    Newton's method for a convex function of the threshold, from the left; the more are left out,
    the fewer steps there are.
    """
    below = convert(x, "float64") - convert(largest(x), "float64")

    def step(threshold):
        is_out = below <= threshold  # not so for NaN, of which all becomes NaN
        total, count = totals(select(is_out, 0.0, below), select(is_out, below.of(0.0), 1.0))
        return (total - 1) / count

    threshold = increasing(-1.0, step)
    return select(below <= threshold, 0.0, convert(below - threshold, f.dtype))


def sparsemax_grad(f, g, p):
    """The gradient of sparsemax p for the incoming gradient g: g less its mean where p > 0"""
    wide, is_in = convert(g, "float64"), p > 0
    total, count = totals(select(is_in, wide, 0.0), select(is_in, wide.of(1.0), 0.0))
    return select(p <= 0, 0.0, g - convert(total / count, f.dtype))
