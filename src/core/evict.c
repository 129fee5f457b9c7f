// SPDX-License-Identifier: BSD-2-Clause
// EVICT: the walk, and its place in the tree (evict.h tells why it is there).
#include "evict.h"

// What is done under the tree lock without a look at pending interrupts: so many capabilities are
// listed, and so many steps are taken among those derived from a named one. A level on the way back
// up from the end of a chain of copies is a step: a program makes chains as deep as its memory
// allows.
#define EVICT_LIST 64u
#define EVICT_LEAST 8u
#define EVICT_STEPS 32u

// Where a walk is.
struct place {
    struct slot *node; // to be visited next; NULL: all are through
    bool climbing;     // it was visited, and all below it: the walk goes on from there
    uint64_t number;   // of the named capability that it is, or was derived from
};

struct evict {
    struct thread *thread;
    struct gather *gather;
    struct slot *first; // of the named capabilities
    uint64_t count;
    uint64_t *done; // the number of the one in turn: so many are through
    struct place place;
    bool fenced;     // the walk of the one in turn ends at the fence
    uint8_t *report; // NULL: not asked for
    // Capabilities that were mapped, in the order of the walk, each with its number.
    struct gather_record record[EVICT_LIST];
    unsigned listed, most; // how many, and how many are wanted
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
    struct slot *node = evict->place.node;
    if (node == NULL || (!evict->fenced && node == in_turn(evict))) {
        return;
    }
    if (!evict->fenced) {
        walk->fence = (struct slot){.type = SLOT_WALK, .object = evict->thread};
        tree_insert_child(in_turn(evict), &walk->fence);
    }
    walk->cursor = (struct slot){.type = SLOT_WALK, .object = evict->thread};
    if (evict->place.climbing) {
        tree_insert_child(node, &walk->cursor);
    } else {
        tree_insert_before(node, &walk->cursor);
    }
}

static void find_place(struct evict *evict) {
    struct slot *cursor = &evict->thread->walk.cursor;
    uint64_t steps = EVICT_STEPS;
    evict->fenced = has_place(evict->thread);
    evict->place = (struct place){.node = in_turn(evict), .number = *evict->done};
    if (evict->fenced) {
        evict->place.node = cursor;
        evict->place.climbing = !tree_climb(&tree_anchor, &evict->place.node, &steps);
        tree_remove(cursor);
        cursor->type = SHEAF_NULL;
    } else if (*evict->done == evict->count) {
        evict->place.node = NULL;
    }
}

// Everything before that place is through.
static void go_to(struct evict *evict, const struct place *place) {
    struct slot *fence = &evict->thread->walk.fence;
    if (evict->fenced && place->number != *evict->done) {
        tree_remove(fence);
        fence->type = SHEAF_NULL;
        evict->fenced = false;
    }
    *evict->done = place->number;
    evict->place = *place;
}

// ---- The walk

static inline bool is_mapped(const struct slot *node) {
    return node->type == SHEAF_FRAME && node->frame.record.v != 0;
}

// To the next one among those derived from `named`, or in front of the fence, or towards that.
// False: there is none.
static bool step_below(const struct slot *named, const struct slot *fence, struct place *place,
                       uint64_t *steps) {
    struct slot *child = place->climbing ? NULL : place->node->first_child;
    if (place->node == fence) {
        return false;
    }
    --*steps;
    if (child != NULL) {
        place->node = child;
    } else {
        const struct slot *root = fence != NULL ? &tree_anchor : named;
        place->climbing = !tree_climb(root, &place->node, steps);
    }
    return place->node != NULL && place->node != fence;
}

