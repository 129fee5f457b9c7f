// SPDX-License-Identifier: BSD-2-Clause
// UNMAP of a few pages as a gather of its own: what goes, with how many instructions, and when it
// declines.
#include "support.h"

#include <layout.h>

static const struct mmu_features plain = {0}, ttl = {.ttl = true}, range = {.range = true};
static const struct mmu_features repeat = {.repeat_tlbi = true};

static bool few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                struct gather_totals *totals) {
    vmsa_log_reset();
    return gather_unmap_few(vspace, list, count, totals);
}

static void one_page_goes_and_its_neighbours_stay(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    map_pages(vspace, 4, 3, 4);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tables, 0);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(vmsa_needless(), 0);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
    assert_false(any_pe_reaches(5));
    assert_true(is_mapped_to(vspace, 4, 4));
    assert_true(is_mapped_to(vspace, 6, 6));
    assert_int_equal(vspace->pending_count, 0);
    assert_int_equal(vspace->pins, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_UNMAPPED), 1);
}

// The table is kept, as none lies wholly inside a range, and freed by who names it.
static void the_last_page_of_a_table_leaves_it_empty(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    map_pages(vspace, 5, 1, 5);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_int_equal(tables_used(vspace), 4);
    assert_int_equal(unmap_pages(vspace, 0, TABLE_PAGES).tables, 1);
}

// Ranges in any order, near and far, twice the same, with holes.
static void a_list_goes_as_a_whole(void **state) {
    (void)state;
    const struct gather_pages list[] = {
        {PAGE(700), 3},           {PAGE(2), 1},   {PAGE(GIB_PAGES + 9), 2},
        {PAGE(3 * GIB_PAGES), 5}, {PAGE(40), 20}, {PAGE(2), 1},
        {PAGE(2 * GIB_PAGES), 1}, {PAGE(703), 1}, {PAGE(9 * TABLE_PAGES), 1},
    };
    struct vspace *vspace = loaded_everywhere(2);
    struct gather_totals totals;
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
        uint64_t page = list[i].va.v >> PAGE_BITS;
        if (i != 4 && i != 5)
            map_pages(vspace, page, list[i].pages, 100 * (i + 1));
    }
    map_pages(vspace, 45, 10, 500); // of 40 to 59
    assert_true(few(vspace, list, ARRAY_SIZE(list), &totals));
    assert_int_equal(totals.leaves, 3 + 1 + 2 + 5 + 10 + 1 + 1 + 1);
    assert_int_equal(totals.tlbi, totals.leaves);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(vmsa_needless(), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
        vmsa_frame_reused(FRAME(100 * (i + 1)), 10 * PAGE_BYTES);
        for (uint64_t n = 0; n < list[i].pages; n++)
            assert_false(any_pe_reaches((list[i].va.v >> PAGE_BITS) + n));
    }
    assert_int_equal(vspace->pending_count, 0);
}

static void what_no_tlb_holds_is_not_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 10, 4, 10, LEAF_LEVEL, &untouched);
    gather_finish(gather);
    assert_true(few(vspace, &(struct gather_pages){PAGE(10), 2}, 1, &totals));
    assert_int_equal(totals.leaves, 2);
    assert_int_equal(totals.tlbi + totals.dsb + totals.batches, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), 2);
    assert_true(few(vspace, &(struct gather_pages){PAGE(10), 2}, 1, &totals)); // nothing any more
    assert_int_equal(totals.leaves + totals.dsb, 0);
    map_pages(vspace, 11, 1, 11);
    map_pages(vspace, 15, 1, 15);
    assert_true(few(vspace, &(struct gather_pages){PAGE(11), 5}, 1, &totals));
    assert_int_equal(totals.leaves, 4);
    assert_int_equal(totals.tlbi, 4); // 11, 12 and 13 side by side go as one
    vmsa_frame_reused(FRAME(10), 6 * PAGE_BYTES);
    gather = gather_begin();
    map_level(gather, vspace, 12, 2, 12, LEAF_LEVEL, &untouched);
    gather_finish(gather);
    map_pages(vspace, 15, 1, 15);
    assert_true(few(vspace, &(struct gather_pages){PAGE(11), 5}, 1, &totals));
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(totals.tlbi, 1); // 12 and 13 by themselves are in no TLB
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), 4);
}

static void what_age_has_cleared_is_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    uint8_t report[1];
    map_pages(vspace, 5, 1, 5);
    age_pages(vspace, 5, 1, SHEAF_OP_ACCESSED, report);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_int_equal(totals.tlbi, 1);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

