// SPDX-License-Identifier: BSD-2-Clause
// The scheduler's decisions (sched.h says by which rules).
#include "sched.h"

#include "delete.h"
#include "timeout.h"

struct sched sched_of_pe[MAX_PES];

void sched_init(void) {
    for (unsigned i = 0; i < MAX_PES; i++) {
        sched_of_pe[i] = (struct sched){.alarm = NO_ALARM};
        lock_init(&sched_of_pe[i].lock, LOCK_RUN_QUEUE);
    }
}

static void find_top(struct sched *sched) {
    for (unsigned word = ARRAY_SIZE(sched->ready); word-- > 0;) {
        if (sched->ready[word] != 0) {
            sched->top = word * 64 + 64 - (unsigned)__builtin_clzll(sched->ready[word]);
            return;
        }
    }
    sched->top = 0;
}

static void enqueue(struct sched *sched, struct thread *thread, bool first) {
    ASSERT(lock_held(&sched->lock) && !thread->queued && thread->state == SHEAF_STATE_READY);
    struct thread_queue *queue = &sched->queue[thread->priority];
    thread->queued = true;
    if (first && queue->first != NULL) {
        thread->previous = NULL;
        thread->next = queue->first;
        queue->first->previous = thread;
        queue->first = thread;
    } else {
        queue_insert(queue, thread);
    }
    sched->ready[thread->priority / 64] |= BIT(thread->priority % 64);
    sched->top = MAX(sched->top, thread->priority + 1u);
}

static void dequeue(struct sched *sched, struct thread *thread) {
    ASSERT(lock_held(&sched->lock) && thread->queued);
    struct thread_queue *queue = &sched->queue[thread->priority];
    queue_remove(queue, thread);
    thread->queued = false;
    if (queue->first == NULL) {
        sched->ready[thread->priority / 64] &= ~BIT(thread->priority % 64);
        if (sched->top == thread->priority + 1u) {
            find_top(sched);
        }
    }
}

void sched_wake(struct pe *pe, struct thread *thread) {
    struct sched *sched = &sched_of_pe[pe->id];
    thread->state = SHEAF_STATE_READY;
    lock_acquire(&sched->lock);
    if (unlikely(thread->timeout.deadline != 0)) {
        timeout_remove(sched, &thread->timeout);
    }
    if (sched->candidate == NULL) {
        sched->candidate = thread;
    } else {
        enqueue(sched, thread, false);
    }
    lock_release(&sched->lock);
}

void sched_forget(struct pe *pe, struct thread *thread) {
    struct sched *sched = &sched_of_pe[pe->id];
    lock_acquire(&sched->lock);
    if (sched->candidate == thread) {
        sched->candidate = NULL;
    } else if (thread->queued) {
        dequeue(sched, thread);
    }
    lock_release(&sched->lock);
}

void sched_set_priority(struct pe *pe, struct thread *thread, unsigned priority) {
    struct sched *sched = &sched_of_pe[pe->id];
    lock_acquire(&sched->lock);
    bool queued = thread->queued;
    if (queued) {
        dequeue(sched, thread);
    }
    thread->priority = (uint8_t)priority;
    if (queued) {
        enqueue(sched, thread, false);
    }
    lock_release(&sched->lock);
}

// Whom the queues and the candidate let go on; NULL if nobody is ready. Removes it from there.
static struct thread *choose(struct sched *sched, struct thread *current) {
    struct thread *candidate = sched->candidate;
    bool rotate = sched->rotate;
    sched->candidate = NULL;
    sched->rotate = false;
    if (current != NULL && current->state == SHEAF_STATE_READY) {
        if (candidate != NULL && candidate->priority > current->priority) {
            // It was interrupted, not used up: it keeps its turn at the head.
            enqueue(sched, current, !rotate);
        } else {
            if (candidate != NULL) {
                enqueue(sched, candidate, false);
                candidate = NULL;
            }
            if (sched->top < current->priority + (rotate ? 1u : 2u)) {
                return current;
            }
            enqueue(sched, current, !rotate);
        }
    }
    if (candidate != NULL) {
        if (candidate->priority + 1u >= sched->top) {
            return candidate;
        }
        enqueue(sched, candidate, false);
    }
    if (sched->top == 0) {
        return NULL;
    }
    struct thread *thread = sched->queue[sched->top - 1].first;
    dequeue(sched, thread);
    return thread;
}

static void run_slice(struct sched *sched, const struct thread *thread) {
    if (sched->slice_end == 0 && sched->queue[thread->priority].first != NULL) {
        sched->slice_end = arch_now() + arch_timer_hz() / 1000 * SLICE_MICROSECONDS / 1000;
        timeout_alarm(sched);
    }
}

// Stands on the empty root until an interrupt makes a thread ready; without a tick: the timer is
// set for deadlines only. What dead
// containers are left by a deleter that died itself is cleared here.
static void idle(struct pe *pe, struct sched *sched) {
    vspace_activate(NULL);
    sched->slice_end = 0;
    timeout_alarm(sched);
    while (sched->top == 0 && sched->candidate == NULL) {
        if (burials_continue(pe) == SHEAF_OK && sched->top == 0 && sched->candidate == NULL) {
            arch_wait_for_interrupt();
        }
        arch_handle_interrupts();
    }
}

void sched_decide(struct pe *pe) {
    struct sched *sched = &sched_of_pe[pe->id];
    for (;;) {
        struct thread *current = pe->current;
        lock_acquire(&sched->lock);
        struct thread *next = choose(sched, current);
        lock_release(&sched->lock);
        if (next != current) {
            port_count(SHEAF_COUNTER_THREAD_SWITCHES, 1);
            arch_switch(current != NULL ? &current->context : NULL,
                        next != NULL ? &next->context : NULL);
            pe->current = next;
        }
        if (next != NULL) {
            pe->context = &next->context;
            if (next != current) {
                vspace_activate(thread_vspace(next));
            }
            run_slice(sched, next);
            return;
        }
        idle(pe, sched);
    }
}
