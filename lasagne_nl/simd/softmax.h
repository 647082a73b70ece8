/* Softmax and its family, row by row. A row is computed where it is contiguous, else in `work`, a
 * buffer of its length. The sum of a row is carried in double. The loops with `omp simd` add and
 * compare in the lanes of a vector, which Theano's own order of adding one by one does not allow.
 */

#ifndef LASAGNE_NL_SOFTMAX_H
#define LASAGNE_NL_SOFTMAX_H

#include <stdlib.h>

/* A matrix, or one row that stands for all: stride_of_row is 0. Strides are in elements. */
template <class T> struct lnl_matrix {
    T *data;
    npy_intp of_row, of_column;
    T *row(npy_intp i) const { return data + i * of_row; }
};

template <class T> lnl_matrix<T> lnl_as_matrix(PyArrayObject *array)
{
    int last = PyArray_NDIM(array) - 1;
    lnl_matrix<T> matrix = {(T *)PyArray_DATA(array),
                            last > 0 ? PyArray_STRIDES(array)[0] / (npy_intp)sizeof(T) : 0,
                            PyArray_STRIDES(array)[last] / (npy_intp)sizeof(T)};
    if (PyArray_DIMS(array)[last] == 1) matrix.of_column = 1;
    return matrix;
}

template <class T> static void lnl_load(T *to, const T *from, npy_intp stride, npy_intp n)
{
    if (stride == 1) memcpy(to, from, n * sizeof(T));
    else for (npy_intp j = 0; j < n; j++) to[j] = from[j * stride];
}

template <class T> static void lnl_store(T *to, npy_intp stride, const T *from, npy_intp n)
{
    if (stride == 1) { if (to != from) memcpy(to, from, n * sizeof(T)); }
    else for (npy_intp j = 0; j < n; j++) to[j * stride] = from[j];
}

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

/* What a row is taken to before exp: exp(x - shift) times a power of 2, which is in `magic`
 * as lnl_reduce_by has it, and 2^-64. What is below `least` vanishes. */
template <class T> struct lnl_scale { T shift, least, magic; };

/* exp(x - max): 1 for the largest */
template <class T> static lnl_scale<T> lnl_below(T max)
{
    lnl_scale<T> scale = {max, lnl<T>::exp_is_0(), lnl<T>::magic() + (lnl<T>::BIAS + 64)};
    return scale;
}

/* exp(x) / 2^n, which is about 1 for the largest. Nothing is subtracted and rounded: either n log(2) is
 * exact for all scores that count, or their differences from the largest are. */
template <class T> static lnl_scale<T> lnl_near_1(T max)
{
    const T most = lnl<T>::most_reducible();
    lnl_scale<T> scale = lnl_below(max);
    if (!(-most - lnl<T>::exp_is_0() <= max && max <= most)) return scale;
    T n = lnl_mad(max, lnl<T>::log2e(), lnl<T>::magic()) - lnl<T>::magic();
    scale.shift = 0;
    scale.least = max + lnl<T>::exp_is_0();
    scale.magic -= n;
    return scale;
}

template <class T> LNL_INLINE T lnl_scaled_exp(T x, const lnl_scale<T> &scale)
{
    T y = lnl_at_least(scale.least, x - scale.shift), a, r, r_lo;
    lnl_reduce_by(y, scale.magic, a, r, r_lo);
    T p = lnl_mad(r * r, lnl<T>::exp_tail_short(r), r);
    return lnl_mad(a, p, a) * LNL_2_POW_MINUS_64;
}

/* out = exp(x), scaled; returns the sum */
template <class T> LNL_NOINLINE double lnl_row_exp(T *out, const T *x, npy_intp n, lnl_scale<T> scale)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) {
        T e = lnl_scaled_exp(x[j], scale);
        out[j] = e;
        sum += e;
    }
    return sum;
}

template <class T> LNL_NOINLINE double lnl_row_sum_exp(const T *x, npy_intp n, lnl_scale<T> scale)
{
    double sum = 0;
    #pragma omp simd reduction(+ : sum)
    for (npy_intp j = 0; j < n; j++) sum += lnl_scaled_exp(x[j], scale);
    return sum;
}

