// SPDX-License-Identifier: BSD-2-Clause
// What must hold between any two system calls, whatever was called.
#include "invariants.h"
#include "console.h"
#include "sched.h"
#include <stdlib.h>
#include <string.h>

#define PARENT_FLAG ((uintptr_t)1)
#define MAX_SLOTS 60000u

static struct slot *all[MAX_SLOTS]; // in tree order
static unsigned count;

static struct slot *slot_in(uintptr_t link) { return (struct slot *)(link & ~PARENT_FLAG); }

// ---- The tree: every list of children is linked both ways and ends at its parent

static void check_children(struct slot *parent) {
    uintptr_t back = (uintptr_t)parent | PARENT_FLAG;
    struct slot *child = parent->first_child;
    if (child == NULL)
        assert_null(parent->last_child);
    while (child != NULL) {
        assert_int_equal(child->previous, back);
        back = (uintptr_t)child;
        if ((child->next & PARENT_FLAG) != 0) {
            assert_ptr_equal(slot_in(child->next), parent);
            assert_ptr_equal(parent->last_child, child);
            return;
        }
        child = slot_in(child->next);
    }
}

static void collect_slots(void) {
    count = 0;
    lock_acquire(&tree_lock);
    check_children(&tree_anchor);
    for (struct slot *slot = tree_next(&tree_anchor, &tree_anchor); slot != NULL;
         slot = tree_next(&tree_anchor, slot)) {
        assert_true(count < MAX_SLOTS);
        assert_int_not_equal(slot->type, SHEAF_NULL);
        assert_int_equal(slot->dying_pe, 0); // no slice is going on
        check_children(slot);
        all[count++] = slot;
    }
    lock_release(&tree_lock);
}

static int by_address(const void *a, const void *b) {
    const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
    return (x > y) - (x < y);
}

static bool in_tree(const struct slot *slot) {
    return bsearch(&slot, all, count, sizeof(all[0]), by_address) != NULL;
}

// ---- Slots: whatever is not empty is in the tree, and says where it lies

static void check_in_object(struct slot *slot) {
    assert_true(slot->type == SHEAF_NULL || in_tree(slot));
}

static void check_containers(void) {
    check_in_object(&console_listener);
    for (unsigned i = 0; i < count; i++) {
        if (all[i]->type == SHEAF_CNODE) {
            struct cnode *cnode = all[i]->object;
            assert_int_equal(cnode->head.flags, all[i]->size_bits);
            for (uint64_t j = 1; j < BIT(all[i]->size_bits); j++) {
                struct slot *slot = cnode_slot(cnode, j);
                if (slot->type == SHEAF_NULL)
                    continue;
                assert_true(in_tree(slot));
                assert_ptr_equal(slot->home, cnode);
            }
        } else if (all[i]->type == SHEAF_THREAD) {
            struct thread *thread = all[i]->object;
            for (unsigned j = 0; j < THREAD_SLOTS; j++)
                check_in_object(&thread->slot[j]);
        } else if (all[i]->type == SHEAF_TIMER) {
            check_in_object(&((struct timer *)all[i]->object)->notification);
        } else if (all[i]->type == SHEAF_IRQ_HANDLER) {
            check_in_object(&((struct irq_handler *)all[i]->object)->notification);
        }
    }
}

// ---- References: as many capabilities as the object counts

static int by_object(const void *a, const void *b) {
    const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
    return (x->object > y->object) - (x->object < y->object);
}

static void check_references(void) {
    static struct slot *sorted[MAX_SLOTS];
    unsigned named = 0;
    for (unsigned i = 0; i < count; i++)
        if (all[i]->type < SHEAF_TYPE_COUNT && slot_head(all[i]) != NULL)
            sorted[named++] = all[i];
    qsort(sorted, named, sizeof(sorted[0]), by_object);
    for (unsigned i = 0, j; i < named; i = j) {
        for (j = i; j < named && sorted[j]->object == sorted[i]->object; j++)
            assert_int_equal(sorted[j]->type, sorted[i]->type);
        assert_int_equal(slot_head(sorted[i])->references, j - i);
    }
}

// ---- Memory: what an Untyped's children stand for lies below its watermark, without overlap

struct extent {
    uint64_t start, end;
    const void *what; // equal: the same object, named twice
};

