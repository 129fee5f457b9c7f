// SPDX-License-Identifier: BSD-2-Clause
// Endpoints: senders and receivers meet.
//
// An Endpoint's queue holds senders or receivers, never both. A sender that finds a receiver
// delivers at once; a receiver that finds senders takes the first whose message can pass.
#include "death.h"
#include "fault.h"

// Senders that CANCEL looks at between two looks at pending interrupts, and ends the waits of.
#define CANCEL_LOOKED 128
#define CANCEL_SLICE 8

static void enter(struct endpoint *endpoint, struct thread *thread, enum endpoint_kind kind) {
    ASSERT(lock_held(&endpoint->lock));
    thread->state = kind == ENDPOINT_SENDERS ? SHEAF_STATE_SENDING : SHEAF_STATE_RECEIVING;
    thread->waiting_on = endpoint;
    endpoint->head.flags = kind;
    queue_insert(&endpoint->queue, thread);
}

static void take_out(struct endpoint *endpoint, struct thread *thread) {
    ASSERT(lock_held(&endpoint->lock));
    if (endpoint->cancel_next == thread) {
        endpoint->cancel_next = thread->next;
    }
    queue_remove(&endpoint->queue, thread);
    thread->waiting_on = NULL;
    if (endpoint->queue.first == NULL) {
        endpoint->head.flags = ENDPOINT_IDLE;
    }
}

// A receiver is being served: its Reply waits for a caller no longer.
static struct reply *reply_detach(struct thread *receiver) {
    struct reply *reply = receiver->reply;
    receiver->reply = NULL;
    if (reply != NULL) {
        reply->receiver = NULL;
    }
    return reply;
}

// Whether the message of `sender` can pass to `receiver`; else what to tell the sender.
static enum sheaf_error passes(const struct thread *sender, bool call,
                               const struct thread *receiver, const struct reply *reply) {
    if (call && reply == NULL) {
        return SHEAF_ERR_NO_REPLY;
    }
    if (!sender->faulting &&
        SHEAF_TAG_LENGTH(sender->context.reg[SHEAF_REG_TAG]) > SHEAF_REG_WORDS &&
        (thread_buffer(sender) == NULL || thread_buffer(receiver) == NULL)) {
        return SHEAF_ERR_NO_BUFFER;
    }
    return SHEAF_OK;
}

static void deliver(const struct thread *sender, struct thread *receiver, uint64_t badge) {
    if (sender->faulting) {
        fault_message(sender, receiver);
    } else {
        message_copy(sender, receiver, sender->context.reg[SHEAF_REG_TAG]);
    }
    receiver->context.reg[SHEAF_REG_BADGE] = badge;
}

// A queued sender can be refused when it comes to that; it is told at once what is wrong already.
static enum sheaf_error send(struct pe *pe, struct thread *thread, const struct slot *slot,
                             struct wait wait, struct transfer *transfer) {
    struct endpoint *endpoint = slot->object;
    uint64_t badge = slot->badge;
    lock_acquire(&endpoint->lock);
    if (endpoint->head.flags != ENDPOINT_RECEIVERS) {
        if (wait.block) {
            thread->badge = badge;
            thread->calling = wait.call;
            enter(endpoint, thread, ENDPOINT_SENDERS);
        }
        lock_release(&endpoint->lock);
        return wait.block ? ANSWERED : SHEAF_ERR_WOULD_BLOCK;
    }
    struct thread *receiver = endpoint->queue.first;
    enum sheaf_error error = passes(thread, wait.call, receiver, receiver->reply);
    if (error == SHEAF_OK && transfer != NULL) {
        error = transfer_places(receiver, transfer);
    }
    if (error != SHEAF_OK) {
        lock_release(&endpoint->lock);
        return error;
    }
    take_out(endpoint, receiver);
    struct reply *reply = reply_detach(receiver);
    lock_release(&endpoint->lock);

    deliver(thread, receiver, badge);
    if (transfer != NULL) {
        transfer_run(transfer);
    }
    if (wait.call) {
        reply_hold(reply, thread);
    }
    sched_wake(pe, receiver);
    return wait.call ? ANSWERED : SHEAF_OK;
}

