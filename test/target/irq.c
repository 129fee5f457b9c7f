// SPDX-License-Identifier: BSD-2-Clause
// IrqControl and IrqHandler: who may have which interrupt.
#include "harness.h"
#include "support.h"

#define CONTROL SHEAF_BOOT_SLOT_IRQ_CONTROL
#define LINE 200 // of no device that the kernel drives, on any machine that is tested

static uint64_t bind(uint64_t interrupt, uint64_t trigger, sheaf_cptr handler) {
    return INVOKE(CONTROL, SHEAF_IRQ_CONTROL_BIND, 3, interrupt, trigger, handler).status;
}

static uint64_t acknowledge(sheaf_cptr handler) {
    return INVOKE(handler, SHEAF_IRQ_HANDLER_ACKNOWLEDGE, 0, 0).status;
}

static void handed_out_once(void) {
    sheaf_cptr one = make(SHEAF_IRQ_HANDLER, 0);
    sheaf_cptr two = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_ERROR(acknowledge(one), INVALID_ARGUMENT);
    CHECK_OK(bind(LINE, SHEAF_IRQ_LEVEL, one));
    CHECK_ERROR(bind(LINE, SHEAF_IRQ_LEVEL, two), IN_USE);
    CHECK_ERROR(bind(LINE + 1, SHEAF_IRQ_LEVEL, one), IN_USE);
    CHECK_OK(acknowledge(one));
    CHECK_OK(cnode_delete(ROOT, one));
    CHECK_OK(bind(LINE, SHEAF_IRQ_EDGE, two)); // free again
    CHECK_OK(acknowledge(two));
}

static void arguments(void) {
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_ERROR(bind(0, 0, handler), RANGE);  // one PE to another
    CHECK_ERROR(bind(27, 0, handler), RANGE); // the kernel's timer
    CHECK_ERROR(bind(1020, 0, handler), RANGE);
    CHECK_ERROR(bind(UINT64_MAX, 0, handler), RANGE);
    CHECK_ERROR(bind(LINE, 2, handler), INVALID_ARGUMENT);
    CHECK_ERROR(bind(LINE, 0, ROOT), WRONG_TYPE);
    CHECK_ERROR(bind(LINE, 0, new_slot()), INVALID_CAPABILITY);
}

static void kernel_interrupts(void) {
    unsigned refused = 0; // the serial port's; its number differs from machine to machine
    for (uint64_t i = 32; i < 288; i++) {
        sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
        uint64_t status = bind(i, 0, handler);
        refused += status == SHEAF_ERR_IN_USE;
        CHECK(status == SHEAF_OK || status == SHEAF_ERR_IN_USE || status == SHEAF_ERR_RANGE);
        CHECK_OK(cnode_delete(ROOT, handler));
    }
    CHECK_EQ(refused, 1);
}

static void notifications(void) {
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    sheaf_cptr n = make(SHEAF_NOTIFICATION, 0);
    CHECK_ERROR(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, copy_of(n, SHEAF_RIGHT_READ)).status,
                NO_RIGHT);
    CHECK_OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, n).status);
    CHECK_ERROR(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, n).status, IN_USE);
    CHECK_OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, 0).status);
    CHECK_OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, n).status);
    CHECK_OK(cnode_revoke(ROOT, n)); // takes it away
    CHECK_OK(INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, n).status);
}

static const struct test_case cases[] = {
    {"irq.handed_out_once", handed_out_once},
    {"irq.arguments", arguments},
    {"irq.kernel_interrupts_are_not_handed_out", kernel_interrupts},
    {"irq.notification_is_a_derived_copy", notifications},
};

const struct test_area irq_area = TEST_AREA(cases);
