"""What the formulas of several activations share: kinks, masks, products, tails.

A branch of a switch that is not taken is computed nevertheless, and its gradient is multiplied by
0: so the argument of that branch is masked, lest it be 0 * inf. All functions take symbolic tensors
of floats, and keep their dtype.
"""

import functools
import operator

import numpy as np

from lasagne_nl import backend as T

# Where functions have reached their limits, as exp(-x) has, in every dtype.
FAR = 10000


def like(number, x):
    """A number in the dtype of `x`, which it does not widen."""
    return T.as_tensor_variable(np.asarray(number, x.dtype))


def is_constant(value):
    """Whether it is a number, or a constant of the graph, and no variable that may change."""
    return not isinstance(value, T.Variable) or hasattr(value, "data")


def equals(value, number):
    """Whether it is a constant of that number, in its dtype."""
    return is_constant(value) and np.all(getattr(value, "data", value) == number)


def positive(x):
    """Where `x` is above 0: the condition, in itself without a gradient."""
    return T.comparand(x) > 0


def negative_part(x):
    """`x` where it is not positive, else 0; slope 1 at 0."""
    return T.switch(positive(x), 0, x)


def magnitude(x):
    """The absolute value of `x`, with the slope of its left side at 0."""
    return T.switch(positive(x), x, -x)


def at_most(x, bound):
    """`x`, or the bound where it is larger."""
    return T.switch(T.comparand(x) > bound, bound, x)


def limited(x, bound):
    """`x`, or the bound or minus the bound where it is beyond."""
    bound = like(bound, x)
    return T.switch(T.comparand(x) > bound, bound, T.switch(T.comparand(x) < -bound, -bound, x))


def finite(x):
    """`x`, or 0 where it is infinite."""
    return T.switch(T.isinf(T.comparand(x)), 0, x)


def product(factor, x):
    """The product, also where `x` is infinite: 0 times it is 0, and the slope along the factor,
    which is infinite there, is 0 for an incoming gradient of 0.
    """
    if equals(factor, 0):
        return factor * finite(x)
    if is_constant(factor):
        return factor * x
    fixed = T.zero_grad(factor)
    at_infinity = T.switch(T.eq(fixed, 0), 0, fixed * x)
    # A sum with 0, whose slope is a division by the smallest float: of 0 that is 0, of 1 inf.
    least = like(np.nextafter(np.zeros((), x.dtype), np.ones((), x.dtype)), x)
    at_infinity = at_infinity + (factor - fixed) / T.switch(positive(x), least, -least)
    return T.switch(T.isinf(T.comparand(x)), at_infinity, factor * finite(x))


def limited_product(factor, x, shift=0, bound=FAR):
    """The product, and a shift, within a bound on both sides. Beyond it all slopes are 0, also that
    along the factor at infinity; 0 times infinity is 0.
    """

    def shifted(x, factor):
        return factor * x if equals(shift, 0) else factor * x + shift

    bound = like(bound, x)
    total = shifted(T.zero_grad(x), T.zero_grad(factor))
    inside = shifted(T.switch(abs(total) > bound, 0, finite(x)), factor)
    return T.switch(total > bound, bound, T.switch(total < -bound, -bound, inside))


# Pieces, joined.


def join(x, at, left, right):
    """`left` below a point, `right` above it; the mean at it, so that the slopes are averaged."""
    return _three_ways(x, at, left, (left + right) / 2, right)


def kink(x, negative):
    """`x` above 0, `negative` below."""
    return join(x, 0, negative, x)


def between(x, low, high):
    """`x` within two bounds, with half its slope at each."""
    return join(x, low, low, join(x, high, x, high))


def jump(x, at, value):
    """`x` above a point, else a value; at the point the value, with half the slope of `x`."""
    return _three_ways(x, at, value, value + (x - at) / 2, x)


def _three_ways(x, at, below, middle, above):
    """One expression below a point, one at it, one above it; NaN, and its slope, where `x` is."""
    # The absolute value is 0 at the point, with slope 0, and has slope NaN at NaN. To take 0 away
    # leaves -0 what it is.
    middle = middle - abs(x if equals(at, 0) else x - at)
    x, at = T.comparand(x), T.comparand(at) if isinstance(at, T.Variable) else at
    return T.switch(x > at, above, T.switch(x < at, below, middle))