/* out = out / sum, as if by the factor 1 / sum in twice the precision */
template <class T> LNL_NOINLINE void lnl_row_divide(T *out, npy_intp n, double sum)
{
    const double inverse = 1 / sum;
    const T factor = (T)inverse;
    const T factor_lo = (T)((inverse - (double)factor) + lnl_rest(inverse, sum, 1.0) * inverse);
    #pragma omp simd
    for (npy_intp j = 0; j < n; j++) out[j] = lnl_mad(out[j], factor, out[j] * factor_lo);
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
    lnl_load(work, m.row(i), m.of_column, n);
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

/* Rows `from` to `to` of softmax(x + b). Where `target` is given, also minus the log of its entry,
 * and the index of the largest. */
template <class T, class I>
static int lnl_softmax_rows(lnl_matrix<T> x, lnl_matrix<T> b, lnl_matrix<T> out, npy_intp from,
                            npy_intp to, npy_intp n, const lnl_matrix<I> *target, lnl_matrix<T> nll,
                            lnl_matrix<I> argmax)
{
    lnl_buffers<T> work(n);
    if (!work.first) return 0;
    for (npy_intp i = from; i < to; i++) {
        const T *row = lnl_scores(x, b, i, n, work);
        T max = lnl_row_max(row, n), wanted = 0;
        npy_intp largest = 0;
        if (target) {
            wanted = row[*target->row(i)];
            largest = lnl_row_argmax(row, n, max);
            *argmax.row(i) = (I)largest;
        }
        T *result = out.of_column == 1 ? out.row(i) : work.first;
        double sum = lnl_row_exp(result, row, n, lnl_near_1(max));
        /* A sum of little more than its largest part: what this part was rounded by cancels. */
        if (target) *nll.row(i) = (T)(log(sum / result[largest]) + ((double)max - wanted));
        lnl_row_divide(result, n, sum);
        lnl_store(out.row(i), out.of_column, result, n);
    }
    return 1;
}

template <class T>
static int lnl_log_softmax_rows(lnl_matrix<T> x, lnl_matrix<T> out, npy_intp from, npy_intp to, npy_intp n)
{
    lnl_buffers<T> work(n);
    if (!work.first) return 0;
    for (npy_intp i = from; i < to; i++) {
        const T *row = lnl_contiguous(x, i, n, work.first);
        T max = lnl_row_max(row, n), *result = out.of_column == 1 ? out.row(i) : work.first;
        lnl_row_subtract(result, row, n, max, log(lnl_row_sum_exp(row, n, lnl_below(max))));
        lnl_store(out.row(i), out.of_column, result, n);
    }
    return 1;
}

template <class T>
static int lnl_softmax_grad_rows(lnl_matrix<T> g, lnl_matrix<T> s, lnl_matrix<T> out, npy_intp from,
                                 npy_intp to, npy_intp n)
{
    lnl_buffers<T> work(n);
    if (!work.first) return 0;
    for (npy_intp i = from; i < to; i++) {
        const T *gradient = lnl_contiguous(g, i, n, work.first);
        const T *softmax = lnl_contiguous(s, i, n, work.second);
        T *result = out.of_column == 1 ? out.row(i) : work.first;
        lnl_row_softmax_grad(result, gradient, softmax, n, (T)lnl_row_dot(gradient, softmax, n));
        lnl_store(out.row(i), out.of_column, result, n);
    }
    return 1;
}

template <class T, class I>
static int lnl_crossentropy_grad_rows(lnl_matrix<T> g, lnl_matrix<T> s, lnl_matrix<I> target,
                                      lnl_matrix<T> out, npy_intp from, npy_intp to, npy_intp n)
{
    lnl_buffers<T> work(n);
    if (!work.first) return 0;
    for (npy_intp i = from; i < to; i++) {
        const T *softmax = lnl_contiguous(s, i, n, work.first);
        T factor = *g.row(i), *result = out.of_column == 1 ? out.row(i) : work.first;
        lnl_row_times(result, softmax, n, factor);
        result[*target.row(i)] -= factor;
        lnl_store(out.row(i), out.of_column, result, n);
    }
    return 1;
}

#endif
