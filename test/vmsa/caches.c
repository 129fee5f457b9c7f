// SPDX-License-Identifier: BSD-2-Clause
// Data caches, where memory types meet: which pages may be in one, and what the kernel itself
// reaches by its own half.
//
// A page may be in a cache, stale or dirty, from the moment a cacheable translation of it may be
// cached until it is cleaned and invalidated with no such translation left: before that, any PE may
// fetch it again (Arm manual, "Mismatched memory attributes").
#include "model.h"
#include <string.h>

static struct {
    uint8_t *absent; // bit for each page of RAM: in no cache
    uint64_t first, pages;
} caches;

void caches_init(uint64_t start, uint64_t bytes) {
    uint64_t pages = bytes / PAGE_BYTES;
    if (pages > caches.pages)
        caches.absent = vmsa_grow(caches.absent, pages / 8 + 1);
    caches.first = start / PAGE_BYTES;
    caches.pages = pages;
    memset(caches.absent, 0, pages / 8 + 1);
}

static void set_absent(uint64_t page, uint64_t count, bool absent) {
    for (uint64_t i = page; i < page + count; i++) {
        uint64_t n = i - caches.first;
        uint8_t bit = (uint8_t)BIT(n % 8);
        if (n < caches.pages)
            caches.absent[n / 8] =
                (uint8_t)(absent ? caches.absent[n / 8] | bit : caches.absent[n / 8] & ~bit);
    }
}

static bool may_hold(uint64_t page) {
    uint64_t n = page - caches.first;
    return n < caches.pages && (caches.absent[n / 8] >> n % 8 & 1) == 0;
}

static bool is_cacheable(uint64_t leaf) { return (leaf & DESC_TYPE) == 0; }

void caches_reach(uint64_t leaf, unsigned level) {
    if (is_cacheable(leaf))
        set_absent((leaf & DESC_OUTPUT) / PAGE_BYTES, span_pages(level), false);
}

// Only where the kernel's half is part of what is tested: else its alias is not known.
void caches_check_leaf(uint64_t leaf, unsigned level) {
    uint64_t first = (leaf & DESC_OUTPUT) / PAGE_BYTES;
    if (machine.kernel_root == 0 || (leaf & DESC_TYPE) >> 2 != TYPE_NON_CACHEABLE)
        return;
    for (uint64_t page = first; page < first + span_pages(level); page++) {
        if (may_hold(page)) {
            violation(VMSA_MISMATCHED, "frame %lx mapped non-cacheable, it may be in a cache",
                      (unsigned long)(page * PAGE_BYTES));
            return;
        }
    }
}

// The kernel's own leaf for an address of RAM; 0 where there is none.
static uint64_t kernel_leaf(uint64_t address) {
    uint64_t page = (VMSA_KERNEL_HALF + address) / PAGE_BYTES, table = machine.kernel_root;
    for (unsigned level = 0; level < LEVELS; level++) {
        uint64_t value = *memory_descriptor(table, page / span_pages(level) % TABLE_ENTRIES);
        if (!value_is_table(value, level))
            return value_is_leaf(value, level) ? value : 0;
        table = value & DESC_OUTPUT;
    }
    return 0;
}

static uint64_t reach(uint64_t address, const char *what) {
    uint64_t leaf = kernel_leaf(address);
    if (leaf == 0)
        violation(VMSA_NO_ALIAS, "%lx %s", (unsigned long)address, what);
    return leaf;
}

void vmsa_clean_and_invalidate(paddr_t start, size_t bytes) {
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    uint64_t first = (start.v + PAGE_BYTES - 1) / PAGE_BYTES, end = (start.v + bytes) / PAGE_BYTES;
    record_event("clean and invalidate", start.v, bytes, 0);
    if (machine.kernel_root != 0)
        reach(start.v, "cleaned");
    set_absent(first, end > first ? end - first : 0, true);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if (entry->cached != 0 && value_is_leaf(entry->value, entry->level))
            caches_reach(entry->value, entry->level);
    }
}

void vmsa_kernel_writes(paddr_t start, uint64_t bytes) {
    for (uint64_t at = start.v; machine.kernel_root != 0 && at < start.v + bytes;
         at = ALIGN_DOWN(at, PAGE_BYTES) + PAGE_BYTES) {
        uint64_t leaf = reach(at, "written");
        unsigned types = vmsa_types_by_kernel(machine.pe, VADDR(VMSA_KERNEL_HALF + at));
        if (leaf != 0 && types != 1u << ((leaf & DESC_TYPE) >> 2))
            violation(VMSA_MISMATCHED, "%lx written, by memory types %x", (unsigned long)at, types);
        bool whole = IS_ALIGNED(at, PAGE_BYTES) && at + PAGE_BYTES <= start.v + bytes;
        if (whole && (leaf & DESC_TYPE) >> 2 == TYPE_NON_CACHEABLE && may_hold(at / PAGE_BYTES))
            violation(VMSA_MISMATCHED, "frame %lx written past a cache that may hold it",
                      (unsigned long)at);
    }
}
