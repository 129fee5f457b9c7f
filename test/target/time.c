// SPDX-License-Identifier: BSD-2-Clause
// Time: deadlines of waits, Timers, and the C library's sleep and clocks.
//
// An emulator may run late, never early: the cases bound from below, and from above only by what
// comes before what.
#include "harness.h"
#include "support.h"

#include <sheaf/time.h>

#include <errno.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int nanosleep(const struct timespec *wanted, struct timespec *left);

static uint64_t milliseconds(uint64_t count) { return sheaf_clock_hz() * count / 1000; }
static uint64_t soon(void) { return sheaf_clock() + milliseconds(5); }

static void check_times_out(unsigned number, sheaf_cptr cap, sheaf_cptr reply) {
    uint64_t deadline = soon();
    struct message m = exchange_until(number, cap, reply, MESSAGE(1, 0, 0), deadline);
    CHECK(sheaf_clock() >= deadline);
    CHECK_ERROR(m.status, TIMED_OUT);
    CHECK_EQ(m.tag, 0);
}

static void every_wait(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    check_times_out(SHEAF_SYS_SEND, e, 0);
    check_times_out(SHEAF_SYS_CALL, e, 0);
    check_times_out(SHEAF_SYS_RECV, e, reply);
    check_times_out(SHEAF_SYS_REPLY_RECV, e, reply);
    check_times_out(SHEAF_SYS_RECV, make(SHEAF_NOTIFICATION, 0), 0);
    CHECK_ERROR(nb_send(e, MESSAGE(0, 0, 0)), WOULD_BLOCK); // nobody is left in the queue
    CHECK_ERROR(nb_receive(e, reply).status, WOULD_BLOCK);
}

static void tail(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    uint64_t deadline = soon();
    struct registers r = {.x = {[0] = e,
                                [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                                [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(0, SHEAF_GATHER_REPLY_RECV),
                                [SHEAF_REG_DEADLINE] = deadline}};
    system_call(&r);
    CHECK(sheaf_clock() >= deadline);
    CHECK_ERROR(r.x[0], TIMED_OUT);
    CHECK_EQ(SHEAF_GATHER_ERROR(r.x[10]), SHEAF_OK);
}

static void take_and_forget(struct helper *self) {
    self->result[0] = receive(self->argument[0], self->argument[1]).status;
}

static void no_answer(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    struct helper *server = spawn(take_and_forget, LOW_PRIORITY, e, reply, 0);
    check_times_out(SHEAF_SYS_CALL, e, 0);
    CHECK_OK(server->result[0]); // it had the message
    CHECK_ERROR(answer(reply, MESSAGE(0, 0, 0)), NOT_WAITING);
}

static void send_once(struct helper *self) {
    self->result[0] = send(self->argument[0], MESSAGE(0, 1, 77));
}

static void in_time(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    spawn(send_once, LOW_PRIORITY, e, 0, 0);
    struct message m =
        exchange_until(SHEAF_SYS_RECV, e, 0, MESSAGE(0, 0, 0), sheaf_clock() + milliseconds(60000));
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 77);
    // Long past, but there is nothing to wait for.
    sheaf_cptr n = make(SHEAF_NOTIFICATION, 0);
    CHECK_OK(signal_bits(n));
    CHECK_OK(exchange_until(SHEAF_SYS_RECV, n, 0, MESSAGE(0, 0, 0), 1).status);
    CHECK_ERROR(exchange_until(SHEAF_SYS_RECV, n, 0, MESSAGE(0, 0, 0), 1).status, TIMED_OUT);
}

static void far_away(void) {
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0), n = make(SHEAF_NOTIFICATION, 0);
    for (unsigned i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
        spawn(send_once, LOW_PRIORITY, e, 0, 0);
        CHECK_OK(exchange_until(SHEAF_SYS_RECV, e, 0, MESSAGE(0, 0, 0), far[i]).status);
        struct helper *helper = spawn(send_once, LOW_PRIORITY + 1, e, 0, 0);
        wait_for_state(helper->thread, SHEAF_STATE_SENDING);
        check_times_out(SHEAF_SYS_RECV, n, 0); // a near one beside none, and after the far one
        CHECK_OK(exchange_until(SHEAF_SYS_RECV, e, 0, MESSAGE(0, 0, 0), far[i]).status);
    }
}

static volatile uint64_t order[4];
static volatile unsigned ended;

static void sleep_until(struct helper *self) {
    exchange_until(SHEAF_SYS_RECV, self->argument[0], 0, MESSAGE(0, 0, 0), self->argument[1]);
    unsigned place = ended;
    order[place] = self->argument[2];
    ended = place + 1;
}

