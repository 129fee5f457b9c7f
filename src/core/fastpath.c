// SPDX-License-Identifier: BSD-2-Clause
// System calls and faults: the fast path of CALL, REPLY_RECV and a fault's message (fastpath.h says
// when it is taken), and where all other calls go.
//
// Every call of a function here is the last thing done, so nothing is kept on the stack. Hence the
// Endpoint's lock is tried: whoever would have to wait for it goes the ordinary way.
#include "fastpath.h"
#include "fault.h"

#include <core.h>

// At most so many words, no capabilities, no bit that must be zero, no label of the kernel's; no
// deadline; nothing left by a preempted call.
static inline bool is_plain(const struct thread *thread, uint64_t tag, unsigned words) {
    return (uint16_t)tag <= words && tag < SHEAF_TAG(SHEAF_LABEL_KERNEL, 0) &&
           (thread->context.reg[SHEAF_REG_DEADLINE] | thread->continuation.kind) == 0;
}

// `words`: as in is_plain. What is not in registers has a place on both sides.
static inline bool has_room(const struct thread *from, const struct thread *to, unsigned words) {
    return words == SHEAF_REG_WORDS || (thread_buffer(from) != NULL && thread_buffer(to) != NULL);
}

static inline void copy(const struct thread *from, struct thread *to, uint64_t tag,
                        unsigned words) {
    if (words == SHEAF_REG_WORDS) {
        message_copy_registers(from, to, tag, SHEAF_TAG_LENGTH(tag));
    } else {
        message_copy(from, to, tag);
    }
}

_Static_assert(CONTINUE_NOTHING == 0, "is_plain tests it together with the deadline");

// A slot of the root CNode with a living capability of that type and right; NULL: look it up in the
// ordinary way. size_bits is 0 without a CSpace, and then no name passes.
static inline struct slot *find(const struct thread *thread, sheaf_cptr name, enum sheaf_type type,
                                unsigned right) {
    const struct slot *root = &thread->slot[THREAD_CSPACE];
    if (unlikely(name - 1 >= BIT(root->size_bits) - 1)) {
        return NULL;
    }
    struct slot *slot = (struct slot *)root->object + name;
    return likely(slot->living_type == type && (slot->rights & right) == right) ? slot : NULL;
}

// Whether the thread, woken, would run at once when the running one waits.
static inline bool is_next(const struct sched *sched, const struct thread *thread) {
    return thread->timeout.deadline == 0 && sched->top <= thread->priority + 1u;
}

static inline void take_first(struct endpoint *endpoint, struct thread *first) {
    struct thread *second = first->next;
    endpoint->queue.first = second;
    if (second == NULL) {
        endpoint->queue.last = NULL;
        endpoint->head.flags = ENDPOINT_IDLE;
    } else {
        second->previous = NULL;
        first->next = NULL;
    }
    first->waiting_on = NULL;
}

// `next` has its message.
static inline void run_next(struct pe *pe, struct thread *thread, struct thread *next) {
    next->state = SHEAF_STATE_READY;
    sched_switch(pe, pe->sched, thread, next);
}

// Each of the two stands twice in the program: for messages in registers, which need nothing else,
// and for longer ones.
#define FOR_WORDS static inline __attribute__((always_inline))

// Hands what `thread` calls with to the first receiver, if that can take it and run at once: the
// message in its registers, or its fault. True: done, and another thread runs. False: nothing has
// changed. So is reply_receive's.
FOR_WORDS bool hand_over(struct pe *pe, struct thread *thread, const struct slot *slot,
                         unsigned words, bool fault) {
    struct endpoint *endpoint = slot->object;
    if (unlikely(!lock_try(&endpoint->lock))) {
        return false;
    }
    struct thread *receiver = endpoint->queue.first;
    if (unlikely(endpoint->head.flags != ENDPOINT_RECEIVERS || receiver->reply == NULL ||
                 !is_next(pe->sched, receiver) || !has_room(thread, receiver, words))) {
        lock_release(&endpoint->lock);
        return false;
    }
    struct reply *reply = receiver->reply;
    take_first(endpoint, receiver);
    receiver->reply = NULL;
    reply->receiver = NULL;
    lock_release(&endpoint->lock);

    if (fault) {
        fault_message(thread, receiver);
    } else {
        copy(thread, receiver, thread->context.reg[SHEAF_REG_TAG], words);
    }
    receiver->context.reg[SHEAF_REG_BADGE] = slot->badge;
    reply_hold(reply, thread);
    run_next(pe, thread, receiver);
    return true;
}

