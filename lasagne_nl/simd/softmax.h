/* How the programs of rows, lnl_row_softmax and its like, which `in_c` writes down, walk through
 * matrices: first loops along a row, then the walk over the rows, last the operations, which take
 * Theano's arrays, and are false where an exception of Python's is set.
 *
 * A row is computed where it is contiguous, else in a buffer of its length; a short one that does not
 * fill vectors in a buffer that does, behind whose elements stands what changes no result, the pad. The
 * loops with `omp simd` add and compare in the lanes of a vector, which Theano's own order of adding
 * one by one does not allow.
 */

#include <math.h>
#include <stdlib.h>

#define LNL_LONG_ROW 512 /* elements beside which those that fill no vector do not count */

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

/* A matrix, or one row that stands for all: of_row is 0. Strides are in elements. */
template <class T> struct lnl_matrix {
    T *data;
    npy_intp rows, of_row, of_column;
    T *row(npy_intp i) const { return data + i * of_row; }
};

template <class T> static lnl_matrix<T> lnl_as_matrix(PyArrayObject *array)
{
    int last = PyArray_NDIM(array) - 1;
    lnl_matrix<T> matrix = {(T *)PyArray_DATA(array), PyArray_DIMS(array)[0],
                            last > 0 ? PyArray_STRIDES(array)[0] / (npy_intp)sizeof(T) : 0,
                            PyArray_STRIDES(array)[last] / (npy_intp)sizeof(T)};
    if (PyArray_DIMS(array)[last] == 1) matrix.of_column = 1;
    return matrix;
}

/* Buffers of a row, for each thread its own. A row is computed as if it were `length` long. */
template <class T> struct lnl_buffers {
    const npy_intp n, length;
    const T *pads;
    void *memory;
    T *first, *second, *result;
    lnl_buffers(npy_intp n, const T *pads)
        : n(n), length(pads && n < LNL_LONG_ROW ? (n + LNL_LANES - 1) / LNL_LANES * LNL_LANES : n),
          pads(pads), memory(malloc(3 * length * sizeof(T) + LNL_ALIGN)),
          first((T *)(((npy_uintp)memory + LNL_ALIGN - 1) / LNL_ALIGN * LNL_ALIGN)), second(first + length),
          result(second + length) {}
    ~lnl_buffers() { free(memory); }
    lnl_buffers(const lnl_buffers &) = delete;
};

/* The row, where it can be computed in its place, or a copy of it in `work`, with one of the pads. */
template <class T>
static const T *lnl_contiguous(const lnl_matrix<T> &m, npy_intp i, const lnl_buffers<T> &b, T *work, int which)
{
    const npy_intp n = b.n, whole = n / LNL_LANES * LNL_LANES;
    const T *row = m.row(i), pad = b.pads ? b.pads[which] : 0;
    if (m.of_column == 1 && n == b.length) return row;
    if (m.of_column == 1 && whole + LNL_LANES <= n + (m.rows - 1 - i) * m.of_row) {
        /* By vectors, with what comes behind the row, as reading a vector has to wait for all stores to
         * parts of it. */
        T last[LNL_LANES];
        for (npy_intp j = 0; j < whole; j++) work[j] = row[j];
        memcpy(last, row + whole, sizeof last);
        for (npy_intp j = 0; j < LNL_LANES; j++) work[whole + j] = whole + j < n ? last[j] : pad;
        return work;
    }
    for (npy_intp j = 0; j < n; j++) work[j] = row[j * m.of_column];
    for (npy_intp j = n; j < b.length; j++) work[j] = pad;
    return work;
}

