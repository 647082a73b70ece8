r"""Activations for the layers of a neural network, as symbolic expressions.

A drop-in for ``lasagne.nonlinearities``: the same names, signatures, attributes and meaning. An
activation takes a symbolic variable and returns a symbolic expression::

    import lasagne_nl  # before theano
    import theano.tensor as T
    from lasagne_nl.nonlinearities import LeakyRectify, leaky_rectify, rectify

    x = T.matrix("x")
    y = rectify(x)  # a function
    y = leaky_rectify(x)  # an instance of LeakyRectify, with its leakiness of 0.01
    y = LeakyRectify(0.2)(x)  # a class takes the parameters, its instance the variable
    layer = DenseLayer(incoming, num_units=10, nonlinearity=LeakyRectify(0.2))

Classes begin with a capital. ``help`` shows them first, then the functions, each with its
parameters, and under DATA the instances; ``help(LeakyRectify)`` shows one alone.

==================== =================================== ==========================
name                 formula                             range
==================== =================================== ==========================
`sigmoid`            1 / (1 + exp(-x))                   (0, 1)
`softmax`            exp(x_j) / sum_k exp(x_k)           (0, 1), each row sums to 1
`tanh`               tanh(x)                             (-1, 1)
`ScaledTanH`         scale_out tanh(scale_in x)          (-scale_out, scale_out)
`rectify`            max(0, x)                           [0, inf)
`LeakyRectify`       x if x > 0 else leakiness x         (-inf, inf)
`leaky_rectify`      `LeakyRectify` with 0.01            (-inf, inf)
`very_leaky_rectify` `LeakyRectify` with 1/3             (-inf, inf)
`elu`                x if x > 0 else exp(x) - 1          (-1, inf)
`SELU`               scale (x or scale_neg (exp(x) - 1)) (-scale scale_neg, inf)
`selu`               `SELU` that normalises itself       (-1.758, inf)
`softplus`           log(1 + exp(x))                     (0, inf)
`linear`, `identity` x                                   (-inf, inf)
==================== =================================== ==========================

Beyond Lasagne, what JAX, Keras and PyTorch offer, in the same manner:

============================= ========================================== =========================
name                          formula                                    range
============================= ========================================== =========================
`relu`                        `rectify`                                  [0, inf)
`ELU`                         x if x > 0 else alpha (exp(x) - 1)         (-alpha, inf)
`CELU`, `celu`                x if x > 0 else alpha (exp(x / alpha) - 1) (-alpha, inf)
`GELU`, `gelu`                x Phi(x)                                   [-0.170, inf)
`Swish`, `silu`, `swish`      x / (1 + exp(-beta x))                     [-0.278 / beta, inf)
`mish`                        x tanh(softplus(x))                        [-0.309, inf)
`softsign`                    x / (1 + abs(x))                           (-1, 1)
`Softplus`                    log(1 + exp(beta x)) / beta                (0, inf)
`Squareplus`, `squareplus`    (x + sqrt(x^2 + b)) / 2                    (0, inf)
`HardSigmoid`, `hard_sigmoid` slope x + shift, within 0 and 1            [0, 1]
`HardTanh`, `hard_tanh`       x, within min_value and max_value          [min_value, max_value]
`hard_silu`, `hard_swish`     x (x + 3) / 6 between -3 and 3             [-0.375, inf)
`ClippedRectify`, `relu6`     x, within 0 and max_value                  [0, max_value]
`log_sigmoid`                 -log(1 + exp(-x))                          (-inf, 0)
`Softmax`                     `softmax` along any axis                   (0, 1)
`LogSoftmax`, `log_softmax`   x_j - log sum_k exp(x_k)                   (-inf, 0]
`softmin`                     `softmax` of -x                            (0, 1)
`Sparsemax`, `sparsemax`      the distribution nearest to x              [0, 1]
`sparse_plus`                 (x + 1)^2 / 4 between -1 and 1             [0, inf)
`sparse_sigmoid`              (x + 1) / 2, within 0 and 1                [0, 1]
`HardShrink`                  x if abs(x) > threshold else 0             (-inf, inf)
`SoftShrink`                  x, nearer to 0 by the threshold            (-inf, inf)
`tanh_shrink`                 x - tanh(x)                                (-inf, inf)
`Threshold`                   x if x > threshold else value              value, (threshold, inf)
`GLU`, `glu`                  a sigmoid(b), of the halves of an axis     (-inf, inf)
`CReLU`, `crelu`              max(0, x) and max(0, -x), joined           [0, inf)
============================= ========================================== =========================

What is said here holds for all of them; below, each says only what is its own.

- **Input**: `x` is a tensor variable or what becomes one: an array, a list, a number. Float16,
  float32 and float64 stay what they are, whatever ``floatX`` is; booleans and integers of up to 16
  bits give float32, wider ones float64 (of a NumPy array, `rectify` makes float64). What is no
  tensor of real numbers raises TypeError.
- **Output** has the shape and the broadcast pattern of `x`, but for `GLU` and `CReLU`, which halve
  and double an axis.
- **Values** are right on the whole range of floats: at +-inf they are the limits, and NaN gives
  NaN.
- **Derivatives**, first and second, are finite wherever the true ones are. At a kink, and at a
  jump, the slope is the mean of its two sides, so `rectify` has slope 0.5 at 0; `elu` and `SELU`
  take their left-hand slope there, as Lasagne does. At NaN the slope is NaN, that of `linear` 1.
- **Parameters** of a class, by their names, are attributes of its instances. A *number or variable*
  is a number, a NumPy scalar or array without dimension, or a symbolic or shared variable, which
  then can be learnt: one of more than no dimension is broadcast against the last dimensions of `x`.
  A parameter of a wrong type raises TypeError, one that is not finite ValueError.
- **Axes** are integers; negative ones count from the end. One that `x` does not have raises
  ValueError, and so does an `x` without dimensions.
- **Named dims**: an XTensorVariable of PyTensor (as of ``pymc.dims``) gives one with the same dims;
  an axis may be the name of a dim.
"""

import numpy as np

from lasagne_nl import backend as T
from lasagne_nl._arguments import (
    as_float,
    as_numpy,
    check_axis,
    check_flag,
    is_symbolic,
    known_length,
    plain,
)
from lasagne_nl._base import (
    AlongAxes,
    Elementwise,
    Parameterised,
    offered,
    stepwise,
)
from lasagne_nl._calculus import (
    FAR,
    at_least,
    between,
    equals,
    is_constant,
    join,
    jump,
    kink,
    like,
    limited,
    limited_product,
    magnitude,
    negative_part,
    positive,
    product,
)

