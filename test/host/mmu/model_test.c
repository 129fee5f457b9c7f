// SPDX-License-Identifier: BSD-2-Clause
// The machine model itself: litmus tests of what may be cached, what takes it away, and who may use
// it. That each rule of the architecture is noticed when it is broken is in the rules_*_test.c.
#include "litmus.h"

static void the_full_sequence_removes_a_leaf(void **state) {
    (void)state;
    bare_tables();
    assert_true(cached());
    clear_leaf();
    assert_true(cached());
    vmsa_dsb_ishst();
    assert_true(cached());
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    assert_true(cached());
    vmsa_dsb_ish();
    assert_false(cached());
    assert_int_equal(reported(), 0);
}

static void a_live_leaf_comes_back_at_once(void **state) {
    (void)state;
    bare_tables();
    assert_int_equal(vmsa_needless(), 0);
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_true(cached());
    assert_int_equal(vmsa_needless(), 1);
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND | 1);
    assert_int_equal(vmsa_needless(), 1);
}

static void an_untouched_leaf_is_not_cached(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 1, DESC(FRAME(2).v | desc_leaf_bits(3, &untouched)));
    assert_false(cached_page(1));
    vmsa_desc_write(chain[3], 1, DESC(FRAME(2).v | desc_leaf_bits(3, &touched)));
    assert_true(cached_page(1));
}

static void what_is_not_loaded_is_not_cached(void **state) {
    (void)state;
    paddr_t addresses[2];
    bare_tables();
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 0);
    vmsa_set_pe(1);
    vmsa_load_root(chain[0].v | OPERAND);
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 1);
    // Leaving the root takes nothing away.
    size_t before = vmsa_cached(ASID(LITMUS_ASID));
    vmsa_load_root(empty_root().v);
    assert_int_equal(vmsa_cached(ASID(LITMUS_ASID)), before);
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
    assert_int_equal(vmsa_cached(ASID(LITMUS_ASID)), 3); // two tables still linked, and the leaf
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    assert_false(cached());
}

static void a_prefix_outlives_the_levels_above_it(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[1], 0, DESC(0)); // the level 2 table, with a level 3 table below it
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND | TABLE_PAGES); // an address beside the level 3 table
    vmsa_dsb_ish();
    // What stands for the combined entry, from page 0's prefix straight to the level 3 table, is
    // left: a leaf written there now is found.
    vmsa_desc_write(chain[3], 1, DESC(FRAME(2).v | desc_leaf_bits(3, &touched)));
    assert_true(cached_page(1));
}

static void a_local_invalidation_is_local(void **state) {
    (void)state;
    paddr_t addresses[2];
    bare_tables();
    vmsa_set_pe(1);
    vmsa_load_root(chain[0].v | OPERAND);
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1, OPERAND);
    vmsa_dsb_nsh();
    assert_int_equal(vmsa_reachable(1, PAGE(0), addresses, 2), 0);
    assert_int_equal(vmsa_reachable(0, PAGE(0), addresses, 2), 1);
}

static void everything_of_one_pe(void **state) {
    (void)state;
    bare_tables();
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VMALLE1, 0);
    vmsa_dsb_nsh();
    assert_false(cached());
}

static void a_range_takes_walk_caches_or_leaves_only(void **state) {
    (void)state;
    const uint64_t whole = OPERAND | UINT64_C(1) << 46 | UINT64_C(1) << 44 | UINT64_C(7) << 39;
    for (unsigned walk = 0; walk < 2; walk++) {
        machine_setup(NULL);
        vmsa_features.range = true;
        bare_tables();
        vmsa_desc_write(chain[2], 0, DESC(0));
        vmsa_dsb_ishst();
        vmsa_tlbi(walk ? PORT_TLBI_RVAE1IS : PORT_TLBI_RVALE1IS, whole);
        vmsa_dsb_ish();
        assert_int_equal(cached(), !walk);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_full_sequence_removes_a_leaf, machine_setup),
        cmocka_unit_test_setup(a_live_leaf_comes_back_at_once, machine_setup),
        cmocka_unit_test_setup(an_untouched_leaf_is_not_cached, machine_setup),
        cmocka_unit_test_setup(what_is_not_loaded_is_not_cached, machine_setup),
        cmocka_unit_test_setup(an_unlinked_table_is_walked_on_until_its_descriptor_goes,
                               machine_setup),
        cmocka_unit_test_setup(an_address_elsewhere_takes_the_table_but_not_the_leaf,
                               machine_setup),
        cmocka_unit_test_setup(a_prefix_outlives_the_levels_above_it, machine_setup),
        cmocka_unit_test_setup(a_local_invalidation_is_local, machine_setup),
        cmocka_unit_test_setup(everything_of_one_pe, machine_setup),
        cmocka_unit_test(a_range_takes_walk_caches_or_leaves_only),
        cmocka_unit_test_setup(locks_out_of_order, machine_setup),
    };
    return cmocka_run_group_tests_name("vmsa", tests, NULL, NULL);
}
