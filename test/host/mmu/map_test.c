// SPDX-License-Identifier: BSD-2-Clause
// MAP: what is written where, what is refused, and that a refusal changes nothing.
#include "support.h"

static enum sheaf_error begin(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned level,
                              unsigned *missing) {
    struct gather *gather = gather_begin();
    struct gather_map map;
    enum sheaf_error error =
        gather_map_begin(gather, vspace, PAGE(page), pages, level, &map, missing);
    if (error == SHEAF_OK)
        gather_map_end(&map);
    gather_finish(gather);
    return error;
}

static void assert_refused(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned level,
                           enum sheaf_error expected) {
    unsigned missing;
    snapshot_take();
    assert_int_equal(begin(vspace, page, pages, level, &missing), expected);
    snapshot_assert_unchanged();
}

static void each_level_maps_its_leaf(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    unsigned level;
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 5, 1, 77, 3, &touched);
    map_level(gather, vspace, 2 * TABLE_PAGES, TABLE_PAGES, 512, 2, &touched);
    map_level(gather, vspace, 3 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    assert_true(is_mapped_to(vspace, 5, 77));
    assert_true(is_mapped_to(vspace, 2 * TABLE_PAGES + 300, 512 + 300));
    assert_true(is_mapped_to(vspace, 3 * GIB_PAGES + 70000, GIB_PAGES + 70000));
    find_leaf(vspace, 2 * TABLE_PAGES, &level);
    assert_int_equal(level, 2);
    find_leaf(vspace, 3 * GIB_PAGES, &level);
    assert_int_equal(level, 1);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    assert_int_equal(gather_totals(gather)->leaves, 3);
    assert_int_equal(gather_totals(gather)->tlbi, 0);
    assert_int_equal(gather_totals(gather)->dsb, 1);
}

static void leaf_bits_are_those_asked_for(void **state) {
    (void)state;
    static const struct {
        struct leaf_attributes attributes;
        uint64_t bits;
    } cases[] = {
        // nG 11, AF 10, SH 9:8, AP[2] 7, AP[1] 6, AttrIndx 4:2; DBM 51, PXN 53, UXN 54, software 55
        {{0}, BIT(54) | BIT(53) | BIT(11) | 3 << 8 | BIT(7) | BIT(6) | 3},
        {{.accessed = true}, BIT(54) | BIT(53) | BIT(11) | BIT(10) | 3 << 8 | BIT(7) | BIT(6) | 3},
        {{.execute = true}, BIT(53) | BIT(11) | 3 << 8 | BIT(7) | BIT(6) | 3},
        {{.write = true}, BIT(54) | BIT(53) | BIT(51) | BIT(11) | 3 << 8 | BIT(7) | BIT(6) | 3},
        {{.write = true, .dirty = true, .max_write = true},
         BIT(55) | BIT(54) | BIT(53) | BIT(51) | BIT(11) | 3 << 8 | BIT(6) | 3},
        {{.memory_type = SHEAF_MEMORY_NON_CACHEABLE},
         BIT(54) | BIT(53) | BIT(11) | 3 << 8 | BIT(7) | BIT(6) | 1 << 2 | 3},
        {{.memory_type = SHEAF_MEMORY_DEVICE},
         BIT(54) | BIT(53) | BIT(11) | 3 << 8 | BIT(7) | BIT(6) | 2 << 2 | 3},
    };
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    unsigned level;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        map_level(gather, vspace, i, 1, i, 3, &cases[i].attributes);
        assert_int_equal(find_leaf(vspace, i, &level), FRAME(i).v | cases[i].bits);
    }
    gather_finish(gather);
}

// Pages of one table at once.
static bool at_once(struct vspace *vspace, uint64_t page, uint64_t pages, uint64_t frame,
                    struct mapping_record *record) {
    struct gather *gather = gather_begin();
    bool done = gather_map_pages(gather, vspace, PAGE(page), FRAME(frame), pages, &touched, record);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->leaves, done ? pages : 0);
    assert_int_equal(gather_totals(gather)->dsb, done);
    assert_int_equal(gather_totals(gather)->batches, done);
    assert_int_equal(gather_totals(gather)->tlbi, 0);
    return done;
}

