// SPDX-License-Identifier: BSD-2-Clause
// PROTECT: which rights leaves have afterwards, what is refused, what is invalidated, preemption.
// Cases named scenario_ pin failures that batched invalidation has had in other systems.
#include "support.h"

#include <batch.h>

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

static struct vspace *with_pages(uint64_t pages, const struct leaf_attributes *attributes) {
    struct vspace *vspace = new_vspace_everywhere(2);
    map_as(vspace, 0, pages, 0, 3, attributes);
    return vspace;
}

static bool may(struct vspace *vspace, uint64_t page, uint64_t access) {
    return mmu_fault(vspace, PAGE(page), access) == MMU_FAULT_RESOLVED;
}

static struct gather_totals must_protect(struct vspace *vspace, uint64_t page, uint64_t pages,
                                         unsigned rights) {
    struct gather_totals totals;
    assert_int_equal(protect_pages(vspace, page, pages, rights, NULL, &totals), SHEAF_OK);
    return totals;
}

// ---- Demotion

static void taking_write_invalidates_and_reports(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(6, &touched);
    uint8_t report[2] = {0xff, 0xff};
    struct gather_totals totals;
    assert_int_equal(protect_pages(vspace, 1, 4, RO, report, &totals), SHEAF_OK);
    assert_int_equal(totals.leaves, 4);
    assert_int_equal(totals.tlbi, 4);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(report[0], 0xff);
    assert_int_equal(report[1], 0xff); // not of this operation
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_PROTECTED), 4);
    for (unsigned page = 0; page < 6; page++) {
        bool inside = page >= 1 && page < 5;
        assert_int_equal(may(vspace, page, SHEAF_ACCESS_WRITE), !inside);
        assert_true(may(vspace, page, SHEAF_ACCESS_READ));
    }
}

static void taking_execute_invalidates(void **state) {
    (void)state;
    static const struct leaf_attributes code = {.execute = true, .accessed = true};
    struct vspace *vspace = with_pages(2, &code);
    assert_int_equal(must_protect(vspace, 0, 2, RO).tlbi, 2);
    assert_false(may(vspace, 0, SHEAF_ACCESS_EXECUTE));
    assert_int_equal(must_protect(vspace, 0, 2, RO).dsb, 0); // they are so already
}

static void what_a_tlb_cannot_use_needs_no_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, 0, 2, 0, 3, &untouched);
    map_as(vspace, 2, 2, 2, 3, &writable_clean); // cached without write
    struct gather_totals totals = must_protect(vspace, 0, 4, RO);
    assert_int_equal(totals.leaves, 4);
    assert_int_equal(totals.tlbi, 0);
    assert_int_equal(totals.dsb, 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_RIGHTS), 4);
    for (unsigned page = 0; page < 4; page++)
        assert_false(may(vspace, page, SHEAF_ACCESS_WRITE));
    struct vspace *unloaded;
    assert_int_equal(vspace_create(new_chunk(), &unloaded), SHEAF_OK);
    map_as(unloaded, 0, 2, 50, 3, &touched);
    assert_int_equal(must_protect(unloaded, 0, 2, RO).tlbi, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED), 1);
}

static void untouched_code_needs_no_invalidation(void **state) {
    (void)state;
    static const struct leaf_attributes code = {.execute = true};
    struct vspace *vspace = with_pages(3, &code);
    assert_int_equal(must_protect(vspace, 0, 3, RO).tlbi, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), 3);
}

static void what_was_aged_is_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(2, &touched);
    age_pages(vspace, 0, 2, (unsigned)SHEAF_OP_ACCESSED, NULL);
    assert_int_equal(must_protect(vspace, 0, 2, RO).tlbi, 2);
}

static void a_full_table_goes_by_asid(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(TABLE_PAGES, &touched);
    struct gather_totals totals = must_protect(vspace, 0, TABLE_PAGES, RO);
    assert_int_equal(totals.leaves, TABLE_PAGES);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
    assert_int_equal(unmap_pages(vspace, 0, TABLE_PAGES).leaves, TABLE_PAGES);
}

// ---- Promotion

