// SPDX-License-Identifier: BSD-2-Clause
// The machine model notices what breaks the architecture's rules 22 to 41 (docs/verification.md):
// changes of live entries, address spaces, memory types and the instruction side.
#include "litmus.h"
#include <string.h>

static const struct leaf_attributes executable = {.execute = true, .accessed = true};

static uint64_t leaf_of(uint64_t frame, unsigned level, const struct leaf_attributes *attributes) {
    return FRAME(frame).v | desc_leaf_bits(level, attributes);
}

// ---- Changing live entries

static void rule_22_changes_that_want_a_break(void **state) {
    (void)state;
    static const uint64_t changes[] = {
        PAGE_BYTES,       // output address
        UINT64_C(1) << 2, // memory type
        UINT64_C(1) << 8, // shareability
        DESC_NOT_GLOBAL,
        UINT64_C(1) << 52, // contiguous
    };
    for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
        machine_setup(NULL);
        bare_tables();
        desc_t leaf = vmsa_desc_read(chain[3], 0);
        vmsa_desc_write(chain[3], 0, DESC(leaf.v ^ changes[i]));
        assert_true(vmsa_violations(VMSA_BREAK_BEFORE_MAKE) > 0);
    }
}

static void rule_22_changes_that_want_none(void **state) {
    (void)state;
    static const uint64_t changes[] = {DESC_READ_ONLY, DESC_WRITABLE, DESC_USER_NO_EXECUTE,
                                       DESC_ACCESSED,  DESC_AGED,     DESC_MAX_WRITE};
    for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
        machine_setup(NULL);
        bare_tables();
        desc_t leaf = vmsa_desc_read(chain[3], 0);
        vmsa_desc_write(chain[3], 0, DESC(leaf.v ^ changes[i]));
        assert_int_equal(reported(), 0);
    }
}

static void rule_22_a_break_must_be_complete(void **state) {
    (void)state;
    for (unsigned steps = 0; steps <= 3; steps++) {
        machine_setup(NULL);
        bare_tables();
        clear_leaf();
        if (steps > 0)
            vmsa_dsb_ishst();
        if (steps > 1)
            vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
        if (steps > 2)
            vmsa_dsb_ish();
        vmsa_desc_write(chain[3], 0, DESC(leaf_of(2, 3, &touched)));
        assert_int_equal(vmsa_violations(VMSA_BREAK_BEFORE_MAKE), steps < 3);
    }
}

static void rule_23_a_range_mapped_anew_before_the_finish(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    struct gather *gather = open_unmap(vspace, 3, 1);
    // Even if this one cannot be cached itself.
    vmsa_desc_write(leaf_table(vspace), 3, DESC(leaf_of(999, 3, &untouched)));
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
    gather_finish(gather);
}

static void rule_24_a_block_split_in_place(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[2], 1, DESC(leaf_of(512, 2, &touched)));
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) // the same translations, as pages
        vmsa_desc_write(spare_table(), i, DESC(leaf_of(512 + i, 3, &touched)));
    vmsa_dsb_ish();
    assert_int_equal(reported(), 0);
    vmsa_desc_write(chain[2], 1, desc_make_table(spare_table()));
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
}

static void rule_25_a_contiguous_leaf(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(2, 3, &touched) | UINT64_C(1) << 52));
    assert_true(reported_only(VMSA_ATTRIBUTES));
}

static void rule_26_a_demotion_relied_on_too_early(void **state) {
    (void)state;
    static const uint64_t demotions[] = {DESC_READ_ONLY, DESC_USER_NO_EXECUTE};
    const struct leaf_attributes all = {
        .write = true, .execute = true, .max_write = true, .accessed = true, .dirty = true};
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(demotions); i++) {
        bool right = i % 2 != 0;
        machine_setup(NULL);
        bare_tables();
        uint64_t leaf = leaf_of(2, 3, &all);
        vmsa_desc_write(chain[3], 1, DESC(leaf));
        vmsa_desc_exchange(chain[3], 1, DESC(leaf | demotions[i / 2]));
        vmsa_dsb_ishst();
        if (right)
            vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND | 1);
        vmsa_dsb_ish();
        vmsa_note(PORT_EVENT_RANGE_RELEASED, PAGE(1).v, OPERAND | 1);
        assert_int_equal(vmsa_violations(VMSA_REMOVAL_INCOMPLETE), !right);
    }
}