/* The sum of two rows, at `out` */
template <class T> LNL_NOINLINE const T *lnl_row_add(T *out, const T *a, const T *b, npy_intp n)
{
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = a[j] + b[j];
    return out;
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

/* Computes an output of the shape and dtype of x: compute(i, row, result, work) makes of row i, or of
 * its sum with the bias, that of the output. From `minimum` elements on with threads, if compiled with
 * OpenMP. */
template <class T, class Compute>
static bool lnl_each_row(npy_intp minimum, const T *pads, PyArrayObject **output, PyArrayObject *x,
                         PyArrayObject *bias, Compute compute)
{
    if (!lnl_allocate(output, 2, x, PyArray_TYPE(x))) return false;
    const lnl_matrix<T> in = lnl_as_matrix<T>(x), out = lnl_as_matrix<T>(*output);
    const npy_intp count = PyArray_DIMS(x)[0], n = PyArray_DIMS(x)[1];
    if (count == 0 || n == 0) return true;
    const int threads = lnl_threads(count * n, minimum);
    int enough_memory = 1;
    #pragma omp parallel for num_threads(threads) reduction(& : enough_memory)
    for (int thread = 0; thread < threads; thread++) {
        const lnl_buffers<T> work(n, pads);
        if (!work.memory) { enough_memory = 0; continue; }
        const T *added = bias ? lnl_contiguous(lnl_as_matrix<T>(bias), 0, work, work.second, 1) : NULL;
        const bool in_place = out.of_column == 1 && n == work.length;
        for (npy_intp i = count * thread / threads; i < count * (thread + 1) / threads; i++) {
            const T *row = lnl_contiguous(in, i, work, work.first, 0);
            if (added) row = lnl_row_add(work.first, row, added, work.length);
            T *to = out.row(i), *result = in_place ? to : work.result;
            compute(i, row, result, work);
            for (npy_intp j = 0; !in_place && j < n; j++) to[j * out.of_column] = result[j];
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

/* A program for each row of x, of x and another matrix, or of the sum of x and a bias */
template <class T, void (*program)(npy_intp, const T *, const T *, T *)>
static bool lnl_rows(npy_intp minimum, const T *pads, PyArrayObject **out, PyArrayObject *x,
                     PyArrayObject *other = NULL)
{
    const bool has_bias = other && PyArray_NDIM(other) == 1;
    if (has_bias && !lnl_is_bias(other, x)) return false;
    if (other && !has_bias && !PyArray_SAMESHAPE(other, x))
        return lnl_fail("the two inputs differ in shape");
    const lnl_matrix<T> b = lnl_as_matrix<T>(other ? other : x);
    auto compute = [=](npy_intp i, const T *row, T *result, const lnl_buffers<T> &work) {
        const T *second = other && !has_bias ? lnl_contiguous(b, i, work, work.second, 1) : NULL;
        program(work.length, row, second, result);
    };
    return lnl_each_row<T>(minimum, pads, out, x, has_bias ? other : NULL, compute);
}

/* softmax(x + b), minus the log of its entry y in each row, and the index of the largest one */
template <class T, class I, void (*program)(npy_intp, const T *, const T *, T *, double *)>
static bool lnl_crossentropy(npy_intp minimum, const T *pads, PyArrayObject **nll,
                             PyArrayObject **out, PyArrayObject **argmax, PyArrayObject *x,
                             PyArrayObject *b, PyArrayObject *y)
{
    if (!lnl_is_bias(b, x) || !lnl_are_targets<I>(y, x, "y_i value out of bounds") ||
        !lnl_allocate(nll, 1, x, PyArray_TYPE(x)) || !lnl_allocate(argmax, 1, x, PyArray_TYPE(y)))
        return false;
    auto compute = [=](npy_intp i, const T *row, T *result, const lnl_buffers<T> &work) {
        double given[2];
        program(work.length, row, NULL, result, given);
        const T wanted = row[*(I *)PyArray_GETPTR1(y, i)];
        *(T *)PyArray_GETPTR1(*nll, i) = (T)(given[0] + (given[1] - wanted));
        *(I *)PyArray_GETPTR1(*argmax, i) = (I)lnl_row_argmax(row, work.n, (T)given[1]);
    };
    return lnl_each_row<T>(minimum, pads, out, x, b, compute);
}

/* The gradient of minus the log: dnll comes in, one for each row or one for all; s is softmax */
template <class T, class I>
static bool lnl_crossentropy_grad(npy_intp minimum, PyArrayObject **out, PyArrayObject *dnll,
                                  PyArrayObject *s, PyArrayObject *y)
{
    const npy_intp length = PyArray_SIZE(dnll), rows = PyArray_DIMS(s)[0];
    if (length != 1 && length != rows)
        return lnl_fail("dnll.shape[0] (%ld) != sm.shape[0] (%ld)", length, rows);
    if (!lnl_are_targets<I>(y, s, "y_i >= dx dimensions[1] or y_i < 0.")) return false;
    auto compute = [=](npy_intp i, const T *row, T *result, const lnl_buffers<T> &work) {
        const T factor = *(T *)(length == 1 ? PyArray_DATA(dnll) : PyArray_GETPTR1(dnll, i));
        #pragma omp simd
        for (npy_intp j = 0; j < work.n; j++) result[j] = row[j] * factor;
        result[*(I *)PyArray_GETPTR1(y, i)] -= factor;
    };
    return lnl_each_row<T>(minimum, NULL, out, s, NULL, compute);
}
