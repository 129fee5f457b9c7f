// SPDX-License-Identifier: BSD-2-Clause
// The scheduler: who runs, in which order, and when the timer runs.
#include "machine.h"
#include "sched.h"

#define SLICE (FAKE_TIMER_HZ / 1000 * SLICE_MICROSECONDS / 1000)

static void run_yield(void) { execute(&(struct call){.number = SHEAF_SYS_YIELD}); }

static void highest_runs(void **state) {
    (void)state;
    struct helper low = helper(10), high = helper(20);
    resume(&low);
    resume(&high);
    assert_ptr_equal(running(), thread_of(INIT));
    set_priority(INIT, 15);
    assert_ptr_equal(running(), high.thread);
    OK(INVOKE(high.cap, SHEAF_THREAD_SUSPEND));
    assert_ptr_equal(running(), thread_of(INIT));
    set_priority(low.cap, 16);
    assert_ptr_equal(running(), low.thread);
}

static void every_priority_is_found(void **state) {
    (void)state;
    struct helper other = helper(1);
    resume(&other);
    for (unsigned priority = 1; priority < 255; priority++) {
        set_priority(other.cap, priority);
        set_priority(INIT, priority - 1);
        assert_ptr_equal(running(), other.thread);
        set_priority(INIT, 255);
        assert_ptr_equal(running(), thread_of(INIT));
        check_invariants();
    }
}

static void yield_goes_round(void **state) {
    (void)state;
    struct helper others[3];
    for (unsigned i = 0; i < 3; i++) {
        others[i] = helper(PRIORITY_RUNNING);
        resume(&others[i]);
    }
    for (unsigned round = 0; round < 3; round++) {
        assert_ptr_equal(running(), thread_of(INIT));
        for (unsigned i = 0; i < 3; i++) {
            run_yield();
            assert_ptr_equal(running(), others[i].thread);
        }
        run_yield();
    }
}

static void yield_alone_goes_on(void **state) {
    (void)state;
    struct helper low = helper(10);
    resume(&low);
    unsigned before = fake.switches;
    run_yield();
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(fake.switches, before);
}

static void tick_only_among_equals(void **state) {
    (void)state;
    struct helper low = helper(10), equal = helper(PRIORITY_RUNNING);
    resume(&low);
    assert_false(fake.timer_set);
    resume(&equal);
    assert_true(fake.timer_set);
    assert_int_equal(fake.deadline - fake.now, SLICE);
    fake.now += SLICE - 1;
    interrupt();
    assert_ptr_equal(running(), thread_of(INIT));
    fake.now += 1;
    interrupt();
    assert_ptr_equal(running(), equal.thread);
    assert_true(fake.timer_set); // for the next turn
    fake.now += SLICE;
    interrupt();
    assert_ptr_equal(running(), thread_of(INIT));
    OK(INVOKE(equal.cap, SHEAF_THREAD_SUSPEND));
    fake.now += SLICE;
    interrupt(); // the last one comes, and is not renewed
    assert_ptr_equal(running(), thread_of(INIT));
    assert_false(fake.timer_set);
}

static void preempted_keeps_its_turn(void **state) {
    (void)state;
    struct helper equal = helper(PRIORITY_RUNNING), high = helper(PRIORITY_RUNNING + 1);
    resume(&equal);
    resume(&high);
    assert_ptr_equal(running(), high.thread);
    OK(INVOKE(high.cap, SHEAF_THREAD_SUSPEND));
    assert_ptr_equal(running(), thread_of(INIT)); // and not the one behind it
}

