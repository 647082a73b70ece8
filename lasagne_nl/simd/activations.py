"""Activations, each as one kernel, named as in `lasagne_nl.nonlinearities`, and its slope times the
incoming gradient g, with "_slope" behind the name.

They are written as those of `kernels` are, in whose terms their errors are given; that of a slope
is for g = 1, where the slope is not next to 0, and otherwise in units of 1. Naming one here is
enough: `recognition` finds the activation in a graph by its own expression, and puts the kernel in
its place. At its edges a kernel is what the expression is: where a switch is not taken it is 0,
whatever g is, and NaN stays.
"""

import inspect
from decimal import Decimal

import numpy as np

from lasagne_nl.simd import kernels
from lasagne_nl.simd.kernels import (
    INF,
    WIDE,
    absolute,
    at_least,
    at_most,
    cap,
    copysign,
    exact_product,
    exact_sum,
    exp2_for_float,
    exp_below_0,
    exp_of_sum,
    exp_plus_1,
    expm1_below_0,
    expm1_reduced,
    half_exp_of_double,
    is_inf,
    log1p_parts,
    negate_if,
    normal_tail_for_float,
    polynomial,
    pow2,
    quotient,
    quotient_for_float,
    reduce,
    reduce_sum,
    remainder,
    rest_of_quotient,
    scaled_expm1,
    sign,
    sum_with_exp,
    within,
)
from lasagne_nl.simd.recorder import (
    Value,
    bits,
    convert,
    equal,
    fma,
    mad,
    number,
    rest,
    select,
    sqrt,
)

# --- in float64, for a float32 ---


def _within(f, x, low, high):
    """A float32 within two bounds, as a float64"""
    return convert(within(f, x, low, high), "float64")


def _unless_nan(x, y):
    """y, or NaN where x is"""
    return select(x <= INF, y, x)


# --- kinks ---


def _product(f, a, x):
    """a x, but 0 where a is 0 and x infinite"""
    return select(equal(a, 0.0) & is_inf(f, x), 0.0, a * x)


def _three_ways(f, x, at, below, above):
    """The slope of two pieces, whose mean it is at the point between them"""
    middle = mad(0.5, above, mad(0.5, below, -absolute(f, x - at)))  # NaN where x is NaN
    return select(x > at, above, select(x < at, below, middle))


def rectify(f, x):
    return select(x <= 0, 0.0, x)


def rectify_slope(f, x, g):
    return _three_ways(f, x, 0.0, g.of(0.0), g)


def LeakyRectify(f, x, leakiness):
    return select(x > 0, x, _product(f, leakiness, x))


def LeakyRectify_slope(f, x, leakiness, g):
    return _three_ways(f, x, 0.0, leakiness * g, g)


def _or_nan(x, *parameters):
    """x, or NaN where a parameter is, which no comparison shows"""
    for one in parameters:
        x = x - select(one <= INF, one.of(0.0), one)
    return x


def HardTanh(f, x, min_value, max_value):
    inside = _or_nan(x, min_value, max_value)
    return select(x <= min_value, min_value, select(x >= max_value, max_value, inside))


def HardTanh_slope(f, x, min_value, max_value, g):
    is_inside, is_outside = (x > min_value) & (x < max_value), (x < min_value) | (x > max_value)
    return select(is_outside, 0.0, select(is_inside, g, mad(g, 0.5, x - x)))


def ClippedRectify(f, x, max_value):
    return HardTanh(f, x, x.of(0.0), max_value)


def ClippedRectify_slope(f, x, max_value, g):
    return HardTanh_slope(f, x, x.of(0.0), max_value, g)


def HardSigmoid(f, x, slope, zero, one):
    y, y_lo = exact_sum(x, -zero)
    inside = mad(y, slope, y_lo * slope)
    return select(x <= zero, 0.0, select(x >= one, 1.0, inside))


def HardSigmoid_slope(f, x, slope, zero, one, g):
    return HardTanh_slope(f, x, zero, one, slope * g)


def hard_sigmoid(f, x):
    y = x + 3
    inside = mad(y, 1 / 6.0, ((3 - y) + x) * (1 / 6.0))
    return select(x <= -3, 0.0, select(x >= 3, 1.0, inside))