static void rule_27_a_promotion_leaves_an_entry_that_refuses(void **state) {
    (void)state;
    const struct leaf_attributes clean = {.write = true, .max_write = true, .accessed = true};
    for (unsigned dropped = 0; dropped < 2; dropped++) {
        machine_setup(NULL);
        struct vspace *vspace = prepared();
        struct gather *gather = gather_begin();
        map_level(gather, vspace, 30, 1, 30, LEAF_LEVEL, &clean);
        gather_finish(gather);
        desc_t leaf = vmsa_desc_read(leaf_table(vspace), 30);
        vmsa_desc_write(leaf_table(vspace), 30, DESC(leaf.v & ~DESC_READ_ONLY));
        vmsa_dsb_ishst();
        assert_int_equal(reported(), 0);
        assert_true(vmsa_refuses_writes(0, PAGE(30)));
        vmsa_log_reset();
        vmsa_faults.drop_tlbi = dropped != 0;
        assert_int_equal(mmu_fault(vspace, PAGE(30), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
        // Resolved, and the same fault would come again: what dropping no entry would do.
        assert_int_equal(vmsa_refuses_writes(0, PAGE(30)), dropped != 0);
        assert_int_equal(vmsa_log_count(), 1);
        assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1);
    }
}

static void rule_28_what_was_made_valid_and_not_ordered(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_log_reset();
    map_pages(vspace, 30, 2, 30);
    assert_int_equal(vmsa_unordered(0), 0);
    assert_int_equal(vmsa_log_count(), 0);
    vmsa_faults.drop_dsb_ishst = true;
    map_pages(vspace, 40, 2, 40);
    assert_int_equal(vmsa_unordered(0), 2); // accesses may still fault
}

static void rule_29_a_table_linked_before_its_zeroes(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_faults.drop_dmb_ishst = true;
    map_pages(vspace, 7 * TABLE_PAGES, 1, 0);
    assert_true(reported_only(VMSA_UNORDERED_CONTENTS));
}

static void rule_29_a_frame_linked_before_its_contents(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_frame_written(FRAME(30), PAGE_BYTES);
    map_pages(vspace, 30, 1, 30);
    assert_int_equal(reported(), 0);
    vmsa_frame_written(FRAME(31), PAGE_BYTES);
    vmsa_faults.drop_dmb_ishst = true;
    map_pages(vspace, 31, 1, 31);
    assert_true(reported_only(VMSA_UNORDERED_CONTENTS));
}

static void rule_30_a_plain_store_over_a_live_leaf(void **state) {
    (void)state;
    const struct leaf_attributes clean = {.write = true, .max_write = true};
    for (unsigned exchanged = 0; exchanged < 2; exchanged++) {
        machine_setup(NULL);
        bare_tables();
        vmsa_features.hardware_flags = true;
        vmsa_desc_write(chain[3], 1, DESC(leaf_of(2, 3, &clean)));
        if (exchanged) {
            desc_t old = vmsa_desc_exchange(chain[3], 1, DESC(0));
            assert_true(desc_is_dirty(old) && (old.v & DESC_ACCESSED) != 0);
            assert_int_equal(reported(), 0);
        } else {
            vmsa_desc_write(chain[3], 1, DESC(0));
            assert_true(reported_only(VMSA_LOST_UPDATE));
        }
    }
}

static void rule_30_a_value_read_before_the_update(void **state) {
    (void)state;
    const struct leaf_attributes clean = {.write = true, .max_write = true};
    bare_tables();
    vmsa_features.hardware_flags = true;
    desc_t leaf = DESC(leaf_of(2, 3, &clean)), found = leaf;
    vmsa_desc_write(chain[3], 1, leaf);
    assert_false(vmsa_desc_compare_exchange(chain[3], 1, &found, DESC(leaf.v | DESC_AGED)));
    assert_true(desc_is_dirty(found));
    assert_true(vmsa_desc_compare_exchange(chain[3], 1, &found, DESC(found.v | DESC_AGED)));
    assert_int_equal(reported(), 0);
}

static void rule_31_a_block_over_pages_still_cached(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[2], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND | 5); // takes the table, not page 0
    vmsa_dsb_ish();
    vmsa_desc_write(chain[2], 0, DESC(leaf_of(512, 2, &touched)));
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
}

static void rule_31_a_page_under_a_block_still_cached(void **state) {
    (void)state;
    bare_tables();
    vmsa_desc_write(chain[1], 1, DESC(leaf_of(GIB_PAGES, 1, &touched)));
    vmsa_desc_write(chain[1], 1, DESC(0));
    vmsa_dsb_ishst();
    vmsa_desc_write(chain[1], 1, desc_make_table(spare_table()));
    assert_true(reported_only(VMSA_BREAK_BEFORE_MAKE));
}

// ---- Address spaces