static void in_order(void) {
    static const unsigned delays[] = {30, 10, 40, 20};
    static const uint64_t expected[] = {1, 3, 0, 2};
    sheaf_cptr n = make(SHEAF_NOTIFICATION, 0);
    struct helper *helpers[4];
    ended = 0;
    uint64_t start_time = sheaf_clock();
    for (unsigned i = 0; i < 4; i++) {
        helpers[i] =
            spawn(sleep_until, LOW_PRIORITY, n, start_time + milliseconds(50 + delays[i]), i);
    }
    for (unsigned i = 0; i < 4; i++) {
        join(helpers[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(order[i], expected[i]);
    }
}

static void timer(void) {
    sheaf_cptr t = make(SHEAF_TIMER, 0);
    sheaf_cptr n = make(SHEAF_NOTIFICATION, 0);
    struct message now = INVOKE(t, SHEAF_TIMER_GET_TIME, 0, 0);
    CHECK_OK(now.status);
    CHECK(now.word[0] <= sheaf_clock());
    CHECK_EQ(now.word[1], boot_information()->timer_hz);
    CHECK_OK(INVOKE(t, SHEAF_TIMER_ATTACH, 1, badged(n, SHEAF_RIGHT_WRITE, 0x30)).status);
    CHECK_ERROR(INVOKE(t, SHEAF_TIMER_ATTACH, 1, n).status, IN_USE);
    uint64_t deadline = soon();
    CHECK_OK(INVOKE(t, SHEAF_TIMER_SET, 1, deadline).status);
    struct message m = receive(n, 0);
    CHECK(sheaf_clock() >= deadline);
    CHECK_EQ(m.word[0], 0x30);
    check_times_out(SHEAF_SYS_RECV, n, 0); // one signal
    CHECK_OK(INVOKE(t, SHEAF_TIMER_SET, 1, soon()).status);
    CHECK_OK(INVOKE(t, SHEAF_TIMER_SET, 1, 0).status); // stopped
    check_times_out(SHEAF_SYS_RECV, n, 0);
    CHECK_OK(INVOKE(t, SHEAF_TIMER_SET, 1, 1).status); // long past
    CHECK_OK(receive(n, 0).status);
    CHECK_OK(INVOKE(t, SHEAF_TIMER_SET, 1, soon()).status);
    CHECK_OK(cnode_delete(ROOT, t));
    check_times_out(SHEAF_SYS_RECV, n, 0);
}

static void library_sleeps(void) {
    uint64_t before = sheaf_clock();
    const struct timespec wanted = {.tv_nsec = 3000001};
    struct timespec left = {.tv_sec = 5};
    CHECK_EQ(nanosleep(&wanted, &left), 0);
    CHECK(sheaf_clock() >= before + milliseconds(3));
    CHECK(left.tv_sec == 0 && left.tv_nsec == 0);
    before = sheaf_clock();
    CHECK_EQ(usleep(4000), 0);
    CHECK(sheaf_clock() >= before + milliseconds(4));
    before = sheaf_clock();
    CHECK_EQ(sleep(1), 0);
    CHECK(sheaf_clock() >= before + milliseconds(1000));
    const struct timespec wrong = {.tv_nsec = 1000000000};
    errno = 0;
    CHECK_EQ(nanosleep(&wrong, NULL), (uint64_t)-1L);
    CHECK_EQ(errno, EINVAL);
}

static void library_clocks(void) {
    struct timeval first;
    struct timeval second;
    clock_t ticks = clock();
    CHECK_EQ(gettimeofday(&first, NULL), 0);
    CHECK_EQ(usleep(20000), 0);
    CHECK_EQ(gettimeofday(&second, NULL), 0);
    int64_t passed =
        (second.tv_sec - first.tv_sec) * INT64_C(1000000) + second.tv_usec - first.tv_usec;
    CHECK(passed >= 20000);
    CHECK(clock() - ticks >= (clock_t)(CLOCKS_PER_SEC / 50));
    CHECK_EQ(time(NULL) >= second.tv_sec, true);
}

static void idle_sleep_costs_no_tick(void) {
    uint64_t before = counter(SHEAF_COUNTER_KERNEL_INTERRUPTS);
    CHECK_EQ(usleep(100000), 0);
    // The deadline, and perhaps the end of a slice that ran before.
    CHECK(counter(SHEAF_COUNTER_KERNEL_INTERRUPTS) - before <= 2);
}

static const struct test_case cases[] = {
    {"time.every_wait_has_a_deadline", every_wait},
    {"time.deadline_of_a_gather_tail", tail},
    {"time.no_answer_in_time", no_answer},
    {"time.in_time", in_time},
    {"time.far_deadlines_do_not_end_a_wait", far_away},
    {"time.deadlines_come_in_order", in_order},
    {"time.timer_signals_once", timer},
    {"time.library_sleeps", library_sleeps},
    {"time.library_clocks", library_clocks},
    {"time.idle_sleep_costs_no_tick", idle_sleep_costs_no_tick},
};

const struct test_area time_area = TEST_AREA(cases);