def hard_sigmoid_slope(f, x, g):
    return HardTanh_slope(f, x, x.of(-3.0), x.of(3.0), g * (1 / 6.0))


def hard_silu(f, x):
    """Error: float32 1.000; float64 1.000."""
    y = x + 3
    z, z_lo = exact_product(x, y)
    inside = mad(z, 1 / 6.0, mad(x, (3 - y) + x, z_lo) * (1 / 6.0))
    return select(x <= -3, 0.0, select(x >= 3, x, copysign(f, inside, x)))


def hard_silu_slope(f, x, g):
    inside = g * (mad(2.0, x, x.of(3.0)) * (1 / 6.0))
    return _three_ways(
        f, x, 3.0, select(x < 3, _three_ways(f, x, -3.0, g.of(0.0), inside), inside), g
    )


def sparse_plus(f, x):
    y = x + 1
    inside = 0.25 * mad(y, y, 2 * y * ((1 - y) + x))
    return select(x <= -1, 0.0, select(x >= 1, x, inside))


def sparse_plus_slope(f, x, g):
    return select(x <= -1, 0.0, select(x >= 1, g, g * mad(0.5, x, x.of(0.5))))


def sparse_sigmoid(f, x):
    return select(x <= -1, 0.0, select(x >= 1, 1.0, mad(0.5, x, x.of(0.5))))


def sparse_sigmoid_slope(f, x, g):
    return HardTanh_slope(f, x, x.of(-1.0), x.of(1.0), 0.5 * g)


def HardShrink(f, x, threshold):
    y = _or_nan(x, threshold)
    return select(x <= threshold, 0.0, y) + select(x >= -threshold, 0.0, y)


def SoftShrink(f, x, threshold):
    above, below = x - threshold, x + threshold
    return select(x <= threshold, 0.0, above) + select(x >= -threshold, 0.0, below)


def SoftShrink_slope(f, x, threshold, g):
    zero = g.of(0.0)
    return _three_ways(f, x, threshold, zero, g) + _three_ways(f, x, -threshold, g, zero)


HardShrink_slope = SoftShrink_slope


def Threshold(f, x, threshold, value):
    return select(x <= threshold, value, _or_nan(x, threshold))


def Threshold_slope(f, x, threshold, g):
    return _three_ways(f, x, threshold, g.of(0.0), g)


# --- with a square root ---


def _halves(f, x, b):
    """v = |x / 2|, w, which is v or a bound for its square, c = b / 4, or NaN if that is below 0,
    z = w^2 + c, its root h, and what h^2 leaves of z
    """
    v, c = absolute(f, 0.5 * x), select(b >= 0, 0.25 * b, sqrt(b))
    w = cap(f, v, f.squarable)
    z = mad(w, w, c)
    h = sqrt(z)
    return v, w, c, z, h, rest(h, h, z)


def Squareplus(f, x, b):
    """Error for b from 0.001 to 1e6: float32 0.938; float64 0.908."""
    v, w, c, z, h, left = _halves(f, x, b)
    left = left + mad(w, w, c - z)  # what z was rounded by, or nearly
    h = select(v > h, v, h)  # v, where that is beyond the bound
    d = h + v
    inverse = 1 / d
    # h_lo is left / (2 h), for which left / (2 d) is near enough.
    d_lo = mad(0.5 * inverse, left, v - (d - h))
    # The sum in the formula would cancel below 0.
    y = select(x > 0, d + d_lo, quotient(c, d, inverse, d_lo))
    return select(equal(x, -INF), 0.0, select(x <= f.squarable, y, x))


def Squareplus_slope(f, x, b, g):
    """Error: float32 1.50; float64 1.46. It is 0 where it is below b / 2^126."""
    # Below 0 it is c / (2 h (h + w)), and above 0 1 less that.
    _, w, c, _, h, left = _halves(f, x, b)
    d = h + w
    p = h * d
    inverse = 1 / p
    h_lo = 0.5 * (d * inverse) * left  # of which d / p is 1 / h
    p_lo = mad(h, h_lo + (w - (d - h)), mad(h_lo, d, -rest(h, d, p)))
    q = quotient(0.5 * c, p, inverse, p_lo)
    # The sum has a compiler read all of g, not only what the product needs: that is prefetched.
    slope = select(x <= INF, g * select(x > 0, 1 - q, q), g + x)
    return select(x < -f.squarable, 0.0, slope)


