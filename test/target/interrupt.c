// SPDX-License-Identifier: BSD-2-Clause
// IrqControl and IrqHandler: who may have which interrupt, and interrupts of a real device, the
// board's alarm. Its line is a level by the device tree. The GIC of QEMU's boards takes either
// trigger for any shared interrupt, so the cases of an edge use the same line: alarm on, an edge.
#include "alarm.h"
#include "device.h"
#include "harness.h"
#include "registers.h"

#define LINE 200 // of no device that the kernel drives, on any machine that is tested
#define BIT(n) (UINT64_C(1) << (n))

static sheaf_cptr notification; // of the case

// ---- Without a device

static void handed_out_once(void) {
    sheaf_cptr one = make(SHEAF_IRQ_HANDLER, 0);
    sheaf_cptr two = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_ERROR(irq_acknowledge(one), INVALID_ARGUMENT);
    CHECK_OK(irq_bind(LINE, SHEAF_IRQ_LEVEL, one));
    CHECK_ERROR(irq_bind(LINE, SHEAF_IRQ_LEVEL, two), IN_USE);
    CHECK_ERROR(irq_bind(LINE + 1, SHEAF_IRQ_LEVEL, one), IN_USE);
    CHECK_OK(irq_acknowledge(one));
    CHECK_OK(cnode_delete(ROOT, one));
    CHECK_OK(irq_bind(LINE, SHEAF_IRQ_EDGE, two)); // free again
    CHECK_OK(irq_acknowledge(two));
}

static void arguments(void) {
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_ERROR(irq_bind(0, 0, handler), RANGE);  // one PE to another
    CHECK_ERROR(irq_bind(27, 0, handler), RANGE); // the kernel's timer
    CHECK_ERROR(irq_bind(1020, 0, handler), RANGE);
    CHECK_ERROR(irq_bind(UINT64_MAX, 0, handler), RANGE);
    CHECK_ERROR(irq_bind(LINE, 2, handler), INVALID_ARGUMENT);
    CHECK_ERROR(irq_bind(LINE, 0, ROOT), WRONG_TYPE);
    CHECK_ERROR(irq_bind(LINE, 0, new_slot()), INVALID_CAPABILITY);
}

static void kernel_interrupts(void) {
    unsigned refused = 0; // the serial port's; its number differs from machine to machine
    for (uint64_t i = 32; i < 288; i++) {
        sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
        uint64_t status = irq_bind(i, 0, handler);
        refused += status == SHEAF_ERR_IN_USE;
        CHECK(status == SHEAF_OK || status == SHEAF_ERR_IN_USE || status == SHEAF_ERR_RANGE);
        CHECK_OK(cnode_delete(ROOT, handler));
    }
    CHECK_EQ(refused, 1);
}

static void notifications(void) {
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    sheaf_cptr n = make(SHEAF_NOTIFICATION, 0);
    CHECK_ERROR(irq_attach(handler, copy_of(n, SHEAF_RIGHT_READ)), NO_RIGHT);
    CHECK_OK(irq_attach(handler, n));
    CHECK_ERROR(irq_attach(handler, n), IN_USE);
    CHECK_OK(irq_attach(handler, 0));
    CHECK_OK(irq_attach(handler, n));
    CHECK_OK(cnode_revoke(ROOT, n)); // takes it away
    CHECK_OK(irq_attach(handler, n));
}

// ---- The alarm's interrupt

// A handler that signals bit `bit` of the case's notification.
static sheaf_cptr begin(uint64_t trigger, unsigned bit) {
    alarm_open();
    notification = make(SHEAF_NOTIFICATION, 0);
    return alarm_handler(trigger, badged(notification, SHEAF_RIGHT_WRITE, BIT(bit)));
}

// The bits that have come. An interrupt that is let through comes before the next instruction.
static uint64_t come(void) {
    struct message m = nb_receive(notification, 0);
    return m.status == SHEAF_OK ? m.word[0] : 0;
}

static uint64_t interrupts(void) { return counter(SHEAF_COUNTER_KERNEL_INTERRUPTS); }

static void waits_for_the_alarm(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 3);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
    alarm_soon();
    struct message m = exchange_until(SHEAF_SYS_RECV, notification, 0, MESSAGE(0, 0, 0),
                                      read_clock() + 60 * boot_information()->timer_hz);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], BIT(3));
    CHECK(alarm_is_up());
}

static void held_back_at_first(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 0);
    alarm_raise();
    uint64_t before = interrupts();
    CHECK_EQ(come(), 0);
    CHECK_EQ(interrupts(), before);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(0));
    CHECK_EQ(interrupts(), before + 1);
}

static void level_until_cleared(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 5);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
    alarm_raise();
    uint64_t before = interrupts();
    for (unsigned i = 1; i <= 10; i++) {
        CHECK_EQ(come(), BIT(5));
        CHECK_EQ(come(), 0); // one for each acknowledgement
        CHECK_OK(irq_acknowledge(handler));
        CHECK_EQ(interrupts(), before + i);
    }
    CHECK_EQ(come(), BIT(5));
    alarm_clear();
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
    CHECK_EQ(interrupts(), before + 10);
    alarm_raise(); // the next alarm
    CHECK_EQ(come(), BIT(5));
}

// A level that went away before its handler acknowledged is forgotten.
static void level_is_not_kept(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 1);
    alarm_raise();
    alarm_clear();
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
}

