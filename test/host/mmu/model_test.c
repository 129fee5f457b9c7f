// SPDX-License-Identifier: BSD-2-Clause
// The machine model itself: litmus tests of what it permits, and for each thing that can be done
// wrong, that it is noticed. A model that reports nothing proves nothing.
#include "support.h"

#include <layout.h>
#include <string.h>

static bool reported_only(enum vmsa_rule rule) {
    for (unsigned other = 0; other < VMSA_RULES; other++) {
        if (other != (unsigned)rule && vmsa_violations(other) != 0) {
            print_message("# also reported: %s\n", vmsa_rule_name(other));
            return false;
        }
    }
    return vmsa_violations(rule) != 0;
}

static unsigned reported(void) {
    unsigned count = 0;
    for (unsigned rule = 0; rule < VMSA_RULES; rule++)
        count += vmsa_violations(rule);
    return count;
}

// ---- Faults of the port under the real code

static struct vspace *prepared(void) {
    struct vspace *vspace = new_vspace(1);
    vmsa_set_pe(1);
    vspace_activate(vspace);
    vmsa_set_pe(0);
    map_pages(vspace, 0, 20, 0);
    map_pages(vspace, GIB_PAGES, 4, 100);
    vmsa_expect_violations();
    return vspace;
}

// UNMAP of leaves only, and of a table with what hangs below it.
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

static void no_completing_barrier(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_dsb_ish = true});
}

static void no_barrier_before_the_invalidation(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_dsb_ishst = true});
}

static void no_invalidation(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.drop_tlbi = true});
}

static void local_for_broadcast(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.local_only = true});
}

static void wrong_asid(void **state) {
    (void)state;
    assert_noticed((struct vmsa_faults){.wrong_asid = true});
}

static void wrong_page(void **state) {
    (void)state;
    unsigned leaves, tables;
    struct vspace *vspace = prepared();
    vmsa_faults.next_page = true;
    run_both(vspace, &leaves, &tables);
    assert_true(leaves > 0 && tables > 0);
}

static void last_level_only_for_a_freed_table(void **state) {
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

static void contents_not_ordered_before_the_link(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_faults.drop_dmb_ishst = true;
    map_pages(vspace, 7 * TABLE_PAGES, 1, 0);
    assert_true(reported_only(VMSA_UNORDERED_CONTENTS));
}

static void dropped_for_a_dying_vspace(void **state) {
    (void)state;
    static const struct vmsa_faults faults[] = {
        {.drop_tlbi = true}, {.drop_dsb_ish = true}, {.local_only = true}, {.wrong_asid = true}};
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        machine_setup(NULL);
        struct vspace *vspace = prepared();
        vmsa_faults = faults[i];
        vspace_destroy(vspace);
        assert_true(reported_only(VMSA_ASID_REUSED));
    }
}

// ---- Things done too early

static struct gather *open_unmap(struct vspace *vspace, uint64_t page, uint64_t pages) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    return gather;
}

static void a_frame_reused_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_frame_reused(FRAME(15), PAGE_BYTES); // while still mapped
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
    struct gather *gather = open_unmap(vspace, 3, 1);
    vmsa_frame_reused(FRAME(3), PAGE_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 2);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(3), PAGE_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 2);
    assert_true(reported_only(VMSA_FRAME_REUSED));
}

static void a_table_taken_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    paddr_t table = PADDR(0);
    unsigned level;
    uint64_t root = vspace->ttbr0 & DESC_ADDRESS;
    assert_true(find_leaf(vspace, GIB_PAGES, &level) != 0);
    table = desc_address(vmsa_desc_read(PADDR(root), 0));
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

static void memory_of_a_table_given_away(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_frame_reused(port_physical_address(vspace_chunk(vspace, 0)), CHUNK_BYTES);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
}

static void a_range_mapped_anew_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    struct gather *gather = open_unmap(vspace, 3, 1);
    paddr_t table = PADDR(vspace->ttbr0 & DESC_ADDRESS);
    for (unsigned level = 0; level < 3; level++)
        table = desc_address(vmsa_desc_read(table, 0));
    uint64_t leaf = FRAME(999).v | desc_leaf_bits(3, &untouched);
    vmsa_desc_write(table, 3, DESC(leaf)); // even if this one cannot be cached itself
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
    gather_finish(gather);
}