# --- with an exponential below 0 ---


def elu(f, x):
    """Error: float32 0.827; float64 0.947."""
    t, t_lo = expm1_below_0(f, x)
    return select(x < 0, t + t_lo, x)


def elu_slope(f, x, g):
    """Error: float32 0.983; float64 0.991."""
    return select(x > 0, g, g * _unless_nan(x, exp_below_0(f, x)))


def _signed(f, y, c):
    """y, which may be 0, as a negative number times c"""
    return number(bits(y) | (sign(f, c) ^ f.sign))


def SELU(f, x, scale, scale_neg):
    below = _signed(f, scaled_expm1(f, x, scale, scale_neg), scale * scale_neg)
    return select(x < 0, below, _product(f, scale, x))


def SELU_slope(f, x, scale, scale_neg, g):
    below = scale_neg * (g * _unless_nan(x, exp_below_0(f, x)))
    return scale * select(x > 0, g, below)


def ELU(f, x, alpha):
    return select(x < 0, _signed(f, scaled_expm1(f, x, alpha), alpha), x)


def ELU_slope(f, x, alpha, g):
    below = alpha * (g * _unless_nan(x, exp_below_0(f, x)))
    return select(equal(x, 0.0), mad(0.5, g, 0.5 * below), select(x > 0, g, below))


def _ratio(f, x, alpha):
    """x / alpha = q + q_lo"""
    inverse = 1 / alpha
    q = x * inverse
    return q, mad(rest(q, alpha, x), inverse, 0.0)


def CELU(f, x, alpha):
    """Error for alpha from 0.001 to 40: float32 0.989; float64 0.962."""
    q, q_lo = _ratio(f, x, alpha)
    # Half of exp(q) - 1, as exp(q) may be no float, for a negative alpha.
    y = within(f, q, f.expm1_is_minus_1, f.exp_is_inf)
    a, r, r_lo = reduce_sum(f, y, q_lo, f.magic + (f.bias - 1))
    p, p_lo = expm1_reduced(f, r)
    b, b_lo = exact_sum(a, x.of(-0.5))
    t = mad(a, p, b)
    t_lo = mad(a, p_lo + r_lo, mad(a, p, b - t) + b_lo)
    z, z_lo = exact_product(2 * alpha, t)
    z = select(is_inf(f, z), z, z + mad(2 * alpha, t_lo, z_lo))
    z = select(q < f.expm1_is_minus_1, -alpha, select(q > f.exp_is_inf, alpha * INF, z))
    return select((x > 0) | (absolute(f, q) < f.tiny), x, z)


def CELU_slope(f, x, alpha, g):
    """Error for alpha = 0.3: float32 0.792; float64 0.813."""
    q, q_lo = _ratio(f, x, alpha)
    # Where the exponential may be no float it is times a power of 2.
    far, bias = f.exp_is_far, f.magic + f.bias
    magic = select(q < -far, x.of(bias + 64), select(q > far, x.of(bias - 64), bias))
    e, e_lo = exp_of_sum(
        f,
        within(f, q, f.exp_is_0, f.exp_is_inf),
        select(q < f.exp_is_0, 0.0, select(q > f.exp_is_inf, 0.0, q_lo)),
        magic,
    )
    y = (g * (e + e_lo)) * pow2(f, 2 * bias - magic)
    below = select((q > f.exp_is_inf) & (absolute(f, g) > 0), g * INF, y)
    return select(x > 0, g, below)


# --- with tanh ---


