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

What holds for all of them, and is said below only where there is more to say:

- **Values** are right on the whole range of floats: at +-inf they are the limits, and NaN gives
  NaN.
- **Derivatives**, first and second, are finite wherever the true ones are. At a kink, and at a
  jump, the slope is the mean of its two sides, so `rectify` has slope 0.5 at 0; `elu` and `SELU`
  take their left-hand slope there, as Lasagne does. At NaN the slope is NaN.
- **Dtype**: float16, float32 and float64 stay what they are, whatever ``floatX`` is. Booleans and
  integers of up to 16 bits give float32, wider ones float64.
- **Shape** and broadcast pattern stay what they are, but for `GLU` and `CReLU`, which halve and
  double an axis.
- **Parameters** of the classes are a number, a NumPy scalar or array without dimension, or a
  symbolic or shared variable, which then can be learnt; an axis is an integer. A parameter of a
  wrong type raises TypeError, one that is not finite ValueError. An input that is no tensor of real
  numbers raises TypeError.
"""

import functools
import operator

import numpy as np

from lasagne_nl._arguments import (
    AlongAxes,
    Elementwise,
    Parameterised,
    as_float,
    as_numpy,
    check_axes,
    check_axis,
    check_flag,
    in_float32,
    is_symbolic,
    known_length,
    plain,
    shown,
)
from lasagne_nl.backend import (
    Assert,
    Variable,
    arange,
    as_tensor_variable,
    cast,
    clip,
    comparand,
    concatenate,
    cumsum,
    disconnected_grad,
    eq,
    erfc,
    exp,
    expm1,
    floor,
    isinf,
    log1p,
    patternbroadcast,
    sort,
    sqrt,
    switch,
    zero_grad,
)
from lasagne_nl.backend import log_softmax as _log_softmax
from lasagne_nl.backend import sigmoid as _sigmoid
from lasagne_nl.backend import softmax as _softmax
from lasagne_nl.backend import softplus as _softplus
from lasagne_nl.backend import tanh as _tanh

__all__ = [
    "sigmoid",
    "softmax",
    "tanh",
    "ScaledTanH",
    "ScaledTanh",
    "rectify",
    "LeakyRectify",
    "leaky_rectify",
    "very_leaky_rectify",
    "elu",
    "SELU",
    "selu",
    "softplus",
    "linear",
    "identity",
    "relu",
    "ELU",
    "CELU",
    "celu",
    "GELU",
    "gelu",
    "Swish",
    "silu",
    "swish",
    "mish",
    "softsign",
    "Softplus",
    "Squareplus",
    "squareplus",
    "HardSigmoid",
    "hard_sigmoid",
    "HardTanh",
    "hard_tanh",
    "hard_silu",
    "hard_swish",
    "ClippedRectify",
    "relu6",
    "log_sigmoid",
    "Softmax",
    "LogSoftmax",
    "log_softmax",
    "softmin",
    "Sparsemax",
    "sparsemax",
    "sparse_plus",
    "sparse_sigmoid",
    "HardShrink",
    "SoftShrink",
    "tanh_shrink",
    "Threshold",
    "GLU",
    "glu",
    "CReLU",
    "crelu",
]


def sigmoid(x):
    r"""Sigmoid, the logistic function: :math:`\varphi(x) = 1 / (1 + e^{-x})`.

    For an output that is a probability, and for the gates of recurrent layers. In a hidden layer
    `tanh`, whose mean is 0, trains faster [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The sigmoid of `x` elementwise, in (0, 1): 0 at -inf, 0.5 at 0, 1 at inf. Its slope is
        0.25 at 0 and 0 at both ends.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    The tensor library knows this expression: ``log(sigmoid(x))`` and ``log(1 - sigmoid(x))``
    compile to a form that stays finite where the sigmoid itself has rounded to 0 or 1.

    References
    ----------
    .. [1] LeCun, Bottou, Orr, Mueller (1998): Efficient BackProp.
    """
    return _sigmoid(as_float("sigmoid", x))


def softmax(x):
    r"""Softmax, row by row: :math:`\varphi(x)_j = e^{x_j} / \sum_k e^{x_k}`.

    For the output of a classifier with more than two classes: each row is a distribution over
    the classes [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        Scores, of one dimension or more. Each vector along the last axis is a row of its own, so
        a vector is one row, and a matrix is a batch of rows. A row has at least one entry; there
        may be no rows.

    Returns
    -------
    tensor variable
        The softmax of each row, in the shape of `x`. An entry of -inf gets 0 (it is masked). A
        row that has +inf or NaN, or that is nothing but -inf, has no softmax: it becomes NaN.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.
    ValueError
        If `x` has no dimension.

    Notes
    -----
    The largest score of a row is subtracted first, so large scores do not overflow. The tensor
    library knows this expression: the log of it, and the cross-entropy with it, compile to a form
    that stays finite where a probability has rounded to 0.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """
    return _softmax(_with_rows("softmax", x))


def tanh(x):
    r"""Hyperbolic tangent: :math:`\varphi(x) = \tanh(x)`.

    For hidden layers and recurrent ones where a bounded output with mean 0 is wanted [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The tanh of `x` elementwise, in (-1, 1): -1 at -inf, 0 at 0, 1 at inf. Its slope is 1 at 0
        and 0 at both ends.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    See Also
    --------
    ScaledTanH : the same, with its input and its output scaled.

    References
    ----------
    .. [1] LeCun, Bottou, Orr, Mueller (1998): Efficient BackProp.
    """
    return _tanh(as_float("tanh", x))


class ScaledTanH(Elementwise):
    r"""Scaled hyperbolic tangent: :math:`\varphi(x) = \tanh(\alpha x) \cdot \beta`.

    `scale_in` sets how wide the almost linear part around 0 is (the smaller, the wider), without
    touching the range; `scale_out` sets the range, (-scale_out, scale_out). Both set the slope at
    0, which is their product, so scaling one down and the other up widens the linear part and the
    range together at an unchanged slope.

    Parameters
    ----------
    scale_in : number, NumPy scalar, symbolic or shared variable
        The :math:`\alpha` that multiplies the input; 1 by default.
    scale_out : number, NumPy scalar, symbolic or shared variable
        The :math:`\beta` that multiplies the output; 1 by default.

    Attributes
    ----------
    scale_in, scale_out
        The parameters as they were given.

    Raises
    ------
    TypeError
        If a parameter is neither a number nor a variable of real dtype.
    ValueError
        If a parameter is NaN or infinite.

    Notes
    -----
    At -inf and inf the value is -scale_out and scale_out, the slope 0 (for a positive
    `scale_in`).

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
    >>> from lasagne_nl.nonlinearities import ScaledTanH
    >>> ScaledTanH(scale_in=2 / 3, scale_out=1.7159)
    ScaledTanH(scale_in=0.6666666666666666, scale_out=1.7159)
    """

    _parameters = ("scale_in", "scale_out")

    def __init__(self, scale_in=1, scale_out=1):
        super().__init__(scale_in=scale_in, scale_out=scale_out)

    def _formula(self, x, scale_in, scale_out):
        # The slope along scale_in is x (1 - tanh^2) scale_out: 0 at x = +-inf, not inf * 0.
        product = _limited_product if is_symbolic(self.scale_in) else _product
        return _tanh(product(scale_in, x)) * scale_out


ScaledTanh = ScaledTanH  # alias with the alternative capitalization


def rectify(x):
    r"""Rectifier: :math:`\varphi(x) = \max(0, x)`.

    The usual choice for hidden layers: cheap, and its slope does not fade for large input. A
    neuron that never sees positive input stops to learn; `leaky_rectify` and `elu` do not have
    that.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable, or NumPy array or scalar, or float
        `x` where it is positive, else 0; in [0, inf): 0 at -inf, inf at inf. The slope is 0 below
        0, 1 above, and 0.5 at 0, the mean of both. As in Lasagne, an array or a scalar of NumPy
        gives one (floats keep their dtype, others become float64), and a number a float.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    References
    ----------
    .. [1] Glorot, Bordes, Bengio (2011): Deep Sparse Rectifier Neural Networks.
    """
    array = as_numpy(x)
    if array is not None:
        zero = np.zeros((), array.dtype)[()]
        positive = np.maximum(array, zero) + zero  # which makes 0 of -0
        return positive if isinstance(x, (np.ndarray, np.generic)) else positive.item()
    return _kink(as_float("rectify", x), 0)


class LeakyRectify(Elementwise):
    r"""Leaky rectifier: :math:`\varphi(x) = x` if :math:`x > 0`, else :math:`\alpha x`.

    The rectifier with a small slope for negative input, so that no neuron ever stops to learn
    [1]_. With a leakiness of 0 it is `rectify`, with 1 `linear`.

    Parameters
    ----------
    leakiness : number, NumPy scalar, symbolic or shared variable
        The slope :math:`\alpha` for negative input, usually between 0 and 1; 0.01 by default. A
        shared variable can be learnt along with the weights (that is PReLU); one of more than no
        dimension is broadcast against the last dimensions of the input.

    Attributes
    ----------
    leakiness
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `leakiness` is neither a number nor a variable of real dtype.
    ValueError
        If `leakiness` is NaN or infinite.

    See Also
    --------
    leaky_rectify : instance with leakiness 0.01, as in [1]_.
    very_leaky_rectify : instance with leakiness 1/3, as in [2]_.

    Notes
    -----
    For a positive leakiness the value is -inf at -inf and inf at inf; for the number 0 it is 0 at
    -inf. The slope is the leakiness below 0, 1 above, and (1 + leakiness) / 2 at 0, the mean of
    both.

    References
    ----------
    .. [1] Maas, Hannun, Ng (2013): Rectifier Nonlinearities Improve Neural Network Acoustic
       Models.
    .. [2] Graham (2014): Spatially-sparse convolutional neural networks, arXiv:1409.6070.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import LeakyRectify
    >>> LeakyRectify(0.2)
    LeakyRectify(leakiness=0.2)
    """

    _parameters = ("leakiness",)

    def __init__(self, leakiness=0.01):
        super().__init__(leakiness=leakiness)

    def _formula(self, x, leakiness):
        if _is_zero(leakiness):
            return rectify(x)
        return _kink(x, _product(leakiness, _negative_part(x)))


leaky_rectify = LeakyRectify()
leaky_rectify.__doc__ = """leaky_rectify(x)

Leaky rectifier with leakiness 0.01, the instance of `LeakyRectify` that Maas et al. (2013)
proposed: x where it is positive, else 0.01 x. The slope at 0 is 0.505.
"""

very_leaky_rectify = LeakyRectify(1.0 / 3)
very_leaky_rectify.__doc__ = """very_leaky_rectify(x)

Leaky rectifier with leakiness 1/3, the instance of `LeakyRectify` that Graham (2014,
arXiv:1409.6070) used: x where it is positive, else x / 3. The slope at 0 is 2/3.
"""


def elu(x):
    r"""Exponential linear unit: :math:`\varphi(x) = x` if :math:`x > 0`, else :math:`e^x - 1`.

    For hidden layers in the place of `rectify`: negative values bring the mean of a layer's
    output close to 0, which speeds learning up, and large negative input saturates [1]_. The
    paper's parameter alpha is 1 here.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The exponential linear unit of `x` elementwise, in (-1, inf): -1 at -inf, inf at inf. The
        slope is 0 at -inf, 1 at 0 and above.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    Near 0 the value keeps its relative accuracy (expm1), and positive input never reaches the
    exponential, so no gradient overflows. The second derivative at 0 is that of the left side, 1.

    References
    ----------
    .. [1] Clevert, Unterthiner, Hochreiter (2015): Fast and Accurate Deep Network Learning by
       Exponential Linear Units (ELUs), arXiv:1511.07289.
    """
    x = as_float("elu", x)
    return switch(_positive(x), x, expm1(_negative_part(x)))


class SELU(Elementwise):
    r"""Scaled exponential linear unit.

    :math:`\varphi(x) = \lambda x` if :math:`x > 0`, else :math:`\lambda \alpha (e^x - 1)`: the
    exponential linear unit `elu` with a scale for the whole and one for its negative side [1]_.

    Parameters
    ----------
    scale : number, NumPy scalar, symbolic or shared variable
        The :math:`\lambda` that scales all output; 1 by default.
    scale_neg : number, NumPy scalar, symbolic or shared variable
        The :math:`\alpha` that scales the negative side besides; 1 by default.

    Attributes
    ----------
    scale, scale_neg
        The parameters as they were given.

    Raises
    ------
    TypeError
        If a parameter is neither a number nor a variable of real dtype.
    ValueError
        If a parameter is NaN or infinite.

    See Also
    --------
    selu : instance with the parameters for which a deep network normalises itself.
    elu : both scales 1.

    Notes
    -----
    At -inf the value is -scale scale_neg and the slope 0, at inf inf and scale. The slope at 0 is
    that of the left side, scale scale_neg.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr, Hochreiter (2017): Self-Normalizing Neural Networks,
       arXiv:1706.02515.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import SELU
    >>> SELU(scale=2, scale_neg=0.5)
    SELU(scale=2, scale_neg=0.5)
    """

    _parameters = ("scale", "scale_neg")

    def __init__(self, scale=1, scale_neg=1):
        super().__init__(scale=scale, scale_neg=scale_neg)

    def _formula(self, x, scale, scale_neg):
        return _product(scale, switch(_positive(x), x, scale_neg * expm1(_negative_part(x))))


selu = SELU(scale=1.0507009873554804934193349852946, scale_neg=1.6732632423543772848170429916717)
selu.__doc__ = """selu(x)

Scaled exponential linear unit that normalises itself, the instance of `SELU` that Klambauer et
al. (2017, arXiv:1706.02515) derived: with scale 1.0507009873554805 and scale_neg
1.6732632423543773 a signal of mean 0 and variance 1 keeps both from layer to layer, when the
weights are drawn with mean 0 and variance 1 / fan-in. The value is -1.7581 at -inf.
"""


def softplus(x):
    r"""Softplus: :math:`\varphi(x) = \log(1 + e^x)`.

    A smooth rectifier, and the usual way to make an output positive (a variance, a rate) [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The softplus of `x` elementwise, in (0, inf): 0 at -inf, log 2 at 0, inf at inf. Its slope
        is the `sigmoid`: 0 at -inf, 0.5 at 0, 1 at inf.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing.
    """
    return _softplus(as_float("softplus", x))


def linear(x):
    r"""No nonlinearity: :math:`\varphi(x) = x`.

    For the output of a regression, and wherever a layer asks for a nonlinearity and none is
    wanted.

    Parameters
    ----------
    x : object
        Anything; usually the activation of a neuron.

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

    As in the paper [1]_. With :math:`\alpha = 1` it is `elu`. With any other it has a kink at 0;
    `CELU` has none.

    Parameters
    ----------
    alpha : number, NumPy scalar, symbolic or shared variable
        The :math:`\alpha` that scales the negative side, usually positive; 1 by default.

    Attributes
    ----------
    alpha
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `alpha` is neither a number nor a variable of real dtype.
    ValueError
        If `alpha` is NaN or infinite.

    See Also
    --------
    elu : the function, with alpha 1.
    SELU : with a scale for the whole besides.
    CELU : with a slope of 1 at 0, whatever alpha is.

    Notes
    -----
    The value is -alpha at -inf, inf at inf. The slope is 0 at -inf, 1 above 0, and at 0
    (1 + alpha) / 2, the mean of both sides; PyTorch and JAX take alpha, the left one. JAX and
    Keras call it elu, PyTorch ``ELU``.

    References
    ----------
    .. [1] Clevert, Unterthiner, Hochreiter (2015): Fast and Accurate Deep Network Learning by
       Exponential Linear Units (ELUs), arXiv:1511.07289.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import ELU
    >>> ELU(0.5)
    ELU(alpha=0.5)
    """

    _parameters = ("alpha",)

    def __init__(self, alpha=1):
        super().__init__(alpha=alpha)

    def _formula(self, x, alpha):
        if not is_symbolic(self.alpha) and self.alpha == 1:
            return elu(x)
        return _kink(x, alpha * expm1(_negative_part(x)))


class CELU(Elementwise):
    r"""Continuously differentiable exponential linear unit: :math:`\varphi(x) = x` if
    :math:`x > 0`, else :math:`\alpha (e^{x / \alpha} - 1)`.

    The slope is 1 at 0 from both sides, whatever :math:`\alpha` is [1]_.

    Parameters
    ----------
    alpha : number, NumPy scalar, symbolic or shared variable
        The :math:`\alpha`, not 0; for a positive one, how far the negative side reaches down; 1
        by default, which is `elu`.

    Attributes
    ----------
    alpha
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `alpha` is neither a number nor a variable of real dtype.
    ValueError
        If `alpha` is 0, NaN or infinite.

    See Also
    --------
    celu : instance with alpha 1.
    ELU : the formula without the division by alpha.

    Notes
    -----
    For a positive alpha the value is -alpha at -inf and inf at inf, the slope 0 at -inf, 1 at 0
    and above. The second derivative at 0 is that of the left side, 1 / alpha. For a negative
    alpha the value falls to -inf, exponentially. JAX and Keras call it celu, PyTorch ``CELU``.

    References
    ----------
    .. [1] Barron (2017): Continuously Differentiable Exponential Linear Units, arXiv:1704.07483.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import CELU
    >>> CELU(alpha=2)
    CELU(alpha=2)
    """

    _parameters = ("alpha",)

    def __init__(self, alpha=1):
        super().__init__(alpha=alpha)
        self._demand(lambda alpha: alpha != 0, "alpha", "not be 0")

    def _formula(self, x, alpha):
        negative = _negative_part(x)
        ratio = negative / alpha
        if is_symbolic(self.alpha):
            # At -inf the slope along alpha is -1, not inf * 0.
            is_far = zero_grad(negative) / zero_grad(alpha) < -_FAR
            ratio = switch(is_far, -_FAR, switch(is_far, 0, negative) / alpha)
        return switch(_positive(x), x, alpha * expm1(ratio))


celu = CELU()
celu.__doc__ = """celu(x)

Continuously differentiable exponential linear unit with alpha 1, the instance of `CELU` that is the
same as `elu`: x where it is positive, else exp(x) - 1. The name is that of JAX, Keras and PyTorch.
"""


class GELU(Parameterised):
    r"""Gaussian error linear unit: :math:`\varphi(x) = x \Phi(x)`.

    :math:`\Phi` is the distribution function of the standard normal distribution: a rectifier
    that is smooth, and a little below 0 for negative input. The usual choice in transformers [1]_.

    Parameters
    ----------
    approximate : bool
        Whether to use the form :math:`x / 2 \, (1 + \tanh(\sqrt{2 / \pi} (x + 0.044715 x^3)))`,
        which models were trained with (BERT, GPT-2); it differs by up to 4.7e-4. False by default.

    Attributes
    ----------
    approximate
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `approximate` is not a bool.

    See Also
    --------
    gelu : instance of the exact form.

    Notes
    -----
    The value is 0 at -inf, where PyTorch and JAX give NaN, and inf at inf; the smallest is -0.170,
    at -0.752. The slope is 0 at -inf, 0.5 at 0, 1 at inf. The left tail keeps its relative
    accuracy until it underflows: it is written with erfc, and the tanh form with exp, so that
    nothing cancels. In the tanh form the exponent is rounded, and the result is off there by up to
    three times the exponent, in units in the last place.

    JAX and Keras call it gelu, PyTorch ``GELU``. It is approximate by default in JAX; in Keras, and
    in PyTorch (``approximate="none"``), it is not.

    References
    ----------
    .. [1] Hendrycks, Gimpel (2016): Gaussian Error Linear Units (GELUs), arXiv:1606.08415.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import GELU
    >>> GELU(approximate=True)
    GELU(approximate=True)
    """

    _parameters = ("approximate",)
    _checks = {"approximate": check_flag}

    def __init__(self, approximate=False):
        super().__init__(approximate=approximate)

    def __call__(self, x):
        """Apply the Gaussian error linear unit to the tensor `x`, elementwise."""
        return in_float32(self._formula, self._input(x))

    def _formula(self, x):
        size = _at_most(_size(x), _like(64, x))  # beyond, the tail is 0 in every dtype
        if self.approximate:
            linear, cubic = (_like(c, x) for c in (_GELU_LINEAR, _GELU_LINEAR * 0.044715))
            tail = _logistic_tail(size, size * (linear + cubic * size * size))
        else:
            tail = size * _normal_tail(size)
        return _rectified_less(x, tail, _positive(x))


gelu = GELU()
gelu.__doc__ = """gelu(x)

Gaussian error linear unit, the exact instance of `GELU` (Hendrycks and Gimpel 2016,
arXiv:1606.08415): x times the standard normal distribution function of x. It is 0 at -inf, inf at
inf, and -0.170, the smallest, at -0.752. ``GELU(approximate=True)`` is the default of JAX.
"""


class Swish(Elementwise):
    r"""Swish: :math:`\varphi(x) = x / (1 + e^{-\beta x})`.

    The input times its own `sigmoid`, as a gate: a smooth rectifier that is a little below 0 for
    negative input. Found by a search over formulas [2]_; with :math:`\beta = 1` it is the sigmoid
    linear unit [1]_.

    Parameters
    ----------
    beta : number, NumPy scalar, symbolic or shared variable
        The :math:`\beta` that sets how sharp it bends; 1 by default, which is `silu`. With 0 it is
        x / 2, and the larger it is, the nearer to `rectify`. It may be learnt.

    Attributes
    ----------
    beta
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `beta` is neither a number nor a variable of real dtype.
    ValueError
        If `beta` is NaN or infinite.

    See Also
    --------
    silu : instance with beta 1.

    Notes
    -----
    For a positive beta the value is 0 at -inf, where PyTorch and JAX give NaN, and inf at inf. The
    slope is 0 at -inf, 0.5 at 0, 1 at inf; the smallest value is -0.278 / beta, at -1.278 / beta.
    For a negative beta it is -Swish(-beta)(-x). The left tail keeps its relative accuracy until it
    underflows. With a beta that is no power of 2, beta x is rounded, and the result is off there by
    up to beta x units in the last place.

    JAX and Keras call it silu and swish, PyTorch ``SiLU``; none of them has beta.

    References
    ----------
    .. [1] Elfwing, Uchibe, Doya (2017): Sigmoid-Weighted Linear Units for Neural Network Function
       Approximation in Reinforcement Learning, arXiv:1702.03118.
    .. [2] Ramachandran, Zoph, Le (2017): Searching for Activation Functions, arXiv:1710.05941.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Swish
    >>> Swish(beta=1.5)
    Swish(beta=1.5)
    """

    _parameters = ("beta",)

    def __init__(self, beta=1):
        super().__init__(beta=beta)

    def _formula(self, x, beta):
        if not is_symbolic(self.beta) and self.beta == 0:
            return x / 2
        z = _limited_product(beta, x)
        # Where the tail is 0 its factor does not matter, but must be finite. (Nor be 0, lest a
        # rewrite take the whole product into this switch, in another order.)
        is_far = comparand(_size(z)) > 0.9 * _FAR
        factor = switch(is_far, switch(_positive(x), _like(1, x), -1), x)
        size = switch(_positive(z), factor, -factor)
        return _rectified_less(x, _logistic_tail(size, _size(z)), _positive(z))


silu = Swish()
silu.__doc__ = """silu(x)

Sigmoid linear unit, the instance of `Swish` with beta 1 (Elfwing et al. 2017, arXiv:1702.03118; the
name is that of JAX, Keras and PyTorch): x sigmoid(x). It is 0 at -inf, inf at inf, and -0.278, the
smallest, at -1.278.
"""

swish = silu  # alias: the name of Ramachandran et al.


def mish(x):
    r"""Mish: :math:`\varphi(x) = x \tanh(\log(1 + e^x))`.

    A smooth rectifier that is a little below 0 for negative input, close to `silu` [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The mish of `x` elementwise, in [-0.309, inf): 0 at -inf, inf at inf. The slope is 0 at
        -inf, 0.6 at 0, 1 at inf.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    The smallest value is -0.309, at -1.192. It is computed from a single exponential, of -\|x\|,
    and the left tail keeps its relative accuracy until it underflows. JAX, Keras and PyTorch call
    it mish; PyTorch and JAX give NaN at -inf.

    References
    ----------
    .. [1] Misra (2019): Mish: A Self Regularized Non-Monotonic Activation Function,
       arXiv:1908.08681.
    """
    return in_float32(_mish, as_float("mish", x))


def softsign(x):
    r"""Softsign: :math:`\varphi(x) = x / (1 + |x|)`.

    Like `tanh`, but it approaches its limits slowly, so its slope fades less [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The softsign of `x` elementwise, in (-1, 1): -1 at -inf, 0 at 0, 1 at inf. The slope is 1
        at 0 and 0 at both ends.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    JAX calls it soft_sign, Keras and PyTorch softsign. JAX gives NaN at both ends.

    References
    ----------
    .. [1] Glorot, Bengio (2010): Understanding the difficulty of training deep feedforward neural
       networks.
    """
    return in_float32(_softsign, as_float("softsign", x))


class Softplus(Elementwise):
    r"""Softplus with a sharpness: :math:`\varphi(x) = \log(1 + e^{\beta x}) / \beta`.

    The larger :math:`\beta`, the nearer to `rectify`. With :math:`\beta = 1` it is `softplus` [1]_.

    Parameters
    ----------
    beta : number, NumPy scalar, symbolic or shared variable
        The :math:`\beta` that sets how sharp it bends, not 0; 1 by default.

    Attributes
    ----------
    beta
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `beta` is neither a number nor a variable of real dtype.
    ValueError
        If `beta` is 0, NaN or infinite.

    See Also
    --------
    softplus : the function, with beta 1.

    Notes
    -----
    For a positive beta the value is 0 at -inf and inf at inf, and the slope is the `sigmoid` of
    beta x: 0 at -inf, 0.5 at 0, 1 at inf. For a negative one it is -Softplus(-beta)(-x). With a
    beta that is no power of 2, beta x is rounded, and the result is off in the left tail by up to
    beta x units in the last place. PyTorch has it as ``Softplus(beta)``, but goes over to x itself
    where beta x is above a threshold.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Softplus
    >>> Softplus(beta=5)
    Softplus(beta=5)
    """

    _parameters = ("beta",)

    def __init__(self, beta=1):
        super().__init__(beta=beta)
        self._demand(lambda beta: beta != 0, "beta", "not be 0")

    def _formula(self, x, beta):
        z = _limited_product(beta, x)
        return switch(_positive(z), x, 0) + log1p(exp(-_size(z))) / beta


class Squareplus(Elementwise):
    r"""Squareplus: :math:`\varphi(x) = (x + \sqrt{x^2 + b}) / 2`.

    Like `softplus`, but algebraic: no exponential, and it approaches its limits slowly [1]_.

    Parameters
    ----------
    b : number, NumPy scalar, symbolic or shared variable
        How round it is at 0, not negative; 4 by default, for which the value at 0 is 1. With 0 it
        is `rectify`; a variable has to be positive.

    Attributes
    ----------
    b
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `b` is neither a number nor a variable of real dtype.
    ValueError
        If `b` is negative, NaN or infinite.

    See Also
    --------
    squareplus : instance with b 4.

    Notes
    -----
    The value is 0 at -inf, inf at inf, the slope 0 at -inf, 0.5 at 0, 1 at inf. The square of x
    does not overflow. In the left tail, where the sum would cancel, it is b / (4 s), where s is the
    value at -x. JAX and Keras call it squareplus; JAX gives NaN at -inf.

    References
    ----------
    .. [1] Barron (2021): Squareplus: A Softplus-Like Algebraic Rectifier, arXiv:2112.11687.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Squareplus
    >>> Squareplus(b=1)
    Squareplus(b=1)
    """

    _parameters = ("b",)

    def __init__(self, b=4):
        super().__init__(b=b)
        self._demand(lambda b: b >= 0, "b", "not be negative")

    def _formula(self, x, b):
        if not is_symbolic(self.b) and self.b == 0:
            return rectify(x)
        size, half = _size(x), sqrt(b) / 2
        # Far from 0 the value is the size itself, or b / 4 over it; there a square may overflow.
        is_far = zero_grad(size) / zero_grad(half) > _like(2e9, x)
        relative = switch(is_far, half, size) / (2 * half)
        total = relative + sqrt(1 + relative * relative)
        above = switch(is_far, size, half * total)
        is_infinite = isinf(comparand(size))
        # Not 0 by a condition of its own: PyTensor drops the same one from a branch inside another.
        divisor = switch(is_infinite, half, switch(zero_grad(size) > zero_grad(half), size, half))
        below = switch(is_far, switch(is_infinite, 0, (b / 4) / divisor), half / total)
        return switch(_positive(x), above, below)


squareplus = Squareplus()
squareplus.__doc__ = """squareplus(x)

Squareplus with b 4, the instance of `Squareplus` that JAX and Keras have as default (Barron 2021,
arXiv:2112.11687): (x + sqrt(x^2 + 4)) / 2. It is 1 at 0, and 0 at -inf.
"""


class HardSigmoid(Elementwise):
    r"""Piecewise linear sigmoid: :math:`\varphi(x) = \min(1, \max(0, s x + t))`.

    A `sigmoid` without an exponential: for gates, and for processors that have none [1]_.

    Parameters
    ----------
    slope : number, NumPy scalar, symbolic or shared variable
        The :math:`s`; 1/6 by default.
    shift : number, NumPy scalar, symbolic or shared variable
        The :math:`t`, the value at 0; 0.5 by default.

    Attributes
    ----------
    slope, shift
        The parameters as they were given.

    Raises
    ------
    TypeError
        If a parameter is neither a number nor a variable of real dtype.
    ValueError
        If a parameter is NaN or infinite.

    See Also
    --------
    hard_sigmoid : instance with the defaults.

    Notes
    -----
    For a positive slope the value is 0 at -inf, 1 at inf, the derivative 0 at both ends. At the two
    kinks it is the mean of both sides, half the slope; PyTorch and JAX take 0 there.

    The defaults are those of JAX, Keras 3 and PyTorch: the ends are at -3 and 3. Keras 2 and Theano
    (``theano.tensor.nnet.hard_sigmoid``) have a slope of 0.2: ``HardSigmoid(slope=0.2)``, with ends
    at -2.5 and 2.5.

    References
    ----------
    .. [1] Courbariaux, Bengio, David (2015): BinaryConnect: Training Deep Neural Networks with
       binary weights during propagations, arXiv:1511.00363.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import HardSigmoid
    >>> HardSigmoid(slope=0.2)
    HardSigmoid(slope=0.2, shift=0.5)
    """

    _parameters = ("slope", "shift")

    def __init__(self, slope=1.0 / 6, shift=0.5):
        super().__init__(slope=slope, shift=shift)

    def _formula(self, x, slope, shift):
        ends = self._ends(x)
        if ends is None:
            return _between(_limited_product(slope, x, shift, bound=2), 0, 1)
        # From the end where it is 0, so that nothing cancels next to it.
        zero, one = ends
        rising = slope * (x - _like(zero, x))
        if zero < one:
            return _join(x, _like(one, x), _join(x, _like(zero, x), 0, rising), 1)
        return _join(x, _like(one, x), 1, _join(x, _like(zero, x), rising, 0))

    def _ends(self, x):
        """Where it becomes 0 and 1, if that is known and within the range of the dtype."""
        if is_symbolic(self.slope) or is_symbolic(self.shift):
            return None
        slope, shift = float(self.slope), float(self.shift)
        most = float(np.finfo(x.dtype).max)
        if abs(slope) * most <= abs(shift) + 1:
            return None
        return -shift / slope, (1 - shift) / slope


hard_sigmoid = HardSigmoid()
hard_sigmoid.__doc__ = """hard_sigmoid(x)

Piecewise linear sigmoid, the instance of `HardSigmoid` that JAX, Keras 3 and PyTorch have: x / 6 +
0.5 between -3 and 3, 0 below, 1 above. Keras 2 and Theano have ``HardSigmoid(slope=0.2)``. The
slope at both kinks is 1/12, the mean of their sides.
"""


class HardTanh(Elementwise):
    r"""Piecewise linear tanh: :math:`\varphi(x) = \min(M, \max(m, x))`.

    A `tanh` without an exponential: x itself between two bounds [1]_.

    Parameters
    ----------
    min_value : number, NumPy scalar, symbolic or shared variable
        The lower bound :math:`m`; -1 by default.
    max_value : number, NumPy scalar, symbolic or shared variable
        The upper bound :math:`M`, larger than `min_value`; 1 by default.

    Attributes
    ----------
    min_value, max_value
        The parameters as they were given.

    Raises
    ------
    TypeError
        If a parameter is neither a number nor a variable of real dtype.
    ValueError
        If a parameter is NaN or infinite, or `min_value` not below `max_value`.

    See Also
    --------
    hard_tanh : instance with the defaults.

    Notes
    -----
    The value is min_value at -inf, max_value at inf, the slope 0 at both ends. At the two kinks it
    is 0.5, the mean of both sides; PyTorch takes 0 there, JAX 1. JAX and Keras call it hard_tanh,
    PyTorch ``Hardtanh(min_val, max_val)``; the bounds of JAX and Keras are fixed.

    References
    ----------
    .. [1] Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa (2011): Natural Language Processing
       (Almost) from Scratch, arXiv:1103.0398.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import HardTanh
    >>> HardTanh(0, 20)
    HardTanh(min_value=0, max_value=20)
    """

    _parameters = ("min_value", "max_value")

    def __init__(self, min_value=-1, max_value=1):
        super().__init__(min_value=min_value, max_value=max_value)
        if not (is_symbolic(min_value) or is_symbolic(max_value)):
            self._demand(
                lambda min_value: min_value < max_value,
                "min_value",
                "be below max_value = {!r}".format(plain(max_value)),
            )

    def _formula(self, x, min_value, max_value):
        return _between(x, min_value, max_value)


hard_tanh = HardTanh()
hard_tanh.__doc__ = """hard_tanh(x)

Piecewise linear tanh, the instance of `HardTanh` (Collobert et al. 2011, arXiv:1103.0398) with
bounds -1 and 1: x between them. The slope at both kinks is 0.5, the mean of their sides.
"""


def hard_silu(x):
    r"""Piecewise quadratic `silu`: :math:`\varphi(x) = x \min(6, \max(0, x + 3)) / 6`.

    `silu` with `hard_sigmoid` in the place of the sigmoid, so without an exponential: for networks
    that run on phones [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        0 below -3, x above 3, else x (x + 3) / 6, elementwise; in [-0.375, inf): 0 at -inf, inf at
        inf. The slope is 0 at -inf, 0.5 at 0, 1 at inf; at the kinks -3 and 3 it is -0.25 and 1.25,
        the mean of both sides (PyTorch and JAX take one side).

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    JAX and Keras call it hard_silu and hard_swish, PyTorch ``Hardswish``. JAX gives NaN at -inf.

    References
    ----------
    .. [1] Howard et al. (2019): Searching for MobileNetV3, arXiv:1905.02244.
    """
    return in_float32(_hard_silu, as_float("hard_silu", x))


hard_swish = hard_silu  # alias: the name of the paper


class ClippedRectify(Elementwise):
    r"""Rectifier with an upper bound: :math:`\varphi(x) = \min(M, \max(0, x))`.

    `rectify` whose output cannot grow beyond a bound [1]_, which suits arithmetic of low precision
    [2]_.

    Parameters
    ----------
    max_value : number, NumPy scalar, symbolic or shared variable
        The upper bound :math:`M`, above 0.

    Attributes
    ----------
    max_value
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `max_value` is neither a number nor a variable of real dtype.
    ValueError
        If `max_value` is not positive, NaN or infinite.

    See Also
    --------
    relu6 : instance with max_value 6.

    Notes
    -----
    The value is 0 at -inf, max_value at inf, the slope 0 at both ends. At the two kinks, 0 and
    max_value, it is 0.5, the mean of both sides; PyTorch and JAX take 0 there. Keras has it as
    ``ReLU(max_value)``.

    References
    ----------
    .. [1] Krizhevsky (2010): Convolutional Deep Belief Networks on CIFAR-10.
    .. [2] Sandler, Howard, Zhu, Zhmoginov, Chen (2018): MobileNetV2: Inverted Residuals and Linear
       Bottlenecks, arXiv:1801.04381.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import ClippedRectify
    >>> ClippedRectify(20)
    ClippedRectify(max_value=20)
    """

    _parameters = ("max_value",)

    def __init__(self, max_value):
        super().__init__(max_value=max_value)
        self._demand(lambda max_value: max_value > 0, "max_value", "be positive")

    def _formula(self, x, max_value):
        return _between(x, 0, max_value)


relu6 = ClippedRectify(6)
relu6.__doc__ = """relu6(x)

Rectifier with the upper bound 6, the instance of `ClippedRectify` that Krizhevsky (2010) used and
JAX, Keras and PyTorch have: x between 0 and 6. The slope at both kinks is 0.5, the mean of their
sides.
"""


def log_sigmoid(x):
    r"""Log of the `sigmoid`: :math:`\varphi(x) = -\log(1 + e^{-x})`.

    The log of a probability, for a loss; finite where the sigmoid has rounded to 0 [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The log of the sigmoid of `x` elementwise, in (-inf, 0): -inf at -inf, -log 2 at 0, 0 at
        inf. The slope is 1 at -inf, 0.5 at 0, 0 at inf.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    It is -`softplus` of -x. JAX and Keras call it log_sigmoid, PyTorch logsigmoid.

    References
    ----------
    .. [1] Dugas, Bengio, Belisle, Nadeau, Garcia (2000): Incorporating Second-Order Functional
       Knowledge for Better Option Pricing (the `softplus`).
    """
    return -softplus(-as_float("log_sigmoid", x))


class Softmax(AlongAxes):
    r"""Softmax along any axis: :math:`\varphi(x)_j = e^{x_j} / \sum_k e^{x_k}`.

    As `softmax`, whose axis is the last one; a fully convolutional network, whose classes are the
    channels, needs ``axis=1`` [1]_.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the entries sum to 1, or axes that are taken together; negative ones
        count from the end. -1 by default.

    Attributes
    ----------
    axis
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `axis` is neither an integer nor a tuple of integers.
    ValueError
        If `axis` is empty or names an axis twice; when called, if `x` has no such axis.

    See Also
    --------
    softmax : the function, along the last axis.
    LogSoftmax : the log of it.

    Notes
    -----
    Shape, dtype and broadcast pattern are those of the input. An entry of -inf gets 0 (it is
    masked). Entries that share a sum with +inf or NaN, or that are nothing but -inf, become NaN.
    JAX and Keras call it softmax, with an axis; PyTorch has it as ``Softmax(dim)``, and with
    ``axis=-3`` as ``Softmax2d``.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Softmax
    >>> Softmax(axis=1)
    Softmax(axis=1)
    """

    _checks = {"axis": check_axes}

    def __call__(self, x):
        """Apply the softmax to the tensor `x`, along the axis."""
        x = self._input(x)
        return _along(self._axes(x), _softmax, x)


class LogSoftmax(AlongAxes):
    r"""Log of the softmax: :math:`\varphi(x)_j = x_j - \log \sum_k e^{x_k}`.

    The logs of probabilities, for a loss; finite where a probability has rounded to 0 [1]_.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the probabilities sum to 1, or axes that are taken together; negative
        ones count from the end. -1 by default.

    Attributes
    ----------
    axis
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `axis` is neither an integer nor a tuple of integers.
    ValueError
        If `axis` is empty or names an axis twice; when called, if `x` has no such axis.

    See Also
    --------
    log_softmax : instance along the last axis.

    Notes
    -----
    The values are in [-inf, 0], in the shape, dtype and broadcast pattern of the input. An entry of
    -inf stays -inf (it is masked), and the others, and their gradients, take no notice of it.
    Entries that share a sum with +inf or NaN, or that are nothing but -inf, become NaN. JAX and
    Keras call it log_softmax, with an axis; PyTorch has it as ``LogSoftmax(dim)``.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import LogSoftmax
    >>> LogSoftmax(axis=(2, 3))
    LogSoftmax(axis=(2, 3))
    """

    _checks = {"axis": check_axes}

    def __call__(self, x):
        """Apply the log of the softmax to the tensor `x`, along the axis."""
        x = self._input(x)
        return _along(self._axes(x), _log_softmax, x)


log_softmax = LogSoftmax()
log_softmax.__doc__ = """log_softmax(x)

Log of the softmax along the last axis, the instance of `LogSoftmax` whose name JAX, Keras and
PyTorch have: x_j - log sum_k exp(x_k). It is finite for scores of +-1000, where the log of
`softmax` is so only because the library rewrites it.
"""


def softmin(x):
    r"""Softmin, row by row: :math:`\varphi(x)_j = e^{-x_j} / \sum_k e^{-x_k}`.

    The `softmax` [1]_ of -x: the smallest entry, of distances for example, gets the largest weight.

    Parameters
    ----------
    x : tensor variable or array_like
        Distances or costs, of one dimension or more. Each vector along the last axis is a row of
        its own.

    Returns
    -------
    tensor variable
        The softmin of each row, in the shape of `x`. An entry of +inf gets 0 (it is masked). A row
        that has -inf or NaN, or that is nothing but +inf, has no softmin: it becomes NaN.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.
    ValueError
        If `x` has no dimension.

    Notes
    -----
    PyTorch calls it softmin.

    References
    ----------
    .. [1] Bridle (1990): Probabilistic Interpretation of Feedforward Classification Network
       Outputs, with Relationships to Statistical Pattern Recognition.
    """
    return _softmax(-_with_rows("softmin", x))


class Sparsemax(AlongAxes):
    r"""Sparsemax: :math:`\varphi(x) = \arg\min_p |p - x|^2` over all distributions :math:`p`.

    A distribution, as the `softmax` is, but with entries that are exactly 0: for attention, and for
    classes of which few apply [1]_.

    Parameters
    ----------
    axis : int or tuple of int
        The axis along which the entries sum to 1, or axes that are taken together; negative ones
        count from the end. -1 by default.

    Attributes
    ----------
    axis
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `axis` is neither an integer nor a tuple of integers.
    ValueError
        If `axis` is empty or names an axis twice; when called, if `x` has no such axis.

    See Also
    --------
    sparsemax : instance along the last axis.
    Softmax : without entries that are 0.

    Notes
    -----
    It is max(0, x - t) for the one threshold t with which the entries sum to 1. The gradient is
    that of the support, the entries above the threshold: among them, the incoming gradient less its
    mean; 0 for the others. An entry just at the threshold belongs to the others, as in the paper.

    Shape, dtype and broadcast pattern are those of the input. An entry of -inf gets 0 (it is
    masked). Entries that share a sum with +inf or NaN, or that are nothing but -inf, become NaN.
    Keras calls it sparsemax, with an axis.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Sparsemax
    >>> Sparsemax(axis=1)
    Sparsemax(axis=1)
    """

    _checks = {"axis": check_axes}

    def __call__(self, x):
        """Apply the sparsemax to the tensor `x`, along the axis."""
        x = self._input(x)
        return _along(self._axes(x), lambda rows: in_float32(_sparsemax, rows), x)


sparsemax = Sparsemax()
sparsemax.__doc__ = """sparsemax(x)

Sparsemax along the last axis, the instance of `Sparsemax` (Martins and Astudillo 2016,
arXiv:1602.02068) that Keras has by default: the distribution that is nearest to the scores.
"""


def sparse_plus(x):
    r"""Sparse plus: :math:`\varphi(x) = 0` if :math:`x \le -1`, :math:`x` if :math:`x \ge 1`, else
    :math:`(x + 1)^2 / 4`.

    A `softplus` that is exactly 0 and exactly x outside of [-1, 1]; its slope is `sparse_sigmoid`
    [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The sparse plus of `x` elementwise, in [0, inf): 0 at -inf, 0.25 at 0, inf at inf. The
        slope is 0 at -inf, 0.5 at 0, 1 at inf.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    JAX and Keras call it sparse_plus.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068 (the loss of two classes).
    """
    return in_float32(_sparse_plus, as_float("sparse_plus", x))


def sparse_sigmoid(x):
    r"""Sparse sigmoid: :math:`\varphi(x) = \min(1, \max(0, (x + 1) / 2))`.

    The `sparsemax` of two classes, as the `sigmoid` is their softmax [1]_; the slope of
    `sparse_plus`.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        The sparse sigmoid of `x` elementwise, in [0, 1]: 0 at -inf, 0.5 at 0, 1 at inf. The slope
        is 0.5 between -1 and 1, 0 outside, and at these two kinks 0.25, the mean of both sides, as
        in JAX.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    JAX and Keras call it sparse_sigmoid.

    References
    ----------
    .. [1] Martins, Astudillo (2016): From Softmax to Sparsemax: A Sparse Model of Attention and
       Multi-Label Classification, arXiv:1602.02068.
    """
    x = as_float("sparse_sigmoid", x)
    return _join(x, 1, _join(x, -1, 0, (x + 1) / 2), 1)


class HardShrink(Elementwise):
    r"""Hard shrinkage: :math:`\varphi(x) = x` if :math:`|x| > \lambda`, else 0.

    Sets small values to 0 and leaves the others as they are: for sparse codes and denoising [1]_.

    Parameters
    ----------
    threshold : number, NumPy scalar, symbolic or shared variable
        The :math:`\lambda`, not negative; 0.5 by default.

    Attributes
    ----------
    threshold
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `threshold` is neither a number nor a variable of real dtype.
    ValueError
        If `threshold` is negative, NaN or infinite.

    See Also
    --------
    SoftShrink : without the jump.

    Notes
    -----
    The value is -inf at -inf, inf at inf, the slope 1 at both ends, 0 between the thresholds. At
    the two jumps the value is 0 and the slope 0.5, the mean of both sides; PyTorch takes 0. The
    slope along a learnt threshold takes no notice of the jumps. Keras calls it hard_shrink, PyTorch
    ``Hardshrink(lambd)``.

    References
    ----------
    .. [1] Donoho, Johnstone (1994): Ideal spatial adaptation by wavelet shrinkage.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import HardShrink
    >>> HardShrink()
    HardShrink(threshold=0.5)
    """

    _parameters = ("threshold",)

    def __init__(self, threshold=0.5):
        super().__init__(threshold=threshold)
        self._demand(lambda threshold: threshold >= 0, "threshold", "not be negative")

    def _formula(self, x, threshold):
        threshold = zero_grad(threshold)
        return _jump(x, threshold, 0) - _jump(-x, threshold, 0)


class SoftShrink(Elementwise):
    r"""Soft shrinkage: :math:`\varphi(x) = x - \lambda` if :math:`x > \lambda`, :math:`x + \lambda`
    if :math:`x < -\lambda`, else 0.

    Moves every value towards 0 by the threshold: the step of sparse coding (ISTA) [1]_.

    Parameters
    ----------
    threshold : number, NumPy scalar, symbolic or shared variable
        The :math:`\lambda`, not negative; 0.5 by default. It may be learnt.

    Attributes
    ----------
    threshold
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `threshold` is neither a number nor a variable of real dtype.
    ValueError
        If `threshold` is negative, NaN or infinite.

    See Also
    --------
    HardShrink : leaves large values as they are.

    Notes
    -----
    The value is -inf at -inf, inf at inf, the slope 1 at both ends, 0 between the thresholds, and
    at these two kinks 0.5, the mean of both sides (PyTorch takes 0). Keras calls it soft_shrink,
    PyTorch ``Softshrink(lambd)``.

    References
    ----------
    .. [1] Donoho (1995): De-noising by soft-thresholding.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import SoftShrink
    >>> SoftShrink(threshold=0.1)
    SoftShrink(threshold=0.1)
    """

    _parameters = ("threshold",)

    def __init__(self, threshold=0.5):
        super().__init__(threshold=threshold)
        self._demand(lambda threshold: threshold >= 0, "threshold", "not be negative")

    def _formula(self, x, threshold):
        above = _join(x, threshold, 0, x - threshold)
        return above + _join(x, -threshold, x + threshold, 0)


def tanh_shrink(x):
    r"""Tanh shrinkage: :math:`\varphi(x) = x - \tanh(x)`.

    Like `SoftShrink`, but smooth: almost 0 for small values, almost x - 1 or x + 1 for large
    positive or negative ones [1]_.

    Parameters
    ----------
    x : tensor variable or array_like
        The activation (the summed, weighted input of a neuron), of any shape.

    Returns
    -------
    tensor variable
        x - tanh(x) elementwise: -inf at -inf, 0 at 0, inf at inf. The slope is tanh(x)^2: 1 at both
        ends, 0 at 0.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    Notes
    -----
    Near 0, where the difference would cancel, it is a quotient of two polynomials, the continued
    fraction of tanh. Keras calls it tanh_shrink, PyTorch ``Tanhshrink``.

    References
    ----------
    .. [1] PyTorch, ``torch.nn.Tanhshrink``.
    """
    return in_float32(_tanh_shrink, as_float("tanh_shrink", x))


class Threshold(Elementwise):
    r"""Threshold: :math:`\varphi(x) = x` if :math:`x > \theta`, else :math:`v`.

    With both 0 it is `rectify`; with two that differ, it jumps at the threshold [1]_.

    Parameters
    ----------
    threshold : number, NumPy scalar, symbolic or shared variable
        The :math:`\theta` that x is compared with.
    value : number, NumPy scalar, symbolic or shared variable
        The :math:`v` in the place of what is not above it.

    Attributes
    ----------
    threshold, value
        The parameters as they were given.

    Raises
    ------
    TypeError
        If a parameter is neither a number nor a variable of real dtype.
    ValueError
        If a parameter is NaN or infinite.

    Notes
    -----
    The result is `value` at -inf, inf at inf, the slope 0 at -inf, 1 at inf. Just at the threshold
    the result is `value` and the slope 0.5, the mean of both sides; PyTorch takes 0. The slope
    along a learnt threshold takes no notice of the jump. Keras calls it threshold, PyTorch
    ``Threshold``.

    References
    ----------
    .. [1] Konda, Memisevic, Krueger (2014): Zero-bias autoencoders and the benefits of co-adapting
       features, arXiv:1402.3337 (for `value` 0).

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import Threshold
    >>> Threshold(threshold=1, value=0)
    Threshold(threshold=1, value=0)
    """

    _parameters = ("threshold", "value")

    def __init__(self, threshold, value):
        super().__init__(threshold=threshold, value=value)

    def _formula(self, x, threshold, value):
        return _jump(x, zero_grad(threshold), value)


class GLU(AlongAxes):
    r"""Gated linear unit: :math:`\varphi(a, b) = a / (1 + e^{-b})`, for the two halves of an axis.

    The second half decides how much of the first passes: the gate of convolutional language models
    [1]_ and of transformers [2]_.

    Parameters
    ----------
    axis : int
        The axis that is halved; negative ones count from the end. -1 by default. Its length must
        be even.

    Attributes
    ----------
    axis
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `axis` is not an integer.
    ValueError
        When called, if `x` has no such axis, or it is known to be odd.
    AssertionError
        When the compiled function is called, if the axis turns out to be odd.

    See Also
    --------
    glu : instance along the last axis.

    Notes
    -----
    The slope along the first half is the gate, that along the second a times the slope of the
    `sigmoid`. A closed gate (-inf in the second half) times an infinite value is NaN, since it has
    no limit. JAX, Keras and PyTorch call it glu.

    References
    ----------
    .. [1] Dauphin, Fan, Auli, Grangier (2016): Language Modeling with Gated Convolutional Networks,
       arXiv:1612.08083.
    .. [2] Shazeer (2020): GLU Variants Improve Transformer, arXiv:2002.05202.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import GLU
    >>> GLU(axis=1)
    GLU(axis=1)
    """

    _checks = {"axis": check_axis}

    def __call__(self, x):
        """Apply the gated linear unit to the tensor `x`, along the axis."""
        x = self._input(x)
        (axis,) = self._axes(x)
        must = "GLU: axis {} of x must have an even length".format(self.axis)
        length = known_length(x, axis)
        if length is None:
            length = Assert(must)(x.shape[axis], eq(x.shape[axis] % 2, 0))
        elif length % 2:
            raise ValueError("{}, got {}".format(must, length))
        before = (slice(None),) * axis
        values = x[before + (slice(None, length // 2),)]
        return values * _sigmoid(x[before + (slice(length // 2, None),)])


glu = GLU()
glu.__doc__ = """glu(x)

Gated linear unit along the last axis, the instance of `GLU` (Dauphin et al. 2016, arXiv:1612.08083)
that JAX, Keras and PyTorch have: the first half times the sigmoid of the second.
"""


class CReLU(AlongAxes):
    r"""Concatenated rectifier: :math:`\varphi(x) = (\max(0, x), \max(0, -x))`, along an axis.

    Keeps what `rectify` throws away, in units of its own; the axis becomes twice as long [1]_.

    Parameters
    ----------
    axis : int
        The axis that is doubled; negative ones count from the end. -1 by default; 1 for the
        channels of a convolutional layer.

    Attributes
    ----------
    axis
        The parameter as it was given.

    Raises
    ------
    TypeError
        If `axis` is not an integer.
    ValueError
        When called, if `x` has no such axis.

    See Also
    --------
    crelu : instance along the last axis.

    Notes
    -----
    The values are in [0, inf). Along the axis stands `rectify` of x first, then `rectify` of -x;
    their slopes at 0 are 0.5 and -0.5, the mean of both sides. TensorFlow calls it crelu.

    References
    ----------
    .. [1] Shang, Sohn, Almeida, Lee (2016): Understanding and Improving Convolutional Neural
       Networks via Concatenated Rectified Linear Units, arXiv:1603.05201.

    Examples
    --------
    >>> from lasagne_nl.nonlinearities import CReLU
    >>> CReLU(axis=1)
    CReLU(axis=1)
    """

    _checks = {"axis": check_axis}

    def __call__(self, x):
        """Apply the concatenated rectifier to the tensor `x`, along the axis."""
        x = self._input(x)
        (axis,) = self._axes(x)
        return concatenate([rectify(x), rectify(-x)], axis=axis)


crelu = CReLU()
crelu.__doc__ = """crelu(x)

Concatenated rectifier along the last axis, the instance of `CReLU` (Shang et al. 2016,
arXiv:1603.05201): rectify(x), and behind it rectify(-x).
"""


# The formulas of functions that have no parameter.


def _mish(x):
    size = _at_most(_size(x), _FAR)
    e, unit = _decay(size)
    full = e * unit
    above = size * (2 * full * full / (1 + 2 * full + 2 * full * full))
    # (2 + 2 full + full^2) / (2 + full), with less to round. It divides: among factors alone, Numba
    # may take e and unit together, whose product underflows.
    divisor = 1 + full * (1 + full) / (2 + full)
    below = (size * e) * (unit / divisor)
    return _rectified_less(x, switch(_positive(x), above, below), _positive(x))


def _softsign(x):
    # Far out, where the square in the slope would overflow, the slope counts for 0.
    is_far = abs(comparand(x)) > _like(1e9, x)
    near = switch(is_far, 0, x)
    far = switch(_positive(x), _like(1, x), -1) - 1 / switch(is_far, zero_grad(x), 1)
    return switch(is_far, far, near / (1 + abs(near)))


def _hard_silu(x):
    inside = _limited(x, 3)
    # No sum of x and 3, in which a rewrite would divide both by 6: next to -3 that would cancel.
    shifted = switch(comparand(x) < -3, 0, switch(comparand(x) > 3, _like(6, x), x + 3))
    return _join(x, 3, _join(x, -3, 0, inside * shifted / 6), x)


def _sparse_plus(x):
    inside = _limited(x, 1) + 1
    return _join(x, 1, _join(x, -1, 0, inside * inside / 4), x)


def _tanh_shrink(x):
    size = abs(comparand(x))
    is_small = size < 2
    # Not masked by 0, nor by the same condition: a library's rewrites may take out both again.
    small = switch(size <= 2, x, 1)
    square = small * small
    numerator, denominator = (_polynomial(c, square) for c in _TANH_SHRINK)
    return switch(is_small, small * square * numerator / denominator, x - _tanh(x))


def _sparsemax(x):
    fixed = disconnected_grad(x)
    descending = sort(fixed, axis=-1)[..., ::-1]
    # The largest entry of each row, NaN if there is one; of a row without entries their sum, 0.
    sums = fixed.sum(axis=-1, keepdims=True)
    largest = concatenate([descending, sums], axis=x.ndim - 1)[..., 0]
    largest = largest.dimshuffle(*range(x.ndim - 1), "x")
    x, descending = x - largest, descending - largest
    # The support: the k largest entries, for the largest k with 1 + k x_(k) > their sum. Where NaN
    # is among them every comparison is false, and the threshold NaN.
    ranks = cast(arange(1, x.shape[x.ndim - 1] + 1), x.dtype)
    outside = 1 + ranks * descending <= cumsum(descending, axis=x.ndim - 1)
    threshold = zero_grad(_threshold_of(outside, descending))
    outside = comparand(x) <= threshold
    inside = comparand(x) > threshold
    return switch(inside, x - _threshold_of(outside, x), switch(outside, 0, x + threshold))


def _threshold_of(outside, x):
    """What is to be taken off the entries that are not outside, so that they sum to 1."""
    total = switch(outside, 0, x).sum(axis=-1, keepdims=True)
    return (total - 1) / switch(outside, 0, _like(1, x)).sum(axis=-1, keepdims=True)


# What the formulas share. A branch of a switch that is not taken is computed nevertheless, and its
# gradient is multiplied by 0: so the argument of that branch is masked, lest it be 0 * inf.


def _like(number, x):
    """A number in the dtype of `x`, which it does not widen."""
    return as_tensor_variable(np.asarray(number, x.dtype))


def _positive(x):
    """Where `x` is above 0: the condition, in itself without a gradient."""
    return comparand(x) > 0


def _negative_part(x):
    """`x` where it is not positive, else 0; slope 1 at 0."""
    return switch(_positive(x), 0, x)


def _size(x):
    """The absolute value of `x`, with the slope of its left side at 0."""
    return switch(_positive(x), x, -x)


def _at_most(x, bound):
    """`x`, or the bound where it is larger."""
    return switch(comparand(x) > bound, bound, x)


def _limited(x, bound):
    """`x`, or the bound or minus the bound where it is beyond."""
    bound = _like(bound, x)
    return switch(comparand(x) > bound, bound, switch(comparand(x) < -bound, -bound, x))


def _finite(x):
    """`x`, or 0 where it is infinite."""
    return switch(isinf(comparand(x)), 0, x)


def _is_zero(factor):
    """Whether a factor is a number that is 0, or rounds to it, in its dtype."""
    return hasattr(factor, "data") and not np.any(factor.data)


def _product(factor, x):
    """The product, also where `x` is infinite: 0 times it is 0, and the slope along the factor,
    which is infinite there, is 0 for an incoming gradient of 0.
    """
    if _is_zero(factor):
        return factor * _finite(x)
    if hasattr(factor, "data"):
        return factor * x
    fixed = zero_grad(factor)
    at_infinity = switch(eq(fixed, 0), 0, fixed * x)
    # A sum with 0, whose slope is a division by the smallest float: of 0 that is 0, of 1 inf.
    least = _like(np.nextafter(np.zeros((), x.dtype), np.ones((), x.dtype)), x)
    at_infinity = at_infinity + (factor - fixed) / switch(_positive(x), least, -least)
    return switch(isinf(comparand(x)), at_infinity, factor * _finite(x))


# For functions that have reached their limits here, as exp(-x) has, in every dtype.
_FAR = 10000


def _limited_product(factor, x, shift=None, bound=_FAR):
    """The product (and a shift) within a bound on both sides. Beyond it all slopes are 0, also that
    along the factor at infinity; 0 times infinity is 0.
    """

    def shifted(product):
        return product if shift is None else product + shift

    bound = _like(bound, x)
    total = shifted(zero_grad(factor) * zero_grad(x))
    inside = switch(abs(total) > bound, 0, _finite(x))
    total_inside = shifted(factor * inside)
    return switch(total > bound, bound, switch(total < -bound, -bound, total_inside))


def _join(x, at, left, right):
    """`left` below a point, `right` above it; the mean at it, so that the slopes are averaged."""
    return _three_ways(x, at, left, (left + right) / 2, right)


def _kink(x, negative):
    """`x` above 0, `negative` below."""
    return _join(x, 0, negative, x)


def _between(x, low, high):
    """`x` within two bounds, with half its slope at each."""
    return _join(x, low, low, _join(x, high, x, high))


def _jump(x, at, value):
    """`x` above a point, else a value; at the point the value, with half the slope of `x`."""
    return _three_ways(x, at, value, value + (x - at) / 2, x)


def _three_ways(x, at, below, middle, above):
    """One expression below a point, one at it, one above it; NaN, and its slope, where `x` is."""
    # The absolute value is 0 at the point, with slope 0, and has slope NaN at NaN. To take 0 away
    # leaves -0 what it is.
    middle = middle - abs(x if _is_number(at, 0) else x - at)
    x, at = comparand(x), comparand(at) if isinstance(at, Variable) else at
    return switch(x > at, above, switch(x < at, below, middle))


def _is_number(value, number):
    return not isinstance(value, Variable) and value == number


def _rectified_less(x, tail, is_above):
    """`x` where the condition holds, else 0, less a tail that is 0 at both ends."""
    return switch(is_above, x - tail, -tail)


def _polynomial(coefficients, x):
    """The sum of the coefficients, the highest first, times powers of `x`."""
    result = _like(coefficients[0], x)
    for coefficient in coefficients[1:]:
        result = result * x + _like(coefficient, x)
    return result


# Of the multiples of 1/64, the one whose exp(-x) is nearest to a float; NumPy's is the next one.
_STEP, _EXP_OF_MINUS_STEP = 7.953125, 0.0003515618155546862


def _decay(x):
    """exp(-x) as a product of two, of which the first does not underflow as early; x >= 0."""
    is_far = comparand(x) > _like(_STEP, x)  # the difference is exact
    e = exp(switch(is_far, _like(_STEP, x), 0) - x)
    return e, switch(is_far, _like(_EXP_OF_MINUS_STEP, x), 1)


def _logistic_tail(size, x):
    """Size / (1 + exp(x)), for x >= 0."""
    e, unit = _decay(x)
    return (size * e) * (unit / (1 + e * unit))


_GELU_LINEAR = (8 / np.pi) ** 0.5
_SQRT_HALF, _SQRT_HALF_REST = 0.5**0.5, -4.833646656726457e-17  # the rest that float64 leaves


def _normal_tail(x):
    """1 - Phi(x), the weight of the standard normal distribution above x, for 0 <= x <= 64."""
    scaled = x * _like(_SQRT_HALF, x)
    # Far out, the rounding of the product counts x^2 times, so it is taken back: from the parts of
    # x and of the factor whose product is exact. The clip keeps the terms of the sum in order.
    fixed, rounded = zero_grad(x), zero_grad(scaled)
    bits = (np.finfo(x.dtype).nmant + 1) // 2
    factor = np.floor(_SQRT_HALF * 2.0**bits) / 2.0**bits
    steps = 2.0 ** (bits - 6)
    coarse = floor(fixed * _like(steps, x)) / _like(steps, x)
    rest = clip(coarse * _like(factor, x) - rounded, _like(-1, x), _like(1, x))
    rest = rest + coarse * _like(_SQRT_HALF - factor + _SQRT_HALF_REST, x)
    rest = rest + (fixed - coarse) * _like(_SQRT_HALF, x)
    return erfc(scaled) * (_like(0.5, x) - rounded * rest)


def _quotient_of_tanh_shrink(levels=12):
    """Coefficients of the polynomials p and q with x - tanh(x) = x^3 p(x^2) / q(x^2), next to 0.

    The quotient of a and b below is the continued fraction of tanh(x) / x,
    1 / (1 + z / (3 + z / (5 + ...))) with z = x^2.
    """
    a, b = [[0], [1]], [[1], [1]]
    for odd in range(3, 2 * levels + 1, 2):
        for terms in (a, b):
            older = [0] + terms[-2]
            newer = [odd * c for c in terms[-1]]
            length = max(len(older), len(newer))
            terms.append([sum(t) for t in zip(*(_padded(o, length) for o in (older, newer)))])
    numerator = [sum(t) for t in zip(b[-1], [-c for c in _padded(a[-1], len(b[-1]))])]
    # So that the last ones, which count most, are 1 and 3.
    return [[3 * c / b[-1][0] for c in reversed(p)] for p in (numerator[1:], b[-1])]


def _padded(coefficients, length):
    return coefficients + [0] * (length - len(coefficients))


_TANH_SHRINK = _quotient_of_tanh_shrink()


def _with_rows(activation, x):
    tensor = as_float(activation, x)
    if tensor.ndim == 0:
        raise ValueError(
            "{}: x must have at least one dimension, whose entries are to sum to 1, got the "
            "scalar {}".format(activation, shown(x))
        )
    return tensor


def _along(axes, function, x):
    """Apply a function of the last axis along others, taken together if there are several."""
    if axes == (x.ndim - 1,):
        return function(x)
    order = [axis for axis in range(x.ndim) if axis not in axes] + list(axes)
    turned = x.dimshuffle(*order)
    rows = turned
    if len(axes) > 1:
        lengths = [turned.shape[axis] for axis in range(x.ndim)]
        kept, together = lengths[: -len(axes)], lengths[-len(axes) :]
        # Not -1, which is ambiguous where there are no rows.
        rows = turned.reshape(kept + [functools.reduce(operator.mul, together)], ndim=len(kept) + 1)
    result = function(rows)
    if len(axes) > 1:
        result = result.reshape(turned.shape, ndim=x.ndim)
    result = result.dimshuffle(*[order.index(axis) for axis in range(x.ndim)])
    return patternbroadcast(result, x.type.broadcastable)
