// SPDX-License-Identifier: BSD-2-Clause
// Queues of threads, by descending priority.
#include "sched.h"

// Searched from the end: among equals, and that is nearly always, the place is the end. With n
// waiters of lower priority it costs n steps; a queue of an Endpoint is as long as its clients are
// many.
void queue_insert(struct thread_queue *queue, struct thread *thread) {
    struct thread *before = queue->last;
    while (before != NULL && before->priority < thread->priority) {
        before = before->previous;
    }
    struct thread *after = before != NULL ? before->next : queue->first;
    thread->previous = before;
    thread->next = after;
    *(before != NULL ? &before->next : &queue->first) = thread;
    *(after != NULL ? &after->previous : &queue->last) = thread;
}

void queue_remove(struct thread_queue *queue, struct thread *thread) {
    *(thread->previous != NULL ? &thread->previous->next : &queue->first) = thread->next;
    *(thread->next != NULL ? &thread->next->previous : &queue->last) = thread->previous;
    thread->next = NULL;
    thread->previous = NULL;
}
