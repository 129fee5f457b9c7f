// SPDX-License-Identifier: BSD-2-Clause
// The machine model notices what breaks the architecture's rules 1 to 13 (docs/verification.md):
// order and completion, domain, leaves and walk caches. Each test does the wrong thing and shows
// what is reported or stays usable; where it is short, the right thing beside it.
#include "litmus.h"

// ---- Faults of the port under the real code

// UNMAP of leaves only, then of a table with what hangs below it: what is reported for each.
static void run_both(struct vspace *vspace, unsigned *leaves, unsigned *tables) {
    unmap_pages(vspace, 3, 2);
    *leaves = vmsa_violations(VMSA_REMOVAL_INCOMPLETE);
    unmap_pages(vspace, GIB_PAGES, GIB_PAGES);
    *tables = vmsa_violations(VMSA_REMOVAL_INCOMPLETE) - *leaves;
}

static void assert_noticed(struct vmsa_faults faults) {
    unsigned leaves, tables;
    struct vspace *vspace = prepared();
    vmsa_faults = faults;
    run_both(vspace, &leaves, &tables);
    assert_true(leaves > 0);
    assert_true(tables > 0);
}

static void without_faults_nothing_is_reported(void **state) {
    (void)state;
    unsigned leaves, tables;
    run_both(prepared(), &leaves, &tables);
    assert_int_equal(reported(), 0);
}

static void rule_01_no_barrier_before_the_invalidation(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_dsb_ishst = true});
}

static void rule_01_a_dmb_orders_no_store_before_a_tlbi(void **state) {
    (void)state;
    bare_tables();
    clear_leaf();
    vmsa_dmb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached());
}

// Whether what PE 1 does about a store of PE 0 takes the leaf away.
static bool another_pe_removes(bool with_lock, bool full) {
    struct lock lock;
    machine_setup(NULL);
    bare_tables();
    lock_init(&lock, LOCK_VSPACE);
    if (with_lock)
        lock_acquire(&lock);
    clear_leaf();
    if (with_lock)
        lock_release(&lock);
    vmsa_set_pe(1);
    if (with_lock)
        lock_acquire(&lock);
    if (full)
        vmsa_dsb_ish();
    else
        vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    if (with_lock)
        lock_release(&lock);
    return !cached();
}

static void rule_01_stores_of_another_pe_want_its_lock_and_a_full_dsb(void **state) {
    (void)state;
    assert_true(another_pe_removes(true, true));
    assert_false(another_pe_removes(true, false));
    assert_false(another_pe_removes(false, true));
    assert_false(another_pe_removes(false, false));
}

static void rule_02_no_completing_barrier(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_dsb_ish = true});
}

static void rule_02_no_invalidation(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_tlbi = true});
}

static void rule_02_weaker_barriers_complete_no_tlbi(void **state) {
    (void)state;
    bare_tables();
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ishst();
    vmsa_dsb_nsh();
    vmsa_dmb_ishst();
    assert_true(cached());
    vmsa_dsb_ish();
    assert_false(cached());
}

static void rule_03_a_frame_reused_before_the_barrier(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    paddr_t addresses[2];
    vmsa_frame_reused(FRAME(15), PAGE_BYTES); // while still mapped
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
    struct gather *gather = open_unmap(vspace, 3, 1);
    assert_int_equal(vmsa_reachable(1, PAGE(3), addresses, 2), 1);
    vmsa_frame_reused(FRAME(3), PAGE_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 2);
    gather_finish(gather);
    assert_int_equal(vmsa_reachable(1, PAGE(3), addresses, 2), 0);
    vmsa_frame_reused(FRAME(3), PAGE_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 2);
    assert_true(reported_only(VMSA_FRAME_REUSED));
}

static void rule_04_preemption_between_invalidation_and_barrier(void **state) {
    (void)state;
    prepared();
    vmsa_preemption_pending();
    assert_int_equal(reported(), 0);
    vmsa_tlbi(PORT_TLBI_VALE1IS, BIT(48));
    vmsa_preemption_pending();
    assert_true(reported_only(VMSA_PREEMPTIBLE));
}