static void a_live_leaf_overwritten(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    paddr_t table = PADDR(vspace->ttbr0 & DESC_ADDRESS);
    for (unsigned level = 0; level < 3; level++)
        table = desc_address(vmsa_desc_read(table, 0));
    desc_t leaf = vmsa_desc_read(table, 3);
    vmsa_desc_write(table, 3, DESC(leaf.v | DESC_READ_ONLY)); // rights may change in place
    assert_int_equal(reported(), 0);
    vmsa_desc_write(table, 3, DESC(leaf.v ^ PAGE_BYTES)); // the output address may not
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
}

static void a_block_over_pages_still_cached(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    struct gather *gather = open_unmap(vspace, 0, TABLE_PAGES);
    paddr_t table = PADDR(vspace->ttbr0 & DESC_ADDRESS);
    for (unsigned level = 0; level < 2; level++)
        table = desc_address(vmsa_desc_read(table, 0));
    vmsa_desc_write(table, 0, DESC(FRAME(512).v | desc_leaf_bits(2, &touched)));
    assert_true(vmsa_violations(VMSA_BREAK_BEFORE_MAKE) > 0);
    gather_finish(gather);
}

static void a_root_released_while_loaded(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_note(PORT_EVENT_ROOT_RELEASED, vspace->ttbr0 & DESC_ADDRESS, asid_of(vspace).v);
    assert_int_equal(vmsa_violations(VMSA_ROOT_RELEASED), 2); // PEs 0 and 1
    assert_int_equal(vmsa_violations(VMSA_ASID_REUSED), 1);
}

static void an_asid_loaded_with_another_root(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    char *chunk = new_chunk();
    memset(chunk, 0, CHUNK_BYTES);
    paddr_t root = port_physical_address(chunk);
    vmsa_load_root(root.v | (uint64_t)asid_of(vspace).v << 48);
    assert_true(reported_only(VMSA_ASID_REUSED));
}

static void preemption_between_invalidation_and_barrier(void **state) {
    (void)state;
    prepared();
    vmsa_preemption_pending();
    assert_int_equal(reported(), 0);
    vmsa_tlbi(PORT_TLBI_VALE1IS, BIT(48));
    vmsa_preemption_pending();
    assert_true(reported_only(VMSA_PREEMPTIBLE));
}

static void address_bits_in_the_hint(void **state) {
    (void)state;
    prepared();
    vmsa_tlbi(PORT_TLBI_VALE1IS, BIT(48) | BIT(44));
    assert_true(reported_only(VMSA_HINT));
}

static void locks_out_of_order(void **state) {
    (void)state;
    struct lock vspace, tree, other;
    lock_init(&vspace, LOCK_VSPACE);
    lock_init(&tree, LOCK_TREE);
    lock_init(&other, LOCK_VSPACE);
    vmsa_expect_violations();
    lock_acquire(&tree);
    lock_acquire(&vspace);
    assert_int_equal(reported(), 0);
    lock_release(&vspace);
    lock_release(&tree);
    lock_acquire(&vspace);
    lock_acquire(&tree); // against the order
    assert_int_equal(vmsa_violations(VMSA_LOCK_ORDER), 1);
    lock_release(&tree);
    lock_acquire(&other); // two of a kind
    assert_int_equal(vmsa_violations(VMSA_LOCK_ORDER), 2);
    lock_release(&other);
    lock_release(&vspace);
}

static void a_table_released_under_a_walk(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_set_pe(2);
    vmsa_walk_begin(asid_of(vspace));
    vmsa_set_pe(0);
    unmap_pages(vspace, GIB_PAGES, GIB_PAGES);
    assert_true(reported_only(VMSA_WALK_UNPROTECTED));
}

// ---- Litmus tests on bare tables: one root, ASID 9, page 0 behind three tables

static paddr_t chain[4];

static void bare_tables(void) {
    char *memory = new_chunk();
    memset(memory, 0, CHUNK_BYTES);
    for (unsigned level = 0; level < 4; level++)
        chain[level] = PADDR(port_physical_address(memory).v + level * PAGE_BYTES);
    for (unsigned level = 0; level < 3; level++)
        vmsa_desc_write(chain[level], 0, desc_make_table(chain[level + 1]));
    vmsa_desc_write(chain[3], 0, DESC(FRAME(1).v | desc_leaf_bits(3, &touched)));
    vmsa_dsb_ish();
    vmsa_load_root(chain[0].v | UINT64_C(9) << 48);
    vmsa_expect_violations();
}

