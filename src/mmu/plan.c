// SPDX-License-Identifier: BSD-2-Clause
// The planner. Pure: no state, no port.
#include "plan.h"

// Operations by range (Arm manual, "TLBI RVAE1IS"): SCALE 0 to 3, NUM + 1 from 1 to 32.
#define RANGE_SCALES 4u
#define RANGE_UNITS UINT64_C(32)

enum plan_form plan_form(const struct plan_facts *facts) {
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

unsigned plan_hint(const struct mmu_features *features, const struct plan_facts *facts) {
    bool one = facts->levels != 0 && (facts->levels & (facts->levels - 1)) == 0;
    // A hint speaks of leaves. With it an operation need not find the entries of upper levels that
    // led to a freed table, and a wrong one finds nothing at all.
    if (!features->ttl || !one || facts->tables_freed || facts->foreign)
        return 0;
    return (unsigned)__builtin_ctz(facts->levels);
}

// One for each address.
static uint64_t by_address(uint64_t pages, unsigned level) {
    return (pages + level_pages(level) - 1) >> level_shift(level);
}

// Pages that NUM + 1 counts: 2, 64, 2,048, 65,536.
static unsigned unit_shift(unsigned scale) { return 5 * scale + 1; }

// An odd page by its address, then each group of five bits of the length by the scale that counts
// in such units; what is longer than the largest operation takes several of those.
static uint64_t by_range(uint64_t pages) {
    uint64_t operations = pages & 1;
    for (unsigned scale = 0; scale < RANGE_SCALES - 1; scale++)
        operations += (pages >> unit_shift(scale) & (RANGE_UNITS - 1)) != 0;
    return operations + ((pages >> unit_shift(RANGE_SCALES - 1)) + RANGE_UNITS - 1) / RANGE_UNITS;
}

static bool prefers_ranges(const struct mmu_features *features, uint64_t pages, unsigned level) {
    return features->range && by_range(pages) < by_address(pages, level);
}

uint64_t plan_operations(const struct mmu_features *features, uint64_t pages, unsigned level) {
    bool ranges = prefers_ranges(features, pages, level);
    return ranges ? by_range(pages) : by_address(pages, level);
}

// The lowest group of bits first: where all of a length is a multiple of what a leaf covers, so is
// each part, and each begins at such a multiple. A level hint asks for that.
static struct plan_run next_range(bool leaves, const struct plan_range *left) {
    unsigned scale = 0;
    while (scale < RANGE_SCALES - 1 && (left->pages >> unit_shift(scale) & (RANGE_UNITS - 1)) == 0)
        scale++;
    uint64_t units = left->pages >> unit_shift(scale);
    units = scale < RANGE_SCALES - 1 ? units & (RANGE_UNITS - 1) : MIN(units, RANGE_UNITS);
    return (struct plan_run){
        .kind = leaves ? PORT_TLBI_RVALE1IS : PORT_TLBI_RVAE1IS,
        .scale = (uint8_t)scale,
        .num = (uint8_t)(units - 1),
        .first = left->first,
        .count = 1,
        .step = units << unit_shift(scale),
    };
}

struct plan_run plan_next(const struct mmu_features *features, enum plan_form form,
                          struct plan_range *left) {
    bool leaves = form == PLAN_LAST_LEVEL;
    struct plan_run run = {
        .kind = leaves ? PORT_TLBI_VALE1IS : PORT_TLBI_VAE1IS,
        .first = left->first,
        .count = 1,
        .step = 1,
    };
    if (!prefers_ranges(features, left->pages, left->level)) {
        run.count = by_address(left->pages, left->level);
        run.step = level_pages(left->level);
        left->pages = 0;
        return run;
    }
    if ((left->pages & 1) == 0)
        run = next_range(leaves, left);
    left->first += run.step;
    left->pages -= run.step;
    left->level = LEAF_LEVEL; // it need not begin at a multiple of its step any more
    return run;
}

struct plan_range plan_merge(const struct plan_range *a, const struct plan_range *b) {
    uint64_t first = MIN(a->first, b->first);
    uint64_t end = MAX(a->first + a->pages, b->first + b->pages);
    // Each range begins at a multiple of its own step, the finer step divides the coarser one:
    // the addresses of both are multiples of the finer step from the lower beginning.
    uint8_t level = MAX(a->level, b->level);
    return (struct plan_range){first, end - first, level, a->space};
}
