"""`compare`: where two activations, or two models, differ."""

from collections import namedtuple

import numpy as np

from lasagne_nl import backend
from lasagne_nl._arguments import FLOATS

# How many lines there are at most for values, and for gradients.
_SHOWN = 8

Difference = namedtuple("Difference", "what start stop at first second units")
Difference.__doc__ = """A run of neighbouring points at which two callables differ.

Attributes
----------
what : str
    ``"value"`` or ``"gradient"``.
start, stop : float or tuple of int
    The first and the last point of the run. Where the points were given: the index of one entry,
    twice.
at : float or tuple of int
    Where the difference is largest.
first, second : float
    What the two have there.
units : float
    The difference there, in units in the last place; inf if one of them is NaN or infinite.
"""


class Comparison:
    """What `compare` found.

    Attributes
    ----------
    agree : bool
        Whether nothing differs.
    differences : list of Difference
        Where values and gradients differ.
    notes : list of str
        What differs throughout: shapes and dtypes.
    compared : dict of str to int
        How many entries there are of the ``"value"``, and of the ``"gradient"``.
    """

    def __init__(self, differences, notes, compared, tolerance, pointwise):
        self.differences = differences
        self.notes = notes
        self.compared = compared
        self._tolerance = tolerance
        self._pointwise = pointwise

    @property
    def agree(self):
        return not self.differences and not self.notes

    def __repr__(self):
        return "<Comparison: {}>".format("they agree" if self.agree else "they differ")

    def __str__(self):
        lines = list(self.notes)
        for what in ("value", "gradient"):
            found = [one for one in self.differences if one.what == what]
            if found:
                lines += ["{}: they differ".format(what)] + self._lines_of(found)
            elif not any(note.startswith(what) for note in self.notes):
                lines.append(
                    "{}: the same at {} points, within {:g} units".format(
                        what, self.compared[what], self._tolerance
                    )
                )
        return "\n".join(lines)

    def _lines_of(self, found):
        header = ("from", "to", "worst at") if self._pointwise else ("entry",)
        rows = [header + ("first", "second", "units")]
        for one in found[:_SHOWN]:
            place = (one.start, one.stop, one.at) if self._pointwise else (one.at,)
            numbers = tuple(map(_shown, place + (one.first, one.second)))
            rows.append(numbers + ("{:.3g}".format(one.units),))
        widths = [max(len(row[i]) for row in rows) for i in range(len(header) + 3)]
        lines = [
            "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows
        ]
        if len(found) > _SHOWN:
            lines.append("  and {} more".format(len(found) - _SHOWN))
        return lines


def compare(first, second, points=None, dtype=None, tolerance=8):
    """Say where two activations, or two models, differ, in values and in gradients.

    Both are compiled by the library in use, in its default mode, and computed at the same points.
    Use it to see what a move from Lasagne changes: it shows the inputs for which the results are
    not the same, and what they are.

    Parameters
    ----------
    first, second : callable
        Each takes a symbolic variable and returns a symbolic expression: an activation, or
        ``lambda x: lasagne.layers.get_output(network, x)``.
    points : array_like, optional
        What they are computed at, in the shape that they take; the gradient is then that of a sum
        of the results with fixed random weights. By default they get a vector of several thousand
        points of all magnitudes, with both zeros, both infinities and (for the value) NaN, and must
        be elementwise.
    dtype : str or NumPy dtype, optional
        ``"float16"``, ``"float32"`` or ``"float64"``: what the points are cast to. By default
        ``floatX`` of the library.
    tolerance : float
        How many units in the last place results may differ by and still count as the same. A unit
        is that of the larger of both results, and where points are given, of the largest in the
        array, as rounding errors are. 8 by default.

    Returns
    -------
    Comparison
        Printed, it is a table. `agree` is whether nothing differs; `differences` is a list, and
        has for each run of neighbouring points at which they differ the first and the last of
        them, the one where they differ most, and what both have there.

    Raises
    ------
    TypeError
        If `first` or `second` cannot be called, is a class, or does not return an expression of
        floats; if `points` are not real.
    ValueError
        If `dtype` is none of the three, `tolerance` is negative or NaN, there are no points, or a
        callable is NaN at all of those that are taken by default, as softmax is.

    Notes
    -----
    What `lasagne_nl` mends in every graph of the process (Theano's sigmoid and softplus in float64,
    its softmax) is mended in both, and does not show.

    Examples
    --------
    >>> import lasagne_nl
    >>> from lasagne_nl.nonlinearities import rectify
    >>> def halves(x):  # as Lasagne has it
    ...     return 0.5 * (x + abs(x))
    >>> print(lasagne_nl.compare(halves, rectify, dtype="float32"))
    value: they differ
              from            to      worst at  first        second  units
              -inf          -inf          -inf    nan             0    inf
      1.847237e+38  3.402823e+38  1.847237e+38    inf  1.847237e+38    inf
    gradient: the same at 8487 points, within 8 units
    """
    named = (("first", first), ("second", second))
    for name, one in named:
        if isinstance(one, type):
            advice = "is the class {0}: give it an instance, {0}(...)".format(one.__name__)
            raise TypeError("compare: {} {}".format(name, advice))
        if not callable(one):
            raise TypeError(
                "compare: {} must be a callable that takes a symbolic variable, got {!r}".format(
                    name, one
                )
            )
    dtype = _name_of_dtype(backend.library.config.floatX if dtype is None else dtype)
    if not tolerance >= 0:
        raise ValueError("compare: tolerance must be 0 or more, got {!r}".format(tolerance))
    pointwise = points is None
    points = _every_magnitude(dtype) if pointwise else np.asarray(points)
    if points.dtype.kind not in "biuf":
        raise TypeError("compare: points must be real numbers, got dtype {}".format(points.dtype))
    points = points.astype(dtype)
    if not points.size:
        raise ValueError("compare: points must not be empty, got shape {}".format(points.shape))

    values, gradients = zip(*(_computed(name, one, points, pointwise) for name, one in named))
    notes, differences = [], []
    for what, pair in (("value", values), ("gradient", gradients)):
        notes += _notes(what, *pair)
        if pair[0].shape == pair[1].shape:
            units = _units(*pair, pointwise=pointwise)
            if pointwise and what == "gradient":
                units[np.isnan(points)] = 0  # where there is no slope
            differences += _runs(what, points, pair, units > tolerance, units, pointwise)
    compared = {"value": values[1].size, "gradient": gradients[1].size}
    return Comparison(differences, notes, compared, tolerance, pointwise)


