/* The mathematics: exp, expm1, log, log1p, tanh, erf, erfc, sigmoid and softplus for float and
 * double.
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
#define LNL_NOINLINE static __attribute__((noinline))
#else
#define LNL_INLINE static inline
#define LNL_NOINLINE static
#endif

LNL_INLINE uint32_t lnl_to_bits(float x) { uint32_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE uint64_t lnl_to_bits(double x) { uint64_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE float lnl_from_bits(uint32_t i) { float x; memcpy(&x, &i, sizeof x); return x; }
LNL_INLINE double lnl_from_bits(uint64_t i) { double x; memcpy(&x, &i, sizeof x); return x; }

/* lnl_fma(a, b, c) = a b + c and lnl_rest(a, b, c) = c - a b are rounded once; lnl_mad(a, b, c) =
 * a b + c is, where the processor can. */
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
LNL_INLINE float lnl_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LNL_INLINE double lnl_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <class T> LNL_INLINE T lnl_mad(T a, T b, T c) { return lnl_fma(a, b, c); }
template <class T> LNL_INLINE T lnl_rest(T a, T b, T c) { return lnl_fma(-a, b, c); }
#else
template <class T> LNL_INLINE T lnl_mad(T a, T b, T c) { return a * b + c; }
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

/* c0 + x (c1 + x (c2 + ...)). A recursion of the compiler's, which leaves no loop and no array. */
template <class T> LNL_INLINE T lnl_polynomial(T, T c0) { return c0; }
template <class T, class... Rest> LNL_INLINE T lnl_polynomial(T x, T c0, Rest... rest)
{
    return lnl_mad(lnl_polynomial(x, rest...), x, c0);
}

/* The same, and what the last sum was rounded by */
template <class T, class... Rest> LNL_INLINE T lnl_polynomial_parts(T x, T &lo, T c0, Rest... rest)
{
    T q = lnl_polynomial(x, rest...), p = lnl_mad(q, x, c0);
    lo = lnl_mad(q, x, c0 - p);
    return p;
}

/* A table, from c0 on, as the member function that computes the polynomial. */
#define LNL_POLYNOMIAL(type, name, ...) \
    LNL_INLINE type name(type x) { return lnl_polynomial(x, __VA_ARGS__); }
#define LNL_POLYNOMIAL_PARTS(type, name, ...) \
    LNL_INLINE type name(type x, type &lo) { return lnl_polynomial_parts(x, lo, __VA_ARGS__); }

#define LNL_2_POW_64 ((T)18446744073709551616.0)
#define LNL_2_POW_MINUS_64 (1 / LNL_2_POW_64)

template <class T> struct lnl;