static void pages_are_mapped_at_once_where_their_table_is(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record records[2] = {0}, none = {0};
    snapshot_take();
    assert_false(at_once(vspace, 5, 1, 10, &none)); // no table at all
    snapshot_assert_unchanged();
    map_pages(vspace, 5, 1, 10);
    assert_true(at_once(vspace, 9, 3, 20, &records[0]));
    assert_true(at_once(vspace, TABLE_PAGES - 2, 2, 30, &records[1]));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(is_mapped_to(vspace, 9 + i, 20 + i));
        assert_true(record_is_live(records[0], FRAME(20 + i), 12));
    }
    assert_true(is_mapped_to(vspace, TABLE_PAGES - 1, 31));
    assert_true(record_is_live(records[1], FRAME(30), 13));

    struct gather *gather = gather_begin();
    map_level(gather, vspace, 2 * TABLE_PAGES, TABLE_PAGES, 512, 2, &touched);
    gather_finish(gather);
    snapshot_take();
    assert_false(at_once(vspace, 5, 1, 40, &none));                   // occupied
    assert_false(at_once(vspace, 3, 3, 40, &none));                   // at the end
    assert_false(at_once(vspace, TABLE_PAGES, 1, 40, &none));         // no table of pages
    assert_false(at_once(vspace, 2 * TABLE_PAGES + 1, 1, 40, &none)); // a block
    snapshot_assert_unchanged();

    uint64_t done = 0;
    gather = gather_begin();
    assert_int_equal(gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL), SHEAF_OK);
    assert_false(gather_map_pages(gather, vspace, PAGE(5), FRAME(40), 1, &touched, &none));
    gather_finish(gather);
    assert_true(at_once(vspace, 5, 1, 40, &records[0])); // nothing is pending any more
    vspace_destroy(vspace);
    assert_false(at_once(vspace, 7, 1, 40, &none));
    assert_int_equal(none.v, 0);
}

static void a_block_has_the_block_type(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    unsigned level;
    map_level(gather, vspace, 0, TABLE_PAGES, 0, 2, &touched);
    gather_finish(gather);
    assert_int_equal(find_leaf(vspace, 0, &level) & 3, 1);
}

static void a_range_crosses_tables(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, GIB_PAGES - 3, 6, 100); // also crosses a level 2 table
    for (unsigned i = 0; i < 6; i++)
        assert_true(is_mapped_to(vspace, GIB_PAGES - 3 + i, 100 + i));
    unsigned level;
    assert_int_equal(find_leaf(vspace, GIB_PAGES + 3, &level), 0);
    assert_int_equal(tables_used(vspace), 6); // root, level 1, two of level 2, two of level 3
    assert_int_equal(count_hooked(vspace), 6);
}

static void the_last_page_of_the_user_half(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, USER_HALF_PAGES - 1, 1, 9);
    assert_true(is_mapped_to(vspace, USER_HALF_PAGES - 1, 9));
    assert_int_equal(unmap_pages(vspace, USER_HALF_PAGES - 1, 1).leaves, 1);
    assert_int_equal(unmap_pages(vspace, 0, USER_HALF_PAGES).tables, 3);
    assert_int_equal(count_hooked(vspace), 1);
}

static void ranges_are_checked(void **state) {
    (void)state;
    assert_int_equal(gather_check_range(VADDR(0), 1), SHEAF_OK);
    assert_int_equal(gather_check_range(VADDR(0), USER_HALF_PAGES), SHEAF_OK);
    assert_int_equal(gather_check_range(VADDR(1), 1), SHEAF_ERR_MISALIGNED);
    assert_int_equal(gather_check_range(VADDR(0x800), 1), SHEAF_ERR_MISALIGNED);
    assert_int_equal(gather_check_range(VADDR(0), 0), SHEAF_ERR_ZERO_LENGTH);
    assert_int_equal(gather_check_range(VADDR(BIT(48)), 1), SHEAF_ERR_NON_CANONICAL);
    assert_int_equal(gather_check_range(VADDR(UINT64_C(0xfffeffffffff0000)), 1),
                     SHEAF_ERR_NON_CANONICAL);
    assert_int_equal(gather_check_range(VADDR(UINT64_C(0xffff000000000000)), 1),
                     SHEAF_ERR_KERNEL_HALF);
    assert_int_equal(gather_check_range(VADDR(UINT64_C(0xfffffffffffff000)), 1),
                     SHEAF_ERR_KERNEL_HALF);
    assert_int_equal(gather_check_range(VADDR(0), USER_HALF_PAGES + 1), SHEAF_ERR_OVERFLOW);
    assert_int_equal(gather_check_range(VADDR(0x1000), UINT64_MAX), SHEAF_ERR_OVERFLOW);
    assert_int_equal(gather_check_range(PAGE(USER_HALF_PAGES - 1), 2), SHEAF_ERR_OVERFLOW);
}