def ScaledTanH(f, x, scale_in, scale_out):
    """As if rounded once.
    Error for 1.7159 tanh(2 / 3 x): float32 1.000 (0.9998), 0x1.bf81fep-126, next to the subnormals;
    float64 0.998, 0x1.8aa810a0ec5cp-1.
    """
    b, s = absolute(f, scale_in), select(scale_in < 0, -scale_out, scale_out)
    e, e_lo = exact_product(b, s)
    v = at_most(f.largest, absolute(f, x))  # a scale of 0 times infinity is 0
    w = cap(f, v, f.tanh_is_1 / b)
    # Far from 0: exp(-2 b w) = a (1 + p), where b w is not rounded.
    magic = f.magic + f.bias
    k = mad(w, b * (-2 * f.log2e), magic)
    n = k - magic
    r = mad(n, -f.ln2_lo, fma(w, -2 * b, n * -f.ln2))
    a, (p, _) = pow2(f, k), expm1_reduced(f, r, "exp_tail_short")
    # s tanh(b w) = 2 q - s for the quotient q of s and d + d_lo = 1 + exp(-2 b w)
    d = mad(a, p, a + 1)
    d_lo = mad(a, p, (1 - d) + a)
    # What the division left, over d, or nearly: from 1 to 1.37 this line is within 1.5 % of 2 / d,
    # and nearest to it at 1.36, where that weighs most.
    q = s / d
    left = remainder(s, q, d, d_lo)
    far = fma(left, mad(-1.4, d, 3.3745), mad(2.0, q, -s))
    u = v * b
    y = u * u
    near = fma(v, e, v * mad(e * y, polynomial(f.polynomials["tanh_tail_short"], y), e_lo))
    return negate_if(f, select(u >= 0.5, far, near), x)


def ScaledTanH_slope(f, x, scale_in, scale_out, g):
    """Error for scale_in from 0.1 to 40: float32 1.93; float64 1.61."""
    c, c_lo = exact_product(scale_in, scale_out)
    d, d_lo, one = exp_plus_1(f, x, 2 * absolute(f, scale_in))
    s = 1 / d  # over one, as the factor may be large
    left = remainder(1.0, s, d, d_lo)
    h = mad(4 * c, s, s * mad(4 * c, left, 4 * c_lo))
    return g * select(x <= INF, mad(-h, mad(s, left, s) * one, h) * one, x)


def _series(f, name, x):
    """The sum of a polynomial whose first coefficient has two parts, as a sum of two"""
    first, first_lo, second, *others = f.polynomials[name]
    tail = polynomial(others, x)
    slope = mad(tail, x, second)
    slope_lo = mad(tail, x, second - slope)
    y = mad(slope, x, first)
    return y, mad(slope, x, first - y) + mad(slope_lo, x, first_lo)


def _rest_of_tanh(f, v):
    """1 - tanh(v) = r + r t for v >= 1: r, t"""
    a, p = half_exp_of_double(f, v)
    b = a + 0.5
    d = mad(a, p, b)
    r = 1 / d
    return r, remainder(1.0, r, d, mad(a, p, b - d))


def tanh_shrink(f, x):
    """Error: float32 0.646; float64 1.084."""
    v = absolute(f, x)
    if f.dtype == "float32":
        w = _within(f, x, -9.0, 9.0)
        # x^3 p / q; from 9 on tanh is 1 to all digits of the difference.
        near = convert(w * w * w * quotient_for_float("tanh_rest", w * w), "float32")
        return select(v < 9, near, x - copysign(f, x.of(1.0), x))
    z, z_lo = exact_product(v, v)
    s, s_lo = _series(f, "tanh_tail_alone", z)
    # Times 2^40, lest what is rounded be no normal number.
    w = v * 2.0**40
    p, p_lo = exact_product(w, z)
    near, near_lo = exact_product(p, -s)
    near = near + (near_lo - mad(p, s_lo, s * mad(w, z_lo, p_lo)))
    whole = v - 1
    r, t = _rest_of_tanh(f, v)
    far = whole + r
    far = far + mad(r, t, (whole - far) + r)
    far = select(is_inf(f, v), v, far)
    return negate_if(f, select(v >= 1, far, near * 2.0**-40), x)


def tanh_shrink_slope(f, x, g):
    """Error: float32 1.46; float64 1.64."""
    v = absolute(f, x)
    z = v * v
    p, cube = polynomial(f.polynomials["tanh_tail"], z), v * z
    t = mad(cube, p, v)
    near = mad(t, t, (t + t) * mad(cube, p, v - t))
    r, _ = _rest_of_tanh(f, v)
    return g * select(v >= 1, mad(r, r - 2, r.of(1.0)), near)


def softsign(f, x):
    """Error: float32 0.500; float64 0.500."""
    v = absolute(f, x)
    d, d_lo = exact_sum(v, v.of(1.0))
    q = quotient(v, d, 1 / d, d_lo)
    return copysign(f, select(v > 2.0**60, 1.0, q), x)