static void scenario_3b_adding_rights_invalidates_nothing(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(4, &demoted);
    struct gather_totals totals = must_protect(vspace, 0, 4, RW);
    assert_int_equal(totals.leaves, 4);
    assert_int_equal(totals.tlbi, 0);
    assert_int_equal(totals.dsb, 1);
    assert_int_equal(vmsa_dsb_count(), 1);
    assert_false(desc_is_dirty(leaf_of(vspace, 0))); // writable, and clean
    assert_int_equal(must_protect(vspace, 0, 4, RW | RX).tlbi, 0);
    assert_true(may(vspace, 0, SHEAF_ACCESS_WRITE));
    // Other PEs with the entries of before: their next access faults once, and finds itself right.
    for (unsigned pe = 1; pe < 3; pe++) {
        vmsa_set_pe(pe);
        assert_true(may(vspace, 0, SHEAF_ACCESS_WRITE));
        assert_true(may(vspace, 0, SHEAF_ACCESS_EXECUTE));
    }
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_STALE), 4);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_DIRTY), 1);
}

static void scenario_3c_one_entry_gains_write_and_loses_execute(void **state) {
    (void)state;
    static const struct leaf_attributes code = {
        .execute = true, .accessed = true, .max_write = true};
    struct vspace *vspace = with_pages(2, &code);
    assert_int_equal(must_protect(vspace, 0, 2, RW).tlbi, 2);
    assert_false(may(vspace, 0, SHEAF_ACCESS_EXECUTE));
    assert_true(may(vspace, 0, SHEAF_ACCESS_WRITE));
}

static void scenario_3c_demotions_and_promotions_in_one_call(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(8, &touched);
    map_as(vspace, 8, 8, 8, 3, &demoted);
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change first = {PAGE(0), 3, &done, &ahead, NULL};
    assert_int_equal(gather_protect(gather, vspace, RO, &first), SHEAF_OK);
    done = 0;
    struct gather_change second = {PAGE(2), 10, &done, &ahead, NULL}; // page 2 gets it back
    assert_int_equal(gather_protect(gather, vspace, RW, &second), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tlbi, 3); // of the demotions alone
    assert_int_equal(gather_totals(gather)->batches, 1);
    assert_false(may(vspace, 1, SHEAF_ACCESS_WRITE));
    for (unsigned page = 2; page < 12; page++)
        assert_true(may(vspace, page, SHEAF_ACCESS_WRITE));
    assert_false(may(vspace, 12, SHEAF_ACCESS_WRITE));
}

// ---- Instructions

static struct {
    unsigned pages;   // made visible
    unsigned granted; // leaves stored with execute
    uint64_t last;    // address made visible last
} seen;

static void watch_instructions(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call == VMSA_CALL_BARRIER && a == 5) {
        seen.pages++;
        seen.last = b;
    }
    if (call == VMSA_CALL_STORE) {
        seen.granted++;
        assert_true(seen.pages >= seen.granted);
        const desc_t *leaf = (const desc_t *)vmsa_kernel_address(PADDR(a)) + b;
        assert_int_equal(desc_address(*leaf).v, seen.last);
    }
}

static void granting_execute_synchronises_first(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(20, &touched);
    vmsa_frame_written(FRAME(0), 20 * PAGE_BYTES);
    seen.pages = seen.granted = 0;
    vmsa_set_hook(watch_instructions);
    must_protect(vspace, 0, 20, RX);
    vmsa_set_hook(NULL);
    assert_int_equal(seen.pages, 20);
    assert_int_equal(seen.granted, 20);
    assert_true(may(vspace, 19, SHEAF_ACCESS_EXECUTE));
    must_protect(vspace, 0, 20, RX | RW); // executable already: nothing to do again
    assert_int_equal(seen.pages, 20);
}

static void device_memory_never_becomes_executable(void **state) {
    (void)state;
    static const struct leaf_attributes device = {
        .write = true, .max_write = true, .memory_type = SHEAF_MEMORY_DEVICE};
    struct vspace *vspace = with_pages(4, &touched);
    map_as(vspace, 4, 1, 9000, 3, &device);
    snapshot_take();
    assert_int_equal(protect_pages(vspace, 0, 5, RX, NULL, NULL), SHEAF_ERR_MEMORY_TYPE);
    assert_int_equal(protect_pages(vspace, 4, 1, RX | RW, NULL, NULL), SHEAF_ERR_MEMORY_TYPE);
    snapshot_assert_unchanged();
    must_protect(vspace, 0, 5, RO);
    must_protect(vspace, 0, 5, RW);
}

