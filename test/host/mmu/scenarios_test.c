// SPDX-License-Identifier: BSD-2-Clause
// Failures that batched invalidation has had in other systems, each as a test with its id in the
// name (docs/verification.md), on several PEs in turn. Where they need PEs at once:
// scenarios_explore_test.c.
#include "support.h"

#include <layout.h>
#include <plan.h>

#define FORGED 4000 // frames of this number and above are what an attacker wants reached

static bool reaches_forged(uint64_t page) {
    paddr_t addresses[8];
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        unsigned count = vmsa_reachable(pe, PAGE(page), addresses, ARRAY_SIZE(addresses));
        for (unsigned i = 0; i < count; i++) {
            if (addresses[i].v >= FRAME(FORGED).v)
                return true;
        }
    }
    return false;
}

// Whether some TLBI since the last vmsa_log_reset takes walk caches.
static bool walk_caches_went(void) {
    for (size_t i = 0; i < vmsa_log_count(); i++) {
        enum port_tlbi kind = vmsa_log()[i].kind;
        if (kind != PORT_TLBI_VALE1IS && kind != PORT_TLBI_RVALE1IS)
            return true;
    }
    return false;
}

static void assert_no_hint(void) {
    assert_true(vmsa_log_count() > 0);
    for (size_t i = 0; i < vmsa_log_count(); i++) {
        const struct vmsa_tlbi *issued = &vmsa_log()[i];
        bool range = issued->kind == PORT_TLBI_RVAE1IS || issued->kind == PORT_TLBI_RVALE1IS;
        if (issued->kind != PORT_TLBI_ASIDE1IS)
            assert_int_equal(range ? issued->operand >> 37 & 3 : issued->operand >> 44 & 15, 0);
    }
}

static struct mapping_record map_one(struct vspace *vspace, uint64_t page, uint64_t frame,
                                     unsigned level) {
    struct gather *gather = gather_begin();
    uint64_t pages = level_pages(level);
    struct mapping_record record = map_level(gather, vspace, page, pages, frame, level, &touched);
    gather_finish(gather);
    return record;
}

// ---- Seed 0: tables unhooked later than their leaves

static void free_only_the_table(bool last_level_only) {
    machine_setup(NULL);
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 20, 0);
    assert_int_equal(unmap_flags(vspace, 0, TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL),
                     SHEAF_OK);
    if (last_level_only)
        vmsa_expect_violations();
    vmsa_faults.last_level_only = last_level_only;
    vmsa_log_reset();
    unsigned used = tables_used(vspace);
    unmap_pages(vspace, 0, TABLE_PAGES);
    assert_int_equal(used - tables_used(vspace), 1);
    // Its memory serves elsewhere, full of leaves that were never meant for page 0.
    map_pages(vspace, TABLE_PAGES, TABLE_PAGES, FORGED);
}

static void scenario_0a_a_gather_that_frees_only_a_table(void **state) {
    (void)state;
    free_only_the_table(false);
    assert_true(walk_caches_went());
    for (uint64_t page = 0; page < 20; page++)
        assert_false(is_reachable(page));
    free_only_the_table(true); // what guards it
    assert_true(vmsa_violations(VMSA_REMOVAL_INCOMPLETE) > 0);
    assert_true(reaches_forged(0));
}

static struct {
    unsigned calls, last_unhook, last_walk;
} order;

static void watch_order(enum vmsa_call call, uint64_t a, uint64_t b) {
    order.calls++;
    if (call == VMSA_CALL_STORE && table_info(PADDR(a))->level < LEAF_LEVEL)
        order.last_unhook = order.calls;
    if (call == VMSA_CALL_TLBI && a != PORT_TLBI_VALE1IS && a != PORT_TLBI_RVALE1IS)
        order.last_walk = order.calls;
    (void)b;
}

static void scenario_0b_the_last_invalidation_comes_after_the_last_unhooking(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, TABLE_PAGES, 0);
    order.calls = order.last_unhook = order.last_walk = 0;
    vmsa_set_hook(watch_order);
    assert_int_equal(unmap_pages(vspace, 0, GIB_PAGES).tables, 2);
    vmsa_set_hook(NULL);
    assert_true(order.last_unhook > 0);
    assert_true(order.last_walk > order.last_unhook);
}

static void scenario_0c_three_pages_in_three_gib(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(2);
    const uint64_t places[] = {7, GIB_PAGES + 9, 3 * GIB_PAGES - 1};
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        map_pages(vspace, places[i], 1, i);
    vmsa_log_reset();
    uint64_t reads = vmsa_reads();
    unmap_pages(vspace, 0, 3 * GIB_PAGES);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        assert_false(is_reachable(places[i]));
    assert_in_range(vmsa_log_count(), 1, PLAN_THRESHOLD);
    // As long as the tables that exist, not as long as the range.
    assert_in_range(vmsa_reads() - reads, 1, 16 * TABLE_PAGES);
}

