// SPDX-License-Identifier: BSD-2-Clause
// EVICT: the walk, and its place in the tree (evict.h tells why it is there).
#include "evict.h"

#define EVICT_SLICE 32u // steps before the tree lock is dropped for a moment
// Levels in one step from the end of a chain of copies back to where the walk goes on: a program
// makes chains as deep as its memory allows.
#define EVICT_LEVELS 128u

struct evict {
    struct thread *thread;
    struct gather *gather;
    struct slot *first; // of the named capabilities
    uint64_t count;
    uint64_t *done;    // how many are through
    struct slot *node; // to be visited next; NULL: all are through
    bool climbing;     // it was visited, and all below it: the walk goes on from there
    bool fenced;       // the walk of the one in turn ends at the fence
    uint8_t *seen;     // of the one in turn
    uint8_t *report;   // NULL: not asked for
};

// ---- The place in the tree

static bool has_place(const struct thread *thread) { return thread->walk.cursor.type == SLOT_WALK; }

void evict_forget(struct thread *thread) {
    ASSERT(lock_held(&tree_lock));
    if (has_place(thread)) {
        tree_remove(&thread->walk.cursor);
        tree_remove(&thread->walk.fence);
        thread->walk.cursor.type = SHEAF_NULL;
        thread->walk.fence.type = SHEAF_NULL;
    }
}

void evict_forget_place(struct slot *node) {
    ASSERT(evict_is_place(node));
    evict_forget(node->object);
}

static struct slot *in_turn(const struct evict *evict) { return evict->first + *evict->done; }

// Before the tree lock is dropped. At its beginning the walk of a capability needs no place.
static void keep_place(const struct evict *evict) {
    struct evict_walk *walk = &evict->thread->walk;
    if (evict->node == NULL || (!evict->fenced && evict->node == in_turn(evict))) {
        return;
    }
    if (!evict->fenced) {
        walk->fence = (struct slot){.type = SLOT_WALK, .object = evict->thread};
        tree_insert_child(in_turn(evict), &walk->fence);
    }
    walk->cursor = (struct slot){.type = SLOT_WALK, .object = evict->thread};
    if (evict->climbing) {
        tree_insert_child(evict->node, &walk->cursor);
    } else {
        tree_insert_before(evict->node, &walk->cursor);
    }
}

static void capability_through(struct evict *evict) {
    if (evict->report != NULL) {
        evict->report[*evict->done / 4] |= (uint8_t)(*evict->seen << (*evict->done % 4 * 2));
    }
    *evict->seen = 0;
    ++*evict->done;
    evict->fenced = false;
    evict->node = *evict->done < evict->count ? in_turn(evict) : NULL;
}

static void go_to(struct evict *evict, struct slot *next) {
    struct slot *fence = &evict->thread->walk.fence;
    evict->node = next;
    if (evict->fenced && next == fence) {
        tree_remove(fence);
        fence->type = SHEAF_NULL;
        evict->node = NULL;
    }
    if (evict->node == NULL) {
        capability_through(evict);
    }
}

// To the node behind `node` and all below it, or some levels nearer to that.
static void climb(struct evict *evict, struct slot *node) {
    const struct slot *root = evict->fenced ? &tree_anchor : in_turn(evict);
    evict->climbing = !tree_climb(root, &node, EVICT_LEVELS);
    if (evict->climbing) {
        evict->node = node;
    } else {
        go_to(evict, node);
    }
}

static void find_place(struct evict *evict) {
    struct slot *cursor = &evict->thread->walk.cursor;
    evict->fenced = has_place(evict->thread);
    evict->climbing = false;
    if (evict->fenced) {
        climb(evict, cursor);
        tree_remove(cursor);
        cursor->type = SHEAF_NULL;
    } else {
        evict->node = in_turn(evict);
    }
}

static void go_on(struct evict *evict) {
    struct slot *child = evict->climbing ? NULL : evict->node->first_child;
    if (child != NULL) {
        go_to(evict, child);
    } else {
        climb(evict, evict->node);
    }
}

// ---- The walk