static void rule_04_scenario_1f_another_pes_barrier_completes_no_tlbi(void **state) {
    (void)state;
    bare_tables();
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_set_pe(1);
    vmsa_dsb_ish();
    vmsa_set_pe(0);
    assert_true(cached());
    vmsa_dsb_ish();
    assert_false(cached());
}

static void rule_05_a_table_linked_through_or_taken_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    paddr_t table = desc_address(vmsa_desc_read(PADDR(vspace->ttbr0 & DESC_ADDRESS), 0));
    table = desc_address(vmsa_desc_read(table, 1)); // the level 2 table of the second GiB
    struct gather *gather = open_unmap(vspace, GIB_PAGES, GIB_PAGES);
    vmsa_note(PORT_EVENT_TABLE_TAKEN, table.v, asid_of(vspace).v);
    assert_int_equal(vmsa_violations(VMSA_TABLE_REUSED), 1);
    vmsa_desc_write(table, 0, DESC(0)); // as a free list inside the table would
    assert_int_equal(vmsa_violations(VMSA_TABLE_REUSED), 2);
    gather_finish(gather);
    vmsa_note(PORT_EVENT_TABLE_TAKEN, table.v, asid_of(vspace).v);
    assert_int_equal(vmsa_violations(VMSA_TABLE_REUSED), 2);
    assert_true(reported_only(VMSA_TABLE_REUSED));
}

static void rule_05_a_range_said_to_be_removed_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    uint64_t range = (uint64_t)asid_of(vspace).v << 48 | 1;
    struct gather *gather = open_unmap(vspace, 3, 1);
    vmsa_note(PORT_EVENT_RANGE_RELEASED, PAGE(3).v, range);
    assert_true(reported_only(VMSA_REMOVAL_INCOMPLETE));
    gather_finish(gather);
    vmsa_note(PORT_EVENT_RANGE_RELEASED, PAGE(3).v, range);
    assert_int_equal(reported(), 1);
}

static void rule_05_memory_of_tables_given_away(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_frame_reused(port_physical_address(vspace_chunk(vspace, 0)), CHUNK_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
}

static void rule_06_an_invalidation_not_repeated(void **state) {
    (void)state;
    for (unsigned known = 0; known < 2; known++) {
        unsigned leaves, tables;
        machine_init(8, 0, (struct mmu_features){.repeat_tlbi = known != 0});
        vmsa_features.repeat_tlbi = true;
        struct vspace *vspace = prepared();
        run_both(vspace, &leaves, &tables);
        assert_int_equal(leaves > 0, !known);
        vspace_destroy(vspace);
        assert_int_equal(vmsa_violations(VMSA_ASID_REUSED) > 0, !known);
    }
}

static void rule_07_the_own_kernel_before_its_context_is_synchronised(void **state) {
    (void)state;
    paddr_t addresses[2];
    bare_tables();
    vmsa_features.late_context = true;
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_false(cached()); // user space: an exception return comes first
    assert_int_equal(vmsa_reachable_by_kernel(0, PAGE(0), addresses, 2), 1);
    vmsa_faults.drop_isb = true;
    vmsa_isb();
    assert_int_equal(vmsa_reachable_by_kernel(0, PAGE(0), addresses, 2), 1);
    vmsa_faults.drop_isb = false;
    vmsa_isb();
    assert_int_equal(vmsa_reachable_by_kernel(0, PAGE(0), addresses, 2), 0);
}

static void rule_09_local_for_broadcast(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.local_only = true});
}

static void rule_09_memory_that_is_not_inner_shareable(void **state) {
    (void)state;
    bare_tables();
    uint64_t leaf = FRAME(2).v | desc_leaf_bits(3, &touched);
    vmsa_desc_write(chain[3], 1, DESC(leaf & ~BIT(8))); // outer shareable
    assert_true(reported_only(VMSA_ATTRIBUTES));
}

