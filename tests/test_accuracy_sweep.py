"""Errors over the whole of float32, one bit pattern in 4099; `make accuracy` takes them all."""

import numpy as np
import pytest
from accuracy import sweep
from accuracy.references import FUNCTIONS, TABLES
from activations import BY_NAME, ELEMENTWISE
from helpers import PRELUDE, compiles_with_numba, errors, output_of, simd_is_active

STRIDE = 4099
MOST_ULPS = 4
MOST_ULPS_OF_KERNELS = 1
OTHERS = [f for f in FUNCTIONS if f not in ELEMENTWISE]
WITHOUT_MPMATH = [f for f in FUNCTIONS if not sweep.needs_mpmath(f, "float64")]
SWEPT = ELEMENTWISE + (OTHERS if simd_is_active() else [])


@pytest.mark.parametrize("case", SWEPT, ids=repr)
def test_errors_stay_small_over_all_of_float32(case):
    points = sweep.number_of_points(case, "float32", STRIDE)
    (found,) = sweep.sweep(case, "float32", 0, points, STRIDE)
    special = sweep.hard_points("float32")
    with np.errstate(all="ignore"):
        found.add(special, sweep.compiled(case, "float32")(special), sweep.reference(case, special))
    assert found.points > sweep.BIT_PATTERNS / STRIDE
    most = MOST_ULPS_OF_KERNELS
    if not sweep.is_one_kernel(case, "float32"):
        most = MOST_ULPS + case.most_allowed("float32")
    assert found.normal.error <= most, found.normal
    assert found.subnormal.error <= most, found.subnormal


@pytest.mark.skipif(not simd_is_active(), reason="the kernels do not serve here")
@pytest.mark.parametrize("case", WITHOUT_MPMATH, ids=repr)
def test_errors_of_functions_stay_small_in_float64(case):
    (found,) = sweep.sweep(case, "float64", 0, 600000)
    assert found.normal.error <= 2, found.normal
    assert found.subnormal.error <= 2, found.subnormal


@pytest.mark.skipif(not compiles_with_numba("FAST_RUN"), reason="needs Numba")
@pytest.mark.parametrize("case", [BY_NAME["silu"], BY_NAME["mish"]], ids=repr)
def test_without_kernels_errors_stay_small_where_numba_is_forbidden_to_reorder(case, tmp_path):
    points = np.linspace(-110, -85, 1001).astype("float32")
    np.save(str(tmp_path / "points.npy"), points)
    program = PRELUDE + (
        "x = T.vector('x', dtype='float32')\n"
        "function = library.function([x], nl.{0}(x))\n"
        "np.save(r'{1}/values.npy', function(np.load(r'{1}/points.npy')))\n"
    )
    # With a cache of its own: what Numba loads from one can differ from what it compiles.
    flags = "numba__fastmath=False,base_compiledir={}".format(tmp_path / "compiled")
    output_of(program.format(case.name, tmp_path), PYTENSOR_FLAGS=flags, LASAGNE_NL_SIMD="0")
    got = np.load(str(tmp_path / "values.npy"))
    assert errors(case, got, points).max() <= MOST_ULPS


@pytest.mark.parametrize("dtype, most", [("float32", 0.001), ("float64", 0.01)])
@pytest.mark.parametrize("case", ELEMENTWISE + OTHERS, ids=repr)
def test_the_reference_is_what_mpmath_says(case, dtype, most):
    if sweep.needs_mpmath(case, dtype):
        pytest.skip("there is no reference: mpmath itself measures")

    def nearly(x):
        """The reference, off by up to 4 units in the last place."""
        with np.errstate(all="ignore"):
            got = sweep.reference(case, x).astype(dtype)
            off = np.arange(len(x)) % 9 - 4
            for step in range(1, 5):
                towards = np.where(off > 0, np.inf, -np.inf).astype(dtype)
                got = np.where(abs(off) >= step, np.nextafter(got, towards), got)
        return got

    # No compiled function has to be there: the measurement is on trial.
    assert sweep.check(case, dtype, sweep.Errors(), extra=300, function=nearly) <= most


def test_a_gradient_is_measured_against_that_of_the_expression_in_float64_and_by_mpmath():
    case = TABLES["gradients"]["softsign"]
    (found,) = sweep.sweep(case, "float32", 0, 2**16, 2**16)
    assert found.points == 2**16 and 0.4 < found.normal.error <= 1
    assert sweep.check(case, "float32", found) <= 0.001
    (by_mpmath,) = sweep.sweep(case, "float64", 0, 50)
    assert by_mpmath.points == 50 and 0.1 < by_mpmath.normal.error <= 1