template <> struct lnl<float> {
    typedef uint32_t bits;
    enum { MANTISSA = 23, BIAS = 127 };
    static inline float magic() { return 12582912.0f; } /* 1.5 2^23: adding it rounds to integer */
    static inline float log_of_2() { return 0.693147182f; }
    static inline float log2e() { return 1.44269504f; }
    static inline float ln2() { return 0.693145752f; } /* 15 bits: times an exponent it is exact */
    static inline float ln2_lo() { return 1.42860677e-06f; }
    /* Beyond these the result no longer depends on x. */
    static inline float exp_is_0() { return -105.0f; }
    static inline float most_reducible() { return 354.0f; } /* 2^9 log(2): n ln2 is exact */
    static inline float exp_is_inf() { return 89.0f; }
    static inline float expm1_is_minus_1() { return -18.0f; }
    static inline float tanh_is_1() { return 9.5f; }
    static inline float erf_is_far() { return 0.5f; }
    static inline float tiny() { return 7.8886090522101181e-31f; } /* 2^-100 */

    /* (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2 */
    LNL_POLYNOMIAL(float, exp_tail, 0.5f, 0.166666657f, 0.0416664779f, 0.00833356846f,
        0.00139337452f, 0.000197419809f)

    /* The same with one power less: near enough for exp(r), to 2^-28 */
    LNL_POLYNOMIAL(float, exp_tail_short, 0.499999881f, 0.166665167f, 0.0416696407f,
        0.00836912915f, 0.00137465307f)

    /* (exp(2 r) - 1 - 2 r) / (2 r^2) for |r| <= log(2) / 4 */
    LNL_POLYNOMIAL(float, double_exp_tail, 0.999999762f, 0.666660666f, 0.333357126f,
        0.133906066f, 0.0439888984f)

    /* (tanh(x) - x) / x^3 for z = x^2 <= 1 */
    LNL_POLYNOMIAL(float, tanh_tail, -0.333332926f, 0.133322924f, -0.0538765527f, 0.021477256f,
        -0.00793227181f, 0.00229130732f, -0.000355584343f)

    /* The same for x^2 <= 1/4 */
    LNL_POLYNOMIAL(float, tanh_tail_short, -0.333331376f, 0.133257404f, -0.0530364513f,
        0.0172233488f)

    /* (log(1 + f) - f + f^2 / 2) / f^3 for -0.3 <= f <= 1/2 */
    LNL_POLYNOMIAL(float, log1p_tail, 0.333333105f, -0.250002921f, 0.200023592f, -0.166539684f,
        0.142044976f, -0.126193836f, 0.121927261f, -0.106441312f, 0.0494068116f)

    /* erf(x) / x - 1 for z = x^2 <= 1 */
    LNL_POLYNOMIAL(float, erf_tail, 0.128379166f, -0.37612626f, 0.112835824f, -0.0268536434f,
        0.00518796267f, -0.000800679321f, 7.84228832e-05f)

    /* erfc(x) exp(x^2) (x + 4) for t = (x - 4) / (x + 4) <= 0.44, and the tail of exp: for a float, in
     * double, to 2^-29 and 2^-33 */
    LNL_POLYNOMIAL(double, erfc_ratio_short, 1.0959956607069032, -0.97654874655486934,
        0.77320875202613371, -0.54085290936231323, 0.33085088025562875, -0.17402488515679787,
        0.076376113177733754, -0.026290542460430756, 0.0062113191366932755,
        -0.00040240229296786676, -0.00076220978128641536)

    LNL_POLYNOMIAL(double, exp_tail_for_float, 0.5000000079477831, 0.16666666154994983,
        0.041666265727802382, 0.0083334311285023534, 0.0013946349007477414,
        0.00019826391756265729)
};

