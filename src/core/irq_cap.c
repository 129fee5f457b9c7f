// SPDX-License-Identifier: BSD-2-Clause
// Interrupts for user space's drivers: IrqControl hands them out, an IrqHandler receives one.
//
// An interrupt is masked from the moment it comes until its handler acknowledges. So what a device
// does, or a driver does not do, costs at most one interrupt for each acknowledgement.
#include <core.h>

#include "death.h"
#include "invoke.h"

// Who receives which. Changes under tree_lock with the interrupt masked; read in the interrupt.
static struct irq_handler *handlers[ARCH_INTERRUPTS];

void irq_begin(void) {
    for (unsigned i = 0; i < ARCH_INTERRUPTS; i++) {
        handlers[i] = NULL;
    }
}

bool core_device_interrupt(uint32_t interrupt) {
    const struct irq_handler *handler = interrupt < ARCH_INTERRUPTS ? handlers[interrupt] : NULL;
    if (handler == NULL) {
        return false;
    }
    notification_signal_slot(arch_pe(), &handler->notification);
    return true;
}

void irq_handler_end(struct irq_handler *handler) {
    ASSERT(lock_held(&tree_lock));
    if (handler->head.flags != 0) {
        arch_interrupt_mask(handler->head.flags);
        handlers[handler->head.flags] = NULL;
    }
}

static enum sheaf_error irq_control_bind(struct invocation *invocation) {
    uint64_t interrupt = argument(invocation, 0), trigger = argument(invocation, 1);
    struct slot *slot;
    enum sheaf_error error =
        lookup_type(invocation->caller, argument(invocation, 2), SHEAF_IRQ_HANDLER, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    enum arch_interrupt owner = arch_interrupt_owner(interrupt);
    if (owner == ARCH_INTERRUPT_NONE) {
        return SHEAF_ERR_RANGE;
    }
    struct irq_handler *handler = slot->object;
    if (owner == ARCH_INTERRUPT_KERNEL || handlers[interrupt] != NULL || handler->head.flags != 0) {
        return SHEAF_ERR_IN_USE;
    }
    if (trigger > SHEAF_IRQ_EDGE ||
        !arch_interrupt_set_trigger((uint32_t)interrupt, trigger == SHEAF_IRQ_EDGE)) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    lock_acquire(&tree_lock);
    handler->head.flags = (uint32_t)interrupt;
    handlers[interrupt] = handler;
    lock_release(&tree_lock);
    return SHEAF_OK;
}

static enum sheaf_error irq_handler_attach(struct invocation *invocation) {
    struct irq_handler *handler = invocation->slot->object;
    return attach_notification(invocation, &handler->notification);
}

static enum sheaf_error irq_handler_acknowledge(struct invocation *invocation) {
    const struct irq_handler *handler = invocation->slot->object;
    if (handler->head.flags == 0) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    arch_interrupt_unmask(handler->head.flags);
    return SHEAF_OK;
}

static const struct method control[] = {
    [SHEAF_IRQ_CONTROL_BIND] = {.run = irq_control_bind, .words = 3},
};
const struct methods irq_control_methods = {.of = control, .count = ARRAY_SIZE(control)};

static const struct method handling[] = {
    [SHEAF_IRQ_HANDLER_ATTACH] = {.run = irq_handler_attach, .words = 1},
    [SHEAF_IRQ_HANDLER_ACKNOWLEDGE] = {.run = irq_handler_acknowledge},
};
const struct methods irq_handler_methods = {.of = handling, .count = ARRAY_SIZE(handling)};