FOR_WORDS bool call(struct pe *pe, struct thread *thread, unsigned words) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    const struct slot *slot =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_ENDPOINT, SHEAF_RIGHT_WRITE);
    if (unlikely(slot == NULL || !is_plain(thread, tag, words))) {
        return false;
    }
    return hand_over(pe, thread, slot, words, false);
}

bool fastpath_fault(struct pe *pe, struct thread *thread, const struct slot *slot) {
    return hand_over(pe, thread, slot, SHEAF_REG_WORDS, true);
}

// The thread can wait at the end of the queue. lock held.
static inline bool has_place(const struct endpoint *endpoint, const struct thread *thread) {
    const struct thread *last = endpoint->queue.last;
    return likely(last == NULL) ||
           (endpoint->head.flags == ENDPOINT_RECEIVERS && last->priority >= thread->priority);
}

static inline void begin_wait(struct endpoint *endpoint, struct thread *thread,
                              struct reply *reply) {
    thread->state = SHEAF_STATE_RECEIVING;
    thread->waiting_on = endpoint;
    thread->reply = reply;
    reply->receiver = thread;
    endpoint->head.flags = ENDPOINT_RECEIVERS;
    queue_append(&endpoint->queue, thread);
}

// The caller has been taken, and cannot be answered and run at once: in the ordinary way.
static __attribute__((noinline)) void answer_and_leave(struct pe *pe, struct thread *thread,
                                                       struct thread *caller) {
    reply_give(pe, thread, caller, NULL);
    sched_leave(pe);
}

FOR_WORDS bool reply_receive(struct pe *pe, struct thread *thread, unsigned words) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    const struct slot *source =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_ENDPOINT, SHEAF_RIGHT_READ);
    const struct slot *slot = find(thread, thread->context.reg[SHEAF_REG_REPLY], SHEAF_REPLY, 0);
    if (unlikely(source == NULL || slot == NULL || thread->bound != NULL ||
                 !is_plain(thread, tag, words))) {
        return false;
    }
    struct endpoint *endpoint = source->object;
    struct reply *reply = slot->object;
    if (unlikely(reply->receiver != NULL || !has_room(thread, thread, words) ||
                 !lock_try(&endpoint->lock))) {
        return false;
    }
    struct thread *caller = has_place(endpoint, thread) ? reply_take(reply) : NULL;
    if (unlikely(caller == NULL)) {
        lock_release(&endpoint->lock);
        return false;
    }
    begin_wait(endpoint, thread, reply);
    lock_release(&endpoint->lock);

    if (unlikely(caller->faulting || !is_next(pe->sched, caller) ||
                 !has_room(thread, caller, words))) {
        if (caller->faulting && SHEAF_TAG_LABEL(tag) == 0 && is_next(pe->sched, caller)) {
            caller->faulting = false; // resolved: it goes on where it was
            run_next(pe, thread, caller);
        } else {
            answer_and_leave(pe, thread, caller);
        }
        return true;
    }
    copy(thread, caller, tag, words);
    caller->context.reg[SHEAF_REG_BADGE] = 0;
    run_next(pe, thread, caller);
    return true;
}

// Messages whose words do not all lie in registers, and what is in no way usual.
static __attribute__((noinline)) void call_or_execute(struct pe *pe, struct thread *thread,
                                                      uint64_t number) {
    bool done = false;
    if ((uint16_t)thread->context.reg[SHEAF_REG_TAG] > SHEAF_REG_WORDS) {
        done = number == SHEAF_SYS_CALL ? call(pe, thread, SHEAF_MSG_WORDS)
                                        : reply_receive(pe, thread, SHEAF_MSG_WORDS);
    }
    if (!done) {
        syscall_execute(pe, thread, number);
    }
}

enum sheaf_error fastpath_tail(struct pe *pe, struct thread *thread) {
    bool done = reply_receive(pe, thread, SHEAF_REG_WORDS);
    return likely(done) ? ANSWERED : sys_reply_receive(pe, thread);
}

void core_syscall(struct pe *pe) {
    struct thread *thread = pe->current;
    uint64_t number = thread->context.reg[SHEAF_REG_SYSCALL];
    port_count(SHEAF_COUNTER_KERNEL_ENTRIES, 1);
    port_count(SHEAF_COUNTER_KERNEL_SYSCALLS, 1);
    if (number == SHEAF_SYS_CALL) {
        if (unlikely(!call(pe, thread, SHEAF_REG_WORDS))) {
            call_or_execute(pe, thread, number);
        }
    } else if (number == SHEAF_SYS_REPLY_RECV) {
        if (unlikely(!reply_receive(pe, thread, SHEAF_REG_WORDS))) {
            call_or_execute(pe, thread, number);
        }
    } else if (number == SHEAF_SYS_NULL) {
        thread->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    } else {
        syscall_execute(pe, thread, number);
    }
}
