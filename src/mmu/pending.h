// SPDX-License-Identifier: BSD-2-Clause
// Pending entries: what was removed from a VSpace and is not yet known to be gone from every TLB.
//
// An entry is made in the critical section that changes the descriptors, so whoever takes the lock
// later finds either the translation or the entry. Who meets an entry that overlaps what it is
// about completes it itself, under the lock, and never waits for its owner: the owner may be
// interrupted for as long as its priority has it. The owner comes later, misses its ticket, and
// has nothing left to remove.
//
// Rejected: one count of batches in flight for the whole VSpace. It cannot say which range is
// concerned, so that neighbours far away invalidate everything; and a batch that dies keeps the
// count up for ever.
//
// All functions are called with the VSpace lock held.
#ifndef MMU_PENDING_H
#define MMU_PENDING_H

#include "finish.h"

// Makes entry `index`, which is free, one of this PE's gather. It has no ranges yet.
static inline struct pending *pending_begin(struct vspace *vspace, unsigned index, uint8_t levels) {
    struct pending *entry = &vspace->pending[index];
    uint8_t pe = (uint8_t)(port_pe() + 1);
    entry->ticket = ++vspace->tickets;
    entry->range_count = 0; // what the ranges held is of no account
    entry->levels = levels;
    entry->owner = pe;
    entry->writer = pe;
    entry->chunks = 0;
    entry->tables = 0;
    vspace->pending_count++;
    return entry;
}
// A new entry for this PE's gather. Completes the oldest where all are taken.
unsigned pending_open(struct vspace *vspace);
// The entry, if it is still the one that got `ticket`; else NULL.
struct pending *pending_find(struct vspace *vspace, unsigned index, uint64_t ticket);
void pending_add_range(struct pending *entry, uint64_t first, uint64_t pages);
// Whether it covers stores that are not, or not only, this PE's.
static inline bool pending_is_foreign(const struct pending *entry) {
    return entry->writer != port_pe() + 1;
}
// How far apart addresses may be that invalidate all of it, as the level of leaves that far apart.
uint8_t pending_level(const struct pending *entry);
// Adds what `entry`, which holds no tables, covers to `into`, and removes it.
void pending_merge(struct vspace *vspace, struct pending *into, struct pending *entry);
// Makes the chunk the entry's, which it is not yet.
void pending_take_chunk(struct pending *entry, struct chunk *chunk);
// Adds an unhooked table. True: it is the first of its chunk.
static inline bool pending_add_table(struct pending *entry, paddr_t table) {
    struct chunk *chunk = chunk_of_table(table);
    bool first = chunk->pending == 0 || &chunk->vspace->pending[chunk->pending_entry] != entry;
    if (unlikely(first))
        pending_take_chunk(entry, chunk);
    chunk->pending |= (uint16_t)(1u << (table.v >> PAGE_BITS & 15));
    entry->tables++;
    return first;
}
// Removes an entry whose invalidation is complete, and gives its tables back.
void pending_close(struct vspace *vspace, struct pending *entry);

// Completes one entry in its owner's place and removes it.
void pending_complete(struct vspace *vspace, struct pending *entry);
// All that overlap the range, together. `except`, where not 0, is the ticket of the caller's own
// entry. Whether there was any.
bool pending_complete_overlapping(struct vspace *vspace, uint64_t first, uint64_t pages,
                                  uint64_t except);
bool pending_complete_all(struct vspace *vspace, uint64_t except);
// All that PEs are about to complete (not those that were deferred).
void pending_complete_owned(struct vspace *vspace, uint64_t except);
// Completes entries that hold tables, the oldest first, until `tables` are free. False when all
// are complete and it is still less.
bool pending_reclaim_tables(struct vspace *vspace, uint64_t tables);

#endif
