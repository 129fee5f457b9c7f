// SPDX-License-Identifier: BSD-2-Clause
// System calls: which, what is answered, and going on after an interrupt.
#include <core.h>

#include "evict.h"
#include "fastpath.h"
#include "gather_call.h"
#include "invoke.h"
#include "timeout.h"

static enum sheaf_error run(struct pe *pe, struct thread *thread, uint64_t number) {
    switch (number) {
    case SHEAF_SYS_CALL:
        return sys_call(pe, thread);
    case SHEAF_SYS_SEND:
        return sys_send(pe, thread, true);
    case SHEAF_SYS_NB_SEND:
        return sys_send(pe, thread, false);
    case SHEAF_SYS_RECV:
        return sys_receive(pe, thread, true);
    case SHEAF_SYS_NB_RECV:
        return sys_receive(pe, thread, false);
    case SHEAF_SYS_REPLY:
        return sys_reply(pe, thread);
    case SHEAF_SYS_REPLY_RECV:
        return sys_reply_receive(pe, thread);
    case SHEAF_SYS_YIELD:
        pe->sched->rotate = true;
        return SHEAF_OK;
    default:
        return SHEAF_ERR_UNKNOWN_SYSCALL;
    }
}

// A continuation belongs to the system call that left it; any other forgets it.
static void check_continuation(struct thread *thread, uint64_t number) {
    static const uint64_t owner[] = {
        [CONTINUE_NOTHING] = 0,
        [CONTINUE_DELETE] = SHEAF_SYS_CALL,
        [CONTINUE_CANCEL] = SHEAF_SYS_CALL,
        [CONTINUE_RECEIVE] = SHEAF_SYS_REPLY_RECV,
        [CONTINUE_GATHER] = SHEAF_SYS_GATHER,
    };
    if (number != owner[thread->continuation.kind]) {
        evict_abandon(thread);
        thread->continuation.kind = CONTINUE_NOTHING;
    }
}

// The call is executed again when the thread runs next; the interrupt comes first.
static void preempt(struct pe *pe, struct thread *thread) {
    port_count(SHEAF_COUNTER_KERNEL_PREEMPTIONS, 1);
    if (pe->current == thread) {
        arch_context_restart(&thread->context);
    }
    arch_handle_interrupts();
}

// The call has a deadline, and its thread waits: not longer than until then.
static void limit_wait(struct pe *pe, struct thread *thread, uint64_t deadline) {
    switch (thread->state) {
    case SHEAF_STATE_SENDING:
    case SHEAF_STATE_RECEIVING:
    case SHEAF_STATE_WAITING_REPLY:
    case SHEAF_STATE_WAITING_NOTIFICATION:
        timeout_start(pe, &thread->timeout, deadline);
        break;
    default:
        break;
    }
}

static inline void finish(struct pe *pe, struct thread *thread, enum sheaf_error error,
                          uint64_t deadline) {
    if (unlikely(error == SHEAF_ERR_PREEMPTED)) {
        preempt(pe, thread);
    } else if (likely(pe->current == thread)) { // or it has deleted itself
        if (error != ANSWERED) {
            thread_answer(thread, error);
        } else if (unlikely(deadline != 0)) {
            limit_wait(pe, thread, deadline);
        }
        thread->continuation.kind = CONTINUE_NOTHING;
    }
    sched_leave(pe);
}

void syscall_finish(struct pe *pe, struct thread *thread, enum sheaf_error error) {
    finish(pe, thread, error, 0);
}

void syscall_execute(struct pe *pe, struct thread *thread, uint64_t number) {
    if (unlikely(thread->continuation.kind != CONTINUE_NOTHING)) {
        check_continuation(thread, number);
    }
    uint64_t deadline = thread->context.reg[SHEAF_REG_DEADLINE];
    finish(pe, thread, run(pe, thread, number), deadline);
}

void syscall_gather(struct pe *pe, struct thread *thread) {
    if (unlikely(thread->continuation.kind != CONTINUE_NOTHING)) {
        check_continuation(thread, SHEAF_SYS_GATHER);
    }
    uint64_t deadline = thread->context.reg[SHEAF_REG_DEADLINE]; // the totals come there
    enum sheaf_error error = sys_gather(pe, thread);
    if (error != SWITCHED) {
        finish(pe, thread, error, deadline);
    }
}

void core_interrupt(struct pe *pe) {
    arch_handle_interrupts();
    sched_leave(pe);
}

void core_tick(struct pe *pe) {
    struct sched *sched = pe->sched;
    uint64_t now = arch_now();
    sched->alarm = NO_ALARM;
    if (sched->slice_end != 0 && sched->slice_end <= now) {
        sched_end_slice(pe);
    }
    timeouts_expire(pe, now);
    timeout_alarm(sched);
}

const char *core_thread_name(const struct pe *pe) {
    return pe->current == NULL ? "idle" : thread_name(pe->current);
}