static bool cached(void) {
    paddr_t addresses[2];
    return vmsa_reachable(0, PAGE(0), addresses, 2) != 0;
}

#define OPERAND (UINT64_C(9) << 48)

static void the_full_sequence_removes_a_leaf(void **state) {
    (void)state;
    bare_tables();
    assert_true(cached());
    vmsa_desc_write(chain[3], 0, DESC(0));
    assert_true(cached());
    vmsa_dsb_ishst();
    assert_true(cached());
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    assert_true(cached());
    vmsa_dsb_ish();
    assert_false(cached());
}

static void a_dmb_orders_no_store_before_a_tlbi(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 0, DESC(0));
    vmsa_dmb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached());
}

static void a_store_barrier_completes_no_tlbi(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ishst();
    vmsa_dsb_nsh();
    assert_true(cached());
}

static void scenario_1f_another_pes_barrier_completes_no_tlbi(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_set_pe(1);
    vmsa_dsb_ish();
    vmsa_set_pe(0);
    assert_true(cached());
    vmsa_dsb_ish();
    assert_false(cached());
}

static void a_live_leaf_comes_back_at_once(void **state) {
    (void)state;
    bare_tables();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached());
}

static void an_untouched_leaf_is_not_cached(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 1, DESC(FRAME(2).v | desc_leaf_bits(3, &untouched)));
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(0, PAGE(1), addresses, 2), 0);
    vmsa_desc_write(chain[3], 1, DESC(FRAME(2).v | desc_leaf_bits(3, &touched)));
    assert_int_equal(vmsa_reachable(0, PAGE(1), addresses, 2), 1);
}

static void what_is_not_loaded_is_not_cached(void **state) {
    (void)state;
    bare_tables();
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 0);
    vmsa_set_pe(1);
    vmsa_load_root(chain[0].v | UINT64_C(9) << 48);
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 1);
    // Leaving the root takes nothing away.
    size_t before = vmsa_cached(ASID(9));
    vmsa_load_root(empty_root().v);
    assert_int_equal(vmsa_cached(ASID(9)), before);
}

static void an_unlinked_table_is_walked_on_until_its_descriptor_goes(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[2], 0, DESC(0)); // unlinks the level 3 table, its leaf stays in it
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached()); // fetched again through the cached table descriptor
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_false(cached());
}

static void an_address_elsewhere_takes_the_table_but_not_the_leaf(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[2], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND | 5); // page 5: same table, other leaf
    vmsa_dsb_ish();
    assert_true(cached());
    assert_int_equal(vmsa_cached(ASID(9)), 3); // two tables still linked, and the leaf
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_false(cached());
}

static void a_subtree_needs_an_address_for_each_lower_table(void **state) {
    (void)state;
    bare_tables();
    // A second level 3 table under the same level 2 table.
    paddr_t second = PADDR(chain[3].v + PAGE_BYTES);
    vmsa_desc_write(chain[2], 1, desc_make_table(second));
    vmsa_dsb_ish();
    vmsa_desc_write(chain[1], 0, DESC(0)); // unlinks the level 2 table
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND);
    vmsa_dsb_ish();
    vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[2].v, 9);
    vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[3].v, 9);
    assert_int_equal(reported(), 0);
    vmsa_note(PORT_EVENT_TABLE_TAKEN, second.v, 9); // kept as a prefix that skips upper levels
    assert_true(reported_only(VMSA_TABLE_REUSED));
}

static void scenario_stores_of_another_pe_want_a_full_barrier(void **state) {
    (void)state;
    struct lock lock;
    for (unsigned full = 0; full < 2; full++) {
        machine_setup(NULL);
        bare_tables();
        lock_init(&lock, LOCK_VSPACE);
        lock_acquire(&lock);
        vmsa_desc_write(chain[3], 0, DESC(0));
        lock_release(&lock);
        vmsa_set_pe(1);
        lock_acquire(&lock);
        if (full)
            vmsa_dsb_ish();
        else
            vmsa_dsb_ishst();
        vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
        vmsa_dsb_ish();
        lock_release(&lock);
        assert_int_equal(cached(), !full);
    }
}

static void without_the_lock_no_barrier_helps(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 0, DESC(0));
    vmsa_set_pe(1);
    vmsa_dsb_ish();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached());
}

