// SPDX-License-Identifier: BSD-2-Clause
// Cases of EVICT, of DEFER with SYNC, and of a VSpace's end. A TLB may hold every page.
#include "bench.h"

#include <stdio.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define SPACES 4u
#define EVICTED 64u
#define DEFERRED 8u
#define DEFERRED_BITS 16 // 16 pages each

// Frames in consecutive slots, in turn in each of four VSpaces; between each two lies a page that
// stays.
static void evict64(void) {
    sheaf_cptr spaces[SPACES], frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, EVICTED);
    sheaf_cptr neighbours = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, EVICTED);
    for (unsigned i = 0; i < SPACES; i++) {
        spaces[i] = loaded_vspace(1);
    }
    for (unsigned i = 0; i < EVICTED; i++) {
        must_gather(map_op(spaces[i % SPACES], CHILD_FREE + (2 * i + 1) * PAGE, 1, neighbours + i,
                           1, ALL_ACCESS, TOUCHED));
    }
    for (unsigned run = 0; run < RUNS; run++) {
        for (unsigned i = 0; i < EVICTED; i++) {
            must_gather(map_op(spaces[i % SPACES], CHILD_FREE + 2 * i * PAGE, 1, frames + i, 1,
                               ALL_ACCESS, TOUCHED));
        }
        own_buffer()->ops[0] = evict_op(frames, EVICTED, 0);
        bench_begin(REGION_GATHER);
        struct gathered g = gather(1, 0);
        bench_end(REGION_GATHER);
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, EVICTED);
        CHECK_EQ(g.tables, 0);
    }
    uint64_t va, pages;
    for (unsigned i = 0; i < EVICTED; i++) {
        CHECK(!frame_mapping(frames + i, &va, &pages));
        CHECK(frame_mapping(neighbours + i, &va, &pages));
    }
    announce("evict.64", REGION_GATHER);
}

// Eight calls and a ninth, all of them in the region.
static void defer8_sync(void) {
    sheaf_cptr vspace = loaded_vspace(1), frames = make_many(SHEAF_FRAME, DEFERRED_BITS, DEFERRED);
    for (unsigned run = 0; run < RUNS; run++) {
        struct gathered g[DEFERRED], last;
        for (unsigned i = 0; i < DEFERRED; i++) {
            must_gather(
                map_op(vspace, CHILD_FREE + 32 * i * PAGE, 16, frames + i, 1, ALL_ACCESS, TOUCHED));
        }
        bench_begin(REGION_GATHER);
        for (unsigned i = 0; i < DEFERRED; i++) {
            own_buffer()->ops[0] = unmap_op(vspace, CHILD_FREE + 32 * i * PAGE, 16, 0);
            g[i] = gather(1, SHEAF_GATHER_DEFER);
        }
        own_buffer()->ops[0] = sync_op(vspace);
        last = gather(1, 0);
        bench_end(REGION_GATHER);
        for (unsigned i = 0; i < DEFERRED; i++) {
            CHECK_OK(g[i].status);
            CHECK_EQ(g[i].leaves, 16);
            CHECK_EQ(g[i].dsb, 0);
        }
        CHECK_OK(last.status);
        CHECK(last.tlbi > 0);
        CHECK_EQ(last.dsb, 2);
    }
    announce("defer8.sync", REGION_GATHER);
}

// The last capability to a VSpace of one chunk in which 512 pages are mapped, by nobody any more.
static void teardown512(void) {
    for (unsigned run = 0; run < RUNS; run++) {
        struct child child = new_child(child_touch, LOW_PRIORITY, 0, 0);
        child.page->argument[0] = CHILD_PAGE;
        start_child(&child);
        join_child(&child);
        sheaf_cptr frame = make(SHEAF_FRAME, 21);
        must_gather(map_op(child.vspace, CHILD_FREE, TABLE_PAGES, frame, 1, ALL_ACCESS,
                           SHEAF_OP_PAGES | TOUCHED));
        CHECK_OK(cnode_delete(ROOT, child.thread));
        bench_begin(REGION_GATHER);
        uint64_t status = cnode_delete(ROOT, child.vspace);
        bench_end(REGION_GATHER);
        CHECK_OK(status);
        CHECK(slot_is_empty(child.vspace));
        uint64_t va, pages;
        CHECK(!frame_mapping(frame, &va, &pages));
    }
    announce("teardown.512", REGION_GATHER);
}

static const struct test_case cases[] = {
    {"evict.64", evict64},
    {"defer8.sync", defer8_sync},
    {"teardown.512", teardown512},
};

const struct test_area evict_bench_area = TEST_AREA(cases);
