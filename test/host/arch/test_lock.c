// SPDX-License-Identifier: BSD-2-Clause
// The target's lock word, with threads of the host as PEs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include <lock.h>

#define TURNS 3000

static struct lock lock;
static unsigned order[MAX_PES], arrived;
static uint64_t sum, waits;

static void take(unsigned pe) {
    if (!lock_word_try(&lock)) {
        lock_word_wait(&lock, pe);
    }
}

static void *wait_once(void *pe) {
    take((unsigned)(uintptr_t)pe);
    order[arrived++] = (unsigned)(uintptr_t)pe;
    lock_word_give(&lock);
    return NULL;
}

// A reader and writer of what the lock protects, in two steps that others must not come between.
static void *add_often(void *pe) {
    for (unsigned i = 0; i < TURNS; i++) {
        if (!lock_word_try(&lock)) {
            lock_word_wait(&lock, (unsigned)(uintptr_t)pe);
            waits++;
        }
        uint64_t before = *(volatile uint64_t *)&sum;
        if (i % 16 == 0) {
            lock_relax();
        }
        *(volatile uint64_t *)&sum = before + 1;
        lock_word_give(&lock);
    }
    return NULL;
}

static void assert_free(void) {
    struct lock free = {0};
    assert_memory_equal(&lock, &free, sizeof(lock));
}

static void free_one_is_taken_at_once(void **state) {
    (void)state;
    assert_true(lock_word_try(&lock));
    assert_int_equal(lock.held, 1);
    assert_false(lock_word_try(&lock));
    lock_word_give(&lock);
    assert_free();
}

static void owned_in_order_of_arrival(void **state) {
    (void)state;
    pthread_t threads[MAX_PES];
    arrived = 0;
    assert_true(lock_word_try(&lock));
    for (unsigned i = 0; i < MAX_PES; i++) {
        unsigned pe = (i * 3 + 1) % MAX_PES;
        assert_int_equal(pthread_create(&threads[i], NULL, wait_once, (void *)(uintptr_t)pe), 0);
        while (__atomic_load_n(&lock.last, __ATOMIC_ACQUIRE) != pe + 1) {
            lock_relax();
        }
    }
    lock_word_give(&lock);
    // Free, but not for who comes now.
    for (unsigned i = 0; i < MAX_PES; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (unsigned i = 0; i < MAX_PES; i++) {
        assert_int_equal(order[i], (i * 3 + 1) % MAX_PES);
    }
    assert_free();
}

static void one_owner_at_a_time(void **state) {
    (void)state;
    pthread_t threads[MAX_PES];
    sum = 0;
    for (unsigned i = 0; i < MAX_PES; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_often, (void *)(uintptr_t)i), 0);
    }
    for (unsigned i = 0; i < MAX_PES; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(sum, (uint64_t)TURNS * MAX_PES);
    assert_true(waits > 0); // so the queue was used
    assert_free();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_one_is_taken_at_once),
        cmocka_unit_test(owned_in_order_of_arrival),
        cmocka_unit_test(one_owner_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
