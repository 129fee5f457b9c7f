// SPDX-License-Identifier: BSD-2-Clause
// The fast path of CALL and REPLY_RECV (fastpath.h says when it is taken).
//
// The locks are those of the ordinary way, in its order: never two of a kind, so the Reply and the
// Endpoint are locked one after the other, and what was read under one is not relied on under the
// other.
#include "fastpath.h"

// No capabilities, no bit that must be zero, no label of the kernel's; no deadline; nothing left by
// a preempted call.
static inline bool is_plain(const struct thread *thread, uint64_t tag) {
    return (tag & (TAG_ZERO_BITS | SHEAF_TAG_CARRYING(0, 0, 3))) == 0 &&
           tag < SHEAF_TAG(SHEAF_LABEL_KERNEL, 0) &&
           (thread->context.reg[SHEAF_REG_DEADLINE] | thread->continuation.kind) == 0;
}

// Whether the words have room: in the registers, or in the buffers of both.
static inline bool has_room(const struct thread *from, const struct thread *to, uint64_t tag) {
    unsigned length = SHEAF_TAG_LENGTH(tag);
    return likely(length <= SHEAF_REG_WORDS) ||
           (length <= SHEAF_MSG_WORDS && thread_buffer(from) != NULL && thread_buffer(to) != NULL);
}

static inline void copy(const struct thread *from, struct thread *to, uint64_t tag) {
    if (likely(SHEAF_TAG_LENGTH(tag) <= SHEAF_REG_WORDS)) {
        message_copy_registers(from, to, tag, SHEAF_TAG_LENGTH(tag));
    } else {
        message_copy(from, to, tag);
    }
}

_Static_assert(CONTINUE_NOTHING == 0, "is_plain tests it together with the deadline");

// The type, the rights and the flags of a slot are read as one word.
#define SLOT_WORD(type, rights, flags) ((uint32_t)(type) | (rights) << 8 | (uint32_t)(flags) << 16)
_Static_assert(offsetof(struct slot, type) == 0 && offsetof(struct slot, rights) == 1 &&
                   offsetof(struct slot, flags) == 2 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "SLOT_WORD");

// A slot of the root CNode with a living capability of that type and right; NULL: look it up in the
// ordinary way. size_bits is 0 without a CSpace, and then no name passes.
static inline struct slot *find(const struct thread *thread, sheaf_cptr name, enum sheaf_type type,
                                unsigned right) {
    const struct slot *root = &thread->slot[THREAD_CSPACE];
    if (unlikely(name - 1 >= BIT(root->size_bits) - 1)) {
        return NULL;
    }
    struct slot *slot = (struct slot *)root->object + name;
    uint32_t word;
    __builtin_memcpy(&word, slot, sizeof(word));
    word &= SLOT_WORD(0xff, right, 0xff);
    return likely(word == SLOT_WORD(type, right, 0)) ? slot : NULL;
}

// Whether the thread, woken, would run at once when the running one waits.
static inline bool is_next(const struct sched *sched, const struct thread *thread) {
    return thread->timeout.deadline == 0 && sched->top <= thread->priority + 1u;
}

static inline void take_first(struct endpoint *endpoint) {
    struct thread *first = queue_take_first(&endpoint->queue);
    if (endpoint->queue.first == NULL) {
        endpoint->head.flags = ENDPOINT_IDLE;
    }
    first->waiting_on = NULL;
}

// `next` has its message.
static inline void run_next(struct pe *pe, struct thread *thread, struct thread *next) {
    next->state = SHEAF_STATE_READY;
    sched_switch(pe, pe->sched, thread, next);
}