def softsign_slope(f, x, g):
    """Error: float32 0.982; float64 0.840."""
    v = at_most(2.0 ** (100 if f.dtype == "float32" else 600), absolute(f, x))
    d, d_lo = exact_sum(v, v.of(1.0))
    q = 1 / d
    q_lo = rest_of_quotient(q, d, d_lo)
    return g * mad(q, q, 2 * q * q_lo)


# --- with the sigmoid of beta x ---


def _over(x, d, d_lo):
    """x / (d + d_lo)"""
    q = 1 / d
    return mad(x, q, (x * q) * remainder(1.0, q, d, d_lo))


def _gated(f, x, y, y_lo=None):
    """x / (1 + exp(y + y_lo))"""
    # The divisor is times 2^-power, as it may be no float; so is x where the quotient might
    # overflow, and elsewhere the quotient.
    power, most, large = (84, 143.0, 2.0**40) if f.dtype == "float32" else (512, 1040.0, 2.0**500)
    is_large, back = absolute(f, x) > large, 2.0**-power
    z = within(f, y, f.expm1_is_minus_1, most)
    magic = f.magic + (f.bias - power)
    reduced = reduce_sum(f, z, y_lo, magic)
    d, d_lo = sum_with_exp(f, back, *reduced, is_exact=y_lo is not None)
    q = _over(x * select(is_large, x.of(back), 1.0), d, d_lo) * select(is_large, x.of(1.0), back)
    return select(y < f.expm1_is_minus_1, x, select(y > most, 0.0, q))


def _gated_gradient(f, x, g, y, y_lo=None):
    """g / (1 + exp(y + y_lo)); an incoming gradient g that is not finite stays, and NaN of x"""
    return _unless_nan(x, select(absolute(f, g) < INF, _gated(f, g, y, y_lo), g))


def _exp_in_parts(f, v, v_lo=None, **options):
    """2^power exp(v + v_lo) = e + e_lo for v <= 0, and 2^-power; `options` as of `exp_of_sum`"""
    power, least = (100, -130.0) if f.dtype == "float32" else (256, -797.0)
    if v_lo is not None:
        v_lo = select(v < least, 0.0, v_lo)
    e, e_lo = exp_of_sum(f, cap(f, v, least), v_lo, f.magic + (f.bias + power), **options)
    return e, e_lo, 2.0**-power


def _times(g, y, back, is_far):
    """g y back, where y back may be no float only if it is far"""
    return (g * (y * select(is_far, y.of(1.0), back))) * select(is_far, y.of(back), 1.0)


def _gated_slope(f, x, y, y_lo, z, g):
    """g s (1 + z (1 - s)) for the sigmoid s of y + y_lo, and a z of the same sign"""
    # At -y it is 1 less that at y; below 0 it is t (1 - |z| s) for s = 1 / (1 + e), t = e s and
    # e = exp(-|y|).
    size = absolute(f, y)
    e, e_lo, back = _exp_in_parts(f, -size, None if y_lo is None else -negate_if(f, y_lo, y))
    near = select(size > 60, e.of(0.0), back)  # beyond, e is nothing beside 1
    d = mad(e, near, e.of(1.0))
    d_lo = mad(e_lo, near, mad(e, near, 1 - d))
    s = 1 / d
    t = e * s
    t = mad(mad(-t, d_lo, rest(t, d, e) + e_lo), s, t)
    v = cap(f, absolute(f, z), 2500.0)
    below = t * mad(t * near, v, 1 - v)  # as s is 1 - t
    above, below = mad(-below, near, e.of(1.0)), below * select(y > 0, e.of(1.0), back)
    return g * _unless_nan(x, select(y > 0, above, below))


def _beta_times(f, beta, x):
    """beta x = y + y_lo, where 0 times infinity is 0"""
    return exact_product(beta, within(f, x, -f.largest, f.largest))


def silu(f, x):
    """Error: float32 0.989; float64 0.967."""
    # Where x may not be taken for its bound the result is x itself.
    power, least = (40, -110.0) if f.dtype == "float32" else (128, -753.0)
    w = cap(f, x, least)
    z = -within(f, x, least, -f.expm1_is_minus_1)
    one = 2.0**-power
    d, d_lo = sum_with_exp(f, one, *reduce(f, z, -power))
    return select(x <= -f.expm1_is_minus_1, _over(w, d, d_lo) * one, x)


