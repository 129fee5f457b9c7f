// SPDX-License-Identifier: BSD-2-Clause
// AGE: what it clears and says, what it invalidates, and what it leaves for a later UNMAP to know.
// Cases named scenario_ pin failures that batched invalidation has had in other systems.
#include "support.h"

#include <batch.h>

#define ACCESSED ((unsigned)SHEAF_OP_ACCESSED)
#define DIRTY ((unsigned)SHEAF_OP_DIRTY)
#define BOTH (ACCESSED | DIRTY)

static desc_t leaf_of(const struct vspace *vspace, uint64_t page) {
    unsigned level;
    return DESC(find_leaf(vspace, page, &level));
}

static void map_as(struct vspace *vspace, uint64_t page, uint64_t pages, uint64_t frame,
                   unsigned level, const struct leaf_attributes *attributes) {
    struct gather *gather = gather_begin();
    map_level(gather, vspace, page, pages, frame, level, attributes);
    gather_finish(gather);
    vmsa_log_reset();
}

// Pages 0 to 3: dirty, clean, never accessed, read-only. Page 4 is not mapped.
static struct vspace *with_every_kind(void) {
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, 0, 1, 0, 3, &touched);
    map_as(vspace, 1, 1, 1, 3, &writable_clean);
    map_as(vspace, 2, 1, 2, 3, &untouched);
    map_as(vspace, 3, 1, 3, 3, &read_only);
    return vspace;
}

// ---- What it does

static void accessed_bits_are_read_and_cleared_without_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    uint8_t report[2] = {0xff, 0xff};
    struct gather_totals totals = age_pages(vspace, 0, 5, ACCESSED, report);
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(totals.tlbi, 0);
    assert_int_equal(totals.dsb, 1);
    assert_int_equal(report[0], 0x45); // no dirty bit was asked for
    assert_int_equal(report[1], 0);
    for (unsigned page = 0; page < 4; page++)
        assert_int_equal(leaf_of(vspace, page).v & DESC_ACCESSED, 0);
    assert_true(desc_is_dirty(leaf_of(vspace, 0)));
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_AGED), 3);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_RIGHTS), 3);
    totals = age_pages(vspace, 0, 5, ACCESSED, report);
    assert_int_equal(totals.leaves + totals.dsb, 0); // nothing was written, so nothing to order
    assert_int_equal(report[0], 0);
}

static void dirty_bits_go_with_the_right_to_write(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    uint8_t report[2];
    struct gather_totals totals = age_pages(vspace, 0, 5, DIRTY, report);
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(report[0], 0x02);
    desc_t leaf = leaf_of(vspace, 0);
    assert_false(desc_is_dirty(leaf));
    assert_true((leaf.v & DESC_WRITABLE) != 0 && (leaf.v & DESC_ACCESSED) != 0);
    // The next store is the kernel's business alone, and is noticed.
    assert_int_equal(mmu_fault(vspace, PAGE(0), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    age_pages(vspace, 0, 5, DIRTY, report);
    assert_int_equal(report[0], 0x02);
}

static void both_at_once(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    uint8_t report[2];
    struct gather_totals totals = age_pages(vspace, 0, 5, BOTH, report);
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(totals.tlbi, 1); // of the dirty page
    assert_int_equal(report[0], 0x47);
    assert_int_equal(leaf_of(vspace, 2).v & DESC_AGED, 0);
    assert_true((leaf_of(vspace, 3).v & DESC_AGED) != 0);
}

// The entry of before AGE allows no store; the fault that sets both flags drops it.
static void a_store_after_both_takes_one_fault(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    age_pages(vspace, 1, 1, ACCESSED, NULL);
    assert_true(is_reachable(1));
    assert_int_equal(mmu_fault(vspace, PAGE(1), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_true(desc_is_dirty(leaf_of(vspace, 1)));
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1);
}

static void blocks_of_each_level(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    static uint8_t report[SHEAF_REPORT_BYTES(512)];
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    map_as(vspace, GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    struct gather_totals totals = age_pages(vspace, TABLE_PAGES, TABLE_PAGES, BOTH, report);
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tlbi, 1);
    for (unsigned i = 0; i < sizeof(report); i++)
        assert_int_equal(report[i], 0xff);
    totals = age_pages(vspace, 0, USER_HALF_PAGES, BOTH, NULL);
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tlbi, 1);
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    vmsa_frame_reused(FRAME(0), 3 * GIB_PAGES * PAGE_BYTES);
}

static void a_table_of_dirty_pages_goes_by_asid(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_pages(vspace, 0, TABLE_PAGES, 0);
    vmsa_log_reset();
    struct gather_totals totals = age_pages(vspace, 0, TABLE_PAGES, DIRTY, NULL);
    assert_int_equal(totals.leaves, TABLE_PAGES);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
}

static void errors_change_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    static const uint64_t cuts[][2] = {
        {TABLE_PAGES, 1}, {TABLE_PAGES + 1, 511}, {0, TABLE_PAGES + 1}, {TABLE_PAGES + 7, 9000}};
    uint64_t done = 0;
    snapshot_take();
    for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
        struct gather *gather = gather_begin();
        assert_int_equal(
            gather_age(gather, vspace, BOTH,
                       &(struct gather_change){PAGE(cuts[i][0]), cuts[i][1], &done, NULL, NULL}),
            SHEAF_ERR_BLOCK_CUT);
        gather_finish(gather);
        assert_int_equal(done, 0);
    }
    snapshot_assert_unchanged();
    vspace_destroy(vspace);
    struct gather *gather = gather_begin();
    assert_int_equal(
        gather_age(gather, vspace, BOTH, &(struct gather_change){PAGE(0), 1, &done, NULL, NULL}),
        SHEAF_ERR_DEAD);
    gather_finish(gather);
}

