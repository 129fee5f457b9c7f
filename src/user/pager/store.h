// SPDX-License-Identifier: BSD-2-Clause
// Where dirty pages go: something that keeps pages by number.
//
// The swap area (swap.h) is the only user. A page that was written with STORE_OK reads back as it
// was written, until it is written again; a write that fails leaves what was there.
#ifndef SHEAF_PAGER_STORE_H
#define SHEAF_PAGER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_PAGE_BYTES 4096

enum store_status { STORE_OK, STORE_FULL, STORE_FAILED };

struct store {
    // Pages it can hold now: numbers 0 to capacity - 1. It may sink while some of them were never
    // written; those then answer STORE_FULL.
    uint32_t (*capacity)(struct store *store);
    // `page` is STORE_PAGE_BYTES long. read is only asked for pages that were written.
    enum store_status (*read)(struct store *store, uint32_t number, void *page);
    enum store_status (*write)(struct store *store, uint32_t number, const void *page);
};

// The store in memory: takes Frames of 2 MiB from the pool as it fills, at most `limit` pages.
struct store *store_memory_open(uint32_t limit);

#endif
