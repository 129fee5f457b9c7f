// SPDX-License-Identifier: BSD-2-Clause
// Cases of UNMAP: what it takes to remove so many pages, in one gather.
//
// A TLB may hold every page (it is mapped accessed, in a VSpace that has been loaded), except where
// the case is about pages that were never accessed.
#include "bench.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define SCATTERED SHEAF_GATHER_OPS
#define SPARSE 512
#define LARGE_TABLES 64

// With room for `tables`.
static sheaf_cptr vspace_of(unsigned tables) { return loaded_vspace(tables / 15 + 1); }

// Maps 2 MiB as pages at each of `tables` consecutive places, all of them the same memory, by a
// capability each from `copies` on.
static void map_tables(sheaf_cptr vspace, uint64_t va, unsigned tables, uint64_t flags) {
    sheaf_cptr frame = make(SHEAF_FRAME, 21), copies = new_slots(tables);
    for (unsigned i = 0; i < tables; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(map_op(vspace, va + i * BLOCK, TABLE_PAGES, copies + i, 1, ALL_ACCESS,
                           SHEAF_OP_PAGES | flags));
    }
}

// One page in each of `tables` consecutive tables, `offset` bytes from its beginning.
static void map_sparse(sheaf_cptr vspace, uint64_t va, unsigned tables, uint64_t offset) {
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS), copies = new_slots(tables);
    for (unsigned i = 0; i < tables; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(map_op(vspace, va + i * BLOCK + offset, 1, copies + i, 1, ALL_ACCESS, TOUCHED));
    }
}

// Runs the first `count` operations of the buffer.
static struct gathered measure(unsigned count) {
    bench_begin(REGION_GATHER);
    struct gathered g = gather(count, 0);
    bench_end(REGION_GATHER);
    CHECK_OK(g.status);
    return g;
}

// One operation on memory that `tables` full tables map, `va` on.
static void unmap_from(const char *name, unsigned tables, uint64_t offset, uint64_t pages,
                       uint64_t flags, uint64_t leaf_flags) {
    bool whole = offset == 0 && pages == tables * TABLE_PAGES;
    bool frees = whole && (flags & SHEAF_OP_KEEP_TABLES) == 0;
    for (unsigned i = 0; i < RUNS; i++) {
        sheaf_cptr vspace = vspace_of(tables + 2);
        map_tables(vspace, CHILD_FREE, tables, leaf_flags);
        own_buffer()->ops[0] = unmap_op(vspace, CHILD_FREE + offset, pages, flags);
        struct gathered g = measure(1);
        CHECK_EQ(g.leaves, pages);
        CHECK_EQ(g.tables, frees ? tables : 0);
    }
    announce(name, REGION_GATHER);
}

static void unmap1(void) { unmap_from("unmap.1", 1, 100 * PAGE, 1, 0, TOUCHED); }

static void unmap64(void) { unmap_from("unmap.64", 1, 100 * PAGE, 64, 0, TOUCHED); }

static void unmap512(void) { unmap_from("unmap.512", 1, 0, 512, 0, TOUCHED); }

static void unmap512_report(void) {
    unmap_from("unmap.512.report", 1, 0, 512, SHEAF_OP_REPORT, TOUCHED);
    for (unsigned i = 0; i < SHEAF_REPORT_BYTES(512); i++) {
        CHECK_EQ(own_buffer()->results[i], 0xff);
    }
}

static void unmap32768(void) {
    unmap_from("unmap.32768", LARGE_TABLES, 0, LARGE_TABLES * TABLE_PAGES, 0, TOUCHED);
}

static void unmap_untouched512(void) {
    unmap_from("unmap.untouched512", 1, 0, 512, SHEAF_OP_KEEP_TABLES, 0);
}

// Each page in a table of its own, beside one that stays.
static void unmap_scattered64(void) {
    for (unsigned i = 0; i < RUNS; i++) {
        sheaf_cptr vspace = vspace_of(SCATTERED + 2);
        map_sparse(vspace, CHILD_FREE, SCATTERED, 7 * PAGE);
        map_sparse(vspace, CHILD_FREE, SCATTERED, 8 * PAGE);
        for (unsigned page = 0; page < SCATTERED; page++) {
            own_buffer()->ops[page] = unmap_op(vspace, CHILD_FREE + page * BLOCK + 7 * PAGE, 1, 0);
        }
        struct gathered g = measure(SCATTERED);
        CHECK_EQ(g.leaves, SCATTERED);
        CHECK_EQ(g.tables, 0);
    }
    announce("unmap.scattered64", REGION_GATHER);
}

static void unmap_sparse512(void) {
    for (unsigned i = 0; i < RUNS; i++) {
        sheaf_cptr vspace = vspace_of(SPARSE + 2);
        map_sparse(vspace, CHILD_FREE, SPARSE, 7 * PAGE);
        own_buffer()->ops[0] = unmap_op(vspace, CHILD_FREE, SPARSE * TABLE_PAGES, 0);
        struct gathered g = measure(1);
        CHECK_EQ(g.leaves, SPARSE);
        CHECK_EQ(g.tables, SPARSE + 1); // and the one above them
    }
    announce("unmap.sparse512", REGION_GATHER);
}

static const struct test_case cases[] = {
    {"unmap.1", unmap1},
    {"unmap.64", unmap64},
    {"unmap.scattered64", unmap_scattered64},
    {"unmap.512", unmap512},
    {"unmap.512.report", unmap512_report},
    {"unmap.32768", unmap32768},
    {"unmap.sparse512", unmap_sparse512},
    {"unmap.untouched512", unmap_untouched512},
};

const struct test_area unmap_bench_area = TEST_AREA(cases);