# fmt: off
__all__ = [
    # Of Lasagne.
    "sigmoid", "softmax", "tanh", "ScaledTanH", "ScaledTanh", "rectify", "LeakyRectify",
    "leaky_rectify", "very_leaky_rectify", "elu", "SELU", "selu", "softplus", "linear", "identity",
    # Beyond Lasagne.
    "relu", "ELU", "CELU", "celu", "GELU", "gelu", "Swish", "silu", "swish", "mish", "softsign",
    "Softplus", "Squareplus", "squareplus", "HardSigmoid", "hard_sigmoid", "HardTanh", "hard_tanh",
    "hard_silu", "hard_swish", "ClippedRectify", "relu6", "log_sigmoid", "Softmax", "LogSoftmax",
    "log_softmax", "softmin", "Sparsemax", "sparsemax", "sparse_plus", "sparse_sigmoid",
    "HardShrink", "SoftShrink", "tanh_shrink", "Threshold", "GLU", "glu", "CReLU", "crelu",
]
# fmt: on


@offered
def sigmoid(x):
    r"""Sigmoid, the logistic function: :math:`\varphi(x) = 1 / (1 + e^{-x})`.

    For an output that is a probability, and for the gates of recurrent layers. In a hidden layer
    `tanh`, whose mean is 0, trains faster [1]_.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (0, 1): 0 at -inf, 0.5 at 0, 1 at inf. The slope is 0.25 at 0 and 0 at both ends.

    Notes
    -----
    Its log, and that of ``1 - sigmoid(x)``, also behind a condition, and the gradients of both stay
    finite and right where the sigmoid itself has rounded to 0 or 1.

    References
    ----------
    .. [1] LeCun, Bottou, Orr, Mueller (1998): Efficient BackProp.
    """
    return T.sigmoid(as_float("sigmoid", x))


@offered
def softmax(x):
    r"""Softmax, row by row: :math:`\varphi(x)_j = e^{x_j} / \sum_k e^{x_k}`.

    For the output of a classifier with more than two classes: each row is a distribution over
    the classes [1]_.

    Parameters
    ----------
    x : tensor
        Scores, of one dimension or more. Each vector along the last axis is a row of its own, so a
        vector is one row, and a matrix a batch of rows; there may be none, but each has an entry.

    Returns
    -------
    tensor variable
        The softmax of each row. An entry of -inf gets 0 (it is masked). A row that has +inf or NaN,
        or that is nothing but -inf, has no softmax: it becomes NaN.

    Notes
    -----
    The largest score of a row is subtracted first, so large scores do not overflow. The log of it,
    or of any of its entries, and the cross-entropy stay finite and right, with their gradients,
    where a probability has rounded to 0.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """
    return T.softmax(as_float("softmax", x, least_ndim=1))


@offered
def tanh(x):
    r"""Hyperbolic tangent: :math:`\varphi(x) = \tanh(x)`.

    For hidden layers and recurrent ones where a bounded output with mean 0 is wanted [1]_;
    `ScaledTanH` is the same with its input and its output scaled.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (-1, 1): -1 at -inf, 0 at 0, 1 at inf. The slope is 1 at 0 and 0 at both ends.

    References
    ----------
    .. [1] LeCun, Bottou, Orr, Mueller (1998): Efficient BackProp.
    """
    return T.tanh(as_float("tanh", x))


class ScaledTanH(Elementwise):
    r"""Scaled hyperbolic tangent: :math:`\varphi(x) = \tanh(\alpha x) \cdot \beta`.

    `scale_in` sets how wide the almost linear part around 0 is (the smaller, the wider), without
    touching the range; `scale_out` sets the range. Both set the slope at 0, which is their product,
    so scaling one down and the other up widens the linear part and the range together at an
    unchanged slope. At -inf and inf the value is -scale_out and scale_out, the slope 0.

    Parameters
    ----------
    scale_in : number or variable
        The :math:`\alpha` that multiplies the input; 1 by default.
    scale_out : number or variable
        The :math:`\beta` that multiplies the output; 1 by default.

    Notes
    -----
    LeCun et al. [1]_, section 4.4, recommend ``scale_in=2/3, scale_out=1.7159``: then
    :math:`\varphi(\pm 1) = \pm 1`, and the second derivative is largest near 1, so that targets
    of +-1 lie where the function bends most and not where it is flat.

    To keep a signal's mean of 0 and variance of 1 from layer to layer: for standard normal input
    take ``scale_in=0.5, scale_out=2.4`` or ``scale_in=1, scale_out=1.6``; for uniform input of
    unit variance ``scale_in=0.5, scale_out=2.27`` or ``scale_in=1, scale_out=1.48``. Masci et
    al. [2]_ train convolutional auto-encoders with a scaled tanh.

    References
    ----------
    .. [1] LeCun, Bottou, Orr, Mueller (1998): Efficient BackProp.
    .. [2] Masci, Meier, Ciresan, Schmidhuber (2011): Stacked Convolutional Auto-Encoders for
       Hierarchical Feature Extraction.

    Examples
    --------
    >>> ScaledTanH(scale_in=2 / 3, scale_out=1.7159)(np.array([-1.0, 1.0])).eval().round(4)
    array([-1.,  1.])
    """

    def __init__(self, scale_in=1, scale_out=1):
        super().__init__(scale_in, scale_out)

    def _formula(self, x, scale_in, scale_out):
        # The slope along scale_in is x (1 - tanh^2) scale_out: 0 at x = +-inf, not inf * 0.
        scaled = product if is_constant(scale_in) else limited_product
        return T.tanh(scaled(scale_in, x)) * scale_out


ScaledTanh = ScaledTanH  # alias with the alternative capitalization


@offered
def rectify(x):
    r"""Rectifier: :math:`\varphi(x) = \max(0, x)`.

    The usual choice for hidden layers: cheap, and its slope does not fade for large input [1]_. A
    neuron that never sees positive input stops to learn; `leaky_rectify` and `elu` do not have
    that.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable, or NumPy array or scalar, or float
        In [0, inf): 0 at -inf, inf at inf. The slope is 0 below 0, 0.5 at 0, 1 above. As in
        Lasagne, an array or a scalar of NumPy gives one (floats keep their dtype, others become
        float64), and a number a float.

    References
    ----------
    .. [1] Glorot, Bordes, Bengio (2011): Deep Sparse Rectifier Neural Networks.
    """
    array = as_numpy(x)
    if array is not None:
        zero = np.zeros((), array.dtype)[()]
        result = np.maximum(array, zero) + zero  # which makes 0 of -0
        return result if isinstance(x, (np.ndarray, np.generic)) else result.item()
    return kink(as_float("rectify", x), 0)