def silu_slope(f, x, g):
    """Error: float32 1.90; float64 1.93; next to 0 0.42 units of 1."""
    return _gated_slope(f, x, x, None, x, g)


def Swish(f, x, beta):
    """Error for beta from 0.001 to 40: float32 0.82; float64 0.72."""
    y, y_lo = _beta_times(f, beta, x)
    value = select(is_inf(f, x) & equal(beta, 0.0), x, _gated(f, x, -y, -y_lo))
    return _unless_nan(x, copysign(f, value, x))


def Swish_slope(f, x, beta, g):
    """Error: float32 1.84 above 0.3, 0.5 units of 1 below; float64 1.86, 0.5."""
    y, y_lo = _beta_times(f, beta, x)
    return _gated_slope(f, x, y, y_lo, y, g)


def log_sigmoid(f, x):
    """Error: that of `softplus`."""
    return -kernels.softplus(f, -x)


def log_sigmoid_slope(f, x, g):
    """Error: float32 0.807; float64 0.798."""
    return _gated_gradient(f, x, g, x)


def Softplus(f, x, beta):
    """Error for beta from 0.001 to 40: float32 0.82; float64 0.82."""
    y, y_lo = _beta_times(f, beta, x)
    size = absolute(f, y)
    e, e_lo, back = _exp_in_parts(f, -size, -negate_if(f, y_lo, y), is_exact=True)
    # log(1 + u) is u where that is small, and divided by beta before it may underflow.
    is_small, is_large = size > (f.mantissa + 4) * f.log_of_2, size < f.log_of_2
    u, u_lo = select(is_small, 0.0, e) * back, select(is_small, 0.0, e_lo) * back
    one, half = select(is_large, x.of(1.0), 0.0), select(is_large, x.of(0.5), 1.0)
    high, low = log1p_parts(f, (u - one) * half, u_lo * half, one)
    high, low = select(is_small, e, high), select(is_small, e_lo, low)
    inverse = 1 / beta
    q = high * inverse
    left = rest(q, beta, high) + low
    s, s_lo = exact_sum(x, q)
    above = select(is_small, x, s + mad(left, inverse, s_lo))
    below = mad(left, inverse, q) * select(is_small & (y < 0), e.of(back), 1.0)
    return _unless_nan(x, select(y > 0, above, below))


def Softplus_slope(f, x, beta, g):
    """Error: float32 0.787; float64 0.821."""
    y, y_lo = _beta_times(f, beta, x)
    return _gated_gradient(f, x, g, -y, -y_lo)


# --- the others of their kind ---


def _mish_parts(f, x):
    """For e = exp(x) and d = e (e + 2) + 2: 2^128 e, 1 / d, 2^128 e (e + 2) / d as a sum, 2^-128"""
    back = 2.0**-128
    e, e_lo = exp_of_sum(f, within(f, x, -797.0, 20.0), None, f.magic + (f.bias + 128))
    t = mad(e, back, e.of(2.0))
    t_lo = mad(e_lo, back, mad(e, back, 2 - t))
    n, n_lo = exact_product(e, t)
    n_lo = mad(e, t_lo, mad(e_lo, t, n_lo))
    d = mad(n, back, e.of(2.0))
    d_lo = mad(n_lo, back, mad(n, back, 2 - d))
    inverse = 1 / d
    q = n * inverse
    return e, inverse, q, mad(inverse, mad(-q, d_lo, rest(q, d, n) + n_lo), 0.0), back


def mish(f, x):
    """Error: float32 0.537; float64 1.019."""
    if f.dtype == "float32":
        w = _within(f, x, -120.0, 20.0)
        e = exp2_for_float(w, WIDE.log2e)
        value = (w * e) * (e + 2) / mad(e, e + 2, e.of(2.0))
        return select(x <= 20, convert(value, "float32"), x)
    _, _, q, q_lo, back = _mish_parts(f, x)
    w = at_least(-1000.0, x)
    z, z_lo = exact_product(w, q)
    return copysign(f, select(x > 20, x, (z + mad(w, q_lo, z_lo)) * back), x)