static void a_vspace_that_was_never_loaded_wants_no_tlbi(void **state) {
    (void)state;
    struct vspace *vspace;
    struct gather_totals totals;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    know_vspace(vspace);
    map_pages(vspace, 5, 2, 5);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_int_equal(totals.tlbi, 0);
    assert_int_equal(totals.dsb, 1);
    assert_true(few(vspace, &(struct gather_pages){PAGE(6), 1}, 1, &totals));
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED), 2);
    assert_int_equal(vspace->pending_count, 0);
}

// 64 operations on neighbouring pages are one range.
static void neighbours_go_by_one_operation_where_there_are_ranges(void **state) {
    (void)state;
    struct gather_pages list[GATHER_FEW_PAGES];
    struct gather_totals totals;
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = (struct gather_pages){PAGE(100 + i), 1};
    machine_init(8, 0, range);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 99, 66, 0);
    assert_true(few(vspace, list, ARRAY_SIZE(list), &totals));
    assert_int_equal(totals.leaves, 64);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_RVALE1IS);
    assert_int_equal(vmsa_needless(), 0);
    machine_init(8, 0, plain);
    vspace = new_vspace(1);
    map_pages(vspace, 99, 66, 0);
    assert_true(few(vspace, list, ARRAY_SIZE(list), &totals));
    assert_int_equal(totals.tlbi, 64);
    assert_int_equal(vmsa_needless(), 0);
}

static void the_level_is_named_where_a_core_takes_it(void **state) {
    (void)state;
    struct gather_totals totals;
    machine_init(8, 0, ttl);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 5, 3, 5);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_int_equal(vmsa_log()[0].operand >> 44 & 15, 7); // 4 KiB granule, level 3
    assert_true(few(vspace, &(struct gather_pages){PAGE(6), 2}, 1, &totals));
    assert_int_equal(vmsa_log()[0].operand >> 44 & 15, 7);
    vmsa_frame_reused(FRAME(5), 3 * PAGE_BYTES);
}

static void cores_that_want_it_get_one_more(void **state) {
    (void)state;
    struct gather_totals totals;
    machine_init(8, 0, repeat);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 5, 2, 5);
    assert_true(few(vspace, (struct gather_pages[]){{PAGE(5), 1}, {PAGE(6), 1}}, 2, &totals));
    assert_int_equal(totals.tlbi, 3);
    assert_int_equal(totals.dsb, 3);
    assert_true(few(vspace, (struct gather_pages[]){{PAGE(6), 1}}, 1, &totals));
    assert_int_equal(totals.tlbi, 0);
}

static void it_declines_and_changes_nothing(void **state) {
    (void)state;
    static const struct gather_pages ranges[] = {
        {VADDR(TABLE_PAGES << PAGE_BITS), 1},           // no table of pages
        {VADDR(GIB_PAGES << PAGE_BITS), 1},             // not even one above
        {VADDR((TABLE_PAGES - 1) << PAGE_BITS), 2},     // in two tables
        {VADDR((2 * TABLE_PAGES + 1) << PAGE_BITS), 1}, // a block of 2 MiB
        {VADDR((2 * GIB_PAGES + 1) << PAGE_BITS), 1},   // a block of 1 GiB
        {VADDR((USER_HALF_PAGES - 1) << PAGE_BITS), 2}, // beyond the user half
    };
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 2 * TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    map_level(gather, vspace, 2 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    map_pages(vspace, 5, 1, 5);
    map_pages(vspace, TABLE_PAGES - 1, 1, 7);
    map_pages(vspace, USER_HALF_PAGES - 1, 1, 9);
    snapshot_take();
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        const struct gather_pages list[] = {{PAGE(5), 1}, ranges[i]};
        assert_false(few(vspace, list, 2, &totals));
        assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
        snapshot_assert_unchanged();
    }
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
}

// What is not found may be another's that is not complete yet, so where anything is pending the
// ordinary way is for it.
static void it_declines_where_something_is_pending(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    uint64_t done = 0;
    map_pages(vspace, 5, 2, 5);
    struct gather *gather = gather_begin();
    assert_int_equal(gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL), SHEAF_OK);
    assert_false(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
    assert_false(few(vspace, &(struct gather_pages){PAGE(6), 1}, 1, &totals));
    gather_finish(gather);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 2}, 1, &totals));
    assert_int_equal(totals.leaves, 1);
}