class LeakyRectify(Elementwise):
    r"""Leaky rectifier: :math:`\varphi(x) = x` if :math:`x > 0`, else :math:`\alpha x`.

    The rectifier with a small slope for negative input, so that no neuron ever stops to learn. For
    a positive leakiness it is -inf at -inf, inf at inf; for the number 0 it is `rectify`, for 1
    `linear`. The slope is the leakiness below 0, 1 above, (1 + leakiness) / 2 at 0.

    Parameters
    ----------
    leakiness : number or variable
        The slope :math:`\alpha` for negative input, usually between 0 and 1; 0.01 by default [1]_,
        which is `leaky_rectify`; `very_leaky_rectify` has 1/3 [2]_. A shared variable can be learnt
        along with the weights (that is PReLU).

    References
    ----------
    .. [1] Maas, Hannun, Ng (2013): Rectifier Nonlinearities Improve Neural Network Acoustic
       Models.
    .. [2] Graham (2014): Spatially-sparse convolutional neural networks, arXiv:1409.6070.

    Examples
    --------
    >>> LeakyRectify(0.25)(np.array([-2.0, 0.0, 2.0])).eval()
    array([-0.5,  0. ,  2. ])
    """

    def __init__(self, leakiness=0.01):
        super().__init__(leakiness)

    def _formula(self, x, leakiness):
        if equals(leakiness, 0):
            return rectify(x)
        return kink(x, product(leakiness, negative_part(x)))


leaky_rectify = LeakyRectify()._named("leaky_rectify", """
Leaky rectifier with leakiness 0.01, the instance of `LeakyRectify` that Maas et al. (2013)
proposed: x where it is positive, else 0.01 x. The slope at 0 is 0.505.
""")  # fmt: skip
very_leaky_rectify = LeakyRectify(1.0 / 3)._named("very_leaky_rectify", """
Leaky rectifier with leakiness 1/3, the instance of `LeakyRectify` that Graham (2014,
arXiv:1409.6070) used: x where it is positive, else x / 3. The slope at 0 is 2/3.
""")  # fmt: skip


@offered
def elu(x):
    r"""Exponential linear unit: :math:`\varphi(x) = x` if :math:`x > 0`, else :math:`e^x - 1`.

    For hidden layers in the place of `rectify`: negative values bring the mean of a layer's
    output close to 0, which speeds learning up, and large negative input saturates [1]_. The
    paper's parameter alpha is 1 here; `ELU` has it.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (-1, inf): -1 at -inf, inf at inf. The slope is 0 at -inf, 1 at 0 and above; the second
        derivative at 0 is that of the left side, 1.

    References
    ----------
    .. [1] Clevert, Unterthiner, Hochreiter (2015): Fast and Accurate Deep Network Learning by
       Exponential Linear Units (ELUs), arXiv:1511.07289.
    """
    x = as_float("elu", x)
    return T.switch(positive(x), x, T.expm1(negative_part(x)))


class SELU(Elementwise):
    r"""Scaled exponential linear unit: :math:`\varphi(x) = \lambda x` if :math:`x > 0`, else
    :math:`\lambda \alpha (e^x - 1)`.

    `elu` with a scale for the whole and one for its negative side [1]_. At -inf the value is
    -scale scale_neg and the slope 0, at inf inf and scale. The slope at 0 is that of the left
    side, scale scale_neg.

    Parameters
    ----------
    scale : number or variable
        The :math:`\lambda` that scales all output; 1 by default.
    scale_neg : number or variable
        The :math:`\alpha` that scales the negative side besides; 1 by default. With the two of
        `selu`, a deep network normalises itself.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr, Hochreiter (2017): Self-Normalizing Neural Networks,
       arXiv:1706.02515.
    """

    def __init__(self, scale=1, scale_neg=1):
        super().__init__(scale, scale_neg)

    def _formula(self, x, scale, scale_neg):
        negative = scale_neg * T.expm1(negative_part(x))
        return product(scale, T.switch(positive(x), x, negative))


selu = SELU(
    scale=1.0507009873554804934193349852946, scale_neg=1.6732632423543772848170429916717
)._named("selu", """
Scaled exponential linear unit that normalises itself, the instance of `SELU` that Klambauer et
al. (2017, arXiv:1706.02515) derived: with scale 1.0507009873554805 and scale_neg
1.6732632423543773 a signal of mean 0 and variance 1 keeps both from layer to layer, when the
weights are drawn with mean 0 and variance 1 / fan-in. The value is -1.7581 at -inf.
""")  # fmt: skip


@offered
def softplus(x):
    r"""Softplus: :math:`\varphi(x) = \log(1 + e^x)`.

    A smooth rectifier, and the usual way to make an output positive (a variance, a rate) [1]_.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (0, inf): 0 at -inf, log 2 at 0, inf at inf. The slope is the `sigmoid`: 0 at -inf, 0.5
        at 0, 1 at inf.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing.
    """
    return T.softplus(as_float("softplus", x))


def linear(x):
    r"""No nonlinearity: :math:`\varphi(x) = x`.

    For the output of a regression, and wherever a layer asks for a nonlinearity and none is
    wanted.

    Parameters
    ----------
    x : object
        Anything; usually the summed, weighted input of a neuron.

    Returns
    -------
    object
        `x` itself, not a copy. The slope is 1 everywhere.
    """
    return x


identity = linear
relu = rectify  # alias: the name of other libraries


class ELU(Elementwise):
    r"""Exponential linear unit: :math:`\varphi(x) = x` if :math:`x > 0`, else
    :math:`\alpha (e^x - 1)`.

    As in the paper [1]_. The value is -alpha at -inf, inf at inf. The slope is 0 at -inf, 1 above
    0, and at 0 (1 + alpha) / 2, the mean of both sides; PyTorch and JAX take alpha, the left one.
    JAX and Keras call it elu, PyTorch ``ELU``.

    Parameters
    ----------
    alpha : number or variable
        The :math:`\alpha` that scales the negative side, usually positive; 1 by default, which is
        `elu`. With any other there is a kink at 0; `CELU` has none.

    References
    ----------
    .. [1] Clevert, Unterthiner, Hochreiter (2015): Fast and Accurate Deep Network Learning by
       Exponential Linear Units (ELUs), arXiv:1511.07289.
    """

    def __init__(self, alpha=1):
        super().__init__(alpha)

    def _formula(self, x, alpha):
        if equals(alpha, 1):
            return elu(x)
        return kink(x, alpha * T.expm1(negative_part(x)))