static void rule_11_last_level_only_for_a_freed_table(void **state) {
    (void)state;
    unsigned leaves, tables;
    struct vspace *vspace = prepared();
    vmsa_faults.last_level_only = true;
    run_both(vspace, &leaves, &tables);
    assert_int_equal(leaves, 0); // enough for leaves
    assert_true(tables > 0);
    map_pages(vspace, 5 * GIB_PAGES, 1, 0); // takes the table again
    assert_true(vmsa_violations(VMSA_TABLE_REUSED) > 0);
}

static void rule_12_a_subtree_with_one_address(void **state) {
    (void)state;
    bare_tables();
    // A second level 3 table under the same level 2 table.
    vmsa_desc_write(chain[2], 1, desc_make_table(spare_table()));
    vmsa_dsb_ish();
    vmsa_desc_write(chain[1], 0, DESC(0)); // unlinks the level 2 table
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND);
    vmsa_dsb_ish();
    vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[2].v, LITMUS_ASID);
    vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[3].v, LITMUS_ASID);
    assert_int_equal(reported(), 0);
    // Kept by its prefix, without the levels above.
    vmsa_note(PORT_EVENT_TABLE_TAKEN, spare_table().v, LITMUS_ASID);
    assert_true(reported_only(VMSA_TABLE_REUSED));
}

// Page 0's table is unhooked with its leaf in it; the invalidation names `page`.
static void unhook_with_a_leaf(uint64_t page) {
    machine_setup(NULL);
    bare_tables();
    vmsa_desc_write(chain[2], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND | page);
    vmsa_dsb_ish();
    vmsa_note(PORT_EVENT_RANGE_RELEASED, 0, OPERAND | TABLE_PAGES);
}

static void rule_13_a_leaf_forgotten_in_an_unhooked_table(void **state) {
    (void)state;
    unhook_with_a_leaf(0);
    assert_false(cached());
    assert_int_equal(reported(), 0);
    unhook_with_a_leaf(5);
    assert_true(cached());
    assert_true(reported_only(VMSA_REMOVAL_INCOMPLETE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_faults_nothing_is_reported, machine_setup),
        cmocka_unit_test_setup(rule_01_no_barrier_before_the_invalidation, machine_setup),
        cmocka_unit_test_setup(rule_01_a_dmb_orders_no_store_before_a_tlbi, machine_setup),
        cmocka_unit_test(rule_01_stores_of_another_pe_want_its_lock_and_a_full_dsb),
        cmocka_unit_test_setup(rule_02_no_completing_barrier, machine_setup),
        cmocka_unit_test_setup(rule_02_no_invalidation, machine_setup),
        cmocka_unit_test_setup(rule_02_weaker_barriers_complete_no_tlbi, machine_setup),
        cmocka_unit_test_setup(rule_03_a_frame_reused_before_the_barrier, machine_setup),
        cmocka_unit_test_setup(rule_04_preemption_between_invalidation_and_barrier, machine_setup),
        cmocka_unit_test_setup(rule_04_scenario_1f_another_pes_barrier_completes_no_tlbi,
                               machine_setup),
        cmocka_unit_test_setup(rule_05_a_table_linked_through_or_taken_before_the_finish,
                               machine_setup),
        cmocka_unit_test_setup(rule_05_a_range_said_to_be_removed_before_the_finish, machine_setup),
        cmocka_unit_test_setup(rule_05_memory_of_tables_given_away, machine_setup),
        cmocka_unit_test(rule_06_an_invalidation_not_repeated),
        cmocka_unit_test_setup(rule_07_the_own_kernel_before_its_context_is_synchronised,
                               machine_setup),
        cmocka_unit_test_setup(rule_09_local_for_broadcast, machine_setup),
        cmocka_unit_test_setup(rule_09_memory_that_is_not_inner_shareable, machine_setup),
        cmocka_unit_test_setup(rule_11_last_level_only_for_a_freed_table, machine_setup),
        cmocka_unit_test_setup(rule_12_a_subtree_with_one_address, machine_setup),
        cmocka_unit_test(rule_13_a_leaf_forgotten_in_an_unhooked_table),
    };
    return cmocka_run_group_tests_name("vmsa.rules_order", tests, NULL, NULL);
}
