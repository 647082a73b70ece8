/* Softmax and its family, and sparsemax, row by row: first the loops along a row, then the walk over
 * the rows, last the operations, which take Theano's arrays, and are false where an exception of
 * Python's is set.
 *
 * A row is computed where it is contiguous, else in a buffer of its length. The sum of a row is
 * carried in double. The loops with `omp simd` add and compare in the lanes of a vector, which
 * Theano's own order of adding one by one does not allow.
 */

#ifndef LASAGNE_NL_SOFTMAX_H
#define LASAGNE_NL_SOFTMAX_H

#include <math.h>
#include <stdlib.h>

/* The largest element. NaN is passed over, and found by what comes after. */
template <class T> LNL_NOINLINE T lnl_row_max(const T *x, npy_intp n)
{
    const T least = -(T)__builtin_inf();
    T a = least, b = least, c = least, d = least;
    npy_intp quarter = n / 4, j;
    /* Four at once, because each comparison waits for the one before it. */
    #pragma omp simd reduction(max : a, b, c, d)
    for (j = 0; j < quarter; j++) {
        a = x[j] > a ? x[j] : a;
        b = x[quarter + j] > b ? x[quarter + j] : b;
        c = x[2 * quarter + j] > c ? x[2 * quarter + j] : c;
        d = x[3 * quarter + j] > d ? x[3 * quarter + j] : d;
    }
    for (j = 4 * quarter; j < n; j++) a = x[j] > a ? x[j] : a;
    a = b > a ? b : a;
    c = d > c ? d : c;
    return c > a ? c : a;
}

/* The first index of the largest element; 0 where the first is NaN. */
template <class T> static npy_intp lnl_row_argmax(const T *x, npy_intp n, T max)
{
    const npy_intp block = 64;
    npy_intp j = 0, i;
    if (!(x[0] == x[0])) return 0;
    for (; j + block <= n; j += block) {
        int found = 0;
        for (i = 0; i < block; i++) found |= x[j + i] == max;
        if (found) break;
    }
    for (; j < n; j++)
        if (x[j] == max) return j;
    return 0;
}

/* out = 2^64 exp(x) / 2^n, which is about 2^64 for the largest; returns the sum, not times 2^64 */
template <class T> LNL_NOINLINE double lnl_row_exp(T *out, const T *x, npy_intp n, T max)
{
    const T shift = lnl_shift_near_1(max), least = lnl_least_near_1(max), magic = lnl_magic_near_1(max);
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) {
        T e = lnl_exp_near_1(x[j], shift, least, magic);
        out[j] = e;
        sum += e;
    }
    return lnl_unscaled(sum);
}

/* The sum of exp(x - max) */
template <class T> LNL_NOINLINE double lnl_row_sum_exp(const T *x, npy_intp n, T max)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) sum += lnl_exp_below(x[j], max);
    return lnl_unscaled(sum);
}

/* out = out / 2^64 / sum, as if by the factor 1 / sum in twice the precision */
template <class T> LNL_NOINLINE void lnl_row_divide(T *out, npy_intp n, double sum)
{
    const double inverse = 1 / sum;
    const T factor = (T)inverse;
    const T factor_lo = (T)((inverse - (double)factor) + lnl_rest(inverse, sum, 1.0) * inverse);
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = lnl_scaled(out[j], factor, factor_lo);
}

/* out = x - max - rest; not x - (max + rest), where a large max would swallow the rest */
template <class T> LNL_NOINLINE void lnl_row_subtract(T *out, const T *x, npy_intp n, double max,
                                                      double rest)
{
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = (T)((x[j] - max) - rest);
}

template <class T> LNL_NOINLINE void lnl_row_add(T *out, const T *a, const T *b, npy_intp n)
{
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = a[j] + b[j];
}

template <class T> LNL_NOINLINE double lnl_row_sum(const T *x, npy_intp n)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) sum += x[j];
    return sum;
}