class CELU(Elementwise):
    r"""Continuously differentiable exponential linear unit: :math:`\varphi(x) = x` if
    :math:`x > 0`, else :math:`\alpha (e^{x / \alpha} - 1)`.

    The slope is 1 at 0 from both sides, whatever :math:`\alpha` is [1]_. For a positive alpha the
    value is -alpha at -inf, inf at inf, the slope 0 at -inf, 1 at 0 and above; the second
    derivative at 0 is that of the left side, 1 / alpha. For a negative one the value falls to -inf,
    exponentially. JAX and Keras call it celu, PyTorch ``CELU``.

    Parameters
    ----------
    alpha : number or variable
        The :math:`\alpha`, not 0; for a positive one, how far the negative side reaches down; 1
        by default, which is `elu` and `celu`.

    References
    ----------
    .. [1] Barron (2017): Continuously Differentiable Exponential Linear Units, arXiv:1704.07483.
    """

    def __init__(self, alpha=1):
        super().__init__(alpha)
        self._demand(lambda alpha: alpha != 0, "alpha", "not be 0")

    def _formula(self, x, alpha):
        negative = negative_part(x)
        ratio = negative / alpha
        if not is_constant(alpha):
            # At -inf the slope along alpha is -1, not inf * 0.
            is_far = T.zero_grad(negative) / T.zero_grad(alpha) < -FAR
            ratio = T.switch(is_far, -FAR, T.switch(is_far, 0, negative) / alpha)
        return T.switch(positive(x), x, alpha * T.expm1(ratio))


celu = CELU()._named("celu", """
Continuously differentiable exponential linear unit with alpha 1, the instance of `CELU` that is the
same as `elu`: x where it is positive, else exp(x) - 1. The name is that of JAX, Keras and PyTorch.
""")  # fmt: skip


class GELU(Parameterised):
    r"""Gaussian error linear unit: :math:`\varphi(x) = x \Phi(x)`.

    :math:`\Phi` is the distribution function of the standard normal distribution: a rectifier
    that is smooth, and a little below 0 for negative input. The usual choice in transformers [1]_.
    It is 0 at -inf, where PyTorch and JAX give NaN, inf at inf; the smallest value is -0.170, at
    -0.752. The slope is 0 at -inf, 0.5 at 0, 1 at inf.

    Parameters
    ----------
    approximate : bool
        Whether to use the form :math:`x / 2 \, (1 + \tanh(\sqrt{2 / \pi} (x + 0.044715 x^3)))`,
        which models were trained with (BERT, GPT-2); it differs by up to 4.7e-4. False by default,
        which is `gelu`. No other than a bool is taken.

    Notes
    -----
    The left tail keeps its relative accuracy until it underflows: it is written with erfc, and the
    tanh form with exp, so that nothing cancels. Where no kernel serves, the exponent of the tanh
    form is rounded, and the result is off there by up to three times the exponent, in units in the
    last place.

    JAX and Keras call it gelu, PyTorch ``GELU``. It is approximate by default in JAX; in Keras, and
    in PyTorch (``approximate="none"``), it is not.

    References
    ----------
    .. [1] Hendrycks, Gimpel (2016): Gaussian Error Linear Units (GELUs), arXiv:1606.08415.
    """

    _check = staticmethod(check_flag)

    def __init__(self, approximate=False):
        super().__init__(approximate)

    def __call__(self, x):
        """Apply the Gaussian error linear unit to the tensor `x`, elementwise."""
        return T.computed_in_float32(self._formula, as_float(self._name, x))

    def _formula(self, x):
        # At +-64 the weight is 0 and 1 in every dtype; beyond, nothing infinite meets a 0.
        z = limited(x, 64)
        if self.approximate:
            root = like((8 / np.pi) ** 0.5, x)
            weight = T.sigmoid(root * (z + like(0.044715, x) * z * z * z))
        else:
            weight = T.erfc(like(-(0.5**0.5), x) * z) / 2
        return at_least(x, -64) * weight


gelu = GELU()._named("gelu", """
Gaussian error linear unit, the exact instance of `GELU` (Hendrycks and Gimpel 2016,
arXiv:1606.08415): x times the standard normal distribution function of x. It is 0 at -inf, inf at
inf, and -0.170, the smallest, at -0.752. ``GELU(approximate=True)`` is the default of JAX.
""")  # fmt: skip


class Swish(Elementwise):
    r"""Swish: :math:`\varphi(x) = x / (1 + e^{-\beta x})`.

    The input times its own `sigmoid`, as a gate: a smooth rectifier that is a little below 0 for
    negative input. Found by a search over formulas [2]_; with :math:`\beta = 1` it is the sigmoid
    linear unit [1]_. For a positive beta it is 0 at -inf, where PyTorch and JAX give NaN, inf at
    inf; the smallest value is -0.278 / beta, at -1.278 / beta. The slope is 0 at -inf, 0.5 at 0, 1
    at inf. For a negative beta it is -Swish(-beta)(-x).

    Parameters
    ----------
    beta : number or variable
        The :math:`\beta` that sets how sharp it bends; 1 by default, which is `silu`. With 0 it is
        x / 2, and the larger it is, the nearer to `rectify`. It may be learnt.

    Notes
    -----
    The left tail keeps its relative accuracy until it underflows. Where no kernel serves, and beta
    is no power of 2, beta x is rounded, and the result is off there by up to beta x units in the
    last place. JAX and Keras call it silu and swish, PyTorch ``SiLU``; none of them has beta.

    References
    ----------
    .. [1] Elfwing, Uchibe, Doya (2017): Sigmoid-Weighted Linear Units for Neural Network Function
       Approximation in Reinforcement Learning, arXiv:1702.03118.
    .. [2] Ramachandran, Zoph, Le (2017): Searching for Activation Functions, arXiv:1710.05941.
    """

    def __init__(self, beta=1):
        super().__init__(beta)

    def _formula(self, x, beta):
        if equals(beta, 0):
            return x / 2
        z = limited_product(beta, x)
        # Where the sigmoid is 0 its factor does not matter, but must be finite. (Nor be 0, lest a
        # rewrite take the whole product into this switch.)
        return T.switch(T.comparand(z) <= -FAR, like(-1, x), x) * T.sigmoid(z)


silu = Swish()._named("silu", """
Sigmoid linear unit, the instance of `Swish` with beta 1 (Elfwing et al. 2017, arXiv:1702.03118; the
name is that of JAX, Keras and PyTorch): x sigmoid(x). It is 0 at -inf, inf at inf, and -0.278, the
smallest, at -1.278.
""")  # fmt: skip
swish = silu  # alias: the name of Ramachandran et al.


