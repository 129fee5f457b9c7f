// SPDX-License-Identifier: BSD-2-Clause
// How many live translations of others an operation takes along: each has to be walked for again.
// The cases are those of the benchmarks (docs/benchmarks.md), which count instructions; what a TLB
// loses only the model knows. Each prints a line: the case, and the number on cores with neither
// level hints nor ranges and on cores with both.
#include "support.h"

#include <layout.h>

// Pages that stay mapped and accessed: beside what the cases remove, and in tables of their own.
#define NEIGHBOURS 100u
#define OTHERS 200u
#define OTHERS_AT (100 * GIB_PAGES)
#define AT (2 * GIB_PAGES) // where the cases work

static struct vspace *vspace;

static void map_touched(uint64_t page, uint64_t pages) {
    struct gather *gather = gather_begin();
    map_level(gather, vspace, page, pages, page - AT, LEAF_LEVEL, &touched);
    gather_finish(gather);
}

static void unmap_at(uint64_t page, uint64_t pages) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    gather_finish(gather);
}

static void map_1(void) { map_touched(AT, 1 + NEIGHBOURS); }
static void unmap_1(void) { unmap_at(AT, 1); }

static void map_64(void) { map_touched(AT, 64 + NEIGHBOURS); }
static void unmap_64(void) { unmap_at(AT, 64); }

static void map_scattered(void) {
    for (uint64_t i = 0; i < 64; i++)
        map_touched(AT + i * TABLE_PAGES, 2);
}
static void unmap_scattered(void) {
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < 64; i++) {
        uint64_t done = 0;
        vaddr_t va = PAGE(AT + i * TABLE_PAGES);
        assert_int_equal(gather_unmap(gather, vspace, va, 1, 0, &done, NULL), SHEAF_OK);
    }
    gather_finish(gather);
}

static void map_512(void) { map_touched(AT, TABLE_PAGES); }
static void unmap_512(void) { unmap_at(AT, TABLE_PAGES); }

static void map_tables(void) { map_touched(AT, 64 * TABLE_PAGES); }
static void unmap_tables(void) { unmap_at(AT, 64 * TABLE_PAGES); }

static void map_sparse(void) {
    for (uint64_t i = 0; i < 512; i++)
        map_touched(AT + i * TABLE_PAGES, 1);
}
static void unmap_sparse(void) { unmap_at(AT, 512 * TABLE_PAGES); }

static void move_tables(void) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    unsigned missing;
    assert_int_equal(gather_move_tables(gather, vspace, PAGE(AT), PAGE(AT + 64 * TABLE_PAGES),
                                        64 * TABLE_PAGES, &move, &missing),
                     SHEAF_OK);
    gather_finish(gather);
}

static void change(enum sheaf_error (*operation)(struct gather *, struct vspace *, unsigned,
                                                 const struct gather_change *),
                   unsigned what) {
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change wanted = {PAGE(AT), TABLE_PAGES, &done, &ahead, NULL};
    assert_int_equal(operation(gather, vspace, what, &wanted), SHEAF_OK);
    gather_finish(gather);
}
static void demote(void) { change(gather_protect, SHEAF_MAP_READ); }
static void age_accessed(void) { change(gather_age, SHEAF_OP_ACCESSED); }
static void age_dirty(void) { change(gather_age, SHEAF_OP_DIRTY); }

struct over_case {
    const char *name;
    void (*prepare)(void), (*run)(void);
    uint64_t most, most_with_ranges; // of others' translations
};

static const struct over_case cases[] = {
    {"unmap.1", map_1, unmap_1, 0, 0},
    {"unmap.64", map_64, unmap_64, 0, 0},
    {"unmap.scattered64", map_scattered, unmap_scattered, 0, 0},
    {"unmap.512", map_512, unmap_512, OTHERS, 0},
    {"unmap.32768", map_tables, unmap_tables, OTHERS, 0},
    {"unmap.sparse512", map_sparse, unmap_sparse, OTHERS, 0},
    {"protect.demote512", map_512, demote, OTHERS, 0},
    {"age.512.accessed", map_512, age_accessed, 0, 0},
    {"age.512.dirty", map_512, age_dirty, OTHERS, 0},
    {"move.64tables", map_tables, move_tables, OTHERS, 0},
};

static uint64_t count(const struct over_case *over, uint64_t features) {
    machine_init(8, 0, features_of(features));
    vspace = new_vspace(80);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, OTHERS_AT, OTHERS, AT, LEAF_LEVEL, &touched);
    gather_finish(gather);
    over->prepare();
    vmsa_log_reset();
    over->run();
    return vmsa_needless();
}

static void takes_along(void **state) {
    const struct over_case *over = *state;
    uint64_t plain = count(over, 0), ranges = count(over, 3);
    print_message("# over %s %lu %lu\n", over->name, (unsigned long)plain, (unsigned long)ranges);
    assert_in_range(plain, 0, over->most);
    assert_in_range(ranges, 0, over->most_with_ranges);
}

int main(void) {
    static struct CMUnitTest tests[ARRAY_SIZE(cases)];
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        tests[i] = (struct CMUnitTest){cases[i].name, takes_along, NULL, NULL, (void *)&cases[i]};
    return cmocka_run_group_tests_name("mmu.over", tests, NULL, NULL);
}
