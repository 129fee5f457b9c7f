// SPDX-License-Identifier: BSD-2-Clause
// The planner: what to invalidate, decided by pure functions from what was recorded.
#ifndef MMU_PLAN_H
#define MMU_PLAN_H

#include "descriptor.h"

// Above this many operations an ASID is invalidated as a whole.
//
// Two costs meet here. Each broadcast TLBI costs the issuing core, and every other, a slot in the
// interconnect's queue, all of them between the first TLBI and the DSB, where nothing is
// preemptible. ASIDE1IS costs one, and afterwards one walk, mostly from the cache, for each entry
// the space still needs; a Cortex-A72 holds 1,024 + 48 + 32 entries at most (Cortex-A72 TRM,
// "TLB organization"), a working set touches a few hundred. An operation on the bus and a walk
// from the cache are of the same order, so the break-even lies at some hundred operations. 128 is
// below it for a full TLB, keeps a vector of 64 operations on one or two pages each exact, and
// bounds the stretch that cannot be preempted.
#define PLAN_THRESHOLD 128u

// Where the core has operations by range, one of them counts as one too: it is one message to the
// other cores, however many pages it names. So it is used wherever it takes fewer instructions,
// which begins with two pages that lie together.

// Addresses to invalidate in one VSpace: one every level_pages(level) pages.
struct plan_range {
    uint64_t first; // page number
    uint64_t pages; // 0: nothing
    uint8_t level;  // of the leaves cleared; for a freed table without leaves, its parent's
    uint8_t space;  // whose, as the batch numbers them
};

// What was recorded for one VSpace.
struct plan_facts {
    uint64_t operations; // sum over its ranges; may be far above the threshold
    uint8_t levels;      // bit n: leaves of level n were cleared
    bool tables_freed;   // a table was unhooked
    bool foreign;        // an entry completed for another, whose levels are not known
};

// From least to most.
enum plan_form {
    PLAN_NONE,       // nothing that a TLB may hold was removed
    PLAN_LAST_LEVEL, // VALE1IS, RVALE1IS: only leaves
    PLAN_WALK,       // VAE1IS, RVAE1IS: walk caches as well
    PLAN_ASID,       // ASIDE1IS
};

// Equal instructions: `count` of them, the first at page `first`, `step` pages apart. An operation
// by range stands alone and covers (num + 1) << (5 * scale + 1) pages.
struct plan_run {
    enum port_tlbi kind;
    uint8_t scale, num;
    uint64_t first, count, step;
};

static inline enum plan_form plan_form(const struct plan_facts *facts) {
    if (facts->operations == 0 && !facts->tables_freed)
        return PLAN_NONE;
    if (facts->operations > PLAN_THRESHOLD)
        return PLAN_ASID;
    // "TLBI VALE1IS" leaves walk caches alone, so it is enough only when no table descriptor was
    // removed. What another PE removed is not known that exactly.
    if (facts->tables_freed || facts->foreign)
        return PLAN_WALK;
    return PLAN_LAST_LEVEL;
}

// The level that TTL may name, or 0: exactly one level was cleared, and nothing but leaves. With a
// hint an operation need not find the entries of upper levels that led to a freed table, and a
// wrong one finds nothing at all.
static inline unsigned plan_hint(const struct mmu_features *features,
                                 const struct plan_facts *facts) {
    bool one = facts->levels != 0 && (facts->levels & (facts->levels - 1)) == 0;
    if (!features->ttl || !one || facts->tables_freed || facts->foreign)
        return 0;
    return (unsigned)__builtin_ctz(facts->levels);
}

// Operations by range (Arm manual, "TLBI RVAE1IS"): SCALE 0 to 3, NUM + 1 from 1 to 32.
#define PLAN_SCALES 4u
#define PLAN_UNITS UINT64_C(32)

// Pages that NUM + 1 counts: 2, 64, 2,048, 65,536.
static inline unsigned plan_unit_shift(unsigned scale) { return 5 * scale + 1; }

// Instructions that a range takes, by address and by range.
static inline uint64_t plan_by_address(uint64_t pages, unsigned level) {
    return (pages + level_pages(level) - 1) >> level_shift(level);
}
uint64_t plan_by_large_range(uint64_t pages); // of 64 pages or more
static inline uint64_t plan_by_range(uint64_t pages) {
    return likely(pages < 64) ? (pages & 1) + (pages > 1) : plan_by_large_range(pages);
}
// The fewer of the two.
static inline uint64_t plan_operations(const struct mmu_features *features, uint64_t pages,
                                       unsigned level) {
    uint64_t operations = plan_by_address(pages, level);
    if (operations <= 1 || !features->range)
        return operations;
    return MIN(operations, plan_by_range(pages));
}

// The lowest group of bits first: where all of a length is a multiple of what a leaf covers, so is
// each part, and each begins at such a multiple. A level hint asks for that.
static inline struct plan_run plan_next_units(bool leaves, const struct plan_range *left) {
    unsigned scale = 0;
    while (scale < PLAN_SCALES - 1 &&
           (left->pages >> plan_unit_shift(scale) & (PLAN_UNITS - 1)) == 0)
        scale++;
    uint64_t units = left->pages >> plan_unit_shift(scale);
    units = scale < PLAN_SCALES - 1 ? units & (PLAN_UNITS - 1) : MIN(units, PLAN_UNITS);
    return (struct plan_run){
        .kind = leaves ? PORT_TLBI_RVALE1IS : PORT_TLBI_RVAE1IS,
        .scale = (uint8_t)scale,
        .num = (uint8_t)(units - 1),
        .first = left->first,
        .count = 1,
        .step = units << plan_unit_shift(scale),
    };
}

// The first operation for a range that takes fewer by range, cut off from it.
ALWAYS_INLINE struct plan_run plan_next_range(enum plan_form form, struct plan_range *left) {
    bool leaves = form == PLAN_LAST_LEVEL;
    struct plan_run run = {
        .kind = leaves ? PORT_TLBI_VALE1IS : PORT_TLBI_VAE1IS,
        .first = left->first,
        .count = 1,
        .step = 1,
    };
    if ((left->pages & 1) == 0)
        run = plan_next_units(leaves, left);
    left->first += run.step;
    left->pages -= run.step;
    left->level = LEAF_LEVEL; // it need not begin at a multiple of its step any more
    return run;
}

// The first instructions for a range, which is not empty, cut off from it.
ALWAYS_INLINE struct plan_run plan_next(const struct mmu_features *features, enum plan_form form,
                                        struct plan_range *left) {
    uint64_t operations = plan_by_address(left->pages, left->level);
    if (unlikely(features->range && operations > 1 && plan_by_range(left->pages) < operations))
        return plan_next_range(form, left);
    left->pages = 0;
    return (struct plan_run){
        .kind = form == PLAN_LAST_LEVEL ? PORT_TLBI_VALE1IS : PORT_TLBI_VAE1IS,
        .first = left->first,
        .count = operations,
        .step = level_pages(left->level),
    };
}

// Makes one range of two, of the same VSpace: every address of both is an address of the result.
struct plan_range plan_merge(const struct plan_range *a, const struct plan_range *b);

#endif