@stepwise
def mish(x):
    r"""Mish: :math:`\varphi(x) = x \tanh(\log(1 + e^x))`.

    A smooth rectifier that is a little below 0 for negative input, close to `silu` [1]_. JAX, Keras
    and PyTorch call it mish.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In [-0.309, inf): 0 at -inf, where PyTorch and JAX give NaN, -0.309 at -1.192, inf at inf.
        The slope is 0 at -inf, 0.6 at 0, 1 at inf.

    Notes
    -----
    It is computed from a single exponential, of -\|x\|, and the left tail keeps its relative
    accuracy until it underflows.

    References
    ----------
    .. [1] Misra (2019): Mish: A Self Regularized Non-Monotonic Activation Function,
       arXiv:1908.08681.
    """
    # Nothing infinite meets a 0.
    return at_least(x, -FAR) * T.tanh(T.softplus(limited(x, FAR)))


@stepwise
def softsign(x):
    r"""Softsign: :math:`\varphi(x) = x / (1 + |x|)`.

    Like `tanh`, but it approaches its limits slowly, so its slope fades less [1]_. JAX calls it
    soft_sign, Keras and PyTorch softsign.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (-1, 1): -1 at -inf, 0 at 0, 1 at inf (JAX gives NaN at both ends). The slope is 1 at 0
        and 0 at both ends.

    References
    ----------
    .. [1] Glorot, Bengio (2010): Understanding the difficulty of training deep feedforward neural
       networks.
    """
    # Far out, where the square in the slope would overflow, the slope counts for 0.
    is_far = abs(T.comparand(x)) > like(1e9, x)
    near = T.switch(is_far, 0, x)
    far = T.switch(positive(x), like(1, x), -1) - 1 / T.switch(is_far, T.zero_grad(x), 1)
    return T.switch(is_far, far, near / (1 + abs(near)))


class Softplus(Elementwise):
    r"""Softplus with a sharpness: :math:`\varphi(x) = \log(1 + e^{\beta x}) / \beta`.

    For a positive beta it is 0 at -inf, inf at inf, and the slope is the `sigmoid` of beta x: 0 at
    -inf, 0.5 at 0, 1 at inf. For a negative one it is -Softplus(-beta)(-x).

    Parameters
    ----------
    beta : number or variable
        The :math:`\beta` that sets how sharp it bends, not 0; 1 by default, which is `softplus`
        [1]_. The larger it is, the nearer to `rectify`.

    Notes
    -----
    Where no kernel serves, and beta is no power of 2, beta x is rounded, and the result is off in
    the left tail by up to beta x units in the last place. PyTorch has it as ``Softplus(beta)``, but
    goes over to x itself where beta x is above a threshold.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing.
    """

    def __init__(self, beta=1):
        super().__init__(beta)
        self._demand(lambda beta: beta != 0, "beta", "not be 0")

    def _formula(self, x, beta):
        if equals(beta, 1):
            return softplus(x)
        z = limited_product(beta, x)
        return T.switch(positive(z), x, 0) + T.log1p(T.exp(-magnitude(z))) / beta


class Squareplus(Elementwise):
    r"""Squareplus: :math:`\varphi(x) = (x + \sqrt{x^2 + b}) / 2`.

    Like `softplus`, but algebraic: no exponential, and it approaches its limits slowly [1]_: 0 at
    -inf, inf at inf; the slope is 0 at -inf, 0.5 at 0, 1 at inf. JAX and Keras call it squareplus;
    JAX gives NaN at -inf.

    Parameters
    ----------
    b : number or variable
        How round it is at 0, not negative; 4 by default, for which the value at 0 is 1 and which is
        `squareplus`. With 0 it is `rectify`; a variable has to be positive.

    References
    ----------
    .. [1] Barron (2021): Squareplus: A Softplus-Like Algebraic Rectifier, arXiv:2112.11687.
    """

    def __init__(self, b=4):
        super().__init__(b)
        self._demand(lambda b: b >= 0, "b", "not be negative")

    def _formula(self, x, b):
        if equals(b, 0):
            return rectify(x)
        size, half = magnitude(x), T.sqrt(b) / 2
        # Far from 0 the value is the size itself, or b / 4 over it; there a square may overflow.
        is_far = T.zero_grad(size) / T.zero_grad(half) > like(2e9, x)
        relative = T.switch(is_far, half, size) / (2 * half)
        total = relative + T.sqrt(1 + relative * relative)
        above = T.switch(is_far, size, half * total)
        is_infinite = T.isinf(T.comparand(size))
        # Not 0 by a condition of its own: PyTensor drops the same one from a branch inside another.
        is_larger = T.zero_grad(size) > T.zero_grad(half)
        divisor = T.switch(is_infinite, half, T.switch(is_larger, size, half))
        # Where the sum in the formula would cancel: b / 4 over the value at -x.
        far_below = T.switch(is_infinite, 0, (b / 4) / divisor)
        return T.switch(positive(x), above, T.switch(is_far, far_below, half / total))


squareplus = Squareplus()._named("squareplus", """
Squareplus with b 4, the instance of `Squareplus` that JAX and Keras have as default (Barron 2021,
arXiv:2112.11687): (x + sqrt(x^2 + 4)) / 2. It is 1 at 0, and 0 at -inf.
""")  # fmt: skip


class HardSigmoid(Elementwise):
    r"""Piecewise linear sigmoid: :math:`\varphi(x) = \min(1, \max(0, s x + t))`.

    A `sigmoid` without an exponential: for gates, and for processors that have none [1]_. For a
    positive slope it is 0 at -inf, 1 at inf, the derivative 0 at both ends. At the two kinks it is
    half the slope, the mean of both sides; PyTorch and JAX take 0 there.

    Parameters
    ----------
    slope : number or variable
        The :math:`s`; 1/6 by default.
    shift : number or variable
        The :math:`t`, the value at 0; 0.5 by default.

    Notes
    -----
    The defaults, which are `hard_sigmoid`, are those of JAX, Keras 3 and PyTorch: the ends are at
    -3 and 3. Keras 2 and Theano (``theano.tensor.nnet.hard_sigmoid``) have a slope of 0.2:
    ``HardSigmoid(slope=0.2)``, with ends at -2.5 and 2.5.

    References
    ----------
    .. [1] Courbariaux, Bengio, David (2015): BinaryConnect: Training Deep Neural Networks with
       binary weights during propagations, arXiv:1511.00363.
    """

    def __init__(self, slope=1.0 / 6, shift=0.5):
        super().__init__(slope, shift)

    def _formula(self, x, slope, shift):
        ends = self._ends(x)
        if ends is None:
            return between(limited_product(slope, x, shift, bound=2), 0, 1)
        if ends[0] > ends[1]:
            x, slope, ends = -x, like(-self.slope, x), [-end for end in ends]
        return self._rising(x, slope, *[like(end, x) for end in ends])

    @staticmethod
    def _rising(x, slope, zero, one):
        # From the end where it is 0, so that nothing cancels next to it.
        return join(x, one, join(x, zero, 0, slope * (x - zero)), 1)

    def _ends(self, x):
        """Where it becomes 0 and 1, if that is known and within the range of the dtype."""
        if is_symbolic(self.slope) or is_symbolic(self.shift):
            return None
        slope, shift = float(self.slope), float(self.shift)
        if abs(slope) * float(np.finfo(x.dtype).max) <= abs(shift) + 1:
            return None
        return -shift / slope, (1 - shift) / slope


