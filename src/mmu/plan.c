// SPDX-License-Identifier: BSD-2-Clause
// The planner. Pure: no state, no port.
#include "plan.h"

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

uint64_t plan_operations(uint64_t pages, unsigned level) {
    return (pages + level_pages(level) - 1) >> level_shift(level);
}

struct plan_run plan_run(enum plan_form form, const struct plan_range *range) {
    return (struct plan_run){
        .kind = form == PLAN_LAST_LEVEL ? PORT_TLBI_VALE1IS : PORT_TLBI_VAE1IS,
        .first = range->first,
        .count = plan_operations(range->pages, range->level),
        .step = level_pages(range->level),
    };
}

struct plan_range plan_merge(const struct plan_range *a, const struct plan_range *b) {
    uint64_t first = MIN(a->first, b->first);
    uint64_t end = MAX(a->first + a->pages, b->first + b->pages);
    // Each range begins at a multiple of its own step, the finer step divides the coarser one:
    // the addresses of both are multiples of the finer step from the lower beginning.
    uint8_t level = MAX(a->level, b->level);
    return (struct plan_range){first, end - first, level, a->space};
}