static void bad_ranges_change_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 2, 0);
    assert_refused(vspace, BIT(36), 1, 3, SHEAF_ERR_NON_CANONICAL);
    assert_refused(vspace, USER_HALF_PAGES - 1, 2, 3, SHEAF_ERR_OVERFLOW);
    assert_refused(vspace, 0, 0, 3, SHEAF_ERR_ZERO_LENGTH);
    assert_refused(vspace, 1, TABLE_PAGES, 2, SHEAF_ERR_MISALIGNED);
    assert_refused(vspace, TABLE_PAGES, 511, 2, SHEAF_ERR_MISALIGNED);
    assert_refused(vspace, TABLE_PAGES, GIB_PAGES, 1, SHEAF_ERR_MISALIGNED);
}

static void an_occupied_place_is_refused_whatever_holds_it(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 7, 1, 7, 3, &touched);
    map_level(gather, vspace, 4 * TABLE_PAGES, TABLE_PAGES, 512, 2, &untouched);
    map_level(gather, vspace, 2 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    assert_refused(vspace, 7, 1, 3, SHEAF_ERR_PLACE_OCCUPIED);           // page on page
    assert_refused(vspace, 0, 8, 3, SHEAF_ERR_PLACE_OCCUPIED);           // at the end of a range
    assert_refused(vspace, 7, 600, 3, SHEAF_ERR_PLACE_OCCUPIED);         // at the beginning
    assert_refused(vspace, 0, TABLE_PAGES, 2, SHEAF_ERR_PLACE_OCCUPIED); // block over a page
    assert_refused(vspace, 0, GIB_PAGES, 1, SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 4 * TABLE_PAGES + 9, 1, 3, SHEAF_ERR_PLACE_OCCUPIED); // page in a block
    assert_refused(vspace, 3 * TABLE_PAGES, 2 * TABLE_PAGES, 2, SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 2 * GIB_PAGES + 5 * TABLE_PAGES, TABLE_PAGES, 2,
                   SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 2 * GIB_PAGES - 1, 2, 3, SHEAF_ERR_PLACE_OCCUPIED);
}

static void missing_tables_are_counted_exactly(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1); // 15 tables, one is the root
    unsigned missing = 0;
    // 12 level 3 tables in one level 2 and one level 1 table: 14, all there are.
    assert_int_equal(begin(vspace, 0, 12 * TABLE_PAGES, 3, &missing), SHEAF_OK);
    assert_int_equal(tables_free(vspace), 0);
    snapshot_take();
    assert_int_equal(begin(vspace, 12 * TABLE_PAGES - 1, 2, 3, &missing), SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 1);
    assert_int_equal(begin(vspace, GIB_PAGES - 1, 2, 3, &missing), SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 3); // level 3; level 2 and level 3
    assert_int_equal(begin(vspace, 512 * GIB_PAGES - 1, 2, 3, &missing), SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 2 + 3);
    assert_int_equal(begin(vspace, GIB_PAGES, 2 * TABLE_PAGES, 2, &missing), SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 1);
    assert_int_equal(begin(vspace, 512 * GIB_PAGES, 600 * GIB_PAGES, 1, &missing),
                     SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 2);
    snapshot_assert_unchanged();
    assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_OK);
    assert_int_equal(begin(vspace, GIB_PAGES - 1, 2, 3, &missing), SHEAF_OK);
}

