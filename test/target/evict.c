// SPDX-License-Identifier: BSD-2-Clause
// EVICT: what named capabilities and those derived from them have mapped goes, in whatever VSpace,
// and nothing else.
#include "child.h"
#include "harness.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static bool is_mapped(sheaf_cptr frame) {
    uint64_t va, pages;
    return frame_mapping(frame, &va, &pages);
}

static void fault_at(struct agent *agent, uint64_t va) {
    agent_page_fault(agent, AGENT_READ, va, SHEAF_ACCESS_READ);
    agent_page_fault(agent, AGENT_WRITE, va, SHEAF_ACCESS_WRITE);
}

// The original in the agent's VSpace, a copy and a copy of that in it too, a second copy here.
static void derived_by(struct agent agent) {
    sheaf_cptr frame = page(), copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    sheaf_cptr below = copy_of(copy, SHEAF_RIGHTS_ALL), here = copy_of(frame, SHEAF_RIGHTS_ALL);
    sheaf_cptr other = page();
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, TOUCHED);
    agent_map(&agent, CHILD_FREE + BLOCK, copy, ALL_ACCESS, TOUCHED);
    agent_map(&agent, CHILD_FREE + 2 * BLOCK, below, ALL_ACCESS, TOUCHED);
    agent_map(&agent, CHILD_FREE + PAGE, other, ALL_ACCESS, TOUCHED);
    volatile uint64_t *at = map_here(here, SHEAF_PAGE_BITS, ALL_ACCESS);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 0x1111);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + BLOCK, 0), 0x1111);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 2 * BLOCK, 0), 0x1111);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + PAGE, 0x2222);
    CHECK_EQ(*at, 0x1111);

    uint64_t evicted = counter(SHEAF_COUNTER_GATHER_EVICTED);
    struct gathered g = must_gather(evict_op(copy, 1, 0));
    CHECK_EQ(g.leaves, 2);
    CHECK_EQ(g.tables, 0);
    CHECK_EQ(g.dsb, 2);
    fault_at(&agent, CHILD_FREE + BLOCK);
    fault_at(&agent, CHILD_FREE + 2 * BLOCK);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0x1111);
    CHECK(is_mapped(frame) && is_mapped(here) && !is_mapped(copy) && !is_mapped(below));

    CHECK_EQ(must_gather(evict_op(frame, 1, 0)).leaves, 2);
    fault_at(&agent, CHILD_FREE);
    CHECK(!is_mapped(frame) && !is_mapped(here));
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_EVICTED), evicted + 4);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0), 0x2222); // the neighbour
    // The capabilities are there, and so is what the page held.
    agent_map(&agent, CHILD_FREE, below, ALL_ACCESS, TOUCHED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0x1111);
}

WITH_BOTH_AGENTS(derived, derived_by)

// Slots in turn in two VSpaces; each says what was done to its page.
static void many_slots(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 12);
    uint64_t place = new_place(BLOCK);
    for (unsigned i = 0; i < 12; i++) {
        sheaf_cptr vspace = i % 2 == 0 ? agent.child.vspace : OWN_VSPACE;
        uint64_t va = (i % 2 == 0 ? CHILD_FREE : place) + i * PAGE;
        must_gather(map_op(vspace, va, 1, first + i, 1, ALL_ACCESS, 0));
    }
    agent_result(&agent, AGENT_READ, CHILD_FREE, 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 2 * PAGE, 1);
    *(volatile uint64_t *)(place + 3 * PAGE) = 1;
    (void)*(volatile uint64_t *)(place + 5 * PAGE);
    volatile uint8_t *results = own_buffer()->results;
    for (unsigned i = 0; i < 8; i++) {
        results[i] = 0xff;
    }
    struct gathered g = must_gather(evict_op(first, 12, SHEAF_OP_REPORT));
    CHECK_EQ(g.leaves, 12);
    CHECK_EQ(results[0], 0xf1); // accessed; nothing; both; both
    CHECK_EQ(results[1], 0x04); // nothing; accessed
    CHECK_EQ(results[2], 0);
    CHECK_EQ(results[3], 0xff);
    fault_at(&agent, CHILD_FREE);
    fault_at(&agent, CHILD_FREE + 2 * PAGE);
    for (unsigned i = 0; i < 12; i++) {
        CHECK(!is_mapped(first + i));
    }
    g = must_gather(evict_op(first, 12, SHEAF_OP_REPORT)); // nothing is left
    CHECK_EQ(g.leaves + g.tlbi + g.dsb, 0);
    CHECK_EQ(results[0] | results[1] | results[2], 0);
}

