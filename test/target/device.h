// SPDX-License-Identifier: BSD-2-Clause
// Device memory and interrupts for cases.
#ifndef TARGET_DEVICE_H
#define TARGET_DEVICE_H

#include "support.h"

// A Frame of the page at a physical address; the case fails if no device Untyped has it. Pages of
// one Untyped must be asked for in ascending order.
sheaf_cptr device_page(uint64_t physical);
// The device Untyped with that address in it and where it lies; 0: there is none.
sheaf_cptr device_untyped(uint64_t physical, uint64_t *start, uint64_t *bits);
// After a case: takes back all that was made of device Untypeds.
void device_end(void);

uint64_t irq_bind(uint64_t interrupt, uint64_t trigger, sheaf_cptr handler);
uint64_t irq_attach(sheaf_cptr handler, sheaf_cptr notification);
uint64_t irq_acknowledge(sheaf_cptr handler);

#endif