static void tables_of_a_finished_unmap_serve_again(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t page = UINT64_C(600) * round * GIB_PAGES;
        map_pages(vspace, page, 12 * TABLE_PAGES, round);
        assert_int_equal(tables_free(vspace), 0);
        assert_int_equal(unmap_pages(vspace, page, 12 * TABLE_PAGES).tables, 12);
        unmap_pages(vspace, 0, USER_HALF_PAGES); // level 1 and 2
        assert_int_equal(tables_free(vspace), 14);
    }
}

static void tables_unhooked_in_the_same_batch_serve_at_once(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 12 * TABLE_PAGES, 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), GIB_PAGES, 0, &done, NULL), SHEAF_OK);
    assert_int_equal(tables_free(vspace), 0); // held by the pending entry
    map_level(gather, vspace, GIB_PAGES, 9 * TABLE_PAGES, 0, 3, &touched);
    gather_finish(gather);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void an_empty_table_gives_way_to_a_block(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1, 0);
    assert_int_equal(unmap_flags(vspace, 0, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL), SHEAF_OK);
    assert_int_equal(tables_used(vspace), 4);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, TABLE_PAGES, 512, 2, &touched);
    gather_finish(gather);
    assert_true(is_mapped_to(vspace, 5, 517));
    assert_int_equal(tables_used(vspace), 3);
    assert_int_equal(count_hooked(vspace), 3);
    assert_int_equal(gather_totals(gather)->tlbi, 1); // the table's descriptor
}

static void tables_in_the_way_serve_the_range_itself(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 12 * TABLE_PAGES, 0); // with the root, all 15 tables
    unmap_flags(vspace, 0, 12 * TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    map_pages(vspace, 0, 1, 0);
    assert_int_equal(tables_free(vspace), 0);
    // Blocks at the end of the first GiB and at the beginning of the second: nothing is in the way
    // and a table is missing. Then over two empty tables.
    unsigned missing = 0;
    assert_int_equal(begin(vspace, GIB_PAGES - TABLE_PAGES, 2 * TABLE_PAGES, 2, &missing),
                     SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 1);
    assert_int_equal(begin(vspace, 10 * TABLE_PAGES, GIB_PAGES, 2, &missing), SHEAF_OK);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    assert_int_equal(tables_free(vspace), 1); // two went, one came
}

// A table that names others is not empty, even when those are. UNMAP takes all of them.
static void tables_of_two_levels_are_in_the_way_of_a_block(void **state) {
    (void)state;
    unsigned missing = 0;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1, 0);
    map_pages(vspace, 9 * TABLE_PAGES, 1, 1);
    map_pages(vspace, 511 * TABLE_PAGES, 1, 1);
    unmap_flags(vspace, 0, GIB_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(tables_used(vspace), 6);
    assert_int_equal(begin(vspace, 0, GIB_PAGES, 1, &missing), SHEAF_ERR_PLACE_OCCUPIED);
    unmap_flags(vspace, 0, GIB_PAGES, 0, NULL, NULL);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, GIB_PAGES, 0, 1, &touched);
    gather_finish(gather);
    assert_int_equal(tables_used(vspace), 2);
    assert_int_equal(count_hooked(vspace), 2);
    assert_true(is_mapped_to(vspace, 12345, 12345));
}

static void only_so_many_empty_tables_give_way(void **state) {
    (void)state;
    enum { MOST = 64 };
    unsigned missing = 0;
    struct vspace *vspace = new_vspace(6);
    map_pages(vspace, 0, (MOST + 1) * TABLE_PAGES, 0);
    unmap_flags(vspace, 0, (MOST + 1) * TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(begin(vspace, 0, (MOST + 1) * TABLE_PAGES, 2, &missing),
                     SHEAF_ERR_PLACE_OCCUPIED);
    assert_int_equal(begin(vspace, 0, MOST * TABLE_PAGES, 2, &missing), SHEAF_OK);
    assert_int_equal(tables_used(vspace), 4);
}

static void clearing_the_way_keeps_what_the_batch_has_to_do(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1, 0);
    map_pages(vspace, TABLE_PAGES, 2, 10);
    unmap_flags(vspace, 0, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(TABLE_PAGES), 1, 0, &done, NULL);
    map_level(gather, vspace, 0, TABLE_PAGES, 512, 2, &touched);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(10), PAGE_BYTES);
}

