// SPDX-License-Identifier: BSD-2-Clause
// Invariants of what comes from outside: deadlines and interrupts.
#include "invariants.h"
#include "sched.h"
#include "timeout.h"

// ---- Deadlines: a leftist heap of those, and only those, that are to come

static unsigned heap_count;

static uint32_t check_heap(const struct timeout *node) {
    if (node == NULL)
        return 0;
    const struct timeout *children[] = {node->left, node->right};
    for (unsigned i = 0; i < 2; i++) {
        if (children[i] != NULL) {
            assert_ptr_equal(children[i]->parent, node);
            assert_true(children[i]->deadline >= node->deadline);
        }
    }
    uint32_t left = check_heap(node->left), right = check_heap(node->right);
    assert_true(left >= right);
    assert_int_equal(node->rank, right + 1);
    heap_count++;
    return node->rank;
}

static const struct timeout *timeout_of(const struct slot *slot) {
    if (slot->type == SHEAF_THREAD)
        return &((const struct thread *)slot->object)->timeout;
    return slot->type == SHEAF_TIMER ? &((const struct timer *)slot->object)->timeout : NULL;
}

static bool waits(const struct thread *thread) {
    return thread->state >= SHEAF_STATE_SENDING &&
           thread->state <= SHEAF_STATE_WAITING_NOTIFICATION;
}

static void check_in_heap(const struct timeout *timeout) {
    while (timeout->parent != NULL)
        timeout = timeout->parent;
    assert_ptr_equal(timeout, sched_of_pe[0].timeouts);
}

static bool is_named_before(struct slot *const *slots, unsigned i) {
    for (unsigned j = 0; j < i; j++)
        if (slots[j]->type == slots[i]->type && slots[j]->object == slots[i]->object)
            return true;
    return false;
}

void check_timeouts(struct slot *const *slots, unsigned count) {
    const struct sched *sched = &sched_of_pe[0];
    unsigned expected = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct timeout *timeout = timeout_of(slots[i]);
        if (timeout == NULL || timeout->deadline == 0 || is_named_before(slots, i))
            continue;
        expected++;
        check_in_heap(timeout);
        if (slots[i]->type == SHEAF_THREAD)
            assert_true(waits(slots[i]->object));
    }
    heap_count = 0;
    check_heap(sched->timeouts);
    assert_int_equal(heap_count, expected);
    // The alarm may come too early, when what it was set for is cancelled; never too late.
    if (sched->timeouts != NULL)
        assert_true(sched->alarm <= sched->timeouts->deadline);
    assert_int_equal(fake.timer_set, sched->alarm != NO_ALARM);
    assert_true(sched->alarm == NO_ALARM || fake.deadline == sched->alarm);
}

// ---- Interrupts: each has one handler at most, and none comes that nobody handles

void check_interrupts(struct slot *const *slots, unsigned count) {
    uint64_t handled = 0;
    for (unsigned i = 0; i < count; i++) {
        if (slots[i]->type != SHEAF_IRQ_HANDLER || is_named_before(slots, i))
            continue;
        uint32_t interrupt = ((const struct irq_handler *)slots[i]->object)->head.flags;
        assert_true(interrupt == 0 || (handled & BIT(interrupt)) == 0);
        handled |= interrupt != 0 ? BIT(interrupt) : 0;
    }
    assert_true((fake.unmasked & ~handled) == 0);
}
