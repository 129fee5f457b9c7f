// SPDX-License-Identifier: BSD-2-Clause
// The scheduler's decisions (sched.h says by which rules).
#include "sched.h"

#include "delete.h"
#include "timeout.h"

struct sched sched_of_pe[MAX_PES];

void sched_init(struct pe *pe) {
    for (unsigned i = 0; i < MAX_PES; i++) {
        sched_of_pe[i] = (struct sched){.alarm = NO_ALARM};
        lock_init(&sched_of_pe[i].lock, LOCK_RUN_QUEUE);
    }
    pe->sched = &sched_of_pe[pe->id];
}

static unsigned highest_bit(uint64_t bits) { return 63 - (unsigned)__builtin_clzll(bits); }

static inline void find_top(struct sched *sched) {
    sched->top = 0;
    if (sched->ready_words != 0) {
        unsigned word = highest_bit(sched->ready_words);
        sched->top = word * 64 + highest_bit(sched->ready[word]) + 1;
    }
}

static void prepend(struct thread_queue *queue, struct thread *thread) {
    thread->previous = NULL;
    thread->next = queue->first;
    *(queue->first != NULL ? &queue->first->previous : &queue->last) = thread;
    queue->first = thread;
}

static inline void enqueue(struct sched *sched, struct thread *thread, bool first) {
    unsigned priority = thread->priority;
    struct thread_queue *queue = &sched->queue[priority];
    ASSERT(lock_held(&sched->lock) && !thread->queued && thread->state == SHEAF_STATE_READY);
    thread->queued = first ? QUEUED_IN_SLICE : QUEUED;
    if (queue->first == NULL) {
        sched->ready[priority / 64] |= BIT(priority % 64);
        sched->ready_words |= BIT(priority / 64);
        sched->top = MAX(sched->top, priority + 1);
    }
    // A run queue holds one priority: its end is the place, no search is needed.
    (first ? prepend : queue_append)(queue, thread);
}

// The queue of that priority is empty now.
static inline void note_empty(struct sched *sched, unsigned priority) {
    sched->ready[priority / 64] &= ~BIT(priority % 64);
    if (sched->ready[priority / 64] == 0) {
        sched->ready_words &= ~BIT(priority / 64);
    }
    if (sched->top == priority + 1) {
        find_top(sched);
    }
}

static void dequeue(struct sched *sched, struct thread *thread) {
    struct thread_queue *queue = &sched->queue[thread->priority];
    ASSERT(lock_held(&sched->lock) && thread->queued);
    queue_remove(queue, thread);
    thread->queued = QUEUED_NOT;
    if (queue->first == NULL) {
        note_empty(sched, thread->priority);
    }
}

// The first of the highest priority, taken out. There is one.
static inline struct thread *dequeue_first(struct sched *sched) {
    unsigned priority = sched->top - 1;
    struct thread_queue *queue = &sched->queue[priority];
    struct thread *thread = queue_take_first(queue);
    ASSERT(lock_held(&sched->lock) && thread->queued);
    thread->queued = QUEUED_NOT;
    if (queue->first == NULL) {
        note_empty(sched, priority);
    }
    return thread;
}

// To the end of its queue, which is not empty; whoever is first there leaves it. What is known
// about the queues stays true.
static inline struct thread *rotate(struct sched *sched, struct thread *current) {
    struct thread_queue *queue = &sched->queue[current->priority];
    struct thread *first = queue->first;
    ASSERT(lock_held(&sched->lock) && first->queued && !current->queued);
    queue_append(queue, current); // so `first` is not the last
    queue->first = first->next;
    first->next->previous = NULL;
    first->next = NULL;
    current->queued = QUEUED;
    first->queued = QUEUED_NOT;
    return first;
}

void sched_wake_queued(struct pe *pe, struct thread *thread) {
    struct sched *sched = pe->sched;
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
    struct sched *sched = pe->sched;
    lock_acquire(&sched->lock);
    if (sched->candidate == thread) {
        sched->candidate = NULL;
    } else if (thread->queued) {
        dequeue(sched, thread);
    }
    lock_release(&sched->lock);
}

void sched_set_priority(struct pe *pe, struct thread *thread, unsigned priority) {
    struct sched *sched = pe->sched;
    lock_acquire(&sched->lock);
    bool queued = thread->queued != QUEUED_NOT;
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
    bool over = sched->rotate;
    sched->candidate = NULL;
    sched->rotate = false;
    if (current != NULL && current->state == SHEAF_STATE_READY) {
        if (candidate != NULL && candidate->priority > current->priority) {
            // It was interrupted, not used up: it keeps its turn at the head.
            enqueue(sched, current, !over);
        } else {
            if (candidate != NULL) {
                enqueue(sched, candidate, false);
                candidate = NULL;
            }
            if (sched->top < current->priority + (over ? 1u : 2u)) {
                return current;
            }
            enqueue(sched, current, !over);
        }
    }
    if (candidate != NULL) {
        if (sched_precedes(sched, candidate)) {
            return candidate;
        }
        enqueue(sched, candidate, false);
    }
    if (sched->top == 0) {
        return NULL;
    }
    return dequeue_first(sched);
}