/* out = g - out / 2^64 * factor */
template <class T> LNL_NOINLINE void lnl_row_less(T *out, const T *g, npy_intp n, T factor)
{
    const T unit = lnl_unit_of(factor);
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = lnl_less(g[j], out[j], factor, unit);
}

template <class T> LNL_NOINLINE double lnl_row_dot(const T *a, const T *b, npy_intp n)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) sum += a[j] * b[j];
    return sum;
}

/* The gradient of softmax s for the incoming gradient g: s (g - sum of g s) */
template <class T> LNL_NOINLINE void lnl_row_softmax_grad(T *out, const T *g, const T *s, npy_intp n,
                                                          T dot)
{
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = (g[j] - dot) * s[j];
}

template <class T> LNL_NOINLINE void lnl_row_times(T *out, const T *x, npy_intp n, T factor)
{
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = x[j] * factor;
}

/* The sum of those x - max that are above a threshold, and their number; and whether all x are numbers,
 * and no more than max. */
template <class T>
LNL_NOINLINE double lnl_row_above(const T *x, npy_intp n, double max, double threshold, npy_intp *number,
                                  bool *are_numbers)
{
    double sum = 0, above = 0, below = 0;
    #pragma omp simd reduction(+ : sum, above, below)
    for (npy_intp j = 0; j < n; j++) {
        const double d = x[j] - max;
        sum += d > threshold ? d : 0;
        above += d > threshold ? 1 : 0;
        below += d <= 0 ? 1 : 0;
    }
    *number = (npy_intp)above;
    *are_numbers = below == n;
    return sum;
}

/* The threshold of sparsemax, to be taken from x - max: such that what remains of those above it sums
 * to 1. By Newton's method for a convex function of it, from the left; the more are left out, the fewer
 * steps there are. */
template <class T> static double lnl_row_threshold(const T *x, npy_intp n, double max)
{
    double threshold = -1;
    npy_intp number = n + 1;
    for (;;) {
        const npy_intp before = number;
        bool are_numbers;
        const double sum = lnl_row_above(x, n, max, threshold, &number, &are_numbers);
        if (!are_numbers) return __builtin_nan("");
        if (number >= before) return threshold;
        threshold = (sum - 1) / number;
    }
}

/* A matrix, or one row that stands for all: of_row is 0. Strides are in elements. */
template <class T> struct lnl_matrix {
    T *data;
    npy_intp of_row, of_column;
    T *row(npy_intp i) const { return data + i * of_row; }
};

template <class T> static lnl_matrix<T> lnl_as_matrix(PyArrayObject *array)
{
    int last = PyArray_NDIM(array) - 1;
    lnl_matrix<T> matrix = {(T *)PyArray_DATA(array),
                            last > 0 ? PyArray_STRIDES(array)[0] / (npy_intp)sizeof(T) : 0,
                            PyArray_STRIDES(array)[last] / (npy_intp)sizeof(T)};
    if (PyArray_DIMS(array)[last] == 1) matrix.of_column = 1;
    return matrix;
}

/* A vector as a matrix of one column; a vector of one stands for all rows. */
template <class T> static lnl_matrix<T> lnl_as_column(PyArrayObject *array)
{
    npy_intp stride = PyArray_SIZE(array) > 1 ? PyArray_STRIDES(array)[0] / (npy_intp)sizeof(T) : 0;
    lnl_matrix<T> matrix = {(T *)PyArray_DATA(array), stride, 1};
    return matrix;
}

/* Buffers of a row, for each thread its own. */
template <class T> struct lnl_buffers {
    T *first, *second;
    explicit lnl_buffers(npy_intp n) : first((T *)malloc(2 * n * sizeof(T) + 1)), second(first + n) {}
    ~lnl_buffers() { free(first); }
private:
    lnl_buffers(const lnl_buffers &);
};

