// SPDX-License-Identifier: BSD-2-Clause
// From the first C code in the upper half to the first thread.
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <base.h>

// Called by head.S on the boot PE's stack. `fdt` is where the device tree lies, `fdt_bytes` its
// size (0: there is none), `level` the exception level the image was entered at.
void boot_main(paddr_t fdt, uint64_t fdt_bytes, uint64_t level);

#endif
