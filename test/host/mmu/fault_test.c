// SPDX-License-Identifier: BSD-2-Clause
// Faults: what the kernel resolves on the spot, and what it passes on.
#include "support.h"

#include <descriptor.h>

static struct vspace *with_page(const struct leaf_attributes *attributes) {
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 5, 1, 50, 3, attributes);
    gather_finish(gather);
    vmsa_log_reset();
    return vspace;
}

static uint64_t leaf_at_5(const struct vspace *vspace) {
    unsigned level;
    return find_leaf(vspace, 5, &level);
}

static void nothing_there_is_a_translation_fault(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&touched);
    assert_int_equal(mmu_fault(vspace, PAGE(6), SHEAF_ACCESS_READ), MMU_FAULT_TRANSLATION);
    assert_int_equal(mmu_fault(vspace, PAGE(GIB_PAGES), SHEAF_ACCESS_READ), MMU_FAULT_TRANSLATION);
    assert_int_equal(mmu_fault(vspace, VADDR(BIT(48) | 0x5000), SHEAF_ACCESS_READ),
                     MMU_FAULT_TRANSLATION);
    assert_int_equal(mmu_fault(vspace, VADDR(UINT64_C(0xffff000000005000)), SHEAF_ACCESS_READ),
                     MMU_FAULT_TRANSLATION);
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
}

static void at_most_four_loads(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&touched);
    uint64_t reads = vmsa_reads();
    mmu_fault(vspace, PAGE(6), SHEAF_ACCESS_READ);
    assert_int_equal(vmsa_reads() - reads, 4);
}

static void rights_are_kept(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&read_only);
    uint64_t before = leaf_at_5(vspace);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_PERMISSION);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_EXECUTE), MMU_FAULT_PERMISSION);
    assert_int_equal(leaf_at_5(vspace), before);
}

static void the_access_flag_is_set_without_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&untouched);
    uint64_t before = leaf_at_5(vspace);
    assert_int_equal(mmu_fault(vspace, VADDR(0x5123), SHEAF_ACCESS_READ), MMU_FAULT_RESOLVED);
    assert_int_equal(leaf_at_5(vspace), before | BIT(10));
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_ACCESS_FLAG), 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_DIRTY), 0);
}

static void a_write_sets_both_bits_at_once(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&untouched);
    uint64_t before = leaf_at_5(vspace);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_int_equal(leaf_at_5(vspace), (before | BIT(10)) & ~BIT(7));
    assert_int_equal(vmsa_log_count(), 0); // an untouched leaf is cached nowhere
}

static void the_first_write_to_a_clean_page_drops_the_read_only_entry(void **state) {
    (void)state;
    static const struct leaf_attributes clean = {.write = true, .accessed = true};
    struct vspace *vspace = with_page(&clean);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_true(desc_is_dirty(DESC(leaf_at_5(vspace))));
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_DIRTY), 1);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1);
    assert_int_equal(vmsa_log()[0].operand, (uint64_t)asid_of(vspace).v << 48 | 5);
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(0, PAGE(5), addresses, 2), 1);
}

static void a_stale_entry_is_dropped_and_nobody_killed(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&touched);
    uint64_t before = leaf_at_5(vspace);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_int_equal(leaf_at_5(vspace), before);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_STALE), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1);
}

static void execution_is_allowed_where_mapped_so(void **state) {
    (void)state;
    static const struct leaf_attributes code = {.execute = true};
    struct vspace *vspace = with_page(&code);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_EXECUTE), MMU_FAULT_RESOLVED);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_PERMISSION);
}

static void blocks_are_resolved_too(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    unsigned level;
    map_level(gather, vspace, TABLE_PAGES, TABLE_PAGES, 0, 2, &untouched);
    map_level(gather, vspace, GIB_PAGES, GIB_PAGES, 0, 1, &untouched);
    gather_finish(gather);
    assert_int_equal(mmu_fault(vspace, PAGE(TABLE_PAGES + 77), SHEAF_ACCESS_WRITE),
                     MMU_FAULT_RESOLVED);
    assert_true(desc_is_dirty(DESC(find_leaf(vspace, TABLE_PAGES, &level))));
    assert_int_equal(mmu_fault(vspace, PAGE(GIB_PAGES + 77777), SHEAF_ACCESS_READ),
                     MMU_FAULT_RESOLVED);
    assert_false(desc_is_untouched(DESC(find_leaf(vspace, GIB_PAGES, &level))));
}

