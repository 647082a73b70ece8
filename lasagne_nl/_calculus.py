"""What the formulas of several activations share: kinks, masks, products, axes.

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
    """Whether it is one number, also as a constant, and no variable that may change."""
    return not isinstance(value, T.Variable) or np.size(getattr(value, "data", ())) == 1


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


def at_least(x, bound):
    """`x`, or the bound where it is smaller."""
    bound = like(bound, x)
    return T.switch(T.comparand(x) < bound, bound, x)


def limited(x, bound):
    """`x`, or the bound or minus the bound where it is beyond."""
    low, high = like(-bound, x), like(bound, x)
    return T.switch(T.comparand(x) > high, high, T.switch(T.comparand(x) < low, low, x))


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


# Axes.


def along(axes, function, x, *others):
    """Apply a function of the last axis along others, taken together if there are several; if it is
    one, the function may be of several tensors of one shape.
    """
    if axes == (x.ndim - 1,):
        return function(x, *others)
    order = [axis for axis in range(x.ndim) if axis not in axes] + list(axes)
    turned = rows = x.dimshuffle(*order)
    if len(axes) > 1:
        lengths = [turned.shape[axis] for axis in range(x.ndim)]
        kept, together = lengths[: -len(axes)], lengths[-len(axes) :]
        # Not -1, which is ambiguous where there are no rows.
        rows = turned.reshape(kept + [functools.reduce(operator.mul, together)], ndim=len(kept) + 1)
    result = function(rows, *[one.dimshuffle(*order) for one in others])
    if len(axes) > 1:
        result = result.reshape(turned.shape, ndim=x.ndim)
    result = result.dimshuffle(*[order.index(axis) for axis in range(x.ndim)])
    return T.patternbroadcast(result, x.type.broadcastable)