static void a_local_invalidation_is_local(void **state) {
    (void)state;
    bare_tables();
    vmsa_set_pe(1);
    vmsa_load_root(chain[0].v | UINT64_C(9) << 48);
    vmsa_desc_write(chain[3], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1, OPERAND);
    vmsa_dsb_nsh();
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 0);
    assert_int_equal(vmsa_reachable(0, PAGE(0), addresses, 2), 1);
}

static void operations_over_all_asids(void **state) {
    (void)state;
    static const enum port_tlbi kinds[] = {PORT_TLBI_VAAE1IS, PORT_TLBI_VAALE1IS,
                                           PORT_TLBI_VMALLE1IS, PORT_TLBI_VMALLE1};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        machine_setup(NULL);
        bare_tables();
        vmsa_desc_write(chain[3], 0, DESC(0));
        vmsa_dsb_ishst();
        vmsa_tlbi(kinds[i], 0);
        vmsa_dsb_ish();
        if (kinds[i] == PORT_TLBI_VMALLE1)
            vmsa_dsb_nsh();
        assert_false(cached());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_faults_nothing_is_reported, machine_setup),
        cmocka_unit_test_setup(no_completing_barrier, machine_setup),
        cmocka_unit_test_setup(no_barrier_before_the_invalidation, machine_setup),
        cmocka_unit_test_setup(no_invalidation, machine_setup),
        cmocka_unit_test_setup(local_for_broadcast, machine_setup),
        cmocka_unit_test_setup(wrong_asid, machine_setup),
        cmocka_unit_test_setup(wrong_page, machine_setup),
        cmocka_unit_test_setup(last_level_only_for_a_freed_table, machine_setup),
        cmocka_unit_test_setup(contents_not_ordered_before_the_link, machine_setup),
        cmocka_unit_test(dropped_for_a_dying_vspace),
        cmocka_unit_test_setup(a_frame_reused_before_the_finish, machine_setup),
        cmocka_unit_test_setup(a_table_taken_before_the_finish, machine_setup),
        cmocka_unit_test_setup(memory_of_a_table_given_away, machine_setup),
        cmocka_unit_test_setup(a_range_mapped_anew_before_the_finish, machine_setup),
        cmocka_unit_test_setup(a_live_leaf_overwritten, machine_setup),
        cmocka_unit_test_setup(a_block_over_pages_still_cached, machine_setup),
        cmocka_unit_test_setup(a_root_released_while_loaded, machine_setup),
        cmocka_unit_test_setup(an_asid_loaded_with_another_root, machine_setup),
        cmocka_unit_test_setup(preemption_between_invalidation_and_barrier, machine_setup),
        cmocka_unit_test_setup(address_bits_in_the_hint, machine_setup),
        cmocka_unit_test_setup(locks_out_of_order, machine_setup),
        cmocka_unit_test_setup(a_table_released_under_a_walk, machine_setup),
        cmocka_unit_test_setup(the_full_sequence_removes_a_leaf, machine_setup),
        cmocka_unit_test_setup(a_dmb_orders_no_store_before_a_tlbi, machine_setup),
        cmocka_unit_test_setup(a_store_barrier_completes_no_tlbi, machine_setup),
        cmocka_unit_test_setup(scenario_1f_another_pes_barrier_completes_no_tlbi, machine_setup),
        cmocka_unit_test_setup(a_live_leaf_comes_back_at_once, machine_setup),
        cmocka_unit_test_setup(an_untouched_leaf_is_not_cached, machine_setup),
        cmocka_unit_test_setup(what_is_not_loaded_is_not_cached, machine_setup),
        cmocka_unit_test_setup(an_unlinked_table_is_walked_on_until_its_descriptor_goes,
                               machine_setup),
        cmocka_unit_test_setup(an_address_elsewhere_takes_the_table_but_not_the_leaf,
                               machine_setup),
        cmocka_unit_test_setup(a_subtree_needs_an_address_for_each_lower_table, machine_setup),
        cmocka_unit_test(scenario_stores_of_another_pe_want_a_full_barrier),
        cmocka_unit_test_setup(without_the_lock_no_barrier_helps, machine_setup),
        cmocka_unit_test_setup(a_local_invalidation_is_local, machine_setup),
        cmocka_unit_test(operations_over_all_asids),
    };
    return cmocka_run_group_tests_name("vmsa", tests, NULL, NULL);
}