static void rule_32_an_asid_given_back_too_early(void **state) {
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

static void rule_34_a_root_with_the_asid_of_another(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    char *chunk = new_chunk();
    memset(chunk, 0, CHUNK_BYTES);
    paddr_t root = port_physical_address(chunk);
    vmsa_load_root(root.v | (uint64_t)asid_of(vspace).v << 48);
    assert_true(reported_only(VMSA_ASID_REUSED));
}

static void rule_35_a_root_released_while_loaded(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_note(PORT_EVENT_ROOT_RELEASED, vspace->ttbr0 & DESC_ADDRESS, asid_of(vspace).v);
    assert_int_equal(vmsa_violations(VMSA_ROOT_RELEASED), 2); // PEs 0 and 1
    assert_int_equal(vmsa_violations(VMSA_ASID_REUSED), 1);
}

static void rule_36_a_table_released_under_a_walk(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_set_pe(2);
    vmsa_walk_begin(asid_of(vspace));
    vmsa_set_pe(0);
    unmap_pages(vspace, GIB_PAGES, GIB_PAGES);
    assert_true(reported_only(VMSA_WALK_UNPROTECTED));
}

static void rule_37_a_root_loaded_as_common(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_load_root(vspace->ttbr0 | 1);
    assert_true(reported_only(VMSA_COMMON));
}

// ---- The instruction side and memory types

static void rule_38_execution_granted_too_early(void **state) {
    (void)state;
    bare_tables();
    vmsa_frame_written(FRAME(2), PAGE_BYTES);
    vmsa_dsb_ish();
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(2, 3, &read_only)));
    assert_int_equal(reported(), 0);
    vmsa_desc_write(chain[3], 2, DESC(leaf_of(2, 3, &executable)));
    assert_true(reported_only(VMSA_UNSYNCHRONISED));
    vmsa_sync_instructions(FRAME(2), PAGE_BYTES);
    vmsa_desc_write(chain[3], 3, DESC(leaf_of(2, 3, &executable)));
    assert_int_equal(reported(), 1);
    vmsa_frame_written(FRAME(2), PAGE_BYTES); // by its next owner
    vmsa_dsb_ish();
    vmsa_desc_write(chain[3], 4, DESC(leaf_of(2, 3, &executable)));
    assert_int_equal(reported(), 2);
}

static void rule_40_two_memory_types_of_one_frame(void **state) {
    (void)state;
    struct leaf_attributes other = touched;
    other.memory_type = SHEAF_MEMORY_NON_CACHEABLE;
    bare_tables(); // page 0 outputs frame 1
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(1, 3, &other)));
    assert_true(reported_only(VMSA_MISMATCHED));
    machine_setup(NULL);
    bare_tables();
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND);
    vmsa_dsb_ish();
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(1, 3, &other)));
    assert_int_equal(reported(), 0);
}

static void rule_40_a_user_leaf_beside_the_kernels_alias(void **state) {
    (void)state;
    struct leaf_attributes other = touched;
    other.memory_type = SHEAF_MEMORY_NON_CACHEABLE;
    bare_tables();
    vmsa_desc_write(spare_table(), 0, DESC(leaf_of(0, 1, &touched) & ~DESC_NOT_GLOBAL));
    paddr_t kernel_root = PADDR(spare_table().v + PAGE_BYTES);
    vmsa_desc_write(kernel_root, 0, desc_make_table(spare_table()));
    vmsa_dsb_ish();
    vmsa_load_kernel_root(kernel_root);
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(2, 3, &touched)));
    assert_int_equal(reported(), 0);
    vmsa_desc_write(chain[3], 2, DESC(leaf_of(3, 3, &other)));
    assert_true(reported_only(VMSA_MISMATCHED));
}

// The kernel's alias of a block becomes non-cacheable, properly, and a page of it is mapped so;
// with the caches maintained before the break, after the make, or not at all.
enum maintained { NEVER, BEFORE, AFTER };
static unsigned change_type(enum maintained when) {
    const uint64_t frame = VMSA_BASE + (UINT64_C(8) << 20), block = frame >> 21 & 511;
    struct leaf_attributes other = touched;
    other.memory_type = SHEAF_MEMORY_NON_CACHEABLE;
    machine_init_kernel_half((struct mmu_features){0}, BIT(24));
    bare_tables();
    vmsa_expect_violations();
    paddr_t table = PADDR(VMSA_BASE + CHUNK_BYTES / 2 + 2 * PAGE_BYTES);
    uint64_t alias = port_desc_read(table, (unsigned)block).v;
    if (when == BEFORE)
        vmsa_clean_and_invalidate(PADDR(frame), PAGE_BYTES);
    vmsa_desc_write(table, (unsigned)block, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VMALLE1IS, 0);
    vmsa_dsb_ish();
    vmsa_desc_write(table, (unsigned)block,
                    DESC(alias | SHEAF_MEMORY_NON_CACHEABLE << DESC_ATTRIBUTE_SHIFT));
    if (when == AFTER)
        vmsa_clean_and_invalidate(PADDR(frame), PAGE_BYTES);
    vmsa_desc_write(chain[3], 1, DESC(frame | desc_leaf_bits(3, &other)));
    return reported();
}

