// SPDX-License-Identifier: BSD-2-Clause
// Setting up the kernel's own interrupts, while the kernel boots.
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <board.h>

// The controller is initialised. Panics with the reason when it refuses.
void irq_start_timer(const struct board_interrupt *interrupt);
void irq_start_serial(const struct board_interrupt *interrupt);

#endif
