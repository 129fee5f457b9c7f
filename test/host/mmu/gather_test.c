// SPDX-License-Identifier: BSD-2-Clause
// The gather: which invalidations a batch comes to, which are left out, and how exact it stays.
#include "support.h"

#include <batch.h>
#include <walk.h>

static void unmap_into(struct gather *gather, struct vspace *vspace, uint64_t page,
                       uint64_t pages) {
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
}

static unsigned count_kind(enum port_tlbi kind) {
    unsigned count = 0;
    for (size_t i = 0; i < vmsa_log_count(); i++)
        count += vmsa_log()[i].kind == kind;
    return count;
}

static uint64_t logged_page(size_t i) { return vmsa_log()[i].operand & (BIT(44) - 1); }

static void scattered_pages_stay_exact(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 8 * TABLE_PAGES, 0);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < 64; i++)
        unmap_into(gather, vspace, i * 61 + 3, 1);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 64);
    assert_int_equal(count_kind(PORT_TLBI_VALE1IS), 64);
    for (uint64_t i = 0; i < 64; i++) {
        assert_int_equal(logged_page(i), i * 61 + 3);
        assert_int_equal(vmsa_log()[i].operand >> 48, asid_of(vspace).v);
    }
    assert_int_equal(vmsa_dsb_count(), 2);
    const struct gather_totals *totals = gather_totals(gather);
    assert_int_equal(totals->leaves, 64);
    assert_int_equal(totals->tlbi, 64);
    assert_int_equal(totals->dsb, 2);
    assert_int_equal(totals->batches, 1);
}

static void contiguous_pages_are_one_address_each(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 100, 200, 0);
    vmsa_log_reset();
    unmap_pages(vspace, 110, 64);
    assert_int_equal(count_kind(PORT_TLBI_VALE1IS), 64);
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(logged_page(i), 110 + i);
}

static void freed_tables_take_their_walk_caches_along(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 5, 2, 0);
    vmsa_log_reset();
    // Two leaves and tables of three levels; one address inside covers the tables.
    struct gather_totals totals = unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(totals.tables, 3);
    assert_int_equal(vmsa_log_count(), 2);
    assert_int_equal(count_kind(PORT_TLBI_VAE1IS), 2);
    assert_int_equal(logged_page(0), 5);
}

static void an_empty_table_costs_one_address(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 7 * TABLE_PAGES, 2 * TABLE_PAGES, 0);
    unmap_flags(vspace, 0, GIB_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, GIB_PAGES).tables, 3);
    assert_int_equal(vmsa_log_count(), 2); // two tables of level 3, the level 2 table with them
    assert_int_equal(count_kind(PORT_TLBI_VAE1IS), 2);
    assert_int_equal(logged_page(0), 7 * TABLE_PAGES);
    assert_int_equal(logged_page(1), 8 * TABLE_PAGES);
}

static void the_threshold_is_exact(void **state) {
    (void)state;
    for (uint64_t pages = PLAN_THRESHOLD - 2; pages <= PLAN_THRESHOLD + 2; pages++) {
        machine_setup(NULL);
        struct vspace *vspace = new_vspace(1);
        map_pages(vspace, 0, 512, 0);
        vmsa_log_reset();
        unmap_pages(vspace, 1, pages);
        bool whole = pages > PLAN_THRESHOLD;
        assert_int_equal(count_kind(PORT_TLBI_VALE1IS), whole ? 0 : pages);
        assert_int_equal(count_kind(PORT_TLBI_ASIDE1IS), whole ? 1 : 0);
        assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_WHOLE), whole ? pages - 1 : 0);
        vmsa_frame_reused(FRAME(1), pages * PAGE_BYTES);
    }
}