def _name_of_dtype(dtype):
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = None
    if name not in FLOATS:
        raise ValueError("compare: dtype must be one of {}, got {!r}".format(FLOATS, dtype))
    return name


def _every_magnitude(dtype):
    """Points all over the floats, in rising order, NaN last."""
    limits = np.finfo(dtype)
    smallest = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
    octaves = np.log2(float(smallest)), np.log2(float(limits.max))
    # Some thousand, that is at least one in each octave.
    magnitudes = 2.0 ** np.linspace(*octaves, num=2201)[:-1]
    near = np.linspace(0, 32, 2049)
    # Where exp overflows and underflows, and x * x.
    edges = [np.log(float(limits.max)), -np.log(float(limits.tiny)), float(limits.max) ** 0.5]
    edges = [edge * factor for edge in edges for factor in (0.999, 1, 1.001)]
    with np.errstate(over="ignore"):
        positive = np.concatenate([magnitudes, near, edges]).astype(dtype)
    positive = np.append(positive[np.isfinite(positive)], [limits.max, np.inf]).astype(dtype)
    positive = np.unique(positive)
    return np.concatenate([-positive[::-1], positive, [np.nan]]).astype(dtype)


def _computed(name, callable_, points, pointwise):
    """The value of a callable at the points, and its gradient."""
    # None is a length that is not known. Theano wants to be told whether a length is 1, and takes
    # it for a no.
    x = backend.DenseTensorType(points.dtype.name, (None,) * points.ndim)("x")
    y = callable_(x)
    if not isinstance(y, backend.Variable):
        wanted, got = "a symbolic expression", repr(y)
    elif not str(getattr(y, "dtype", None)).startswith("float"):
        wanted, got = "floats, whose distance is measured and which have a gradient", y.type
    else:
        wanted = None
    if wanted:
        raise TypeError(
            "compare: {} must return {}; {!r} returned {}".format(name, wanted, callable_, got)
        )

    def at_the_points(expression):
        function = backend.library.function([x], expression, on_unused_input="ignore")
        return np.asarray(function(points))

    value = at_the_points(y)
    if pointwise and np.isnan(value).all():
        raise ValueError(
            "compare: {} is NaN at all of the points that are taken where none are given: they are "
            "for elementwise activations; pass points of the shape that {!r} takes".format(
                name, callable_
            )
        )
    weights = np.ones(value.shape)
    if not pointwise:
        weights = np.random.RandomState(0).uniform(0.5, 1.5, value.shape)
    weights = backend.as_tensor_variable(weights.astype(value.dtype))
    options = {"disconnected_inputs": "ignore", "return_disconnected": "zero"}
    return value, at_the_points(backend.library.grad((y * weights).sum(), x, **options))


def _notes(what, first, second):
    """What differs throughout."""
    if first.shape != second.shape:
        yield "{}: the shapes differ: {} and {}".format(what, first.shape, second.shape)
    if first.dtype != second.dtype:
        yield "{}: the dtypes differ: {} and {}".format(what, first.dtype, second.dtype)


def _units(first, second, pointwise):
    """How far two arrays are apart, in units in the last place of the narrower of both dtypes."""
    narrower = min(first.dtype, second.dtype, key=lambda dtype: dtype.itemsize)
    both = np.stack([first, second]).astype(np.float64)
    with np.errstate(all="ignore"):
        finite = np.isfinite(both)
        size = np.abs(np.where(finite, both, 0)).max(axis=0)
        if not pointwise:
            size = np.full_like(size, size.max())
        unit = np.abs(np.spacing(np.minimum(size, np.finfo(narrower).max).astype(narrower)))
        units = np.abs(both[0] - both[1]) / unit.astype(np.float64)
        same = (both[0] == both[1]) | (np.isnan(both[0]) & np.isnan(both[1]))
    return np.where(same, 0, np.where(finite.all(axis=0), units, np.inf))


def _runs(what, points, pair, differ, units, pointwise):
    """The places of a difference, neighbours together; or the largest differences, one by one."""
    if not pointwise:
        places = [tuple(map(int, place)) for place in np.argwhere(differ)]
        return [
            Difference(what, at, at, at, float(pair[0][at]), float(pair[1][at]), float(units[at]))
            for at in sorted(places, key=units.__getitem__, reverse=True)
        ]
    runs, places = [], np.flatnonzero(differ)
    # NaN, the last point, is nobody's neighbour.
    breaks = np.flatnonzero((np.diff(places) > 1) | np.isnan(points[places[1:]])) + 1
    for run in np.split(places, breaks):
        if run.size:
            at = run[np.argmax(units[run])]
            numbers = points[run[0]], points[run[-1]], points[at], pair[0][at], pair[1][at]
            runs.append(Difference(what, *map(float, numbers), units=float(units[at])))
    return runs


def _shown(value):
    return str(value) if isinstance(value, tuple) else "{:.7g}".format(value)
