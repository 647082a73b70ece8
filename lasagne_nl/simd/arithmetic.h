/* What the kernels are written in, in C, and how they are called. */

#ifndef LASAGNE_NL_ARITHMETIC_H
#define LASAGNE_NL_ARITHMETIC_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define LNL_INLINE static inline __attribute__((always_inline))
#define LNL_NOINLINE static __attribute__((noinline))
#else
#define LNL_INLINE static inline
#define LNL_NOINLINE static
#endif

LNL_INLINE uint32_t lnl_bits(float x) { uint32_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE uint64_t lnl_bits(double x) { uint64_t i; memcpy(&i, &x, sizeof i); return i; }
LNL_INLINE int32_t lnl_min(int32_t a, int32_t b) { return a < b ? a : b; }
LNL_INLINE int64_t lnl_min(int64_t a, int64_t b) { return a < b ? a : b; }
LNL_INLINE uint32_t lnl_signed_min(uint32_t a, uint32_t b) { return (uint32_t)lnl_min((int32_t)a, (int32_t)b); }
LNL_INLINE uint64_t lnl_signed_min(uint64_t a, uint64_t b) { return (uint64_t)lnl_min((int64_t)a, (int64_t)b); }
LNL_INLINE float lnl_number(uint32_t i) { float x; memcpy(&x, &i, sizeof x); return x; }
LNL_INLINE double lnl_number(uint64_t i) { double x; memcpy(&x, &i, sizeof x); return x; }
LNL_INLINE float lnl_sqrt(float x) { return __builtin_sqrtf(x); }
LNL_INLINE double lnl_sqrt(double x) { return __builtin_sqrt(x); }

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
/* Dekker's product, from halves of 26 bits, which overflow only where the product has no rest that counts. */
LNL_INLINE double lnl_upper_half(double x) { return lnl_number((lnl_bits(x) + (1 << 26)) >> 27 << 27); }
LNL_INLINE double lnl_rest(double a, double b, double c)
{
    double a1 = lnl_upper_half(a), a2 = a - a1, b1 = lnl_upper_half(b), b2 = b - b1, p = a * b;
    double low = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
    return (c - p) - (low == low ? low : 0);
}
LNL_INLINE double lnl_fma(double a, double b, double c)
{
    double p = a * b, rest = c - lnl_rest(a, b, p);
    return p + (rest == rest ? rest : c);
}
#endif

/* The largest of a loop with `omp simd`: where Clang says max, it begins with a finite number. */
#ifdef __clang__
#pragma omp declare reduction(lnl_max : float, double : omp_out = omp_in > omp_out ? omp_in : omp_out) \
    initializer(omp_priv = -__builtin_inf())
#define LNL_MAX lnl_max
#else
#define LNL_MAX max
#endif

/* A kernel is compiled by the rules of IEEE 754, and other code as the user's flags say: there it is a
 * function of its own, and the kernel itself only in our vectorised loop. */
#define LNL_CALL(kernel) lnl_outside_##kernel

#endif
