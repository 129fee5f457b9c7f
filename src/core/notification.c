// SPDX-License-Identifier: BSD-2-Clause
// Notifications: bits that stay until somebody takes them.
//
// The word is set and taken by atomic operations: signals that arrive while a thread is being
// served are kept for the next. A signal by a capability without badge sets bit 0. Signals that a
// bound thread receives on an Endpoint come with the label SHEAF_LABEL_SIGNAL, which no sender can
// forge, badge 0 and the bits in word 0.
#include "console.h"
#include "death.h"
#include "ipc.h"

static uint64_t take_bits(struct notification *notification) {
    return __atomic_exchange_n(&notification->bits, 0, __ATOMIC_ACQ_REL);
}

static void hand_over(struct thread *thread, uint64_t label, uint64_t bits) {
    thread->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    thread->context.reg[SHEAF_REG_TAG] = SHEAF_TAG(label, 1);
    thread->context.reg[SHEAF_REG_WORD0] = bits;
    thread->context.reg[SHEAF_REG_BADGE] = 0;
}

// Serves the first thread that waits on the Notification itself. lock held.
static struct thread *serve_waiter(struct notification *notification) {
    struct thread *thread = notification->queue.first;
    if (thread != NULL) {
        uint64_t bits = take_bits(notification);
        queue_remove(&notification->queue, thread);
        thread->waiting_on = NULL;
        hand_over(thread, 0, bits);
    }
    return thread;
}

// Serves the bound thread if it waits on an Endpoint.
static struct thread *serve_bound(struct notification *notification) {
    struct thread *thread = notification->bound;
    if (thread == NULL || thread->state != SHEAF_STATE_RECEIVING) {
        return NULL;
    }
    endpoint_forget(thread);
    hand_over(thread, SHEAF_LABEL_SIGNAL, take_bits(notification));
    return thread;
}

void notification_signal(struct pe *pe, struct notification *notification, uint64_t badge) {
    __atomic_fetch_or(&notification->bits, badge != 0 ? badge : 1, __ATOMIC_ACQ_REL);
    if (notification->queue.first != NULL || notification->bound != NULL) {
        notification_serve(pe, notification);
    }
}

void notification_serve(struct pe *pe, struct notification *notification) {
    struct thread *thread = NULL;
    lock_acquire(&notification->lock);
    bool any = notification->bits != 0;
    if (any) {
        thread = serve_waiter(notification);
    }
    lock_release(&notification->lock);
    if (any && thread == NULL) {
        thread = serve_bound(notification);
    }
    if (thread != NULL) {
        sched_wake(pe, thread);
    }
}

bool notification_take_bound(struct thread *thread) {
    uint64_t bits = take_bits(thread->bound);
    if (bits != 0) {
        hand_over(thread, SHEAF_LABEL_SIGNAL, bits);
    }
    return bits != 0;
}

enum sheaf_error notification_receive(struct pe *pe, struct thread *thread,
                                      struct notification *notification, bool block) {
    (void)pe;
    enum sheaf_error error = ANSWERED;
    lock_acquire(&notification->lock);
    uint64_t bits = take_bits(notification);
    if (bits != 0) {
        hand_over(thread, 0, bits);
    } else if (block) {
        thread->state = SHEAF_STATE_WAITING_NOTIFICATION;
        thread->waiting_on = notification;
        queue_insert(&notification->queue, thread);
    } else {
        error = SHEAF_ERR_WOULD_BLOCK;
    }
    lock_release(&notification->lock);
    return error;
}

void notification_forget(struct thread *thread) {
    struct notification *notification = thread->waiting_on;
    lock_acquire(&notification->lock);
    queue_remove(&notification->queue, thread);
    thread->waiting_on = NULL;
    lock_release(&notification->lock);
}

void notification_requeue(struct thread *thread, unsigned priority) {
    struct notification *notification = thread->waiting_on;
    lock_acquire(&notification->lock);
    queue_remove(&notification->queue, thread);
    thread->priority = (uint8_t)priority;
    queue_insert(&notification->queue, thread);
    lock_release(&notification->lock);
}

enum sheaf_error notification_bind(struct thread *thread, struct notification *notification) {
    enum sheaf_error error = SHEAF_ERR_IN_USE;
    lock_acquire(&notification->lock);
    if (notification->bound == NULL && thread->bound == NULL) {
        notification->bound = thread;
        thread->bound = notification;
        error = SHEAF_OK;
    }
    lock_release(&notification->lock);
    return error;
}

void notification_unbind(struct thread *thread) {
    struct notification *notification = thread->bound;
    if (notification != NULL) {
        lock_acquire(&notification->lock);
        notification->bound = NULL;
        thread->bound = NULL;
        lock_release(&notification->lock);
    }
}

bool notification_end(struct pe *pe, struct notification *notification) {
    ASSERT(lock_held(&tree_lock));
    lock_acquire(&notification->lock);
    struct thread *thread = notification->queue.first;
    if (thread != NULL) {
        queue_remove(&notification->queue, thread);
        thread->waiting_on = NULL;
    }
    bool done = notification->queue.first == NULL;
    if (done && notification->bound != NULL) {
        notification->bound->bound = NULL;
        notification->bound = NULL;
    }
    lock_release(&notification->lock);
    if (done) {
        console_forget(notification);
    }
    if (thread != NULL) {
        wait_fail(pe, thread, SHEAF_ERR_CANCELLED);
    }
    return done;
}