enum sheaf_error endpoint_send(struct pe *pe, struct thread *thread, const struct slot *slot,
                               struct wait wait) {
    if (likely(!message_carries(thread))) {
        return send(pe, thread, slot, wait, NULL);
    }
    struct transfer transfer;
    lock_acquire(&tree_lock);
    enum sheaf_error error = transfer_sources(thread, slot, &transfer);
    if (error == SHEAF_OK) {
        error = send(pe, thread, slot, wait, &transfer);
    }
    lock_release(&tree_lock);
    return error;
}

// The first sender, taken out of the queue; NULL if there is none, and then `thread` waits.
static struct thread *next_sender(struct endpoint *endpoint, struct thread *thread,
                                  struct reply *reply, bool block) {
    struct thread *sender = NULL;
    lock_acquire(&endpoint->lock);
    if (endpoint->head.flags == ENDPOINT_SENDERS) {
        sender = endpoint->queue.first;
        take_out(endpoint, sender);
    } else if (block) {
        thread->reply = reply;
        if (reply != NULL) {
            reply->receiver = thread;
        }
        enter(endpoint, thread, ENDPOINT_RECEIVERS);
    }
    lock_release(&endpoint->lock);
    return sender;
}

// Takes the message of a sender that is in no queue any more.
static enum sheaf_error take(struct pe *pe, struct thread *thread, struct reply *reply,
                             struct thread *sender, struct transfer *transfer) {
    enum sheaf_error error = passes(sender, sender->calling, thread, reply);
    if (transfer != NULL && error == SHEAF_OK) {
        error = transfer_sources(sender, NULL, transfer);
        if (error == SHEAF_OK) {
            error = transfer_places(thread, transfer);
        }
    }
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    deliver(sender, thread, sender->badge);
    if (transfer != NULL) {
        transfer_run(transfer);
    }
    if (sender->calling) {
        reply_hold(reply, sender);
    } else {
        thread_answer(sender, SHEAF_OK);
        sched_wake(pe, sender);
    }
    return SHEAF_OK;
}

static enum sheaf_error take_capabilities(struct pe *pe, struct thread *thread, struct reply *reply,
                                          struct thread *sender) {
    struct transfer transfer;
    lock_acquire(&tree_lock);
    enum sheaf_error error = take(pe, thread, reply, sender, &transfer);
    lock_release(&tree_lock);
    return error;
}

static void serve(struct thread *thread, struct reply *reply) {
    if (reply != NULL && reply->server != thread) {
        reply_serve(reply, thread);
    }
}

enum sheaf_error endpoint_receive(struct pe *pe, struct thread *thread, struct endpoint *endpoint,
                                  struct reply *reply, bool block) {
    if (block) {
        serve(thread, reply); // now: the Endpoint is locked when the thread begins to wait
    }
    for (;;) {
        // Each time: a fault that cannot pass may have signalled the Notification that is bound.
        if (thread->bound != NULL && notification_take_bound(thread)) {
            return ANSWERED;
        }
        struct thread *sender = next_sender(endpoint, thread, reply, block);
        if (sender == NULL) {
            return block ? ANSWERED : SHEAF_ERR_WOULD_BLOCK;
        }
        enum sheaf_error error = likely(!message_carries(sender))
                                     ? take(pe, thread, reply, sender, NULL)
                                     : take_capabilities(pe, thread, reply, sender);
        if (likely(error == SHEAF_OK)) {
            serve(thread, reply);
            return ANSWERED;
        }
        wait_fail(pe, sender, error);
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED; // the next execution finds a shorter queue
        }
    }
}

void endpoint_forget(struct thread *thread) {
    struct endpoint *endpoint = thread->waiting_on;
    lock_acquire(&endpoint->lock);
    take_out(endpoint, thread);
    if (thread->state == SHEAF_STATE_RECEIVING) {
        reply_detach(thread);
    }
    lock_release(&endpoint->lock);
}

