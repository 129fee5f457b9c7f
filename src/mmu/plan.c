// SPDX-License-Identifier: BSD-2-Clause
// The planner. Pure: no state, no port.
#include "plan.h"

// An odd page by its address, then each group of five bits of the length by the scale that counts
// in such units; what is longer than the largest operation takes several of those.
uint64_t plan_by_large_range(uint64_t pages) {
    uint64_t operations = pages & 1;
    for (unsigned scale = 0; scale < PLAN_SCALES - 1; scale++)
        operations += (pages >> plan_unit_shift(scale) & (PLAN_UNITS - 1)) != 0;
    return operations + ((pages >> plan_unit_shift(PLAN_SCALES - 1)) + PLAN_UNITS - 1) / PLAN_UNITS;
}

struct plan_range plan_merge(const struct plan_range *a, const struct plan_range *b) {
    uint64_t first = MIN(a->first, b->first);
    uint64_t end = MAX(a->first + a->pages, b->first + b->pages);
    // Each range begins at a multiple of its own step, the finer step divides the coarser one:
    // the addresses of both are multiples of the finer step from the lower beginning.
    uint8_t level = MAX(a->level, b->level);
    return (struct plan_range){first, end - first, level, a->space};
}