/* The row, where it is contiguous, or a copy of it in `work`. */
template <class T> static const T *lnl_contiguous(const lnl_matrix<T> &m, npy_intp i, npy_intp n, T *work)
{
    if (m.of_column == 1) return m.row(i);
    for (npy_intp j = 0; j < n; j++) work[j] = m.row(i)[j * m.of_column];
    return work;
}

/* One row of x + b, or of x where b has no data: contiguous, and maybe in `work`. */
template <class T> static const T *lnl_scores(const lnl_matrix<T> &x, const lnl_matrix<T> &b,
                                              npy_intp i, npy_intp n, lnl_buffers<T> &work)
{
    const T *row = lnl_contiguous(x, i, n, work.first);
    if (!b.data) return row;
    lnl_row_add(work.first, row, lnl_contiguous(b, 0, n, work.second), n);
    return work.first;
}

/* An output of the shape of `like`, or of its first dimensions. */
static bool lnl_allocate(PyArrayObject **output, int ndim, PyArrayObject *like, int type)
{
    if (*output && PyArray_CompareLists(PyArray_DIMS(*output), PyArray_DIMS(like), ndim)) return true;
    Py_XDECREF(*output);
    *output = (PyArrayObject *)PyArray_EMPTY(ndim, PyArray_DIMS(like), type, 0);
    return *output != NULL;
}

static bool lnl_fail(const char *message, npy_intp got = 0, npy_intp wanted = 0)
{
    PyErr_Format(PyExc_ValueError, message, (long)got, (long)wanted);
    return false;
}

/* Computes an output of the shape and dtype of `like`: compute(i, n, result, work) makes row i, n
 * elements, at `result`, which may be work.first. From `minimum` elements on with threads, if
 * compiled with OpenMP. */
template <class T, class Compute>
static bool lnl_each_row(PyArrayObject **output, PyArrayObject *like, npy_intp minimum, Compute compute)
{
    if (!lnl_allocate(output, 2, like, PyArray_TYPE(like))) return false;
    const lnl_matrix<T> out = lnl_as_matrix<T>(*output);
    const npy_intp count = PyArray_DIMS(like)[0], n = PyArray_DIMS(like)[1];
    if (count == 0 || n == 0) return true;
    const int threads = lnl_threads(count * n, minimum);
    int enough_memory = 1;
    #pragma omp parallel for num_threads(threads) reduction(& : enough_memory)
    for (int thread = 0; thread < threads; thread++) {
        lnl_buffers<T> work(n);
        if (!work.first) { enough_memory = 0; continue; }
        for (npy_intp i = count * thread / threads; i < count * (thread + 1) / threads; i++) {
            T *result = out.of_column == 1 ? out.row(i) : work.first;
            compute(i, n, result, work);
            if (out.of_column == 1) continue;
            for (npy_intp j = 0; j < n; j++) out.row(i)[j * out.of_column] = result[j];
        }
    }
    if (!enough_memory) PyErr_NoMemory();
    return enough_memory;
}

static bool lnl_is_bias(PyArrayObject *b, PyArrayObject *x)
{
    const npy_intp columns = PyArray_DIMS(x)[1], length = PyArray_DIMS(b)[0];
    if (columns == length) return true;
    return lnl_fail("number of columns in x (%ld) does not match length of b (%ld)", columns, length);
}

/* Whether there is one valid index for each row. */
template <class I> static bool lnl_are_targets(PyArrayObject *y, PyArrayObject *x, const char *message)
{
    const npy_intp rows = PyArray_DIMS(x)[0], length = PyArray_DIMS(y)[0];
    if (rows != length)
        return lnl_fail("number of rows in x (%ld) does not match length of y (%ld)", rows, length);
    for (npy_intp i = 0; i < rows; i++) {
        const I index = *(I *)PyArray_GETPTR1(y, i);
        if (!(index >= 0 && (npy_uint64)index < (npy_uint64)PyArray_DIMS(x)[1])) return lnl_fail(message);
    }
    return true;
}