void endpoint_requeue(struct thread *thread, unsigned priority) {
    struct endpoint *endpoint = thread->waiting_on;
    lock_acquire(&endpoint->lock);
    struct thread *cancel_next = endpoint->cancel_next;
    bool passing = cancel_next != NULL;
    if (cancel_next == thread) {
        cancel_next = thread->next;
    }
    queue_remove(&endpoint->queue, thread);
    thread->priority = (uint8_t)priority;
    queue_insert(&endpoint->queue, thread);
    // A pass of CANCEL does not lose who moves from before it to behind it, nor the last one.
    if (passing && thread->badge == endpoint->cancel_badge &&
        (cancel_next == NULL || priority > cancel_next->priority)) {
        cancel_next = thread;
    }
    endpoint->cancel_next = cancel_next;
    lock_release(&endpoint->lock);
}

// ---- CANCEL: one pass through the senders, in slices
//
// Where a pass is stands in the Endpoint, since whoever leaves the queue must move it on. There is
// one at a time: who comes with another badge while one is on its way first goes on with that one,
// and then begins a pass of its own. So each slice brings the pass that is on its way to its end,
// whoever executes it, and a caller's pass is over when it ends or another has begun.

static uint64_t last_pass;

static void begin_pass(struct endpoint *endpoint, uint64_t badge) {
    ASSERT(lock_held(&endpoint->lock) && endpoint->cancel_next == NULL);
    endpoint->head.reserved = __atomic_add_fetch(&last_pass, 1, __ATOMIC_RELAXED);
    endpoint->cancel_badge = badge;
    if (endpoint->head.flags == ENDPOINT_SENDERS) {
        endpoint->cancel_next = endpoint->queue.first;
    }
}

// Takes senders of the pass out of the queue; returns how many.
static unsigned take_badged(struct endpoint *endpoint, struct thread *found[CANCEL_SLICE]) {
    unsigned count = 0;
    ASSERT(lock_held(&endpoint->lock));
    for (unsigned looked = 0; looked < CANCEL_LOOKED && count < CANCEL_SLICE; looked++) {
        struct thread *thread = endpoint->cancel_next;
        if (thread == NULL) {
            break;
        }
        endpoint->cancel_next = thread->next;
        if (thread->badge == endpoint->cancel_badge) {
            take_out(endpoint, thread);
            found[count++] = thread;
        }
    }
    return count;
}

// `pass`: the caller's, 0 before it has begun. True when it is over.
static bool cancel_slice(struct pe *pe, struct endpoint *endpoint, uint64_t badge, uint64_t *pass) {
    struct thread *found[CANCEL_SLICE];
    unsigned count = 0;
    lock_acquire(&endpoint->lock);
    if (*pass == 0 && endpoint->cancel_next == NULL) {
        begin_pass(endpoint, badge);
        *pass = endpoint->head.reserved;
    }
    bool over = *pass != 0 && endpoint->head.reserved != *pass;
    if (!over) {
        count = take_badged(endpoint, found);
        over = *pass != 0 && endpoint->cancel_next == NULL;
    }
    lock_release(&endpoint->lock);
    for (unsigned i = 0; i < count; i++) {
        wait_fail(pe, found[i], SHEAF_ERR_CANCELLED);
    }
    return over;
}

enum sheaf_error endpoint_cancel(struct pe *pe, struct thread *caller, struct endpoint *endpoint,
                                 uint64_t badge) {
    struct continuation *continuation = &caller->continuation;
    bool begun = continuation->kind == CONTINUE_CANCEL && continuation->endpoint == endpoint;
    uint64_t pass = begun ? continuation->pass : 0;
    while (!cancel_slice(pe, endpoint, badge, &pass)) {
        if (arch_interrupt_pending()) {
            continuation->kind = CONTINUE_CANCEL;
            continuation->endpoint = endpoint;
            continuation->pass = pass;
            return SHEAF_ERR_PREEMPTED;
        }
    }
    return SHEAF_OK;
}

bool endpoint_end(struct pe *pe, struct endpoint *endpoint) {
    ASSERT(lock_held(&tree_lock));
    lock_acquire(&endpoint->lock);
    struct thread *thread = endpoint->queue.first;
    if (thread != NULL) {
        take_out(endpoint, thread);
        if (thread->state == SHEAF_STATE_RECEIVING) {
            reply_detach(thread);
        }
    }
    bool done = endpoint->queue.first == NULL;
    lock_release(&endpoint->lock);
    if (thread != NULL) {
        wait_fail(pe, thread, SHEAF_ERR_CANCELLED);
    }
    return done;
}