static void scenario_0d_around_a_table_of_pages_none_is_missed(void **state) {
    (void)state;
    static const struct {
        unsigned level;
        uint64_t stride;
    } sizes[] = {{3, 1}, {2, TABLE_PAGES}, {1, GIB_PAGES}};
    for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
        for (uint64_t count = 510; count <= 513; count++) {
            machine_setup(NULL);
            struct vspace *vspace = new_vspace(1);
            struct gather *gather = gather_begin();
            uint64_t stride = sizes[s].stride;
            map_level(gather, vspace, 512 * stride, 600 * stride, 0, sizes[s].level, &touched);
            gather_finish(gather);
            assert_int_equal(unmap_pages(vspace, 512 * stride, count * stride).leaves, count);
            paddr_t addresses[2];
            for (uint64_t i = 0; i < 600; i++) {
                vaddr_t va = PAGE((512 + i) * stride);
                assert_int_equal(vmsa_reachable(0, va, addresses, 2), i < count ? 0 : 1);
            }
        }
    }
}

static void three_pages_far_apart_are_three_addresses(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1, 0);
    map_pages(vspace, 2 * GIB_PAGES, 1, 1);
    map_pages(vspace, 3 * GIB_PAGES - 1, 1, 2);
    vmsa_log_reset();
    unmap_pages(vspace, 0, 3 * GIB_PAGES);
    assert_in_range(vmsa_log_count(), 3, 5); // tables may count apart from the leaves
    assert_int_equal(count_kind(PORT_TLBI_VAE1IS), vmsa_log_count());
}

static void what_was_never_touched_is_not_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 512, 0, 3, &untouched);
    gather_finish(gather);
    vmsa_log_reset();
    struct gather_totals totals;
    unmap_flags(vspace, 0, 512, SHEAF_OP_KEEP_TABLES, NULL, &totals);
    assert_int_equal(totals.leaves, 512);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 0);
    assert_int_equal(totals.batches, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), 512);
}

static void one_touched_page_among_untouched_is_one_address(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 20, 0, 3, &untouched);
    map_level(gather, vspace, 21, 1, 21, 3, &touched); // page 20 stays empty
    map_level(gather, vspace, 23, 20, 23, 3, &untouched);
    gather_finish(gather);
    vmsa_log_reset();
    unmap_flags(vspace, 0, 100, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(logged_page(0), 21);
}

static void an_aged_leaf_is_not_elided(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 4, 1, 0);
    // As AGE leaves it: access flag taken away, the older entry possibly still cached.
    struct place place = walk(vspace, 4, LEAF_LEVEL);
    desc_t aged = DESC((place.desc.v & ~DESC_ACCESSED) | DESC_AGED);
    vmsa_desc_exchange(place.table, place.index, aged);
    vmsa_log_reset();
    unmap_flags(vspace, 4, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(vmsa_log_count(), 1);
    vmsa_frame_reused(FRAME(0), PAGE_BYTES);
}

static void an_untouched_table_is_still_invalidated_when_it_goes(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 8, 0, 3, &untouched);
    gather_finish(gather);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, 512).tables, 1);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VAE1IS);
    assert_int_equal(vmsa_dsb_count(), 2);
}

// The MAP completes the first removal, so the range recorded for it is no part of the batch any
// more. The second one clears nothing that was accessed: the table alone is to be invalidated.
static void what_was_completed_meanwhile_serves_no_table(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 3, 1, 0);
    struct gather *gather = gather_begin();
    unmap_into(gather, vspace, 0, 512);
    map_level(gather, vspace, 1, 1, 1, 3, &untouched);
    vmsa_log_reset();
    unmap_into(gather, vspace, 0, 512);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VAE1IS);
    vmsa_frame_reused(FRAME(0), PAGE_BYTES);
}

static void a_vspace_never_loaded_is_not_invalidated(void **state) {
    (void)state;
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    map_pages(vspace, 0, 512, 0);
    vmsa_log_reset();
    struct gather_totals totals = unmap_pages(vspace, 0, 512);
    assert_int_equal(totals.tables, 1);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 1); // before the look at who has loaded it
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED), 1);
    vspace_destroy(vspace);
    assert_int_equal(vmsa_log_count(), 0);
}

