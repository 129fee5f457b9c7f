// SPDX-License-Identifier: BSD-2-Clause
// Interrupts for user space: handed out once, masked until acknowledged.
#include "machine.h"

#define CONTROL SHEAF_BOOT_SLOT_IRQ_CONTROL
#define LINE 40u

static uint64_t handler, notification;

static int setup(void **state) {
    machine_setup(state);
    handler = make(SHEAF_IRQ_HANDLER, 0);
    notification = make(SHEAF_NOTIFICATION, 0);
    return 0;
}

static struct result bind(uint64_t interrupt, uint64_t trigger, uint64_t to) {
    return INVOKE(CONTROL, SHEAF_IRQ_CONTROL_BIND, interrupt, trigger, to);
}

static struct result acknowledge(void) { return INVOKE(handler, SHEAF_IRQ_HANDLER_ACKNOWLEDGE); }

static uint64_t bits(void) {
    struct result result =
        make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = notification});
    return result.status == SHEAF_OK ? result.word[0] : 0;
}

static void raise_interrupt(void) {
    fake.raised |= BIT(LINE);
    interrupt();
}

static void level(void **state) {
    (void)state;
    OK(bind(LINE, SHEAF_IRQ_LEVEL, handler));
    OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, badged(notification, 8)));
    raise_interrupt();
    assert_int_equal(bits(), 0); // masked until the first acknowledgement
    OK(acknowledge());
    interrupt();
    assert_int_equal(bits(), 8);
    for (unsigned i = 0; i < 100; i++)
        interrupt(); // the device storms
    assert_int_equal(fake.deliveries, 1);
    assert_int_equal(bits(), 0);
    OK(acknowledge()); // without having served the device: it comes again, once
    interrupt();
    interrupt();
    assert_int_equal(fake.deliveries, 2);
    assert_int_equal(bits(), 8);
    fake.raised = 0;
    OK(acknowledge());
    interrupt();
    assert_int_equal(fake.deliveries, 2);
}

static void edge(void **state) {
    (void)state;
    OK(bind(LINE, SHEAF_IRQ_EDGE, handler));
    assert_true((fake.edges & BIT(LINE)) != 0);
    OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, notification));
    OK(acknowledge());
    raise_interrupt();
    assert_int_equal(bits(), 1);
    raise_interrupt(); // while it is masked: kept
    assert_int_equal(bits(), 0);
    OK(acknowledge());
    interrupt();
    assert_int_equal(bits(), 1);
    interrupt();
    assert_int_equal(fake.deliveries, 2);
}

static void bind_errors(void **state) {
    (void)state;
    uint64_t other = make(SHEAF_IRQ_HANDLER, 0);
    FAILS(RANGE, bind(31, 0, handler));
    FAILS(RANGE, bind(64, 0, handler));
    FAILS(RANGE, bind(UINT64_MAX, 0, handler));
    FAILS(RANGE, bind(BIT(32) + LINE, 0, handler));
    FAILS(IN_USE, bind(33, 0, handler)); // the kernel's
    FAILS(INVALID_ARGUMENT, bind(LINE, 2, handler));
    FAILS(INVALID_ARGUMENT, bind(34, SHEAF_IRQ_LEVEL, handler));
    FAILS(WRONG_TYPE, bind(LINE, 0, notification));
    FAILS(INVALID_CAPABILITY, bind(LINE, 0, 9000));
    FAILS(INVALID_ARGUMENT, acknowledge()); // has none yet
    OK(bind(LINE, 0, handler));
    FAILS(IN_USE, bind(LINE, 0, other));
    FAILS(IN_USE, bind(LINE + 1, 0, handler));
    FAILS(UNKNOWN_METHOD, INVOKE(CONTROL, SHEAF_IRQ_CONTROL_BIND + 1));
    FAILS(UNKNOWN_METHOD, INVOKE(handler, SHEAF_IRQ_HANDLER_ACKNOWLEDGE + 1));
    OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, notification));
    FAILS(IN_USE, INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, notification));
    FAILS(WRONG_TYPE, INVOKE(other, SHEAF_IRQ_HANDLER_ATTACH, handler));
}

static void death(void **state) {
    (void)state;
    uint64_t memory = untyped(12);
    for (unsigned round = 0; round < 3; round++) {
        handler = make_from(memory, SHEAF_IRQ_HANDLER, 0);
        uint64_t copied = copy_of(handler, SHEAF_RIGHTS_ALL);
        OK(bind(LINE, 0, handler));
        OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, notification));
        OK(acknowledge());
        OK(destroy(handler));
        assert_true((fake.unmasked & BIT(LINE)) != 0); // the copy keeps it
        raise_interrupt();
        assert_int_equal(bits(), 1);
        OK(INVOKE(copied, SHEAF_IRQ_HANDLER_ACKNOWLEDGE));
        fake.raised = 0;
        OK(revoke(memory));
        assert_int_equal(fake.unmasked & BIT(LINE), 0);
        assert_null(slot_of(notification)->first_child);
        assert_int_equal(bytes_left(memory), 4096);
    }
    handler = make(SHEAF_IRQ_HANDLER, 0); // it can be handed out again
    OK(bind(LINE, 0, handler));
    OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, notification));
    OK(acknowledge());
    OK(revoke(notification)); // nobody is told; the interrupt is masked all the same
    raise_interrupt();
    assert_int_equal(fake.unmasked & BIT(LINE), 0);
    assert_int_equal(bits(), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {CASE(level), CASE(edge), CASE(bind_errors), CASE(death)};
    return cmocka_run_group_tests_name("core.irq", tests, NULL, NULL);
}
