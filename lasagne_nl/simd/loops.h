/* How a loop over elements walks through arrays of any layout.
 *
 * The elementwise operation itself is a function over contiguous rows, which the compiler
 * vectorises: lnl_inner. lnl_run calls it on as long rows as the arrays allow. Operands that are
 * not contiguous along a row, rows that are short, and the end of a row that fills no vector go
 * through small buffers.
 */

#include <cstdlib>
#include <string.h>
#include <utility>

#define LNL_LONG 1024    /* elements of a row that is worth aligning */
#define LNL_BUFFER 256   /* elements of each operand that are buffered at a time */
/* LNL_OPERANDS and LNL_DIMENSIONS, how many there are at most, are defined where that is checked. */

/* Computes n elements of the outputs, a multiple of LNL_LANES. An operand is the address of its first element. */
typedef void (*lnl_inner)(npy_intp n, char **operands);

typedef struct {
    char *data;
    npy_intp size;               /* of an element, in bytes: 1, 2, 4 or 8 */
    int is_output;
    int is_fixed;                /* lnl_inner reads one element, the same for the whole row */
    npy_intp strides[LNL_DIMENSIONS];
} lnl_operand;

typedef struct {
    lnl_inner inner;
    int ndim;                    /* the last dimension is the row */
    npy_intp shape[LNL_DIMENSIONS];
    int count;
    int first_output;
    int in_place;                /* an output is written over an input */
    int contiguous;              /* along the row, all that are not fixed */
    lnl_operand operands[LNL_OPERANDS];
} lnl_loop;

/* Another operand, the inputs first. */
static void lnl_add(lnl_loop *loop, PyArrayObject *array, int is_output, int is_fixed)
{
    lnl_operand *o = &loop->operands[loop->count++];
    o->data = PyArray_BYTES(array);
    o->size = PyArray_ITEMSIZE(array);
    o->is_output = is_output;
    o->is_fixed = is_fixed;
    /* Aesara repeats what turns out to be 1 long, though nothing said so. */
    for (int d = 0; d < loop->ndim; d++)
        o->strides[d] = PyArray_DIMS(array)[d] == 1 ? 0 : PyArray_STRIDES(array)[d];
}

static void lnl_copy(char *to, npy_intp to_stride, const char *from, npy_intp from_stride,
                     npy_intp size, npy_intp n)
{
#define LNL_COPY(type) \
    for (npy_intp i = 0; i < n; i++) \
        *(type *)(to + i * to_stride) = *(const type *)(from + i * from_stride)
    if (size == 4) LNL_COPY(npy_uint32);
    else if (size == 8) LNL_COPY(npy_uint64);
    else if (size == 2) LNL_COPY(npy_uint16);
    else LNL_COPY(npy_uint8);
#undef LNL_COPY
}

/* Merge dimensions that are one in memory, and order them as the first output has them. */
static void lnl_simplify(lnl_loop *loop, int keep_last)
{
    int ordered = keep_last ? loop->ndim - 1 : loop->ndim, d, e, k, ndim = 0;
    const npy_intp *by = loop->operands[loop->first_output].strides;
    for (d = 1; d < ordered; d++)
        for (e = d; e > 0 && std::abs(by[e - 1]) < std::abs(by[e]); e--) {
            std::swap(loop->shape[e - 1], loop->shape[e]);
            for (k = 0; k < loop->count; k++)
                std::swap(loop->operands[k].strides[e - 1], loop->operands[k].strides[e]);
        }
    for (d = 0; d < loop->ndim; d++) {
        int last = d == loop->ndim - 1;
        if (loop->shape[d] == 1 && !(last && (keep_last || ndim == 0))) continue;
        int merge = ndim > 0 && !(last && keep_last);
        for (k = 0; merge && k < loop->count; k++)
            merge = loop->operands[k].strides[ndim - 1] ==
                    loop->operands[k].strides[d] * loop->shape[d];
        if (merge) ndim--;
        loop->shape[ndim] = loop->shape[d] * (merge ? loop->shape[ndim] : 1);
        for (k = 0; k < loop->count; k++)
            loop->operands[k].strides[ndim] = loop->operands[k].strides[d];
        ndim++;
    }
    loop->ndim = ndim;
}

/* Compute `rows` rows of `n` elements each by way of buffers. `at` has the first element of each
 * operand; the rows are neighbours along the dimension before the last. */
static void lnl_buffered(const lnl_loop *loop, char **at, npy_intp rows, npy_intp n)
{
    npy_uint64 buffers[LNL_OPERANDS][LNL_BUFFER];
    char *now[LNL_OPERANDS];
    npy_intp all = rows * n, row, padded = (all + LNL_LANES - 1) / LNL_LANES * LNL_LANES, i;
    int last = loop->ndim - 1, k;
    for (k = 0; k < loop->count; k++) {
        const lnl_operand *o = &loop->operands[k];
        now[k] = o->is_fixed ? at[k] : (char *)buffers[k];
        if (o->is_fixed || o->is_output) continue;
        for (row = 0; row < rows; row++)
            lnl_copy(now[k] + row * n * o->size, o->size,
                     at[k] + (row ? row * o->strides[last - 1] : 0), o->strides[last], o->size, n);
        for (i = all; i < padded; i++) memcpy(now[k] + i * o->size, now[k], o->size);
    }
    loop->inner(padded, now);
    for (k = 0; k < loop->count; k++) {
        const lnl_operand *o = &loop->operands[k];
        for (row = 0; o->is_output && row < rows; row++)
            lnl_copy(at[k] + (row ? row * o->strides[last - 1] : 0), o->strides[last],
                     now[k] + row * n * o->size, o->size, o->size, n);
    }
}