static void one_completion_serves_several_vspaces(void **state) {
    (void)state;
    struct vspace *vspaces[4];
    for (unsigned i = 0; i < 4; i++) {
        vspaces[i] = new_vspace(1);
        map_pages(vspaces[i], 0, 100, UINT64_C(100) * i);
    }
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < 64; i++)
        unmap_into(gather, vspaces[i % 4], i, 1);
    gather_finish(gather);
    assert_int_equal(count_kind(PORT_TLBI_VALE1IS), 64);
    assert_int_equal(vmsa_dsb_count(), 2);
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(vmsa_log()[i].operand >> 48, asid_of(vspaces[i % 4]).v);
}

static void a_batch_full_of_vspaces_is_finished_and_goes_on(void **state) {
    (void)state;
    struct vspace *vspaces[BATCH_SPACES + 3];
    for (unsigned i = 0; i < ARRAY_SIZE(vspaces); i++) {
        vspaces[i] = new_vspace(1);
        map_pages(vspaces[i], 1, 1, i);
    }
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < ARRAY_SIZE(vspaces); i++)
        unmap_into(gather, vspaces[i], 1, 1);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->batches, 2);
    assert_int_equal(vmsa_log_count(), ARRAY_SIZE(vspaces));
    vmsa_frame_reused(FRAME(0), ARRAY_SIZE(vspaces) * PAGE_BYTES);
}

static void a_batch_full_of_ranges_merges_neighbours(void **state) {
    (void)state;
    struct vspace *vspaces[4];
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < 4; i++) {
        vspaces[i] = new_vspace(1);
        map_level(gather, vspaces[i], 0, 300, UINT64_C(512) * i, 3, &touched);
    }
    gather_finish(gather);
    vmsa_log_reset();
    gather_begin();
    for (uint64_t i = 0; i < UINT64_C(4) * 50;
         i++) // 50 separate pages each: more than the batch holds
        unmap_into(gather, vspaces[i % 4], i / 4 * 2, 1);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->batches, 1);
    assert_int_equal(count_kind(PORT_TLBI_ASIDE1IS), 0);
    assert_in_range(vmsa_log_count(), 200, 4 * 100);
    for (unsigned i = 0; i < 4; i++) {
        for (uint64_t page = 0; page < 100; page += 2)
            vmsa_frame_reused(FRAME(UINT64_C(512) * i + page), PAGE_BYTES);
    }
}

static void a_vspace_that_finds_no_room_goes_by_asid(void **state) {
    (void)state;
    struct vspace *first = new_vspace(1), *second = new_vspace(1);
    map_pages(first, 0, 300, 0);
    map_pages(second, 0, 10, 300);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < BATCH_RANGES; i++)
        unmap_into(gather, first, 2 * i, 1);
    unmap_into(gather, second, 0, 2);
    gather_finish(gather);
    assert_int_equal(count_kind(PORT_TLBI_VALE1IS), BATCH_RANGES);
    assert_int_equal(count_kind(PORT_TLBI_ASIDE1IS), 1);
    vmsa_frame_reused(FRAME(300), 2 * PAGE_BYTES);
}

static void a_sparse_gib_goes_by_asid_once(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(36);
    for (uint64_t i = 0; i < 512; i++)
        map_pages(vspace, i * TABLE_PAGES + i, 1, i);
    vmsa_log_reset();
    struct gather_totals totals = unmap_pages(vspace, 0, GIB_PAGES);
    assert_int_equal(totals.leaves, 512);
    assert_int_equal(totals.tables, 513);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
    vmsa_frame_reused(FRAME(0), 512 * PAGE_BYTES);
}

static void the_repeat_erratum_wants_one_more_of_each(void **state) {
    (void)state;
    machine_init(8, 0, (struct mmu_features){.repeat_tlbi = true});
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 4, 0);
    vmsa_log_reset();
    unmap_pages(vspace, 1, 2);
    assert_int_equal(vmsa_log_count(), 3);
    assert_int_equal(vmsa_log()[2].operand, vmsa_log()[1].operand);
    assert_int_equal(vmsa_dsb_count(), 3);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_REPEATED), 1);
}

