// SPDX-License-Identifier: BSD-2-Clause
// How many live translations of others each benchmark of UNMAP drops: the column `over` of
// ./scripts/bench, which runs this program. The shapes are those of test/bench/unmap.c; beside them
// the VSpace has NEIGHBOURS pages far away, and another VSpace as many.
#include "support.h"

#include <plan.h>
#include <stdio.h>

#define NEIGHBOURS 64u
#define FAR (4 * GIB_PAGES)

static const struct mmu_features cores[] = {{0}, {.ttl = true, .range = true}};

struct shape {
    const char *name;
    unsigned tables;        // consecutive ones, full ...
    bool sparse;            // ... or with a page in each
    uint64_t first, pages;  // of each operation, from the first table's beginning
    unsigned operations;    // one in each table
    unsigned flags, others; // others: pages that stay in these tables
    bool untouched;
};

static const struct shape shapes[] = {
    {"unmap.1", 1, false, 100, 1, 1, 0, 511, false},
    {"unmap.64", 1, false, 100, 64, 1, 0, 448, false},
    {"unmap.scattered64", 64, false, 7, 1, 64, 0, 64 * 511, false},
    {"unmap.512", 1, false, 0, 512, 1, 0, 0, false},
    {"unmap.512.report", 1, false, 0, 512, 1, SHEAF_OP_REPORT, 0, false},
    {"unmap.32768", 64, false, 0, 32768, 1, 0, 0, false},
    {"unmap.sparse512", 512, true, 0, GIB_PAGES, 1, 0, 0, false},
    {"unmap.untouched512", 1, false, 0, 512, 1, SHEAF_OP_KEEP_TABLES, 0, true},
};

static struct vspace *prepare(const struct shape *shape) {
    struct vspace *other = new_vspace(1);
    map_pages(other, 0, NEIGHBOURS, FAR);
    struct vspace *vspace = new_vspace(shape->tables / CHUNK_TABLES + 2);
    map_pages(vspace, FAR, NEIGHBOURS, FAR);
    struct gather *gather = gather_begin();
    const struct leaf_attributes *attributes = shape->untouched ? &untouched : &touched;
    for (unsigned i = 0; i < shape->tables; i++)
        map_level(gather, vspace, i * TABLE_PAGES + (shape->sparse ? 7 : 0),
                  shape->sparse ? 1 : TABLE_PAGES, i * TABLE_PAGES, LEAF_LEVEL, attributes);
    gather_finish(gather);
    return vspace;
}

// As the kernel does it where it can.
static bool at_once(struct vspace *vspace, const struct shape *shape) {
    struct gather_pages list[GATHER_FEW_PAGES];
    struct gather_totals totals;
    if (shape->operations * shape->pages > GATHER_FEW_PAGES || shape->flags != 0)
        return false;
    for (unsigned i = 0; i < shape->operations; i++)
        list[i] = (struct gather_pages){PAGE(i * TABLE_PAGES + shape->first), shape->pages};
    bool done = gather_unmap_few(vspace, list, shape->operations, &totals);
    assert_true(done);
    return done;
}

static uint64_t over(const struct shape *shape, const struct mmu_features *features) {
    static uint8_t report[SHEAF_REPORT_BYTES(512)];
    machine_init(8, 0, *features);
    struct vspace *vspace = prepare(shape);
    vmsa_log_reset();
    if (at_once(vspace, shape))
        return vmsa_needless();
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < shape->operations; i++) {
        uint64_t done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(i * TABLE_PAGES + shape->first),
                                      shape->pages, shape->flags, &done, report),
                         SHEAF_OK);
    }
    gather_finish(gather);
    return vmsa_needless();
}

// Few pages, and any that are invalidated by range, cost nobody anything. What is invalidated by
// ASID costs the VSpace itself all it has left, and never another one.
static void benchmark_drops_no_more_than_it_must(void **state) {
    const struct shape *shape = *state;
    uint64_t plain = over(shape, &cores[0]), ranges = over(shape, &cores[1]);
    bool whole = shape->operations * shape->pages > PLAN_THRESHOLD && !shape->untouched;
    print_message("# over %s %lu %lu\n", shape->name, (unsigned long)plain, (unsigned long)ranges);
    assert_int_equal(plain, whole ? NEIGHBOURS + shape->others : 0);
    assert_int_equal(ranges, 0);
}

int main(void) {
    static struct CMUnitTest tests[ARRAY_SIZE(shapes)];
    for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++)
        tests[i] = (struct CMUnitTest){shapes[i].name, benchmark_drops_no_more_than_it_must, NULL,
                                       NULL, (void *)&shapes[i]};
    return cmocka_run_group_tests_name("mmu.over", tests, NULL, NULL);
}
