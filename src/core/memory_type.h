// SPDX-License-Identifier: BSD-2-Clause
// Non-cacheable memory: an Untyped changes its type, and changes it back.
//
// RAM is Normal, and the kernel maps it so, in blocks of 2 MiB (mmu.h, "Kernel aliases"). The first
// retype of an empty Untyped, of 2 MiB or more, to something non-cacheable makes the whole of it
// non-cacheable, in the kernel's map too. Until it is empty again, it and the Untypeds made from it
// give nothing else.
//
//      Normal, SETTLED -> non-cacheable, CHANGING -> CHANGED -> Normal, LEAVING -> SETTLED
//
// LEAVING queues the blocks, in slices and without a barrier. What is queued is purged by the first
// retype that wants some of it as Normal memory (ALIAS_IF_NEEDED), with all else that is queued
// then; or by UNTYPED_PURGE (ALIAS_FORCE). A revoke and a deletion only queue (ALIAS_NEVER).
//
// Where an Untyped is deleted and what was made of it lives on, its blocks stay as they are: its
// children are its parent's now, which is not empty before they are gone. Then the parent, empty,
// goes through LEAVING as well. So whatever is above the watermark of a Normal Untyped is cacheable
// or queued, and a small piece of memory need only ask whether it is queued.
//
// A block lies in one such Untyped as a whole: Untypeds lie at multiples of their size. An Untyped
// of less than 2 MiB shares its block with others and is refused; a block that the kernel itself
// has something in is in no Untyped of 2 MiB.
#ifndef MEMORY_TYPE_H
#define MEMORY_TYPE_H

#include "slot.h"

// All but the last: tree_lock held.

// Whether `wanted` may be made of the Untyped; `empty`: nothing is derived from it. MEMORY_TYPE;
// IN_USE: it could be if it were empty.
enum sheaf_error memory_type_check_other(const struct slot *untyped, enum sheaf_memory_type wanted,
                                         bool empty); // than it has
static inline enum sheaf_error memory_type_check(const struct slot *untyped,
                                                 enum sheaf_memory_type wanted, bool empty) {
    return likely(untyped->memory_type == wanted) ? SHEAF_OK
                                                  : memory_type_check_other(untyped, wanted, empty);
}
// The Untyped, which is empty, begins anew with `wanted`, for which it was checked.
void memory_type_begin(struct slot *untyped, enum sheaf_memory_type wanted);

// What is to be done before [start, start + bytes) of it, at most 2 MiB, is written.
enum memory_work { MEMORY_READY, MEMORY_QUEUE, MEMORY_CHANGE, MEMORY_PURGE };
enum memory_work memory_type_find_work(const struct slot *untyped, uint64_t start, uint64_t bytes);
static inline enum memory_work memory_type_work(const struct slot *untyped, uint64_t start,
                                                uint64_t bytes) {
    if (likely(untyped->untyped.change == MEMORY_SETTLED && !alias_is_queued())) {
        return MEMORY_READY;
    }
    return memory_type_find_work(untyped, start, bytes);
}

// The Untyped is being deleted: queues blocks that nobody will use. False: it is to be called
// again.
bool memory_type_end(struct slot *untyped);

// A slice of the work. tree_lock is not held.
void memory_type_slice(struct slot *untyped, enum memory_work work);

#endif
