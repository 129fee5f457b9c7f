// SPDX-License-Identifier: BSD-2-Clause
// MAP as it should be used: pages, runs, parts, blocks, rights, accessed and dirty.
#include "child.h"
#include "harness.h"

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static void check_mapping(sheaf_cptr frame, uint64_t va, uint64_t pages) {
    uint64_t at;
    uint64_t count;
    CHECK(frame_mapping(frame, &at, &count));
    CHECK_EQ(at, va);
    CHECK_EQ(count, pages);
}

static void one_page(void) {
    struct agent agent = new_agent();
    sheaf_cptr frame = page();
    uint64_t mapped = counter(SHEAF_COUNTER_GATHER_MAPPED);
    struct gathered g = agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tables, 0);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_MAPPED), mapped + 1);
    check_mapping(frame, CHILD_FREE, 1);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE + 4088, 3), 3);
}

static void run_of_frames(void) {
    enum { COUNT = SHEAF_MAP_FRAMES };
    const uint64_t va = CHILD_FREE + (512 - COUNT / 3) * PAGE; // over the boundary of two tables
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, COUNT);
    uint64_t *words[2] = {map_here(copy_of(first, SHEAF_RIGHTS_ALL), 12, ALL_ACCESS),
                          map_here(copy_of(first + COUNT - 1, SHEAF_RIGHTS_ALL), 12, ALL_ACCESS)};
    *words[0] = 1000;
    *words[1] = 59;
    struct gathered g = must_gather(
        map_op(agent.child.vspace, va, COUNT, first, COUNT, ALL_ACCESS, SHEAF_OP_ACCESSED));
    CHECK_EQ(g.leaves, COUNT);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, va, COUNT), 1059);
    check_mapping(first + COUNT - 1, va + (COUNT - 1) * PAGE, 1);
}

// Frames of several sizes in consecutive slots, one after the other.
static void mixed_sizes(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = new_slots(3);
    static const unsigned bits[] = {16, 14, 12};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, bits[i], 0, ROOT, first + i, 1));
        uint64_t *at = map_here(copy_of(first + i, SHEAF_RIGHTS_ALL), bits[i], ALL_ACCESS);
        *at = i + 1;
    }
    must_gather(
        map_op(agent.child.vspace, CHILD_FREE, 21, first, 3, ALL_ACCESS, SHEAF_OP_ACCESSED));
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 1);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 16 * PAGE, 0), 2);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 20 * PAGE, 0), 3);
    check_mapping(first + 1, CHILD_FREE + 16 * PAGE, 4);
}

static void part_of_a_frame(void) {
    struct agent agent = new_agent();
    sheaf_cptr frame = make(SHEAF_FRAME, 16);
    uint64_t *at = map_here(copy_of(frame, SHEAF_RIGHTS_ALL), 16, ALL_ACCESS);
    for (unsigned i = 0; i < 16; i++) {
        at[i * 512] = 100 + i;
    }
    must_gather(map_op(agent.child.vspace, CHILD_FREE + PAGE, 3, frame, 5, ALL_ACCESS,
                       SHEAF_OP_PART | SHEAF_OP_ACCESSED));
    CHECK_EQ(agent_result(&agent, AGENT_SUM, CHILD_FREE + PAGE, 3), 105 + 106 + 107);
    check_mapping(frame, CHILD_FREE + PAGE, 3);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + 4 * PAGE, SHEAF_ACCESS_READ);
}

static void block_of_2_mib(void) {
    struct agent agent = new_agent();
    sheaf_cptr frame = make(SHEAF_FRAME, 21);
    struct gathered g = must_gather(map_op(agent.child.vspace, CHILD_FREE, 512, frame, 1,
                                           ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY));
    CHECK_EQ(g.leaves, 1);
    check_mapping(frame, CHILD_FREE, 512);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + BLOCK - 8, 21);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + BLOCK - 8, 0), 21);
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + BLOCK, SHEAF_ACCESS_READ);
}

static void block_as_pages(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = make(SHEAF_FRAME, 21);
    struct gathered g = must_gather(
        map_op(vspace, CHILD_FREE, 512, frame, 1, ALL_ACCESS, SHEAF_OP_PAGES | SHEAF_OP_ACCESSED));
    CHECK_EQ(g.leaves, 512);
    check_mapping(frame, CHILD_FREE, 512);
    must_gather(unmap_op(vspace, CHILD_FREE + 5 * PAGE, 1, 0)); // pages may be cut
}

