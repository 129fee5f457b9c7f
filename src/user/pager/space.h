// SPDX-License-Identifier: BSD-2-Clause
// Where each page of a process is: in a frame, in the swap area, in both, or nowhere yet.
//
// Kept in areas of 2 MiB, which is what one last-level page table covers: when the last mapped page
// of an area goes, its table can go too.
#ifndef SHEAF_PAGER_SPACE_H
#define SHEAF_PAGER_SPACE_H

#include "swap.h"
#include <stddef.h>

#define AREA_PAGES 512u
#define AREA_BYTES UINT64_C(0x200000)

struct page {
    uint32_t frame : 31;  // number of its frame, 0: none
    uint32_t ahead : 1;   // mapped ahead of use, and not known to have been used
    swap_slot slot : 31;  // its copy in the swap area, 0: none
    uint32_t touched : 1; // the program has used it
};

struct area {
    uint64_t start;
    unsigned mapped; // pages with a leaf in the process's address space
    struct page pages[AREA_PAGES];
};

// Ascending.
struct space {
    struct area **areas;
    size_t count, room;
    struct area *last; // found last
};

// The area around an address, NULL if no page of it was ever used.
struct area *space_area(struct space *space, uint64_t va);
// The same; makes it where there is none. NULL without memory.
struct area *space_make_area(struct space *space, uint64_t va);
static inline struct page *area_page(struct area *area, uint64_t va) {
    return &area->pages[va / 4096 % AREA_PAGES];
}
// Frees the areas. Their pages must be nowhere by now.
void space_clear(struct space *space);

#endif
