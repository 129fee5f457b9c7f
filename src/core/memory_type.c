// SPDX-License-Identifier: BSD-2-Clause
// The memory type of an Untyped. See memory_type.h.
//
// How far a slice has come is kept in the capability, in the place of what is zeroed: an Untyped on
// its way is empty, and zeroed only when it has arrived.
#include "memory_type.h"

static uint64_t size_of(const struct slot *untyped) { return BIT(untyped->size_bits); }

static void set_change(struct slot *untyped, enum memory_change change) {
    ASSERT(lock_held(&tree_lock));
    untyped->untyped.change = change;
    untyped_set_zeroed(untyped, 0);
}

enum sheaf_error memory_type_check_other(const struct slot *untyped, enum sheaf_memory_type wanted,
                                         bool empty) {
    bool back = wanted == SHEAF_MEMORY_NORMAL && untyped->untyped.change != MEMORY_SETTLED;
    bool there = wanted == SHEAF_MEMORY_NON_CACHEABLE &&
                 untyped->memory_type == SHEAF_MEMORY_NORMAL &&
                 alias_can_change(untyped_address(untyped), size_of(untyped));
    if (!back && !there) {
        return SHEAF_ERR_MEMORY_TYPE;
    }
    return empty ? SHEAF_OK : SHEAF_ERR_IN_USE;
}

void memory_type_begin(struct slot *untyped, enum sheaf_memory_type wanted) {
    bool used = untyped_watermark(untyped) != 0, same = untyped->memory_type == wanted;
    untyped_set_watermark(untyped, 0);
    if (used) {
        untyped_set_zeroed(untyped, 0);
    }
    // Non-cacheable Untypeds that were made from this one may have left blocks.
    bool leave = used && wanted == SHEAF_MEMORY_NORMAL && size_of(untyped) >= ALIAS_BLOCK_BYTES &&
                 alias_is_used();
    if (leave || (!same && wanted == SHEAF_MEMORY_NORMAL)) {
        untyped->memory_type = SHEAF_MEMORY_NORMAL;
        set_change(untyped, MEMORY_LEAVING);
    } else if (!same && untyped->untyped.change == MEMORY_SETTLED) {
        untyped->memory_type = SHEAF_MEMORY_NON_CACHEABLE;
        set_change(untyped, MEMORY_CHANGING);
    }
}

enum memory_work memory_type_find_work(const struct slot *untyped, uint64_t start, uint64_t bytes) {
    if (untyped->untyped.change == MEMORY_LEAVING) {
        return MEMORY_QUEUE;
    }
    if (untyped->untyped.change == MEMORY_CHANGING) {
        return MEMORY_CHANGE;
    }
    paddr_t address = PADDR(untyped_address(untyped).v + start);
    bool purge = bytes != 0 && untyped->memory_type == SHEAF_MEMORY_NORMAL &&
                 alias_wants_purge(ALIAS_IF_NEEDED, address, bytes);
    return purge ? MEMORY_PURGE : MEMORY_READY;
}

// ---- Slices

// True: through.
static bool queue_slice(struct slot *untyped) {
    uint64_t done = untyped_zeroed(untyped), left = size_of(untyped) - done;
    done += alias_queue(PADDR(untyped_address(untyped).v + done), left);
    if (done < size_of(untyped)) {
        untyped_set_zeroed(untyped, done);
        return false;
    }
    set_change(untyped, MEMORY_SETTLED);
    return true;
}

static void change_slice(struct slot *untyped) {
    uint64_t done = untyped_zeroed(untyped), left = size_of(untyped) - done;
    done += alias_break(PADDR(untyped_address(untyped).v + done), left);
    if (done < size_of(untyped)) {
        untyped_set_zeroed(untyped, done);
    } else {
        set_change(untyped, MEMORY_CHANGED);
    }
}

bool memory_type_end(struct slot *untyped) {
    if (untyped->untyped.change == MEMORY_SETTLED || untyped->first_child != NULL) {
        return true;
    }
    if (untyped->untyped.change != MEMORY_LEAVING) {
        set_change(untyped, MEMORY_LEAVING);
    }
    return queue_slice(untyped);
}

// Since the lock was dropped another PE may have gone on with it, or deleted it.
static bool is_still(const struct slot *untyped, enum memory_change change) {
    return untyped->type == SHEAF_UNTYPED && !slot_is_dying(untyped) &&
           untyped->untyped.change == change;
}

void memory_type_slice(struct slot *untyped, enum memory_work work) {
    if (work == MEMORY_PURGE) {
        alias_begin();
        alias_break_queued();
        alias_end();
    } else if (work == MEMORY_CHANGE) {
        // The turn first: who waits for it holds no lock. The tree lock covers the break: whoever
        // deletes the Untyped and makes something else of its memory finds blocks that are not
        // cacheable, waits for the turn, and purges them.
        alias_begin();
        lock_acquire(&tree_lock);
        if (is_still(untyped, MEMORY_CHANGING)) {
            change_slice(untyped);
        }
        lock_release(&tree_lock);
        alias_end();
    } else {
        lock_acquire(&tree_lock);
        if (is_still(untyped, MEMORY_LEAVING)) {
            queue_slice(untyped);
        }
        lock_release(&tree_lock);
    }
}
