// SPDX-License-Identifier: BSD-2-Clause
// PROTECT and AGE: what a thread may do afterwards, what is reported, and what it cost.
#include "child.h"
#include "harness.h"

#include <string.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define BOTH (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define RX (SHEAF_MAP_READ | SHEAF_MAP_EXECUTE)

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

// Maps `count` new pages from CHILD_FREE on and answers their first slot.
static sheaf_cptr fill(const struct agent *agent, unsigned count, uint64_t rights, uint64_t flags) {
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, count);
    map_frames(agent->child.vspace, CHILD_FREE, first, count, rights, flags);
    return first;
}

static struct gathered protect(const struct agent *agent, uint64_t pages, uint64_t rights,
                               uint64_t flags) {
    return must_gather(protect_op(agent->child.vspace, CHILD_FREE, pages, rights, flags));
}

static struct gathered age(const struct agent *agent, uint64_t pages, uint64_t flags) {
    return must_gather(age_op(agent->child.vspace, CHILD_FREE, pages, flags));
}

static unsigned reported(unsigned i) {
    const volatile uint8_t *results = own_buffer()->results;
    return results[i / 4] >> (2 * (i % 4)) & 3;
}

// ---- PROTECT

static void demotion_by(struct agent agent) {
    fill(&agent, 3, ALL_ACCESS, 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 7);
    agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0);
    struct gathered g = protect(&agent, 3, SHEAF_MAP_READ, SHEAF_OP_REPORT);
    CHECK_EQ(g.leaves, 3);
    CHECK_EQ(g.tlbi, 1); // of the page that a TLB may hold as writable
    CHECK_EQ(reported(0), SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    CHECK_EQ(reported(1), SHEAF_REPORT_ACCESSED);
    CHECK_EQ(reported(2), 0);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 7);
    for (unsigned i = 0; i < 3; i++) {
        agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE + i * PAGE,
                         SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
    }
}

WITH_BOTH_AGENTS(demotion, demotion_by)

// A PE that still has the entry of before resolves that in the kernel: the pager hears nothing.
static void scenario_3b_promotion_by(struct agent agent) {
    fill(&agent, 2, SHEAF_MAP_READ, SHEAF_OP_ACCESSED);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, 2);
    struct gathered g = protect(&agent, 2, ALL_ACCESS, 0);
    CHECK_EQ(g.leaves, 2);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(g.dsb, 1);
    uint64_t dirty = counter(SHEAF_COUNTER_FAULT_DIRTY);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 5);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 5);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_DIRTY), dirty + 1);
    age(&agent, 2, SHEAF_OP_DIRTY | SHEAF_OP_REPORT);
    CHECK_EQ(reported(0), SHEAF_REPORT_DIRTY);
    CHECK_EQ(reported(1), 0); // writable, and never written
}

WITH_BOTH_AGENTS(scenario_3b_promotion, scenario_3b_promotion_by)

static void execution_by(struct agent agent) {
    sheaf_cptr frame = page();
    uint32_t *at = map_here(copy_of(frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, ALL_ACCESS);
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, TOUCHED);
    for (uint32_t round = 1; round < 4; round++) { // other code each time
        at[0] = UINT32_C(0xd2800000) | round << 5; // mov x0, #round
        at[1] = UINT32_C(0xd65f03c0);              // ret
        protect(&agent, 1, RX, 0);
        CHECK_EQ(agent_result(&agent, AGENT_EXECUTE, CHILD_FREE, 0), round);
        CHECK_EQ(protect(&agent, 1, ALL_ACCESS, 0).tlbi, 1);
        agent_page_fault(&agent, AGENT_EXECUTE, CHILD_FREE,
                         SHEAF_ACCESS_EXECUTE | SHEAF_FAULT_PERMISSION);
    }
}

WITH_BOTH_AGENTS(execution, execution_by)

// Whatever is read after PROTECT is what stays there.
static void scenario_3a_write_protect_and_read(void) {
    enum { ROUNDS = 300 };
    sheaf_cptr frame = page();
    volatile uint64_t *seen =
        map_here(copy_of(frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, SHEAF_MAP_READ);
    struct agent agent = new_agent_beside();
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, 0);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        agent_result(&agent, AGENT_WRITE, CHILD_FREE, i);
        protect(&agent, 1, SHEAF_MAP_READ, SHEAF_OP_REPORT);
        CHECK_EQ(reported(0), SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
        CHECK_EQ(*seen, i);
        agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE,
                         SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
        CHECK_EQ(*seen, i);
        CHECK_EQ(protect(&agent, 1, ALL_ACCESS, 0).tlbi, 0);
    }
}

