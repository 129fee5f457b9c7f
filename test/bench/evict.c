// SPDX-License-Identifier: BSD-2-Clause
// Cases of EVICT, of DEFER with SYNC, and of a VSpace's end. A TLB may hold every page.
#include "bench.h"

#include <stdio.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define GIB (UINT64_C(1) << 30)
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

// ---- The longest stretches

static void measure(struct sheaf_gather_op op, uint64_t leaves) {
    own_buffer()->ops[0] = op;
    bench_begin(REGION_GATHER);
    struct gathered g = gather(1, 0);
    bench_end(REGION_GATHER);
    printf("# region masked.evict %u\n", REGION_GATHER);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, leaves);
}

// Eight deferred entries, full of ranges, with as many pages as are invalidated one by one.
static void fill_entries(sheaf_cptr vspace) {
    enum { ENTRIES = 8, RANGES = 4, PAGES = 4 };
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS + 2, ENTRIES * RANGES);
    for (unsigned i = 0; i < ENTRIES * RANGES; i++) {
        must_gather(map_op(vspace, 16 * GIB + (uint64_t)(2 * PAGES * i) * PAGE, PAGES, frames + i,
                           1, ALL_ACCESS, TOUCHED));
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        for (unsigned n = 0; n < RANGES; n++) {
            own_buffer()->ops[n] = unmap_op(
                vspace, 16 * GIB + (uint64_t)(2 * PAGES * (RANGES * i + n)) * PAGE, PAGES, 0);
        }
        CHECK_OK(gather(RANGES, SHEAF_GATHER_DEFER).status);
    }
}

// A chain of copies, each of the one before: from its end the walk must come back to the top.
static void evict_up_a_chain(void) {
    enum { DEPTH = 4000 };
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS), chain = new_slots(DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_OK(cnode_copy(ROOT, chain + i, i == 0 ? frame : chain + i - 1, SHEAF_RIGHTS_ALL));
    }
    must_gather(map_op(OWN_VSPACE, new_place(PAGE), 1, chain + DEPTH - 1, 1, ALL_ACCESS, TOUCHED));
    measure(evict_op(frame, 1, 0), 1);
}

// Copies of one Frame that stand alone in more VSpaces than a batch holds; each in its own table;
// a Frame of pages, every other of which is gone; all that can be pending, first of all in the way.
static void masked_evict(void) {
    enum { MANY = 9, EACH = 24, TABLES = 200 };
    evict_up_a_chain();
    sheaf_cptr spaces[MANY], frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    sheaf_cptr copies = new_slots(SHEAF_EVICT_SLOTS);
    for (unsigned i = 0; i < MANY; i++) {
        spaces[i] = loaded_vspace(i == 0 ? 15 : 1);
    }
    for (unsigned i = 0; i < SHEAF_EVICT_SLOTS; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
    }
    for (unsigned i = 0; i < MANY * EACH; i++) {
        must_gather(map_op(spaces[i % MANY], CHILD_FREE + 2 * i * PAGE, 1, copies + i, 1,
                           ALL_ACCESS, TOUCHED));
    }
    measure(evict_op(frame, 1, SHEAF_OP_REPORT), MANY * EACH);

    for (unsigned i = 0; i < TABLES; i++) {
        must_gather(map_op(spaces[0], 4 * GIB + i * BLOCK, 1, copies + i, 1, ALL_ACCESS, TOUCHED));
    }
    measure(evict_op(copies, SHEAF_EVICT_SLOTS, SHEAF_OP_REPORT), TABLES);

    sheaf_cptr large = make(SHEAF_FRAME, 21);
    must_gather(
        map_op(spaces[0], 8 * GIB, TABLE_PAGES, large, 1, ALL_ACCESS, SHEAF_OP_PAGES | TOUCHED));
    for (unsigned i = 0; i < TABLE_PAGES; i += 2) {
        must_gather(unmap_op(spaces[0], 8 * GIB + i * PAGE, 1, 0));
    }
    measure(evict_op(large, 1, SHEAF_OP_REPORT), TABLE_PAGES / 2);

    fill_entries(spaces[1]);
    measure(sync_op(spaces[1]), 0);
    fill_entries(spaces[1]);
    must_gather(map_op(spaces[1], 4 * GIB, 1, frame, 1, ALL_ACCESS, TOUCHED));
    measure(evict_op(frame, 1, SHEAF_OP_REPORT), 1);
}

static const struct test_case cases[] = {
    {"evict.64", evict64},
    {"defer8.sync", defer8_sync},
    {"teardown.512", teardown512},
    {"masked.evict", masked_evict},
};

const struct test_area evict_bench_area = TEST_AREA(cases);
