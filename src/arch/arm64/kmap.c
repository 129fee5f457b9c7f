// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own translations. See kmap.h.
//
// The same code runs with the MMU off, at the address where the image was loaded, and later in the
// upper half: addresses of objects in the image are taken relative to the program counter, and
// nothing here keeps a pointer in static data.
#include "kmap.h"

#include "boot_memory.h"
#include "layout.h"

#include <board.h>
#include <port.h>

#define ENTRIES 512u
#define BLOCK_BYTES (UINT64_C(1) << 21)
#define GIB (UINT64_C(1) << 30)

// Descriptor bits (Arm manual, "VMSAv8-64 translation table format descriptors").
#define DESC_VALID UINT64_C(1)
#define DESC_TABLE_OR_PAGE UINT64_C(2)
#define DESC_MEMORY(index) ((uint64_t)(index) << 2)
#define DESC_READ_ONLY (UINT64_C(1) << 7)
#define DESC_INNER_SHAREABLE (UINT64_C(3) << 8)
#define DESC_ACCESSED (UINT64_C(1) << 10)
#define DESC_PXN (UINT64_C(1) << 53)
#define DESC_UXN (UINT64_C(1) << 54)
#define DESC_ADDRESS UINT64_C(0x0000fffffffff000)

// Image and identity map: 2 + 4 tables with both crossing nothing, 1 GiB and 2 MiB boundaries
// crossed once each: 4 more; device tree 2, first device registers 2, boot memory's first blocks
// 3. The rest is for a second and third run of registers before boot memory is there.
#define EARLY_TABLES 24u

// Serial port, pin multiplexer, watchdog, distributor, CPU interface, redistributors.
#define DEVICES (5u + BOARD_MAX_REDISTRIBUTORS)

extern const char _start[], image_end[];

_Alignas(4096) desc_t kernel_root[ENTRIES];
_Alignas(4096) desc_t identity_root[ENTRIES];
static _Alignas(4096) desc_t early_table[EARLY_TABLES][ENTRIES];

static struct {
    paddr_t image;
    unsigned early_used;
    bool boot_memory;
    uint64_t next_device; // offset in the device window
    struct {
        vaddr_t va;
        struct memory_range pages;
    } device[DEVICES];
    unsigned devices;
} kmap;

void kmap_begin(paddr_t image) { kmap.image = image; }

paddr_t kmap_image(void) { return kmap.image; }

paddr_t kmap_image_address(const void *pointer) {
    return PADDR(kmap.image.v + (uint64_t)((const char *)pointer - _start));
}

void kmap_image_tables(struct memory_range tables[KMAP_IMAGE_TABLES]) {
    tables[0] = (struct memory_range){kmap_image_address(kernel_root), sizeof(kernel_root)};
    tables[1] = (struct memory_range){kmap_image_address(early_table), sizeof(early_table)};
}

static void trace_entry(const desc_t *table, unsigned index) {
    if (SHEAF_TRACE) {
        port_desc_trace(trace_draw(), TRACE_WRITE, port_physical_address(table), index, 0,
                        table[index].v);
    }
}

// The tables of the next level first, so that they are linked with what is in them. Level 3 tables
// are left out: their pages are never changed.
static void trace_table(const desc_t *table, unsigned level) {
    for (unsigned i = 0; i < ENTRIES; i++) {
        desc_t entry = table[i];
        bool link = (entry.v & DESC_TABLE_OR_PAGE) != 0;
        if ((entry.v & DESC_VALID) == 0 || (link && level == 2)) {
            continue;
        }
        if (link) {
            trace_table(port_kernel_address(PADDR(entry.v & DESC_ADDRESS)), level + 1);
            port_dmb_ishst(); // as they were, zeroed, when they were linked
        }
        trace_entry(table, i);
    }
}

void kmap_trace(void) {
    const desc_t *root = port_kernel_address(kmap_image_address(kernel_root));
    for (unsigned i = 0; i < ENTRIES / 2; i++) { // the direct map: below the image and devices
        if ((root[i].v & DESC_VALID) != 0) {
            trace_table(port_kernel_address(PADDR(root[i].v & DESC_ADDRESS)), 1);
            port_dmb_ishst();
            trace_entry(root, i);
        }
    }
    port_dsb_ishst();
}

void kmap_use_boot_memory(void) { kmap.boot_memory = true; }

static desc_t *table_pointer(paddr_t table) {
    uint64_t offset = table.v - kmap.image.v;
    if (offset < (uint64_t)(image_end - _start)) {
        return (desc_t *)(uintptr_t)(_start + offset);
    }
    return port_kernel_address(table);
}

// A zeroed table.
static paddr_t take_table(void) {
    if (kmap.boot_memory) {
        return boot_memory_take(PAGE_BYTES, PAGE_BYTES);
    }
    if (kmap.early_used == EARLY_TABLES) {
        panic("kernel map: no early table left");
    }
    return kmap_image_address(early_table[kmap.early_used++]);
}

static uint64_t leaf_attributes(enum kmap_kind kind) {
    // Memory types are the indices of MAIR_EL1, set in head.S. Global: nG is clear.
    uint64_t attributes = DESC_VALID | DESC_ACCESSED | DESC_INNER_SHAREABLE | DESC_UXN;
    switch (kind) {
    case KMAP_CODE:
        return attributes | DESC_READ_ONLY | DESC_MEMORY(0);
    case KMAP_RODATA:
        return attributes | DESC_READ_ONLY | DESC_PXN | DESC_MEMORY(0);
    case KMAP_DATA:
        return attributes | DESC_PXN | DESC_MEMORY(0);
    case KMAP_DEVICE:
    case KMAP_KINDS:
        break;
    }
    return attributes | DESC_PXN | DESC_MEMORY(2);
}