static void frame_of_8_mib(void) {
    struct agent agent = new_agent();
    sheaf_cptr frame = make(SHEAF_FRAME, 23);
    uint64_t va = CHILD_FREE + 3 * BLOCK; // a multiple of 2 MiB is enough
    struct gathered g =
        must_gather(map_op(agent.child.vspace, va, 2048, frame, 1, ALL_ACCESS, SHEAF_OP_ACCESSED));
    CHECK_EQ(g.leaves, 4);
    check_mapping(frame, va, 2048);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, va, 2048), 0);
}

// An empty table lies where a block is to go: it is unhooked and finished first.
static void block_over_an_empty_table_by(struct agent agent) {
    agent_map(&agent, CHILD_FREE + 7 * PAGE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 7 * PAGE, 0), 0);
    agent_unmap(&agent, CHILD_FREE + 7 * PAGE, 1, SHEAF_OP_KEEP_TABLES);
    uint64_t used = vspace_info(agent.child.vspace).used;
    must_gather(map_op(agent.child.vspace, CHILD_FREE, 512, make(SHEAF_FRAME, 21), 1, ALL_ACCESS,
                       SHEAF_OP_ACCESSED));
    CHECK_EQ(vspace_info(agent.child.vspace).used, used - 1);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 7 * PAGE, 0), 0);
}

WITH_BOTH_AGENTS(block_over_an_empty_table, block_over_an_empty_table_by)

static void first_and_last_page(void) {
    struct agent agent = new_agent();
    uint64_t last = (USER_HALF_PAGES - 1) * PAGE;
    agent_map(&agent, 0, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    agent_map(&agent, last, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, 8, 9), 9);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, last + 4088, 10), 10);
}

static void executes_only_with_the_right_by(struct agent agent) {
    static const uint32_t code[] = {0xd2800540, 0xd65f03c0}; // mov x0, #42; ret
    sheaf_cptr frame = page();
    uint32_t *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    at[0] = code[0];
    at[1] = code[1];
    agent_map(&agent, CHILD_FREE, copy_of(frame, SHEAF_RIGHTS_ALL),
              SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, SHEAF_OP_ACCESSED);
    agent_map(&agent, CHILD_FREE + PAGE, copy_of(frame, SHEAF_RIGHTS_ALL), ALL_ACCESS,
              SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_EXECUTE, CHILD_FREE, 0), 42);
    agent_page_fault(&agent, AGENT_EXECUTE, CHILD_FREE + PAGE,
                     SHEAF_ACCESS_EXECUTE | SHEAF_FAULT_PERMISSION);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE, SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
}

WITH_BOTH_AGENTS(executes_only_with_the_right, executes_only_with_the_right_by)

// New code in a Frame that was executed before, mapped anew: the new code runs.
static void instructions_are_synchronised_by(struct agent agent) {
    sheaf_cptr frame = page();
    uint32_t *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    for (uint32_t i = 0; i < 50; i++) {
        at[0] = 0xd2800000 | i << 5; // mov x0, #i
        at[1] = 0xd65f03c0;          // ret
        agent_map(&agent, CHILD_FREE, copy, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, SHEAF_OP_ACCESSED);
        CHECK_EQ(agent_result(&agent, AGENT_EXECUTE, CHILD_FREE, 0), i);
        agent_unmap(&agent, CHILD_FREE, 1, 0);
    }
}

WITH_BOTH_AGENTS(instructions_are_synchronised, instructions_are_synchronised_by)

// Access flag clear: the first touch is resolved in the kernel, without the pager.
static void prefault_by(struct agent agent) {
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, 0);
    uint64_t accessed = counter(SHEAF_COUNTER_FAULT_ACCESS_FLAG);
    uint64_t messages = counter(SHEAF_COUNTER_FAULT_MESSAGES);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_ACCESS_FLAG), accessed + 1);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_ACCESS_FLAG), accessed + 1);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_MESSAGES), messages);
}

WITH_BOTH_AGENTS(prefault, prefault_by)