static void direct_switch_touches_no_queue(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    by(&server, (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    execute(&(struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    assert_ptr_equal(running(), server.thread);
    assert_ptr_equal(fake.switched_from, &thread_of(INIT)->context);
    assert_ptr_equal(fake.switched_to, &server.thread->context);
    assert_int_equal(sched_of_pe[0].top, 0);
    execute(&(struct call){.number = SHEAF_SYS_REPLY_RECV, .cap = endpoint, .reply = reply});
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(sched_of_pe[0].top, 0);
}

static void no_direct_switch_past_a_higher_thread(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), middle = helper(PRIORITY_READY + 1);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    by(&server, (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    resume(&middle);
    execute(&(struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    assert_ptr_equal(running(), middle.thread);
    assert_true(server.thread->queued);
}

static void idle_stands_on_the_empty_root(void **state) {
    (void)state;
    struct helper equal = helper(PRIORITY_RUNNING);
    resume(&equal); // the timer runs
    uint64_t notification = make(SHEAF_NOTIFICATION, 0);
    const struct call wait = {.number = SHEAF_SYS_RECV, .cap = notification};
    OK(INVOKE(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_CONSOLE_BIND, notification));
    OK(INVOKE(equal.cap, SHEAF_THREAD_SUSPEND));
    execute(&wait);
    assert_null(running());
    assert_string_equal(core_thread_name(&fake.pe[0]), "idle");
    assert_int_equal(port_loaded_root() >> 48, 0);
    assert_false(fake.timer_set);
    assert_int_equal(fake.exit, FAKE_IDLE);
    fake.input[fake.input_count++] = 'x';
    interrupt();
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_not_equal(port_loaded_root() >> 48, 0);
    OK(result_of(running()));
}

// A thread that signals one of higher priority just before its slice is over, so that the tick
// comes while that one runs, must not keep its equals from their turn.
static void a_slice_ends_while_a_higher_one_runs(void **state) {
    (void)state;
    struct helper equal = helper(PRIORITY_RUNNING), high = helper(PRIORITY_RUNNING + 1);
    uint64_t bell = make(SHEAF_NOTIFICATION, 0);
    by(&high, (struct call){.number = SHEAF_SYS_RECV, .cap = bell});
    set_priority(high.cap, PRIORITY_RUNNING + 1);
    resume(&equal);
    for (unsigned i = 0; i < 4 && running() == thread_of(INIT); i++) {
        fake.now += SLICE - 1;
        execute(&(struct call){.number = SHEAF_SYS_SEND, .cap = bell});
        assert_ptr_equal(running(), high.thread);
        fake.now += 1;
        interrupt();
        execute(&(struct call){.number = SHEAF_SYS_RECV, .cap = bell});
    }
    assert_ptr_equal(running(), equal.thread);
}

// The same by a call, which it waits for.
static void a_slice_ends_during_a_call(void **state) {
    (void)state;
    struct helper equal = helper(PRIORITY_RUNNING), server = helper(PRIORITY_RUNNING + 1);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct call answer = {.number = SHEAF_SYS_REPLY_RECV, .cap = endpoint, .reply = reply};
    by(&server, answer);
    set_priority(server.cap, PRIORITY_RUNNING + 1);
    resume(&equal);
    fake.now += SLICE - 1;
    execute(&(struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    assert_ptr_equal(running(), server.thread);
    execute(&answer);
    assert_ptr_equal(running(), thread_of(INIT)); // in time: it goes on
    execute(&(struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    fake.now += 1;
    interrupt();
    assert_ptr_equal(running(), server.thread);
    execute(&answer);
    assert_ptr_equal(running(), equal.thread);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_slice_ends_during_a_call),
        TEST(a_slice_ends_while_a_higher_one_runs),
        TEST(highest_runs),
        TEST(every_priority_is_found),
        TEST(yield_goes_round),
        TEST(yield_alone_goes_on),
        TEST(tick_only_among_equals),
        TEST(preempted_keeps_its_turn),
        TEST(direct_switch_touches_no_queue),
        TEST(no_direct_switch_past_a_higher_thread),
        TEST(idle_stands_on_the_empty_root),
    };
    return cmocka_run_group_tests_name("core.schedule", tests, NULL, NULL);
}