hard_sigmoid = HardSigmoid()._named("hard_sigmoid", """
Piecewise linear sigmoid, the instance of `HardSigmoid` that JAX, Keras 3 and PyTorch have: x / 6 +
0.5 between -3 and 3, 0 below, 1 above. Keras 2 and Theano have ``HardSigmoid(slope=0.2)``. The
slope at both kinks is 1/12, the mean of their sides.
""")  # fmt: skip


class HardTanh(Elementwise):
    r"""Piecewise linear tanh: :math:`\varphi(x) = \min(M, \max(m, x))`.

    A `tanh` without an exponential: x itself between two bounds [1]_. The slope is 0 at both ends;
    at the two kinks it is 0.5, the mean of both sides; PyTorch takes 0 there, JAX 1. JAX and Keras
    call it hard_tanh, with fixed bounds, PyTorch ``Hardtanh(min_val, max_val)``.

    Parameters
    ----------
    min_value : number or variable
        The lower bound :math:`m`; -1 by default.
    max_value : number or variable
        The upper bound :math:`M`, larger than `min_value`; 1 by default. The defaults are
        `hard_tanh`.

    References
    ----------
    .. [1] Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa (2011): Natural Language Processing
       (Almost) from Scratch, arXiv:1103.0398.
    """

    def __init__(self, min_value=-1, max_value=1):
        super().__init__(min_value, max_value)
        if not (is_symbolic(min_value) or is_symbolic(max_value) or min_value < max_value):
            raise ValueError(
                "HardTanh: min_value must be below max_value, got min_value={!r} and "
                "max_value={!r}".format(plain(self.min_value), plain(self.max_value))
            )

    def _formula(self, x, min_value, max_value):
        return between(x, min_value, max_value)


hard_tanh = HardTanh()._named("hard_tanh", """
Piecewise linear tanh, the instance of `HardTanh` (Collobert et al. 2011, arXiv:1103.0398) with
bounds -1 and 1: x between them. The slope at both kinks is 0.5, the mean of their sides.
""")  # fmt: skip


@stepwise
def hard_silu(x):
    r"""Piecewise quadratic `silu`: :math:`\varphi(x) = x \min(6, \max(0, x + 3)) / 6`.

    `silu` with `hard_sigmoid` in the place of the sigmoid, so without an exponential: for networks
    that run on phones [1]_. JAX and Keras call it hard_silu and hard_swish, PyTorch ``Hardswish``.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        0 below -3, x above 3, else x (x + 3) / 6; in [-0.375, inf): 0 at -inf (where JAX gives
        NaN), inf at inf. The slope is 0 at -inf, 0.5 at 0, 1 at inf; at the kinks -3 and 3 it is
        -0.25 and 1.25, the mean of both sides (PyTorch and JAX take one side).

    References
    ----------
    .. [1] Howard et al. (2019): Searching for MobileNetV3, arXiv:1905.02244.
    """
    inside = limited(x, 3)
    # No sum of x and 3, in which a rewrite would divide both by 6: next to -3 that would cancel.
    fixed = T.comparand(x)
    shifted = T.switch(fixed < -3, 0, T.switch(fixed > 3, like(6, x), x + 3))
    return join(x, 3, join(x, -3, 0, inside * shifted / 6), x)


hard_swish = hard_silu  # alias: the name of the paper


class ClippedRectify(Elementwise):
    r"""Rectifier with an upper bound: :math:`\varphi(x) = \min(M, \max(0, x))`.

    `rectify` whose output cannot grow beyond a bound [1]_, which suits arithmetic of low precision
    [2]_. The slope is 0 at both ends; at the two kinks, 0 and max_value, it is 0.5, the mean of
    both sides; PyTorch and JAX take 0 there. Keras has it as ``ReLU(max_value)``.

    Parameters
    ----------
    max_value : number or variable
        The upper bound :math:`M`, above 0. That of `relu6` is 6.

    References
    ----------
    .. [1] Krizhevsky (2010): Convolutional Deep Belief Networks on CIFAR-10.
    .. [2] Sandler, Howard, Zhu, Zhmoginov, Chen (2018): MobileNetV2: Inverted Residuals and Linear
       Bottlenecks, arXiv:1801.04381.
    """

    def __init__(self, max_value):
        super().__init__(max_value)
        self._demand(lambda max_value: max_value > 0, "max_value", "be positive")

    def _formula(self, x, max_value):
        return between(x, 0, max_value)


relu6 = ClippedRectify(6)._named("relu6", """
Rectifier with the upper bound 6, the instance of `ClippedRectify` that Krizhevsky (2010) used and
JAX, Keras and PyTorch have: x between 0 and 6. The slope at both kinks is 0.5, the mean of their
sides.
""")  # fmt: skip


@offered
def log_sigmoid(x):
    r"""Log of the `sigmoid`: :math:`\varphi(x) = -\log(1 + e^{-x})`.

    The log of a probability, for a loss; finite where the sigmoid has rounded to 0. It is
    -`softplus` [1]_ of -x. JAX and Keras call it log_sigmoid, PyTorch logsigmoid.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In (-inf, 0): -inf at -inf, -log 2 at 0, 0 at inf. The slope is 1 at -inf, 0.5 at 0, 0 at
        inf.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing.
    """
    return -softplus(-as_float("log_sigmoid", x))


class Softmax(AlongAxes):
    r"""Softmax along any axis: :math:`\varphi(x)_j = e^{x_j} / \sum_k e^{x_k}`.

    As `softmax`, whose axis is the last one; a fully convolutional network, whose classes are the
    channels, needs ``axis=1`` [1]_. An entry of -inf gets 0 (it is masked). Entries that share a
    sum with +inf or NaN, or that are nothing but -inf, become NaN. JAX and Keras call it softmax,
    with an axis; PyTorch has it as ``Softmax(dim)``, and with ``axis=-3`` as ``Softmax2d``.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the entries sum to 1, or axes that are taken together. -1 by default.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """

    _of_rows = staticmethod(T.softmax)


