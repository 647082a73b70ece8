/* The mathematics: exp, expm1, log, log1p, tanh, sigmoid and softplus for float and double.
 *
 * Straight-line code without branches, calls and tables, so that GCC and Clang vectorise a loop
 * around it for any instruction set. It needs neither -ffast-math nor any other licence: NaN,
 * infinities, signed zeros and subnormal results are right.
 *
 * One formula serves both dtypes; struct lnl holds what differs. The polynomials are made by
 * tests/accuracy/coefficients.py. "Error" is the largest distance from the exact value in units in
 * the last place, and the input that causes it: for float over all 2^32 inputs, for double over
 * 10^7 points. `make accuracy` measures both anew.
 *
 * What the formulas have in common: a number is carried as an unevaluated sum, high and low part
 * (x and x_lo), where rounding it once more would cost the result half a unit.
 */

#ifndef LASAGNE_NL_KERNELS_H
#define LASAGNE_NL_KERNELS_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define LNL_INLINE static inline __attribute__((always_inline))
#else
#define LNL_INLINE static inline
#endif

LNL_INLINE uint32_t lnl_to_bits(float x) { uint32_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE uint64_t lnl_to_bits(double x) { uint64_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE float lnl_from_bits(uint32_t i) { float x; memcpy(&x, &i, sizeof x); return x; }
LNL_INLINE double lnl_from_bits(uint64_t i) { double x; memcpy(&x, &i, sizeof x); return x; }

/* a b + c is rounded once by lnl_fma, once or twice by lnl_mad; lnl_rest(a, b, c) = c - a b is
 * rounded once. */
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
LNL_INLINE float lnl_mad(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LNL_INLINE double lnl_mad(double a, double b, double c) { return __builtin_fma(a, b, c); }
LNL_INLINE float lnl_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LNL_INLINE double lnl_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
LNL_INLINE float lnl_rest(float a, float b, float c) { return __builtin_fmaf(-a, b, c); }
LNL_INLINE double lnl_rest(double a, double b, double c) { return __builtin_fma(-a, b, c); }
#else
LNL_INLINE float lnl_mad(float a, float b, float c) { return a * b + c; }
LNL_INLINE double lnl_mad(double a, double b, double c) { return a * b + c; }
LNL_INLINE float lnl_fma(float a, float b, float c) { return (float)((double)a * (double)b + (double)c); }
LNL_INLINE float lnl_rest(float a, float b, float c) { return lnl_fma(-a, b, c); }
/* Dekker's product, exact from halves of 26 bits; here |a| and |b| are far from overflow. */
LNL_INLINE double lnl_upper_half(double x) { double y = x * 134217729.0; return y - (y - x); }
LNL_INLINE double lnl_rest(double a, double b, double c)
{
    double a1 = lnl_upper_half(a), a2 = a - a1, b1 = lnl_upper_half(b), b2 = b - b1, p = a * b;
    return (c - p) - (((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2);
}
LNL_INLINE double lnl_fma(double a, double b, double c)
{
    double p = a * b;
    return p + (c - lnl_rest(a, b, p));
}
#endif

#define LNL_2_POW_64 ((T)18446744073709551616.0)
#define LNL_2_POW_MINUS_64 (1 / LNL_2_POW_64)

template <class T> struct lnl;

template <> struct lnl<float> {
    typedef uint32_t bits;
    enum { MANTISSA = 23, BIAS = 127 };
    static inline float magic() { return 12582912.0f; } /* 1.5 2^23: adding it rounds to integer */
    static inline float log2e() { return 1.44269504f; }
    static inline float ln2() { return 0.693145752f; } /* 15 bits: times an exponent it is exact */
    static inline float ln2_lo() { return 1.42860677e-06f; }
    /* Beyond these the result no longer depends on x. */
    static inline float exp_is_0() { return -105.0f; }
    static inline float exp_is_inf() { return 89.0f; }
    static inline float expm1_is_minus_1() { return -18.0f; }
    static inline float tanh_is_1() { return 9.5f; }
    static inline float tiny() { return 7.8886090522101181e-31f; } /* 2^-100 */

    /* (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2 */
    LNL_INLINE float exp_tail(float r)
    {
        float q = 0.000197419809f;
        q = lnl_mad(q, r, 0.00139337452f);
        q = lnl_mad(q, r, 0.00833356846f);
        q = lnl_mad(q, r, 0.0416664779f);
        q = lnl_mad(q, r, 0.166666657f);
        return lnl_mad(q, r, 0.5f);
    }

    /* The same with one power less, which is near enough: for expm1(r) to 2^-26, for exp(r) 2^-28 */
    LNL_INLINE float expm1_tail_short(float r)
    {
        float q = 0.00138630602f;
        q = lnl_mad(q, r, 0.00836687069f);
        q = lnl_mad(q, r, 0.041667521f);
        q = lnl_mad(q, r, 0.166665405f);
        return lnl_mad(q, r, 0.49999997f);
    }

    LNL_INLINE float exp_tail_short(float r)
    {
        float q = 0.00137465307f;
        q = lnl_mad(q, r, 0.00836912915f);
        q = lnl_mad(q, r, 0.0416696407f);
        q = lnl_mad(q, r, 0.166665167f);
        return lnl_mad(q, r, 0.499999881f);
    }

    /* (log(1 + f) - f + f^2 / 2) / f^3 for -0.3 <= f <= 1/2 */
    LNL_INLINE float log1p_tail(float f)
    {
        float q = 0.0494068116f;
        q = lnl_mad(q, f, -0.106441312f);
        q = lnl_mad(q, f, 0.121927261f);
        q = lnl_mad(q, f, -0.126193836f);
        q = lnl_mad(q, f, 0.142044976f);
        q = lnl_mad(q, f, -0.166539684f);
        q = lnl_mad(q, f, 0.200023592f);
        q = lnl_mad(q, f, -0.250002921f);
        return lnl_mad(q, f, 0.333333105f);
    }
};

template <> struct lnl<double> {
    typedef uint64_t bits;
    enum { MANTISSA = 52, BIAS = 1023 };
    static inline double magic() { return 6755399441055744.0; }
    static inline double log2e() { return 1.4426950408889634; }
    static inline double ln2() { return 0.69314718055989033; } /* 42 bits */
    static inline double ln2_lo() { return 5.4979230187083712e-14; }
    static inline double exp_is_0() { return -746.0; }
    static inline double exp_is_inf() { return 709.9; }
    static inline double expm1_is_minus_1() { return -38.0; }
    static inline double tanh_is_1() { return 20.0; }
    static inline double tiny() { return 1.1830521861667747e-271; } /* 2^-900 */

    LNL_INLINE double exp_tail(double r)
    {
        double q = 2.0886882719256369e-09;
        q = lnl_mad(q, r, 2.5109319510542828e-08);
        q = lnl_mad(q, r, 2.7557361446371545e-07);
        q = lnl_mad(q, r, 2.7557243462766661e-06);
        q = lnl_mad(q, r, 2.4801587227734882e-05);
        q = lnl_mad(q, r, 0.00019841269886801117);
        q = lnl_mad(q, r, 0.0013888888888928354);
        q = lnl_mad(q, r, 0.0083333333333213914);
        q = lnl_mad(q, r, 0.041666666666666602);
        q = lnl_mad(q, r, 0.16666666666666677);
        return lnl_mad(q, r, 0.5);
    }

    LNL_INLINE double expm1_tail_short(double r) { return exp_tail(r); }
    LNL_INLINE double exp_tail_short(double r) { return exp_tail(r); }

    LNL_INLINE double log1p_tail(double f)
    {
        double q = -0.012134613065096524;
        q = lnl_mad(q, f, 0.039560402039329166);
        q = lnl_mad(q, f, -0.059262878419760821);
        q = lnl_mad(q, f, 0.060008653386894796);
        q = lnl_mad(q, f, -0.056000996406501184);
        q = lnl_mad(q, f, 0.057518561989899353);
        q = lnl_mad(q, f, -0.062141128425553367);
        q = lnl_mad(q, f, 0.066762201523904455);
        q = lnl_mad(q, f, -0.071476972293720478);
        q = lnl_mad(q, f, 0.076921068886999219);
        q = lnl_mad(q, f, -0.083330116981168947);
        q = lnl_mad(q, f, 0.090908956678361533);
        q = lnl_mad(q, f, -0.10000011932475164);
        q = lnl_mad(q, f, 0.11111112081024747);
        q = lnl_mad(q, f, -0.12499999753820497);
        q = lnl_mad(q, f, 0.14285714261480348);
        q = lnl_mad(q, f, -0.16666666669232433);
        q = lnl_mad(q, f, 0.20000000000254547);
        q = lnl_mad(q, f, -0.2499999999998993);
        return lnl_mad(q, f, 0.33333333333332477);
    }
};

template <class T> LNL_INLINE T lnl_abs(T x)
{
    typedef typename lnl<T>::bits bits;
    return lnl_from_bits((bits)(lnl_to_bits(x) & (((bits)1 << (8 * sizeof(T) - 1)) - 1)));
}

/* |x| with the sign of y */
template <class T> LNL_INLINE T lnl_copysign(T x, T y)
{
    typedef typename lnl<T>::bits bits;
    const bits sign = (bits)1 << (8 * sizeof(T) - 1);
    return lnl_from_bits((bits)((lnl_to_bits(x) & ~sign) | (lnl_to_bits(y) & sign)));
}

/* y, or -y where x is negative */
template <class T> LNL_INLINE T lnl_negate_if(T y, T x)
{
    typedef typename lnl<T>::bits bits;
    const bits sign = (bits)1 << (8 * sizeof(T) - 1);
    return lnl_from_bits((bits)(lnl_to_bits(y) ^ (lnl_to_bits(x) & sign)));
}

/* A bound on one side; NaN stays. */
template <class T> LNL_INLINE T lnl_at_least(T bound, T x) { return x < bound ? bound : x; }
template <class T> LNL_INLINE T lnl_at_most(T bound, T x) { return bound < x ? bound : x; }

/* 2^n for a number k = n + BIAS + magic */
template <class T> LNL_INLINE T lnl_pow2(T k)
{
    typedef typename lnl<T>::bits bits;
    return lnl_from_bits((bits)(lnl_to_bits(k) << lnl<T>::MANTISSA));
}

/* y = n log(2) + r + r_lo with |r| <= log(2) / 2, and a = 2^(n + extra) */
template <class T> LNL_INLINE void lnl_reduce(T y, T extra, T &a, T &r, T &r_lo)
{
    const T magic = lnl<T>::magic() + lnl<T>::BIAS + extra;
    T k = lnl_mad(y, lnl<T>::log2e(), magic), n = k - magic;
    T whole = lnl_mad(n, -lnl<T>::ln2(), y); /* exact */
    a = lnl_pow2(k);
    r = lnl_mad(n, -lnl<T>::ln2_lo(), whole);
    r_lo = lnl_mad(n, -lnl<T>::ln2_lo(), whole - r);
}

/* exp(r) - 1 = r + r^2 tail = p + p_lo */
template <class T> LNL_INLINE void lnl_expm1_reduced(T r, T tail, T &p, T &p_lo)
{
    T s = (r * r) * tail;
    p = r + s;
    p_lo = (r - p) + s;
}

/* a + b = s + s_lo */
template <class T> LNL_INLINE void lnl_sum(T a, T b, T &s, T &s_lo)
{
    s = a + b;
    T z = s - a;
    s_lo = (a - (s - z)) + (b - z);
}

/* exp(x).  Error: float 0.655, -0x1.77a192p+2; double 0.653, -0x1.7c867d87f0dc4p+7. */
template <class T> LNL_INLINE T lnl_exp(T x)
{
    T y = lnl_at_most(lnl<T>::exp_is_inf(), lnl_at_least(lnl<T>::exp_is_0(), x));
    /* 2^n may be no float: multiply in two steps, of which at most the second rounds. */
    T step = x < 0 ? (T)64 : (T)-64, back = x < 0 ? LNL_2_POW_MINUS_64 : LNL_2_POW_64, a, r, r_lo;
    lnl_reduce(y, step, a, r, r_lo);
    T e = 1 + r, s = lnl_mad(r * r, lnl<T>::exp_tail(r), r_lo);
    e = e + (((1 - e) + r) + s);
    return (e * a) * back;
}

/* expm1(x).  Error: float 0.771, 0x1.66f4cap-2; double 0.928, 0x1.6760d9289d6ccp-2. */
template <class T> LNL_INLINE T lnl_expm1(T x)
{
    T y = lnl_at_most(lnl<T>::exp_is_inf(), lnl_at_least(lnl<T>::expm1_is_minus_1(), x));
    /* Half of it where 2^n may be no float. */
    T step = x > 1 ? (T)-1 : (T)0, one = x > 1 ? (T)0.5 : (T)1, back = x > 1 ? (T)2 : (T)1;
    T a, r, r_lo, p, p_lo, b, b_lo;
    lnl_reduce(y, step, a, r, r_lo);
    lnl_expm1_reduced(r, lnl<T>::exp_tail(r), p, p_lo);
    lnl_sum(a, -one, b, b_lo);
    T t = lnl_mad(a, p, b);
    T t_lo = lnl_mad(a, p_lo + r_lo, lnl_mad(a, p, b - t) + b_lo);
    return lnl_copysign((t + t_lo) * back, x);
}

/* expm1(y) = t + t_lo for y <= 0, where lnl_reduce makes a and r of y, and tail is that of exp(r) */
template <class T> LNL_INLINE void lnl_expm1_parts(T a, T r, T tail, T &t, T &t_lo)
{
    T p, p_lo, b = a - 1, b_lo = (-1 - b) + a;
    lnl_expm1_reduced(r, tail, p, p_lo);
    t = lnl_mad(a, p, b);
    t_lo = lnl_mad(a, p_lo, lnl_mad(a, p, b - t) + b_lo);
}

/* c d expm1(x) for x <= 0, as if rounded once: the negative side of elu and selu.
 * Error for c d = 1: float 0.696, -0x1.1d08ep-2; double 0.853, -0x1.67aa4d4605b8p-2. */
template <class T> LNL_INLINE T lnl_scaled_expm1(T x, T c, T d)
{
    T y = lnl_at_least(lnl<T>::expm1_is_minus_1(), x), a, r, r_lo, t, t_lo;
    lnl_reduce(y, (T)0, a, r, r_lo); /* r_lo would mend a tenth of a unit, here and below */
    lnl_expm1_parts(a, r, lnl<T>::exp_tail(r), t, t_lo);
    T e = c * d, e_lo = -lnl_rest(c, d, e), z = e * t;
    z = z + (lnl_mad(e, t_lo, e_lo * t) - lnl_rest(e, t, z));
    /* Next to 0 the remainders are too small for a float, and -0 has become 0. */
    return -lnl<T>::tiny() < x ? lnl_copysign(lnl_fma(x, e, x * e_lo), x * e) : z;
}

/* -tanh(|z|) = t / (2 + t) = q + q_lo, where expm1(-2 |z|) is t + t_lo */
template <class T> LNL_INLINE void lnl_tanh_parts(T t, T t_lo, T &q, T &q_lo)
{
    T d = 2 + t, d_lo = (t - (d - 2)) + t_lo;
    q = t / d;
    /* What the division left, times 1 / d = (1 + tanh) / 2. */
    T e = lnl_mad(-q, d_lo, lnl_rest(q, d, t) + t_lo);
    q_lo = e * lnl_mad((T)-0.5, q, (T)0.5);
}

/* tanh(x).  Error: float 0.792, 0x1.62d596p-3; double 1.010, 0x1.7085f5fef1c66p-3. */
template <class T> LNL_INLINE T lnl_tanh(T x)
{
    T y = -2 * lnl_at_most(lnl<T>::tanh_is_1(), lnl_abs(x)), a, r, r_lo, t, t_lo, q, q_lo;
    lnl_reduce(y, (T)0, a, r, r_lo);
    lnl_expm1_parts(a, r, lnl<T>::expm1_tail_short(r), t, t_lo);
    lnl_tanh_parts(t, t_lo, q, q_lo);
    return lnl_copysign(q + q_lo, x);
}

/* c tanh(scale_in x), as if rounded once.
 * Error for 1.7159 tanh(2 / 3 x): float 1.000 (0.9998), 0x1.bf81fep-126, next to the subnormals;
 * double 0.938, -0x1.144e827ffaep-2. */
template <class T> LNL_INLINE T lnl_scaled_tanh(T x, T scale_in, T c)
{
    T b = -2 * lnl_abs(scale_in), v = lnl_at_most(-2 * lnl<T>::tanh_is_1() / b, lnl_abs(x));
    T y = v * b, y_lo = -lnl_rest(v, b, y), a, r, r_lo, t, t_lo, q, q_lo;
    lnl_reduce(y, (T)0, a, r, r_lo);
    lnl_expm1_parts(a, r, lnl<T>::expm1_tail_short(r), t, t_lo);
    lnl_tanh_parts(t, lnl_mad(t, y_lo, t_lo + y_lo), q, q_lo); /* (1 + t) y_lo */
    T s = scale_in < 0 ? c : -c, z = s * q;
    z = z + (s * q_lo - lnl_rest(s, q, z));
    T e = scale_in * c, e_lo = -lnl_rest(scale_in, c, e);
    return lnl_negate_if(v < lnl<T>::tiny() ? lnl_fma(v, e, v * e_lo) : z, x);
}

/* 1 / (1 + exp(-x)).  Error: float 0.962, -0x1.4cbe5cp+2; double 0.924, -0x1.493eb28e46297p+7. */
template <class T> LNL_INLINE T lnl_sigmoid(T x)
{
    T y = -x;
    y = x > -lnl<T>::expm1_is_minus_1() ? lnl<T>::expm1_is_minus_1() : y;
    y = x < lnl<T>::exp_is_0() ? -lnl<T>::exp_is_0() : y;
    /* All times 2^-64: so 2^n stays finite, and the division rounds to the subnormal result. */
    const T one = LNL_2_POW_MINUS_64;
    T a, r, r_lo;
    lnl_reduce(y, (T)-64, a, r, r_lo);
    T p = lnl_mad(r * r, lnl<T>::exp_tail_short(r), r);
    T w = lnl_mad(a, p, a), w_lo = lnl_mad(a, p, a - w), d, d_lo;
    lnl_sum(one, w, d, d_lo);
    T q = one / d;
    return lnl_mad(lnl_mad(-q, d_lo + w_lo, lnl_rest(q, d, one)), q * (1 / one), q);
}

/* log(1 + f + f_lo) + base + base_lo = h + l, for f from -0.3 to 0.5 */
template <class T> LNL_INLINE void lnl_log1p_parts(T f, T f_lo, T base, T base_lo, T &h, T &l)
{
    T ff = f * f, square = (T)-0.5 * ff, square_lo = (T)0.5 * lnl_rest(f, f, ff);
    T tail = lnl_mad(f * ff, lnl<T>::log1p_tail(f), square_lo);
    T s = base + f, s_lo = (base - s) + f;
    h = s + square;
    l = (((s - h) + square) + s_lo) + ((tail + base_lo) + lnl_mad(-f, f_lo, f_lo));
}

/* log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
 * Error: float 0.819, -0x1.590602p+6; double 0.929, -0x1.61ada845b1f0dp+9. */
template <class T> LNL_INLINE T lnl_softplus(T x)
{
    T y = lnl_at_least(lnl<T>::exp_is_0(), -lnl_abs(x));
    T a, r, r_lo, p, p_lo;
    /* u = exp(y), by way of 2^64 u, which is no subnormal. */
    lnl_reduce(y, (T)64, a, r, r_lo);
    lnl_expm1_reduced(r, lnl<T>::exp_tail(r), p, p_lo);
    T u = lnl_mad(a, p, a), u_lo = lnl_mad(a, p_lo, lnl_mad(a, p, a - u));
    u *= LNL_2_POW_MINUS_64;
    u_lo *= LNL_2_POW_MINUS_64;
    /* 1 + u = 2 (1 + (u - 1) / 2) */
    T one = u > (T)0.5 ? (T)1 : (T)0, half = u > (T)0.5 ? (T)0.5 : (T)1, h, l;
    lnl_log1p_parts((u - one) * half, u_lo * half, one * lnl<T>::ln2(), one * lnl<T>::ln2_lo(), h, l);
    T s, s_lo;
    lnl_sum(x > 0 ? x : (T)0, h, s, s_lo);
    s = s + (s_lo + l);
    return x < (T)__builtin_inf() ? s : x;
}

/* x = 2^n m with 0.707 <= m < 1.414, for a positive normal x */
template <class T> LNL_INLINE void lnl_split(T x, T &n, T &m)
{
    typedef typename lnl<T>::bits bits;
    /* 2^MANTISSA is added, lest the difference be negative. */
    const bits from = lnl_to_bits((T)0.70703125), up = (bits)lnl<T>::BIAS << lnl<T>::MANTISSA;
    bits exponent = (lnl_to_bits(x) - from + up) >> lnl<T>::MANTISSA;
    m = lnl_from_bits((bits)(lnl_to_bits(x) - (exponent << lnl<T>::MANTISSA) + up));
    n = lnl_from_bits((bits)(lnl_to_bits(lnl<T>::magic()) + exponent)) - (lnl<T>::magic() + lnl<T>::BIAS);
}

/* log(x).  Error: float 0.620, 0x1.69729ap-1; double 0.642, 0x1.6697273928e57p+0. */
template <class T> LNL_INLINE T lnl_log(T x)
{
    const T inf = (T)__builtin_inf(), nan = (T)__builtin_nan("");
    const T least_normal = lnl_from_bits((typename lnl<T>::bits)((typename lnl<T>::bits)1 << lnl<T>::MANTISSA));
    bool small = x < least_normal;
    T n, m, h, l;
    lnl_split(small ? x * (T)18014398509481984.0 : x, n, m);
    n = small ? n - 54 : n;
    lnl_log1p_parts(m - 1, (T)0, n * lnl<T>::ln2(), n * lnl<T>::ln2_lo(), h, l);
    T y = h + l;
    y = x < inf ? y : x; /* inf and NaN */
    y = x == 0 ? -inf : y;
    return x < 0 ? nan : y;
}

/* log(1 + x).  Error: float 0.852, -0x1.33b402p-2; double 0.847, -0x1.32796a5438839p-2. */
template <class T> LNL_INLINE T lnl_log1p(T x)
{
    const T inf = (T)__builtin_inf(), nan = (T)__builtin_nan("");
    T u, u_lo, n, m, h, l;
    lnl_sum((T)1, x, u, u_lo);
    lnl_split(u, n, m);
    T scale = lnl_pow2(lnl<T>::magic() + lnl<T>::BIAS - lnl_at_most((T)100, n));
    /* Near 0 the sum 1 + x would lose what x has. */
    T f = n == 0 ? x : m - 1, f_lo = n == 0 ? (T)0 : u_lo * scale;
    lnl_log1p_parts(f, f_lo, n * lnl<T>::ln2(), n * lnl<T>::ln2_lo(), h, l);
    T y = h + l;
    y = x < inf ? y : x;
    y = x == -1 ? -inf : y;
    y = x == 0 ? x : y;
    return x < -1 ? nan : y;
}

#endif
