// SPDX-License-Identifier: BSD-2-Clause
// Delete, revoke, and emptying dead containers (delete.h tells the whole protocol).
#include "delete.h"

#include "death.h"
#include "evict.h"
#include "memory_type.h"

#define BURIAL_SCAN 512      // slots of a dead CNode looked at in one slice
#define TOMBSTONES_PASSED 64 // by one slice of revoke, before it rather empties them

// What unmapping by a record costs, in leaves looked at, and how much of that a slice takes. A
// record that costs more has a slice of its own.
#define RECORD_COST 12
#define SLICE_COST 128

struct slice {
    unsigned count, cost;
    struct slot *slot[DELETE_SLICE]; // NULL: another deleter took it over, or its object took it
};

static struct slice slices[MAX_PES];

static struct {
    struct slot *first, *last;
} burials;

void delete_init(void) {
    tree_anchor = (struct slot){0};
    burials.first = NULL;
    burials.last = NULL;
    for (unsigned i = 0; i < MAX_PES; i++) {
        slices[i] = (struct slice){0};
    }
}

// ---- A slot leaves

// The lock of the CNode that holds the slot; NULL where there is none, or none any more: the header
// of a dead CNode is a tombstone, in which the place of head.flags (never 0 in life) is 0.
static struct lock *home_lock(const struct slot *slot) {
    struct cnode *home = slot->home;
    return home != NULL && home->head.flags != 0 ? &home->lock : NULL;
}

static void slice_forget(struct slot *slot) {
    if (slot->dying_pe != 0) {
        slices[slot->dying_pe - 1].slot[slot->dying_place] = NULL;
        slot->dying_pe = 0;
    }
}

static unsigned unmap_cost(const struct slot *slot) {
    bool mapped = slot->type == SHEAF_FRAME && slot->frame.record.v != 0;
    return mapped ? RECORD_COST + record_leaves(slot->frame.record) : 0;
}

static bool slice_has_room(const struct slice *slice, const struct slot *slot) {
    return slice->count < DELETE_SLICE &&
           (slice->cost == 0 || slice->cost + unmap_cost(slot) <= SLICE_COST);
}

static void slice_add(struct pe *pe, struct slice *slice, struct slot *slot) {
    ASSERT(lock_held(&tree_lock) && slice->count < DELETE_SLICE);
    slice_forget(slot);
    struct lock *lock = home_lock(slot);
    if (lock != NULL) {
        lock_acquire(lock);
    }
    slot->flags |= SLOT_DYING;
    if (lock != NULL) {
        lock_release(lock);
    }
    slot->dying_pe = (uint8_t)(pe->id + 1);
    slot->dying_place = (uint16_t)slice->count;
    slice->slot[slice->count++] = slot;
    slice->cost += unmap_cost(slot);
}

// Empties a slot that has left the tree.
static void slot_clear(struct slot *slot) {
    struct lock *lock = home_lock(slot);
    slice_forget(slot);
    if (lock != NULL) {
        lock_acquire(lock);
    }
    *slot = (struct slot){0};
    if (lock != NULL) {
        lock_release(lock);
    }
}

void slot_move(struct slot *to, struct cnode *home, struct slot *from) {
    ASSERT(lock_held(&tree_lock) && to->type == SHEAF_NULL && !slot_is_dying(from));
    struct lock *lock = home_lock(from);
    if (lock != NULL) {
        lock_acquire(lock); // MAP may be writing the record
    }
    struct slot capability = *from;
    from->type = SHEAF_NULL;
    if (lock != NULL) {
        lock_release(lock);
    }
    tree_replace(from, to);
    capability.next = to->next;
    capability.previous = to->previous;
    capability.first_child = to->first_child;
    capability.last_child = to->last_child;
    capability.home = home;
    *to = capability;
    *from = (struct slot){0};
}

static void slot_end(struct slot *slot) {
    tree_remove(slot);
    slot_clear(slot);
}

// ---- Containers