// Lists what comes next, changing nothing. The place behind that goes to *at.
static void collect(struct evict *evict, struct place *at) {
    const struct slot *fence = evict->fenced ? &evict->thread->walk.fence : NULL;
    struct slot *node = evict->place.node, *named = in_turn(evict);
    bool climbing = evict->place.climbing;
    const struct slot *end = evict->first + evict->count;
    struct gather_record *of = evict->record;
    const struct gather_record *enough = of + evict->most;
    uint64_t steps = EVICT_STEPS, number = evict->place.number;
    while (node != NULL && of != enough) {
        if (!climbing && is_mapped(node)) {
            *of++ = (struct gather_record){
                .frame = &node->frame, .size_bits = node->size_bits, .number = (uint16_t)number};
        }
        if (unlikely(node != named || fence != NULL || node->first_child != NULL)) {
            struct place place = {.node = node, .climbing = climbing};
            bool found = step_below(named, fence, &place, &steps);
            node = place.node;
            climbing = place.climbing;
            if (found && steps != 0) {
                continue;
            }
            if (found) {
                break;
            }
            fence = NULL;
            climbing = false;
        }
        number++;
        node = ++named != end ? named : NULL;
    }
    evict->listed = (unsigned)(of - evict->record);
    *at = (struct place){.node = node, .climbing = climbing, .number = number};
}

static void add_to_report(const struct evict *evict) {
    for (unsigned i = 0; i < evict->listed; i++) {
        const struct gather_record *of = &evict->record[i];
        evict->report[of->number / 4] |= (uint8_t)(of->seen << (of->number % 4 * 2));
    }
}

// Clears what comes next. What must not be done under the tree lock is asked for: its record goes
// to *record.
static enum record_step walk_slice(struct evict *evict, struct mapping_record *record) {
    enum record_step step;
    struct place next;
    lock_acquire(&tree_lock);
    find_place(evict);
    collect(evict, &next);
    unsigned through = gather_clear_records(evict->gather, evict->record, evict->listed, &step);
    unsigned most = 2 * evict->most;
    if (evict->report != NULL) {
        add_to_report(evict);
    }
    if (through != evict->listed) {
        const struct gather_record *first = &evict->record[through];
        struct slot *node = container_of(first->frame, struct slot, frame);
        next = (struct place){.node = node, .number = first->number};
        *record = node->frame.record;
        most = MAX(2 * through, EVICT_LEAST); // what was too much is listed again
    }
    evict->most = MIN(most, EVICT_LIST);
    go_to(evict, &next);
    keep_place(evict);
    lock_release(&tree_lock);
    return step;
}

static enum sheaf_error walk(struct evict *evict) {
    do {
        struct mapping_record record = {0};
        enum record_step step = walk_slice(evict, &record);
        if (step == RECORD_FULL) {
            gather_finish(evict->gather);
        } else if (step == RECORD_PENDING) {
            gather_complete_record(evict->gather, record);
        }
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    } while (evict->place.node != NULL);
    return SHEAF_OK;
}

// ---- The operation

static enum sheaf_error slot_error(const struct slot *slot) {
    if (slot->type != SHEAF_FRAME) {
        return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_WRONG_TYPE;
    }
    return SHEAF_ERR_DEAD;
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
    const struct slot *slot = evict->first + *evict->done + (has_place(evict->thread) ? 1 : 0);
    for (const struct slot *end = evict->first + evict->count; slot < end; slot++) {
        if (unlikely(slot->living_type != SHEAF_FRAME)) {
            return slot_error(slot);
        }
    }
    return SHEAF_OK;
}

enum sheaf_error evict_operation(struct thread *thread, struct gather *gather,
                                 const struct operation *operation, uint64_t *done, bool *begun,
                                 uint8_t *report) {
    struct evict evict; // not cleared: most of it is the list
    evict.thread = thread;
    evict.gather = gather;
    evict.done = done;
    evict.report = report;
    evict.most = EVICT_LIST;
    enum sheaf_error error = find_slots(&evict, operation);
    if (error != SHEAF_OK) {
        evict_abandon(thread);
        return error;
    }
    for (uint64_t i = 0; report != NULL && !*begun && i < SHEAF_REPORT_BYTES(evict.count); i++) {
        report[i] = 0;
    }
    *begun = true;
    uint64_t leaves = gather_totals(gather)->leaves;
    error = *done != evict.count ? walk(&evict) : SHEAF_OK;
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