static unsigned table_index(vaddr_t va, unsigned level) {
    return (unsigned)(va.v >> (39 - 9 * level)) % ENTRIES;
}

// The table of the next level; made and linked if it is not there.
static desc_t *next_table(desc_t *entry) {
    if ((entry->v & DESC_VALID) == 0) {
        paddr_t table = take_table();
        port_dmb_ishst(); // zeroed before it can be reached by a walk
        __atomic_store_n(&entry->v, table.v | DESC_TABLE_OR_PAGE | DESC_VALID, __ATOMIC_RELAXED);
    } else if ((entry->v & DESC_TABLE_OR_PAGE) == 0) {
        panic("kernel map: a page where a block is (%lx)", entry->v);
    }
    return table_pointer(PADDR(entry->v & DESC_ADDRESS));
}

static void write_leaf(desc_t *entry, uint64_t value) {
    uint64_t old = entry->v;
    if (old != 0 && old != value) {
        panic("kernel map: %lx where %lx is", value, old);
    }
    __atomic_store_n(&entry->v, value, __ATOMIC_RELAXED);
}

void kmap_map(desc_t *root, vaddr_t va, paddr_t address, uint64_t bytes, enum kmap_kind kind) {
    uint64_t attributes = leaf_attributes(kind);
    while (bytes != 0) {
        desc_t *level1 = next_table(&root[table_index(va, 0)]);
        desc_t *level2 = next_table(&level1[table_index(va, 1)]);
        desc_t *entry = &level2[table_index(va, 2)];
        uint64_t step = BLOCK_BYTES;
        if (IS_ALIGNED(va.v | address.v, BLOCK_BYTES) && bytes >= BLOCK_BYTES) {
            write_leaf(entry, address.v | attributes);
        } else {
            step = PAGE_BYTES;
            desc_t *level3 = next_table(entry);
            write_leaf(&level3[table_index(va, 3)], address.v | attributes | DESC_TABLE_OR_PAGE);
        }
        va.v += step;
        address.v += step;
        bytes -= step;
    }
    port_dsb_ishst(); // visible to the walker ...
    port_isb();       // ... before the first access through the new translations
}

void kmap_unmap(vaddr_t va, uint64_t bytes) {
    for (; bytes != 0; va.v += PAGE_BYTES, bytes -= PAGE_BYTES) {
        desc_t *table = kernel_root;
        for (unsigned level = 0; level < 3; level++) {
            table = next_table(&table[table_index(va, level)]);
        }
        __atomic_store_n(&table[table_index(va, 3)].v, 0, __ATOMIC_RELAXED);
    }
}

void kmap_complete_removal(void) {
    port_dsb_ishst(); // the cleared descriptors are visible to walkers
    port_tlbi(PORT_TLBI_VMALLE1IS, 0);
    port_dsb_ish(); // the invalidation is complete
    port_isb();     // for this PE's own next access
}

uint64_t kmap_tables_for(uint64_t address, uint64_t bytes) {
    // Level 3 for the odd pieces at both ends, level 2 for each GiB, level 1 for each 512 GiB.
    uint64_t last = address + bytes - 1;
    return 2 + (last / GIB - address / GIB + 1) + (last / (512 * GIB) - address / (512 * GIB) + 1);
}

volatile void *arch_map_device(paddr_t address, uint64_t bytes) {
    paddr_t first = PADDR(ALIGN_DOWN(address.v, PAGE_BYTES));
    uint64_t length = ALIGN_UP(address.v + bytes, PAGE_BYTES) - first.v;
    uint64_t offset = kmap.next_device;
    if (length >= BLOCK_BYTES) { // equal offsets in 2 MiB, so that blocks can be used
        offset = ALIGN_UP(offset, BLOCK_BYTES) + first.v % BLOCK_BYTES;
    }
    if (length > KERNEL_DEVICE_END - KERNEL_DEVICE_VA - offset || kmap.devices == DEVICES) {
        panic("device registers at %lx: no room for 0x%lx bytes", address.v, bytes);
    }
    vaddr_t va = VADDR(KERNEL_DEVICE_VA + offset);
    kmap_map(kernel_root, va, first, length, KMAP_DEVICE);
    kmap.next_device = offset + length;
    kmap.device[kmap.devices].va = va;
    kmap.device[kmap.devices++].pages = (struct memory_range){first, length};
    return (volatile void *)(uintptr_t)(va.v + address.v % PAGE_BYTES);
}

void arch_unmap_device(volatile void *registers) {
    uint64_t va = ALIGN_DOWN((uint64_t)(uintptr_t)registers, PAGE_BYTES);
    for (unsigned i = 0; i < kmap.devices; i++) {
        if (kmap.device[i].va.v == va) {
            kmap_unmap(VADDR(va), kmap.device[i].pages.bytes);
            kmap_complete_removal();
            kmap.device[i] = kmap.device[--kmap.devices];
            return;
        }
    }
    panic("kernel map: no device registers at %lx", va);
}

void kmap_devices(struct ranges *set) {
    set->count = 0;
    for (unsigned i = 0; i < kmap.devices; i++) {
        uint64_t start = kmap.device[i].pages.start.v;
        if (!ranges_add(set, start, start + kmap.device[i].pages.bytes)) {
            panic("kernel map: device registers in more than %d ranges", RANGES_MAX);
        }
    }
}