// True: done, and another thread runs. False: nothing has changed. So is reply_receive's.
static inline bool call(struct pe *pe, struct thread *thread) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    const struct slot *slot =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_ENDPOINT, SHEAF_RIGHT_WRITE);
    if (unlikely(slot == NULL || !is_plain(thread, tag))) {
        return false;
    }
    struct endpoint *endpoint = slot->object;
    lock_acquire(&endpoint->lock);
    struct thread *receiver = endpoint->queue.first;
    if (unlikely(endpoint->head.flags != ENDPOINT_RECEIVERS || receiver->reply == NULL ||
                 !is_next(pe->sched, receiver) || !has_room(thread, receiver, tag))) {
        lock_release(&endpoint->lock);
        return false;
    }
    struct reply *reply = receiver->reply;
    take_first(endpoint);
    receiver->reply = NULL;
    reply->receiver = NULL;
    lock_release(&endpoint->lock);

    lock_acquire(&reply->lock);
    reply->caller = thread;
    lock_release(&reply->lock);
    thread->reply = reply;
    thread->state = SHEAF_STATE_WAITING_REPLY;

    copy(thread, receiver, tag);
    receiver->context.reg[SHEAF_REG_BADGE] = slot->badge;
    run_next(pe, thread, receiver);
    return true;
}

// The caller that the Reply holds, taken from it, if it can be answered and run at once; else NULL.
static inline struct thread *take_caller(struct pe *pe, struct thread *thread, struct reply *reply,
                                         uint64_t tag) {
    lock_acquire(&reply->lock);
    struct thread *caller = reply->caller;
    if (unlikely(caller == NULL || caller->faulting || reply->receiver != NULL ||
                 !is_next(pe->sched, caller) || !has_room(thread, caller, tag))) {
        caller = NULL;
    } else {
        reply->caller = NULL;
    }
    lock_release(&reply->lock);
    return caller;
}

// The thread waits for a message, unless senders wait for it.
static inline bool begin_wait(struct endpoint *endpoint, struct thread *thread,
                              struct reply *reply) {
    lock_acquire(&endpoint->lock);
    bool waits = endpoint->head.flags != ENDPOINT_SENDERS;
    if (likely(waits)) {
        thread->state = SHEAF_STATE_RECEIVING;
        thread->waiting_on = endpoint;
        thread->reply = reply;
        reply->receiver = thread;
        endpoint->head.flags = ENDPOINT_RECEIVERS;
        if (likely(endpoint->queue.last == NULL)) {
            queue_append(&endpoint->queue, thread);
        } else {
            queue_insert(&endpoint->queue, thread);
        }
    }
    lock_release(&endpoint->lock);
    return waits;
}

static inline bool reply_receive(struct pe *pe, struct thread *thread) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    const struct slot *source =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_ENDPOINT, SHEAF_RIGHT_READ);
    const struct slot *slot = find(thread, thread->context.reg[SHEAF_REG_REPLY], SHEAF_REPLY, 0);
    if (unlikely(source == NULL || slot == NULL || thread->bound != NULL ||
                 !is_plain(thread, tag))) {
        return false;
    }
    struct reply *reply = slot->object;
    struct thread *caller = take_caller(pe, thread, reply, tag);
    if (unlikely(caller == NULL)) {
        return false;
    }
    caller->reply = NULL;
    copy(thread, caller, tag);
    caller->context.reg[SHEAF_REG_BADGE] = 0;

    struct endpoint *endpoint = source->object;
    if (likely(begin_wait(endpoint, thread, reply))) {
        run_next(pe, thread, caller);
    } else {
        // The answer is given; what is left is an ordinary receive.
        sched_wake(pe, caller);
        syscall_finish(pe, thread, endpoint_receive(pe, thread, endpoint, reply, true), 0);
    }
    return true;
}

void fastpath_call(struct pe *pe, struct thread *thread) {
    if (unlikely(!call(pe, thread))) {
        syscall_execute(pe, thread, SHEAF_SYS_CALL);
    }
}

void fastpath_reply_receive(struct pe *pe, struct thread *thread) {
    if (unlikely(!reply_receive(pe, thread))) {
        syscall_execute(pe, thread, SHEAF_SYS_REPLY_RECV);
    }
}
