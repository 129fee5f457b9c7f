// SPDX-License-Identifier: BSD-2-Clause
// How many live translations of others each benchmark of the gather drops: the column `over` of
// ./scripts/bench, which runs this program. The shapes are those of test/bench; beside them each
// VSpace has NEIGHBOURS pages far away, and another VSpace as many.
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

// ---- Other operations than UNMAP

#define SPACES 4u // of EVICT
#define EVICTED 64u
static struct vspace *spaces[SPACES];

static void change(enum sheaf_error (*operation)(struct gather *, struct vspace *, unsigned,
                                                 const struct gather_change *),
                   unsigned what) {
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change wanted = {PAGE(0), TABLE_PAGES, &done, &ahead, NULL};
    assert_int_equal(operation(gather, spaces[0], what, &wanted), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(done, TABLE_PAGES);
}

static void demote(void) { change(gather_protect, SHEAF_MAP_READ); }
static void promote(void) {
    demote();
    vmsa_log_reset();
    change(gather_protect, SHEAF_MAP_READ | SHEAF_MAP_WRITE);
}
static void age_accessed(void) { change(gather_age, SHEAF_OP_ACCESSED); }
static void age_dirty(void) { change(gather_age, SHEAF_OP_DIRTY); }

static void map_one(void) {
    struct gather *gather = gather_begin();
    map_level(gather, spaces[0], TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, LEAF_LEVEL, &touched);
    gather_finish(gather);
}

static void move_tables(void) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    unsigned missing;
    while (move.pass != MOVE_DONE)
        assert_int_equal(gather_move_tables(gather, spaces[0], PAGE(0), PAGE(2 * GIB_PAGES),
                                            64 * TABLE_PAGES, &move, &missing),
                         SHEAF_OK);
    gather_finish(gather);
}

// In turn in all VSpaces, beside as many that stay.
static void evict(void) {
    struct mapped_frame frames[EVICTED];
    struct gather_record records[EVICTED];
    for (unsigned i = 0; i < EVICTED; i++) {
        struct vspace *vspace = spaces[i % SPACES];
        frames[i].address = FRAME(1000 + i);
        frames[i].record = map_pages(vspace, i, 1, 1000 + i);
        records[i] = (struct gather_record){.frame = &frames[i], .size_bits = PAGE_BITS};
        map_pages(vspace, EVICTED + i, 1, 2000 + i);
    }
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    enum record_step step;
    assert_int_equal(gather_clear_records(gather, records, EVICTED, &step), EVICTED);
    gather_finish(gather);
}

static void defer(void) {
    for (unsigned i = 0; i < 8; i++) {
        struct gather *gather = gather_begin();
        uint64_t done = 0;
        gather_set_policy(gather, GATHER_DEFER);
        assert_int_equal(
            gather_unmap(gather, spaces[0], PAGE(i * 20), 16, SHEAF_OP_KEEP_TABLES, &done, NULL),
            SHEAF_OK);
        gather_finish(gather);
    }
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, spaces[0]), SHEAF_OK);
    gather_finish(gather);
}

static void destroy(void) { vspace_destroy(spaces[0]); }

struct operation {
    const char *name;
    void (*run)(void);
    unsigned tables; // full ones that there are before
    unsigned plain;  // what it drops on cores without ranges
};

static const struct operation operations[] = {
    {"map.512.one", map_one, 1, 0},
    {"move.64tables", move_tables, 64, NEIGHBOURS},
    {"protect.demote512", demote, 1, NEIGHBOURS},
    {"protect.promote512", promote, 1, 0},
    {"age.512.accessed", age_accessed, 1, 0},
    {"age.512.dirty", age_dirty, 1, NEIGHBOURS},
    {"evict.64", evict, 0, 0},
    {"defer8.sync", defer, 1, 0},
    {"teardown.512", destroy, 1, 0},
};

static uint64_t over_of(const struct operation *operation, const struct mmu_features *features) {
    machine_init(8, 0, *features);
    const struct shape before = {.tables = operation->tables};
    for (unsigned i = 0; i < SPACES; i++) { // each loaded on a PE, which would fill its TLB again
        vmsa_set_pe(i);
        spaces[i] = prepare(&before);
    }
    vmsa_set_pe(0);
    vmsa_log_reset();
    operation->run();
    return vmsa_needless();
}

static void operation_drops_no_more_than_it_must(void **state) {
    const struct operation *operation = *state;
    uint64_t plain = over_of(operation, &cores[0]), ranges = over_of(operation, &cores[1]);
    print_message("# over %s %lu %lu\n", operation->name, (unsigned long)plain,
                  (unsigned long)ranges);
    assert_int_equal(plain, operation->plain);
    assert_int_equal(ranges, 0);
}

int main(void) {
    static struct CMUnitTest tests[ARRAY_SIZE(shapes) + ARRAY_SIZE(operations)];
    for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++)
        tests[i] = (struct CMUnitTest){shapes[i].name, benchmark_drops_no_more_than_it_must, NULL,
                                       NULL, (void *)&shapes[i]};
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        tests[ARRAY_SIZE(shapes) + i] =
            (struct CMUnitTest){operations[i].name, operation_drops_no_more_than_it_must, NULL,
                                NULL, (void *)&operations[i]};
    return cmocka_run_group_tests_name("mmu.over", tests, NULL, NULL);
}