static void it_declines_in_a_dead_vspace(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    map_pages(vspace, 5, 2, 5);
    vspace_destroy(vspace);
    assert_false(few(vspace, &(struct gather_pages){PAGE(5), 1}, 1, &totals));
}

// ---- Deferred

static bool defer(struct vspace *vspace, const struct gather_pages *list, unsigned count) {
    struct gather_totals totals;
    vmsa_log_reset();
    if (!gather_defer_few(vspace, list, count, &totals))
        return false;
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
    assert_int_equal(totals.tlbi + totals.dsb + totals.batches + totals.tables, 0);
    return true;
}

static struct gather_totals sync(struct vspace *vspace) {
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, vspace), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(vspace->pending_count, 0);
    return *gather_totals(gather);
}

// The ranges are those that were removed, neighbours made one. What others have left is not in the
// way.
static void what_is_deferred_is_entered_as_it_is(void **state) {
    (void)state;
    const struct gather_pages first = {PAGE(900), 1};
    const struct gather_pages list[] = {{PAGE(5), 2}, {PAGE(7), 1}, {PAGE(40), 4}, {PAGE(300), 1}};
    struct vspace *vspace = loaded_everywhere(2);
    map_pages(vspace, 5, 3, 5);
    map_pages(vspace, 41, 2, 41); // of 40 to 43
    map_pages(vspace, 300, 1, 300);
    map_pages(vspace, 900, 1, 900);
    assert_true(defer(vspace, &first, 1));
    assert_true(defer(vspace, list, ARRAY_SIZE(list)));
    assert_int_equal(vspace->pending_count, 2);
    const struct pending *entry = &vspace->pending[1];
    assert_int_equal(entry->owner, 0);
    assert_int_equal(entry->levels, 1u << LEAF_LEVEL);
    assert_int_equal(entry->range_count, 3);
    assert_int_equal(entry->ranges[0].first, 5);
    assert_int_equal(entry->ranges[0].pages, 3);
    assert_int_equal(entry->ranges[1].first, 41);
    assert_int_equal(entry->ranges[1].pages, 2);
    assert_int_equal(entry->ranges[2].first, 300);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_DEFERRED), 2);
    struct gather_totals totals = sync(vspace);
    assert_int_equal(totals.tlbi, 7);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(vmsa_needless(), 0);
    vmsa_frame_reused(FRAME(5), 3 * PAGE_BYTES);
    vmsa_frame_reused(FRAME(900), PAGE_BYTES);
    assert_false(any_pe_reaches(5) || any_pe_reaches(42) || any_pe_reaches(300));
}

static void more_ranges_than_an_entry_holds_take_another(void **state) {
    (void)state;
    struct gather_pages list[PENDING_RANGES + 1];
    struct vspace *vspace = loaded_everywhere(1);
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
        list[i] = (struct gather_pages){PAGE(10 * i), 1};
        map_pages(vspace, 10 * i, 1, 10 * i);
    }
    assert_true(defer(vspace, list, ARRAY_SIZE(list)));
    assert_int_equal(vspace->pending_count, 2);
    assert_int_equal(sync(vspace).tlbi, ARRAY_SIZE(list));
}

static void deferring_declines_where_no_entry_is_free(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather_totals totals;
    map_pages(vspace, 0, PENDING_ENTRIES + 1, 0);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        assert_true(defer(vspace, &(struct gather_pages){PAGE(i), 1}, 1));
    const struct gather_pages last = {PAGE(PENDING_ENTRIES), 1};
    snapshot_take();
    assert_false(gather_defer_few(vspace, &last, 1, &totals));
    snapshot_assert_unchanged();
    assert_int_equal(sync(vspace).tlbi, PENDING_ENTRIES);
    assert_true(defer(vspace, &last, 1));
}

static void what_no_tlb_holds_is_not_deferred(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    assert_false(defer(vspace, &(struct gather_pages){PAGE(TABLE_PAGES), 1}, 1)); // no table
    map_pages(vspace, 5, 1, 5);
    assert_true(defer(vspace, &(struct gather_pages){PAGE(6), 2}, 1)); // nothing is there
    assert_int_equal(vspace->pending_count, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_DEFERRED), 0);
}

// ---- Between the removal and its end

static struct vspace *watched;
static struct pending seen; // the entry, as another PE would find it at the first TLBI

static void note_entry(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_TLBI && seen.ticket == 0) {
        seen = watched->pending[0];
        assert_int_equal(watched->pending_count, 1);
        assert_int_equal(watched->pins, 1);
        assert_int_equal(watched->lock.held, 0);
    }
}

