"""Errors over the whole of float32, one bit pattern in 4099; `make accuracy` takes them all."""

import numpy as np
import pytest
from accuracy.references import FUNCTIONS, TABLES
from accuracy.sweep import (
    BIT_PATTERNS,
    Errors,
    check,
    compiled,
    hard_points,
    needs_mpmath,
    number_of_points,
    reference,
    sweep,
)
from activations import ELEMENTWISE
from helpers import (
    VERSION,
    backend,
    compiles_with_numba,
    errors,
    named,
    output_of,
    simd_is_active,
)

STRIDE = 4099
MOST_ULPS = 4
MOST_ULPS_OF_KERNELS = 1
OTHERS = [f for f in FUNCTIONS if f not in ELEMENTWISE]
SWEPT = ELEMENTWISE + (OTHERS if simd_is_active() else [])


def _known_faults():
    """Intervals of float32 on which the library computes a case wrongly, and why."""
    faults = {}
    if compiles_with_numba("FAST_RUN") and not simd_is_active():
        reason = "Numba multiplies in an order of its own, by a subnormal exp(x) far left"
        for name in ("silu", "mish") if VERSION < (3, 1) else ("mish",):
            faults[name] = [(-110, -85)], reason
    # PyTensor writes constants of float32 into C code with their shortest digits, as float64.
    if backend.name == "pytensor" and (2, 10) <= VERSION < (3,):
        reason = "PyTensor 2 takes 0.6666667 for the float32 next to 2/3: 4.05 units with tanh's 2"
        faults["ScaledTanH(2/3, 1.7159)"] = [(0.25, 1), (-1, -0.25)], reason
    return faults


FAULTS = _known_faults()


def spans(case):
    """The numbers of the bit patterns on which a case is known to fail, and of all others: two
    lists of (first, count)."""
    inside, outside, done = [], [], 0
    intervals, _ = FAULTS.get(case.name, ([], None))
    for ends in intervals:  # each of one sign, in the order of bit patterns
        patterns = sorted(np.asarray(ends, "float32").view("uint32").astype(int))
        first, stop = -(-patterns[0] // STRIDE), patterns[1] // STRIDE + 1
        outside.append((done, first - done))
        inside.append((first, stop - first))
        done = stop
    outside.append((done, number_of_points(case, "float32", STRIDE) - done))
    return inside, outside


def swept(case, parts):
    """The errors on parts of all floats."""
    found = Errors()
    for first, count in parts:
        found.merge(sweep(case, "float32", first, count, STRIDE)[0])
    return found


def assert_are_small(case, found):
    if case.is_a_kernel and simd_is_active():
        most = MOST_ULPS_OF_KERNELS
    else:
        most = MOST_ULPS + case.most_allowed("float32")
    assert found.normal.error <= most, found.normal
    assert found.subnormal.error <= most, found.subnormal


@pytest.mark.parametrize(**named(SWEPT))
def test_errors_stay_small_over_all_of_float32(case):
    inside, outside = spans(case)
    found = swept(case, outside)
    special = hard_points("float32")
    if not inside:
        with np.errstate(all="ignore"):
            found.add(special, compiled(case, "float32")(special), reference(case, special))
    assert found.points + sum(count for _, count in inside) > BIT_PATTERNS / STRIDE - 1
    assert_are_small(case, found)


@pytest.mark.skipif(not simd_is_active(), reason="the kernels do not serve here")
@pytest.mark.parametrize(**named([case for case in FUNCTIONS if not needs_mpmath(case, "float64")]))
def test_errors_of_functions_stay_small_in_float64(case):
    (found,) = sweep(case, "float64", 0, 600000)
    assert found.normal.error <= 2, found.normal
    assert found.subnormal.error <= 2, found.subnormal


@pytest.mark.parametrize(**named([case for case in SWEPT if case.name in FAULTS]))
def test_errors_stay_small_where_the_library_is_known_to_fail(case, request):
    _, reason = FAULTS[case.name]
    request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    inside, _ = spans(case)
    assert_are_small(case, swept(case, inside))


@pytest.mark.skipif(not compiles_with_numba("FAST_RUN"), reason="needs Numba")
@pytest.mark.parametrize(**named([case for case in SWEPT if case.name in ("silu", "mish")]))
def test_errors_stay_small_where_numba_is_forbidden_to_reorder(case, tmp_path):
    points = np.linspace(-110, -85, 1001).astype("float32")
    np.save(str(tmp_path / "points.npy"), points)
    program = (
        "import numpy as np, pytensor, pytensor.tensor as T\n"
        "from lasagne_nl import nonlinearities as nl\n"
        "x = T.vector('x', dtype='float32')\n"
        "function = pytensor.function([x], nl.{0}(x))\n"
        "np.save(r'{1}/values.npy', function(np.load(r'{1}/points.npy')))\n"
    )
    # With a cache of its own: what Numba loads from one can differ from what it compiles.
    flags = "numba__fastmath=False,base_compiledir={}".format(tmp_path / "compiled")
    output_of(program.format(case.name, tmp_path), PYTENSOR_FLAGS=flags)
    got = np.load(str(tmp_path / "values.npy"))
    assert errors(case, got, points).max() <= MOST_ULPS


@pytest.mark.parametrize("dtype, most", [("float32", 0.001), ("float64", 0.01)])
@pytest.mark.parametrize(**named(ELEMENTWISE + OTHERS))
def test_the_reference_is_what_mpmath_says(case, dtype, most):
    if needs_mpmath(case, dtype):
        pytest.skip("there is no reference: mpmath itself measures")

    def nearly(x):
        """The reference, off by up to 4 units in the last place."""
        with np.errstate(all="ignore"):
            got = reference(case, x).astype(dtype)
            off = np.arange(len(x)) % 9 - 4
            for step in range(1, 5):
                towards = np.where(off > 0, np.inf, -np.inf).astype(dtype)
                got = np.where(abs(off) >= step, np.nextafter(got, towards), got)
        return got

    # No compiled function has to be there: the measurement is on trial.
    assert check(case, dtype, Errors(), extra=300, function=nearly) <= most


def test_a_gradient_is_measured_against_that_of_the_expression_in_float64_and_by_mpmath():
    case = TABLES["gradients"]["softsign"]
    (found,) = sweep(case, "float32", 0, 2**16, 2**16)
    assert found.points == 2**16 and 0.4 < found.normal.error <= 1
    assert check(case, "float32", found) <= 0.001
    (by_mpmath,) = sweep(case, "float64", 0, 50)
    assert by_mpmath.points == 50 and 0.1 < by_mpmath.normal.error <= 1