// What was derived counts for the slot that was named.
static void copies_report_for_their_slot(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 2);
    agent_map(&agent, CHILD_FREE, copy_of(first, SHEAF_RIGHTS_ALL), ALL_ACCESS, 0);
    agent_map(&agent, CHILD_FREE + PAGE, first + 1, SHEAF_MAP_READ, 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 1);
    agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0);
    CHECK_EQ(must_gather(evict_op(first, 2, SHEAF_OP_REPORT)).leaves, 2);
    CHECK_EQ(own_buffer()->results[0], 0x07);
}

static void pages_and_a_block_by(struct agent agent) {
    sheaf_cptr frame = make(SHEAF_FRAME, 21), block = copy_of(frame, SHEAF_RIGHTS_ALL);
    must_gather(map_op(agent.child.vspace, CHILD_FREE, TABLE_PAGES, frame, 1, ALL_ACCESS,
                       SHEAF_OP_PAGES | TOUCHED));
    must_gather(
        map_op(agent.child.vspace, CHILD_FREE + BLOCK, TABLE_PAGES, block, 1, ALL_ACCESS, TOUCHED));
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 511 * PAGE, 0x77);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + BLOCK + 511 * PAGE, 0), 0x77);
    struct gathered g = must_gather(evict_op(frame, 1, 0));
    CHECK_EQ(g.leaves, TABLE_PAGES + 1);
    CHECK_EQ(g.tables, 0);
    fault_at(&agent, CHILD_FREE);
    fault_at(&agent, CHILD_FREE + 511 * PAGE);
    fault_at(&agent, CHILD_FREE + BLOCK + 511 * PAGE);
}

WITH_BOTH_AGENTS(pages_and_a_block, pages_and_a_block_by)

// More VSpaces than one batch holds.
static void many_vspaces(void) {
    enum { SPACES = 20 };
    sheaf_cptr frame = page(), copies = new_slots(SPACES);
    for (unsigned i = 0; i < SPACES; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(map_op(make_vspace(1), CHILD_FREE, 1, copies + i, 1, ALL_ACCESS, TOUCHED));
    }
    CHECK_EQ(must_gather(evict_op(frame, 1, 0)).leaves, SPACES);
    for (unsigned i = 0; i < SPACES; i++) {
        CHECK(!is_mapped(copies + i));
    }
}

// ---- Errors: nothing has changed, and the operations before stand

static void refused(struct sheaf_gather_op op, enum sheaf_error error, int line) {
    own_buffer()->ops[0] = unmap_op(OWN_VSPACE, CHILD_FREE, 1, 0);
    own_buffer()->ops[1] = op;
    struct gathered g = gather(2, 0);
    check_status(g.status, error, "gather", __FILE__, line);
    CHECK_EQ(g.error, error);
    CHECK_EQ(g.index, 1);
    CHECK_EQ(g.leaves, 0);
}

#define CHECK_REFUSED(op, error) refused(op, SHEAF_ERR_##error, __LINE__)

