// SPDX-License-Identifier: BSD-2-Clause
// Memory while the kernel boots. See boot_memory.h.
#include "boot_memory.h"

#include "kmap.h"
#include "ranges.h"

#include <arch.h>
#include <port.h>

#define BLOCK_BYTES (UINT64_C(1) << 21)
// RAM above is left out: the direct map would run into the kernel's image.
#define DIRECT_MAP_BYTES (UINT64_C(1) << 47)
// Tables for the device window, which boot memory provides too: 32 MiB of registers.
#define DEVICE_TABLES 16

extern const char _start[], image_end[];

static struct {
    struct ranges mapped; // the direct map
    struct ranges free;   // of that, what nobody uses; still with the device tree in it
    uint64_t pool, pool_next, pool_end;
    struct memory_range ramdisk;
    uint64_t ram_bytes, image_bytes, reserved_bytes;
    bool closed;
} memory;

static uint64_t page_down(uint64_t address) { return ALIGN_DOWN(address, PAGE_BYTES); }

static uint64_t page_up(uint64_t address) { return ALIGN_UP(address, PAGE_BYTES); }

// Takes the pages of [start, start + bytes) out; the caller says of which set.
static void cut_out(struct ranges *set, uint64_t start, uint64_t bytes) {
    if (!ranges_remove(set, page_down(start), page_up(start + bytes))) {
        panic("memory map: more than %d pieces", RANGES_MAX);
    }
}

static void collect_banks(const struct board *board) {
    for (uint32_t i = 0; i < board->memory_count; i++) {
        const struct board_range *bank = &board->memory[i];
        uint64_t end = page_down(bank->base.v + bank->size);
        if (end > DIRECT_MAP_BYTES) {
            kprintf("memory above 0x%lx is not used\n", DIRECT_MAP_BYTES);
            end = DIRECT_MAP_BYTES;
        }
        if (!ranges_add(&memory.mapped, page_up(bank->base.v), end)) {
            panic("memory map: more than %d pieces", RANGES_MAX);
        }
    }
    memory.ram_bytes = ranges_bytes(&memory.mapped);
}

static void cut_out_image(void) {
    uint64_t image = kmap_image().v, bytes = (uint64_t)(image_end - _start);
    cut_out(&memory.free, image, bytes);
    memory.image_bytes = memory.ram_bytes - ranges_bytes(&memory.free);
    cut_out(&memory.mapped, image, bytes); // no second, writable view of the kernel's code
}

static void cut_out_ramdisk(const struct board *board) {
    memory.ramdisk = (struct memory_range){board->ramdisk.base, board->ramdisk.size};
    if (memory.ramdisk.bytes != 0) {
        cut_out(&memory.free, memory.ramdisk.start.v, memory.ramdisk.bytes);
    }
}

// Firmware may have reserved the RAM disk too; that does not count as reserved.
static void cut_out_reserved(const struct board *board) {
    uint64_t before = ranges_bytes(&memory.free);
    for (uint32_t i = 0; i < board->reserved_count; i++) {
        const struct board_reserved *reserved = &board->reserved[i];
        cut_out(&memory.free, reserved->range.base.v, reserved->range.size);
        if (reserved->no_map) {
            cut_out(&memory.mapped, reserved->range.base.v, reserved->range.size);
        }
    }
    memory.reserved_bytes = before - ranges_bytes(&memory.free);
}

static void check_ramdisk(void) {
    uint64_t start = memory.ramdisk.start.v, bytes = memory.ramdisk.bytes;
    if (bytes != 0 && !ranges_contain(&memory.mapped, page_down(start), page_up(start + bytes))) {
        panic("the RAM disk (0x%lx, %lu bytes) is not in usable RAM", start, bytes);
    }
}

