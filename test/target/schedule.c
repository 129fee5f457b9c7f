// SPDX-License-Identifier: BSD-2-Clause
// Scheduling: fixed priorities, round robin within one, the tick that takes a PE from a thread that
// never gives it up.
#include "harness.h"
#include "registers.h"
#include "support.h"

// Threads append their number here when they run.
static volatile uint64_t order[64];
static volatile unsigned order_count;

static void note(uint64_t number) {
    if (order_count < 64) {
        order[order_count] = number;
        order_count = order_count + 1;
    }
}

static void note_once(struct helper *self) { note(self->argument[0]); }

static void higher_first(void) {
    order_count = 0;
    struct helper *helpers[4];
    static const unsigned priorities[] = {10, 40, 20, 30};
    for (unsigned i = 0; i < 4; i++) {
        helpers[i] = spawn(note_once, priorities[i], priorities[i], 0, 0);
    }
    CHECK_EQ(order_count, 0); // none outranks the main thread
    for (unsigned i = 0; i < 4; i++) {
        join(helpers[i]);
    }
    CHECK_EQ(order[0], 40);
    CHECK_EQ(order[1], 30);
    CHECK_EQ(order[2], 20);
    CHECK_EQ(order[3], 10);
}

static void resumed_higher_runs_at_once(void) {
    order_count = 0;
    struct helper *helper = spawn(note_once, MAIN_PRIORITY + 1, 5, 0, 0);
    CHECK(helper->finished);
    CHECK_EQ(order[0], 5);
}

static void raised_runs_at_once(void) {
    struct helper *helper = spawn(note_once, LOW_PRIORITY, 1, 0, 0);
    CHECK(!helper->finished);
    CHECK_OK(thread_priority(helper->thread, MAIN_PRIORITY + 1, 255, OWN_THREAD));
    CHECK(helper->finished);
}

static void lowered_gives_way(void) {
    struct helper *helper = spawn(note_once, LOW_PRIORITY, 1, 0, 0);
    CHECK(!helper->finished);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY - 1, 255, OWN_THREAD));
    CHECK(helper->finished);
}

static void wait_then_note(struct helper *self) {
    self->result[0] = receive(self->argument[0], 0).status;
    note(2);
}

static void woken_higher_runs_at_once(void) {
    order_count = 0;
    sheaf_cptr n = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 1);
    struct helper *helper = spawn(wait_then_note, MAIN_PRIORITY + 10, n, 0, 0);
    CHECK_EQ(thread_state(helper->thread), SHEAF_STATE_WAITING_NOTIFICATION);
    note(1);
    CHECK_OK(signal_bits(n));
    note(3);
    CHECK(helper->finished);
    CHECK_EQ(order[0], 1);
    CHECK_EQ(order[1], 2);
    CHECK_EQ(order[2], 3);
}

static void woken_lower_waits(void) {
    order_count = 0;
    sheaf_cptr n = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 1);
    struct helper *helper = spawn(wait_then_note, LOW_PRIORITY, n, 0, 0);
    wait_for_state(helper->thread, SHEAF_STATE_WAITING_NOTIFICATION);
    CHECK_OK(signal_bits(n));
    note(3);
    join(helper);
    CHECK_EQ(order[0], 3);
    CHECK_EQ(order[1], 2);
}

static void note_and_yield(struct helper *self) {
    for (unsigned i = 0; i < 5; i++) {
        note(self->argument[0]);
        yield();
    }
}

// A tick may fall between two yields and let a thread have two turns in a row; seldom.
static void yield_alternates(void) {
    order_count = 0;
    struct helper *one = spawn(note_and_yield, LOW_PRIORITY, 1, 0, 0);
    struct helper *two = spawn(note_and_yield, LOW_PRIORITY, 2, 0, 0);
    join(one);
    join(two);
    CHECK_EQ(order_count, 10);
    unsigned repeated = 0;
    for (unsigned i = 1; i < 10; i++) {
        repeated += order[i] == order[i - 1];
    }
    CHECK(repeated <= 3);
}

static void yield_does_not_go_down(void) {
    struct helper *helper = spawn(note_once, LOW_PRIORITY, 1, 0, 0);
    for (unsigned i = 0; i < 100; i++) {
        yield();
    }
    CHECK(!helper->finished);
    join(helper);
}

