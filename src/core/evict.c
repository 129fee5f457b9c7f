// SPDX-License-Identifier: BSD-2-Clause
// EVICT: the walk, and its place in the tree (evict.h tells why it is there).
#include "evict.h"

// What is done under the tree lock without a look at pending interrupts: so many capabilities are
// listed, or so many were passed that were derived from others.
#define EVICT_LIST 64u
#define EVICT_LEAST 8u
#define EVICT_PASSED 128u

struct evict {
    struct thread *thread;
    struct gather *gather;
    struct slot *first; // of the named capabilities
    uint64_t count;
    uint64_t *done;    // how many are through
    struct slot *node; // to be visited next; NULL: all are through
    bool fenced;       // the walk of the one in turn ends at the fence
    uint8_t *report;   // NULL: not asked for
    // Capabilities that were mapped, in the order of the walk. `number` is that of the named
    // capability that each is, or was derived from.
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
    if (evict->node == NULL || (!evict->fenced && evict->node == in_turn(evict))) {
        return;
    }
    if (!evict->fenced) {
        walk->fence = (struct slot){.type = SLOT_WALK, .object = evict->thread};
        tree_insert_child(in_turn(evict), &walk->fence);
    }
    walk->cursor = (struct slot){.type = SLOT_WALK, .object = evict->thread};
    tree_insert_before(evict->node, &walk->cursor);
}

static void find_place(struct evict *evict) {
    struct evict_walk *walk = &evict->thread->walk;
    evict->fenced = has_place(evict->thread);
    evict->node = *evict->done < evict->count ? in_turn(evict) : NULL;
    if (evict->fenced) {
        evict->node = tree_next(&tree_anchor, &walk->cursor);
        tree_remove(&walk->cursor);
        walk->cursor.type = SHEAF_NULL;
    }
}

// Everything before `node`, of the capability `number`, is through.
static void go_to(struct evict *evict, struct slot *node, uint64_t number) {
    struct slot *fence = &evict->thread->walk.fence;
    if (evict->fenced && number != *evict->done) {
        tree_remove(fence);
        fence->type = SHEAF_NULL;
        evict->fenced = false;
    }
    *evict->done = number;
    evict->node = node;
}

// ---- The walk

static inline bool is_mapped(const struct slot *node) {
    return node->type == SHEAF_FRAME && node->frame.record.v != 0;
}

// The node after `node` among those derived from `named`, or in front of the fence. NULL: there is
// none.
static struct slot *next_below(const struct slot *named, const struct slot *fence,
                               struct slot *node) {
    if (fence == NULL) {
        return tree_next(named, node);
    }
    struct slot *next = node != fence ? tree_next(&tree_anchor, node) : NULL;
    return next != fence ? next : NULL;
}

// Lists what comes next, changing nothing. The node after that and its number go to *next, *number.
static void collect(struct evict *evict, struct slot **next, uint64_t *number) {
    const struct slot *fence = evict->fenced ? &evict->thread->walk.fence : NULL;
    struct slot *node = evict->node, *named = evict->first + *evict->done;
    const struct slot *end = evict->first + evict->count;
    struct gather_record *of = evict->record;
    unsigned passed = 0;
    while (node != NULL && passed < EVICT_PASSED && of != evict->record + evict->most) {
        if (is_mapped(node)) {
            of->frame = &node->frame;
            of->size_bits = node->size_bits;
            of->through = false;
            of->seen = 0;
            of->number = (uint16_t)(named - evict->first);
            of++;
        }
        if (unlikely(node != named || fence != NULL || node->first_child != NULL)) {
            node = next_below(named, fence, node);
            passed++;
            if (node != NULL) {
                continue;
            }
            fence = NULL;
        }
        node = ++named != end ? named : NULL;
    }
    evict->listed = (unsigned)(of - evict->record);
    *next = node;
    *number = (uint64_t)(named - evict->first);
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
    struct slot *next;
    uint64_t number;
    lock_acquire(&tree_lock);
    find_place(evict);
    collect(evict, &next, &number);
    unsigned through = gather_clear_records(evict->gather, evict->record, evict->listed, &step);
    if (evict->report != NULL) {
        add_to_report(evict);
    }
    // What was too much for one step is listed again.
    evict->most = MIN(MAX(2 * through, EVICT_LEAST), EVICT_LIST);
    if (through != evict->listed) {
        const struct gather_record *first = &evict->record[through];
        next = container_of(first->frame, struct slot, frame);
        number = first->number;
        *record = next->frame.record;
    }
    go_to(evict, next, number);
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
    } while (evict->node != NULL);
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
