// SPDX-License-Identifier: BSD-2-Clause
// The planner. Pure: no state, no port.
#include "plan.h"

// Operations by range (Arm manual, "TLBI RVAE1IS"): SCALE 0 to 3, NUM + 1 from 1 to 32.
#define RANGE_SCALES 4u
#define RANGE_UNITS UINT64_C(32)

// Pages that NUM + 1 counts: 2, 64, 2,048, 65,536.
static unsigned unit_shift(unsigned scale) { return 5 * scale + 1; }

// An odd page by its address, then each group of five bits of the length by the scale that counts
// in such units; what is longer than the largest operation takes several of those.
uint64_t plan_by_large_range(uint64_t pages) {
    uint64_t operations = pages & 1;
    for (unsigned scale = 0; scale < RANGE_SCALES - 1; scale++)
        operations += (pages >> unit_shift(scale) & (RANGE_UNITS - 1)) != 0;
    return operations + ((pages >> unit_shift(RANGE_SCALES - 1)) + RANGE_UNITS - 1) / RANGE_UNITS;
}

// The lowest group of bits first: where all of a length is a multiple of what a leaf covers, so is
// each part, and each begins at such a multiple. A level hint asks for that.
static struct plan_run next_units(bool leaves, const struct plan_range *left) {
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

struct plan_run plan_next_range(enum plan_form form, struct plan_range *left) {
    bool leaves = form == PLAN_LAST_LEVEL;
    struct plan_run run = {
        .kind = leaves ? PORT_TLBI_VALE1IS : PORT_TLBI_VAE1IS,
        .first = left->first,
        .count = 1,
        .step = 1,
    };
    if ((left->pages & 1) == 0)
        run = next_units(leaves, left);
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