static bool extent_of(const struct slot *slot, struct extent *extent) {
    uint64_t bytes = BIT(slot->size_bits);
    switch (slot->type) {
    case SHEAF_FRAME:
        extent->start = slot->frame.address.v;
        break;
    case SHEAF_UNTYPED:
        extent->start = untyped_address(slot).v;
        break;
    case SHEAF_CNODE:
        extent->start = port_physical_address(slot->object).v;
        bytes <<= SHEAF_SLOT_BITS;
        break;
    case SHEAF_VSPACE:
        extent->start = ALIGN_DOWN(port_physical_address(slot->object).v, CHUNK_BYTES);
        bytes = CHUNK_BYTES;
        break;
    case SHEAF_THREAD:
    case SHEAF_ENDPOINT:
    case SHEAF_NOTIFICATION:
    case SHEAF_REPLY:
    case SHEAF_TIMER:
    case SHEAF_IRQ_HANDLER:
    case SLOT_CHUNK:
        extent->start = port_physical_address(slot->object).v;
        break;
    default:
        return false;
    }
    extent->end = extent->start + bytes;
    extent->what = slot->type == SHEAF_UNTYPED ? NULL : slot->object; // a Frame: its address
    return true;
}

static int by_start(const void *a, const void *b) {
    const struct extent *x = a, *y = b;
    if (x->start != y->start)
        return x->start > y->start ? 1 : -1;
    if (x->end != y->end)
        return x->end < y->end ? 1 : -1; // what is around comes first
    return (x->what > y->what) - (x->what < y->what);
}

// Two pieces of memory in the tree are apart, are the same, or one is an Untyped around the other.
static void check_overlap(void) {
    static struct extent extents[MAX_SLOTS];
    struct extent open[64];
    unsigned used = 0, depth = 0;
    for (unsigned i = 0; i < count; i++)
        used += extent_of(all[i], &extents[used]) ? 1u : 0u;
    qsort(extents, used, sizeof(extents[0]), by_start);
    for (unsigned i = 0; i < used; i++) {
        while (depth > 0 && open[depth - 1].end <= extents[i].start)
            depth--;
        if (depth > 0) {
            const struct extent *around = &open[depth - 1];
            assert_true(extents[i].end <= around->end);
            // An object is never around anything but itself.
            assert_true(around->what == NULL || around->what == extents[i].what);
            if (around->what != NULL)
                continue;
        }
        assert_true(depth < ARRAY_SIZE(open));
        open[depth++] = extents[i];
    }
}

static void check_untyped(const struct slot *untyped) {
    uint64_t start = untyped_address(untyped).v, used = start + untyped_watermark(untyped);
    assert_true(untyped_watermark(untyped) <= BIT(untyped->size_bits));
    for (const struct slot *child = untyped->first_child; child != NULL;
         child = (child->next & PARENT_FLAG) != 0 ? NULL : slot_in(child->next)) {
        struct extent extent;
        if (extent_of(child, &extent)) {
            assert_true(extent.start >= start);
            assert_true(extent.end <= used);
        }
    }
}

// ---- Queues: a thread is where its state says, once

static unsigned queue_length(const struct thread_queue *queue, const struct thread *wanted,
                             bool sorted) {
    const struct thread *before = NULL;
    unsigned found = 0;
    for (const struct thread *thread = queue->first; thread != NULL; thread = thread->next) {
        assert_ptr_equal(thread->previous, before);
        if (before != NULL && sorted)
            assert_true(before->priority >= thread->priority);
        const struct thread *lower = thread->next;
        while (lower != NULL && lower->priority == thread->priority)
            lower = lower->next;
        bool leads = before == NULL || before->priority != thread->priority;
        assert_ptr_equal(thread->lower, leads ? lower : NULL);
        found += thread == wanted ? 1u : 0u;
        before = thread;
    }
    assert_ptr_equal(queue->last, before);
    return found;
}

