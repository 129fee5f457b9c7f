// SPDX-License-Identifier: BSD-2-Clause
// The scheduler: 256 fixed priorities, round robin within one, one set of queues for each PE.
//
// The running thread is in no queue. A thread that becomes ready during a kernel entry is kept
// aside as the candidate, and only when the kernel is left it is decided who goes on: the
// candidate takes the PE straight from a thread that blocked, without passing through a queue, if
// nothing of higher priority is ready. So an IPC in both directions touches no run queue at all.
//
// Time: a slice runs only while another thread of the running one's priority is ready. At its
// end the running thread goes to the end of its queue. The slice belongs to the PE and not to the
// thread: a direct switch neither renews it nor programs the timer. Where it ends while somebody of
// higher priority runs, the one who was interrupted in it has had its turn all the same.
#ifndef SCHED_H
#define SCHED_H

#include "objects.h"

#define SLICE_MICROSECONDS 5000

struct sched {
    struct lock lock;
    unsigned top;             // highest priority with a thread in its queue, plus one; 0: none
    struct thread *candidate; // became ready during this kernel entry; in no queue
    bool rotate;              // the running thread's slice is over, or it yields
    uint64_t slice_end;       // of the time slice that runs; 0: none does
    unsigned slice_priority;  // of those among whom it began
    uint64_t alarm;           // what the timer is set to; NO_ALARM: stopped (timeout.h)
    struct timeout *timeouts; // deadlines, earliest first
    uint64_t ready_words;     // which words of `ready` are not 0
    uint64_t ready[SHEAF_PRIORITIES / 64]; // which queues are not empty
    struct thread_queue queue[SHEAF_PRIORITIES];
};

extern struct sched sched_of_pe[MAX_PES];

void sched_init(struct pe *pe); // all PEs' queues; `pe` finds its own

void sched_wake_queued(struct pe *pe, struct thread *thread); // the long way of sched_wake

// A wait is over, its deadline too: the thread's state becomes READY and it will run in its turn.
// It is in no queue. `pe` is the running PE: nobody else looks at its candidate, which so needs no
// lock.
static inline void sched_wake(struct pe *pe, struct thread *thread) {
    thread->state = SHEAF_STATE_READY;
    if (likely(pe->sched->candidate == NULL && thread->timeout.deadline == 0)) {
        pe->sched->candidate = thread;
    } else {
        sched_wake_queued(pe, thread);
    }
}
// Takes a READY thread that may be in a run queue, or be the candidate, out of the scheduler.
void sched_forget(struct pe *pe, struct thread *thread);
// Takes a new priority into account.
void sched_set_priority(struct pe *pe, struct thread *thread, unsigned priority);

void sched_decide(struct pe *pe); // the long way of sched_leave

// What sched_leave comes to where a system call knows it. Nobody else became ready during this
// kernel entry, and the running thread's slice is not over.
//
// `thread`, taken out of a wait without deadline, is ready beside the running one.
void sched_leave_beside(struct pe *pe, struct thread *thread);
void sched_leave_blocked(struct pe *pe); // the running thread waits
void sched_leave_yield(struct pe *pe);   // the running thread gives way to its equals

// Before the kernel is left: pe->current and pe->context are who goes on; waits while nobody can.
static inline void sched_leave(struct pe *pe) {
    const struct sched *sched = pe->sched;
    const struct thread *current = pe->current;
    // An equal may be waiting for its turn as long as the timer runs that will end this one.
    unsigned most = current != NULL ? current->priority + (sched->slice_end != 0 ? 1u : 0u) : 0;
    if (likely(current != NULL && current->state == SHEAF_STATE_READY && sched->candidate == NULL &&
               sched->top <= most && !sched->rotate)) {
        return;
    }
    sched_decide(pe);
}

void sched_start_slice(struct sched *sched);
void sched_end_slice(struct pe *pe); // its time is over

// Whether the thread, woken, precedes all that are in queues: its equals only within a slice.
static inline bool sched_precedes(const struct sched *sched, const struct thread *thread) {
    return likely(sched->top <= thread->priority) ||
           (sched->top == thread->priority + 1u && sched->slice_end != 0);
}

// The long way of sched_switch.
void sched_switch_first(struct pe *pe, struct thread *current, struct thread *next);

// Whether a time slice must begin when `next` goes on: it has an equal, and none runs.
static inline bool sched_slice_begins(const struct sched *sched, const struct thread *next) {
    return sched->top == next->priority + 1u && sched->slice_end == 0;
}

// Lets `next`, which is in no queue, go on instead of `current` (NULL: nobody ran). Nobody of
// higher priority is in a queue, and no slice must begin. Every call in it is the last thing it
// does, so that the fast path keeps nothing on the stack.
static inline void sched_switch_in_slice(struct pe *pe, struct thread *current,
                                         struct thread *next) {
    const struct vspace *vspace = thread_vspace(next);
    if (unlikely(!vspace_was_loaded(vspace))) {
        sched_switch_first(pe, current, next);
        return;
    }
    port_count(SHEAF_COUNTER_THREAD_SWITCHES, 1);
    pe->context = &next->context;
    pe->current = next;
    vspace_load(vspace);
    arch_switch(current != NULL ? &current->context : NULL, &next->context);
}

// The same, whether or not a slice must begin.
static inline void sched_switch(struct pe *pe, const struct sched *sched, struct thread *current,
                                struct thread *next) {
    if (unlikely(sched_slice_begins(sched, next))) {
        sched_switch_first(pe, current, next);
    } else {
        sched_switch_in_slice(pe, current, next);
    }
}

// At the end of a queue that is empty or ends with the thread's own priority.
static inline void queue_append(struct thread_queue *queue, struct thread *thread) {
    thread->previous = queue->last;
    thread->next = NULL;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = thread;
    queue->last = thread;
}

// The first one, of a queue that is not empty.
static inline struct thread *queue_take_first(struct thread_queue *queue) {
    struct thread *first = queue->first, *second = first->next;
    queue->first = second;
    if (likely(second == NULL)) {
        queue->last = NULL;
    } else {
        second->previous = NULL;
        if (second != first->lower) {
            second->lower = first->lower;
        }
        first->next = NULL;
        first->lower = NULL;
    }
    return first;
}

// Queues by descending priority, in order of arrival within one; at most SHEAF_PRIORITIES steps.
// The queue's lock is held.
void queue_insert(struct thread_queue *queue, struct thread *thread);
void queue_remove(struct thread_queue *queue, struct thread *thread);

#endif