static void a_block_becomes_executable_in_slices(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    vmsa_frame_written(FRAME(TABLE_PAGES), TABLE_PAGES * PAGE_BYTES);
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0, synchronised = 0, slices = 0;
    struct gather_change change = {PAGE(TABLE_PAGES), TABLE_PAGES, &done, &ahead, NULL};
    enum sheaf_error error;
    vmsa_set_interrupt(0);
    while ((error = gather_protect(gather, vspace, RX, &change)) == SHEAF_ERR_PREEMPTED) {
        assert_int_equal(done, 0);
        assert_false(may(vspace, TABLE_PAGES, SHEAF_ACCESS_EXECUTE));
        assert_true(ahead.synchronised > synchronised);
        synchronised = ahead.synchronised;
        slices++;
    }
    vmsa_set_interrupt(VMSA_NEVER);
    gather_finish(gather);
    assert_int_equal(error, SHEAF_OK);
    assert_true(slices >= 60);
    assert_int_equal(done, TABLE_PAGES);
    assert_true(may(vspace, TABLE_PAGES + 5, SHEAF_ACCESS_EXECUTE));
}

// Half of a block is made visible, then another takes its place.
static void another_block_is_synchronised_from_its_beginning(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change change = {PAGE(TABLE_PAGES), TABLE_PAGES, &done, &ahead, NULL};
    vmsa_set_interrupt(0);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(gather_protect(gather, vspace, RX, &change), SHEAF_ERR_PREEMPTED);
    vmsa_set_interrupt(VMSA_NEVER);
    gather_finish(gather);
    unmap_pages(vspace, TABLE_PAGES, TABLE_PAGES);
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, 5 * TABLE_PAGES, 2, &touched);
    vmsa_frame_written(FRAME(5 * TABLE_PAGES), TABLE_PAGES * PAGE_BYTES);
    gather = gather_begin();
    assert_int_equal(gather_protect(gather, vspace, RX, &change), SHEAF_OK);
    gather_finish(gather);
}

// ---- Refused

static void rights_above_the_capabilitys_change_nothing(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(700, &demoted);
    map_as(vspace, 5 * TABLE_PAGES, 1, 5000, 3, &read_only);
    snapshot_take();
    assert_int_equal(protect_pages(vspace, 0, 6 * TABLE_PAGES, RW, NULL, NULL),
                     SHEAF_ERR_RIGHTS_EXCEEDED);
    assert_int_equal(protect_pages(vspace, 5 * TABLE_PAGES, 1, RW | RX, NULL, NULL),
                     SHEAF_ERR_RIGHTS_EXCEEDED);
    snapshot_assert_unchanged();
    assert_int_equal(must_protect(vspace, 0, 5 * TABLE_PAGES, RW).leaves, 700);
    assert_int_equal(must_protect(vspace, 5 * TABLE_PAGES, 1, RX).leaves, 1);
}

static void cutting_a_block_changes_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    map_as(vspace, 0, 4, 0, 3, &touched);
    map_as(vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    map_as(vspace, GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    static const uint64_t cuts[][2] = {
        {TABLE_PAGES, 511},
        {TABLE_PAGES + 1, 511},
        {TABLE_PAGES + 5, 1},
        {0, TABLE_PAGES + 1},
        {GIB_PAGES, 512},
        {0, GIB_PAGES + 1},
        {2 * GIB_PAGES - 1, USER_HALF_PAGES - 2 * GIB_PAGES},
    };
    snapshot_take();
    for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++)
        assert_int_equal(protect_pages(vspace, cuts[i][0], cuts[i][1], RO, NULL, NULL),
                         SHEAF_ERR_BLOCK_CUT);
    snapshot_assert_unchanged();
    assert_int_equal(must_protect(vspace, 0, 2 * GIB_PAGES, RO).leaves, 6);
    assert_int_equal(vmsa_log_count(), 6); // one address for each
    assert_false(may(vspace, GIB_PAGES + 1234, SHEAF_ACCESS_WRITE));
}

static void a_dead_vspace_is_refused(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(1, &touched);
    vspace_destroy(vspace);
    assert_int_equal(protect_pages(vspace, 0, 1, RO, NULL, NULL), SHEAF_ERR_DEAD);
}

