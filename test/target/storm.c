// SPDX-License-Identifier: BSD-2-Clause
// A storming interrupt: the alarm is on, and its driver acknowledges without ever serving it. What
// that costs is the driver's own time: one interrupt for each acknowledgement, no more, and threads
// of its priority and above go on.
#include "alarm.h"
#include "device.h"
#include "harness.h"
#include "registers.h"

static sheaf_cptr notification, handler, handler_memory;

// The line is up and held back.
static void begin(void) {
    alarm_open();
    notification = make(SHEAF_NOTIFICATION, 0);
    handler_memory = make(SHEAF_UNTYPED, SHEAF_IRQ_HANDLER_BITS);
    handler = make_from(handler_memory, SHEAF_IRQ_HANDLER, 0);
    CHECK_OK(irq_bind(alarm_interrupt(), SHEAF_IRQ_LEVEL, handler));
    CHECK_OK(irq_attach(handler, notification));
    alarm_raise();
}

static uint64_t interrupts(void) { return counter(SHEAF_COUNTER_KERNEL_INTERRUPTS); }
static uint64_t milliseconds(uint64_t n) { return n * boot_information()->timer_hz / 1000; }

static void sleep_for(uint64_t ticks) {
    uint64_t deadline = read_clock() + ticks;
    CHECK_ERROR(
        exchange_until(SHEAF_SYS_RECV, make(SHEAF_NOTIFICATION, 0), 0, MESSAGE(0, 0, 0), deadline)
            .status,
        TIMED_OUT);
    CHECK(read_clock() >= deadline);
}

// Drivers. argument 0 notification, 1 handler; result 0: acknowledgements.
static void wait_and_acknowledge(struct helper *self) {
    while (receive(self->argument[0], 0).status == SHEAF_OK &&
           irq_acknowledge(self->argument[1]) == SHEAF_OK) {
        self->result[0] = self->result[0] + 1;
    }
}

static void acknowledge_only(struct helper *self) {
    while (irq_acknowledge(self->argument[1]) == SHEAF_OK) {
        self->result[0] = self->result[0] + 1;
    }
}

// argument 0: ticks. result 0: turns of the loop.
static void spin_for(struct helper *self) {
    uint64_t end = read_clock() + self->argument[0];
    while (read_clock() < end) {
        self->result[0] = self->result[0] + 1;
    }
}

// The storm was one, and each interrupt stands for an acknowledgement. `others`: at most so many
// were the timer's.
static void check_count(const struct helper *driver, uint64_t before, uint64_t others) {
    alarm_clear(); // the end of it
    uint64_t came = interrupts() - before;
    uint64_t acknowledged = driver->result[0];
    CHECK(acknowledged > 100);
    CHECK(came >= acknowledged);
    CHECK(came <= acknowledged + 1 + others);
}

// ---- The driver stands below

static void driver_below(void) {
    begin();
    struct helper *driver = spawn(wait_and_acknowledge, LOW_PRIORITY, notification, handler, 0);
    uint64_t before = interrupts();
    CHECK_OK(irq_acknowledge(handler));
    uint64_t end = read_clock() + milliseconds(50);
    while (read_clock() < end) { // the driver has no turn, so the device has none
    }
    CHECK_EQ(driver->result[0], 0);
    CHECK(interrupts() - before <= 2);
    before = interrupts();
    sleep_for(milliseconds(100));
    check_count(driver, before, 3); // the deadline, the end of a slice
}

// ---- Beside a thread of the driver's priority, which makes no system call

static void beside(void (*drive)(struct helper *self)) {
    begin();
    struct helper *alone = spawn(spin_for, LOW_PRIORITY, milliseconds(100), 0, 0);
    join(alone);
    struct helper *driver = spawn(drive, LOW_PRIORITY, notification, handler, 0);
    struct helper *worker = spawn(spin_for, LOW_PRIORITY, milliseconds(200), 0, 0);
    uint64_t before = interrupts();
    CHECK_OK(irq_acknowledge(handler));
    join(worker);
    check_count(driver, before, 1000); // ticks: two threads share the PE
    // Half of twice the time is the same again; a quarter of that allows for a busy host.
    CHECK(worker->result[0] > alone->result[0] / 4);
}