class LogSoftmax(AlongAxes):
    r"""Log of the softmax: :math:`\varphi(x)_j = x_j - \log \sum_k e^{x_k}`.

    The logs of probabilities, for a loss; finite where a probability has rounded to 0 [1]_. The
    values are in [-inf, 0]: an entry of -inf stays -inf (it is masked), and the others, and their
    gradients, take no notice of it. Entries that share a sum with +inf or NaN, or that are nothing
    but -inf, become NaN. JAX and Keras call it log_softmax, with an axis; PyTorch has it as
    ``LogSoftmax(dim)``.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the probabilities sum to 1, or axes that are taken together. -1 by
        default, which is `log_softmax`.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """

    _of_rows = staticmethod(T.log_softmax)


log_softmax = LogSoftmax()._named("log_softmax", """
Log of the softmax along the last axis, the instance of `LogSoftmax` whose name JAX, Keras and
PyTorch have: x_j - log sum_k exp(x_k). It is finite for scores of +-1000, where the log of
`softmax` is so only because the library rewrites it.
""")  # fmt: skip


@offered
def softmin(x):
    r"""Softmin, row by row: :math:`\varphi(x)_j = e^{-x_j} / \sum_k e^{-x_k}`.

    The `softmax` [1]_ of -x: the smallest entry, of distances for example, gets the largest weight.
    PyTorch calls it softmin.

    Parameters
    ----------
    x : tensor
        Distances or costs, of one dimension or more. Each vector along the last axis is a row of
        its own.

    Returns
    -------
    tensor variable
        The softmin of each row. An entry of +inf gets 0 (it is masked). A row that has -inf or NaN,
        or that is nothing but +inf, has no softmin: it becomes NaN.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """
    return T.softmax(-as_float("softmin", x, least_ndim=1))


class Sparsemax(AlongAxes):
    r"""Sparsemax: :math:`\varphi(x) = \arg\min_p |p - x|^2` over all distributions :math:`p`.

    A distribution, as the `softmax` is, but with entries that are exactly 0: for attention, and for
    classes of which few apply [1]_. An entry of -inf gets 0 (it is masked). Entries that share a
    sum with +inf or NaN, or that are nothing but -inf, become NaN. Keras calls it sparsemax, with
    an axis.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the entries sum to 1, or axes that are taken together. -1 by default,
        which is `sparsemax`.

    Notes
    -----
    It is max(0, x - t) for the one threshold t with which the entries sum to 1. The gradient is
    that of the support, the entries above the threshold: among them, the incoming gradient less its
    mean; 0 for the others. An entry just at the threshold belongs to the others, as in the paper.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068.
    """

    def _of_rows(self, x):
        return T.computed_in_float32(self._nearest, x)

    def _nearest(self, x):
        fixed = T.disconnected_grad(x)
        descending = T.sort(fixed, axis=-1)[..., ::-1]
        # The largest entry of each row, NaN if there is one; of a row without entries their sum, 0.
        sums = fixed.sum(axis=-1, keepdims=True)
        largest = T.concatenate([descending, sums], axis=x.ndim - 1)[..., 0]
        largest = largest.dimshuffle(*range(x.ndim - 1), "x")
        x, descending = x - largest, descending - largest
        # The support: the k largest entries, for the largest k with 1 + k x_(k) > their sum. Where
        # NaN is among them every comparison is false, and the threshold NaN.
        ranks = T.cumsum(T.ones_like(descending), axis=x.ndim - 1)
        outside = 1 + ranks * descending <= T.cumsum(descending, axis=x.ndim - 1)
        threshold = T.zero_grad(self._threshold(outside, descending))
        outside, inside = T.comparand(x) <= threshold, T.comparand(x) > threshold
        above = x - self._threshold(outside, x)
        return T.switch(inside, above, T.switch(outside, 0, x * threshold))

    def _threshold(self, outside, x):
        """What is to be taken off the entries that are not outside, so that they sum to 1."""
        total = T.switch(outside, 0, x).sum(axis=-1, keepdims=True)
        return (total - 1) / T.switch(outside, 0, like(1, x)).sum(axis=-1, keepdims=True)


sparsemax = Sparsemax()._named("sparsemax", """
Sparsemax along the last axis, the instance of `Sparsemax` (Martins and Astudillo 2016,
arXiv:1602.02068) that Keras has by default: the distribution that is nearest to the scores.
""")  # fmt: skip


@stepwise
def sparse_plus(x):
    r"""Sparse plus: :math:`\varphi(x) = 0` if :math:`x \le -1`, :math:`x` if :math:`x \ge 1`, else
    :math:`(x + 1)^2 / 4`.

    A `softplus` that is exactly 0 and exactly x outside of [-1, 1]; its slope is `sparse_sigmoid`
    [1]_. JAX and Keras call it sparse_plus.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In [0, inf): 0 at -inf, 0.25 at 0, inf at inf. The slope is 0 at -inf, 0.5 at 0, 1 at inf.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068 (the loss of two classes).
    """
    inside = limited(x, 1) + 1
    return join(x, 1, join(x, -1, 0, inside * inside / 4), x)


@offered
def sparse_sigmoid(x):
    r"""Sparse sigmoid: :math:`\varphi(x) = \min(1, \max(0, (x + 1) / 2))`.

    The `sparsemax` of two classes, as the `sigmoid` is their softmax [1]_; the slope of
    `sparse_plus`. JAX and Keras call it sparse_sigmoid.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        In [0, 1]: 0 at -inf, 0.5 at 0, 1 at inf. The slope is 0.5 between -1 and 1, 0 outside, and
        at these two kinks 0.25, the mean of both sides, as in JAX.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068.
    """
    x = as_float("sparse_sigmoid", x)
    return join(x, 1, join(x, -1, 0, (x + 1) / 2), 1)


class HardShrink(Elementwise):
    r"""Hard shrinkage: :math:`\varphi(x) = x` if :math:`|x| > \lambda`, else 0.

    Sets small values to 0 and leaves the others as they are: for sparse codes and denoising [1]_.
    The slope is 1 at both ends, 0 between the thresholds. At the two jumps the value is 0 and the
    slope 0.5, the mean of both sides; PyTorch takes 0. Keras calls it hard_shrink, PyTorch
    ``Hardshrink(lambd)``.

    Parameters
    ----------
    threshold : number or variable
        The :math:`\lambda`, not negative; 0.5 by default. The slope along a learnt one takes no
        notice of the jumps; `SoftShrink` has none.

    References
    ----------
    .. [1] Donoho, Johnstone (1994): Ideal spatial adaptation by wavelet shrinkage.
    """

    def __init__(self, threshold=0.5):
        super().__init__(threshold)
        self._demand(lambda threshold: threshold >= 0, "threshold", "not be negative")

    def _formula(self, x, threshold):
        threshold = T.zero_grad(threshold)
        return jump(x, threshold, 0) - jump(-x, threshold, 0)


