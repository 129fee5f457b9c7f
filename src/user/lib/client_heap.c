// SPDX-License-Identifier: BSD-2-Clause
// Heap of a program that the pager runs.
#include "thread.h"
#include <sheaf/pager.h>

void *sheaf_more_heap(size_t bytes) {
    uint64_t word = bytes, address, label;
    unsigned count = 1;
    if (sheaf_call(sheaf_environment.pager, PAGER_HEAP, &word, 1, &address, &count, &label) !=
            SHEAF_OK ||
        label != PAGER_OK)
        return NULL;
    return (void *)address;
}