static void waiting_driver_beside(void) { beside(wait_and_acknowledge); }
static void acknowledging_driver_beside(void) { beside(acknowledge_only); }

// ---- The driver stands above the thread that looks on

// argument 0: nobody signals it, 1 ticks, 2 thread to stop, 3 or Untyped to revoke.
static void guard(struct helper *self) {
    exchange_until(SHEAF_SYS_RECV, self->argument[0], 0, MESSAGE(0, 0, 0),
                   read_clock() + self->argument[1]);
    self->result[0] = self->argument[2] != 0 ? thread_suspend(self->argument[2])
                                             : cnode_revoke(ROOT, self->argument[3]);
}

static struct helper *begin_guarded(struct helper *driver, bool suspend) {
    start(driver); // waits: nothing has come yet
    struct helper *watch = new_helper(guard, MAIN_PRIORITY + 2);
    watch->argument[0] = make(SHEAF_NOTIFICATION, 0);
    watch->argument[1] = milliseconds(100);
    watch->argument[2] = suspend ? driver->thread : 0;
    watch->argument[3] = handler_memory;
    start(watch);
    return watch;
}

static struct helper *driver_above(void) {
    struct helper *driver = new_helper(wait_and_acknowledge, MAIN_PRIORITY + 1);
    driver->argument[0] = notification;
    driver->argument[1] = handler;
    return driver;
}

static void stopped_by_a_higher_thread(void) {
    begin();
    struct helper *driver = driver_above();
    struct helper *watch = begin_guarded(driver, true);
    uint64_t before = interrupts();
    CHECK_OK(irq_acknowledge(handler)); // we go on when the driver is suspended
    CHECK(watch->finished);
    CHECK_OK(watch->result[0]);
    CHECK_EQ(thread_state(driver->thread), SHEAF_STATE_SUSPENDED);
    check_count(driver, before, 3);
}

static void ends_with_its_handler(void) {
    begin();
    struct helper *driver = driver_above();
    struct helper *watch = begin_guarded(driver, false);
    CHECK_OK(irq_acknowledge(handler));
    CHECK(watch->finished && driver->finished); // its acknowledgement failed
    CHECK_OK(watch->result[0]);
    CHECK(driver->result[0] > 100);
    CHECK(alarm_is_up()); // the device would go on
    uint64_t before = interrupts();
    yield();
    CHECK_EQ(interrupts(), before);
    sheaf_cptr next = alarm_handler(SHEAF_IRQ_LEVEL, notification);
    CHECK_OK(irq_acknowledge(next));
    CHECK_EQ(interrupts(), before + 1);
}

// ---- Long operations of a thread of the driver's priority

static void long_operations_end(void) {
    begin();
    sheaf_cptr memory = make(SHEAF_UNTYPED, 22);
    enum { FRAMES = 1024 }; // all of it
    sheaf_cptr frames = new_slots(FRAMES);
    struct helper *driver = spawn(wait_and_acknowledge, MAIN_PRIORITY, notification, handler, 0);
    uint64_t before = interrupts();
    uint64_t started = read_clock();
    CHECK_OK(irq_acknowledge(handler));
    while (driver->result[0] < 1000 || read_clock() - started < milliseconds(200)) {
        retype_many(memory, SHEAF_FRAME, 12, ROOT, frames, FRAMES);
        CHECK_EQ(untyped_info(memory).left, 0);
        CHECK_OK(cnode_revoke(ROOT, memory));
        CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 22);
    }
    check_count(driver, before, 100000); // ticks, for as long as it takes
}

static const struct test_case cases[] = {
    {"interrupt.storm_below_costs_nothing", driver_below},
    {"interrupt.storm_beside_a_worker", waiting_driver_beside},
    {"interrupt.storm_of_acknowledgements_beside_a_worker", acknowledging_driver_beside},
    {"interrupt.storm_stopped_by_a_higher_thread", stopped_by_a_higher_thread},
    {"interrupt.storm_ends_with_its_handler", ends_with_its_handler},
    {"interrupt.storm_lets_long_operations_end", long_operations_end},
};

const struct test_area storm_area = TEST_AREA(cases);
