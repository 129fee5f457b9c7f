// SPDX-License-Identifier: BSD-2-Clause
// Deadlines: of every wait, of Timers, and the alarm they share with the time slice.
#include "machine.h"
#include "timeout.h"
#include <stdlib.h>

#define SOON 1000

static uint64_t endpoint, reply, notification;
static struct helper other;

static int setup(void **state) {
    machine_setup(state);
    endpoint = make(SHEAF_ENDPOINT, 0);
    reply = make(SHEAF_REPLY, 0);
    notification = make(SHEAF_NOTIFICATION, 0);
    other = helper(PRIORITY_READY);
    fake.now = 5000;
    return 0;
}

static void pass(uint64_t ticks) {
    fake.now += ticks;
    interrupt();
}

static struct call until(uint64_t number, uint64_t cap, uint64_t deadline) {
    return (struct call){.number = number, .cap = cap, .deadline = deadline};
}

static void check_ready(const struct thread *thread, enum sheaf_error error) {
    assert_int_equal(thread->state, SHEAF_STATE_READY);
    assert_int_equal(result_of(thread).status, error);
    assert_int_equal(thread->timeout.deadline, 0);
    assert_null(thread->waiting_on);
    assert_null(thread->reply);
}

static void every_wait_ends(void **state) {
    (void)state;
    static const uint64_t numbers[] = {SHEAF_SYS_SEND, SHEAF_SYS_CALL, SHEAF_SYS_RECV,
                                       SHEAF_SYS_REPLY_RECV};
    for (unsigned i = 0; i <= ARRAY_SIZE(numbers); i++) {
        bool wait = i == ARRAY_SIZE(numbers);
        struct call call = wait ? until(SHEAF_SYS_RECV, notification, fake.now + SOON)
                                : until(numbers[i], endpoint, fake.now + SOON);
        if (i >= 2 && !wait)
            call.reply = reply;
        by(&other, call);
        assert_int_not_equal(other.thread->state, SHEAF_STATE_READY);
        assert_true(fake.timer_set);
        assert_int_equal(fake.deadline, call.deadline);
        pass(SOON - 1);
        assert_int_not_equal(other.thread->state, SHEAF_STATE_READY);
        pass(1);
        check_ready(other.thread, SHEAF_ERR_TIMED_OUT);
        assert_null(sched_of_pe[0].timeouts);
        check_invariants();
    }
    // Nothing is left behind: the Reply serves again, nobody is in the queue.
    FAILS(WOULD_BLOCK, make_call(&(struct call){.number = SHEAF_SYS_NB_SEND, .cap = endpoint}));
    FAILS(WOULD_BLOCK,
          make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint, .reply = reply}));
}

// The largest number stands for "stopped" inside, and means the same from outside: never.
static void the_last_deadline_never_comes(void **state) {
    (void)state;
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 1, BIT(63)};
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
        by(&other, until(SHEAF_SYS_RECV, notification, far[i]));
        uint64_t near = fake.now + SOON, timer = make(SHEAF_TIMER, 0);
        OK(INVOKE(timer, SHEAF_TIMER_ATTACH, badged(make(SHEAF_NOTIFICATION, 0), 2)));
        OK(INVOKE(timer, SHEAF_TIMER_SET, near));
        assert_int_equal(fake.deadline, near); // is not hidden by it
        pass(SOON);
        pass(BIT(40));
        assert_int_equal(other.thread->state, SHEAF_STATE_WAITING_NOTIFICATION);
        OK(make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = notification}));
        check_ready(other.thread, SHEAF_OK);
        assert_null(sched_of_pe[0].timeouts);
    }
}

static void no_answer_in_time(void **state) {
    (void)state;
    struct call receive = {.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply};
    by(&other, until(SHEAF_SYS_CALL, endpoint, fake.now + SOON));
    OK(make_call(&receive));
    assert_int_equal(other.thread->state, SHEAF_STATE_WAITING_REPLY);
    pass(SOON);
    check_ready(other.thread, SHEAF_ERR_TIMED_OUT);
    FAILS(NOT_WAITING, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
    by(&other, until(SHEAF_SYS_CALL, endpoint, fake.now + SOON));
    OK(make_call(&receive)); // the Reply is free again
    OK(make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
    check_ready(other.thread, SHEAF_OK);
    pass(SOON);
    check_ready(other.thread, SHEAF_OK);
}

static void in_time(void **state) {
    (void)state;
    by(&other, until(SHEAF_SYS_RECV, endpoint, fake.now + SOON));
    OK(make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = endpoint}));
    check_ready(other.thread, SHEAF_OK);
    by(&other, until(SHEAF_SYS_RECV, notification, fake.now + SOON));
    OK(make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = notification}));
    check_ready(other.thread, SHEAF_OK);
    assert_null(sched_of_pe[0].timeouts);
    pass(SOON); // the alarm is still set; it finds nothing
    check_ready(other.thread, SHEAF_OK);
    assert_null(sched_of_pe[0].timeouts);
    // A deadline that has passed does not matter to a call that need not wait.
    OK(make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = notification, .deadline = 1}));
    struct call take = until(SHEAF_SYS_RECV, notification, 1);
    OK(make_call(&take));
    by(&other, take); // one that must
    interrupt();
    check_ready(other.thread, SHEAF_ERR_TIMED_OUT);
}