static void write_tombstone(struct slot *tombstone, struct slot *slots, uint64_t count) {
    *tombstone = (struct slot){.type = SLOT_TOMBSTONE};
    tombstone->tombstone.slots = slots;
    tombstone->tombstone.left = count;
    *(burials.last != NULL ? &burials.last->next_to_bury : &burials.first) = tombstone;
    burials.last = tombstone;
}

static void bury(struct slot *slot, struct slot *tombstone, struct slot *slots, uint64_t count) {
    write_tombstone(tombstone, slots, count);
    tree_replace(slot, tombstone);
    slot_clear(slot);
}

void slots_retire(struct slot *owner, struct slot *tombstone, struct slot *slots, uint64_t count) {
    ASSERT(lock_held(&tree_lock) && tombstone->type == SHEAF_NULL);
    write_tombstone(tombstone, slots, count);
    tree_insert_child(owner, tombstone);
}

static void bury_cnode(struct slot *slot) {
    struct cnode *cnode = slot->object;
    uint64_t count = BIT(slot->size_bits) - 1;
    bury(slot, cnode_slot(cnode, 0), cnode_slot(cnode, 1), count);
}

// ---- Ending what a slot names. tree_lock held; dropped only for vspace_destroy.

// Takes the chunks of a destroyed VSpace out of the tree, but the first, which the VSpace's own
// capabilities stand for. A chunk's memory may be reused from then on while the directory still
// names it, so head.reserved remembers how far we are. When a chunk's deletion has led here, that
// chunk goes last (head.flags keeps its index meanwhile): as long as others are left, it is found
// in the tree and its deletion goes on.
static bool release_chunks(struct vspace *vspace, const struct slot *by) {
    struct object_head *head = vspace_head(vspace);
    unsigned end = vspace_chunk_slots(vspace);
    unsigned index = MAX(1u, (unsigned)head->reserved);
    for (unsigned steps = 0; index < end && steps < DELETE_SLICE; index++, steps++) {
        struct chunk *chunk = vspace_chunk(vspace, index);
        if (chunk == NULL) {
            continue;
        }
        if (chunk_node(chunk) == by && head->flags == 0) {
            head->flags = index;
        } else {
            slot_end(chunk_node(chunk));
        }
    }
    head->reserved = index;
    if (index < end) {
        return false;
    }
    if (head->flags != 0) {
        struct chunk *last = vspace_chunk(vspace, head->flags);
        head->flags = 0;
        slot_end(chunk_node(last));
    }
    return true;
}

static bool vspace_end(struct slot *slot, struct vspace *vspace) {
    lock_release(&tree_lock);
    vspace_destroy(vspace);
    lock_acquire(&tree_lock);
    return slot->type == SHEAF_NULL ||
           release_chunks(vspace, slot->type == SLOT_CHUNK ? slot : NULL);
}

static bool object_end(struct pe *pe, struct slot *slot) {
    switch (slot->type) {
    case SHEAF_CNODE:
        bury_cnode(slot);
        return true;
    case SHEAF_THREAD: {
        struct thread *thread = slot->object;
        if (!thread_end(pe, thread)) {
            return false;
        }
        bury(slot, &thread->tombstone, thread->slot, THREAD_SLOTS);
        return true;
    }
    case SHEAF_IRQ_HANDLER: {
        struct irq_handler *handler = slot->object;
        irq_handler_end(handler);
        bury(slot, (struct slot *)(void *)handler, &handler->notification, 1);
        return true;
    }
    case SHEAF_TIMER: {
        struct timer *timer = slot->object;
        timer_finish(timer);
        bury(slot, (struct slot *)(void *)timer, &timer->notification, 1);
        return true;
    }
    case SHEAF_ENDPOINT:
        if (!endpoint_end(pe, slot->object)) {
            return false;
        }
        break;
    case SHEAF_NOTIFICATION:
        if (!notification_end(pe, slot->object)) {
            return false;
        }
        break;
    case SHEAF_REPLY:
        reply_end(pe, slot->object);
        break;
    default:
        ASSERT(slot->type == SHEAF_VSPACE);
        if (!vspace_end(slot, slot->object)) {
            return false;
        }
        break;
    }
    if (slot->type != SHEAF_NULL) {
        slot_end(slot);
    }
    return true;
}

