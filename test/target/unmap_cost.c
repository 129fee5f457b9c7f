// SPDX-License-Identifier: BSD-2-Clause
// What UNMAP costs in TLB invalidations and barriers, as the counters have it.
//
//   boot argument: ranges=1   the kernel must use operations by range (FEAT_TLBIRANGE); else it
//   must
//                             not
#include "child.h"
#include "harness.h"

#include <string.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static bool expects_ranges(void) { return strstr(boot_information()->args, "ranges=1") != NULL; }

// Counters that a case looks at, and what was added to each while an operation ran.
static const enum sheaf_counter watched[] = {
    SHEAF_COUNTER_TLBI_VAE1IS,  SHEAF_COUNTER_TLBI_VALE1IS,  SHEAF_COUNTER_TLBI_ASIDE1IS,
    SHEAF_COUNTER_TLBI_RVAE1IS, SHEAF_COUNTER_TLBI_RVALE1IS, SHEAF_COUNTER_DSB_ISHST,
    SHEAF_COUNTER_DSB_ISH,
};
enum cost { VAE1IS, VALE1IS, ASIDE1IS, RVAE1IS, RVALE1IS, ISHST, ISH, COSTS };
static uint64_t cost[COSTS];

static void measure(struct sheaf_gather_op op) {
    uint64_t before[COSTS];
    for (unsigned i = 0; i < COSTS; i++) {
        before[i] = counter(watched[i]);
    }
    must_gather(op);
    for (unsigned i = 0; i < COSTS; i++) {
        cost[i] = counter(watched[i]) - before[i];
    }
}

// Exactly one TLB invalidation, of this kind, and the two barriers around it.
static void check_one(enum cost kind) {
    for (unsigned i = 0; i < ISHST; i++) {
        CHECK_EQ(cost[i], i == kind ? 1 : 0);
    }
    CHECK_EQ(cost[ISHST], 1);
    CHECK_EQ(cost[ISH], 1);
}

static void check_no_invalidation(void) {
    for (unsigned i = 0; i < ISHST; i++) {
        CHECK_EQ(cost[i], 0);
    }
}

// Maps new pages from CHILD_FREE on, and lets the agent read them.
static sheaf_cptr agent_with_pages(unsigned count) {
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, count);
    map_frames(agent.child.vspace, CHILD_FREE, first, count, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, count);
    return agent.child.vspace;
}

static void one_page_costs_one_invalidation(void) {
    measure(unmap_op(agent_with_pages(1), CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES));
    check_one(VALE1IS); // last level only: no table was freed
}

static void freed_table_needs_walk_caches_invalidated(void) {
    measure(unmap_op(agent_with_pages(1), CHILD_FREE, TABLE_PAGES, 0));
    check_one(expects_ranges() ? RVAE1IS : VAE1IS);
}

static void a_few_pages_cost_one_each_or_one_range(void) {
    measure(unmap_op(agent_with_pages(64), CHILD_FREE, 64, SHEAF_OP_KEEP_TABLES));
    CHECK_EQ(cost[VALE1IS], expects_ranges() ? 0 : 64);
    CHECK_EQ(cost[RVALE1IS], expects_ranges() ? 1 : 0);
    CHECK_EQ(cost[VAE1IS] + cost[RVAE1IS] + cost[ASIDE1IS], 0);
    CHECK_EQ(cost[ISH], 1);
}

static void odd_page_goes_by_its_address(void) {
    measure(unmap_op(agent_with_pages(65), CHILD_FREE, 65, SHEAF_OP_KEEP_TABLES));
    CHECK_EQ(cost[VALE1IS], expects_ranges() ? 1 : 65);
    CHECK_EQ(cost[RVALE1IS], expects_ranges() ? 1 : 0);
}

static void many_pages_cost_one_invalidation(void) {
    measure(unmap_op(agent_with_pages(320), CHILD_FREE, 320, SHEAF_OP_KEEP_TABLES));
    check_one(expects_ranges() ? RVALE1IS : ASIDE1IS);
}

static void untouched_pages_cost_nothing(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 10);
    must_gather(map_op(agent.child.vspace, CHILD_FREE, 10, first, 10, ALL_ACCESS, 0));
    uint64_t avoided = counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED);
    measure(unmap_op(agent.child.vspace, CHILD_FREE, 10, SHEAF_OP_KEEP_TABLES));
    check_no_invalidation();
    CHECK_EQ(cost[ISH], 0);
    CHECK_EQ(counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), avoided + 10);
}

static void never_loaded_costs_no_invalidation(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 10);
    map_frames(vspace, CHILD_FREE, first, 10, ALL_ACCESS, TOUCHED);
    uint64_t avoided = counter(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED);
    measure(unmap_op(vspace, CHILD_FREE, 10, 0));
    check_no_invalidation();
    CHECK(counter(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED) > avoided);
}

static const struct test_case cases[] = {
    {"gather.cost_of_one_page", one_page_costs_one_invalidation},
    {"gather.cost_of_a_freed_table", freed_table_needs_walk_caches_invalidated},
    {"gather.cost_of_a_few_pages", a_few_pages_cost_one_each_or_one_range},
    {"gather.cost_of_an_odd_page", odd_page_goes_by_its_address},
    {"gather.cost_of_many_pages", many_pages_cost_one_invalidation},
    {"gather.cost_of_untouched_pages", untouched_pages_cost_nothing},
    {"gather.cost_in_a_space_never_loaded", never_loaded_costs_no_invalidation},
};

const struct test_area unmap_cost_area = TEST_AREA(cases);
