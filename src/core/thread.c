// SPDX-License-Identifier: BSD-2-Clause
// A thread's life: made, suspended, ended.
#include "thread.h"

#include "death.h"
#include "evict.h"
#include "invoke.h"
#include "timeout.h"

void thread_init(struct thread *thread) {
    arch_context_init(&thread->context);
    thread->state = SHEAF_STATE_SUSPENDED;
}

// Takes a waiting thread out of its queue or from its Reply. False if it does not wait.
static bool leave_wait(struct thread *thread) {
    switch (thread->state) {
    case SHEAF_STATE_SENDING:
    case SHEAF_STATE_RECEIVING:
        endpoint_forget(thread);
        return true;
    case SHEAF_STATE_WAITING_REPLY:
        reply_forget(thread);
        return true;
    case SHEAF_STATE_WAITING_NOTIFICATION:
        notification_forget(thread);
        return true;
    default:
        return false;
    }
}

void thread_time_out(struct pe *pe, struct thread *thread) {
    leave_wait(thread);
    wait_fail(pe, thread, SHEAF_ERR_TIMED_OUT);
}

void thread_suspend(struct pe *pe, struct thread *thread) {
    bool waiting = leave_wait(thread);
    if (!waiting) {
        sched_forget(pe, thread);
    }
    timeout_cancel(&thread->timeout);
    // A fault has no answer: resumed, the thread executes the same instruction again.
    if (waiting && !thread->faulting) {
        thread_answer(thread, SHEAF_ERR_CANCELLED);
    }
    thread->faulting = false;
    thread->state = SHEAF_STATE_SUSPENDED;
}

bool thread_end(struct pe *pe, struct thread *thread) {
    ASSERT(lock_held(&tree_lock));
    // Who deletes itself goes on until nobody waits for it; others must not come to serve more.
    if (pe->current != thread) {
        thread_suspend(pe, thread);
    }
    if (!reply_server_ends(pe, thread)) {
        return false;
    }
    thread_suspend(pe, thread);
    notification_unbind(thread);
    evict_forget(thread);
    if (pe->current == thread) {
        pe->current = NULL; // its registers are not saved, nor its memory touched again
    }
    return true;
}