void sched_start_slice(struct sched *sched) {
    sched->slice_priority = sched->top - 1;
    sched->slice_end = arch_now() + arch_timer_hz() / 1000 * SLICE_MICROSECONDS / 1000;
    timeout_alarm(sched);
}

void sched_end_slice(struct pe *pe) {
    struct sched *sched = pe->sched;
    const struct thread *current = pe->current;
    sched->slice_end = 0;
    sched->rotate = true;
    if (current == NULL || current->priority <= sched->slice_priority) {
        return;
    }
    lock_acquire(&sched->lock);
    struct thread_queue *queue = &sched->queue[sched->slice_priority];
    struct thread *first = queue->first;
    if (first != NULL && first->queued == QUEUED_IN_SLICE) {
        queue_remove(queue, first);
        queue_append(queue, first);
        first->queued = QUEUED;
    }
    lock_release(&sched->lock);
}

void sched_switch_first(struct pe *pe, struct thread *current, struct thread *next) {
    struct sched *sched = pe->sched;
    if (sched_slice_begins(sched, next)) {
        sched_start_slice(sched);
    }
    port_count(SHEAF_COUNTER_THREAD_SWITCHES, 1);
    pe->context = &next->context;
    pe->current = next;
    vspace_activate(thread_vspace(next));
    arch_switch(current != NULL ? &current->context : NULL, &next->context);
}

// Stands on the empty root until an interrupt makes a thread ready; without a tick: the timer is
// set for deadlines only. What dead containers are left by a deleter that died itself is cleared
// here.
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

// Any case.
static __attribute__((noinline)) void decide(struct pe *pe) {
    struct sched *sched = pe->sched;
    for (;;) {
        struct thread *current = pe->current;
        lock_acquire(&sched->lock);
        struct thread *next = choose(sched, current);
        lock_release(&sched->lock);
        if (next != NULL && next != current) {
            sched_switch(pe, sched, current, next);
            return;
        }
        if (next != NULL) {
            pe->context = &next->context;
            if (sched_slice_begins(sched, next)) {
                sched_start_slice(sched);
            }
            return;
        }
        if (current != NULL) {
            port_count(SHEAF_COUNTER_THREAD_SWITCHES, 1);
            arch_switch(&current->context, NULL);
            pe->current = NULL;
        }
        idle(pe, sched);
    }
}

// The usual cases. Nothing waits for a lock and every call is the last thing done: see
// sched_switch.

void sched_leave_beside(struct pe *pe, struct thread *thread) {
    struct sched *sched = pe->sched;
    ASSERT(sched->candidate == NULL && !sched->rotate);
    unsigned priority = thread->priority, current = pe->current->priority;
    thread->state = SHEAF_STATE_READY;
    if (unlikely(priority > current || !lock_try(&sched->lock))) {
        sched->candidate = thread;
        decide(pe);
        return;
    }
    enqueue(sched, thread, false);
    lock_release(&sched->lock);
    if (priority == current && sched->slice_end == 0) {
        sched_start_slice(sched);
    }
}

void sched_leave_blocked(struct pe *pe) {
    struct sched *sched = pe->sched;
    ASSERT(sched->candidate == NULL && !sched->rotate);
    if (unlikely(sched->top == 0 || !lock_try(&sched->lock))) {
        decide(pe);
        return;
    }
    struct thread *next = dequeue_first(sched);
    lock_release(&sched->lock);
    sched_switch(pe, sched, pe->current, next);
}

void sched_leave_yield(struct pe *pe) {
    struct sched *sched = pe->sched;
    ASSERT(sched->candidate == NULL && !sched->rotate);
    struct thread *current = pe->current;
    if (unlikely(sched->top <= current->priority)) {
        return; // it has no equals
    }
    if (unlikely(!lock_try(&sched->lock))) {
        sched->rotate = true;
        decide(pe);
        return;
    }
    struct thread *first = rotate(sched, current);
    lock_release(&sched->lock);
    sched_switch(pe, sched, current, first);
}

void sched_decide(struct pe *pe) {
    struct sched *sched = pe->sched;
    struct thread *current = pe->current, *candidate = sched->candidate;
    if (unlikely(current == NULL || current->state == SHEAF_STATE_READY || candidate == NULL ||
                 !sched_precedes(sched, candidate))) {
        decide(pe);
        return;
    }
    // It waits, and nobody precedes the one it has made ready: no queue is touched.
    sched->candidate = NULL;
    sched->rotate = false;
    sched_switch(pe, sched, current, candidate);
}
