r"""Activations for the layers of a neural network, as symbolic expressions.

A drop-in for ``lasagne.nonlinearities``: the same names, signatures, attributes and meaning. Each
activation takes a symbolic variable and returns a symbolic expression; pass it as
``nonlinearity=`` to a layer constructor, or call it anywhere in graph code.

========================== ===================================== ==============================
name                       formula                               range
========================== ===================================== ==============================
`sigmoid`                  1 / (1 + exp(-x))                     (0, 1)
`softmax`                  exp(x_j) / sum_k exp(x_k)             (0, 1), each row sums to 1
`tanh`                     tanh(x)                               (-1, 1)
`ScaledTanH`               scale_out tanh(scale_in x)            (-scale_out, scale_out)
`rectify`                  max(0, x)                             [0, inf)
`LeakyRectify`             x if x > 0 else leakiness x           (-inf, inf)
`leaky_rectify`            `LeakyRectify` with 0.01              (-inf, inf)
`very_leaky_rectify`       `LeakyRectify` with 1/3               (-inf, inf)
`elu`                      x if x > 0 else exp(x) - 1            (-1, inf)
`SELU`                     scale (x or scale_neg (exp(x) - 1))   (-scale scale_neg, inf)
`selu`                     `SELU` that normalises itself         (-1.758, inf)
`softplus`                 log(1 + exp(x))                       (0, inf)
`linear`, `identity`       x                                     (-inf, inf)
========================== ===================================== ==============================

What holds for all of them, and is said below only where there is more to say:

- **Values** are right on the whole range of floats: at +-inf they are the limits, and NaN gives
  NaN.
- **Derivatives**, first and second, are finite wherever the true ones are. At a kink the slope is
  the mean of its two sides, so `rectify` has slope 0.5 at 0; `elu` and `SELU` take their
  left-hand slope there, as Lasagne does.
- **Dtype**: float16, float32 and float64 stay what they are, whatever ``floatX`` is. Booleans and
  integers of up to 16 bits give float32, wider ones float64.
- **Shape** and broadcast pattern stay what they are.
- **Parameters** of the classes are a number, a NumPy scalar, or a symbolic or shared variable,
  which then can be learnt. A parameter of a wrong type raises TypeError, one that is not finite
  ValueError. An input that is no tensor of real numbers raises TypeError.
"""

import numpy as np

from lasagne_nl._arguments import Parameterised, as_float, is_symbolic
from lasagne_nl.backend import clip, comparand, expm1, switch
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
    x = as_float("softmax", x)
    if x.ndim == 0:
        raise ValueError("softmax: x must have at least one dimension, got the scalar {}".format(x))
    return _softmax(x)


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


class ScaledTanH(Parameterised):
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
        self._set(scale_in=scale_in, scale_out=scale_out)

    def __call__(self, x):
        """Apply the scaled tanh to the tensor `x`, elementwise."""
        x = self._input(x)
        scale_in, scale_out = self._constants(x)
        if is_symbolic(self.scale_in):
            # The slope along scale_in is x (1 - tanh^2) scale_out: 0 at x = +-inf, not inf * 0.
            x = _moderate(x)
        return _tanh(x * scale_in) * scale_out


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
    tensor variable
        `x` where it is positive, else 0; in [0, inf): 0 at -inf, inf at inf. The slope is 0 below
        0, 1 above, and 0.5 at 0, the mean of both.

    Raises
    ------
    TypeError
        If `x` is no tensor of real numbers.

    References
    ----------
    .. [1] Glorot, Bordes, Bengio (2011): Deep Sparse Rectifier Neural Networks.
    """
    x = as_float("rectify", x)
    return _kink(x, 0)


class LeakyRectify(Parameterised):
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
        self._set(leakiness=leakiness)

    def __call__(self, x):
        """Apply the leaky rectifier to the tensor `x`, elementwise."""
        x = self._input(x)
        if not is_symbolic(self.leakiness) and self.leakiness == 0:
            return rectify(x)
        (leakiness,) = self._constants(x)
        return _kink(x, leakiness * _negative_part(x))


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


class SELU(Parameterised):
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
        self._set(scale=scale, scale_neg=scale_neg)

    def __call__(self, x):
        """Apply the scaled exponential linear unit to the tensor `x`, elementwise."""
        x = self._input(x)
        scale, scale_neg = self._constants(x)
        return scale * switch(_positive(x), x, scale_neg * expm1(_negative_part(x)))


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


# What the formulas share. A branch of a switch that is not taken is computed nevertheless, and its
# gradient is multiplied by 0: so the argument of that branch is masked, lest it be 0 * inf.


def _positive(x):
    """Where `x` is above 0: the condition, in itself without a gradient."""
    return comparand(x) > 0


def _negative_part(x):
    """`x` where it is not positive, else 0; slope 1 at 0."""
    return switch(_positive(x), 0, x)


def _kink(x, negative):
    """`x` above 0, `negative` below; the mean of both at 0, so that the slopes are averaged."""
    return switch(_positive(x), x, switch(comparand(x) < 0, negative, (x + negative) / 2))


def _moderate(x):
    """`x` within bounds that leave room for a factor or two before the largest float."""
    bound = np.asarray(float(np.finfo(x.dtype).max) ** 0.9, x.dtype)
    return clip(x, -bound, bound)
