// SPDX-License-Identifier: BSD-2-Clause
// The planner's decisions: which form, whether a hint, and that the instructions for a range cover
// it, no more and no less.
#include "support.h"

#include <plan.h>

static const struct mmu_features plain = {0};
static const struct mmu_features ranges = {.range = true};
static const struct mmu_features hints = {.ttl = true};

static void forms_go_from_least_to_most(void **state) {
    (void)state;
    struct plan_facts facts = {0};
    assert_int_equal(plan_form(&facts), PLAN_NONE);
    facts.tables_freed = true; // walk caches, though no address was recorded
    assert_int_equal(plan_form(&facts), PLAN_WALK);
    facts = (struct plan_facts){.operations = 1};
    assert_int_equal(plan_form(&facts), PLAN_LAST_LEVEL);
    facts.tables_freed = true;
    assert_int_equal(plan_form(&facts), PLAN_WALK);
    facts.operations = PLAN_THRESHOLD;
    assert_int_equal(plan_form(&facts), PLAN_WALK);
    facts.operations = PLAN_THRESHOLD + 1;
    assert_int_equal(plan_form(&facts), PLAN_ASID);
    facts = (struct plan_facts){.operations = PLAN_THRESHOLD};
    assert_int_equal(plan_form(&facts), PLAN_LAST_LEVEL);
    facts.foreign = true; // another's levels are not known
    assert_int_equal(plan_form(&facts), PLAN_WALK);
}

static void hint_only_for_leaves_of_one_level(void **state) {
    (void)state;
    for (unsigned levels = 0; levels < 16; levels++) {
        struct plan_facts facts = {.operations = 1, .levels = (uint8_t)levels};
        unsigned one = levels == 2 ? 1 : levels == 4 ? 2 : levels == 8 ? 3 : 0;
        assert_int_equal(plan_hint(&hints, &facts), one);
        assert_int_equal(plan_hint(&plain, &facts), 0);
        assert_int_equal(plan_hint(&ranges, &facts), 0);
        facts.tables_freed = true;
        assert_int_equal(plan_hint(&hints, &facts), 0);
        facts.tables_freed = false;
        facts.foreign = true;
        assert_int_equal(plan_hint(&hints, &facts), 0);
    }
}

static void operations_follow_the_stride(void **state) {
    (void)state;
    assert_int_equal(plan_operations(&plain, 513, 3), 513);
    assert_int_equal(plan_operations(&plain, 1, 2), 1); // a part counts as a whole
    assert_int_equal(plan_operations(&plain, 512, 2), 1);
    assert_int_equal(plan_operations(&plain, 1024, 2), 2);
    assert_int_equal(plan_operations(&plain, GIB_PAGES, 1), 1);
    struct plan_range range = {GIB_PAGES, 3 * TABLE_PAGES, 2, 0};
    struct plan_run run = plan_next(&plain, PLAN_WALK, &range);
    assert_int_equal(run.kind, PORT_TLBI_VAE1IS);
    assert_int_equal(run.first, GIB_PAGES);
    assert_int_equal(run.count, 3);
    assert_int_equal(run.step, TABLE_PAGES);
    assert_int_equal(range.pages, 0);
}