static void check_thread(const struct thread *thread) {
    const struct sched *sched = &sched_of_pe[0];
    bool current = running() == thread;
    unsigned queued = queue_length(&sched->queue[thread->priority], thread, false);
    assert_int_equal(queued, thread->queued ? 1 : 0);
    switch (thread->state) {
    case SHEAF_STATE_READY:
        assert_int_equal(queued + (current ? 1 : 0), 1);
        assert_null(thread->waiting_on);
        break;
    case SHEAF_STATE_SENDING:
    case SHEAF_STATE_RECEIVING: {
        const struct endpoint *endpoint = thread->waiting_on;
        assert_int_equal(endpoint->head.flags, thread->state == SHEAF_STATE_SENDING
                                                   ? ENDPOINT_SENDERS
                                                   : ENDPOINT_RECEIVERS);
        assert_int_equal(queue_length(&endpoint->queue, thread, true), 1);
        if (endpoint->cancel_next != NULL)
            assert_int_equal(queue_length(&endpoint->queue, endpoint->cancel_next, true), 1);
        if (thread->state == SHEAF_STATE_RECEIVING && thread->reply != NULL)
            assert_ptr_equal(thread->reply->receiver, thread);
        if (thread->state == SHEAF_STATE_RECEIVING && thread->reply != NULL)
            assert_ptr_equal(thread->reply->server, thread);
        break;
    }
    case SHEAF_STATE_WAITING_REPLY:
        assert_ptr_equal(thread->reply->caller, thread);
        break;
    case SHEAF_STATE_WAITING_NOTIFICATION:
        assert_int_equal(
            queue_length(&((struct notification *)thread->waiting_on)->queue, thread, true), 1);
        break;
    default:
        assert_null(thread->waiting_on);
        break;
    }
    if (thread->state != SHEAF_STATE_READY)
        assert_false(thread->queued);
    if (thread->faulting)
        assert_true(thread->state == SHEAF_STATE_SENDING ||
                    thread->state == SHEAF_STATE_WAITING_REPLY);
    if (thread->bound != NULL)
        assert_ptr_equal(thread->bound->bound, thread);
    const struct reply *previous = NULL;
    for (const struct reply *reply = thread->served; reply != NULL; reply = reply->next) {
        assert_ptr_equal(reply->server, thread);
        assert_ptr_equal(reply->previous, previous);
        previous = reply;
    }
}

static void check_sched(void) {
    const struct sched *sched = &sched_of_pe[0];
    unsigned top = 0;
    assert_null(sched->candidate);
    for (unsigned i = 0; i < SHEAF_PRIORITIES; i++) {
        bool any = sched->queue[i].first != NULL;
        assert_int_equal(any, (sched->ready[i / 64] >> (i % 64)) & 1);
        top = any ? i + 1 : top;
    }
    assert_int_equal(sched->top, top);
    if (running() != NULL) {
        assert_int_equal(running()->state, SHEAF_STATE_READY);
        assert_true(top <= running()->priority + 1u);
        assert_ptr_equal(fake.pe[0].context, &running()->context);
    }
}

// ---- All of it

void check_invariants(void) {
    assert_false(vmsa_holds_locks(0));
    collect_slots();
    for (unsigned i = 0; i < count; i++)
        if (all[i]->type == SHEAF_UNTYPED)
            check_untyped(all[i]);
    check_overlap();
    check_leaves(all, count);
    check_waits(all, count);
    check_timeouts(all, count);
    check_interrupts(all, count);
    check_references();
    qsort(all, count, sizeof(all[0]), by_address);
    check_containers();
    check_sched();
    for (unsigned i = 0; i < count; i++)
        if (all[i]->type == SHEAF_THREAD)
            check_thread(all[i]->object);
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash ^= value;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t fingerprint(void) {
    uint64_t hash = 1;
    collect_slots();
    for (unsigned i = 0; i < count; i++) {
        const struct slot *slot = all[i];
        hash = mix(hash, slot->type | (uint64_t)slot->rights << 8 |
                             (uint64_t)slot->size_bits << 16 | (uint64_t)slot->flags << 24);
        hash = mix(hash, (uint64_t)((uintptr_t)slot));
        if (slot->type == SHEAF_UNTYPED) // an empty one begins again by itself
            hash = mix(hash, slot->first_child != NULL ? untyped_watermark(slot) : 0);
        else if (slot->type == SHEAF_THREAD)
            hash = mix(hash, ((const struct thread *)slot->object)->state);
        else if (slot->type == SHEAF_ENDPOINT || slot->type == SHEAF_NOTIFICATION)
            hash = mix(hash, slot->badge);
    }
    return hash;
}
