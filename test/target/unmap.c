// SPDX-License-Identifier: BSD-2-Clause
// UNMAP: what is gone afterwards, which tables went with it, and what it cost.
#include "child.h"
#include "harness.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

// Maps `count` new pages from `va` on, accessed, and answers their first slot.
static sheaf_cptr fill(sheaf_cptr vspace, uint64_t va, unsigned count) {
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, count);
    map_frames(vspace, va, first, count, ALL_ACCESS, TOUCHED);
    return first;
}

static bool is_mapped(sheaf_cptr frame) {
    uint64_t va;
    uint64_t pages;
    return frame_mapping(frame, &va, &pages);
}

static void access_faults_afterwards_by(struct agent agent) {
    sheaf_cptr frame = fill(agent.child.vspace, CHILD_FREE, 1);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 1);
    struct gathered g = agent_unmap(&agent, CHILD_FREE, 1, 0);
    CHECK_EQ(g.leaves, 1);
    CHECK(!is_mapped(frame));
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE, SHEAF_ACCESS_WRITE);
}

WITH_BOTH_AGENTS(access_faults_afterwards, access_faults_afterwards_by)

static void twice(void) {
    struct agent agent = new_agent();
    fill(agent.child.vspace, CHILD_FREE, 3);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, 3);
    CHECK_EQ(agent_unmap(&agent, CHILD_FREE, 3, 0).leaves, 3);
    struct gathered g = agent_unmap(&agent, CHILD_FREE, 3, 0);
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(g.dsb, 0);
}

static void nothing_there(void) {
    sheaf_cptr vspace = make_vspace(1);
    struct gathered g = must_gather(unmap_op(vspace, CHILD_FREE, 12345, 0));
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tables, 0);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(g.dsb, 0);
}

static void some_of_many_by(struct agent agent) {
    sheaf_cptr first = fill(agent.child.vspace, CHILD_FREE, 20);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, 20);
    CHECK_EQ(agent_unmap(&agent, CHILD_FREE + 5 * PAGE, 10, 0).leaves, 10);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, CHILD_FREE, 5), 0);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, CHILD_FREE + 15 * PAGE, 5), 0);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + 5 * PAGE, SHEAF_ACCESS_READ);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + 14 * PAGE, SHEAF_ACCESS_READ);
    CHECK(is_mapped(first + 4) && !is_mapped(first + 5) && !is_mapped(first + 14));
    CHECK(is_mapped(first + 15));
}

WITH_BOTH_AGENTS(some_of_many, some_of_many_by)

static void over_a_table_boundary_by(struct agent agent) {
    uint64_t va = CHILD_FREE + BLOCK - 4 * PAGE;
    fill(agent.child.vspace, va, 8);
    agent_result(&agent, AGENT_SUM, va, 8);
    struct gathered g = agent_unmap(&agent, va, 8, 0);
    CHECK_EQ(g.leaves, 8);
    CHECK_EQ(g.tables, 0); // neither table lies wholly inside
    agent_page_fault(&agent, AGENT_READ, va + 3 * PAGE, SHEAF_ACCESS_READ);
    agent_page_fault(&agent, AGENT_READ, va + 4 * PAGE, SHEAF_ACCESS_READ);
}

WITH_BOTH_AGENTS(over_a_table_boundary, over_a_table_boundary_by)

static void tables_are_freed_and_counted(void) {
    sheaf_cptr vspace = make_vspace(1);
    fill(vspace, CHILD_FREE, 1);
    fill(vspace, CHILD_FREE + BLOCK, 1);
    CHECK_EQ(vspace_info(vspace).used, 5); // root, levels 1 and 2, two of level 3
    uint64_t freed = counter(SHEAF_COUNTER_TABLES_FREED);
    struct gathered g = must_gather(unmap_op(vspace, CHILD_FREE, TABLE_PAGES, 0));
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tables, 1);
    CHECK_EQ(vspace_info(vspace).used, 4);
    g = must_gather(unmap_op(vspace, 0, USER_HALF_PAGES, 0));
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tables, 3);
    CHECK_EQ(vspace_info(vspace).used, 1);
    CHECK_EQ(counter(SHEAF_COUNTER_TABLES_FREED), freed + 4);
}