static void scenario_0c_three_full_gib(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 3 * GIB_PAGES, 0, 2, &touched);
    gather_finish(gather);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, 3 * GIB_PAGES).leaves, 3 * TABLE_PAGES);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
    assert_false(is_reachable(0) || is_reachable(GIB_PAGES) || is_reachable(3 * GIB_PAGES - 1));
}

static bool root_was_loaded;

static void watch_roots(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call == VMSA_CALL_NOTE && a != 0 && b < 256) { // ASIDs have 8 bits
        for (unsigned pe = 0; pe < MAX_PES; pe++) {
            vmsa_set_pe(pe);
            root_was_loaded |= (vmsa_loaded_root() & DESC_ADDRESS) == a;
        }
    }
}

static void die_with_an_idle_pe(bool answered) {
    machine_setup(NULL);
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 4, 0);
    vmsa_set_pe(2);
    vspace_activate(vspace); // and idles with it
    vmsa_set_pe(0);
    vmsa_faults.no_answer = !answered;
    if (!answered)
        vmsa_expect_violations();
    root_was_loaded = false;
    vmsa_set_hook(watch_roots);
    vspace_destroy(vspace);
    vmsa_set_hook(NULL);
}

static void scenario_0e_a_root_outlives_the_last_pe_that_has_it(void **state) {
    (void)state;
    die_with_an_idle_pe(true);
    assert_false(root_was_loaded);
    die_with_an_idle_pe(false); // what guards it
    assert_true(root_was_loaded);
    assert_true(vmsa_violations(VMSA_ROOT_RELEASED) > 0);
}

static void scenario_0g_tables_of_three_levels_go_without_a_hint(void **state) {
    (void)state;
    machine_init(8, 0, features_of(3));
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 1, 3);
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, USER_HALF_PAGES).tables, 3);
    assert_no_hint();
    assert_false(is_reachable(3));
}

// ---- Seed 1: parallel unmappers

static void scenario_1e_leaves_of_three_levels_go_without_a_hint(void **state) {
    (void)state;
    machine_init(8, 0, features_of(3));
    struct vspace *vspace = loaded_everywhere(1);
    map_one(vspace, 0, 0, 1);
    map_one(vspace, GIB_PAGES, GIB_PAGES, 2);
    map_one(vspace, GIB_PAGES + TABLE_PAGES, 5, 3);
    vmsa_log_reset();
    assert_int_equal(unmap_flags(vspace, 0, 2 * GIB_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL),
                     SHEAF_OK);
    assert_no_hint();
    assert_false(is_reachable(0) || is_reachable(GIB_PAGES));
    assert_false(is_reachable(GIB_PAGES + TABLE_PAGES));
}

// ---- Seed 2: tables, memory, batches

static void scenario_2b_no_memory_and_more_tables_than_a_batch_holds(void **state) {
    (void)state;
    enum { CHUNKS = 140, TABLES = 15 * CHUNKS - 1 };
    struct vspace *vspace = new_vspace(CHUNKS);
    uint64_t tables = 0; // of level 3, with one page each
    for (; tables_free(vspace) > 0; tables++)
        map_pages(vspace, tables * TABLE_PAGES, 1, tables);
    assert_int_equal(tables_free(vspace), 0);
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(tables_free(vspace), TABLES);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    vmsa_frame_reused(FRAME(0), tables * PAGE_BYTES);
}

// `count` ranges that do not touch, in one batch.
static void unmap_scattered(uint64_t count, uint64_t step) {
    machine_init(8, 0, features_of(count));
    struct vspace *vspace = loaded_everywhere(2);
    for (uint64_t i = 0; i < count; i++)
        map_pages(vspace, i * step, 1, i);
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(i * step), 1, 0, &done, NULL), SHEAF_OK);
    }
    gather_finish(gather);
    for (uint64_t i = 0; i < count; i++)
        assert_false(is_reachable(i * step));
    vmsa_frame_reused(FRAME(0), count * PAGE_BYTES);
}

static void scenario_2c_around_the_ranges_a_batch_holds(void **state) {
    (void)state;
    static const uint64_t counts[] = {1, PLAN_THRESHOLD - 1, PLAN_THRESHOLD, PLAN_THRESHOLD + 1,
                                      3 * PLAN_THRESHOLD + 1};
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++)
        unmap_scattered(counts[i], 2);
}

static void scenario_2e_a_page_twice_in_one_batch(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 20, 0);
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < 2; i++) {
        uint64_t done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL), SHEAF_OK);
        done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(0), TABLE_PAGES, 0, &done, NULL),
                         SHEAF_OK);
    }
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->leaves, 20);
    assert_int_equal(gather_totals(gather)->tables, 1);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    assert_false(is_reachable(5));
    vmsa_frame_reused(FRAME(0), 20 * PAGE_BYTES);
}

