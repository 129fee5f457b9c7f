// SPDX-License-Identifier: BSD-2-Clause
// Cases of objects: made from an Untyped, taken back from everybody.
#include "bench.h"

#define MANY 64
#define DIRT UINT64_C(0xa5a5a5a5a5a5a5a5)

static unsigned words_of_page(void) { return PAGE / sizeof(uint64_t); }

// An empty Untyped of 2 MiB at most whose memory holds something: what is made from it must be
// zeroed.
static sheaf_cptr dirty_untyped(unsigned bits) {
    sheaf_cptr untyped = make(SHEAF_UNTYPED, bits);
    unsigned pages = 1u << (bits - SHEAF_PAGE_BITS);
    sheaf_cptr first = new_slots(pages);
    retype_many(untyped, SHEAF_FRAME, SHEAF_PAGE_BITS, ROOT, first, pages);
    uint64_t place = new_place(pages * PAGE);
    map_frames(OWN_VSPACE, place, first, pages, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    for (uint64_t i = 0; i < pages * words_of_page(); i++) {
        ((volatile uint64_t *)place)[i] = DIRT;
    }
    CHECK_OK(cnode_revoke(ROOT, untyped));
    CHECK_EQ(untyped_info(untyped).left, pages * PAGE);
    return untyped;
}

static void check_zero(sheaf_cptr first, unsigned pages) {
    uint64_t place = new_place(pages * PAGE);
    map_frames(OWN_VSPACE, place, first, pages, SHEAF_MAP_READ, 0);
    for (uint64_t i = 0; i < pages * words_of_page(); i++) {
        CHECK_EQ(((const volatile uint64_t *)place)[i], 0);
    }
}

// One after the other from the same Untyped; none of them is its only child but the first.
static void retype1(void) {
    sheaf_cptr untyped = dirty_untyped(SHEAF_PAGE_BITS + 3);
    sheaf_cptr first = new_slots(RUNS);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t left = untyped_info(untyped).left;
        bench_begin(REGION_RETYPE1);
        uint64_t status =
            untyped_retype(untyped, SHEAF_FRAME, SHEAF_PAGE_BITS, 0, ROOT, first + i, 1);
        bench_end(REGION_RETYPE1);
        CHECK_OK(status);
        CHECK_EQ(untyped_info(untyped).left, left - PAGE);
    }
    check_zero(first, RUNS);
    announce("retype.1", REGION_RETYPE1);
}

static void retype64(void) {
    sheaf_cptr untyped = dirty_untyped(SHEAF_PAGE_BITS + 9);
    sheaf_cptr first = new_slots(RUNS * MANY);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t left = untyped_info(untyped).left;
        bench_begin(REGION_RETYPE64);
        uint64_t status = untyped_retype(untyped, SHEAF_FRAME, SHEAF_PAGE_BITS, 0, ROOT,
                                         first + (sheaf_cptr)(i * MANY), MANY);
        bench_end(REGION_RETYPE64);
        CHECK_OK(status);
        CHECK_EQ(untyped_info(untyped).left, left - MANY * PAGE);
    }
    check_zero(first, RUNS * MANY);
    announce("retype.64", REGION_RETYPE64);
}

static void revoke64(void) {
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    sheaf_cptr first = new_slots(MANY);
    for (unsigned i = 0; i < RUNS; i++) {
        for (unsigned copy = 0; copy < MANY; copy++) {
            CHECK_OK(cnode_copy(ROOT, first + copy, frame, SHEAF_RIGHTS_ALL));
        }
        bench_begin(REGION_REVOKE64);
        uint64_t status = cnode_revoke(ROOT, frame);
        bench_end(REGION_REVOKE64);
        CHECK_OK(status);
        for (unsigned copy = 0; copy < MANY; copy++) {
            CHECK(slot_is_empty(first + copy));
        }
        CHECK_EQ(probe_type(frame), SHEAF_FRAME);
    }
    announce("revoke.64", REGION_REVOKE64);
}

static const struct test_case cases[] = {
    {"retype.1", retype1},
    {"retype.64", retype64},
    {"revoke.64", revoke64},
};

const struct test_area memory_bench_area = TEST_AREA(cases);