static void what_a_fault_touched_is_reported_and_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&untouched);
    mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE);
    uint8_t report = 0;
    struct gather_totals totals;
    unmap_flags(vspace, 5, 1, SHEAF_OP_REPORT, &report, &totals);
    assert_int_equal(report, SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    assert_int_equal(totals.tlbi, 1);
    vmsa_frame_reused(FRAME(50), PAGE_BYTES);
}

static void a_word_is_read_as_user_space_would(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    uint64_t *words = new_chunk(), value = 0;
    paddr_t frame = port_physical_address(words);
    words[3] = 0x1234;
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    static const struct leaf_attributes uncached = {.memory_type = SHEAF_MEMORY_NON_CACHEABLE};
    assert_int_equal(gather_map_begin(gather, vspace, PAGE(7), 2, 3, &map, &missing), SHEAF_OK);
    gather_map_frame(&map, frame, 1, &untouched);
    gather_map_frame(&map, frame, 1, &uncached);
    gather_map_end(&map);
    gather_finish(gather);
    assert_true(vspace_read_word(vspace, VADDR(0x7018), &value));
    assert_int_equal(value, 0x1234);
    assert_false(vspace_read_word(vspace, VADDR(0x7014), &value)); // not aligned
    assert_false(vspace_read_word(vspace, VADDR(0x8018), &value)); // not cacheable
    assert_false(vspace_read_word(vspace, VADDR(0x9018), &value)); // not mapped
    assert_false(vspace_read_word(vspace, VADDR(BIT(48) | 0x7018), &value));
}

static bool changed;

static void set_the_flag_meanwhile(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call != VMSA_CALL_STORE || changed)
        return;
    changed = true;
    desc_t *place = (desc_t *)vmsa_kernel_address(PADDR(a)) + b;
    place->v |= BIT(10); // as hardware management of the access flag would
}

static void a_change_in_between_is_kept(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&untouched);
    uint64_t before = leaf_at_5(vspace);
    changed = false;
    vmsa_set_hook(set_the_flag_meanwhile);
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    vmsa_set_hook(NULL);
    assert_true(changed);
    assert_int_equal(leaf_at_5(vspace), (before | BIT(10)) & ~BIT(7));
    assert_int_equal(vmsa_log_count(), 1); // it may have been cached read-only in between
}

// It may go on to access the page itself, before any exception return.
static void the_own_kernel_is_in_step_too(void **state) {
    (void)state;
    struct vspace *vspace = with_page(&writable_clean);
    vmsa_features.late_context = true;
    assert_true(vmsa_refuses_writes_of_kernel(0, PAGE(5)));
    assert_int_equal(mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_false(vmsa_refuses_writes_of_kernel(0, PAGE(5)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_there_is_a_translation_fault, machine_setup),
        cmocka_unit_test_setup(at_most_four_loads, machine_setup),
        cmocka_unit_test_setup(rights_are_kept, machine_setup),
        cmocka_unit_test_setup(the_access_flag_is_set_without_invalidation, machine_setup),
        cmocka_unit_test_setup(a_write_sets_both_bits_at_once, machine_setup),
        cmocka_unit_test_setup(the_first_write_to_a_clean_page_drops_the_read_only_entry,
                               machine_setup),
        cmocka_unit_test_setup(a_stale_entry_is_dropped_and_nobody_killed, machine_setup),
        cmocka_unit_test_setup(execution_is_allowed_where_mapped_so, machine_setup),
        cmocka_unit_test_setup(blocks_are_resolved_too, machine_setup),
        cmocka_unit_test_setup(what_a_fault_touched_is_reported_and_invalidated, machine_setup),
        cmocka_unit_test_setup(a_word_is_read_as_user_space_would, machine_setup),
        cmocka_unit_test_setup(a_change_in_between_is_kept, machine_setup),
        cmocka_unit_test_setup(the_own_kernel_is_in_step_too, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.fault", tests, NULL, NULL);
}
