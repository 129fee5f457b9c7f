// SPDX-License-Identifier: BSD-2-Clause
// Notifications: bits that stay until somebody takes them.
//
// The word changes under the Notification's lock, as its queue does: so a signal either finds who
// waits, or is found by who is about to wait. Signals that arrive while a thread is being served
// are kept for the next. A signal by a capability without badge sets bit 0. Signals that a bound
// thread receives on an Endpoint come with the label SHEAF_LABEL_SIGNAL, which no sender can forge,
// badge 0 and the bits in word 0.
#include "console.h"
#include "death.h"
#include "ipc.h"

static uint64_t take_bits(struct notification *notification) {
    ASSERT(lock_held(&notification->lock));
    uint64_t bits = notification->bits;
    notification->bits = 0;
    return bits;
}

// Who takes the bits now: the first that waits on the Notification itself, taken out of its queue,
// or the bound thread if it waits on an Endpoint. lock held.
static struct thread *receiver_of(struct notification *notification) {
    struct thread *thread = notification->queue.first;
    if (thread != NULL) {
        queue_remove(&notification->queue, thread);
        thread->waiting_on = NULL;
        return thread;
    }
    thread = notification->bound;
    return thread != NULL && thread->state == SHEAF_STATE_RECEIVING ? thread : NULL;
}

void notification_signal(struct pe *pe, struct notification *notification, uint64_t badge) {
    lock_acquire(&notification->lock);
    notification->bits |= notification_bits(badge);
    lock_release(&notification->lock);
    notification_serve(pe, notification);
}

void notification_signal_slot(struct pe *pe, const struct slot *slot) {
    if (slot->living_type == SHEAF_NOTIFICATION) {
        notification_signal(pe, slot->object, slot->badge);
    }
}

void notification_serve(struct pe *pe, struct notification *notification) {
    lock_acquire(&notification->lock);
    struct thread *thread = notification->bits != 0 ? receiver_of(notification) : NULL;
    uint64_t bits = thread != NULL ? take_bits(notification) : 0;
    lock_release(&notification->lock);
    if (thread == NULL) {
        return;
    }
    uint64_t label = 0;
    if (thread->state == SHEAF_STATE_RECEIVING) {
        endpoint_forget(thread);
        label = SHEAF_LABEL_SIGNAL;
    }
    notification_hand_over(thread, label, bits);
    sched_wake(pe, thread);
}

bool notification_take_bound(struct thread *thread) {
    struct notification *notification = thread->bound;
    lock_acquire(&notification->lock);
    uint64_t bits = take_bits(notification);
    lock_release(&notification->lock);
    if (bits != 0) {
        notification_hand_over(thread, SHEAF_LABEL_SIGNAL, bits);
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
        notification_hand_over(thread, 0, bits);
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
    if (thread != NULL) {
        wait_fail(pe, thread, SHEAF_ERR_CANCELLED);
    }
    return done;
}
