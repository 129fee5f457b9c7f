// SPDX-License-Identifier: BSD-2-Clause
// The first tables, made with the MMU off: image, identity map, device tree.
//
// Runs at the address where the image was loaded. Writes .bss only (head.S invalidates the caches
// for that), and reads the device tree's header through Device memory: byte by byte.
#include "early.h"

#include "kmap.h"
#include "layout.h"
#include "stacks.h"

extern const char _start[], text_end[], rodata_end[], image_end[];

_Alignas(4096) struct pe_stack pe_stacks[MAX_PES];

// Linux' arm64 boot protocol: the tree lies at a multiple of 8.
#define FDT_ALIGNMENT 8
#define FDT_MAGIC 0xd00dfeed

static uint32_t read_big_endian(const volatile uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t fdt_bytes(paddr_t fdt) {
    if (fdt.v == 0 || !IS_ALIGNED(fdt.v, FDT_ALIGNMENT)) {
        return 0;
    }
    const volatile uint8_t *header = (const volatile uint8_t *)(uintptr_t)fdt.v;
    uint32_t bytes = read_big_endian(header + 4);
    return read_big_endian(header) == FDT_MAGIC && bytes <= FDT_BYTES_MAX ? bytes : 0;
}

static void map_image_part(const char *from, const char *to, enum kmap_kind kind) {
    kmap_map(kernel_root, VADDR(KERNEL_IMAGE_VA + (uint64_t)(from - _start)),
             kmap_image_address(from), (uint64_t)(to - from), kind);
}

uint64_t early_tables(paddr_t image, paddr_t fdt) {
    kmap_begin(image);
    map_image_part(_start, text_end, KMAP_CODE);
    map_image_part(text_end, rodata_end, KMAP_RODATA);
    map_image_part(rodata_end, image_end, KMAP_DATA);
    for (unsigned i = 0; i < MAX_PES; i++) {
        uint64_t offset = (uint64_t)((const char *)pe_stacks[i].guard - _start);
        kmap_unmap(VADDR(KERNEL_IMAGE_VA + offset), STACK_GUARD_BYTES);
    }
    kmap_map(identity_root, VADDR(image.v), image, (uint64_t)(text_end - _start), KMAP_CODE);

    uint64_t bytes = fdt_bytes(fdt);
    if (bytes != 0) {
        uint64_t first = ALIGN_DOWN(fdt.v, PAGE_BYTES);
        kmap_map(kernel_root, VADDR(KERNEL_FDT_VA), PADDR(first),
                 ALIGN_UP(fdt.v + bytes, PAGE_BYTES) - first, KMAP_RODATA);
    }
    return bytes;
}
