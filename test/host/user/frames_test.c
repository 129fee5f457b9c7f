// SPDX-License-Identifier: BSD-2-Clause
// The queues of the frame budget.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <frames.h>
#include <stdlib.h>
#include "random.h"

#define FRAMES 50u
#define STATES 4u

static void all_frames_begin_free(void **state) {
    (void)state;
    assert_true(frames_open(FRAMES));
    assert_int_equal(frames_budget(), FRAMES);
    assert_int_equal(frames_count(FRAME_FREE), FRAMES);
    assert_int_equal(frames_oldest(FRAME_ACTIVE), 0);
    free(frames_get(0));
}

static void a_queue_keeps_its_order(void **state) {
    (void)state;
    assert_true(frames_open(FRAMES));
    for (uint32_t i = 1; i <= 5; i++)
        frames_set(i, FRAME_ACTIVE);
    frames_set(2, FRAME_ACTIVE);        // young again
    frames_set_oldest(9, FRAME_ACTIVE); // to be used first
    const uint32_t order[] = {9, 1, 3, 4, 5, 2};
    uint32_t number = frames_oldest(FRAME_ACTIVE);
    for (unsigned i = 0; i < 6; i++, number = frames_next_younger(number))
        assert_int_equal(number, order[i]);
    assert_int_equal(number, 0);
    free(frames_get(0));
}

// Walks every queue: each frame is in exactly one, the one of its state, as often as counted.
static void check(void) {
    unsigned seen = 0;
    for (unsigned s = 0; s < STATES; s++) {
        uint32_t previous = 0, count = 0;
        for (uint32_t n = frames_oldest((enum frame_state)s); n != 0; n = frames_next_younger(n)) {
            assert_int_equal(frames_get(n)->state, s);
            assert_int_equal(frames_get(n)->previous, previous);
            previous = n;
            assert_true(++count <= FRAMES);
        }
        assert_int_equal(count, frames_count((enum frame_state)s));
        seen += count;
    }
    assert_int_equal(seen, FRAMES);
}

static void any_order_of_moves_keeps_every_frame(void **state) {
    (void)state;
    uint64_t random = 11;
    assert_true(frames_open(FRAMES));
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t r = random_next(&random);
        uint32_t number = (uint32_t)(r % FRAMES) + 1;
        enum frame_state to = (enum frame_state)(r >> 20) % STATES;
        if ((r >> 40) % 2 != 0)
            frames_set(number, to);
        else
            frames_set_oldest(number, to);
        check();
    }
    free(frames_get(0));
}

static void reserve_and_batch_fit_every_budget(void **state) {
    (void)state;
    for (uint32_t budget = FRAMES_MINIMUM; budget < 2000; budget++) {
        assert_true(frames_open(budget));
        // Threads must be left what they need even when the reserve is full and a batch leaves.
        assert_true(frames_reserve() + frames_batch() + FRAMES_FOR_THREAD < budget);
        assert_true(frames_batch() >= 1 && frames_reserve() >= 2);
        free(frames_get(0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_frames_begin_free),
        cmocka_unit_test(a_queue_keeps_its_order),
        cmocka_unit_test(any_order_of_moves_keeps_every_frame),
        cmocka_unit_test(reserve_and_batch_fit_every_budget),
    };
    return cmocka_run_group_tests_name("user.frames", tests, NULL, NULL);
}