// ---- Preemption

static void interrupts_delay_it_and_change_nothing_else(void **state) {
    (void)state;
    static uint8_t report[SHEAF_REPORT_BYTES(3000)];
    for (unsigned rights = RO; rights <= (RW | RX); rights++) {
        machine_setup(NULL);
        struct vspace *vspace = with_pages(1100, &touched);
        map_as(vspace, 2560, 4, 2560, 3, &writable_clean);
        struct gather *gather = gather_begin();
        struct gather_ahead ahead = {0};
        uint64_t done = 0, slices = 0;
        struct gather_change change = {PAGE(0), 3000, &done, &ahead, report};
        enum sheaf_error error;
        vmsa_set_interrupt(0);
        while ((error = gather_protect(gather, vspace, rights, &change)) == SHEAF_ERR_PREEMPTED) {
            assert_int_equal(gather->range_count, 0);
            slices++;
        }
        vmsa_set_interrupt(VMSA_NEVER);
        gather_finish(gather);
        assert_int_equal(error, SHEAF_OK);
        assert_true(slices > 4);
        bool write = (rights & SHEAF_MAP_WRITE) != 0;
        for (unsigned i = 0; i < 3000; i++) {
            unsigned bits = i < 1100 ? 3 : i >= 2560 && i < 2564 ? 1 : 0;
            assert_int_equal(report[i / 4] >> (2 * (i % 4)) & 3, write ? 0 : bits);
        }
        assert_int_equal(may(vspace, 1099, SHEAF_ACCESS_WRITE), write);
        assert_int_equal(may(vspace, 2563, SHEAF_ACCESS_EXECUTE),
                         (rights & SHEAF_MAP_EXECUTE) != 0);
    }
}

static void what_comes_during_an_interrupt_is_judged_too(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(1000, &demoted);
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change change = {PAGE(0), 1001, &done, &ahead, NULL};
    vmsa_set_interrupt(0);
    while (done < 500)
        assert_int_equal(gather_protect(gather, vspace, RW, &change), SHEAF_ERR_PREEMPTED);
    gather_finish(gather);
    vmsa_set_interrupt(VMSA_NEVER);
    map_as(vspace, 1000, 1, 1000, 3, &read_only); // by another thread
    gather = gather_begin();
    assert_int_equal(gather_protect(gather, vspace, RW, &change), SHEAF_ERR_RIGHTS_EXCEEDED);
    gather_finish(gather);
    assert_int_equal(done, 1000);
    assert_false(may(vspace, 1000, SHEAF_ACCESS_WRITE));
    assert_true(may(vspace, 999, SHEAF_ACCESS_WRITE));
}

// ---- Several PEs

static void what_another_took_is_completed_first(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(4, &touched);
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change change = {PAGE(1), 1, &done, &ahead, NULL};
    vmsa_set_pe(1);
    struct gather *first = gather_begin();
    assert_int_equal(gather_protect(first, vspace, RO, &change), SHEAF_OK); // and does not finish
    vmsa_set_pe(0);
    struct gather_totals totals = must_protect(vspace, 1, 1, RO);
    assert_int_equal(totals.leaves, 0); // it is read-only already
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    assert_int_equal(must_protect(vspace, 3, 1, RO).tlbi, 1); // elsewhere: its own alone
    vmsa_set_pe(1);
    gather_finish(first);
    assert_int_equal(vspace->pending_count, 0);
}

// A right is being taken on one PE while another deletes the capability that made the mapping.
static void scenario_3e_a_deleted_capability_during_a_demotion(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace_everywhere(1);
    struct mapping_record record = map_pages(vspace, 7, 1, 70);
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change change = {PAGE(7), 1, &done, &ahead, NULL};
    vmsa_set_pe(1);
    struct gather *first = gather_begin();
    assert_int_equal(gather_protect(first, vspace, RO, &change), SHEAF_OK);
    vmsa_set_pe(0);
    struct gather *second = gather_begin();
    assert_false(gather_unmap_record(second, record, FRAME(70), PAGE_BITS)); // helps
    assert_true(gather_unmap_record(second, record, FRAME(70), PAGE_BITS));
    gather_finish(second);
    vmsa_frame_reused(FRAME(70), PAGE_BYTES);
    vmsa_set_pe(1);
    gather_finish(first);
    assert_int_equal(vspace->pending_count, 0);
}

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
    struct vspace *vspace = with_pages(2, &untouched);
    uint8_t report;
    struct gather_totals totals;
    updates = 0;
    vmsa_set_hook(set_flags_meanwhile);
    assert_int_equal(protect_pages(vspace, 0, 2, RO, &report, &totals), SHEAF_OK);
    vmsa_set_hook(NULL);
    assert_int_equal(updates, 1);
    assert_int_equal(report, SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY); // of page 0
    assert_int_equal(totals.tlbi, 1);
}

