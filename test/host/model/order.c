// SPDX-License-Identifier: BSD-2-Clause
// When each thread joined the queue it is in.
#include "order.h"
#include "news.h"
#include <string.h>

#define MOST_THREADS 64u

static struct {
    const struct thread *thread;
    const void *waiting_on;
    uint64_t since;
    uint8_t priority;
} arrivals[MOST_THREADS];

void order_begin(void) { memset(arrivals, 0, sizeof(arrivals)); }

static unsigned arrival_of(const struct thread *thread) {
    unsigned free = MOST_THREADS;
    for (unsigned i = 0; i < MOST_THREADS; i++) {
        if (arrivals[i].thread == thread)
            return i;
        if (arrivals[i].thread == NULL || !is_alive(arrivals[i].thread))
            free = i;
    }
    assert_true(free < MOST_THREADS);
    arrivals[free].thread = thread;
    arrivals[free].waiting_on = NULL;
    return free;
}

static const struct thread *thread_named(unsigned cap) {
    bool names = caps[cap].at != NULL && caps[cap].type == SHEAF_THREAD;
    return names ? port_kernel_address(PADDR(caps[cap].address)) : NULL;
}

static void note(const struct thread *thread, bool moved, uint64_t now) {
    unsigned at = arrival_of(thread);
    if (moved || arrivals[at].waiting_on != thread->waiting_on ||
        arrivals[at].priority != thread->priority)
        arrivals[at].since = now;
    arrivals[at].waiting_on = thread->waiting_on;
    arrivals[at].priority = thread->priority;
}

void order_check(const struct thread *mover, const struct thread *changed, uint64_t now) {
    for (unsigned i = 1; i < cap_count; i++) {
        const struct thread *thread = thread_named(i);
        if (thread != NULL)
            note(thread, thread == mover || thread == changed, now);
    }
    for (unsigned i = 1; i < cap_count; i++) {
        const struct thread *thread = thread_named(i);
        if (thread == NULL || thread->waiting_on == NULL || thread->next == NULL ||
            thread->next->priority != thread->priority)
            continue;
        assert_true(arrivals[arrival_of(thread)].since < arrivals[arrival_of(thread->next)].since);
    }
}