template <> struct lnl<double> {
    typedef uint64_t bits;
    enum { MANTISSA = 52, BIAS = 1023 };
    static inline double magic() { return 6755399441055744.0; }
    static inline double log_of_2() { return 0.69314718055994531; }
    static inline double log2e() { return 1.4426950408889634; }
    static inline double ln2() { return 0.69314718055989033; } /* 42 bits */
    static inline double ln2_lo() { return 5.4979230187083712e-14; }
    static inline double exp_is_0() { return -746.0; }
    static inline double most_reducible() { return 1419.0; }
    static inline double exp_is_inf() { return 709.9; }
    static inline double expm1_is_minus_1() { return -38.0; }
    static inline double tanh_is_1() { return 20.0; }
    static inline double erf_is_far() { return 1.0; }
    static inline double tiny() { return 1.1830521861667747e-271; } /* 2^-900 */

    LNL_POLYNOMIAL(double, exp_tail, 0.5, 0.16666666666666677, 0.041666666666666602,
        0.0083333333333213914, 0.0013888888888928354, 0.00019841269886801117,
        2.4801587227734882e-05, 2.7557243462766661e-06, 2.7557361446371545e-07,
        2.5109319510542828e-08, 2.0886882719256369e-09)

    LNL_INLINE double exp_tail_short(double r) { return exp_tail(r); }

    LNL_POLYNOMIAL(double, double_exp_tail, 1.0000000000000027, 0.6666666666666593,
        0.33333333333209059, 0.13333333333521008, 0.044444444633659194, 0.012698412544376973,
        0.0031745905818649492, 0.00070547206562006511, 0.00014147404071284907,
        2.5627306440453725e-05)

    LNL_POLYNOMIAL(double, tanh_tail, -0.33333333333332898, 0.13333333333289135,
        -0.053968253952323554, 0.021869488243004304, -0.0088632322976477992,
        0.0035921046854899795, -0.0014557175503960708, 0.0005896077358492134,
        -0.00023802105958714258, 9.4733931551474566e-05, -3.6049888382541555e-05,
        1.231386618482546e-05, -3.4060904847968544e-06, 6.5049620336509815e-07,
        -6.2163258743413668e-08)

    LNL_POLYNOMIAL(double, tanh_tail_short, -0.33333333333333154, 0.13333333333298933,
        -0.053968253945228584, 0.021869487769025257, -0.0088632207781116253,
        0.0035919516930999992, -0.0014544773983357433, 0.00058326219929888,
        -0.00021776008343938914, 5.6744750623580156e-05)

    LNL_POLYNOMIAL(double, log1p_tail, 0.33333333333332477, -0.2499999999998993,
        0.20000000000254547, -0.16666666669232433, 0.14285714261480348, -0.12499999753820497,
        0.11111112081024747, -0.10000011932475164, 0.090908956678361533, -0.083330116981168947,
        0.076921068886999219, -0.071476972293720478, 0.066762201523904455,
        -0.062141128425553367, 0.057518561989899353, -0.056000996406501184,
        0.060008653386894796, -0.059262878419760821, 0.039560402039329166,
        -0.012134613065096524)

    LNL_POLYNOMIAL(double, erf_tail, 0.12837916709551256, -0.37612638903183454,
        0.11283791670942442, -0.026866170642899308, 0.0052239776046899659,
        -0.0008548325870703971, 0.00012055292035174393, -1.4924685750072198e-05,
        1.6446833684025832e-06, -1.6204216644959769e-07, 1.370256913134439e-08,
        -7.7648058950077834e-10)

    /* erfc(x) exp(x^2) (1 + 2 x) for t = (x - 4) / (x + 4) <= 0.75, and what the last sum was rounded by */
    LNL_POLYNOMIAL_PARTS(double, erfc_ratio, 1.2329951186255526, -0.13962111684056289,
        0.015379652102614919, 0.06809705425473532, -0.10103906603614926, 0.093732834996897468,
        -0.066330365814736308, 0.037167515560364427, -0.016197734031544658,
        0.0050319697783540417, -0.00075777348189802625, -0.00019925564380546534,
        0.00015062268244728555, -2.4402667327678483e-05, -1.122561618722491e-05,
        5.7167481201317999e-06, 3.0221122266819093e-07, -8.3360894022536834e-07,
        6.2378718869569412e-08, 1.1418604102853771e-07, -7.8769605611957207e-09,
        -1.3304047483701781e-08, -1.6832515694513937e-09)
};

/* The bit of the sign */
template <class T> LNL_INLINE typename lnl<T>::bits lnl_sign(T x)
{
    return lnl_to_bits(x) & lnl_to_bits((T)-0.0);
}

template <class T> LNL_INLINE T lnl_abs(T x) { return lnl_from_bits(lnl_to_bits(x) ^ lnl_sign(x)); }

/* |x| with the sign of y */
template <class T> LNL_INLINE T lnl_copysign(T x, T y)
{
    return lnl_from_bits(lnl_to_bits(lnl_abs(x)) | lnl_sign(y));
}

/* y, or -y where x is negative */
template <class T> LNL_INLINE T lnl_negate_if(T y, T x)
{
    return lnl_from_bits(lnl_to_bits(y) ^ lnl_sign(x));
}