static void edge_once(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_EDGE, 2);
    CHECK_OK(irq_acknowledge(handler));
    alarm_raise();
    CHECK_EQ(come(), BIT(2));
    for (unsigned i = 0; i < 5; i++) {
        CHECK_OK(irq_acknowledge(handler)); // the line is still up: no edge
        CHECK_EQ(come(), 0);
    }
    alarm_clear();
    CHECK_EQ(come(), 0);
    alarm_raise();
    CHECK_EQ(come(), BIT(2));
}

static void edge_is_kept(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_EDGE, 2);
    CHECK_OK(irq_acknowledge(handler));
    alarm_raise();
    CHECK_EQ(come(), BIT(2));
    for (unsigned i = 0; i < 3; i++) { // while it is masked; several are one
        alarm_clear();
        alarm_raise();
    }
    alarm_clear();
    CHECK_EQ(come(), 0);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(2));
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
}

static void edge_outlives_its_handler(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_EDGE, 2);
    alarm_raise();
    CHECK_OK(cnode_delete(ROOT, handler));
    alarm_clear();
    handler = alarm_handler(SHEAF_IRQ_EDGE, notification);
    CHECK_EQ(come(), 0);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(0));
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
}

// The signal of a bound Notification reaches a thread that waits for messages.
static void on_an_endpoint(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 7);
    CHECK_OK(INVOKE(OWN_THREAD, SHEAF_THREAD_BIND, 1, notification).status);
    alarm_raise();
    CHECK_OK(irq_acknowledge(handler));
    struct message m = receive(make(SHEAF_ENDPOINT, 0), 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], BIT(7));
}

// argument 0: notification.
static void serve_once(struct helper *self) {
    self->result[0] = receive(self->argument[0], 0).word[0];
    alarm_silence();
}

// A driver above a thread that makes no system call runs as soon as the interrupt comes.
static void driver_preempts(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 4);
    CHECK_OK(irq_acknowledge(handler));
    struct helper *driver = spawn(serve_once, MAIN_PRIORITY + 1, notification, 0, 0);
    CHECK_EQ(thread_state(driver->thread), SHEAF_STATE_WAITING_NOTIFICATION);
    uint64_t end = read_clock() + 60 * boot_information()->timer_hz;
    alarm_soon();
    while (!driver->finished && read_clock() < end) {
    }
    CHECK(driver->finished);
    CHECK_EQ(driver->result[0], BIT(4));
    CHECK(!alarm_is_up());
}

static void without_a_notification(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 6);
    CHECK_OK(irq_attach(handler, 0));
    alarm_raise();
    uint64_t before = interrupts();
    CHECK_OK(irq_acknowledge(handler)); // it comes, nobody is told, and it is masked
    CHECK_EQ(interrupts(), before + 1);
    CHECK_OK(irq_attach(handler, notification));
    CHECK_EQ(come(), 0);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(0)); // a capability without badge
    CHECK_EQ(interrupts(), before + 2);
}

static void revoked_notification(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 6);
    CHECK_OK(cnode_revoke(ROOT, notification)); // the badged copy, and the handler's of it
    alarm_raise();
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), 0);
    CHECK_OK(irq_attach(handler, notification)); // there is room for another
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(0));
}

static void a_copy_keeps_it(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 1);
    sheaf_cptr copy = copy_of(handler, SHEAF_RIGHTS_ALL);
    CHECK_OK(cnode_delete(ROOT, handler));
    alarm_raise();
    CHECK_OK(irq_acknowledge(copy));
    CHECK_EQ(come(), BIT(1));
}

// With the handler's last capability goes the interrupt, line up or not, and the next one has it.
static void masked_by_deletion(void) {
    sheaf_cptr handler = begin(SHEAF_IRQ_LEVEL, 1);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_OK(cnode_delete(ROOT, handler));
    uint64_t before = interrupts();
    alarm_raise();
    CHECK_EQ(come(), 0);
    CHECK_EQ(interrupts(), before);
    handler = alarm_handler(SHEAF_IRQ_LEVEL, badged(notification, SHEAF_RIGHT_WRITE, BIT(9)));
    CHECK_EQ(come(), 0);
    CHECK_OK(irq_acknowledge(handler));
    CHECK_EQ(come(), BIT(9));
}

static const struct test_case cases[] = {
    {"interrupt.handed_out_once", handed_out_once},
    {"interrupt.arguments", arguments},
    {"interrupt.kernel_interrupts_are_not_handed_out", kernel_interrupts},
    {"interrupt.notification_is_a_derived_copy", notifications},
    {"interrupt.comes_when_the_device_says_so", waits_for_the_alarm},
    {"interrupt.is_held_back_until_the_first_acknowledgement", held_back_at_first},
    {"interrupt.level_comes_again_until_the_device_is_served", level_until_cleared},
    {"interrupt.level_that_went_away_is_forgotten", level_is_not_kept},
    {"interrupt.edge_comes_once", edge_once},
    {"interrupt.edge_while_masked_is_kept", edge_is_kept},
    {"interrupt.kept_edge_goes_to_the_next_handler", edge_outlives_its_handler},
    {"interrupt.reaches_a_thread_that_waits_for_messages", on_an_endpoint},
    {"interrupt.driver_preempts_a_thread_below", driver_preempts},
    {"interrupt.without_a_notification", without_a_notification},
    {"interrupt.revoked_notification", revoked_notification},
    {"interrupt.copy_of_a_handler_keeps_it", a_copy_keeps_it},
    {"interrupt.deleted_handler_masks_it", masked_by_deletion},
};

const struct test_area interrupt_area = TEST_AREA(cases);