static void interrupts_delay_it_and_change_nothing_else(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    static uint8_t report[SHEAF_REPORT_BYTES(3000)];
    map_pages(vspace, 0, 1100, 0);
    map_as(vspace, 2560, 4, 2560, 3, &writable_clean);
    struct gather *gather = gather_begin();
    uint64_t done = 0, before = 0, slices = 0;
    enum sheaf_error error;
    vmsa_set_interrupt(0);
    do {
        error = gather_age(gather, vspace, BOTH,
                           &(struct gather_change){PAGE(0), 3000, &done, NULL, report});
        assert_true(done > before);
        assert_int_equal(gather->range_count, 0); // what it did so far is complete
        before = done;
        slices++;
    } while (error == SHEAF_ERR_PREEMPTED);
    vmsa_set_interrupt(VMSA_NEVER);
    gather_finish(gather);
    assert_int_equal(error, SHEAF_OK);
    assert_true(slices > 4);
    assert_int_equal(gather_totals(gather)->leaves, 1104);
    for (unsigned i = 0; i < 3000; i++) {
        unsigned expected = i < 1100 ? 3 : i >= 2560 && i < 2564 ? 1 : 0;
        assert_int_equal(report[i / 4] >> (2 * (i % 4)) & 3, expected);
    }
}

static void sparse_ranges_are_quick(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(3);
    for (uint64_t i = 0; i < 9; i++)
        map_pages(vspace, i * 57 * 512 * GIB_PAGES + i * 1000, 3, i * 8);
    uint64_t reads = vmsa_reads();
    assert_int_equal(age_pages(vspace, 0, USER_HALF_PAGES, ACCESSED, NULL).leaves, 27);
    // 28 tables with 512 descriptors each, a walk for each run of them, and the checks.
    assert_in_range(vmsa_reads() - reads, 1, 28 * (512 + 16));
}

// ---- Scenarios

// A dirty bit that another PE takes: until that is complete, "not dirty" is not true.
static void what_another_took_is_completed_first(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    vmsa_set_pe(1);
    struct gather *first = gather_begin();
    uint64_t done = 0;
    struct gather_change change = {PAGE(0), 1, &done, NULL, NULL};
    assert_int_equal(gather_age(first, vspace, DIRTY, &change), SHEAF_OK); // and does not finish
    vmsa_set_pe(0);
    uint8_t report;
    struct gather_totals totals = age_pages(vspace, 0, 1, DIRTY, &report);
    assert_int_equal(report, 0);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    vmsa_set_pe(1);
    gather_finish(first);
    assert_int_equal(vspace->pending_count, 0);
}

