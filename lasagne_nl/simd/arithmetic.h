/* What the kernels are written in, in C, and how they are called. */

#include <stdint.h>
#include <string.h>

#define LNL_INLINE static inline __attribute__((always_inline))
#define LNL_NOINLINE static __attribute__((noinline))

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

/* Where the processor has no FMA, `in_c` writes these down. */
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
#define LNL_HAS_FMA
LNL_INLINE float lnl_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LNL_INLINE double lnl_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <class T> LNL_INLINE T lnl_mad(T a, T b, T c) { return lnl_fma(a, b, c); }
template <class T> LNL_INLINE T lnl_rest(T a, T b, T c) { return lnl_fma(-a, b, c); }
#endif

/* What a loop with `omp simd` compares in the place of x, to find the largest: a number that is no NaN, or
 * for Clang, which vectorises that of integers only, its bits in the order of the numbers. */
#ifdef __clang__
LNL_INLINE int32_t lnl_in_order(int32_t i) { return i ^ (i >> 31 & INT32_MAX); }
LNL_INLINE int64_t lnl_in_order(int64_t i) { return i ^ (i >> 63 & INT64_MAX); }
LNL_INLINE int32_t lnl_rank(float x) { return lnl_in_order((int32_t)lnl_bits(x == x ? x : -__builtin_inff())); }
LNL_INLINE int64_t lnl_rank(double x) { return lnl_in_order((int64_t)lnl_bits(x == x ? x : -__builtin_inf())); }
LNL_INLINE float lnl_of_rank(int32_t i) { return lnl_number((uint32_t)lnl_in_order(i)); }
LNL_INLINE double lnl_of_rank(int64_t i) { return lnl_number((uint64_t)lnl_in_order(i)); }
#else
template <class T> LNL_INLINE T lnl_rank(T x) { return x; }
template <class T> LNL_INLINE T lnl_of_rank(T x) { return x; }
#endif

/* A kernel is compiled by the rules of IEEE 754, and other code as the user's flags say: there it is a
 * function of its own, and the kernel itself only in our vectorised loop. */
#define LNL_CALL(kernel) lnl_outside_##kernel
