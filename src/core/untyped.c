// SPDX-License-Identifier: BSD-2-Clause
// Untyped memory: reserving, zeroing, and what is left.
//
// The watermark only rises, until everything derived from the Untyped is gone: then it starts
// again. Zeroing happens in slices, and how far it came is kept in the capability itself
// (slot.h): a preempted retype goes on there, whoever executes it.
//
// A device Untyped is registers, or nothing at all: not the kernel's to write, and not in its map.
// So it is counted in the same way and never looked at. What makes memory non-cacheable, and
// cacheable again, is in memory_type.h; the retype that asks for it does it here, slice by slice.
#include "evict.h"
#include "invoke.h"
#include "memory_type.h"

#define ZERO_SLICE (UINT64_C(16) << 10) // bytes between two looks at pending interrupts

#define WALKS_PASSED 64 // places of EVICTs taken out in one slice

// Whether nothing is derived from the Untyped. An EVICT that was interrupted and does not go on may
// have left its place below it; what it was about is gone. False, too, where there are many of
// them: they are fewer the next time.
static bool is_empty(const struct slot *untyped) {
    for (unsigned i = 0; i < WALKS_PASSED && untyped->first_child != NULL; i++) {
        if (!evict_is_place(untyped->first_child)) {
            return false;
        }
        evict_forget_place(untyped->first_child);
    }
    return untyped->first_child == NULL;
}

// At watermark 0 nothing was handed out since the last start.
static bool starts_again(const struct slot *untyped) {
    return untyped_watermark(untyped) == 0 || is_empty(untyped);
}

static bool is_device(const struct slot *untyped) {
    return untyped->memory_type == SHEAF_MEMORY_DEVICE;
}

// Zeroes one slice of [start, end), `bytes` from `zeroed` on. True: all of it is zero.
static bool zero_slice(struct slot *untyped, uint64_t start, uint64_t end, uint64_t zeroed,
                       uint64_t bytes) {
    paddr_t address = PADDR(untyped_address(untyped).v + zeroed);
    port_note(PORT_EVENT_FRAME_RELEASED, address.v, bytes);
    if (untyped->memory_type == SHEAF_MEMORY_NON_CACHEABLE) {
        // What caches hold of it is from before it was non-cacheable. Written back later it would
        // be in the place of these zeroes, or of what a device writes.
        port_clean_and_invalidate(address, bytes);
    }
    arch_zero(port_kernel_address(address), bytes);
    // The alignment gap in front of `start` is given up now: what is known to be zero must begin
    // at the watermark.
    untyped_set_watermark(untyped, start);
    untyped_set_zeroed(untyped, zeroed + bytes);
    return zeroed + bytes == end;
}

// Gets what is reserved ready for its new role, or does a slice of that. What is left to be done
// with the lock dropped; READY with *through: nothing.
static enum memory_work prepare_slice(struct slot *untyped, const struct reserve *reserve,
                                      bool *through) {
    uint64_t start = reserve->start, end = start + (reserve->count << reserve->bits);
    uint64_t zeroed = MAX(untyped_zeroed(untyped), start);
    uint64_t bytes = zeroed < end && !reserve->again ? MIN(end - zeroed, ZERO_SLICE) : 0;
    *through = is_device(untyped);
    if (*through) {
        port_note(PORT_EVENT_FRAME_RELEASED, untyped_address(untyped).v + start, end - start);
        return MEMORY_READY;
    }
    enum memory_work work = memory_type_work(untyped, zeroed, bytes);
    if (work == MEMORY_READY) {
        *through = bytes == 0 || zero_slice(untyped, start, end, zeroed, bytes);
    }
    return work;
}