def mish_slope(f, x, g):
    """Error: float32 0.519; float64 1.78 above 0.3, 0.9 units of 1 below."""
    # t + x t' for t = n / d and t' = 4 e (e + 1) / d^2
    if f.dtype == "float32":
        w = _within(f, x, -120.0, 20.0)
        e = exp2_for_float(w, WIDE.log2e)
        s = 1 / mad(e, e + 2, e.of(2.0))
        slope = convert(e * mad(e + 2, s, 4 * w * s * mad(e, s, s)), "float32")
        return g * _unless_nan(x, slope)
    e, s, q, q_lo, back = _mish_parts(f, x)
    w = at_most(20.0, at_least(-1000.0, x))
    u = (4 * w * s) * mad(e, back, e.of(1.0)) * s
    y = mad(u, e, q)
    return select(x > 20, g, _times(g, y + (mad(u, e, q - y) + q_lo), back, x < -f.exp_is_far))


def _two(f, text):
    """A number as a float and what that leaves of it"""
    high = float(np.dtype(f.dtype).type(float(text)))
    return high, float(Decimal(text) - Decimal(high))


_ROOT = "1.595769121605730711759784239737527473903"  # sqrt(8 / pi)
_ROOT_TIMES = "0.071354816272600248776338752279863540995"  # 0.044715 of that


def _tanh_form_for_float(w):
    """c with 2^(c w) = exp(-y) for y = sqrt(8 / pi) w (1 + 0.044715 w^2), and w times its slope"""
    (a, _), (b, _) = _two(WIDE, _ROOT), _two(WIDE, _ROOT_TIMES)
    z = w * w
    c = mad(z, -WIDE.log2e * b, z.of(-WIDE.log2e * a))
    return c, w * mad(z, 3 * b, z.of(a))


def _tanh_form(f, w):
    """sqrt(8 / pi) w (1 + 0.044715 w^2) = y + y_lo, and its slope times w"""
    (a, a_lo), (b, b_lo) = _two(f, _ROOT), _two(f, _ROOT_TIMES)
    z, z_lo = exact_product(w, w)
    p, p_lo = exact_product(z.of(b), z)
    m, m_lo = exact_sum(z.of(a), p)
    m_lo = m_lo + mad(z, b_lo, mad(z_lo, b, p_lo + a_lo))
    y, y_lo = exact_product(w, m)
    return y, mad(w, m_lo, y_lo), w * mad(2.0, p, m)


def GELU(f, x):
    """The tanh form.  Error: float32 0.536; float64 0.686."""
    if f.dtype == "float32":
        w = _within(f, x, -15.0, 15.0)
        c, _ = _tanh_form_for_float(w)
        return select(x <= 15, convert(w / (exp2_for_float(w, c) + 1), "float32"), x)
    y, y_lo, _ = _tanh_form(f, within(f, x, -100.0, 100.0))
    return _unless_nan(x, copysign(f, _gated(f, x, -y, -y_lo), x))


def GELU_slope(f, x, g):
    """Error: float32 0.534; float64 1.97 above 0.3, 0.5 units of 1 below."""
    if f.dtype == "float32":
        w = _within(f, x, -15.0, 15.0)
        c, z = _tanh_form_for_float(w)
        e = exp2_for_float(w, c)
        s = 1 / (e + 1)
        return g * _unless_nan(x, convert(mad(s * z, s * e, s), "float32"))
    y, y_lo, z = _tanh_form(f, within(f, x, -100.0, 100.0))
    return _gated_slope(f, x, y, y_lo, z, g)


def _normal_tail(f, v):
    """For v from 0 to 39: 2^power Phi(-v) = h + h_lo, 2^power exp(-v^2 / 2) = e + e_lo, 2^-power"""
    z, z_lo = exact_product(v, v)
    e, e_lo, back = _exp_in_parts(f, -0.5 * z, -0.5 * z_lo)
    # Two quotients from one: 1 / (v + 2) = r + r_lo, and t = (v - 4) / (v + 4).
    c, (d, d_lo) = v + 4, exact_sum(v, v.of(2.0))
    inverse = 1 / (c * d)
    r = inverse * c
    r_lo = rest_of_quotient(r, d, d_lo)
    s, s_lo = _series(f, "normal_ratio", quotient(v - 4, c, inverse * d))
    g, g_lo = exact_product(r, s)
    g_lo = mad(r, s_lo, mad(r_lo, s, g_lo))
    h, h_lo = exact_product(g, e)
    return h, mad(g, e_lo, mad(g_lo, e, h_lo)), e, e_lo, back