// One stretch for everything that will be taken, so that it can be mapped first and all tables lie
// inside it.
static void find_pool(struct memory_range fdt, uint64_t wanted) {
    uint64_t tables = DEVICE_TABLES;
    for (unsigned i = 0; i < memory.mapped.count; i++) {
        tables += kmap_tables_for(memory.mapped.range[i].start.v, memory.mapped.range[i].bytes);
    }
    struct memory_range image_tables[KMAP_IMAGE_TABLES];
    kmap_image_tables(image_tables);
    for (unsigned i = 0; i < KMAP_IMAGE_TABLES; i++) {
        tables += kmap_tables_for(image_tables[i].start.v, image_tables[i].bytes);
    }
    uint64_t bytes = ALIGN_UP(wanted + tables * PAGE_BYTES, BLOCK_BYTES);
    struct ranges candidates = memory.free;
    cut_out(&candidates, fdt.start.v, fdt.bytes);
    uint64_t after_image = kmap_image_address(image_end).v;
    if (!ranges_find(&candidates, after_image, bytes, BLOCK_BYTES, &memory.pool) &&
        !ranges_find(&candidates, 0, bytes, BLOCK_BYTES, &memory.pool)) {
        panic("no stretch of %lu KiB of RAM is free for the kernel", bytes / 1024);
    }
    memory.pool_next = memory.pool;
    memory.pool_end = memory.pool + bytes;
}

static void map_directly(uint64_t start, uint64_t bytes) {
    vaddr_t va = VADDR((uint64_t)(uintptr_t)port_kernel_address(PADDR(start)));
    kmap_map(kernel_root, va, PADDR(start), bytes, KMAP_DATA);
}

// mmu changes leaves of the direct map (kernel aliases), and reaches their tables by it. Those are
// data, so the kernel's code still has no writable view.
static void map_image_tables(void) {
    struct memory_range tables[KMAP_IMAGE_TABLES];
    kmap_image_tables(tables);
    for (unsigned i = 0; i < KMAP_IMAGE_TABLES; i++) {
        map_directly(tables[i].start.v, tables[i].bytes);
    }
}

void boot_memory_init(const struct board *board, struct memory_range fdt, uint64_t wanted) {
    collect_banks(board);
    memory.free = memory.mapped;
    cut_out_image();
    cut_out_ramdisk(board);
    cut_out_reserved(board);
    check_ramdisk();
    find_pool(fdt, wanted);
    map_directly(memory.pool, memory.pool_end - memory.pool);
    kmap_use_boot_memory();
    for (unsigned i = 0; i < memory.mapped.count; i++) {
        map_directly(memory.mapped.range[i].start.v, memory.mapped.range[i].bytes);
    }
    map_image_tables();
}

paddr_t boot_memory_take(uint64_t bytes, uint64_t alignment) {
    uint64_t start = ALIGN_UP(memory.pool_next, alignment);
    if (memory.closed || start > memory.pool_end || memory.pool_end - start < bytes) {
        panic("boot memory: %lu bytes more than planned", bytes);
    }
    memory.pool_next = page_up(start + bytes);
    arch_zero(port_kernel_address(PADDR(start)), page_up(bytes));
    return PADDR(start);
}

// The largest stretches, ascending. Smaller ones that core has no room for are given up.
static void choose_free(struct core_boot *boot) {
    uint64_t lost = ranges_keep_largest(&memory.free, ARRAY_SIZE(boot->free));
    if (lost != 0) {
        kprintf("memory: %lu bytes in small pieces are not used\n", lost);
    }
    for (unsigned i = 0; i < memory.free.count; i++) {
        boot->free[i] = memory.free.range[i];
    }
    boot->free_count = memory.free.count;
}

void boot_memory_finish(struct core_boot *boot) {
    memory.closed = true;
    cut_out(&memory.free, memory.pool, memory.pool_next - memory.pool);
    boot->ram_bytes = memory.ram_bytes;
    boot->kernel_bytes = memory.image_bytes + memory.pool_next - memory.pool;
    boot->reserved_bytes = memory.reserved_bytes;
    boot->ramdisk = memory.ramdisk;
    choose_free(boot);
}