class SoftShrink(Elementwise):
    r"""Soft shrinkage: :math:`\varphi(x) = x - \lambda` if :math:`x > \lambda`, :math:`x + \lambda`
    if :math:`x < -\lambda`, else 0.

    Moves every value towards 0 by the threshold: the step of sparse coding (ISTA) [1]_. The slope
    is 1 at both ends, 0 between the thresholds, and at these two kinks 0.5, the mean of both sides
    (PyTorch takes 0). Keras calls it soft_shrink, PyTorch ``Softshrink(lambd)``.

    Parameters
    ----------
    threshold : number or variable
        The :math:`\lambda`, not negative; 0.5 by default. It may be learnt.

    References
    ----------
    .. [1] Donoho (1995): De-noising by soft-thresholding.
    """

    def __init__(self, threshold=0.5):
        super().__init__(threshold)
        self._demand(lambda threshold: threshold >= 0, "threshold", "not be negative")

    def _formula(self, x, threshold):
        above = join(x, threshold, 0, x - threshold)
        return above + join(x, -threshold, x + threshold, 0)


@stepwise
def tanh_shrink(x):
    r"""Tanh shrinkage: :math:`\varphi(x) = x - \tanh(x)`.

    Like `SoftShrink`, but smooth: almost 0 for small values, almost x - 1 or x + 1 for large
    positive or negative ones [1]_. Keras calls it tanh_shrink, PyTorch ``Tanhshrink``.

    Parameters
    ----------
    x : tensor
        The summed, weighted input of a neuron, of any shape.

    Returns
    -------
    tensor variable
        -inf at -inf, 0 at 0, inf at inf. The slope is tanh(x)^2: 1 at both ends, 0 at 0.

    References
    ----------
    .. [1] PyTorch, ``torch.nn.Tanhshrink``.
    """
    return x - T.tanh(x)


class Threshold(Elementwise):
    r"""Threshold: :math:`\varphi(x) = x` if :math:`x > \theta`, else :math:`v`.

    With both 0 it is `rectify`; with two that differ, it jumps at the threshold [1]_. It is `value`
    at -inf, inf at inf, the slope 0 at -inf, 1 at inf. Just at the threshold it is `value` and the
    slope 0.5, the mean of both sides; PyTorch takes 0. Keras calls it threshold, PyTorch
    ``Threshold``.

    Parameters
    ----------
    threshold : number or variable
        The :math:`\theta` that x is compared with. The slope along a learnt one takes no notice of
        the jump.
    value : number or variable
        The :math:`v` in the place of what is not above it.

    References
    ----------
    .. [1] Konda, Memisevic, Krueger (2014): Zero-bias autoencoders and the benefits of co-adapting
       features, arXiv:1402.3337 (for `value` 0).
    """

    def __init__(self, threshold, value):
        super().__init__(threshold, value)

    def _formula(self, x, threshold, value):
        return jump(x, T.zero_grad(threshold), value)


class GLU(AlongAxes):
    r"""Gated linear unit: :math:`\varphi(a, b) = a / (1 + e^{-b})`, for the two halves of an axis.

    The second half decides how much of the first passes: the gate of convolutional language models
    [1]_ and of transformers [2]_. The slope along the first half is the gate, that along the second
    a times the slope of the `sigmoid`. A closed gate (-inf in the second half) times an infinite
    value is NaN, since it has no limit. JAX, Keras and PyTorch call it glu.

    Parameters
    ----------
    axis : int
        The axis that is halved; -1 by default, which is `glu`. Its length must be even: ValueError
        where it is known to be odd, else AssertionError when the compiled function is called.

    References
    ----------
    .. [1] Dauphin, Fan, Auli, Grangier (2016): Language Modeling with Gated Convolutional Networks,
       arXiv:1612.08083.
    .. [2] Shazeer (2020): GLU Variants Improve Transformer, arXiv:2002.05202.

    Examples
    --------
    >>> GLU(axis=1)(np.array([[2.0, 4.0, 0.0, np.inf]])).eval()
    array([[1., 4.]])
    """

    _check = staticmethod(check_axis)

    def __call__(self, x):
        """Apply the gated linear unit to the tensor `x`, along the axis."""
        x, (axis,) = self._input(x)
        must = "{}: axis {} of x must have an even length".format(self._name, self.axis)
        length = known_length(x, axis)
        if length is None:
            length = T.Assert(must)(x.shape[axis], T.eq(x.shape[axis] % 2, 0))
        elif length % 2:
            raise ValueError("{}, got {}".format(must, length))
        before = (slice(None),) * axis
        values = x[before + (slice(None, length // 2),)]
        return values * T.sigmoid(x[before + (slice(length // 2, None),)])


glu = GLU()._named("glu", """
Gated linear unit along the last axis, the instance of `GLU` (Dauphin et al. 2016, arXiv:1612.08083)
that JAX, Keras and PyTorch have: the first half times the sigmoid of the second.
""")  # fmt: skip


class CReLU(AlongAxes):
    r"""Concatenated rectifier: :math:`\varphi(x) = (\max(0, x), \max(0, -x))`, along an axis.

    Keeps what `rectify` throws away, in units of its own; the axis becomes twice as long [1]_. On
    it stands `rectify` of x first, then `rectify` of -x; their slopes at 0 are 0.5 and -0.5, the
    mean of both sides. TensorFlow calls it crelu.

    Parameters
    ----------
    axis : int
        The axis that is doubled; -1 by default, which is `crelu`; 1 for the channels of a
        convolutional layer.

    References
    ----------
    .. [1] Shang, Sohn, Almeida, Lee (2016): Understanding and Improving Convolutional Neural
       Networks via Concatenated Rectified Linear Units, arXiv:1603.05201.
    """

    _check = staticmethod(check_axis)

    def __call__(self, x):
        """Apply the concatenated rectifier to the tensor `x`, along the axis."""
        x, (axis,) = self._input(x)
        return T.concatenate([rectify(x), rectify(-x)], axis=axis)


crelu = CReLU()._named("crelu", """
Concatenated rectifier along the last axis, the instance of `CReLU` (Shang et al. 2016,
arXiv:1603.05201): rectify(x), and behind it rectify(-x).
""")  # fmt: skip
