// SPDX-License-Identifier: BSD-2-Clause
// Device memory: which physical addresses user space's drivers get. Pure.
//
// Not what the device tree lists, but everything that is left: all addresses the PE can produce,
// without RAM, without what the tree reserves, and without the registers the kernel has mapped for
// itself. The tree's `reg` properties would miss what is only found by asking (the windows of a
// PCI host, a frame buffer that the firmware set up), make dozens of pieces on a BCM2711 where the
// rest makes four to six, and depend on a translation for each of its buses. The price is addresses
// at which nothing answers: an access there is an external abort, which user space can handle.
//
// Whole pages are the unit. A page with any byte of the above in it is the kernel's, so a device
// that shares a page with the kernel's serial port (UART 2 to 5 of the BCM2711) has no driver.
#ifndef ARCH_DEVICE_MEMORY_H
#define ARCH_DEVICE_MEMORY_H

#include <board.h>

#include "ranges.h"

// Fills `device` with what lies below 2^physical_bits and is none of the board's RAM or reserved
// memory and not in `kernel`. False if the set is full. RAM that the device tree does not list, or
// that the board has left out (BOARD_TRUNCATED_MEMORY), cannot be told from devices: it is in the
// set, for whoever knows of it.
bool device_memory_find(const struct board *board, const struct ranges *kernel,
                        unsigned physical_bits, struct ranges *device);

#endif