// Everything that can fail, and beginning anew where the Untyped is empty.
static enum sheaf_error claim(struct slot *untyped, struct reserve *reserve) {
    if (untyped->type != SHEAF_UNTYPED || slot_is_dying(untyped)) {
        return SHEAF_ERR_DEAD;
    }
    bool empty = starts_again(untyped);
    enum sheaf_error error = memory_type_check(untyped, reserve->memory_type, empty);
    if (error != SHEAF_OK) {
        return error;
    }
    uint64_t size = BIT(untyped->size_bits);
    reserve->start = empty ? 0 : ALIGN_UP(untyped_watermark(untyped), BIT(reserve->bits));
    if (reserve->start > size || reserve->count > (size - reserve->start) >> reserve->bits) {
        return SHEAF_ERR_NO_MEMORY;
    }
    if (empty) {
        memory_type_begin(untyped, reserve->memory_type);
    }
    return SHEAF_OK;
}

enum sheaf_error untyped_reserve(struct slot *untyped, struct reserve *reserve) {
    reserve->watermark = UINT64_MAX;
    for (;;) {
        lock_acquire(&tree_lock);
        enum sheaf_error error = claim(untyped, reserve);
        if (error != SHEAF_OK) {
            lock_release(&tree_lock);
            return error;
        }
        reserve->watermark = MIN(reserve->watermark, untyped_watermark(untyped));
        bool through;
        enum memory_work work = prepare_slice(untyped, reserve, &through);
        if (through) {
            return SHEAF_OK;
        }
        lock_release(&tree_lock);
        if (work != MEMORY_READY) {
            memory_type_slice(untyped, work);
        }
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    }
}

// What is to be done where nothing of the Untyped is in use. tree_lock held.
static enum memory_work reset_work(struct slot *untyped) {
    if (untyped->type != SHEAF_UNTYPED || slot_is_dying(untyped) || is_device(untyped)) {
        return MEMORY_READY;
    }
    if (starts_again(untyped)) {
        bool settled = untyped->untyped.change == MEMORY_SETTLED;
        memory_type_begin(untyped, settled ? untyped->memory_type : SHEAF_MEMORY_NORMAL);
    }
    return memory_type_work(untyped, 0, 0);
}

enum sheaf_error untyped_reset(struct slot *untyped, enum alias_policy policy) {
    for (;;) {
        lock_acquire(&tree_lock);
        enum memory_work work = reset_work(untyped);
        lock_release(&tree_lock);
        if (work == MEMORY_READY && alias_wants_purge(policy, PADDR(0), 0)) {
            work = MEMORY_PURGE;
        }
        if (work == MEMORY_READY) {
            return SHEAF_OK;
        }
        memory_type_slice(untyped, work);
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    }
}

void untyped_commit(struct slot *untyped, const struct reserve *reserve, uint64_t end) {
    ASSERT(lock_held(&tree_lock));
    ASSERT(is_device(untyped) || reserve->again || untyped_zeroed(untyped) >= end);
    untyped_set_watermark(untyped, end);
    if (untyped_zeroed(untyped) < end) {
        untyped_set_zeroed(untyped, end); // nothing behind the watermark
    }
}

static enum sheaf_error untyped_info(struct invocation *invocation) {
    const struct slot *untyped = invocation->slot;
    uint64_t size = BIT(untyped->size_bits);
    lock_acquire(&tree_lock);
    uint64_t left = is_empty(untyped) ? size : size - untyped_watermark(untyped);
    lock_release(&tree_lock);
    answer(invocation, untyped_address(untyped).v);
    answer(invocation, untyped->size_bits);
    answer(invocation, left);
    answer(invocation, untyped->memory_type);
    return SHEAF_OK;
}

static enum sheaf_error untyped_purge(struct invocation *invocation) {
    return untyped_reset(invocation->slot, ALIAS_FORCE);
}

static const struct method methods[] = {
    [SHEAF_UNTYPED_RETYPE] = {.run = untyped_retype, .words = 4},
    [SHEAF_UNTYPED_INFO] = {.run = untyped_info},
    [SHEAF_UNTYPED_PURGE] = {.run = untyped_purge},
};
const struct methods untyped_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