static bool capability_end(struct pe *pe, struct slot *slot) {
    ASSERT(lock_held(&tree_lock) && slot_is_dying(slot));
    if (slot->type == SLOT_CHUNK) {
        // Ends with the other chunks of its VSpace, which takes them all out of the tree.
        return vspace_end(slot, chunk_vspace(slot->object));
    }
    if (slot->type == SHEAF_UNTYPED && !memory_type_end(slot)) {
        return false;
    }
    struct object_head *head = slot_head(slot);
    if (head == NULL) {
        slot_end(slot);
        return true;
    }
    if (head->references > 1) {
        head->references--;
        slot_end(slot);
        return true;
    }
    return object_end(pe, slot);
}

// ---- A slice

// Clears the leaves that the records name, and finishes. False: some are left.
static bool slice_unmap(const struct slice *slice) {
    struct gather *gather = NULL;
    bool through = true;
    for (unsigned i = 0; i < slice->count && through; i++) {
        const struct slot *slot = slice->slot[i];
        if (slot != NULL && slot->type == SHEAF_FRAME && slot->frame.record.v != 0) {
            if (gather == NULL) {
                gather = gather_begin();
            }
            through = gather_unmap_record(gather, slot->frame.record, slot->frame.address,
                                          slot->size_bits);
        }
    }
    if (gather != NULL) {
        gather_finish(gather);
    }
    return through;
}

static enum sheaf_error preempted(void) {
    return arch_interrupt_pending() ? SHEAF_ERR_PREEMPTED : SHEAF_OK;
}

// tree_lock held. Each slot is polled for: to end a Thread that waits, or a VSpace, costs hundreds
// of instructions. To bury a CNode costs few, so what is `whole` is not polled for.
static enum sheaf_error slice_unlink(struct pe *pe, const struct slice *slice, bool whole) {
    enum sheaf_error error = SHEAF_OK;
    for (unsigned i = 0; i < slice->count && error == SHEAF_OK; i++) {
        bool done = false;
        while (slice->slot[i] != NULL && !done && error == SHEAF_OK) {
            done = capability_end(pe, slice->slot[i]);
            error = whole ? SHEAF_OK : preempted();
        }
    }
    return error;
}

static enum sheaf_error slice_end(struct pe *pe, struct slice *slice, bool whole) {
    enum sheaf_error error = SHEAF_OK;
    while (error == SHEAF_OK && !slice_unmap(slice)) {
        error = preempted();
    }
    lock_acquire(&tree_lock);
    if (error == SHEAF_OK) {
        // A slice of burials may be empty, and have taken its time to find that out.
        error = slice->count != 0 ? slice_unlink(pe, slice, whole) : preempted();
    }
    // What is not through stays dying, in nobody's slice: whoever comes next goes on.
    for (unsigned i = 0; i < slice->count; i++) {
        if (slice->slot[i] != NULL) {
            slice_forget(slice->slot[i]);
        }
    }
    lock_release(&tree_lock);
    slice->count = 0;
    slice->cost = 0;
    return error;
}

// ---- Emptying dead containers

// One slice of the first container in the list.
static enum sheaf_error burial_slice(struct pe *pe) {
    struct slice *slice = &slices[pe->id];
    lock_acquire(&tree_lock);
    struct slot *tombstone = burials.first;
    if (tombstone != NULL) {
        struct slot *slots = tombstone->tombstone.slots;
        uint64_t left = tombstone->tombstone.left;
        unsigned looked = 0;
        for (; left > 0 && slots[left - 1].type == SHEAF_NULL && looked < BURIAL_SCAN; looked++) {
            left--;
        }
        tombstone->tombstone.left = left;
        for (uint64_t i = left;
             i > 0 && looked < BURIAL_SCAN && slice_has_room(slice, &slots[i - 1]); i--, looked++) {
            if (slots[i - 1].type != SHEAF_NULL) {
                slice_add(pe, slice, &slots[i - 1]);
            }
        }
        if (left == 0) {
            burials.first = tombstone->next_to_bury;
            if (burials.first == NULL) {
                burials.last = NULL;
            }
            tombstone->home = NULL;
            slot_end(tombstone);
        }
    }
    lock_release(&tree_lock);
    return slice_end(pe, slice, false);
}

