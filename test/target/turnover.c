// SPDX-License-Identifier: BSD-2-Clause
// A working set turns over, as in a pager: the same few pages go through every operation of the
// gather, again and again, at addresses that come back. What a page holds goes with it, and what
// is reported is what was done to it.
#include "child.h"
#include "harness.h"

#define ROUNDS 160u
#define PAGES 4u
#define PLACES 16u // that the rounds take in turn
#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define ALL_WRITTEN 0xffu // accessed and dirty, of four pages

static volatile uint64_t *word_of(uint64_t va, unsigned page) {
    return (volatile uint64_t *)(va + page * PAGE);
}

static void write_all(uint64_t va, uint64_t value) {
    for (unsigned i = 0; i < PAGES; i++) {
        *word_of(va, i) = value + i;
    }
}

static void check_all(uint64_t va, uint64_t value) {
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQ(*word_of(va, i), value + i);
    }
}

// One operation that reports.
static void expect_report(struct sheaf_gather_op op, unsigned expected) {
    const volatile uint8_t *results = own_buffer()->results;
    struct gathered g = must_gather(op);
    CHECK_EQ(g.leaves, PAGES);
    CHECK_EQ(results[0], expected);
}

// By their capabilities, or deferred and then completed, in turn.
static void take_away(unsigned round, uint64_t va, sheaf_cptr first) {
    if (round % 2 == 0) {
        expect_report(evict_op(first, PAGES, SHEAF_OP_REPORT), ALL_WRITTEN);
        return;
    }
    own_buffer()->ops[0] = unmap_op(OWN_VSPACE, va, PAGES, 0);
    struct gathered g = gather(1, SHEAF_GATHER_DEFER);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, PAGES);
    CHECK_EQ(g.tlbi + g.dsb, 0);
    g = must_gather(sync_op(OWN_VSPACE));
    CHECK(g.tlbi != 0);
}

static void turn_over(unsigned round, uint64_t va, uint64_t elsewhere, sheaf_cptr first) {
    uint64_t value = (uint64_t)round << 16, unused;
    must_gather(map_op(OWN_VSPACE, va, PAGES, first, PAGES, ALL_ACCESS, TOUCHED));
    write_all(va, value);
    check_all(va, value);
    expect_report(age_op(OWN_VSPACE, va, PAGES, SHEAF_OP_DIRTY | SHEAF_OP_REPORT), 0xaa);
    write_all(va, value + 8);
    expect_report(protect_op(OWN_VSPACE, va, PAGES, SHEAF_MAP_READ, SHEAF_OP_REPORT), ALL_WRITTEN);
    check_all(va, value + 8);
    must_gather(protect_op(OWN_VSPACE, va, PAGES, ALL_ACCESS, 0));
    write_all(va, value + 16);
    must_gather(move_op(OWN_VSPACE, va, PAGES, elsewhere, first));
    check_all(elsewhere, value + 16);
    take_away(round, elsewhere, first);
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t nowhere;
        CHECK(!frame_mapping(first + i, &nowhere, &unused));
    }
}

static void working_set_turns_over(void) {
    uint64_t place = new_place(2 * BLOCK);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, PAGES);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t va = place + round % PLACES * PAGES * PAGE;
        turn_over(round, va, va + BLOCK, first);
    }
}

static const struct test_case cases[] = {
    {"gather.working_set_turns_over", working_set_turns_over},
};

const struct test_area turnover_area = TEST_AREA(cases);