template <class T> LNL_INLINE bool lnl_is_inf(T x)
{
    return lnl_to_bits(lnl_abs(x)) == lnl_to_bits((T)__builtin_inf());
}

/* A bound on one side; NaN stays. */
template <class T> LNL_INLINE T lnl_at_least(T bound, T x) { return x < bound ? bound : x; }
template <class T> LNL_INLINE T lnl_at_most(T bound, T x) { return bound < x ? bound : x; }

/* The smaller one of |x| and a bound, given |x|. NaN becomes the bound: compilers make one instruction
 * of this, of a comparison of floats two. */
template <class T> LNL_INLINE T lnl_cap(T x, T bound)
{
    return lnl_from_bits(lnl_to_bits(x) < lnl_to_bits(bound) ? lnl_to_bits(x) : lnl_to_bits(bound));
}

/* 2^n for a number k = n + BIAS + magic */
template <class T> LNL_INLINE T lnl_pow2(T k)
{
    return lnl_from_bits(lnl_to_bits(k) << lnl<T>::MANTISSA);
}

/* y = n log(2) + r + r_lo with |r| <= log(2) / 2, and a = 2^(n + e) for magic = e + BIAS + magic() */
template <class T> LNL_INLINE void lnl_reduce_by(T y, T magic, T &a, T &r, T &r_lo)
{
    T k = lnl_mad(y, lnl<T>::log2e(), magic), n = k - magic;
    T whole = lnl_mad(n, -lnl<T>::ln2(), y); /* exact */
    a = lnl_pow2(k);
    r = lnl_mad(n, -lnl<T>::ln2_lo(), whole);
    r_lo = lnl_mad(n, -lnl<T>::ln2_lo(), whole - r);
}

