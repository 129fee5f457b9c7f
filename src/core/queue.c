// SPDX-License-Identifier: BSD-2-Clause
// Queues of threads, by descending priority, in order of arrival within one.
//
// The threads of one priority are a level. The first of each level knows the first of the next
// lower one, so a place is found in as many steps as there are priorities, however many wait:
//
//      first -> [9] - [9] - [9] - [4] - [1] - [1] <- last
//                |                 ^ |   ^
//                +----- lower -----+ +---+
//
// `lower` is NULL in every other thread, also in those that are in no queue.
#include "sched.h"

static void link_between(struct thread_queue *queue, struct thread *before, struct thread *thread,
                         struct thread *after) {
    thread->previous = before;
    thread->next = after;
    *(before != NULL ? &before->next : &queue->first) = thread;
    *(after != NULL ? &after->previous : &queue->last) = thread;
}

void queue_insert(struct thread_queue *queue, struct thread *thread) {
    if (likely(queue->last == NULL || queue->last->priority == thread->priority)) {
        queue_append(queue, thread);
        return;
    }
    struct thread *above = NULL; // first of the last level that stays in front
    struct thread *below = queue->first;
    while (below != NULL && below->priority >= thread->priority) {
        above = below;
        below = below->lower;
    }
    link_between(queue, below != NULL ? below->previous : queue->last, thread, below);
    if (above == NULL || above->priority != thread->priority) {
        thread->lower = below;
        if (above != NULL) {
            above->lower = thread;
        }
    }
}

// The level of `thread`, its first, begins with the next one or is no more.
static void leave_level(struct thread_queue *queue, struct thread *thread) {
    struct thread *next = thread->next, *heir = thread->lower;
    if (next != heir) { // of the same level
        next->lower = heir;
        heir = next;
    }
    if (thread->previous != NULL) {
        struct thread *above = queue->first;
        while (above->lower != thread) {
            above = above->lower;
        }
        above->lower = heir;
    }
    thread->lower = NULL;
}

void queue_remove(struct thread_queue *queue, struct thread *thread) {
    if (thread->previous == NULL || thread->previous->priority != thread->priority) {
        leave_level(queue, thread);
    }
    *(thread->previous != NULL ? &thread->previous->next : &queue->first) = thread->next;
    *(thread->next != NULL ? &thread->next->previous : &queue->last) = thread->previous;
    thread->next = NULL;
    thread->previous = NULL;
}
