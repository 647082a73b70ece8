/* How wide vectors are, and how many threads share an operation. */

#ifdef _OPENMP
#include <omp.h>
#endif

#define LNL_LANES 16    /* elements that the widest vectors hold, of float32 */
#define LNL_ALIGN 64    /* bytes of these */
#define LNL_SHARE 16384 /* elements that are worth a thread of their own */

/* For so many elements: from `minimum` on more than one, if compiled with OpenMP. */
static int lnl_threads(npy_intp elements, npy_intp minimum)
{
#ifdef _OPENMP
    const npy_intp most = omp_get_max_threads(), share = minimum < LNL_SHARE ? minimum : LNL_SHARE;
    if (elements < minimum) return 1;
    return (int)(share > 0 && elements / share < most ? elements / share : most);
#else
    return 1;
#endif
}