static void refused_as_a_whole(void) {
    struct agent agent = new_agent();
    fill(&agent, 5, SHEAF_MAP_READ, SHEAF_OP_ACCESSED);
    sheaf_cptr reader = copy_of(page(), SHEAF_RIGHT_READ);
    agent_map(&agent, CHILD_FREE + 5 * PAGE, reader, SHEAF_MAP_READ, 0);
    struct gathered g = gather_one(protect_op(agent.child.vspace, CHILD_FREE, 6, ALL_ACCESS, 0));
    CHECK_ERROR(g.status, RIGHTS_EXCEEDED);
    CHECK_EQ(g.leaves, 0);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE, SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
    CHECK_EQ(protect(&agent, 5, ALL_ACCESS, 0).leaves, 5);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 4 * PAGE, 1);
}

// ---- AGE

static void accessed_bits_by(struct agent agent) {
    fill(&agent, 4, ALL_ACCESS, 0);
    agent_result(&agent, AGENT_READ, CHILD_FREE, 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 2 * PAGE, 9);
    struct gathered g = age(&agent, 4, SHEAF_OP_ACCESSED | SHEAF_OP_REPORT);
    CHECK_EQ(g.leaves, 2);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(g.dsb, 1);
    CHECK_EQ(own_buffer()->results[0], 0x11);
    CHECK_EQ(age(&agent, 4, SHEAF_OP_ACCESSED | SHEAF_OP_REPORT).dsb, 0);
    CHECK_EQ(own_buffer()->results[0], 0);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 2 * PAGE, 0), 9);
}

WITH_BOTH_AGENTS(accessed_bits, accessed_bits_by)

static void dirty_bits_by(struct agent agent) {
    fill(&agent, 2, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 1);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + PAGE, 1);
    struct gathered g = age(&agent, 2, SHEAF_OP_DIRTY | SHEAF_OP_REPORT);
    CHECK(g.tlbi == 2 || g.tlbi == 1); // one each, or one range
    CHECK_EQ(own_buffer()->results[0], 0x0a);
    // A store is noticed again, and no message tells of it.
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + PAGE, 2);
    age(&agent, 2, BOTH | SHEAF_OP_REPORT);
    CHECK_EQ(own_buffer()->results[0], 0x0d);
}

WITH_BOTH_AGENTS(dirty_bits, dirty_bits_by)

// QEMU keeps the entry of before AGE: without the invalidation the agent would read on.
static void scenario_3h_unmap_after_age_by(struct agent agent) {
    fill(&agent, 2, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, 2);
    age(&agent, 2, SHEAF_OP_ACCESSED);
    CHECK(agent_unmap(&agent, CHILD_FREE, 2, 0).tlbi > 0);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + PAGE, SHEAF_ACCESS_READ);
}

WITH_BOTH_AGENTS(scenario_3h_unmap_after_age, scenario_3h_unmap_after_age_by)

static void blocks(void) {
    struct agent agent = new_agent();
    must_gather(
        map_op(agent.child.vspace, CHILD_FREE, 512, make(SHEAF_FRAME, 21), 1, ALL_ACCESS, TOUCHED));
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 300 * PAGE, 4);
    CHECK_ERROR(gather_one(age_op(agent.child.vspace, CHILD_FREE, 511, BOTH)).status, BLOCK_CUT);
    struct gathered g = age(&agent, 512, BOTH | SHEAF_OP_REPORT);
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tlbi, 1);
    CHECK_EQ(reported(511), SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 300 * PAGE, 0), 4);
    CHECK_EQ(protect(&agent, 512, SHEAF_MAP_READ, 0).leaves, 1);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE + 300 * PAGE,
                     SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
}

static const struct test_case cases[] = {
    {"gather.protect.demotion", demotion},
    {"gather.protect.demotion.beside", demotion_beside},
    {"gather.protect.scenario_3b_promotion", scenario_3b_promotion},
    {"gather.protect.scenario_3b_promotion.beside", scenario_3b_promotion_beside},
    {"gather.protect.execution", execution},
    {"gather.protect.execution.beside", execution_beside},
    {"gather.protect.scenario_3a_write_protect_and_read", scenario_3a_write_protect_and_read},
    {"gather.protect.refused_as_a_whole", refused_as_a_whole},
    {"gather.age.accessed_bits", accessed_bits},
    {"gather.age.accessed_bits.beside", accessed_bits_beside},
    {"gather.age.dirty_bits", dirty_bits},
    {"gather.age.dirty_bits.beside", dirty_bits_beside},
    {"gather.age.scenario_3h_unmap_after_age", scenario_3h_unmap_after_age},
    {"gather.age.scenario_3h_unmap_after_age.beside", scenario_3h_unmap_after_age_beside},
    {"gather.age.blocks", blocks},
};

const struct test_area protect_area = TEST_AREA(cases);
