// SPDX-License-Identifier: BSD-2-Clause
// Pages in memory that the frame budget does not count. Memory is taken when the first page of an
// extent is written: Untyped is zeroed when it is retyped, and zeroing all of it would delay the
// start.
#include "store.h"
#include <pool.h>
#include <self.h>
#include <slots.h>
#include <string.h>

#define EXTENT_BITS 21
#define EXTENT_PAGES (1u << (EXTENT_BITS - 12))

static struct {
    struct store store;
    uint64_t address;
    uint32_t extents;          // mapped
    uint32_t extents_reserved; // address space
    uint32_t limit;            // pages
} memory;

static uint32_t capacity(struct store *store) {
    (void)store;
    uint64_t extents = memory.extents + (pool_bytes_left(EXTENT_BITS) >> EXTENT_BITS);
    if (extents > memory.extents_reserved)
        extents = memory.extents_reserved;
    uint64_t pages = extents * EXTENT_PAGES;
    return pages < memory.limit ? (uint32_t)pages : memory.limit;
}

static bool add_extent(void) {
    sheaf_cptr slot = slots_take(1);
    if (slot == 0)
        return false;
    if (memory.extents < memory.extents_reserved &&
        pool_make(SHEAF_FRAME, EXTENT_BITS, slot, 1) == SHEAF_OK) {
        uint64_t va = memory.address + ((uint64_t)memory.extents << EXTENT_BITS);
        if (self_map(va, EXTENT_PAGES, slot, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE) == SHEAF_OK) {
            memory.extents++;
            return true;
        }
        slots_delete(slot);
        return false;
    }
    slots_give(slot);
    return false;
}

static void *page_address(uint32_t number) {
    return (void *)(memory.address + (uint64_t)number * STORE_PAGE_BYTES);
}

static enum store_status read_page(struct store *store, uint32_t number, void *page) {
    (void)store;
    if (number >= memory.extents * EXTENT_PAGES)
        return STORE_FAILED;
    memcpy(page, page_address(number), STORE_PAGE_BYTES);
    return STORE_OK;
}

static enum store_status write_page(struct store *store, uint32_t number, const void *page) {
    (void)store;
    if (number >= memory.limit)
        return STORE_FULL;
    while (number >= memory.extents * EXTENT_PAGES)
        if (!add_extent())
            return STORE_FULL;
    memcpy(page_address(number), page, STORE_PAGE_BYTES);
    return STORE_OK;
}

struct store *store_memory_open(uint32_t limit) {
    memory.store = (struct store){.capacity = capacity, .read = read_page, .write = write_page};
    memory.limit = limit;
    memory.extents_reserved = (uint32_t)(pool_bytes_left(EXTENT_BITS) >> EXTENT_BITS);
    memory.address = self_reserve((uint64_t)memory.extents_reserved << EXTENT_BITS);
    return &memory.store;
}
