// SPDX-License-Identifier: BSD-2-Clause
// MOVE on the machine: what a page holds is read at its new address, and no more at its old one.
#include "child.h"
#include "harness.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static volatile uint64_t *at(uint64_t va) { return (volatile uint64_t *)va; }

// Writes a word of its own to each page and reads it, so that the TLB has all of them.
static void mark(uint64_t va, unsigned pages, uint64_t value) {
    for (unsigned i = 0; i < pages; i++) {
        *at(va + i * PAGE) = value + i;
        CHECK_EQ(*at(va + i * PAGE), value + i);
    }
}

static void check_marks(uint64_t va, unsigned pages, uint64_t value) {
    for (unsigned i = 0; i < pages; i++) {
        CHECK_EQ(*at(va + i * PAGE), value + i);
    }
}

static void check_place(sheaf_cptr frame, uint64_t va) {
    uint64_t found, pages;
    CHECK(frame_mapping(frame, &found, &pages));
    CHECK_EQ(found, va);
}

static void tables(void) {
    enum { TABLES = 3, EACH = 4 };
    uint64_t place = new_place(6 * BLOCK);
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, TABLES * EACH);
    for (unsigned i = 0; i < TABLES; i++) {
        must_gather(map_op(OWN_VSPACE, place + i * BLOCK + i * PAGE, EACH,
                           frames + (sheaf_cptr)(i * EACH), EACH, ALL_ACCESS, TOUCHED));
        mark(place + i * BLOCK + i * PAGE, EACH, 0x1000 * (i + 1));
    }
    // Twice: to a place that overlaps, so every address has another page than before, and back.
    for (unsigned turn = 0; turn < 2; turn++) {
        uint64_t from = place + turn * BLOCK, to = place + (1 - turn) * BLOCK;
        struct gathered g = must_gather(move_op(OWN_VSPACE, from, TABLES * TABLE_PAGES, to, 0));
        CHECK_EQ(g.leaves, TABLES * EACH);
        CHECK_EQ(g.tlbi, 1);
        for (unsigned i = 0; i < TABLES; i++) {
            check_marks(to + i * BLOCK + i * PAGE, EACH, 0x1000 * (i + 1));
            check_place(frames + (sheaf_cptr)(i * EACH), to + i * BLOCK + i * PAGE);
        }
    }
    CHECK_ERROR(gather_one(move_op(OWN_VSPACE, place, TABLE_PAGES, place + BLOCK, 0)).status,
                PLACE_OCCUPIED);
}

static void leaves(void) {
    enum { FRAMES = 6 };
    uint64_t place = new_place(BLOCK);
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, FRAMES);
    must_gather(map_op(OWN_VSPACE, place, FRAMES, frames, FRAMES, ALL_ACCESS, TOUCHED));
    mark(place, FRAMES, 0x7000);
    static const unsigned places[] = {0, 2, 1, 300, 298};
    for (unsigned i = 1; i < sizeof(places) / sizeof(places[0]); i++) {
        uint64_t from = place + places[i - 1] * PAGE, to = place + places[i] * PAGE;
        must_gather(move_op(OWN_VSPACE, from, FRAMES, to, frames));
        check_marks(to, FRAMES, 0x7000);
        check_place(frames + FRAMES - 1, to + (FRAMES - 1) * PAGE);
    }
    uint64_t now = place + 298 * PAGE;
    CHECK_ERROR(gather_one(move_op(OWN_VSPACE, now, FRAMES, place, frames + 1)).status,
                OTHER_MAPPING);
    CHECK_OK(cnode_delete(ROOT, frames + 2)); // found where it is by now
    must_gather(map_op(OWN_VSPACE, now + 2 * PAGE, 1, make(SHEAF_FRAME, SHEAF_PAGE_BITS), 1,
                       ALL_ACCESS, TOUCHED));
    CHECK_EQ(*at(now + 2 * PAGE), 0);
    check_marks(now, 2, 0x7000);
}

static void blocks(void) {
    uint64_t place = new_place(4 * BLOCK);
    sheaf_cptr frame = make(SHEAF_FRAME, 21);
    must_gather(map_op(OWN_VSPACE, place, TABLE_PAGES, frame, 1, ALL_ACCESS, TOUCHED));
    mark(place, TABLE_PAGES, 0x5000);
    CHECK_ERROR(gather_one(move_op(OWN_VSPACE, place, TABLE_PAGES, place + BLOCK, 0)).status,
                OTHER_MAPPING);
    must_gather(move_op(OWN_VSPACE, place, TABLE_PAGES, place + 2 * BLOCK, frame));
    check_marks(place + 2 * BLOCK, TABLE_PAGES, 0x5000);
    check_place(frame, place + 2 * BLOCK);
}

// A pager moves a client's page: as part of its table, then alone.
static void old_addresses_fault_by(struct agent agent) {
    sheaf_cptr vspace = agent.child.vspace, frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    agent_map(&agent, CHILD_FREE + PAGE, frame, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + PAGE, 77);
    must_gather(move_op(vspace, CHILD_FREE, TABLE_PAGES, CHILD_FREE + 3 * BLOCK, 0));
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + PAGE, SHEAF_ACCESS_READ);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 3 * BLOCK + PAGE, 0), 77);
    must_gather(move_op(vspace, CHILD_FREE + 3 * BLOCK + PAGE, 1, CHILD_FREE + 9 * PAGE, frame));
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE + 3 * BLOCK + PAGE, SHEAF_ACCESS_WRITE);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + 9 * PAGE, 0), 77);
}

WITH_BOTH_AGENTS(old_addresses_fault, old_addresses_fault_by)

static const struct test_case cases[] = {
    {"gather.move_tables_there_and_back", tables},
    {"gather.move_leaves_with_their_capabilities", leaves},
    {"gather.move_a_block", blocks},
    {"gather.move_old_addresses_fault", old_addresses_fault},
    {"gather.move_old_addresses_fault_same_space", old_addresses_fault_beside},
};

const struct test_area move_area = TEST_AREA(cases);