static enum record_step visit(const struct evict *evict) {
    const struct slot *node = evict->node;
    if (node->type != SHEAF_FRAME || node->frame.record.v == 0) {
        return RECORD_THROUGH;
    }
    return gather_clear_record(evict->gather, &node->frame, node->size_bits, evict->seen);
}

// Visits nodes until one asks for something that must not be done under the tree lock (its record
// goes to *record), an interrupt comes, or it is enough.
static enum record_step walk_slice(struct evict *evict, struct mapping_record *record,
                                   bool *interrupted) {
    enum record_step step = RECORD_THROUGH;
    lock_acquire(&tree_lock);
    find_place(evict);
    for (unsigned n = 0; n < EVICT_SLICE && evict->node != NULL && !*interrupted; n++) {
        step = evict->climbing ? RECORD_THROUGH : visit(evict);
        if (step == RECORD_FULL || step == RECORD_PENDING) {
            *record = evict->node->frame.record;
            break;
        }
        if (step == RECORD_THROUGH) {
            go_on(evict);
        }
        *interrupted = evict->node != NULL && arch_interrupt_pending();
    }
    keep_place(evict);
    lock_release(&tree_lock);
    return step;
}

static enum sheaf_error walk(struct evict *evict) {
    do {
        struct mapping_record record = {0};
        bool interrupted = false;
        enum record_step step = walk_slice(evict, &record, &interrupted);
        if (step == RECORD_FULL) {
            gather_finish(evict->gather);
        } else if (step == RECORD_PENDING) {
            gather_complete_record(evict->gather, record);
            interrupted = arch_interrupt_pending();
        }
        if (interrupted) {
            return SHEAF_ERR_PREEMPTED;
        }
    } while (evict->node != NULL);
    return SHEAF_OK;
}

// ---- The operation

static enum sheaf_error check_slot(const struct slot *slot) {
    if (slot->type != SHEAF_FRAME) {
        return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_WRONG_TYPE;
    }
    return slot_is_dying(slot) ? SHEAF_ERR_DEAD : SHEAF_OK;
}

// All named capabilities that are not through yet, before anything is changed. The one whose walk
// has begun may be gone: what was derived from it is still there.
static enum sheaf_error find_slots(struct evict *evict, const struct operation *operation) {
    struct cnode *home;
    if (!lookup_place(evict->thread, operation->word4, &evict->first, &home)) {
        return lookup_type(evict->thread, operation->word4, SHEAF_FRAME, &evict->first);
    }
    evict->count = operation->word5;
    if (evict->count == 0) {
        return SHEAF_ERR_ZERO_LENGTH;
    }
    uint64_t index = (uint64_t)(evict->first - cnode_slot(home, 0));
    uint64_t limit = MIN(BIT(home->head.flags) - index, SHEAF_EVICT_SLOTS);
    if (evict->count > limit) {
        return SHEAF_ERR_RANGE;
    }
    enum sheaf_error error = SHEAF_OK;
    uint64_t begin = *evict->done + (has_place(evict->thread) ? 1 : 0);
    for (uint64_t i = begin; i < evict->count && error == SHEAF_OK; i++) {
        error = check_slot(evict->first + i);
    }
    return error;
}

enum sheaf_error evict_operation(struct thread *thread, struct gather *gather,
                                 const struct operation *operation, uint64_t *done, uint8_t *seen,
                                 uint8_t *report) {
    struct evict evict = {
        .thread = thread, .gather = gather, .done = done, .seen = seen, .report = report};
    enum sheaf_error error = find_slots(&evict, operation);
    if (error != SHEAF_OK) {
        evict_abandon(thread);
        return error;
    }
    for (uint64_t i = 0; report != NULL && *done == 0 && i < SHEAF_REPORT_BYTES(evict.count); i++) {
        report[i] = 0;
    }
    uint64_t leaves = gather_totals(gather)->leaves;
    error = walk(&evict);
    port_count(SHEAF_COUNTER_GATHER_EVICTED, gather_totals(gather)->leaves - leaves);
    return error;
}

void evict_abandon(struct thread *thread) {
    if (has_place(thread)) {
        lock_acquire(&tree_lock);
        evict_forget(thread);
        lock_release(&tree_lock);
    }
}
