// SPDX-License-Identifier: BSD-2-Clause
// A gather's batch: one for each PE, what it removed since the last finish.
#ifndef MMU_BATCH_H
#define MMU_BATCH_H

#include "finish.h"
#include "pending.h"

#define BATCH_SPACES 8u
// One ASID's exact ranges are at most PLAN_THRESHOLD: each is at least one operation. Several
// VSpaces share them; where they run out, neighbours are merged.
#define BATCH_RANGES 128u
// Chunks in which a batch may have unhooked tables before an operation finishes it of its own
// accord: giving the tables back takes some 25 instructions for each chunk. A GiB of sparse pages
// has its tables in 35.
#define BATCH_CHUNKS 128u

struct batch_space {
    struct vspace *vspace; // pinned
    uint64_t ticket;       // of the pending entry; 0: none yet
    uint64_t operations;   // sum over the ranges, also those no longer kept
    uint8_t entry;         // index of the pending entry
    uint8_t levels;        // bit n: leaves of level n were cleared
    bool tables_freed;
    bool forced; // also what no PE can hold by all that is known
};

struct gather {
    struct gather_totals totals;
    struct batch_space spaces[BATCH_SPACES];
    struct plan_range ranges[BATCH_RANGES];
    unsigned space_count, range_count;
    unsigned tables; // unhooked in this batch
    unsigned chunks; // that they lie in
    bool stored;     // valid descriptors were written that walkers must come to see
    bool foreign;    // stores of another PE are covered
    uint8_t policy;  // enum gather_policy
};

void batch_init(void); // all PEs' batches are empty

// Totals of this PE's gather.
struct gather_totals *batch_totals(void);

// The VSpace's place in the batch; finishes the batch first where it is full of VSpaces. Pins the
// VSpace. Called without its lock.
struct batch_space *batch_join(struct gather *gather, struct vspace *vspace);
// The same, but NULL where the batch is full.
struct batch_space *batch_try_join(struct gather *gather, struct vspace *vspace);
// The same for the VSpace that has the ASID. False: none has.
bool batch_try_join_asid(struct gather *gather, asid_t asid, struct batch_space **space);
// Finishes the batch of this PE if it holds the VSpace.
void batch_leave(struct vspace *vspace);

// Addresses to invalidate with walk caches whatever is known (FORCE). No lock is needed.
void batch_force(struct gather *gather, struct batch_space *space, uint64_t first, uint64_t pages);

// The following are called with the VSpace lock held.

// Whether a removal from the VSpace can be entered without completing one of others.
bool batch_has_entry(const struct batch_space *space);
// Takes over what a deferred entry covers.
void batch_adopt(struct gather *gather, struct batch_space *space, struct pending *entry);

// The entry into which removals go, made when there is none (or when it was completed by another).
struct pending *batch_entry(struct batch_space *space);
// The ticket of the entry, 0 when it has none.
static inline uint64_t batch_ticket(const struct batch_space *space) { return space->ticket; }
// Whether the ASID goes as a whole already, so that exact ranges are not wanted any more.
static inline bool batch_is_whole(const struct batch_space *space) {
    return space->operations > PLAN_THRESHOLD;
}
static inline uint64_t batch_operations(const struct plan_range *range) {
    return plan_operations(&finish_features, range->pages, range->level);
}
// The batch has no room for a range: makes one of it and another.
void batch_merge_range(struct gather *gather, struct batch_space *space,
                       const struct plan_range *range);

ALWAYS_INLINE void batch_add_range(struct gather *gather, struct batch_space *space, uint64_t first,
                                   uint64_t pages, unsigned level) {
    uint8_t number = (uint8_t)(space - gather->spaces);
    struct plan_range *next = &gather->ranges[gather->range_count], *last = next - 1;
    // Once it is too many it stays too many: what came since is not recorded.
    if (unlikely(batch_is_whole(space)))
        return;
    if (gather->range_count > 0 && last->first + last->pages == first && last->space == number &&
        last->level == level) {
        space->operations -= batch_operations(last);
        last->pages += pages;
        space->operations += batch_operations(last);
        return;
    }
    space->operations += plan_operations(&finish_features, pages, level);
    if (unlikely(gather->range_count == BATCH_RANGES)) {
        batch_merge_range(gather, space,
                          &(struct plan_range){first, pages, (uint8_t)level, number});
        return;
    }
    next->first = first;
    next->pages = pages;
    next->level = (uint8_t)level;
    next->space = number;
    gather->range_count++;
}

// Leaves of one level were cleared: what a TLB may hold.
ALWAYS_INLINE void batch_add_leaves(struct gather *gather, struct batch_space *space,
                                    uint64_t first, uint64_t pages, unsigned level) {
    if (unlikely(gather->policy == GATHER_DEFER))
        return; // the entry is all there is
    space->levels |= (uint8_t)(1u << level);
    batch_add_range(gather, space, first, pages, level);
}
// The same, and enters it as pending. The batch's entry is made where there is none.
void batch_enter_leaves(struct gather *gather, struct batch_space *space, uint64_t first,
                        uint64_t pages, unsigned level);

// Pages, one after the other, that the caller enters as pending by itself. Nothing else is added to
// the batch between begin and end, and not more pages than there is room.
struct batch_pages {
    struct plan_range *first, *next; // ranges that were added
    const struct plan_range *end;    // of the room: each may become a range
    uint64_t last_end;               // page behind the last one
    uint8_t space;
    bool alone; // each range is a page
};
ALWAYS_INLINE struct batch_pages batch_pages_begin(struct gather *gather,
                                                   const struct batch_space *space) {
    unsigned count = gather->range_count;
    uint64_t room = batch_is_whole(space) ? 0 : PLAN_THRESHOLD + 1 - space->operations;
    return (struct batch_pages){
        .first = &gather->ranges[count],
        .next = &gather->ranges[count],
        .end = &gather->ranges[count + MIN(room, BATCH_RANGES - count)],
        .last_end = UINT64_MAX,
        .space = (uint8_t)(space - gather->spaces),
        .alone = true,
    };
}
ALWAYS_INLINE void batch_pages_add(struct batch_pages *pages, uint64_t page) {
    if (page == pages->last_end) {
        pages->next[-1].pages++;
        pages->alone = false;
    } else {
        *pages->next++ = (struct plan_range){page, 1, LEAF_LEVEL, pages->space};
    }
    pages->last_end = page + 1;
}
ALWAYS_INLINE void batch_pages_end(struct gather *gather, struct batch_space *space,
                                   const struct batch_pages *pages) {
    gather->range_count = (unsigned)(pages->next - gather->ranges);
    if (likely(pages->alone)) {
        space->operations += (uint64_t)(pages->next - pages->first);
        return;
    }
    for (const struct plan_range *range = pages->first; range != pages->next; range++)
        space->operations += batch_operations(range);
}
// A table of `level` whose span begins at page `first` was unhooked.
void batch_add_table(struct gather *gather, struct batch_space *space, uint64_t first,
                     unsigned level);
// The same for tables whose spans are recorded as leaves.
static inline void batch_add_tables(struct gather *gather, struct batch_space *space,
                                    unsigned tables) {
    space->tables_freed = true;
    gather->tables += tables;
}
// An entry of the VSpace is complete: if it is the one this PE's batch entered, forgets what the
// batch recorded for it.
void batch_forget(const struct vspace *vspace, uint64_t ticket);

#endif