static void rule_40_what_a_cache_may_hold(void **state) {
    (void)state;
    assert_int_equal(change_type(AFTER), 0);
    assert_int_equal(change_type(NEVER), 1);
    assert_int_equal(change_type(BEFORE), 1); // fetched again, as long as the alias was cacheable
    assert_true(reported_only(VMSA_MISMATCHED));
}

static void rule_40_memory_out_of_the_kernels_map(void **state) {
    (void)state;
    machine_init_kernel_half((struct mmu_features){0}, BIT(24));
    vmsa_expect_violations();
    vmsa_kernel_writes(PADDR(VMSA_BASE + BIT(21)), BIT(21));
    vmsa_clean_and_invalidate(PADDR(VMSA_BASE + BIT(21)), 64);
    assert_int_equal(reported(), 0);
    vmsa_desc_write(PADDR(VMSA_BASE + CHUNK_BYTES / 2 + 2 * PAGE_BYTES), 1, DESC(0));
    vmsa_kernel_writes(PADDR(VMSA_BASE + BIT(21)), 64);
    vmsa_clean_and_invalidate(PADDR(VMSA_BASE + BIT(21)), 64);
    assert_int_equal(vmsa_violations(VMSA_NO_ALIAS), 2);
}

static void rule_41_device_memory_that_can_be_executed(void **state) {
    (void)state;
    struct leaf_attributes device = executable;
    device.memory_type = SHEAF_MEMORY_DEVICE;
    bare_tables();
    vmsa_desc_write(chain[3], 1, DESC(leaf_of(2, 3, &device)));
    assert_true(reported_only(VMSA_ATTRIBUTES));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_22_changes_that_want_a_break),
        cmocka_unit_test(rule_22_changes_that_want_none),
        cmocka_unit_test(rule_22_a_break_must_be_complete),
        cmocka_unit_test_setup(rule_23_a_range_mapped_anew_before_the_finish, machine_setup),
        cmocka_unit_test_setup(rule_24_a_block_split_in_place, machine_setup),
        cmocka_unit_test_setup(rule_25_a_contiguous_leaf, machine_setup),
        cmocka_unit_test(rule_26_a_demotion_relied_on_too_early),
        cmocka_unit_test(rule_27_a_promotion_leaves_an_entry_that_refuses),
        cmocka_unit_test_setup(rule_28_what_was_made_valid_and_not_ordered, machine_setup),
        cmocka_unit_test_setup(rule_29_a_table_linked_before_its_zeroes, machine_setup),
        cmocka_unit_test_setup(rule_29_a_frame_linked_before_its_contents, machine_setup),
        cmocka_unit_test(rule_30_a_plain_store_over_a_live_leaf),
        cmocka_unit_test_setup(rule_30_a_value_read_before_the_update, machine_setup),
        cmocka_unit_test_setup(rule_31_a_block_over_pages_still_cached, machine_setup),
        cmocka_unit_test_setup(rule_31_a_page_under_a_block_still_cached, machine_setup),
        cmocka_unit_test(rule_32_an_asid_given_back_too_early),
        cmocka_unit_test_setup(rule_34_a_root_with_the_asid_of_another, machine_setup),
        cmocka_unit_test_setup(rule_35_a_root_released_while_loaded, machine_setup),
        cmocka_unit_test_setup(rule_36_a_table_released_under_a_walk, machine_setup),
        cmocka_unit_test_setup(rule_37_a_root_loaded_as_common, machine_setup),
        cmocka_unit_test_setup(rule_38_execution_granted_too_early, machine_setup),
        cmocka_unit_test_setup(rule_40_two_memory_types_of_one_frame, machine_setup),
        cmocka_unit_test_setup(rule_40_a_user_leaf_beside_the_kernels_alias, machine_setup),
        cmocka_unit_test(rule_40_what_a_cache_may_hold),
        cmocka_unit_test(rule_40_memory_out_of_the_kernels_map),
        cmocka_unit_test_setup(rule_41_device_memory_that_can_be_executed, machine_setup),
    };
    return cmocka_run_group_tests_name("vmsa.rules_change", tests, NULL, NULL);
}