static void operand_carries_the_vspaces_asid_not_the_loaded_one(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 9, 1, 0);
    struct vspace *other = new_vspace(1); // loaded now
    assert_int_not_equal(asid_of(other).v, asid_of(vspace).v);
    vmsa_log_reset();
    unmap_pages(vspace, 9, 1);
    assert_int_equal(vmsa_log()[0].operand >> 48, asid_of(vspace).v);
    vmsa_frame_reused(FRAME(0), PAGE_BYTES);
}

static void counters_count_what_was_issued(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 600, 0);
    uint64_t batches = vmsa_counter(SHEAF_COUNTER_GATHER_BATCHES);
    unmap_pages(vspace, 0, 3);
    unmap_pages(vspace, 3, 509);  // table stays: only partly inside
    unmap_pages(vspace, 0, 1024); // both tables
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_VALE1IS), 3);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_ASIDE1IS), 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_VAE1IS), 1 + 88);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TABLES_FREED), 2);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TABLES_TAKEN), 5);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_UNMAPPED), 600);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_MAPPED), 600);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_BATCHES) - batches, 3);
}

// Its leaves were never accessed and are not recorded; its table descriptor may be cached.
static void a_table_is_recorded_beside_another_spaces_pages(void **state) {
    (void)state;
    struct vspace *first = new_vspace(1), *second = new_vspace(1);
    map_pages(first, 3, 1, 3);
    struct gather *gather = gather_begin();
    map_level(gather, second, 3, 1, 30, LEAF_LEVEL, &untouched);
    gather_finish(gather);
    gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, first, PAGE(3), 1, 0, &done, NULL), SHEAF_OK);
    done = 0;
    assert_int_equal(gather_unmap(gather, second, PAGE(0), TABLE_PAGES, 0, &done, NULL), SHEAF_OK);
    gather_finish(gather); // the model judges
    assert_int_equal(gather_totals(gather)->tables, 1);
    assert_int_equal(gather_totals(gather)->tlbi, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(scattered_pages_stay_exact, machine_setup),
        cmocka_unit_test_setup(contiguous_pages_are_one_address_each, machine_setup),
        cmocka_unit_test_setup(freed_tables_take_their_walk_caches_along, machine_setup),
        cmocka_unit_test_setup(an_empty_table_costs_one_address, machine_setup),
        cmocka_unit_test(the_threshold_is_exact),
        cmocka_unit_test(scenario_0d_around_a_table_of_pages_none_is_missed),
        cmocka_unit_test_setup(three_pages_far_apart_are_three_addresses, machine_setup),
        cmocka_unit_test_setup(what_was_never_touched_is_not_invalidated, machine_setup),
        cmocka_unit_test_setup(one_touched_page_among_untouched_is_one_address, machine_setup),
        cmocka_unit_test_setup(an_aged_leaf_is_not_elided, machine_setup),
        cmocka_unit_test_setup(an_untouched_table_is_still_invalidated_when_it_goes, machine_setup),
        cmocka_unit_test_setup(what_was_completed_meanwhile_serves_no_table, machine_setup),
        cmocka_unit_test_setup(a_vspace_never_loaded_is_not_invalidated, machine_setup),
        cmocka_unit_test_setup(one_completion_serves_several_vspaces, machine_setup),
        cmocka_unit_test_setup(a_batch_full_of_vspaces_is_finished_and_goes_on, machine_setup),
        cmocka_unit_test_setup(a_batch_full_of_ranges_merges_neighbours, machine_setup),
        cmocka_unit_test_setup(a_vspace_that_finds_no_room_goes_by_asid, machine_setup),
        cmocka_unit_test_setup(a_sparse_gib_goes_by_asid_once, machine_setup),
        cmocka_unit_test(the_repeat_erratum_wants_one_more_of_each),
        cmocka_unit_test_setup(operand_carries_the_vspaces_asid_not_the_loaded_one, machine_setup),
        cmocka_unit_test_setup(counters_count_what_was_issued, machine_setup),
        cmocka_unit_test_setup(a_table_is_recorded_beside_another_spaces_pages, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.gather", tests, NULL, NULL);
}