def _normal_near_0(f, x):
    """Phi(x) = s + s_lo for |x| <= 1 / 2"""
    c = polynomial(f.polynomials["normal_near_0"], x * x)
    s = mad(x, c, x.of(0.5))
    return s, mad(x, c, 0.5 - s)


def gelu(f, x):
    """Error: float32 0.816; float64 1.280."""
    v = absolute(f, x)
    if f.dtype == "float32":
        # Above 12 the tail is nothing beside x, and above 12.8 subnormal.
        w = convert(absolute(f, within(f, x, -14.7, 12.0)), "float64")
        tail, e = normal_tail_for_float(w)
        return select(x < 0, -0.0, x) - convert((w * tail) * e, "float32")
    s, s_lo = _normal_near_0(f, x)
    w = at_most(39.0, v)
    h, h_lo, _, _, back = _normal_tail(f, w)
    y, y_lo = exact_product(w, h)
    y_lo, t = mad(w, h_lo, y_lo), y * back
    above = x - t
    above = above + mad(y_lo, -back, (x - above) - t)
    far = select(x > 39, x, select(x > 0, above, (y + y_lo) * -back))
    return select(v < 0.5, mad(x, s, x * s_lo), far)


def gelu_slope(f, x, g):
    """Error: float32 0.667 above 0.3, 0.5 units of 1 below; float64 1.05, 0.4."""
    # Phi(x) + x phi(x)
    v, root = absolute(f, x), "0.3989422804014326779399460599343818684758"  # phi(0)
    if f.dtype == "float32":
        w = convert(cap(f, v, 14.7), "float64")
        tail, e = normal_tail_for_float(w)
        factor = mad(w, -_two(WIDE, root)[0], tail)
        slope = convert(select(x > 0, mad(-e, factor, e.of(1.0)), e * factor), "float32")
        return g * _unless_nan(x, slope)
    w, (root, root_lo) = at_most(39.0, v), _two(f, root)
    h, h_lo, e, e_lo, back = _normal_tail(f, w)
    z, z_lo = exact_product(root, w)
    y, y_lo = exact_product(z, e)
    y_lo = mad(z, e_lo, mad(mad(root_lo, w, z_lo), e, y_lo))
    tail = (h - y) + (h_lo - y_lo)
    s, s_lo = _normal_near_0(f, x)
    near = s + mad(root * x, e * back, s_lo)
    far = select(x > 0, g * (1 - tail * back), _times(g, tail, back, w > 20))
    return select(v < 0.5, g * near, far)


# --- for those that write kernels down ---


def parameters_of(kernel):
    """The names of what a kernel is computed of."""
    return list(inspect.signature(kernel).parameters)[1:]


def record(name, dtype):
    """The arguments of the kernel of a name, by their names, and its result."""
    kernel = globals().get(name) or getattr(kernels, name)
    arguments = {one: Value(dtype, "argument") for one in parameters_of(kernel)}
    return arguments, kernel(kernels.FORMATS[dtype], *arguments.values())


def pads_of_rows(name):
    """What may stand behind the elements of rows a and b, and changes no result of a program; none
    for one that computes little.
    """
    parameters = parameters_of(getattr(kernels, name))
    pads = [-kernels.INF if one == "x" else 0.0 for one in parameters]
    return (pads + [0.0])[:2] if "x" in parameters else []


def record_rows(name, dtype, has_bias=False):
    """What the program of a name may return, of rows a and b, or of the sum of a and a bias b:
    results, each with the condition under which they are right, or None.
    """
    program = getattr(kernels, name)
    a, b = (Value(dtype, "row", one) for one in "ab")
    rows = (a + b if has_bias else a, b)
    returned = program(kernels.FORMATS[dtype], *rows[: len(parameters_of(program))])
    if not inspect.isgenerator(returned):
        returned = [(returned, None)]
    return [(one if isinstance(one, tuple) else (one,), condition) for one, condition in returned]