static void scenario_3d_nothing_but_rights_changes_in_place(void **state) {
    (void)state;
    struct vspace *vspace = with_pages(3, &touched);
    desc_t before = leaf_of(vspace, 1);
    for (unsigned rights = RO; rights <= (RW | RX); rights++) {
        must_protect(vspace, 1, 1, rights);
        uint64_t changed = leaf_of(vspace, 1).v ^ before.v;
        assert_int_equal(changed & ~(DESC_READ_ONLY | DESC_WRITABLE | DESC_USER_NO_EXECUTE), 0);
    }
}

// ---- The model notices

static void without_invalidation_the_model_objects(void **state) {
    (void)state;
    static const struct vmsa_faults faults[] = {{.drop_tlbi = true},      {.drop_dsb_ish = true},
                                                {.drop_dsb_ishst = true}, {.local_only = true},
                                                {.wrong_asid = true},     {.next_page = true}};
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(faults); i++) {
        machine_setup(NULL);
        struct vspace *vspace = with_pages(3, &touched);
        vmsa_expect_violations();
        vmsa_faults = faults[i / 2];
        if (i % 2 == 0)
            must_protect(vspace, 0, 1, RO);
        else
            age_pages(vspace, 0, 1, (unsigned)SHEAF_OP_DIRTY, NULL);
        assert_true(vmsa_violations(VMSA_REMOVAL_INCOMPLETE) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(taking_write_invalidates_and_reports, machine_setup),
        cmocka_unit_test_setup(taking_execute_invalidates, machine_setup),
        cmocka_unit_test_setup(what_a_tlb_cannot_use_needs_no_invalidation, machine_setup),
        cmocka_unit_test_setup(untouched_code_needs_no_invalidation, machine_setup),
        cmocka_unit_test_setup(what_was_aged_is_invalidated, machine_setup),
        cmocka_unit_test_setup(a_full_table_goes_by_asid, machine_setup),
        cmocka_unit_test_setup(scenario_3b_adding_rights_invalidates_nothing, machine_setup),
        cmocka_unit_test_setup(scenario_3c_one_entry_gains_write_and_loses_execute, machine_setup),
        cmocka_unit_test_setup(scenario_3c_demotions_and_promotions_in_one_call, machine_setup),
        cmocka_unit_test_setup(granting_execute_synchronises_first, machine_setup),
        cmocka_unit_test_setup(device_memory_never_becomes_executable, machine_setup),
        cmocka_unit_test_setup(a_block_becomes_executable_in_slices, machine_setup),
        cmocka_unit_test_setup(another_block_is_synchronised_from_its_beginning, machine_setup),
        cmocka_unit_test_setup(rights_above_the_capabilitys_change_nothing, machine_setup),
        cmocka_unit_test_setup(cutting_a_block_changes_nothing, machine_setup),
        cmocka_unit_test_setup(a_dead_vspace_is_refused, machine_setup),
        cmocka_unit_test_setup(interrupts_delay_it_and_change_nothing_else, machine_setup),
        cmocka_unit_test_setup(what_comes_during_an_interrupt_is_judged_too, machine_setup),
        cmocka_unit_test_setup(what_another_took_is_completed_first, machine_setup),
        cmocka_unit_test_setup(scenario_3e_a_deleted_capability_during_a_demotion, machine_setup),
        cmocka_unit_test_setup(scenario_3g_no_update_of_hardware_is_lost, machine_setup),
        cmocka_unit_test_setup(scenario_3d_nothing_but_rights_changes_in_place, machine_setup),
        cmocka_unit_test(without_invalidation_the_model_objects),
    };
    return cmocka_run_group_tests_name("mmu.protect", tests, NULL, NULL);
}
