// SPDX-License-Identifier: BSD-2-Clause
// The set of what is mapped: leaves, each with the capability by which it was mapped.
//
// No tables, no batches, nothing pending: a leaf is in the set or not. A capability remembers where
// it was mapped last, as the kernel's record does; the record is a hint about a place, so that of a
// copy may come to name a leaf that another copy has there. The set cannot know that, for it has no
// tables: such leaves are in doubt when that capability is deleted or evicted, and the kernel's
// tables decide whether they are still there.
#ifndef MAPPINGS_H
#define MAPPINGS_H

#include "reference.h"

#define MOST_LEAVES 16384u

struct leaf {
    uint64_t vspace;      // address of its first chunk
    uint64_t page, frame; // number of the first page; physical address
    uint16_t cap;         // element that it was mapped by
    uint8_t level, memory_type;
    bool write, execute, max_write, accessed, dirty;
    bool doubtful; // may be gone
};

extern struct leaf leaves[MOST_LEAVES]; // in no order
extern unsigned leaf_count;

static inline uint64_t leaf_pages(const struct leaf *leaf) {
    return UINT64_C(1) << (9 * (3 - leaf->level));
}
static inline bool leaf_overlaps(const struct leaf *leaf, uint64_t vspace, uint64_t page,
                                 uint64_t pages) {
    return leaf->vspace == vspace && leaf->page < page + pages &&
           page < leaf->page + leaf_pages(leaf);
}

// What the capability's record says: where it was mapped or moved last, dead or alive.
struct last_mapping {
    uint16_t count; // leaves
    uint8_t level;
    bool ever;
};
extern struct last_mapping last_mappings[MOST_CAPS];

void mappings_clear(void);
void mappings_new(unsigned cap); // an element that was never mapped
void mappings_add(const struct leaf *leaf);
void mappings_remove(unsigned index); // the last one takes its place
// Whether the capability's record may name the leaf, which another one mapped.
bool mappings_may_name(unsigned cap, const struct leaf *leaf);
// Unmaps what the capability has; what it may have beside is in doubt from then on. Returns the
// report's bits of the former, and whether there was any of the latter.
unsigned mappings_evict(unsigned cap, bool *doubt);
// Elements have gone, or VSpaces have died.
void mappings_bury(void);

// An access; whether it is allowed, and the page there.
bool mappings_access(uint64_t vspace, uint64_t va, uint64_t access);

// The state before an operation that may not come about.
void mappings_save(void);
void mappings_restore(void);

// The kernel's tables hold these leaves and no others. Settles doubts.
void mappings_compare(void);
bool mappings_doubtful(void);
// Takes over what the kernel has, where it could not be foreseen. Whose each leaf is, the first
// record says that names it.
void mappings_import(void);

#endif