static void keeps_tables_by_flag(void) {
    sheaf_cptr vspace = make_vspace(1);
    fill(vspace, CHILD_FREE, 1);
    struct gathered g = must_gather(unmap_op(vspace, 0, USER_HALF_PAGES, SHEAF_OP_KEEP_TABLES));
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tables, 0);
    CHECK_EQ(vspace_info(vspace).used, 4);
    g = must_gather(unmap_op(vspace, CHILD_FREE, TABLE_PAGES, 0)); // emptied by an earlier call
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tables, 1);
    CHECK_EQ(vspace_info(vspace).used, 3);
}

static void whole_user_half(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = fill(agent.child.vspace, UINT64_C(0x100000000000), 40);
    sheaf_cptr last = fill(agent.child.vspace, (USER_HALF_PAGES - 1) * PAGE, 1);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, UINT64_C(0x100000000000), 40), 0);
    struct gathered g = agent_unmap(&agent, 0, USER_HALF_PAGES, 0);
    CHECK(g.leaves >= 41);
    CHECK(!is_mapped(first) && !is_mapped(first + 39) && !is_mapped(last));
    CHECK_EQ(vspace_info(agent.child.vspace).used, 1);
    // The agent's own code is gone as well: it faults as soon as it runs on.
    struct message m = agent_event(&agent);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3));
    CHECK_EQ(m.word[1], SHEAF_ACCESS_EXECUTE);
    CHECK_EQ(m.word[0], m.word[2]);
}

static void thousand_pages_by(struct agent agent) {
    fill(agent.child.vspace, CHILD_FREE, 1000);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, CHILD_FREE, 1000), 0);
    struct gathered g = agent_unmap(&agent, CHILD_FREE, 1024, 0);
    CHECK_EQ(g.leaves, 1000);
    CHECK_EQ(g.tables, 2);
    CHECK(g.tlbi <= 128);
    for (unsigned i = 0; i < 1000; i += 111) {
        agent_page_fault(&agent, AGENT_READ, CHILD_FREE + i * PAGE, SHEAF_ACCESS_READ);
    }
}

WITH_BOTH_AGENTS(thousand_pages, thousand_pages_by)

// The first frame's capability is deleted after another was mapped in its place: the new mapping
// stands.
static void replaced_then_old_deleted_by(struct agent agent) {
    sheaf_cptr old = fill(agent.child.vspace, CHILD_FREE, 1);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 1);
    agent_unmap(&agent, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    sheaf_cptr young = page();
    agent_map(&agent, CHILD_FREE, young, ALL_ACCESS, TOUCHED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0); // another frame
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 2);
    CHECK_OK(cnode_delete(ROOT, old));
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 2);
    CHECK(is_mapped(young));
    CHECK_OK(cnode_delete(ROOT, young));
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
}

WITH_BOTH_AGENTS(replaced_then_old_deleted, replaced_then_old_deleted_by)

// The record of a capability that was unmapped, whose table was freed and used again elsewhere.
static void stale_record_after_table_reuse(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr old = fill(vspace, CHILD_FREE, 1);
    must_gather(unmap_op(vspace, 0, USER_HALF_PAGES, 0));
    sheaf_cptr young = fill(vspace, CHILD_FREE << 8, 1);
    CHECK(!is_mapped(old));
    CHECK_OK(cnode_delete(ROOT, old));
    CHECK(is_mapped(young));
}

static void mapped_again_elsewhere_by(struct agent agent) {
    sheaf_cptr frame = fill(agent.child.vspace, CHILD_FREE, 1);
    for (unsigned i = 0; i < 50; i++) {
        agent_result(&agent, AGENT_WRITE, CHILD_FREE + i * PAGE, i);
        agent_unmap(&agent, CHILD_FREE + i * PAGE, 1, i % 2 == 0 ? SHEAF_OP_KEEP_TABLES : 0);
        agent_map(&agent, CHILD_FREE + (i + 1) * PAGE, frame, ALL_ACCESS, TOUCHED);
        CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + (i + 1) * PAGE, 0), i);
    }
}

WITH_BOTH_AGENTS(mapped_again_elsewhere, mapped_again_elsewhere_by)

