// SPDX-License-Identifier: BSD-2-Clause
// What runs before the MMU is on, after head.S's first instructions.
#ifndef ARCH_EARLY_H
#define ARCH_EARLY_H

#include <base.h>

// Makes the tables that head.S turns the MMU on with. `image` is where the image was loaded, `fdt`
// what came in x0. Returns the size of the device tree, 0 if there is none.
uint64_t early_tables(paddr_t image, paddr_t fdt);

#endif
