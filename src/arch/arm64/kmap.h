// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own translations: image, direct map of RAM, device registers.
//
// They are made while one PE boots and only ever added to, apart from the device tree's and those
// of registers that are needed once, which go when they have served. No lock. From then on only the
// memory type of blocks of the direct map changes (src/mmu/alias.c).
#ifndef ARCH_KMAP_H
#define ARCH_KMAP_H

#include <base.h>

#include "ranges.h"

enum kmap_kind {
    KMAP_CODE,   // readable, executable at EL1
    KMAP_RODATA, // readable
    KMAP_DATA,   // readable, writable
    KMAP_DEVICE, // the same, Device-nGnRE
    KMAP_KINDS,
};

// Level 0 tables; the identity map holds the code that turns the MMU on.
extern desc_t kernel_root[512], identity_root[512];

// First of all, with the MMU off: where the image lies.
void kmap_begin(paddr_t image);
paddr_t kmap_image(void);
// The address of something in the image, as the walker needs it.
paddr_t kmap_image_address(const void *pointer);

// Maps [va, va + bytes) to `address`; all multiples of 4 KiB. Blocks of 2 MiB where both addresses
// allow it. What is there already must be the same. Works with the MMU off and on.
void kmap_map(desc_t *root, vaddr_t va, paddr_t address, uint64_t bytes, enum kmap_kind kind);
// Takes 4 KiB pages out again; the caller completes that with kmap_complete_removal.
void kmap_unmap(vaddr_t va, uint64_t bytes);
void kmap_complete_removal(void);

// The tables in the image: those that are needed before boot memory is there.
#define KMAP_IMAGE_TABLES 2
void kmap_image_tables(struct memory_range tables[KMAP_IMAGE_TABLES]);
// Records the blocks of the direct map as the stores that they were: a trace begins with them.
void kmap_trace(void);
// From now on tables come from boot memory (boot_memory.h) and no longer from the image.
void kmap_use_boot_memory(void);
// The most tables that mapping [address, address + bytes) in the direct map can take.
uint64_t kmap_tables_for(uint64_t address, uint64_t bytes);

// Maps device registers and returns where they are; `bytes` need not be whole pages. Only while the
// kernel boots. Panics when the window is full.
volatile void *arch_map_device(paddr_t address, uint64_t bytes);
// Takes out again what arch_map_device() returned, of less than 2 MiB.
void arch_unmap_device(volatile void *registers);
// All registers that are mapped, as whole pages.
void kmap_devices(struct ranges *set);

#endif
