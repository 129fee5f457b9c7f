// SPDX-License-Identifier: BSD-2-Clause
// MAP, the fast way: one whole Frame of pages that was never mapped, for data.
//
// It decides first, changing nothing, whether this is its case, and every check is one that the
// ordinary way (gather_map.c) makes too; what is wrong with an operation is found out there.
#ifndef GATHER_FAST_H
#define GATHER_FAST_H

#include "gather_call.h"

_Static_assert(SHEAF_MAP_READ == SHEAF_RIGHT_READ && SHEAF_MAP_WRITE == SHEAF_RIGHT_WRITE,
               "rights of a mapping are compared with those of a capability");

// True: done.
static inline bool gather_map_fast(const struct thread *thread, struct gather *gather,
                                   const struct sheaf_gather_op *op) {
    const uint64_t needed = SHEAF_OP_WORD0(SHEAF_OP_MAP, SHEAF_MAP_READ, 0);
    const uint64_t write = SHEAF_OP_WORD0(0, SHEAF_MAP_WRITE, 0);
    const uint64_t dirty = SHEAF_OP_WORD0(0, 0, SHEAF_OP_DIRTY);
    const uint64_t touched = SHEAF_OP_WORD0(0, 0, SHEAF_OP_ACCESSED) | dirty;
    const uint64_t pages_only = SHEAF_OP_WORD0(0, 0, SHEAF_OP_PAGES);
    uint64_t word = op->word[0];
    if (unlikely((word & ~(write | touched | pages_only)) != needed || op->word[5] != 1 ||
                 (word & (dirty | write)) == dirty)) {
        return false;
    }
    struct slot *space, *slot;
    uint64_t rights = (word >> 8) & 0xff;
    if (unlikely(!lookup_in_root(thread, op->word[1], &space) ||
                 !lookup_in_root(thread, op->word[4], &slot) ||
                 space->living_type != SHEAF_VSPACE || slot->living_type != SHEAF_FRAME ||
                 (slot->rights & rights) != rights || slot->frame.record.v != 0)) {
        return false;
    }
    // At a multiple of its size, and smaller than what a table of pages covers, it is in one table.
    uint64_t va = op->word[2], pages = op->word[3];
    if (unlikely(slot->size_bits >= MAP_BLOCK_BITS || pages != BIT(slot->size_bits) >> PAGE_BITS ||
                 !IS_ALIGNED(va, BIT(slot->size_bits)) || va >> 48 != 0)) {
        return false;
    }
    const struct leaf_attributes attributes = {
        .write = (word & write) != 0,
        .max_write = (slot->rights & SHEAF_RIGHT_WRITE) != 0,
        .accessed = (word & touched) != 0,
        .dirty = (word & dirty) != 0,
        .memory_type = slot->memory_type,
    };
    struct lock *lock = &slot->home->lock;
    if (unlikely(!lock_try(lock))) {
        return false;
    }
    bool mapped = gather_map_pages(gather, space->object, VADDR(va), slot->frame.address, pages,
                                   &attributes, &slot->frame.record);
    lock_release(lock);
    return mapped;
}

#endif