static void suspended_and_deleted(void **state) {
    (void)state;
    by(&other, until(SHEAF_SYS_RECV, endpoint, fake.now + SOON));
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    assert_null(sched_of_pe[0].timeouts);
    by(&other, until(SHEAF_SYS_RECV, endpoint, fake.now + SOON));
    OK(destroy(endpoint));
    check_ready(other.thread, SHEAF_ERR_CANCELLED);
    by(&other, until(SHEAF_SYS_RECV, notification, fake.now + SOON));
    OK(destroy(other.cap));
    assert_null(sched_of_pe[0].timeouts);
    pass(SOON);
}

static void idle_until_the_deadline(void **state) {
    (void)state;
    uint64_t before = fake.now;
    struct call call = until(SHEAF_SYS_RECV, notification, fake.now + SOON);
    execute(&call); // nobody else is ready: the PE idles, and the alarm ends that
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(fake.now, before + SOON);
    assert_int_equal(result_of(running()).status, SHEAF_ERR_TIMED_OUT);
}

static void slice_and_deadline_share_the_alarm(void **state) {
    (void)state;
    const uint64_t slice = FAKE_TIMER_HZ / 1000 * SLICE_MICROSECONDS / 1000;
    struct helper equal = helper(PRIORITY_RUNNING);
    by(&other, until(SHEAF_SYS_RECV, endpoint, fake.now + 2 * slice + 5));
    resume(&equal);
    assert_int_equal(fake.deadline, fake.now + slice); // the slice ends first
    pass(slice);
    assert_ptr_equal(running(), equal.thread);
    pass(slice);
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(fake.deadline, fake.now + 5);
    assert_int_equal(other.thread->state, SHEAF_STATE_RECEIVING);
    pass(5);
    check_ready(other.thread, SHEAF_ERR_TIMED_OUT);
    assert_ptr_equal(running(), thread_of(INIT)); // its slice is not over
    assert_true(fake.timer_set);
}

static void tail_of_a_gather(void **state) {
    (void)state;
    struct call call = {.number = SHEAF_SYS_GATHER,
                        .cap = endpoint,
                        .reply = reply,
                        .gather = SHEAF_GATHER_ARG(0, SHEAF_GATHER_REPLY_RECV),
                        .deadline = fake.now + SOON};
    execute(&call);
    struct result result = result_of(running());
    assert_int_equal(result.status, SHEAF_ERR_TIMED_OUT);
    assert_int_equal(SHEAF_GATHER_ERROR(result.x10), SHEAF_OK); // the operations succeeded
    assert_int_equal(SHEAF_GATHER_BATCHES(result.x11), 0);
}

static void faults_have_no_deadline(void **state) {
    (void)state;
    configure(other.cap, 0, 0, endpoint, 0, 0);
    resume(&other);
    become(other.cap);
    other.thread->context.reg[SHEAF_REG_DEADLINE] = 1;
    page_fault(UINT64_C(0x1000), SHEAF_ACCESS_READ);
    become(INIT);
    pass(SOON);
    assert_int_equal(other.thread->state, SHEAF_STATE_SENDING);
}

// ---- The queue: random deadlines come out in order, whatever is taken out in between

static void random_deadlines(void **state) {
    (void)state;
    enum { COUNT = 200, STEPS = 20000 };
    uint64_t timers = make_many(SHEAF_TIMER, 0, COUNT);
    struct sched *sched = &sched_of_pe[0];
    srand(1);
    for (unsigned step = 0; step < STEPS; step++) {
        struct timer *timer = slot_of(timers + (unsigned)rand() % COUNT)->object;
        if (timer->timeout.deadline != 0)
            timeout_cancel(&timer->timeout);
        else
            timeout_start(&fake.pe[0], &timer->timeout, 1 + (unsigned)rand() % 500);
        if (step % 50 == 0) {
            uint64_t earliest = UINT64_MAX;
            unsigned queued = 0;
            for (unsigned i = 0; i < COUNT; i++) {
                const struct timer *each = slot_of(timers + i)->object;
                if (each->timeout.deadline != 0) {
                    earliest = MIN(earliest, each->timeout.deadline);
                    queued++;
                }
            }
            assert_true(queued == 0 || sched->timeouts->deadline == earliest);
            check_invariants(); // the shape of the heap, too
        }
    }
    for (uint64_t last = 0; sched->timeouts != NULL;) {
        assert_true(sched->timeouts->deadline >= last);
        last = sched->timeouts->deadline;
        timeout_cancel(sched->timeouts);
    }
}