enum sheaf_error burials_continue(struct pe *pe) {
    enum sheaf_error error = SHEAF_OK;
    while (burials.first != NULL && error == SHEAF_OK) {
        error = burial_slice(pe);
    }
    // Interrupted after the very last slice: there is nothing left to come back for.
    return burials.first == NULL ? SHEAF_OK : error;
}

// ---- Delete and revoke

enum sheaf_error slot_delete(struct pe *pe, struct slot *slot) {
    struct slice *slice = &slices[pe->id];
    lock_acquire(&tree_lock);
    if (slot->type != SHEAF_NULL) {
        slice_add(pe, slice, slot);
    }
    lock_release(&tree_lock);
    enum sheaf_error error = slice_end(pe, slice, false);
    return slot->type == SHEAF_NULL ? SHEAF_OK : error;
}

static bool is_on(const struct way *way, const struct slot *node) {
    if (way == NULL || node->type != SHEAF_CNODE) {
        return false;
    }
    unsigned i = 0;
    while (i < way->count && way->slot[i] != node) {
        i++;
    }
    return i < way->count;
}

// Takes the EVICT whose place `node` is out of the tree. Returns the node after it.
static struct slot *pass_walk(const struct slot *root, struct slot *node) {
    struct slot *next = tree_next(root, node);
    if (next != NULL && evict_is_place(next) && next->object == node->object) {
        next = tree_next(root, next);
    }
    evict_forget_place(node);
    return next;
}

// The first capabilities below `slot`. Tombstones are passed over, but only so many of them, as the
// next slice would have to pass over them again. So are places of EVICTs, which go. False: it has
// passed over so many that it has not seen all.
static bool collect(struct pe *pe, struct slice *slice, struct slot *slot, const struct way *way) {
    ASSERT(lock_held(&tree_lock));
    unsigned passed = 0;
    struct slot *node = tree_next(slot, slot);
    while (node != NULL && slice_has_room(slice, node)) {
        if (evict_is_place(node)) {
            node = pass_walk(slot, node);
            if (++passed > TOMBSTONES_PASSED) {
                return false;
            }
            continue;
        }
        if (node->type == SLOT_TOMBSTONE) {
            if (++passed > TOMBSTONES_PASSED) {
                return false;
            }
        } else if (!is_on(way, node)) {
            slice_add(pe, slice, node);
        }
        node = tree_next(slot, node);
    }
    return true;
}

enum sheaf_error slot_revoke(struct pe *pe, struct slot *slot, const struct way *way) {
    struct slice *slice = &slices[pe->id];
    enum sheaf_error error = SHEAF_OK;
    while (error == SHEAF_OK) {
        lock_acquire(&tree_lock);
        bool all = collect(pe, slice, slot, way);
        lock_release(&tree_lock);
        if (slice->count != 0) {
            error = slice_end(pe, slice, false);
        } else if (burials.first != NULL) {
            error = burial_slice(pe);
        } else if (all) {
            return SHEAF_OK;
        } else {
            error = preempted();
        }
    }
    return slot->first_child == NULL && burials.first == NULL ? SHEAF_OK : error;
}

void slot_revoke_way(struct pe *pe, struct slot *slot) {
    _Static_assert(LOOKUP_LEVELS + 1 <= DELETE_SLICE, "a way fits into a slice");
    struct slice *slice = &slices[pe->id];
    lock_acquire(&tree_lock);
    collect(pe, slice, slot, NULL);
    lock_release(&tree_lock);
    slice_end(pe, slice, true);
}