static bool covered(uint64_t page) {
    for (unsigned i = 0; i < seen.range_count; i++) {
        if (page - seen.ranges[i].first < seen.ranges[i].pages)
            return true;
    }
    return false;
}

static void others_find_it_pending_until_it_is_complete(void **state) {
    (void)state;
    const uint64_t pages[] = {3, 4, GIB_PAGES, GIB_PAGES - 9, 5 * GIB_PAGES};
    struct gather_pages list[ARRAY_SIZE(pages)];
    struct gather_totals totals;
    watched = new_vspace(3);
    seen.ticket = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        list[i] = (struct gather_pages){PAGE(pages[i]), 1};
        map_pages(watched, pages[i], 1, 10 + i);
    }
    vmsa_set_hook(note_entry);
    assert_true(few(watched, list, ARRAY_SIZE(list), &totals));
    vmsa_set_hook(NULL);
    assert_int_equal(seen.owner, 1);
    assert_int_equal(seen.levels, 1u << LEAF_LEVEL);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        assert_true(covered(pages[i]));
    assert_false(covered(2 * GIB_PAGES)); // far from all of them
    assert_int_equal(watched->pending[0].ticket, 0);
    assert_int_equal(watched->pending_count, 0);
    assert_int_equal(watched->pins, 0);
}

static void scenario_3g_hardware_sets_the_dirty_state_while_a_few_pages_go(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather_totals totals;
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 5, 3, 5, LEAF_LEVEL, &untouched);
    gather_finish(gather);
    vmsa_features.hardware_flags = true; // the update comes just before the exchange
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 3}, 1, &totals));
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(totals.tlbi, 3);
    vmsa_frame_reused(FRAME(5), 3 * PAGE_BYTES);
}

static unsigned stores;

static void access_the_second_page(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call != VMSA_CALL_STORE || ++stores != 2)
        return;
    desc_t *place = (desc_t *)vmsa_kernel_address(PADDR(a)) + b;
    *place = DESC(place->v | DESC_ACCESSED);
}

// After it was found to be like the first one, and before it is cleared.
static void scenario_3g_an_access_in_between_is_seen(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather_totals totals;
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 5, 3, 5, LEAF_LEVEL, &untouched);
    gather_finish(gather);
    stores = 0;
    vmsa_set_hook(access_the_second_page);
    assert_true(few(vspace, &(struct gather_pages){PAGE(5), 3}, 1, &totals));
    vmsa_set_hook(NULL);
    assert_int_equal(totals.leaves, 3);
    assert_true(totals.tlbi > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_page_goes_and_its_neighbours_stay, machine_setup),
        cmocka_unit_test_setup(the_last_page_of_a_table_leaves_it_empty, machine_setup),
        cmocka_unit_test_setup(a_list_goes_as_a_whole, machine_setup),
        cmocka_unit_test_setup(what_no_tlb_holds_is_not_invalidated, machine_setup),
        cmocka_unit_test_setup(what_age_has_cleared_is_invalidated, machine_setup),
        cmocka_unit_test_setup(a_vspace_that_was_never_loaded_wants_no_tlbi, machine_setup),
        cmocka_unit_test_setup(neighbours_go_by_one_operation_where_there_are_ranges,
                               machine_setup),
        cmocka_unit_test_setup(the_level_is_named_where_a_core_takes_it, machine_setup),
        cmocka_unit_test_setup(cores_that_want_it_get_one_more, machine_setup),
        cmocka_unit_test_setup(it_declines_and_changes_nothing, machine_setup),
        cmocka_unit_test_setup(it_declines_where_something_is_pending, machine_setup),
        cmocka_unit_test_setup(it_declines_in_a_dead_vspace, machine_setup),
        cmocka_unit_test_setup(what_is_deferred_is_entered_as_it_is, machine_setup),
        cmocka_unit_test_setup(more_ranges_than_an_entry_holds_take_another, machine_setup),
        cmocka_unit_test_setup(deferring_declines_where_no_entry_is_free, machine_setup),
        cmocka_unit_test_setup(what_no_tlb_holds_is_not_deferred, machine_setup),
        cmocka_unit_test_setup(others_find_it_pending_until_it_is_complete, machine_setup),
        cmocka_unit_test_setup(scenario_3g_hardware_sets_the_dirty_state_while_a_few_pages_go,
                               machine_setup),
        cmocka_unit_test_setup(scenario_3g_an_access_in_between_is_seen, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.unmap_few", tests, NULL, NULL);
}