/* compute(row, n, result) for each row of x + b, or of x where there is no b */
template <class T, class Compute>
static bool lnl_each_scores(PyArrayObject *x, PyArrayObject *b, PyArrayObject **out, npy_intp minimum,
                            Compute compute)
{
    if (b && !lnl_is_bias(b, x)) return false;
    const lnl_matrix<T> m = lnl_as_matrix<T>(x), bias = b ? lnl_as_matrix<T>(b) : lnl_matrix<T>();
    return lnl_each_row<T>(out, x, minimum, [=](npy_intp i, npy_intp n, T *result, lnl_buffers<T> &work) {
        compute(lnl_scores(m, bias, i, n, work), n, result);
    });
}

/* softmax(x + b) */
template <class T>
static bool lnl_softmax(PyArrayObject *x, PyArrayObject *b, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_scores<T>(x, b, out, minimum, [](const T *row, npy_intp n, T *result) {
        lnl_row_divide(result, n, lnl_row_exp(result, row, n, lnl_row_max(row, n)));
    });
}

template <class T> static bool lnl_softmax(PyArrayObject *x, PyArrayObject **out, npy_intp minimum)
{
    return lnl_softmax<T>(x, NULL, out, minimum);
}

/* log(softmax(x + b)) */
template <class T>
static bool lnl_log_softmax(PyArrayObject *x, PyArrayObject *b, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_scores<T>(x, b, out, minimum, [](const T *row, npy_intp n, T *result) {
        T max = lnl_row_max(row, n);
        lnl_row_subtract(result, row, n, max, log(lnl_row_sum_exp(row, n, max)));
    });
}

template <class T> static bool lnl_log_softmax(PyArrayObject *x, PyArrayObject **out, npy_intp minimum)
{
    return lnl_log_softmax<T>(x, NULL, out, minimum);
}

/* compute(gradient, row, n, result) for each row of two matrices of one shape. The row may be where the
 * result is to be, the gradient is elsewhere. */
template <class T, class Compute>
static bool lnl_each_gradient(PyArrayObject *dy, PyArrayObject *x, const char *message,
                              PyArrayObject **out, npy_intp minimum, Compute compute)
{
    if (!PyArray_SAMESHAPE(dy, x)) return lnl_fail(message);
    const lnl_matrix<T> g = lnl_as_matrix<T>(dy), m = lnl_as_matrix<T>(x);
    return lnl_each_row<T>(out, x, minimum, [=](npy_intp i, npy_intp n, T *result, lnl_buffers<T> &work) {
        const T *row = lnl_contiguous(m, i, n, work.first);
        compute(lnl_contiguous(g, i, n, work.second), row, n, result);
    });
}

/* The gradient of softmax, of which s is the value and dy the gradient that comes in */
template <class T>
static bool lnl_softmax_grad(PyArrayObject *dy, PyArrayObject *s, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_gradient<T>(dy, s, "dy.shape != sm.shape", out, minimum,
                                [](const T *g, const T *softmax, npy_intp n, T *result) {
        lnl_row_softmax_grad(result, g, softmax, n, (T)lnl_row_dot(g, softmax, n));
    });
}

/* The gradient of log_softmax of x, for dy that comes in */
template <class T>
static bool lnl_log_softmax_grad(PyArrayObject *dy, PyArrayObject *x, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_gradient<T>(dy, x, "the gradient has another shape than x", out, minimum,
                                [](const T *g, const T *row, npy_intp n, T *result) {
        double sum = lnl_row_exp(result, row, n, lnl_row_max(row, n));
        lnl_row_less(result, g, n, (T)(lnl_row_sum(g, n) / sum));
    });
}

/* The distribution nearest to x: what is above a threshold, less that, and 0 for the others */
template <class T> static bool lnl_sparsemax(PyArrayObject *x, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_scores<T>(x, NULL, out, minimum, [](const T *row, npy_intp n, T *result) {
        const double max = lnl_row_max(row, n), threshold = lnl_row_threshold(row, n, max);
        #pragma omp simd
        for (npy_intp j = 0; j < n; j++) {
            const double d = row[j] - max;
            result[j] = d <= threshold ? 0 : (T)(d - threshold);
        }
    });
}

