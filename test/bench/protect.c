// SPDX-License-Identifier: BSD-2-Clause
// Cases of PROTECT and AGE: the 512 pages of one table, all of which a TLB may hold.
#include "bench.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

// 2 MiB mapped as pages in a VSpace that this PE has loaded.
static sheaf_cptr with_full_table(uint64_t rights) {
    struct child child = new_child(child_touch, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = CHILD_PAGE;
    start_child(&child);
    join_child(&child);
    must_gather(map_op(child.vspace, CHILD_FREE, TABLE_PAGES, make(SHEAF_FRAME, 21), 1, ALL_ACCESS,
                       SHEAF_OP_PAGES | TOUCHED));
    must_gather(protect_op(child.vspace, CHILD_FREE, TABLE_PAGES, rights, 0));
    return child.vspace;
}

static void measure(const char *name, struct sheaf_gather_op op, uint64_t rights, unsigned tlbi,
                    unsigned dsb) {
    for (unsigned i = 0; i < RUNS; i++) {
        op.word[1] = with_full_table(rights);
        own_buffer()->ops[0] = op;
        bench_begin(REGION_GATHER);
        struct gathered g = gather(1, 0);
        bench_end(REGION_GATHER);
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, TABLE_PAGES);
        CHECK_EQ(g.tlbi, tlbi);
        CHECK_EQ(g.dsb, dsb);
    }
    announce(name, REGION_GATHER);
}

static void demote512(void) {
    measure("protect.demote512", protect_op(0, CHILD_FREE, TABLE_PAGES, SHEAF_MAP_READ, 0),
            ALL_ACCESS, 1, 2);
}

static void promote512(void) {
    measure("protect.promote512", protect_op(0, CHILD_FREE, TABLE_PAGES, ALL_ACCESS, 0),
            SHEAF_MAP_READ, 0, 1);
}

static void check_reported(unsigned bits) {
    for (unsigned i = 0; i < SHEAF_REPORT_BYTES(TABLE_PAGES); i++) {
        CHECK_EQ(own_buffer()->results[i], bits * 0x55);
    }
}

static void age512_accessed(void) {
    measure("age.512.accessed",
            age_op(0, CHILD_FREE, TABLE_PAGES, SHEAF_OP_ACCESSED | SHEAF_OP_REPORT), ALL_ACCESS, 0,
            1);
    check_reported(SHEAF_REPORT_ACCESSED);
}

static void age512_dirty(void) {
    measure("age.512.dirty", age_op(0, CHILD_FREE, TABLE_PAGES, SHEAF_OP_DIRTY | SHEAF_OP_REPORT),
            ALL_ACCESS, 1, 2);
    check_reported(SHEAF_REPORT_DIRTY);
}

static const struct test_case cases[] = {
    {"protect.demote512", demote512},
    {"protect.promote512", promote512},
    {"age.512.accessed", age512_accessed},
    {"age.512.dirty", age512_dirty},
};

const struct test_area protect_bench_area = TEST_AREA(cases);