static void bad_slots(void) {
    sheaf_cptr vspace = make_vspace(1), first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 3);
    sheaf_cptr empty = new_slot();
    map_frames(vspace, CHILD_FREE, first, 3, ALL_ACCESS, TOUCHED);
    CHECK_REFUSED(evict_op(first, 4, 0), INVALID_CAPABILITY); // the empty slot is behind them
    CHECK_REFUSED(evict_op(empty, 1, 0), INVALID_CAPABILITY);
    CHECK_REFUSED(evict_op(0, 1, 0), INVALID_CAPABILITY);
    CHECK_REFUSED(evict_op(vspace, 1, 0), WRONG_TYPE);
    CHECK_OK(untyped_retype(arena(), SHEAF_ENDPOINT, 0, 0, ROOT, empty, 1));
    CHECK_REFUSED(evict_op(first, 4, 0), WRONG_TYPE);
    CHECK_REFUSED(evict_op(first, 0, 0), ZERO_LENGTH);
    CHECK_REFUSED(evict_op(first, SHEAF_EVICT_SLOTS + 1, 0), RANGE);
    CHECK_REFUSED(evict_op(first, UINT64_MAX, 0), RANGE);
    sheaf_cptr cnode = make(SHEAF_CNODE, 2);
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 1, 3));
    CHECK_REFUSED(evict_op(IN_CNODE(cnode, 1), 4, 0), RANGE);
    must_gather(evict_op(IN_CNODE(cnode, 1), 3, 0));
    CHECK(is_mapped(first) && is_mapped(first + 1) && is_mapped(first + 2));
    CHECK_OK(cnode_delete(ROOT, first + 1));
    CHECK_REFUSED(evict_op(first, 3, 0), INVALID_CAPABILITY);
    CHECK(is_mapped(first) && is_mapped(first + 2));
}

static void bad_words(void) {
    sheaf_cptr frame = page();
    must_gather(map_op(make_vspace(1), CHILD_FREE, 1, frame, 1, ALL_ACCESS, TOUCHED));
    for (unsigned bit = 0; bit < 16; bit++) {
        if (UINT64_C(1) << bit != SHEAF_OP_REPORT) {
            CHECK_REFUSED(evict_op(frame, 1, UINT64_C(1) << bit), UNKNOWN_FLAG);
        }
    }
    for (unsigned word = 0; word < 4; word++) {
        struct sheaf_gather_op op = evict_op(frame, 1, 0);
        op.word[word] |= word == 0 ? UINT64_C(1) << 8 : PAGE;
        CHECK_REFUSED(op, INVALID_ARGUMENT);
    }
    CHECK(is_mapped(frame));
}

static void report_that_does_not_fit(void) {
    sheaf_cptr frame = page();
    must_gather(map_op(make_vspace(1), CHILD_FREE, 1, frame, 1, ALL_ACCESS, TOUCHED));
    own_buffer()->ops[0] =
        unmap_op(OWN_VSPACE, CHILD_FREE, 4 * SHEAF_RESULT_BYTES, SHEAF_OP_REPORT);
    own_buffer()->ops[1] = evict_op(frame, 1, SHEAF_OP_REPORT);
    struct gathered g = gather(2, 0);
    CHECK_ERROR(g.status, RESULTS_TOO_LARGE);
    CHECK_EQ(g.index, 1);
    CHECK(is_mapped(frame));
}

static const struct test_case cases[] = {
    {"gather.evict.derived", derived},
    {"gather.evict.derived.beside", derived_beside},
    {"gather.evict.many_slots", many_slots},
    {"gather.evict.copies_report_for_their_slot", copies_report_for_their_slot},
    {"gather.evict.pages_and_a_block", pages_and_a_block},
    {"gather.evict.pages_and_a_block.beside", pages_and_a_block_beside},
    {"gather.evict.many_vspaces", many_vspaces},
    {"gather.evict.bad_slots", bad_slots},
    {"gather.evict.bad_words", bad_words},
    {"gather.evict.report_that_does_not_fit", report_that_does_not_fit},
};

const struct test_area evict_area = TEST_AREA(cases);