template <class T> LNL_INLINE void lnl_reduce(T y, T extra, T &a, T &r, T &r_lo)
{
    lnl_reduce_by(y, lnl<T>::magic() + lnl<T>::BIAS + extra, a, r, r_lo);
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

/* c d expm1(x) for x <= 0, as if rounded once: the negative side of elu and selu.
 * Error for c d = 1: float 0.696, -0x1.1d08ep-2; double 0.853, -0x1.67aa4d4605b8p-2. */
template <class T> LNL_INLINE T lnl_scaled_expm1(T x, T c, T d)
{
    T y = lnl_at_least(lnl<T>::expm1_is_minus_1(), x), a, r, r_lo, p, p_lo;
    lnl_reduce(y, (T)0, a, r, r_lo); /* r_lo would mend a tenth of a unit */
    lnl_expm1_reduced(r, lnl<T>::exp_tail(r), p, p_lo);
    T b = a - 1, b_lo = (-1 - b) + a;
    T t = lnl_mad(a, p, b), t_lo = lnl_mad(a, p_lo, lnl_mad(a, p, b - t) + b_lo);
    T e = c * d, e_lo = -lnl_rest(c, d, e), z = e * t;
    z = z + (lnl_mad(e, t_lo, e_lo * t) - lnl_rest(e, t, z));
    /* Next to 0 the remainders are too small for a float, and -0 has become 0. */
    return -lnl<T>::tiny() < x ? lnl_copysign(lnl_fma(x, e, x * e_lo), x * e) : z;
}

/* tanh(x).  Error: float 0.929, 0x1.d3b48cp-1; double 0.990, -0x1.0017c1c46809ap+0. */
template <class T> LNL_INLINE T lnl_tanh(T x)
{
    const T magic = lnl<T>::magic() + lnl<T>::BIAS;
    T v = lnl_abs(x), w = lnl_cap(v, lnl<T>::tanh_is_1());
    /* Far from 0 it is 1 - 2 / (exp(2 v) + 1), of which the second part is small, and so are its
     * errors. exp(2 w) = 2^n exp(2 r) = a (1 + 2 p). */
    T k = lnl_mad(w, 2 * lnl<T>::log2e(), magic);
    T r = lnl_rest(k - magic, (T)0.5 * lnl<T>::log_of_2(), w);
    T a = lnl_pow2(k), p = lnl_mad(r * r, lnl<T>::double_exp_tail(r), r);
    T far = 1 - 1 / lnl_mad(a, p, lnl_mad(a, (T)0.5, (T)0.5));
    T z = v * v, near = lnl_fma(v * z, lnl<T>::tanh_tail(z), v);
    return lnl_negate_if(v >= 1 ? far : near, x);
}

/* c tanh(scale_in x), as if rounded once.
 * Error for 1.7159 tanh(2 / 3 x): float 1.000 (0.9998), 0x1.bf81fep-126, next to the subnormals;
 * double 0.975, 0x1.8ec912bbcef44p-1. */
template <class T> LNL_INLINE T lnl_scaled_tanh(T x, T scale_in, T c)
{
    const T magic = lnl<T>::magic() + (lnl<T>::BIAS + 1);
    T b = lnl_abs(scale_in), s = scale_in < 0 ? -c : c, e = b * s, e_lo = -lnl_rest(b, s, e);
    T v = lnl_abs(x), w = lnl_cap(v, lnl<T>::tanh_is_1() / b);
    /* Far from 0: exp(-2 b w) = 2^n exp(2 r) = a (1 / 2 + p), where b w is not rounded. */
    T k = lnl_mad(w, b * (-2 * lnl<T>::log2e()), magic), n = k - magic;
    T r = lnl_mad(n, (T)-0.5 * lnl<T>::ln2_lo(), lnl_fma(w, -b, n * ((T)-0.5 * lnl<T>::ln2())));
    T a = lnl_pow2(k), p = lnl_mad(r * r, lnl<T>::double_exp_tail(r), r);
    /* s tanh(b w) = 2 q - s for the quotient q of s and d + d_lo = 1 + exp(-2 b w) */
    T d = lnl_mad(a, p, lnl_mad(a, (T)0.5, (T)1));
    T d_lo = lnl_mad(a, p, lnl_mad(a, (T)0.5, 1 - d));
    /* What the division left, over d, or nearly: from 1 to 1.37 this line is within 1 % of 2 / d. */
    T q = s / d, rest = lnl_mad(-q, d_lo, lnl_rest(q, d, s));
    T far = lnl_fma(rest, lnl_mad((T)-1.462, d, (T)3.441), lnl_mad((T)2, q, -s));
    T u = v * b, y = u * u, near = lnl_fma(v, e, v * lnl_mad(e * y, lnl<T>::tanh_tail_short(y), e_lo));
    return lnl_negate_if(u >= (T)0.5 ? far : near, x);
}

/* erfc(v) for v >= 0; for a float still a double */
LNL_INLINE double lnl_erfc_above_0(float v)
{
    double x = lnl_at_most(10.5, (double)v), w = 1 / (x + 4), a, r, r_lo;
    lnl_reduce(-(x * x), 0.0, a, r, r_lo);
    double p = lnl_mad(r * r, lnl<float>::exp_tail_for_float(r), r);
    double g = w * lnl<float>::erfc_ratio_short(lnl_mad(-8.0, w, 1.0));
    return lnl_mad(g, p, g) * a;
}

LNL_INLINE double lnl_erfc_above_0(double v)
{
    double x = lnl_at_most(27.3, v), square = x * x, square_lo = -lnl_rest(x, x, square), a, r, r_lo;
    lnl_reduce(-square, 64.0, a, r, r_lo);
    r += r_lo - square_lo;
    double p = lnl_mad(r * r, lnl<double>::exp_tail(r), r);
    /* 1 / (1 + 2 x) = w + w_lo, and t: the two quotients from one */
    double c = x + 4, d = lnl_mad(2.0, x, 1.0), d_lo = lnl_mad(2.0, x, 1 - d), inverse = 1 / (c * d);
    double w = inverse * c, w_lo = w * lnl_mad(-w, d_lo, lnl_rest(w, d, 1.0));
    double ratio_lo, ratio = lnl<double>::erfc_ratio((x - 4) * (inverse * d), ratio_lo);
    double g = w * ratio, g_lo = lnl_mad(w, ratio_lo, lnl_mad(w_lo, ratio, -lnl_rest(w, ratio, g)));
    const double back = 1 / 18446744073709551616.0;
    return ((g + lnl_mad(g, p, lnl_mad(g_lo, p, g_lo))) * a) * back;
}

template <class T> LNL_INLINE T lnl_erf_near_0(T v)
{
    return lnl_mad(v, lnl<T>::erf_tail(v * v), v);
}

/* erf(x).  Error: float 0.639, 0x1.b6c1fap-2; double 0.917, 0x1.ffff7aeb91b4cp-1. */
template <class T> LNL_INLINE T lnl_erf(T x)
{
    T v = lnl_abs(x), far = (T)(1 - lnl_erfc_above_0(v));
    return lnl_negate_if(v >= lnl<T>::erf_is_far() ? far : lnl_erf_near_0(v), x);
}

/* 1 - erf(x).  Error: float 0.517, 0x1.942e08p+2; double 1.717, 0x1.193ea7aad00bp-1. */
template <class T> LNL_INLINE T lnl_erfc(T x)
{
    T v = lnl_abs(x);
    double y = lnl_erfc_above_0(v);
    T far = (T)(x < 0 ? 2 - y : y);
    /* Next to 0 the error of t would weigh most; for a float there is none. */
    return sizeof(T) == 8 && v < (T)0.5 ? 1 - lnl_negate_if(lnl_erf_near_0(v), x) : far;
}

/* 1 / (1 + exp(-x)).  Error: float 0.962, -0x1.4cbe5cp+2; double 0.924, -0x1.493eb28e46297p+7. */
template <class T> LNL_INLINE T lnl_sigmoid(T x)
{
    T y = -x;
    y = x > -lnl<T>::expm1_is_minus_1() ? lnl<T>::expm1_is_minus_1() : y;
    y = x < lnl<T>::exp_is_0() ? -lnl<T>::exp_is_0() : y;
    /* All times 2^-64 (a double twice, lest the halves of lnl_rest overflow): so 2^n stays finite, and
     * the division rounds to the subnormal result. */
    const bool twice = sizeof(T) == 8;
    const T one = twice ? LNL_2_POW_MINUS_64 * LNL_2_POW_MINUS_64 : LNL_2_POW_MINUS_64;
    T a, r, r_lo;
    lnl_reduce(y, twice ? (T)-128 : (T)-64, a, r, r_lo);
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
    m = lnl_from_bits(lnl_to_bits(x) - (exponent << lnl<T>::MANTISSA) + up);
    n = lnl_from_bits(lnl_to_bits(lnl<T>::magic()) + exponent) - (lnl<T>::magic() + lnl<T>::BIAS);
}

/* log(x).  Error: float 0.620, 0x1.69729ap-1; double 0.642, 0x1.6697273928e57p+0. */
template <class T> LNL_INLINE T lnl_log(T x)
{
    const T inf = (T)__builtin_inf(), nan = (T)__builtin_nan("");
    const typename lnl<T>::bits one = 1;
    bool small = x < lnl_from_bits(one << lnl<T>::MANTISSA); /* the least normal number */
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

/* A kernel as a function of its own: what LNL_CALL makes a call of, but in our vectorised loop, where it
 * is the kernel itself. Other code is compiled as the user's flags say, and kernels are not. */
template <class T, T (*kernel)(T)> LNL_NOINLINE T lnl_outside(T x) { return kernel(x); }
template <class T, T (*kernel)(T, T, T)> LNL_NOINLINE T lnl_outside(T x, T a, T b) { return kernel(x, a, b); }
#define LNL_CALL(kernel, type) lnl_outside<type, kernel<type> >

#endif
