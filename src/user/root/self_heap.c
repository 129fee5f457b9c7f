// SPDX-License-Identifier: BSD-2-Clause
// Heap of a program that is given its memory: Frames of 64 KiB from the pool, mapped for good.
#include "../lib/thread.h"
#include "pool.h"
#include "self.h"
#include "slots.h"
#include <sheaf/start.h>

#define FRAME_BITS 16
#define FRAME_BYTES (UINT64_C(1) << FRAME_BITS)

void *sheaf_more_heap(size_t bytes) {
    static uint64_t end = SHEAF_PROGRAM_HEAP;
    static uint64_t mapped; // bytes mapped beyond `end` by a call that failed half-way
    self_open();
    for (; mapped < bytes; mapped += FRAME_BYTES) {
        sheaf_cptr slot = slots_take(1);
        if (slot == 0)
            return NULL;
        if (pool_make(SHEAF_FRAME, FRAME_BITS, slot, 1) != SHEAF_OK) {
            slots_give(slot);
            return NULL;
        }
        if (self_map(end + mapped, FRAME_BYTES / 4096, slot, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE) !=
            SHEAF_OK) {
            slots_delete(slot);
            return NULL;
        }
    }
    void *piece = (void *)end;
    end += bytes;
    mapped -= bytes;
    return piece;
}