// The batch holds a table of the chunk in which another is in the way: it is completed for it.
static void a_chunk_has_tables_of_one_entry_only(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1, 0);
    map_pages(vspace, TABLE_PAGES, 2, 10);
    unmap_flags(vspace, 0, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(TABLE_PAGES), TABLE_PAGES, 0, &done, NULL);
    map_level(gather, vspace, 0, TABLE_PAGES, 512, 2, &touched);
    vmsa_frame_reused(FRAME(10), 2 * PAGE_BYTES);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tables, 1); // the other one made room, unasked
    assert_int_equal(tables_used(vspace), 3);
    assert_int_equal(count_hooked(vspace), 3);
}

static void mapping_costs_one_barrier_and_no_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    vmsa_log_reset();
    map_level(gather, vspace, 0, TABLE_PAGES, 0, 3, &touched);
    map_level(gather, vspace, 3 * TABLE_PAGES, 8, 0, 3, &touched);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 1);
}

static void a_dead_vspace_is_refused(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    vspace_destroy(vspace);
    assert_refused(vspace, 0, 1, 3, SHEAF_ERR_DEAD);
    uint64_t done = 0;
    struct gather *gather = gather_begin();
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), 1, 0, &done, NULL), SHEAF_ERR_DEAD);
    gather_finish(gather);
}

// What was written into a frame is ordered before the leaf that shows it to others.
static void contents_come_before_the_leaf(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record;
    map_pages(vspace, 0, 1, 0); // the table is there
    vmsa_frame_written(FRAME(1), PAGE_BYTES);
    map_pages(vspace, 1, 1, 1);
    vmsa_frame_written(FRAME(2), 2 * PAGE_BYTES);
    struct gather *gather = gather_begin();
    assert_true(gather_map_pages(gather, vspace, PAGE(2), FRAME(2), 2, &touched, &record));
    gather_finish(gather);
    assert_true(is_mapped_to(vspace, 1, 1) && is_mapped_to(vspace, 3, 3)); // the model judges
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_level_maps_its_leaf, machine_setup),
        cmocka_unit_test_setup(leaf_bits_are_those_asked_for, machine_setup),
        cmocka_unit_test_setup(pages_are_mapped_at_once_where_their_table_is, machine_setup),
        cmocka_unit_test_setup(a_block_has_the_block_type, machine_setup),
        cmocka_unit_test_setup(a_range_crosses_tables, machine_setup),
        cmocka_unit_test_setup(the_last_page_of_the_user_half, machine_setup),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test_setup(bad_ranges_change_nothing, machine_setup),
        cmocka_unit_test_setup(an_occupied_place_is_refused_whatever_holds_it, machine_setup),
        cmocka_unit_test_setup(missing_tables_are_counted_exactly, machine_setup),
        cmocka_unit_test_setup(tables_of_a_finished_unmap_serve_again, machine_setup),
        cmocka_unit_test_setup(tables_unhooked_in_the_same_batch_serve_at_once, machine_setup),
        cmocka_unit_test_setup(an_empty_table_gives_way_to_a_block, machine_setup),
        cmocka_unit_test_setup(tables_in_the_way_serve_the_range_itself, machine_setup),
        cmocka_unit_test_setup(tables_of_two_levels_are_in_the_way_of_a_block, machine_setup),
        cmocka_unit_test_setup(only_so_many_empty_tables_give_way, machine_setup),
        cmocka_unit_test_setup(clearing_the_way_keeps_what_the_batch_has_to_do, machine_setup),
        cmocka_unit_test_setup(a_chunk_has_tables_of_one_entry_only, machine_setup),
        cmocka_unit_test_setup(mapping_costs_one_barrier_and_no_invalidation, machine_setup),
        cmocka_unit_test_setup(a_dead_vspace_is_refused, machine_setup),
        cmocka_unit_test_setup(contents_come_before_the_leaf, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.map", tests, NULL, NULL);
}
