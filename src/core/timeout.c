// SPDX-License-Identifier: BSD-2-Clause
// The queue of deadlines: a leftist heap (timeout.h says why).
//
// rank: 1 + the rank of the right child, which is never more than the left one's. So the right
// spine of a heap of n has at most log2(n + 1) nodes, and everything is done along right spines.
#include "timeout.h"

#include "ipc.h"
#include "thread.h"

static uint32_t rank_of(const struct timeout *heap) { return heap != NULL ? heap->rank : 0; }

// Children in order and the rank. False when the rank is what it was.
static bool settle(struct timeout *node) {
    uint32_t before = node->rank;
    if (rank_of(node->left) < rank_of(node->right)) {
        struct timeout *left = node->left;
        node->left = node->right;
        node->right = left;
    }
    node->rank = rank_of(node->right) + 1;
    return node->rank != before;
}

static void set_right(struct timeout *node, struct timeout *child) {
    node->right = child;
    if (child != NULL) {
        child->parent = node;
    }
}

// Merges the right spines downwards, then settles them upwards. The root has no parent.
static struct timeout *merge(struct timeout *a, struct timeout *b) {
    struct timeout *root = NULL, *last = NULL;
    while (a != NULL && b != NULL) {
        struct timeout *first = b->deadline < a->deadline ? b : a;
        struct timeout *other = first == a ? b : a;
        first->parent = NULL;
        if (last != NULL) {
            set_right(last, first);
        } else {
            root = first;
        }
        last = first;
        a = first->right;
        b = other;
    }
    struct timeout *rest = a != NULL ? a : b;
    if (last == NULL) {
        if (rest != NULL) {
            rest->parent = NULL;
        }
        return rest;
    }
    set_right(last, rest);
    for (struct timeout *node = last; node != NULL; node = node->parent) {
        settle(node);
    }
    return root;
}

void timeout_remove(struct sched *sched, struct timeout *timeout) {
    ASSERT(lock_held(&sched->lock) && timeout->deadline != 0);
    struct timeout *parent = timeout->parent;
    struct timeout *children = merge(timeout->left, timeout->right);
    if (parent == NULL) {
        sched->timeouts = children;
    } else {
        if (children != NULL) {
            children->parent = parent;
        }
        *(parent->left == timeout ? &parent->left : &parent->right) = children;
        while (parent != NULL && settle(parent)) {
            parent = parent->parent;
        }
    }
    timeout->deadline = 0;
}

void timeout_start(struct pe *pe, struct timeout *timeout, uint64_t deadline) {
    struct sched *sched = pe->sched;
    ASSERT(timeout->deadline == 0 && deadline != 0);
    timeout->deadline = deadline;
    timeout->left = NULL;
    timeout->right = NULL;
    timeout->parent = NULL;
    timeout->rank = 1;
    timeout->pe = (uint8_t)pe->id;
    lock_acquire(&sched->lock);
    sched->timeouts = merge(sched->timeouts, timeout);
    timeout_alarm(sched);
    lock_release(&sched->lock);
}

void timeout_cancel(struct timeout *timeout) {
    if (timeout->deadline != 0) {
        struct sched *sched = &sched_of_pe[timeout->pe];
        lock_acquire(&sched->lock);
        timeout_remove(sched, timeout);
        lock_release(&sched->lock);
    }
}

void timeout_alarm(struct sched *sched) {
    uint64_t next = sched->slice_end != 0 ? sched->slice_end : NO_ALARM;
    if (sched->timeouts != NULL) {
        next = MIN(next, sched->timeouts->deadline);
    }
    if (next != sched->alarm) {
        sched->alarm = next;
        if (next != NO_ALARM) {
            arch_timer_set(next);
        } else {
            arch_timer_stop();
        }
    }
}

static void expire(struct pe *pe, struct timeout *timeout) {
    if (timeout->kind == TIMEOUT_THREAD) {
        thread_time_out(pe, container_of(timeout, struct thread, timeout));
        return;
    }
    notification_signal_slot(pe, &container_of(timeout, struct timer, timeout)->notification);
}

void timeouts_expire(struct pe *pe, uint64_t now) {
    struct sched *sched = pe->sched;
    for (unsigned i = 0; i < EXPIRE_SLICE; i++) {
        lock_acquire(&sched->lock);
        struct timeout *first = sched->timeouts;
        bool over = first != NULL && first->deadline <= now;
        if (over) {
            timeout_remove(sched, first);
        }
        lock_release(&sched->lock);
        if (!over) {
            return;
        }
        expire(pe, first);
    }
}