static void one_operation_for_lengths_of_one_scale(void **state) {
    (void)state;
    static const struct {
        uint64_t pages, operations;
    } lengths[] = {
        {1, 1},
        {2, 1},
        {3, 2},
        {62, 1},
        {63, 2},
        {64, 1},
        {66, 2},
        {512, 1},
        {513, 2},
        {2048, 1},
        {32768, 1},
        {32767, 4},
        {GIB_PAGES, 1},
        {BIT(21), 1},
        {BIT(21) + 1, 2},
        {BIT(22), 2},
        {BIT(36), BIT(15)},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
        assert_int_equal(plan_operations(&ranges, lengths[i].pages, 3), lengths[i].operations);
    assert_int_equal(plan_operations(&ranges, 512, 2), 1);
    assert_int_equal(plan_operations(&ranges, GIB_PAGES, 1), 1);
    assert_int_equal(plan_operations(&ranges, 3 * TABLE_PAGES, 2), 1);
}

// The pages of a run by the manual's formula for range operations.
static uint64_t pages_of(const struct plan_run *run) {
    if (run->kind != PORT_TLBI_RVAE1IS && run->kind != PORT_TLBI_RVALE1IS)
        return run->count * run->step;
    assert_int_equal(run->count, 1);
    assert_in_range(run->scale, 0, 3);
    assert_in_range(run->num, 0, 31);
    return (UINT64_C(1) + run->num) << (5 * run->scale + 1);
}

// The instructions lie side by side from the range's beginning to its end; they are as many as
// plan_operations says; a level hint's alignment holds.
static void check_tiles(const struct mmu_features *features, uint64_t first, uint64_t pages,
                        unsigned level, enum plan_form form) {
    struct plan_range left = {first, pages, (uint8_t)level, 0};
    uint64_t next = first, operations = 0;
    while (left.pages != 0) {
        struct plan_run run = plan_next(features, form, &left);
        bool by_range = run.kind == PORT_TLBI_RVAE1IS || run.kind == PORT_TLBI_RVALE1IS;
        bool leaves = run.kind == PORT_TLBI_VALE1IS || run.kind == PORT_TLBI_RVALE1IS;
        assert_true(features->range || !by_range);
        assert_int_equal(leaves, form == PLAN_LAST_LEVEL);
        assert_int_equal(run.first, next);
        assert_int_equal(run.first % level_pages(level), 0);
        next += pages_of(&run);
        operations += run.count;
    }
    assert_int_equal(next, first + pages);
    assert_int_equal(operations, plan_operations(features, pages, level));
    assert_true(operations <= pages >> level_shift(level));
}

static void instructions_tile_every_range(void **state) {
    (void)state;
    for (uint64_t pages = 1; pages < 70000; pages++)
        check_tiles(&ranges, 5, pages, 3, PLAN_LAST_LEVEL);
    for (uint64_t pages = 1; pages < 1200; pages++) {
        check_tiles(&plain, 5, pages, 3, PLAN_WALK);
        check_tiles(&ranges, TABLE_PAGES, pages * TABLE_PAGES, 2, PLAN_LAST_LEVEL);
        check_tiles(&ranges, GIB_PAGES, pages * GIB_PAGES, 1, PLAN_WALK);
    }
    for (unsigned bit = 0; bit < 36; bit++) {
        for (unsigned other = 0; other < bit; other++)
            check_tiles(&ranges, 0, BIT(bit) | BIT(other), 3, PLAN_WALK);
        check_tiles(&ranges, 0, BIT(bit) + BIT(bit) - 1, 3, PLAN_LAST_LEVEL);
    }
    check_tiles(&ranges, 0, USER_PAGES, 3, PLAN_WALK);
}

// A merged range may end within a step: the last address is in it.
static bool contains(const struct mmu_features *features, const struct plan_range *range,
                     uint64_t page) {
    struct plan_range left = *range;
    bool found = false;
    while (left.pages != 0) {
        struct plan_run run = plan_next(features, PLAN_LAST_LEVEL, &left);
        uint64_t offset = page - run.first;
        if (run.kind == PORT_TLBI_RVALE1IS)
            found = found || (page >= run.first && offset < pages_of(&run));
        else
            found = found ||
                    (page >= run.first && offset % run.step == 0 && offset / run.step < run.count);
    }
    return found;
}

static void merging_loses_no_address(void **state) {
    (void)state;
    const struct mmu_features *features = *state;
    const struct plan_range parts[] = {
        {0, 1, 3, 0},           {5, 7, 3, 0},      {600, 2, 3, 0},
        {512, 1024, 2, 0},      {2048, 512, 2, 0}, {GIB_PAGES, GIB_PAGES, 1, 0},
        {GIB_PAGES, 512, 2, 0}, {511, 1, 3, 0},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(parts); j++) {
            struct plan_range merged = plan_merge(&parts[i], &parts[j]);
            for (unsigned k = 0; k < 2; k++) {
                const struct plan_range *part = k == 0 ? &parts[i] : &parts[j];
                for (uint64_t page = part->first; page < part->first + part->pages;
                     page += level_pages(part->level))
                    assert_true(contains(features, &merged, page));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_go_from_least_to_most),
        cmocka_unit_test(hint_only_for_leaves_of_one_level),
        cmocka_unit_test(operations_follow_the_stride),
        cmocka_unit_test(one_operation_for_lengths_of_one_scale),
        cmocka_unit_test(instructions_tile_every_range),
        {"merging_loses_no_address_by_address", merging_loses_no_address, NULL, NULL,
         (void *)&plain},
        {"merging_loses_no_address_by_range", merging_loses_no_address, NULL, NULL,
         (void *)&ranges},
    };
    return cmocka_run_group_tests_name("mmu.plan", tests, NULL, NULL);
}
