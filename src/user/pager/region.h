// SPDX-License-Identifier: BSD-2-Clause
// Regions: what lies where in a process's address space, and what a page holds before anyone wrote
// to it.
#ifndef SHEAF_PAGER_REGION_H
#define SHEAF_PAGER_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES UINT64_C(4096)

enum region_kind {
    REGION_ANONYMOUS, // zeros
    REGION_FILE,      // `data`, zeros behind it; private where writable
    REGION_GUARD,     // nothing may be here: an access ends the process with a message of its own
};

struct region {
    uint64_t start, end; // addresses, page-aligned
    enum region_kind kind;
    bool write, execute; // reading is allowed but in a guard
    const uint8_t *data; // in the RAM disk, the contents from `start` on
    uint64_t data_bytes; // at most end - start
};

// Ascending, not overlapping.
struct region_list {
    struct region *regions;
    size_t count, room;
};

// False when it overlaps another one, or without memory.
bool region_add(struct region_list *list, const struct region *region);
// The region that holds the address, NULL if there is none. Valid until the next add or remove.
struct region *region_find(const struct region_list *list, uint64_t address);
// Removes the region that begins at `start`.
void region_remove(struct region_list *list, uint64_t start);
// Moves a region's end to `end`, upwards. False when it would overlap the next one.
bool region_extend(struct region_list *list, uint64_t start, uint64_t end);
void region_clear(struct region_list *list);

// Fills a page with what it holds at the beginning. True when some of it came from the file.
bool region_fill(const struct region *region, uint64_t va, void *page);

#endif