/* The gradient of sparsemax, of which p is the value and dy the gradient that comes in */
template <class T>
static bool lnl_sparsemax_grad(PyArrayObject *dy, PyArrayObject *p, PyArrayObject **out, npy_intp minimum)
{
    return lnl_each_gradient<T>(dy, p, "dy.shape != p.shape", out, minimum,
                                [](const T *g, const T *row, npy_intp n, T *result) {
        double sum = 0, number = 0;
        #pragma omp simd reduction(+ : sum, number)
        for (npy_intp j = 0; j < n; j++) {
            sum += row[j] > 0 ? g[j] : 0;
            number += row[j] > 0 ? 1 : 0;
        }
        const T mean = (T)(sum / number);
        #pragma omp simd
        for (npy_intp j = 0; j < n; j++) result[j] = row[j] <= 0 ? 0 : g[j] - mean;
    });
}

/* softmax(x + b), minus the log of its entry y in each row, and the index of the largest one */
template <class T, class I>
static bool lnl_crossentropy(PyArrayObject *x, PyArrayObject *b, PyArrayObject *y, PyArrayObject **nll,
                             PyArrayObject **out, PyArrayObject **argmax, npy_intp minimum)
{
    if (!lnl_is_bias(b, x) || !lnl_are_targets<I>(y, x, "y_i value out of bounds") ||
        !lnl_allocate(nll, 1, x, PyArray_TYPE(x)) || !lnl_allocate(argmax, 1, x, PyArray_TYPE(y)))
        return false;
    const lnl_matrix<T> m = lnl_as_matrix<T>(x), bias = lnl_as_matrix<T>(b), losses = lnl_as_column<T>(*nll);
    const lnl_matrix<I> targets = lnl_as_column<I>(y), indices = lnl_as_column<I>(*argmax);
    return lnl_each_row<T>(out, x, minimum, [=](npy_intp i, npy_intp n, T *result, lnl_buffers<T> &work) {
        const T *row = lnl_scores(m, bias, i, n, work);
        T max = lnl_row_max(row, n), wanted = row[*targets.row(i)];
        npy_intp largest = lnl_row_argmax(row, n, max);
        double sum = lnl_row_exp(result, row, n, max);
        /* A sum of little more than its largest part: what this part was rounded by cancels. */
        *losses.row(i) = (T)(log(sum / lnl_unscaled(result[largest])) + ((double)max - wanted));
        *indices.row(i) = (I)largest;
        lnl_row_divide(result, n, sum);
    });
}

/* The gradient of minus the log: dnll comes in, one for each row or one for all; s is softmax */
template <class T, class I>
static bool lnl_crossentropy_grad(PyArrayObject *dnll, PyArrayObject *s, PyArrayObject *y,
                                  PyArrayObject **out, npy_intp minimum)
{
    const npy_intp length = PyArray_SIZE(dnll), rows = PyArray_DIMS(s)[0];
    if (length != 1 && length != rows)
        return lnl_fail("dnll.shape[0] (%ld) != sm.shape[0] (%ld)", length, rows);
    if (!lnl_are_targets<I>(y, s, "y_i >= dx dimensions[1] or y_i < 0.")) return false;
    const lnl_matrix<T> g = lnl_as_column<T>(dnll), m = lnl_as_matrix<T>(s);
    const lnl_matrix<I> targets = lnl_as_column<I>(y);
    return lnl_each_row<T>(out, s, minimum, [=](npy_intp i, npy_intp n, T *result, lnl_buffers<T> &work) {
        const T factor = *g.row(i);
        lnl_row_times(result, lnl_contiguous(m, i, n, work.first), n, factor);
        result[*targets.row(i)] -= factor;
    });
}

#endif
