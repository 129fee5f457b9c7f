// SPDX-License-Identifier: BSD-2-Clause
// What the start-up library leaves to a program that has all the memory: its end and its heap.
#include "support.h"

#include <stdio.h>

#define HEAP_BYTES (UINT64_C(4) << 20)

void sheaf_end(int status);
void *sheaf_more_heap(size_t bytes);

void sheaf_end(int status) { power_off((uint64_t)status); }

// The heap is a part of the program: it needs no pager and no Frame that a case could take away.
void *sheaf_more_heap(size_t bytes) {
    static char heap[HEAP_BYTES] __attribute__((aligned(4096)));
    static size_t used;
    if (bytes > HEAP_BYTES - used) {
        return NULL;
    }
    used += bytes;
    return heap + used - bytes;
}