def rectified_less(x, tail, is_above):
    """`x` where the condition holds, else 0, less a tail that is 0 at both ends."""
    return T.switch(is_above, x - tail, -tail)


# Tails, which keep their relative accuracy until they underflow.

# Of the multiples of 1/64, the one whose exp(-x) is nearest to a float; NumPy's is the next one.
_STEP, _EXP_OF_MINUS_STEP = 7.953125, 0.0003515618155546862


def decay(x):
    """exp(-x) as a product of two, of which the first does not underflow as early; x >= 0."""
    is_far = T.comparand(x) > like(_STEP, x)  # the difference is exact
    e = T.exp(T.switch(is_far, like(_STEP, x), 0) - x)
    return e, T.switch(is_far, like(_EXP_OF_MINUS_STEP, x), 1)


def logistic_tail(factor, x):
    """A factor over 1 + exp(x), for x >= 0."""
    e, unit = decay(x)
    return (factor * e) * (unit / (1 + e * unit))


_SQRT_HALF, _SQRT_HALF_REST = 0.5**0.5, -4.833646656726457e-17  # the rest that float64 leaves


def normal_tail(x):
    """1 - Phi(x), the weight of the standard normal distribution above x, for 0 <= x <= 64."""
    scaled = x * like(_SQRT_HALF, x)
    # Far out, the rounding of the product counts x^2 times, so it is taken back: from the parts of
    # x and of the factor whose product is exact. The clip keeps the terms of the sum in order.
    fixed, rounded = T.zero_grad(x), T.zero_grad(scaled)
    bits = (np.finfo(x.dtype).nmant + 1) // 2
    factor = np.floor(_SQRT_HALF * 2.0**bits) / 2.0**bits
    steps = 2.0 ** (bits - 6)
    coarse = T.floor(fixed * like(steps, x)) / like(steps, x)
    rest = T.clip(coarse * like(factor, x) - rounded, like(-1, x), like(1, x))
    rest = rest + coarse * like(_SQRT_HALF - factor + _SQRT_HALF_REST, x)
    rest = rest + (fixed - coarse) * like(_SQRT_HALF, x)
    return T.erfc(scaled) * (like(0.5, x) - rounded * rest)


# Polynomials, and rows.


def polynomial(coefficients, x):
    """The sum of the coefficients, the highest first, times powers of `x`."""
    result = like(coefficients[0], x)
    for coefficient in coefficients[1:]:
        result = result * x + like(coefficient, x)
    return result


def _tanh_shrink(levels=12):
    """Coefficients of the polynomials p and q with x - tanh(x) = x^3 p(x^2) / q(x^2), next to 0.

    The quotient of a and b below is the continued fraction of tanh(x) / x,
    1 / (1 + z / (3 + z / (5 + ...))) with z = x^2.
    """
    z, one = np.polynomial.Polynomial([0, 1]), np.polynomial.Polynomial([1])
    (a, b), older = (one, one), (0 * one, one)
    for odd in range(3, 2 * levels + 1, 2):
        (a, b), older = [z * o + odd * c for o, c in zip(older, (a, b))], (a, b)
    # So that the last ones, which count most, are 1 and 3.
    return [(3 * c / b.coef[0])[::-1] for c in ((b - a).coef[1:], b.coef)]


TANH_SHRINK = _tanh_shrink()


def along(axes, function, x):
    """Apply a function of the last axis along others, taken together if there are several."""
    if axes == (x.ndim - 1,):
        return function(x)
    order = [axis for axis in range(x.ndim) if axis not in axes] + list(axes)
    turned = rows = x.dimshuffle(*order)
    if len(axes) > 1:
        lengths = [turned.shape[axis] for axis in range(x.ndim)]
        kept, together = lengths[: -len(axes)], lengths[-len(axes) :]
        # Not -1, which is ambiguous where there are no rows.
        rows = turned.reshape(kept + [functools.reduce(operator.mul, together)], ndim=len(kept) + 1)
    result = function(rows)
    if len(axes) > 1:
        result = result.reshape(turned.shape, ndim=x.ndim)
    result = result.dimshuffle(*[order.index(axis) for axis in range(x.ndim)])
    return T.patternbroadcast(result, x.type.broadcastable)
