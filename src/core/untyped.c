// SPDX-License-Identifier: BSD-2-Clause
// Untyped memory: reserving, zeroing, and what is left.
//
// The watermark only rises, until everything derived from the Untyped is gone: then it starts
// again. Zeroing happens in slices, and how far it came is kept in the capability itself
// (slot.h): a preempted retype goes on there, whoever executes it.
//
// A device Untyped is registers, or nothing at all: not the kernel's to write, and not in its map.
// So it is counted in the same way and never looked at.
#include "evict.h"
#include "invoke.h"

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

static void start_again_if_empty(struct slot *untyped) {
    // At watermark 0 nothing was handed out since the last start: what is zeroed stays so.
    if (untyped_watermark(untyped) != 0 && is_empty(untyped)) {
        untyped_set_watermark(untyped, 0);
        untyped_set_zeroed(untyped, 0);
    }
}

static bool is_device(const struct slot *untyped) {
    return untyped->memory_type == SHEAF_MEMORY_DEVICE;
}

// Zeroes one slice of [start, end) if it needs any. True: all of it is zero.
static bool zero_slice(struct slot *untyped, uint64_t start, uint64_t end) {
    uint64_t zeroed = MAX(untyped_zeroed(untyped), start);
    if (zeroed >= end) {
        return true;
    }
    uint64_t bytes = MIN(end - zeroed, ZERO_SLICE);
    paddr_t address = PADDR(untyped_address(untyped).v + zeroed);
    port_note(PORT_EVENT_FRAME_RELEASED, address.v, bytes);
    arch_zero(port_kernel_address(address), bytes);
    // The alignment gap in front of `start` is given up now: what is known to be zero must begin
    // at the watermark.
    untyped_set_watermark(untyped, start);
    untyped_set_zeroed(untyped, zeroed + bytes);
    return zeroed + bytes == end;
}

// Gets [start, end) ready for its new role, or a slice of it. True: all of it is.
static bool prepare_slice(struct slot *untyped, uint64_t start, uint64_t end) {
    if (!is_device(untyped)) {
        return zero_slice(untyped, start, end);
    }
    port_note(PORT_EVENT_FRAME_RELEASED, untyped_address(untyped).v + start, end - start);
    return true;
}

enum sheaf_error untyped_reserve(struct slot *untyped, enum sheaf_memory_type memory_type,
                                 unsigned bits, uint64_t count, uint64_t *start,
                                 uint64_t *watermark) {
    *watermark = UINT64_MAX;
    for (;;) {
        lock_acquire(&tree_lock);
        if (untyped->type != SHEAF_UNTYPED || slot_is_dying(untyped)) {
            lock_release(&tree_lock);
            return SHEAF_ERR_DEAD;
        }
        if (untyped->memory_type != memory_type) {
            lock_release(&tree_lock);
            return SHEAF_ERR_MEMORY_TYPE;
        }
        start_again_if_empty(untyped);
        *watermark = MIN(*watermark, untyped_watermark(untyped));
        *start = ALIGN_UP(untyped_watermark(untyped), BIT(bits));
        uint64_t size = BIT(untyped->size_bits);
        if (*start > size || count > (size - *start) >> bits) {
            lock_release(&tree_lock);
            return SHEAF_ERR_NO_MEMORY;
        }
        if (prepare_slice(untyped, *start, *start + (count << bits))) {
            return SHEAF_OK;
        }
        lock_release(&tree_lock);
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    }
}

void untyped_commit(struct slot *untyped, uint64_t end) {
    ASSERT(lock_held(&tree_lock) && (is_device(untyped) || untyped_zeroed(untyped) >= end));
    untyped_set_watermark(untyped, end);
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

static const struct method methods[] = {
    [SHEAF_UNTYPED_RETYPE] = {.run = untyped_retype, .words = 4},
    [SHEAF_UNTYPED_INFO] = {.run = untyped_info},
};
const struct methods untyped_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
