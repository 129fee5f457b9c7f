// SPDX-License-Identifier: BSD-2-Clause
// System calls and faults: the fast path of CALL, REPLY_RECV and a fault's message (fastpath.h says
// when it is taken), and where all other calls go.
//
// Every call of a function here is the last thing done, so nothing is kept on the stack. Hence the
// Endpoint's lock is tried: whoever would have to wait for it goes the ordinary way.
#include "fastpath.h"
#include "fault.h"
#include "gather_call.h"

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

// Whether the thread, woken, would run at once when the running one waits, without a new slice.
static inline bool is_next(const struct sched *sched, const struct thread *thread) {
    return thread->timeout.deadline == 0 && sched_precedes(sched, thread);
}

static inline void take_receiver(struct endpoint *endpoint, struct thread *receiver) {
    queue_take_first(&endpoint->queue);
    receiver->waiting_on = NULL;
    if (endpoint->queue.first == NULL) {
        endpoint->head.flags = ENDPOINT_IDLE;
    }
}

// `next` has its message.
static inline void run_next(struct pe *pe, struct thread *thread, struct thread *next) {
    next->state = SHEAF_STATE_READY;
    ASSERT(!sched_slice_begins(pe->sched, next));
    sched_switch_in_slice(pe, thread, next);
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
    take_receiver(endpoint, receiver);
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

void fastpath_fault(struct pe *pe, struct thread *thread) {
    const struct slot *slot = &thread->slot[THREAD_FAULT_ENDPOINT];
    thread->faulting = true;
    if (unlikely(slot->living_type != SHEAF_ENDPOINT ||
                 !hand_over(pe, thread, slot, SHEAF_REG_WORDS, true))) {
        fault_execute(pe, thread);
    }
}

// The thread can wait, and its place is the end of the queue. lock held.
static inline bool has_place(const struct endpoint *endpoint, const struct thread *thread) {
    const struct thread *last = endpoint->queue.last;
    return likely(last == NULL) ||
           (endpoint->head.flags == ENDPOINT_RECEIVERS && last->priority == thread->priority);
}

// What REPLY_RECV has named, as long as `caller` is not NULL: taken out of the Reply, while the
// Endpoint is locked.
struct answer {
    struct thread *caller;
    struct reply *reply;
    struct endpoint *endpoint;
};

FOR_WORDS struct answer begin_answer(const struct thread *thread, uint64_t tag, unsigned words) {
    struct answer answer = {0};
    const struct slot *source =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_ENDPOINT, SHEAF_RIGHT_READ);
    const struct slot *slot = find(thread, thread->context.reg[SHEAF_REG_REPLY], SHEAF_REPLY, 0);
    if (unlikely(source == NULL || slot == NULL || thread->bound != NULL ||
                 !is_plain(thread, tag, words))) {
        return answer;
    }
    answer.endpoint = source->object;
    answer.reply = slot->object;
    if (unlikely(answer.reply->server != thread || !has_room(thread, thread, words) ||
                 !lock_try(&answer.endpoint->lock))) {
        return answer;
    }
    if (likely(has_place(answer.endpoint, thread))) {
        answer.caller = reply_take(answer.reply);
    }
    if (unlikely(answer.caller == NULL)) {
        lock_release(&answer.endpoint->lock);
    }
    return answer;
}

// The caller has its answer, and the thread waits for the next message: not before, since that is
// written where the answer was read.
static inline void end_answer(struct answer answer, struct thread *thread) {
    struct endpoint *endpoint = answer.endpoint;
    thread->state = SHEAF_STATE_RECEIVING;
    thread->waiting_on = endpoint;
    thread->reply = answer.reply;
    answer.reply->receiver = thread;
    endpoint->head.flags = ENDPOINT_RECEIVERS;
    queue_append(&endpoint->queue, thread);
    lock_release(&endpoint->lock);
}

// A caller that has been taken and cannot be answered and run at once. As sys_reply_receive.
static __attribute__((noinline)) enum sheaf_error
answer_execute(struct pe *pe, struct thread *thread, struct thread *caller,
               struct endpoint *endpoint, struct reply *reply) {
    lock_release(&endpoint->lock);
    reply_give(pe, thread, caller, NULL);
    return reply_given(thread, endpoint_receive(pe, thread, endpoint, reply, true));
}

static __attribute__((noinline)) void answer_and_leave(struct pe *pe, struct thread *thread,
                                                       struct thread *caller,
                                                       struct endpoint *endpoint,
                                                       struct reply *reply) {
    syscall_finish(pe, thread, answer_execute(pe, thread, caller, endpoint, reply));
}

FOR_WORDS bool reply_receive(struct pe *pe, struct thread *thread, unsigned words) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    struct answer answer = begin_answer(thread, tag, words);
    struct thread *caller = answer.caller;
    if (unlikely(caller == NULL)) {
        return false;
    }
    if (unlikely(caller->faulting || !is_next(pe->sched, caller) ||
                 !has_room(thread, caller, words))) {
        answer_and_leave(pe, thread, caller, answer.endpoint, answer.reply);
        return true;
    }
    copy(thread, caller, tag, words);
    caller->context.reg[SHEAF_REG_BADGE] = 0;
    end_answer(answer, thread);
    run_next(pe, thread, caller);
    return true;
}