// Writable and clean: the first write is resolved in the kernel and makes the page dirty.
static void writable_clean_by(struct agent agent) {
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    uint64_t dirty = counter(SHEAF_COUNTER_FAULT_DIRTY);
    uint64_t messages = counter(SHEAF_COUNTER_FAULT_MESSAGES);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE, 6), 6);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_DIRTY), dirty + 1);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE, 7), 7);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_DIRTY), dirty + 1);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_MESSAGES), messages);
}

WITH_BOTH_AGENTS(writable_clean, writable_clean_by)

static void mapped_dirty(void) {
    struct agent agent = new_agent();
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    uint64_t dirty = counter(SHEAF_COUNTER_FAULT_DIRTY);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE, 6), 6);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_DIRTY), dirty);
}

static void no_operations(void) {
    struct gathered g = gather(0, 0);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tlbi, 0);
    CHECK_EQ(g.dsb, 0);
}

static void sixty_four_operations(void) {
    sheaf_cptr vspace = make_vspace(2);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 64);
    for (unsigned i = 0; i < 64; i++) {
        own_buffer()->ops[i] =
            map_op(vspace, CHILD_FREE + 3 * i * PAGE, 1, first + i, 1, ALL_ACCESS, 0);
    }
    uint64_t operations = counter(SHEAF_COUNTER_GATHER_OPERATIONS);
    struct gathered g = gather(64, 0);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 64);
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_OPERATIONS), operations + 64);
    check_mapping(first + 63, CHILD_FREE + 3 * 63 * PAGE, 1);
}

static void two_vspaces_in_one_gather(void) {
    struct agent one = new_agent();
    struct agent two = new_agent();
    own_buffer()->ops[0] =
        map_op(one.child.vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
    own_buffer()->ops[1] =
        map_op(two.child.vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_OK(gather(2, 0).status);
    CHECK_EQ(agent_result(&one, AGENT_WRITE, CHILD_FREE, 1), 1);
    CHECK_EQ(agent_result(&two, AGENT_WRITE, CHILD_FREE, 2), 2);
    own_buffer()->ops[0] = unmap_op(one.child.vspace, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    own_buffer()->ops[1] = unmap_op(two.child.vspace, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    uint64_t preempted = counter(SHEAF_COUNTER_KERNEL_PREEMPTIONS);
    struct gathered g = gather(2, 0);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 2);
    CHECK_EQ(g.tlbi, 2);
    // One completion for both, unless an interrupt came between them.
    CHECK_EQ(g.batches, 1 + counter(SHEAF_COUNTER_KERNEL_PREEMPTIONS) - preempted);
    agent_page_fault(&one, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
    agent_page_fault(&two, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
}

static const struct test_case cases[] = {
    {"gather.map_one_page", one_page},
    {"gather.map_a_run_of_frames", run_of_frames},
    {"gather.map_frames_of_mixed_sizes", mixed_sizes},
    {"gather.map_a_part_of_a_frame", part_of_a_frame},
    {"gather.map_a_block_of_2_mib", block_of_2_mib},
    {"gather.map_a_block_as_pages", block_as_pages},
    {"gather.map_a_frame_of_8_mib", frame_of_8_mib},
    {"gather.map_a_block_over_an_empty_table", block_over_an_empty_table},
    {"gather.map_a_block_over_an_empty_table_same_space", block_over_an_empty_table_beside},
    {"gather.map_the_first_and_the_last_page", first_and_last_page},
    {"gather.executes_only_with_the_right", executes_only_with_the_right},
    {"gather.executes_only_with_the_right_same_space", executes_only_with_the_right_beside},
    {"gather.instructions_are_synchronised", instructions_are_synchronised},
    {"gather.instructions_are_synchronised_same_space", instructions_are_synchronised_beside},
    {"gather.prefault_is_resolved_in_the_kernel", prefault},
    {"gather.prefault_is_resolved_in_the_kernel_same_space", prefault_beside},
    {"gather.writable_clean_becomes_dirty_in_the_kernel", writable_clean},
    {"gather.writable_clean_becomes_dirty_in_the_kernel_same_space", writable_clean_beside},
    {"gather.mapped_dirty_takes_no_fault", mapped_dirty},
    {"gather.no_operations", no_operations},
    {"gather.sixty_four_operations", sixty_four_operations},
    {"gather.two_vspaces_in_one_call", two_vspaces_in_one_gather},
};

const struct test_area map_area = TEST_AREA(cases);
