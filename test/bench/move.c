// SPDX-License-Identifier: BSD-2-Clause
// Cases of MOVE, and of MAP of 512 pages, in a VSpace that this PE has loaded.
#include "bench.h"

#include <stdio.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define TABLES 64u
#define GIB (UINT64_C(1) << 30)

// Tables full of pages, all of them the same memory, by a capability each.
static sheaf_cptr fill_tables(sheaf_cptr vspace, uint64_t va, unsigned tables) {
    sheaf_cptr frame = make(SHEAF_FRAME, 21), copies = new_slots(tables);
    for (unsigned i = 0; i < tables; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(map_op(vspace, va + i * BLOCK, TABLE_PAGES, copies + i, 1, ALL_ACCESS,
                           SHEAF_OP_PAGES | TOUCHED));
    }
    return copies;
}

static void check_place(sheaf_cptr frame, uint64_t va) {
    uint64_t found, pages;
    CHECK(frame_mapping(frame, &found, &pages));
    CHECK_EQ(found, va);
}

static void move64tables(void) {
    sheaf_cptr vspace = loaded_vspace(6);
    sheaf_cptr copies = fill_tables(vspace, 4 * GIB, TABLES);
    must_gather(move_op(vspace, 4 * GIB, TABLES * TABLE_PAGES, 5 * GIB, 0)); // its upper table
    must_gather(move_op(vspace, 5 * GIB, TABLES * TABLE_PAGES, 4 * GIB, 0));
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t from = (i % 2 == 0 ? 4 : 5) * GIB, to = (i % 2 == 0 ? 5 : 4) * GIB;
        own_buffer()->ops[0] = move_op(vspace, from, TABLES * TABLE_PAGES, to, 0);
        bench_begin(REGION_GATHER);
        struct gathered g = gather(1, 0);
        bench_end(REGION_GATHER);
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, TABLES * TABLE_PAGES);
        check_place(copies + TABLES - 1, to + (TABLES - 1) * BLOCK);
    }
    announce("move.64tables", REGION_GATHER);
}

// One Frame of 2 MiB as pages; its table is missing.
static void map512one(void) {
    sheaf_cptr vspace = loaded_vspace(1), frames = make_many(SHEAF_FRAME, 21, RUNS);
    for (unsigned i = 0; i < RUNS; i++) {
        own_buffer()->ops[0] = map_op(vspace, CHILD_FREE + i * BLOCK, TABLE_PAGES, frames + i, 1,
                                      ALL_ACCESS, SHEAF_OP_PAGES);
        bench_begin(REGION_GATHER);
        struct gathered g = gather(1, 0);
        bench_end(REGION_GATHER);
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, TABLE_PAGES);
    }
    announce("map.512.one", REGION_GATHER);
}

// 512 Frames of a page, as many in each operation as it takes.
static void map512many(void) {
    enum { OPERATIONS = TABLE_PAGES / SHEAF_MAP_FRAMES };
    sheaf_cptr vspace = loaded_vspace(1);
    for (unsigned i = 0; i < RUNS; i++) {
        sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, TABLE_PAGES);
        for (unsigned n = 0; n < OPERATIONS; n++) {
            uint64_t va = CHILD_FREE + i * BLOCK + n * SHEAF_MAP_FRAMES * PAGE;
            own_buffer()->ops[n] =
                map_op(vspace, va, SHEAF_MAP_FRAMES, frames + (sheaf_cptr)(n * SHEAF_MAP_FRAMES),
                       SHEAF_MAP_FRAMES, ALL_ACCESS, 0);
        }
        bench_begin(REGION_GATHER);
        struct gathered g = gather(OPERATIONS, 0);
        bench_end(REGION_GATHER);
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, TABLE_PAGES);
    }
    announce("map.512.many", REGION_GATHER);
}

// ---- The longest stretches

static void move_and_measure(struct sheaf_gather_op op, uint64_t leaves) {
    own_buffer()->ops[0] = op;
    bench_begin(REGION_GATHER);
    struct gathered g = gather(1, 0);
    bench_end(REGION_GATHER);
    printf("# region masked.move %u\n", REGION_GATHER);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, leaves);
}

// As many empty tables in the way as tables that move, each in a chunk with others; a range of
// several slices; then as many leaves as one operation moves, that overlap; Frames far apart.
static void masked_move(void) {
    enum { MANY = 3 * TABLES + 7, PAGES = 8, FRAMES = 32 };
    sheaf_cptr vspace = loaded_vspace(25);
    fill_tables(vspace, 4 * GIB, TABLES);
    fill_tables(vspace, 5 * GIB, TABLES);
    must_gather(unmap_op(vspace, 5 * GIB, TABLES * TABLE_PAGES, SHEAF_OP_KEEP_TABLES));
    move_and_measure(move_op(vspace, 4 * GIB, TABLES * TABLE_PAGES, 5 * GIB, 0),
                     TABLES * TABLE_PAGES);
    fill_tables(vspace, 8 * GIB, MANY);
    move_and_measure(move_op(vspace, 8 * GIB, MANY * TABLE_PAGES, 12 * GIB - 5 * BLOCK, 0),
                     MANY * TABLE_PAGES);

    sheaf_cptr large = make(SHEAF_FRAME, SHEAF_PAGE_BITS + 6);
    uint64_t place = 15 * GIB;
    must_gather(map_op(vspace, place, SHEAF_MOVE_LEAVES, large, 1, ALL_ACCESS, TOUCHED));
    move_and_measure(move_op(vspace, place, SHEAF_MOVE_LEAVES, place + PAGE, large),
                     SHEAF_MOVE_LEAVES);
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS + 3, FRAMES);
    place = 16 * GIB;
    must_gather(map_op(vspace, place, FRAMES * PAGES, frames, FRAMES, ALL_ACCESS, TOUCHED));
    move_and_measure(move_op(vspace, place, FRAMES * PAGES, place + PAGES * PAGE, frames),
                     FRAMES * PAGES);
    move_and_measure(move_op(vspace, place + PAGES * PAGE, FRAMES * PAGES, 17 * GIB, frames),
                     FRAMES * PAGES);
    sheaf_cptr single = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, FRAMES);
    place = 20 * GIB;
    for (unsigned i = 0; i < FRAMES; i++) { // each by itself, to two tables
        must_gather(map_op(vspace, place + (uint64_t)(PAGES * i) * PAGE, 1, single + i, 1,
                           ALL_ACCESS, TOUCHED));
    }
    move_and_measure(move_op(vspace, place, FRAMES * PAGES,
                             512 * GIB - (uint64_t)(FRAMES * PAGES / 2) * PAGE, single),
                     FRAMES);
}

static const struct test_case cases[] = {
    {"map.512.one", map512one},
    {"map.512.many", map512many},
    {"move.64tables", move64tables},
    {"masked.move", masked_move},
};

const struct test_area move_bench_area = TEST_AREA(cases);
