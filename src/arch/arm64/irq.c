// SPDX-License-Identifier: BSD-2-Clause
// Interrupts: what is pending, and who is told.
#include "irq.h"

#include <arch.h>
#include <core.h>
#include <drivers.h>
#include <port.h>

_Static_assert(ARCH_INTERRUPTS == IRQC_MAX_INTERRUPTS, "as many as there can be");

static struct {
    uint32_t timer, serial; // INTIDs; IRQC_NONE where there is none
    bool listening;         // core wants to hear of input
} irq = {IRQC_NONE, IRQC_NONE, false};

static void must(enum irqc_status status, const char *what, uint32_t intid) {
    if (status != IRQC_OK) {
        panic("%s (interrupt %u): %s", what, intid, irqc_status_name(status));
    }
}

void irq_start_timer(const struct board_interrupt *interrupt) {
    // Some cores fix how a private interrupt triggers; then it already is as the tree says.
    (void)irqc_set_trigger(interrupt->intid, interrupt->trigger);
    must(irqc_enable(interrupt->intid), "timer", interrupt->intid);
    irq.timer = interrupt->intid;
}

void irq_start_serial(const struct board_interrupt *interrupt) {
    must(irqc_set_trigger(interrupt->intid, interrupt->trigger), "serial port", interrupt->intid);
    must(irqc_set_target(interrupt->intid, 0), "serial port", interrupt->intid);
    must(irqc_enable(interrupt->intid), "serial port", interrupt->intid);
    irq.serial = interrupt->intid;
}

static void handle(uint32_t intid) {
    if (intid == irq.timer) {
        timer_stop(); // the level goes down before the end of the interrupt; core sets the next one
        core_tick(arch_pe());
    } else if (intid == irq.serial) {
        // A level that stays until the port is read, and that is user space's decision: held back
        // until then (arch_console_read).
        serial_receive_interrupt(false);
        core_console_input();
    } else if (irqc_disable(intid) != IRQC_OK || !core_device_interrupt(intid)) {
        kprintf("interrupt %u: nobody's; disabled\n", intid);
    }
}

enum arch_interrupt arch_interrupt_owner(uint64_t interrupt) {
    if (interrupt < IRQC_FIRST_SPI || interrupt >= irqc_interrupts()) {
        return ARCH_INTERRUPT_NONE;
    }
    return interrupt == irq.timer || interrupt == irq.serial ? ARCH_INTERRUPT_KERNEL
                                                             : ARCH_INTERRUPT_FREE;
}

bool arch_interrupt_set_trigger(uint32_t interrupt, bool edge) {
    return irqc_set_trigger(interrupt, edge ? BOARD_TRIGGER_EDGE : BOARD_TRIGGER_LEVEL) == IRQC_OK;
}

void arch_interrupt_mask(uint32_t interrupt) { must(irqc_disable(interrupt), "device", interrupt); }

void arch_interrupt_unmask(uint32_t interrupt) {
    must(irqc_enable(interrupt), "device", interrupt);
}

// One, even if more are pending: the next is an exception of its own as soon as the kernel is left,
// and so the time with interrupts masked does not grow with their number.
void arch_handle_interrupts(void) {
    uint32_t acknowledged = irqc_acknowledge();
    if (acknowledged != IRQC_NONE) {
        port_count(SHEAF_COUNTER_KERNEL_INTERRUPTS, 1);
        handle(irqc_intid(acknowledged));
        irqc_end(acknowledged);
    }
}

void arch_wait_for_interrupt(void) {
    while (!arch_interrupt_pending()) {
        // WFI wakes up for a masked interrupt too. The DSB: what was stored before does not wait in
        // a buffer while the core sleeps.
        __asm__ volatile("dsb sy\n\twfi" ::: "memory");
    }
}

uint64_t arch_now(void) { return timer_now(); }

uint64_t arch_timer_hz(void) { return timer_hz(); }

void arch_timer_set(uint64_t deadline) { timer_set_deadline(deadline); }

void arch_timer_stop(void) { timer_stop(); }

size_t arch_console_write(const char *bytes, size_t count) {
    return serial_write_some(bytes, count);
}

size_t arch_console_read(char *bytes, size_t count) {
    size_t taken = serial_read_some(bytes, count);
    if (irq.listening && taken < count) { // empty: the next byte may interrupt again
        serial_receive_interrupt(true);
    }
    return taken;
}

void arch_console_listen(bool on) {
    irq.listening = on;
    serial_receive_interrupt(on);
}
