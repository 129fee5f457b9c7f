// SPDX-License-Identifier: BSD-2-Clause
// Memory while the kernel boots: what there is, what is taken, and a bump allocator for what the
// kernel keeps for ever (tables of the direct map, ASID table, empty root).
#ifndef ARCH_BOOT_MEMORY_H
#define ARCH_BOOT_MEMORY_H

#include <board.h>
#include <core.h>

// Makes the direct map of all RAM but the image and what must not be mapped. `fdt` stays untouched
// until boot_memory_finish. `wanted`: bytes that will be taken besides tables.
// Panics when there is no free stretch for the kernel's own needs.
void boot_memory_init(const struct board *board, struct memory_range fdt, uint64_t wanted);

// Zeroed memory in the direct map, for ever. `alignment` is a power of two up to 2 MiB.
paddr_t boot_memory_take(uint64_t bytes, uint64_t alignment);

// Fills free[], the sums and the RAM disk. Nothing can be taken afterwards.
void boot_memory_finish(struct core_boot *boot);

#endif