static void many_at_once(void **state) {
    (void)state;
    enum { COUNT = 50 };
    uint64_t timers = make_many(SHEAF_TIMER, 0, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        OK(INVOKE(timers + i, SHEAF_TIMER_SET, 1));
    interrupt();
    unsigned left = 0;
    for (unsigned i = 0; i < COUNT; i++)
        left += ((struct timer *)slot_of(timers + i)->object)->timeout.deadline != 0 ? 1u : 0u;
    assert_int_equal(left, COUNT - EXPIRE_SLICE); // and the alarm comes again at once
    assert_true(fake.timer_set && fake.deadline <= fake.now);
    for (unsigned i = 0; i < COUNT; i++)
        interrupt();
    assert_null(sched_of_pe[0].timeouts);
    assert_false(fake.timer_set);
}

// ---- Timers

static uint64_t bits(void) {
    struct result result =
        make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = notification});
    return result.status == SHEAF_OK ? result.word[0] : 0;
}

static void timer_signals(void **state) {
    (void)state;
    uint64_t timer = make(SHEAF_TIMER, 0);
    struct result time = INVOKE(timer, SHEAF_TIMER_GET_TIME);
    OK(time);
    assert_int_equal(time.word[0], fake.now);
    assert_int_equal(time.word[1], FAKE_TIMER_HZ);
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, badged(notification, 0x40)));
    FAILS(IN_USE, INVOKE(timer, SHEAF_TIMER_ATTACH, notification));
    OK(INVOKE(timer, SHEAF_TIMER_SET, fake.now + SOON));
    pass(SOON - 1);
    assert_int_equal(bits(), 0);
    pass(1);
    assert_int_equal(bits(), 0x40);
    pass(SOON);
    assert_int_equal(bits(), 0); // once
    OK(INVOKE(timer, SHEAF_TIMER_SET, fake.now + SOON));
    OK(INVOKE(timer, SHEAF_TIMER_SET, fake.now + 2 * SOON)); // in its place
    pass(SOON);
    assert_int_equal(bits(), 0);
    OK(INVOKE(timer, SHEAF_TIMER_SET, 0));
    pass(SOON);
    assert_int_equal(bits(), 0);
    OK(INVOKE(timer, SHEAF_TIMER_SET, 1)); // long past
    interrupt();
    assert_int_equal(bits(), 0x40);
}

static void timer_errors(void **state) {
    (void)state;
    uint64_t timer = make(SHEAF_TIMER, 0), reader = copy_of(notification, SHEAF_RIGHT_READ);
    FAILS(NO_RIGHT, INVOKE(timer, SHEAF_TIMER_ATTACH, reader));
    FAILS(WRONG_TYPE, INVOKE(timer, SHEAF_TIMER_ATTACH, endpoint));
    FAILS(INVALID_CAPABILITY, INVOKE(timer, SHEAF_TIMER_ATTACH, UINT64_C(9000)));
    FAILS(INVALID_ARGUMENT, INVOKE(timer, SHEAF_TIMER_SET));
    FAILS(UNKNOWN_METHOD, INVOKE(timer, SHEAF_TIMER_SET + 1));
}

static void timer_dies(void **state) {
    (void)state;
    uint64_t memory = untyped(12), timer = make_from(memory, SHEAF_TIMER, 0);
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, notification));
    OK(INVOKE(timer, SHEAF_TIMER_SET, fake.now + SOON));
    OK(revoke(memory));
    assert_null(sched_of_pe[0].timeouts);
    assert_null(slot_of(notification)->first_child);
    assert_int_equal(bytes_left(memory), 4096);
    timer = make_from(memory, SHEAF_TIMER, 0);
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, notification));
    OK(INVOKE(timer, SHEAF_TIMER_SET, fake.now + SOON));
    OK(revoke(notification)); // what was attached goes; the Timer goes on
    pass(SOON);
    assert_int_equal(bits(), 0);
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, notification));
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, 0));
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, notification));
    OK(destroy(notification)); // lives on in the Timer
    OK(INVOKE(timer, SHEAF_TIMER_SET, 1));
    interrupt();
    OK(INVOKE(timer, SHEAF_TIMER_ATTACH, 0)); // and dies with this
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_wait_ends),
        CASE(the_last_deadline_never_comes),
        CASE(no_answer_in_time),
        CASE(in_time),
        CASE(suspended_and_deleted),
        CASE(idle_until_the_deadline),
        CASE(slice_and_deadline_share_the_alarm),
        CASE(tail_of_a_gather),
        CASE(faults_have_no_deadline),
        CASE(random_deadlines),
        CASE(many_at_once),
        CASE(timer_signals),
        CASE(timer_errors),
        CASE(timer_dies),
    };
    return cmocka_run_group_tests_name("core.timeout", tests, NULL, NULL);
}