static void scenario_3h_unmap_after_a_complete_age_is_not_elided(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    age_pages(vspace, 0, 2, ACCESSED, NULL);
    assert_int_equal(leaf_of(vspace, 0).v & DESC_ACCESSED, 0);
    assert_true(is_reachable(0)); // by an entry from before
    struct gather_totals totals = unmap_pages(vspace, 0, 2);
    assert_int_equal(totals.tlbi, 2);
    assert_false(is_reachable(0));
    vmsa_frame_reused(FRAME(0), 2 * PAGE_BYTES);
}

static void scenario_3h_unmap_during_an_age_is_not_elided(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    vmsa_set_pe(1);
    struct gather *first = gather_begin();
    uint64_t done = 0;
    struct gather_change change = {PAGE(0), 2, &done, NULL, NULL};
    assert_int_equal(gather_age(first, vspace, ACCESSED, &change), SHEAF_OK);
    vmsa_set_pe(0); // PE 1 is between its stores and its DSB
    assert_int_equal(unmap_pages(vspace, 0, 2).tlbi, 2);
    assert_false(is_reachable(0));
    vmsa_frame_reused(FRAME(0), 2 * PAGE_BYTES);
    vmsa_set_pe(1);
    gather_finish(first);
    assert_int_equal(vspace->pending_count, 0);
}

static void scenario_3h_unmap_of_what_was_never_accessed_is_elided_after_age(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    age_pages(vspace, 2, 1, BOTH, NULL);
    assert_int_equal(unmap_pages(vspace, 2, 1).tlbi, 0);
    vmsa_frame_reused(FRAME(2), PAGE_BYTES);
}

static void scenario_3h_a_deleted_capability_after_age(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    struct mapping_record record = map_pages(vspace, 7, 1, 70);
    age_pages(vspace, 7, 1, BOTH, NULL);
    struct gather *gather = gather_begin();
    assert_true(gather_unmap_record(gather, record, FRAME(70), PAGE_BITS));
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tlbi, 1);
    vmsa_frame_reused(FRAME(70), PAGE_BYTES);
}

// Hardware, where it manages the flags, sets them between the look at the leaf and the exchange.
static unsigned updates;

static void set_flags_meanwhile(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call != VMSA_CALL_STORE || updates > 0)
        return;
    updates++;
    desc_t *place = (desc_t *)vmsa_kernel_address(PADDR(a)) + b;
    *place = DESC((place->v | DESC_ACCESSED) & ~DESC_READ_ONLY);
}

static void scenario_3g_no_update_of_hardware_is_lost(void **state) {
    (void)state;
    struct vspace *vspace = with_every_kind();
    uint8_t report;
    updates = 0;
    vmsa_set_hook(set_flags_meanwhile);
    struct gather_totals totals = age_pages(vspace, 1, 1, BOTH, &report); // clean until then
    vmsa_set_hook(NULL);
    assert_int_equal(updates, 1);
    assert_int_equal(report, SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    assert_int_equal(totals.tlbi, 1);
    assert_false(desc_is_dirty(leaf_of(vspace, 1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(accessed_bits_are_read_and_cleared_without_invalidation,
                               machine_setup),
        cmocka_unit_test_setup(dirty_bits_go_with_the_right_to_write, machine_setup),
        cmocka_unit_test_setup(both_at_once, machine_setup),
        cmocka_unit_test_setup(a_store_after_both_takes_one_fault, machine_setup),
        cmocka_unit_test_setup(blocks_of_each_level, machine_setup),
        cmocka_unit_test_setup(a_table_of_dirty_pages_goes_by_asid, machine_setup),
        cmocka_unit_test_setup(errors_change_nothing, machine_setup),
        cmocka_unit_test_setup(interrupts_delay_it_and_change_nothing_else, machine_setup),
        cmocka_unit_test_setup(sparse_ranges_are_quick, machine_setup),
        cmocka_unit_test_setup(what_another_took_is_completed_first, machine_setup),
        cmocka_unit_test_setup(scenario_3h_unmap_after_a_complete_age_is_not_elided, machine_setup),
        cmocka_unit_test_setup(scenario_3h_unmap_during_an_age_is_not_elided, machine_setup),
        cmocka_unit_test_setup(scenario_3h_unmap_of_what_was_never_accessed_is_elided_after_age,
                               machine_setup),
        cmocka_unit_test_setup(scenario_3h_a_deleted_capability_after_age, machine_setup),
        cmocka_unit_test_setup(scenario_3g_no_update_of_hardware_is_lost, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.age", tests, NULL, NULL);
}