static void scenario_2e_a_record_twice_and_of_a_dead_vspace(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapping_record record = map_one(vspace, 5, 5, LEAF_LEVEL);
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < 2; i++)
        assert_true(gather_unmap_record(gather, record, FRAME(5), PAGE_BITS));
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->leaves, 1);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
    record = map_one(vspace, 6, 6, LEAF_LEVEL);
    vspace_destroy(vspace);
    gather = gather_begin();
    assert_true(gather_unmap_record(gather, record, FRAME(6), PAGE_BITS));
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->leaves, 0);
    vmsa_frame_reused(FRAME(6), PAGE_BYTES);
}

// ---- Seed 3: one mechanism for all changes

static void scenario_3b_a_new_mapping_costs_no_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 1, 0);
    vmsa_log_reset();
    map_pages(vspace, 1, 100, 1);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 1);
    assert_int_equal(vmsa_unordered(0), 0);
}

static void scenario_3d_a_live_leaf_is_never_written_over(void **state) {
    (void)state;
    struct leaf_attributes other = touched;
    other.memory_type = SHEAF_MEMORY_NON_CACHEABLE;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 4, 0);
    snapshot_take();
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    for (uint64_t page = 0; page < 4; page++)
        assert_int_equal(
            gather_map_begin(gather, vspace, PAGE(page), 1, LEAF_LEVEL, &map, &missing),
            SHEAF_ERR_PLACE_OCCUPIED);
    gather_finish(gather);
    snapshot_assert_unchanged();
    // Unmapped in the same batch: the batch is closed first, then the new value is written.
    gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), 4, 0, &done, NULL), SHEAF_OK);
    map_level(gather, vspace, 0, 4, 0, LEAF_LEVEL, &other); // the model judges the order
    gather_finish(gather);
}

static void scenario_3g_hardware_sets_the_dirty_state_while_the_leaf_goes(void **state) {
    (void)state;
    const struct leaf_attributes clean = {.write = true, .max_write = true};
    uint8_t report[SHEAF_REPORT_BYTES(4)];
    struct vspace *vspace = loaded_everywhere(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 4, 0, LEAF_LEVEL, &clean);
    gather_finish(gather);
    vmsa_features.hardware_flags = true; // the update comes just before the exchange
    assert_int_equal(unmap_flags(vspace, 0, 4, SHEAF_OP_REPORT, report, NULL), SHEAF_OK);
    assert_int_equal(report[0], (SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY) * 0x55);
    assert_false(is_reachable(0));
}

// ---- Seed 4: what is left for later

static void scenario_4e_two_pages_far_apart_are_no_union(void **state) {
    (void)state;
    const uint64_t far = UINT64_C(8) << (30 - PAGE_BITS);
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 1, 0);
    map_pages(vspace, far, 1, 1);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), 1, 0, &done, NULL), SHEAF_OK);
    done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(far), 1, 0, &done, NULL), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 2);
    assert_false(is_reachable(0) || is_reachable(far));
    // An entry full of ranges merges them; what lies between counts, and goes as a whole.
    unmap_scattered(64, TABLE_PAGES / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_0a_a_gather_that_frees_only_a_table),
        cmocka_unit_test_setup(scenario_0b_the_last_invalidation_comes_after_the_last_unhooking,
                               machine_setup),
        cmocka_unit_test_setup(scenario_0c_three_pages_in_three_gib, machine_setup),
        cmocka_unit_test_setup(scenario_0c_three_full_gib, machine_setup),
        cmocka_unit_test(scenario_0e_a_root_outlives_the_last_pe_that_has_it),
        cmocka_unit_test_setup(scenario_0g_tables_of_three_levels_go_without_a_hint, machine_setup),
        cmocka_unit_test_setup(scenario_1e_leaves_of_three_levels_go_without_a_hint, machine_setup),
        cmocka_unit_test_setup(scenario_2b_no_memory_and_more_tables_than_a_batch_holds,
                               machine_setup),
        cmocka_unit_test(scenario_2c_around_the_ranges_a_batch_holds),
        cmocka_unit_test_setup(scenario_2e_a_page_twice_in_one_batch, machine_setup),
        cmocka_unit_test_setup(scenario_2e_a_record_twice_and_of_a_dead_vspace, machine_setup),
        cmocka_unit_test_setup(scenario_3b_a_new_mapping_costs_no_invalidation, machine_setup),
        cmocka_unit_test_setup(scenario_3d_a_live_leaf_is_never_written_over, machine_setup),
        cmocka_unit_test_setup(scenario_3g_hardware_sets_the_dirty_state_while_the_leaf_goes,
                               machine_setup),
        cmocka_unit_test_setup(scenario_4e_two_pages_far_apart_are_no_union, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.scenarios", tests, NULL, NULL);
}
