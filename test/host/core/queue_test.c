// SPDX-License-Identifier: BSD-2-Clause
// Queues by priority: random threads come and go, and an array says in which order they stand.
#include "machine.h"
#include <sched.h>
#include <string.h>

#define THREADS 64
#define STEPS 200000

static struct thread threads[THREADS];
static struct thread *order[THREADS];
static unsigned count;
static uint64_t random_state;

static unsigned below(unsigned bound) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(random_state >> 33) % bound;
}

static void insert(struct thread_queue *queue, struct thread *thread) {
    unsigned place = count;
    while (place > 0 && order[place - 1]->priority < thread->priority)
        place--;
    memmove(&order[place + 1], &order[place], (count - place) * sizeof(order[0]));
    order[place] = thread;
    count++;
    queue_insert(queue, thread);
}

static void remove_at(struct thread_queue *queue, unsigned place) {
    struct thread *thread = order[place];
    count--;
    memmove(&order[place], &order[place + 1], (count - place) * sizeof(order[0]));
    if (place == 0 && below(2) == 0)
        assert_ptr_equal(queue_take_first(queue), thread);
    else
        queue_remove(queue, thread);
    assert_null(thread->next);
    assert_null(thread->lower);
}

static void check(const struct thread_queue *queue) {
    const struct thread *leader = NULL;
    assert_ptr_equal(queue->first, count != 0 ? order[0] : NULL);
    assert_ptr_equal(queue->last, count != 0 ? order[count - 1] : NULL);
    for (unsigned i = 0; i < count; i++) {
        assert_ptr_equal(order[i]->previous, i > 0 ? order[i - 1] : NULL);
        assert_ptr_equal(order[i]->next, i + 1 < count ? order[i + 1] : NULL);
        if (leader == NULL || leader->priority != order[i]->priority) {
            if (leader != NULL)
                assert_ptr_equal(leader->lower, order[i]);
            leader = order[i];
        } else {
            assert_null(order[i]->lower);
        }
    }
    if (leader != NULL)
        assert_null(leader->lower);
}

// With few priorities and with many: levels of many threads, and levels of one.
static void in_order_of_priority_then_arrival(void **state) {
    (void)state;
    static const unsigned priorities[] = {1, 2, 5, 40, SHEAF_PRIORITIES};
    for (unsigned kind = 0; kind < ARRAY_SIZE(priorities); kind++) {
        struct thread_queue queue = {0};
        memset(threads, 0, sizeof(threads));
        count = 0;
        random_state = kind + 1;
        for (unsigned step = 0; step < STEPS / ARRAY_SIZE(priorities); step++) {
            struct thread *thread = &threads[below(THREADS)];
            unsigned place = 0;
            while (place < count && order[place] != thread)
                place++;
            if (place < count) {
                remove_at(&queue, below(3) == 0 ? 0 : place);
            } else {
                thread->priority = (uint8_t)below(priorities[kind]);
                insert(&queue, thread);
            }
            check(&queue);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order_of_priority_then_arrival)};
    return cmocka_run_group_tests_name("core.queue", tests, NULL, NULL);
}
