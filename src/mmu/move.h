// SPDX-License-Identifier: BSD-2-Clause
// What both forms of MOVE have in common: they finish in their own middle.
//
//   check          everything that can fail; nothing is changed
//   hook           the tables that the destination needs
//   clear          only the valid bits: the descriptors wait in their old place
//   complete       no PE has the old translations any more
//   write          in the order of memmove, so that both ranges may overlap
//
// The VSpace lock is kept from the first to the last: a fault, a deletion or another gather finds
// either the old place or the new one. So nothing of this is ever pending, and no entry is made.
//
// Rejected: writing the new place first. The same leaf would be live at two addresses, and a dirty
// bit that a PE sets through the old one after it was copied would be lost (design, G5).
#ifndef MMU_MOVE_H
#define MMU_MOVE_H

#include "finish.h"
#include "table.h"

// Runs of leaves or tables that one step clears.
#define REMOVAL_RANGES 32u

struct removal {
    struct plan_range ranges[REMOVAL_RANGES];
    unsigned count;
    uint8_t levels; // bit n: leaves of level n are among it
    bool tables;    // what is removed is tables, with all that they hold
};

void removal_begin(struct removal *removal, bool tables);

void removal_add(struct removal *removal, uint64_t first, uint64_t pages, unsigned level);
// No PE can use what was removed, by a cached leaf or by a walk. VSpace lock held.
void removal_complete(struct vspace *vspace, const struct removal *removal);

// Whether `missing` tables are free, completing entries that hold some. NO_TABLES with *missing.
enum sheaf_error move_reserve(struct vspace *vspace, uint64_t needed, unsigned *missing);

// Adds the tables below the one at which a walk towards `page` ended, down to `level`, but for
// those that cover *counted as well: the page, not above this one, for which some were added last.
void move_count_missing(const struct place *place, unsigned level, uint64_t page, uint32_t *missing,
                        uint64_t *counted);

#endif
