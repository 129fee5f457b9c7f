// SPDX-License-Identifier: BSD-2-Clause
// Taking tables from a VSpace's chunks, linking, unlinking and giving them back.
#ifndef MMU_TABLE_H
#define MMU_TABLE_H

#include "walk.h"

// All of these are called with the VSpace lock held.

// Enters a chunk, in zeroed memory, at directory index `index`; all its tables are free then.
void chunk_attach(struct vspace *vspace, struct chunk *chunk, unsigned index);
// Takes it out again. Every table of it is free.
void chunk_detach(struct vspace *vspace, struct chunk *chunk);

// Takes a free table (there is one: the caller has counted) and zeroes it.
paddr_t table_take(struct vspace *vspace, unsigned level);
// Makes `parent`[index] point to `table`. Orders the table's zeroes before the link.
void table_link(paddr_t parent, unsigned index, paddr_t table);
// Clears `parent`[index], which points to `table`. The table may still be walked until the
// invalidation that covers it is complete.
static inline void table_unlink(paddr_t parent, unsigned index, paddr_t table) {
    // Hardware changes nothing in a table descriptor (FEAT_HAFT is not used), so a plain store
    // loses no update. Leaves are exchanged.
    port_desc_write(parent, index, DESC(0));
    table_info(parent)->live--;
    table_info(table)->state = TABLE_UNHOOKED;
}
// Goes down towards `page` to the table of `level`, hooking those that are missing: so many are
// free. Nothing on the way is a block.
struct place table_hook_down(struct vspace *vspace, uint64_t page, unsigned level);
// Unhooks every empty table that a descriptor of `level` in [first, end) names, and completes that:
// something else may be written there.
void tables_clear_the_way(struct vspace *vspace, uint64_t first, uint64_t end, unsigned level);
// Gives the tables of an entry back to their chunks: they may be taken again at once. A step for
// each chunk, not for each table.
void chunks_release(struct vspace *vspace, struct pending *entry);

#endif