static void block_is_cut(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = make(SHEAF_FRAME, 22);
    must_gather(map_op(vspace, CHILD_FREE, 1024, frame, 1, ALL_ACCESS, TOUCHED));
    static const struct {
        uint64_t first, pages;
    } cuts[] = {{0, 1}, {0, 511}, {1, 511}, {511, 2}, {100, 924}, {0, 1023}};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct gathered g =
            gather_one(unmap_op(vspace, CHILD_FREE + cuts[i].first * PAGE, cuts[i].pages, 0));
        CHECK_ERROR(g.status, BLOCK_CUT);
        CHECK_EQ(g.leaves, 0);
    }
    uint64_t va;
    uint64_t pages;
    CHECK(frame_mapping(frame, &va, &pages));
    CHECK_EQ(pages, 1024);
    CHECK_EQ(must_gather(unmap_op(vspace, CHILD_FREE + BLOCK, 512, 0)).leaves, 1);
    CHECK(frame_mapping(frame, &va, &pages));
    CHECK_EQ(va, CHILD_FREE);
    CHECK_EQ(pages, 512);
    CHECK_EQ(must_gather(unmap_op(vspace, 0, USER_HALF_PAGES, 0)).leaves, 1);
    CHECK(!frame_mapping(frame, &va, &pages));
}

static void memory_is_reusable_at_once_by(struct agent agent) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_PAGE_BITS);
    sheaf_cptr frame = make_from(memory, SHEAF_FRAME, SHEAF_PAGE_BITS);
    for (unsigned i = 0; i < 20; i++) {
        agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, TOUCHED);
        CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
        agent_result(&agent, AGENT_WRITE, CHILD_FREE, ~UINT64_C(0));
        agent_unmap(&agent, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
        CHECK_OK(cnode_delete(ROOT, frame));
        CHECK_OK(untyped_retype(memory, SHEAF_FRAME, SHEAF_PAGE_BITS, 0, ROOT, frame, 1));
    }
}

WITH_BOTH_AGENTS(memory_is_reusable_at_once, memory_is_reusable_at_once_by)

static void unmap_and_map_in_one_call_by(struct agent agent) {
    sheaf_cptr first = fill(agent.child.vspace, CHILD_FREE, 1);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 88);
    own_buffer()->ops[0] = unmap_op(agent.child.vspace, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    own_buffer()->ops[1] =
        map_op(agent.child.vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, TOUCHED);
    own_buffer()->ops[2] =
        map_op(agent.child.vspace, CHILD_FREE + PAGE, 1, first, 1, ALL_ACCESS, TOUCHED);
    struct gathered g = gather(3, 0);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 3);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0), 88);
}

WITH_BOTH_AGENTS(unmap_and_map_in_one_call, unmap_and_map_in_one_call_by)

static const struct test_case cases[] = {
    {"gather.unmap_makes_accesses_fault", access_faults_afterwards},
    {"gather.unmap_makes_accesses_fault_same_space", access_faults_afterwards_beside},
    {"gather.unmap_twice", twice},
    {"gather.unmap_nothing", nothing_there},
    {"gather.unmap_some_of_many", some_of_many},
    {"gather.unmap_some_of_many_same_space", some_of_many_beside},
    {"gather.unmap_over_a_table_boundary", over_a_table_boundary},
    {"gather.unmap_over_a_table_boundary_same_space", over_a_table_boundary_beside},
    {"gather.unmap_frees_and_counts_tables", tables_are_freed_and_counted},
    {"gather.unmap_keeps_tables_by_flag", keeps_tables_by_flag},
    {"gather.unmap_the_whole_user_half", whole_user_half},
    {"gather.unmap_a_thousand_pages", thousand_pages},
    {"gather.unmap_a_thousand_pages_same_space", thousand_pages_beside},
    {"gather.unmap_replace_delete_the_old", replaced_then_old_deleted},
    {"gather.unmap_replace_delete_the_old_same_space", replaced_then_old_deleted_beside},
    {"gather.unmap_stale_record_after_table_reuse", stale_record_after_table_reuse},
    {"gather.unmap_then_map_elsewhere", mapped_again_elsewhere},
    {"gather.unmap_then_map_elsewhere_same_space", mapped_again_elsewhere_beside},
    {"gather.unmap_refuses_to_cut_a_block", block_is_cut},
    {"gather.unmap_memory_is_reusable_at_once", memory_is_reusable_at_once},
    {"gather.unmap_memory_is_reusable_at_once_same_space", memory_is_reusable_at_once_beside},
    {"gather.unmap_and_map_in_one_call", unmap_and_map_in_one_call},
    {"gather.unmap_and_map_in_one_call_same_space", unmap_and_map_in_one_call_beside},
};

const struct test_area unmap_area = TEST_AREA(cases);
