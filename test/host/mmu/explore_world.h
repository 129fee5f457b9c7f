// SPDX-License-Identifier: BSD-2-Clause
// What the explorer runs: one small world, and every operation of src/mmu on it.
#ifndef MMU_EXPLORE_WORLD_H
#define MMU_EXPLORE_WORLD_H

#include "support.h"

#include <explore.h>

// An operation of one PE, from the call to what its caller does when it has returned: what was
// removed is reused.
struct world_operation {
    const char *name;
    void (*run)(void);
};
extern const struct world_operation world_operations[];
extern const unsigned world_operation_count;
const struct world_operation *world_find(const char *name); // NULL: none

// One VSpace, loaded on PEs 0 and 1. Pages 0 to 4 are mapped and accessed, page 5 is mapped by a
// record, pages 6 to 9 are mapped and not accessed; one page behind another level 2 table. A second
// VSpace has the other of the two ASIDs there are.
void world_setup(void);
void world_setup_unloaded(void);           // the same, on no PE
void world_setup_full(void);               // every pending entry holds a page, 100 and on, deferred
extern struct mmu_features world_features; // of the machine that the next one is built on
// All is in order, all can be unmapped and destroyed, and all can be reused then.
void world_check(void);

#endif
