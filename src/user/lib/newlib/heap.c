// SPDX-License-Identifier: BSD-2-Clause
// The break, over pieces of heap that lie one behind the other.
#include "../thread.h"
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define PIECE ((size_t)64 * 1024) // asked for at a time: malloc wants a page now and a page then

void *_sbrk(ptrdiff_t increment);

// malloc holds its lock around _sbrk.
static char *start, *break_at, *limit;

void *_sbrk(ptrdiff_t increment) {
    if (increment < 0 && break_at - start < -increment) {
        errno = EINVAL;
        return (void *)-1;
    }
    if (increment > limit - break_at) {
        size_t missing = (size_t)(increment - (limit - break_at));
        if (missing > SIZE_MAX - PIECE) {
            errno = ENOMEM;
            return (void *)-1;
        }
        size_t bytes = (missing + PIECE - 1) / PIECE * PIECE;
        char *piece = sheaf_more_heap(bytes);
        if (piece == NULL) {
            errno = ENOMEM;
            return (void *)-1;
        }
        if (start == NULL)
            start = break_at = limit = piece;
        limit += bytes;
    }
    char *old = break_at;
    break_at += increment;
    return old;
}

// aligned_alloc calls it; newlib has it only where there is a POSIX directory.
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *got = memalign(alignment, bytes);
    if (got == NULL)
        return ENOMEM;
    *memory = got;
    return 0;
}