/* Move to element `start` along the row. */
static void lnl_move(const lnl_loop *loop, char **at, npy_intp start, char **to)
{
    int last = loop->ndim - 1, k;
    for (k = 0; k < loop->count; k++)
        to[k] = at[k] + (loop->operands[k].is_fixed ? 0 : start * loop->operands[k].strides[last]);
}

/* Compute n elements of one row, the first of which are at `at`. */
static void lnl_row(const lnl_loop *loop, char **at, npy_intp n)
{
    npy_intp done = 0, some;
    char *now[LNL_OPERANDS];
    if (loop->contiguous && n >= LNL_LANES) {
        /* Vectors that straddle two cache lines are slow: let the output start at one. */
        npy_intp size = loop->operands[loop->first_output].size;
        npy_intp ahead = (LNL_ALIGN - (npy_uintp)at[loop->first_output] % LNL_ALIGN) % LNL_ALIGN / size;
        if (ahead && n >= LNL_LONG) {
            lnl_buffered(loop, at, 1, ahead);
            done = ahead;
        }
        lnl_move(loop, at, done, now);
        some = (n - done) / LNL_LANES * LNL_LANES;
        loop->inner(some, now);
        done += some;
        if (done < n && !loop->in_place) {
            lnl_move(loop, at, n - LNL_LANES, now);
            loop->inner(LNL_LANES, now);
            return;
        }
    }
    for (; done < n; done += some) {
        some = n - done < LNL_BUFFER ? n - done : LNL_BUFFER;
        lnl_move(loop, at, done, now);
        lnl_buffered(loop, now, 1, some);
    }
}

/* Pieces `from` to `to` of the loop: `part` entries of dimension `split`, which is the row, or the
 * dimension before it where rows are short. */
static void lnl_pieces(const lnl_loop *loop, int split, npy_intp part, npy_intp from, npy_intp to)
{
    npy_intp parts = (loop->shape[split] + part - 1) / part, piece;
    char *at[LNL_OPERANDS];
    int k, d;
    if (loop->ndim == 2 && split == 1 && parts == 1 && loop->contiguous && part % LNL_LANES == 0) {
        /* The common case: a batch of rows, and another row repeated, without a detour. */
        for (k = 0; k < loop->count; k++)
            at[k] = loop->operands[k].data + from * loop->operands[k].strides[0];
        for (piece = from; piece < to; piece++) {
            loop->inner(part, at);
            for (k = 0; k < loop->count; k++) at[k] += loop->operands[k].strides[0];
        }
        return;
    }
    for (piece = from; piece < to; piece++) {
        npy_intp index = parts > 1 ? piece / parts : piece, start = (piece - index * parts) * part;
        npy_intp some = loop->shape[split] - start < part ? loop->shape[split] - start : part;
        for (k = 0; k < loop->count; k++)
            at[k] = loop->operands[k].data + start * loop->operands[k].strides[split];
        for (d = split - 1; d >= 0; d--) {
            npy_intp i = d > 0 ? index % loop->shape[d] : index;
            for (k = 0; k < loop->count; k++) at[k] += i * loop->operands[k].strides[d];
            if (d > 0) index /= loop->shape[d];
        }
        if (split == loop->ndim - 1) lnl_row(loop, at, some);
        else lnl_buffered(loop, at, some, loop->shape[loop->ndim - 1]);
    }
}

/* Run the loop. Where an operand is fixed along the last dimension but not along all of them, that
 * dimension has to stay the row: keep_last. `minimum` is that of lnl_threads. */
static void lnl_run(lnl_loop *loop, int keep_last, npy_intp minimum)
{
    npy_intp total = 1, pieces = 1, part, n;
    int d, k, split, threads;
    loop->first_output = 0;
    while (!loop->operands[loop->first_output].is_output) loop->first_output++;
    loop->in_place = 0;
    for (k = 0; k < loop->first_output; k++)
        for (d = loop->first_output; d < loop->count; d++)
            loop->in_place |= loop->operands[k].data == loop->operands[d].data;
    for (d = 0; d < loop->ndim; d++) total *= loop->shape[d];
    if (total == 0) return;
    lnl_simplify(loop, keep_last);
    split = loop->ndim - 1;
    loop->contiguous = 1;
    for (k = 0; k < loop->count; k++)
        loop->contiguous &= loop->operands[k].is_fixed ||
                            loop->operands[k].strides[split] == loop->operands[k].size;
    part = n = loop->shape[split];
    if (!keep_last && split > 0 && n < 2 * LNL_LANES) part = LNL_BUFFER / n, split--;
    threads = lnl_threads(total, minimum);
    if (threads > 1 && split == 0)
        part = split == loop->ndim - 1 ? (n / threads / LNL_LANES + 1) * LNL_LANES : part;
    for (d = 0; d < split; d++) pieces *= loop->shape[d];
    pieces *= (loop->shape[split] + part - 1) / part;
    if (threads > pieces) threads = (int)pieces;
    if (threads <= 1) {
        lnl_pieces(loop, split, part, 0, pieces);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
    for (d = 0; d < threads; d++)
        lnl_pieces(loop, split, part, pieces * d / threads, pieces * (d + 1) / threads);
#endif
}