// Spins without a system call until the other one has been seen to advance ten times, or ten
// seconds have passed. result 0: turns of the other that were seen; argument 0: the other.
static void spin_and_watch(struct helper *self) {
    const struct helper *other = (const struct helper *)self->argument[0];
    uint64_t end = read_clock() + 10 * boot_information()->timer_hz;
    uint64_t seen = 0;
    while (self->result[0] < 10 && !other->finished && read_clock() < end) {
        self->result[1] = self->result[1] + 1;
        if (other->result[1] != seen) {
            seen = other->result[1];
            self->result[0] = self->result[0] + 1;
        }
    }
}

static void round_robin(void) {
    struct helper *one = new_helper(spin_and_watch, LOW_PRIORITY);
    struct helper *two = new_helper(spin_and_watch, LOW_PRIORITY);
    one->argument[0] = (uint64_t)two;
    two->argument[0] = (uint64_t)one;
    uint64_t interrupts = counter(SHEAF_COUNTER_KERNEL_INTERRUPTS);
    start(one);
    start(two);
    join(one);
    join(two);
    CHECK(one->result[0] >= 9 || two->result[0] >= 9);
    CHECK(one->result[1] > 0 && two->result[1] > 0);
    CHECK(counter(SHEAF_COUNTER_KERNEL_INTERRUPTS) >= interrupts + 10);
}

static void spin_for(struct helper *self) {
    uint64_t end = read_clock() + self->argument[0];
    while (read_clock() < end) {
        self->result[0] = self->result[0] + 1;
    }
}

// Over many ticks a thread of lower priority gets nothing.
static void no_tick_for_the_lower(void) {
    uint64_t tenth = boot_information()->timer_hz / 10;
    struct helper *high = spawn(spin_for, LOW_PRIORITY + 1, tenth, 0, 0);
    struct helper *low = spawn(spin_for, LOW_PRIORITY, tenth, 0, 0);
    join(high);
    CHECK(high->result[0] > 0);
    CHECK_EQ(low->result[0], 0);
    join(low);
}

// One second shared by three: each gets something like a third.
static void fair_shares(void) {
    uint64_t span = boot_information()->timer_hz;
    struct helper *helpers[3];
    for (unsigned i = 0; i < 3; i++) {
        helpers[i] = spawn(spin_for, LOW_PRIORITY, span, 0, 0);
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        join(helpers[i]);
        sum += helpers[i]->result[0];
    }
    for (unsigned i = 0; i < 3; i++) {
        CHECK(helpers[i]->result[0] > sum / 12);
    }
}

// Suspended while in the run queue, it must not run from there; resumed, it does.
static void suspended_while_ready(void) {
    struct helper *helper = spawn(note_once, LOW_PRIORITY, 1, 0, 0);
    CHECK_OK(thread_suspend(helper->thread));
    CHECK_OK(thread_priority(OWN_THREAD, 1, 255, OWN_THREAD));
    yield();
    CHECK(!helper->finished);
    CHECK_OK(thread_resume(helper->thread)); // it outranks us now
    CHECK(helper->finished);
}

static const struct test_case cases[] = {
    {"schedule.higher_priority_first", higher_first},
    {"schedule.resumed_higher_thread_runs_at_once", resumed_higher_runs_at_once},
    {"schedule.raised_thread_runs_at_once", raised_runs_at_once},
    {"schedule.lowered_thread_gives_way", lowered_gives_way},
    {"schedule.woken_higher_thread_runs_at_once", woken_higher_runs_at_once},
    {"schedule.woken_lower_thread_waits", woken_lower_waits},
    {"schedule.yield_alternates", yield_alternates},
    {"schedule.yield_does_not_reach_lower_priorities", yield_does_not_go_down},
    {"schedule.round_robin_without_yield", round_robin},
    {"schedule.lower_priority_gets_no_tick", no_tick_for_the_lower},
    {"schedule.shares_are_fair", fair_shares},
    {"schedule.suspended_while_ready", suspended_while_ready},
};

const struct test_area schedule_area = TEST_AREA(cases);