// Who answers by a gather nearly always answers a fault.
enum sheaf_error fastpath_tail(struct pe *pe, struct thread *thread) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    struct answer answer = begin_answer(thread, tag, SHEAF_REG_WORDS);
    struct thread *caller = answer.caller;
    if (unlikely(caller == NULL)) {
        return sys_reply_receive(pe, thread);
    }
    if (unlikely(!caller->faulting || SHEAF_TAG_LABEL(tag) != 0 || !is_next(pe->sched, caller))) {
        return answer_execute(pe, thread, caller, answer.endpoint, answer.reply);
    }
    caller->faulting = false;
    end_answer(answer, thread);
    run_next(pe, thread, caller);
    return SWITCHED;
}

// SEND and NB_SEND to a Notification, which never wait.
static inline bool signal(struct pe *pe, struct thread *thread) {
    const struct slot *slot =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_NOTIFICATION, SHEAF_RIGHT_WRITE);
    if (unlikely(slot == NULL || thread->continuation.kind != CONTINUE_NOTHING)) {
        return false;
    }
    struct notification *notification = slot->object;
    if (unlikely(!lock_try(&notification->lock))) {
        return false;
    }
    uint64_t bits = notification->bits | notification_bits(slot->badge);
    struct thread *waiter = notification->queue.first;
    if (unlikely(waiter != NULL ? waiter->timeout.deadline != 0 : notification->bound != NULL)) {
        lock_release(&notification->lock);
        return false;
    }
    thread_answer(thread, SHEAF_OK);
    if (waiter == NULL) {
        notification->bits = bits;
        lock_release(&notification->lock);
        return true;
    }
    notification->bits = 0;
    queue_take_first(&notification->queue);
    waiter->waiting_on = NULL;
    lock_release(&notification->lock);
    notification_hand_over(waiter, 0, bits);
    sched_leave_beside(pe, waiter);
    return true;
}

// RECV on a Notification.
static inline bool wait(struct pe *pe, struct thread *thread) {
    const struct slot *slot =
        find(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_NOTIFICATION, SHEAF_RIGHT_READ);
    if (unlikely(slot == NULL ||
                 (thread->context.reg[SHEAF_REG_REPLY] | thread->context.reg[SHEAF_REG_DEADLINE] |
                  thread->continuation.kind) != 0)) {
        return false;
    }
    struct notification *notification = slot->object;
    if (unlikely(!lock_try(&notification->lock))) {
        return false;
    }
    uint64_t bits = notification->bits;
    if (bits != 0) {
        notification->bits = 0;
        lock_release(&notification->lock);
        notification_hand_over(thread, 0, bits);
        return true;
    }
    if (unlikely(notification->queue.first != NULL)) {
        lock_release(&notification->lock);
        return false;
    }
    thread->state = SHEAF_STATE_WAITING_NOTIFICATION;
    thread->waiting_on = notification;
    queue_append(&notification->queue, thread);
    lock_release(&notification->lock);
    sched_leave_blocked(pe);
    return true;
}

static inline bool yield(struct pe *pe, struct thread *thread) {
    if (unlikely(thread->continuation.kind != CONTINUE_NOTHING)) {
        return false;
    }
    thread_answer(thread, SHEAF_OK);
    sched_leave_yield(pe);
    return true;
}

// A message whose words do not all lie in registers, or else what is in no way usual.
static __attribute__((noinline)) void execute_long(struct pe *pe, struct thread *thread,
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

static inline void gather(struct pe *pe, struct thread *thread, uint64_t flags) {
    if (likely((flags & ~SHEAF_GATHER_DEFER) != 0)) { // mostly the tail
        syscall_gather(pe, thread);
    } else if (likely(flags == 0)) {
        gather_unmap_fast(pe, thread);
    } else {
        gather_defer_fast(pe, thread);
    }
}

// The same for what has no message.
static inline bool execute_short(struct pe *pe, struct thread *thread, uint64_t number) {
    switch (number) {
    case SHEAF_SYS_SEND:
    case SHEAF_SYS_NB_SEND:
        return signal(pe, thread);
    case SHEAF_SYS_RECV:
        return wait(pe, thread);
    case SHEAF_SYS_YIELD:
        return yield(pe, thread);
    case SHEAF_SYS_NULL:
        thread->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
        return true;
    default:
        return false;
    }
}

void core_syscall(struct pe *pe) {
    struct thread *thread = pe->current;
    uint64_t number = thread->context.reg[SHEAF_REG_SYSCALL];
    port_count(SHEAF_COUNTER_KERNEL_ENTRIES, 1);
    port_count(SHEAF_COUNTER_KERNEL_SYSCALLS, 1);
    if (number == SHEAF_SYS_CALL) {
        if (unlikely(!call(pe, thread, SHEAF_REG_WORDS))) {
            execute_long(pe, thread, number);
        }
    } else if (number == SHEAF_SYS_REPLY_RECV) {
        if (unlikely(!reply_receive(pe, thread, SHEAF_REG_WORDS))) {
            execute_long(pe, thread, number);
        }
    } else if (number == SHEAF_SYS_GATHER) {
        gather(pe, thread, thread->context.reg[SHEAF_REG_GATHER] >> 32);
    } else if (unlikely(!execute_short(pe, thread, number))) {
        syscall_execute(pe, thread, number);
    }
}
