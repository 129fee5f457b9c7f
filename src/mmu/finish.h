// SPDX-License-Identifier: BSD-2-Clause
// The end of every batch: barriers, invalidation, completion, errata.
#ifndef MMU_FINISH_H
#define MMU_FINISH_H

#include "layout.h"
#include "plan.h"

// One VSpace's part of a batch.
struct finish_space {
    struct vspace *vspace;
    enum plan_form form;
    unsigned hint;       // plan_hint
    bool forced;         // also where nothing was ever loaded
    uint64_t operations; // what the planner counted
};

struct finish_work {
    struct finish_space *spaces; // `form` is lowered to PLAN_NONE where nothing was ever loaded
    unsigned space_count;
    const struct plan_range *ranges; // `space` indexes `spaces`; never NULL
    unsigned range_count;
    bool foreign; // stores of another PE are covered
};

extern struct mmu_features finish_features; // what finish_init was told: the planner goes by it

static inline struct finish_space finish_space(struct vspace *vspace,
                                               const struct plan_facts *facts) {
    return (struct finish_space){
        .vspace = vspace,
        .form = plan_form(facts),
        .hint = plan_hint(&finish_features, facts),
        .operations = facts->operations,
    };
}

void finish_init(const struct mmu_features *present);
// On return no PE can use what the work covers, by a cached leaf or by a walk. Adds to `totals`
// the instructions it took.
void finish_work(struct finish_work *work, struct gather_totals *totals);
// The same for pages of one VSpace that stand alone: `count` ranges of one page each, at least one
// and at most PLAN_THRESHOLD, from `range` on. Sets `totals`.
void finish_pages(struct vspace *vspace, const struct plan_range *range, unsigned count,
                  struct gather_totals *totals);
// Leaves of the kernel's own half were cleared, by this PE: the same for them, this PE's own next
// access included. Page numbers are those of the half: VA[63:12].
void finish_kernel(const struct plan_range *ranges, unsigned count);
// Valid leaves of that half were written where invalid ones were: this PE may use them.
void finish_kernel_stores(void);
// The same for a batch that only wrote valid descriptors where invalid ones were: walkers come to
// see them. No TLB holds an invalid descriptor ("Translation lookaside buffers"), so there
// is nothing to invalidate.
void finish_stores(struct gather_totals *totals);

#endif
