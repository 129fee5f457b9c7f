// SPDX-License-Identifier: BSD-2-Clause
// Operations by range and level hints, judged by the machine model: what UNMAP removes is gone on
// cores that have them, whatever the length, and nothing else is.
#include "support.h"

#include <plan.h>

static const struct mmu_features ttl = {.ttl = true};
static const struct mmu_features range = {.range = true};
static const struct mmu_features both = {.ttl = true, .range = true};

static unsigned count_kind(enum port_tlbi kind) {
    unsigned count = 0;
    for (size_t i = 0; i < vmsa_log_count(); i++)
        count += vmsa_log()[i].kind == kind;
    return count;
}

static unsigned hint_by_address(uint64_t operand) { return operand >> 44 & 15; }
static unsigned hint_by_range(uint64_t operand) { return operand >> 37 & 3; }

// Unmaps `pages` pages between two that stay, and gives their frames to others. Without ranges,
// many pages take the two with them.
static void unmap_between(const struct mmu_features *features, uint64_t page, uint64_t pages) {
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, page - 1, pages + 2, 0);
    vmsa_log_reset();
    unmap_pages(vspace, page, pages);
    assert_int_equal(vmsa_needless(), features->range || pages <= PLAN_THRESHOLD ? 0 : 2);
    vmsa_frame_reused(FRAME(1), pages * PAGE_BYTES);
    assert_true(is_mapped_to(vspace, page - 1, 0));
    assert_true(is_mapped_to(vspace, page + pages, pages + 1));
}

static void every_length_is_gone_and_no_page_more(void **state) {
    const struct mmu_features *features = *state;
    for (uint64_t pages = 1; pages <= 130; pages++) {
        machine_init(8, 0, *features);
        unmap_between(features, 100 + pages % 7, pages);
    }
    machine_init(8, 0, *features);
    unmap_between(features, 3, 3 * TABLE_PAGES + 7); // frees two tables
}

static void a_table_takes_one_operation(void **state) {
    machine_init(8, 0, *(const struct mmu_features *)*state);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, TABLE_PAGES, 2 * TABLE_PAGES, 0);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, TABLE_PAGES, TABLE_PAGES).tables, 1);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(count_kind(PORT_TLBI_RVAE1IS), 1);
    assert_int_equal(hint_by_range(vmsa_log()[0].operand), 0); // a table went
    assert_int_equal(vmsa_needless(), 0);
    vmsa_frame_reused(FRAME(0), TABLE_PAGES * PAGE_BYTES);
}

static void tables_far_apart_take_one_each(void **state) {
    machine_init(8, 0, *(const struct mmu_features *)*state);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 5, 1, 0);
    map_pages(vspace, 7 * TABLE_PAGES + 5, 1, 1);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, 8 * TABLE_PAGES).tables, 2);
    assert_int_equal(vmsa_log_count(), 2);
    assert_int_equal(count_kind(PORT_TLBI_RVAE1IS), 2);
    vmsa_frame_reused(FRAME(0), 2 * PAGE_BYTES);
}

static void hints_name_the_level_cleared(void **state) {
    (void)state;
    machine_init(8, 0, ttl);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 4, 0);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, TABLE_PAGES, 2 * TABLE_PAGES, TABLE_PAGES, 2, &touched);
    gather_finish(gather);
    vmsa_log_reset();
    unmap_pages(vspace, 1, 1);
    assert_int_equal(hint_by_address(vmsa_log()[0].operand), 4 | 3);
    unmap_pages(vspace, TABLE_PAGES, TABLE_PAGES);
    assert_int_equal(hint_by_address(vmsa_log()[1].operand), 4 | 2);
    assert_int_equal(vmsa_log_count(), 2);
    // Two levels at a time: no hint.
    unmap_flags(vspace, 2, 3 * TABLE_PAGES - 2, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    for (size_t i = 2; i < vmsa_log_count(); i++)
        assert_int_equal(hint_by_address(vmsa_log()[i].operand), 0);
    vmsa_frame_reused(FRAME(1), PAGE_BYTES);
    vmsa_frame_reused(FRAME(TABLE_PAGES), 2 * TABLE_PAGES * PAGE_BYTES);
}

static void a_freed_table_gets_no_hint(void **state) {
    (void)state;
    machine_init(8, 0, ttl);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 3, 2, 0);
    vmsa_log_reset();
    unmap_pages(vspace, 0, TABLE_PAGES);
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_equal(hint_by_address(vmsa_log()[i].operand), 0);
    vmsa_frame_reused(FRAME(0), 2 * PAGE_BYTES);
}

static void ranges_of_blocks_carry_their_hint(void **state) {
    (void)state;
    machine_init(8, 0, both);
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, TABLE_PAGES, 5 * TABLE_PAGES, TABLE_PAGES, 2, &touched);
    gather_finish(gather);
    vmsa_log_reset();
    unmap_flags(vspace, TABLE_PAGES, 5 * TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(vmsa_log_count(), count_kind(PORT_TLBI_RVALE1IS));
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_equal(hint_by_range(vmsa_log()[i].operand), 2);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_RANGE_PAGES), 5 * TABLE_PAGES);
    vmsa_frame_reused(FRAME(TABLE_PAGES), 5 * TABLE_PAGES * PAGE_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        {"every_length_by_address_with_hints", every_length_is_gone_and_no_page_more, NULL, NULL,
         (void *)&ttl},
        {"every_length_by_range", every_length_is_gone_and_no_page_more, NULL, NULL,
         (void *)&range},
        {"every_length_by_range_with_hints", every_length_is_gone_and_no_page_more, NULL, NULL,
         (void *)&both},
        {"a_table_takes_one_operation", a_table_takes_one_operation, NULL, NULL, (void *)&both},
        {"tables_far_apart_take_one_each", tables_far_apart_take_one_each, NULL, NULL,
         (void *)&range},
        cmocka_unit_test(hints_name_the_level_cleared),
        cmocka_unit_test(a_freed_table_gets_no_hint),
        cmocka_unit_test(ranges_of_blocks_carry_their_hint),
    };
    return cmocka_run_group_tests_name("mmu.features", tests, NULL, NULL);
}
