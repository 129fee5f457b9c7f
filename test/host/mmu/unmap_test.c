// SPDX-License-Identifier: BSD-2-Clause
// UNMAP: what goes, which tables go with it, what is reported, preemption.
#include "support.h"
#include <string.h>

#include <plan.h>

static void unmapping_clears_and_frees(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    unsigned level;
    map_pages(vspace, 0, 3, 0);
    struct gather_totals totals = unmap_pages(vspace, 0, TABLE_PAGES);
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(totals.tables, 1);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(find_leaf(vspace, 0, &level), 0);
    assert_int_equal(tables_used(vspace), 3);
    assert_int_equal(count_hooked(vspace), 3);
    vmsa_frame_reused(FRAME(0), 3 * PAGE_BYTES);
}

static void unmapping_twice_and_unmapping_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals = unmap_pages(vspace, 1234, 99);
    assert_int_equal(totals.leaves + totals.tables + totals.tlbi + totals.dsb, 0);
    map_pages(vspace, 10, 4, 0);
    assert_int_equal(unmap_pages(vspace, 10, 4).leaves, 4);
    totals = unmap_pages(vspace, 10, 4);
    assert_int_equal(totals.leaves + totals.tables + totals.tlbi + totals.dsb, 0);
}

static void neighbours_stay(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 1024, 0);
    assert_int_equal(unmap_pages(vspace, 500, 24).leaves, 24); // across a table boundary
    for (uint64_t i = 0; i < 1024; i++) {
        unsigned level;
        if (i >= 500 && i < 524)
            assert_int_equal(find_leaf(vspace, i, &level), 0);
        else
            assert_true(is_mapped_to(vspace, i, i));
    }
    assert_int_equal(tables_used(vspace), 5);
}

static void a_table_only_partly_inside_the_range_stays(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 5, 1, 0);
    struct gather_totals totals = unmap_pages(vspace, 1, 511);
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tables, 0);
    // Whoever emptied it: the next range that holds it takes it.
    totals = unmap_pages(vspace, 0, 512);
    assert_int_equal(totals.leaves, 0);
    assert_int_equal(totals.tables, 1);
    assert_true(totals.tlbi > 0);
}

static void tables_can_be_kept(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather_totals totals;
    map_pages(vspace, 0, 512, 0);
    assert_int_equal(unmap_flags(vspace, 0, 512, SHEAF_OP_KEEP_TABLES, NULL, &totals), SHEAF_OK);
    assert_int_equal(totals.leaves, 512);
    assert_int_equal(totals.tables, 0);
    assert_int_equal(tables_used(vspace), 4);
}

static void blocks_of_each_level_go(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, TABLE_PAGES, 2 * TABLE_PAGES, TABLE_PAGES, 2, &touched);
    map_level(gather, vspace, GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    vmsa_log_reset();
    struct gather_totals totals = unmap_pages(vspace, TABLE_PAGES, TABLE_PAGES);
    assert_int_equal(totals.leaves, 1);
    assert_int_equal(totals.tlbi, 1); // one address for a block
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    totals = unmap_pages(vspace, 0, 2 * GIB_PAGES);
    assert_int_equal(totals.leaves, 2);
    assert_int_equal(totals.tables, 1); // the level 2 table
    assert_int_equal(totals.tlbi, 2);
    vmsa_frame_reused(FRAME(0), 3 * GIB_PAGES * PAGE_BYTES);
}

static void cutting_a_block_is_refused_and_changes_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 4, 0, 3, &touched);
    map_level(gather, vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
    map_level(gather, vspace, GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    static const struct {
        uint64_t page, pages;
    } cuts[] = {
        {TABLE_PAGES, 511},
        {TABLE_PAGES + 1, 511},
        {TABLE_PAGES + 5, 1},
        {0, TABLE_PAGES + 1},
        {0, 2 * TABLE_PAGES - 1},
        {2 * TABLE_PAGES - 1, 50},
        {GIB_PAGES, TABLE_PAGES},
        {0, GIB_PAGES + 1},
        {2 * GIB_PAGES - 1, USER_HALF_PAGES - 2 * GIB_PAGES},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
        snapshot_take();
        assert_int_equal(unmap_flags(vspace, cuts[i].page, cuts[i].pages, 0, NULL, NULL),
                         SHEAF_ERR_BLOCK_CUT);
        snapshot_assert_unchanged();
    }
}

static void the_whole_user_half_is_quick(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(3);
    for (uint64_t i = 0; i < 9; i++)
        map_pages(vspace, i * 57 * 512 * GIB_PAGES + i * 1000, 3, i * 8);
    vmsa_log_reset();
    uint64_t reads = vmsa_reads();
    struct gather_totals totals = unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(totals.leaves, 27);
    assert_int_equal(totals.tables, 27);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(tables_used(vspace), 1);
    assert_int_equal(count_hooked(vspace), 1);
    // 28 tables with 512 descriptors each, and a little for going down and for checks.
    assert_in_range(vmsa_reads() - reads, 1, 28 * 512 + 28 * 16);
    vmsa_frame_reused(FRAME(0), 100 * PAGE_BYTES);
}

static void a_full_table_goes_without_a_look_at_its_leaves(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, TABLE_PAGES, 0);
    uint64_t reads = vmsa_reads();
    struct gather_totals totals = unmap_pages(vspace, 0, TABLE_PAGES);
    assert_int_equal(totals.leaves, TABLE_PAGES);
    assert_in_range(vmsa_reads() - reads, 1, 20);
    vmsa_frame_reused(FRAME(0), TABLE_PAGES * PAGE_BYTES);
}

static void the_way_leads_over_every_boundary(void **state) {
    (void)state;
    // Both sides of a boundary of each level hold pages; tables are kept, or only partly inside.
    static const uint64_t boundaries[] = {TABLE_PAGES, GIB_PAGES, 512 * GIB_PAGES};
    for (unsigned i = 0; i < ARRAY_SIZE(boundaries); i++) {
        for (unsigned keep = 0; keep < 2; keep++) {
            machine_setup(NULL);
            struct vspace *vspace = new_vspace(1);
            map_pages(vspace, boundaries[i] - 4, 8, 0);
            struct gather_totals totals;
            assert_int_equal(unmap_flags(vspace, boundaries[i] - 3, 6,
                                         keep ? SHEAF_OP_KEEP_TABLES : 0, NULL, &totals),
                             SHEAF_OK);
            assert_int_equal(totals.leaves, 6);
            assert_true(is_mapped_to(vspace, boundaries[i] - 4, 0));
            assert_true(is_mapped_to(vspace, boundaries[i] + 3, 7));
            vmsa_frame_reused(FRAME(1), 6 * PAGE_BYTES);
        }
    }
}

static void reported_bits_are_those_of_the_leaves(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    static const struct leaf_attributes kinds[4] = {
        {.write = true},
        {.write = true, .accessed = true},
        {.write = true, .dirty = true},
        {.write = true, .accessed = true, .dirty = true},
    };
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < 1100; i++) {
        if (i % 5 != 4)
            map_level(gather, vspace, 100 + i, 1, i, 3, &kinds[i % 5]);
    }
    gather_finish(gather);
    uint8_t report[SHEAF_REPORT_BYTES(1100) + 1];
    memset(report, 0xff, sizeof(report));
    assert_int_equal(unmap_flags(vspace, 100, 1100, SHEAF_OP_REPORT, report, NULL), SHEAF_OK);
    for (unsigned i = 0; i < 1100; i++) {
        unsigned bits = report[i / 4] >> (2 * (i % 4)) & 3;
        assert_int_equal(bits, i % 5 == 4 ? 0 : i % 5);
    }
    assert_int_equal(report[sizeof(report) - 1], 0xff); // not beyond its size
    assert_int_equal(tables_used(vspace), 5);           // the middle one of three went
}

static void a_read_only_leaf_is_never_reported_dirty(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 1, 0, 3, &read_only);
    gather_finish(gather);
    uint8_t report = 0;
    unmap_flags(vspace, 0, 1, SHEAF_OP_REPORT, &report, NULL);
    assert_int_equal(report, SHEAF_REPORT_ACCESSED);
}

static void a_block_is_reported_for_all_its_pages(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, TABLE_PAGES, 0, 2, &touched);
    gather_finish(gather);
    uint8_t report[SHEAF_REPORT_BYTES(513)];
    unmap_flags(vspace, 0, 513, SHEAF_OP_REPORT, report, NULL);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(report[i], 0xff);
    assert_int_equal(report[128], 0);
}

// Runs one UNMAP that is interrupted after `polls` polls, again and again, until it is through.
static unsigned unmap_interrupted(struct vspace *vspace, uint64_t page, uint64_t pages,
                                  uint64_t polls, uint8_t *report) {
    unsigned slices = 1;
    uint64_t done = 0, before = 0;
    enum sheaf_error error;
    unsigned flags = report != NULL ? SHEAF_OP_REPORT : 0;
    do {
        struct gather *gather = gather_begin();
        vmsa_set_interrupt(polls);
        error = gather_unmap(gather, vspace, PAGE(page), pages, flags, &done, report);
        if (error == SHEAF_ERR_PREEMPTED) {
            slices++;
            assert_true(done > before && done < pages);
            before = done;
            // What is reported done is gone everywhere before another thread runs.
            paddr_t addresses[4];
            for (uint64_t i = 0; i < MIN(done, UINT64_C(4096)); i++)
                assert_int_equal(vmsa_reachable(0, PAGE(page + i), addresses, 4), 0);
        }
        gather_finish(gather);
    } while (error == SHEAF_ERR_PREEMPTED);
    vmsa_set_interrupt(VMSA_NEVER);
    assert_int_equal(error, SHEAF_OK);
    assert_int_equal(done, pages);
    return slices;
}

static void preemption_finishes_and_resumes(void **state) {
    (void)state;
    for (uint64_t polls = 0; polls < 5; polls++) {
        machine_setup(NULL);
        struct vspace *vspace = new_vspace(1);
        for (unsigned i = 0; i < 24; i += 2) // each table is dealt with by itself
            map_pages(vspace, i * TABLE_PAGES, TABLE_PAGES, i * TABLE_PAGES);
        unsigned slices = unmap_interrupted(vspace, 0, GIB_PAGES, polls, NULL);
        assert_true(polls > 2 || slices > 3);
        assert_int_equal(tables_used(vspace), 2); // root and level 1
        assert_int_equal(count_hooked(vspace), 2);
        vmsa_frame_reused(FRAME(0), 23 * TABLE_PAGES * PAGE_BYTES);
    }
}

static void a_report_survives_preemption(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 100, 2000, 0);
    uint8_t report[SHEAF_REPORT_BYTES(2200)];
    assert_true(unmap_interrupted(vspace, 0, 2200, 0, report) > 3);
    for (unsigned i = 0; i < 2200; i++)
        assert_int_equal(report[i / 4] >> (2 * (i % 4)) & 3, i >= 100 && i < 2100 ? 3 : 0);
}

static void no_poll_is_further_away_than_one_table(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    map_pages(vspace, 0, 20 * TABLE_PAGES, 0);
    uint64_t done = 0;
    struct gather *gather = gather_begin();
    vmsa_set_interrupt(0);
    assert_int_equal(
        gather_unmap(gather, vspace, PAGE(0), 20 * TABLE_PAGES, SHEAF_OP_KEEP_TABLES, &done, NULL),
        SHEAF_ERR_PREEMPTED);
    vmsa_set_interrupt(VMSA_NEVER);
    assert_in_range(done, 1, 512);
    gather_finish(gather);
}

static void unmap_map_another_frame_there(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 3, 1, 10);
    unmap_pages(vspace, 3, 1);
    vmsa_frame_reused(FRAME(10), PAGE_BYTES);
    map_pages(vspace, 3, 1, 11);
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(0, PAGE(3), addresses, 2), 1);
    assert_int_equal(addresses[0].v, FRAME(11).v);
}

// Their number is not what counts: only in how many chunks they lie.
static void tables_of_more_chunks_than_a_batch_holds(void **state) {
    (void)state;
    enum { CHUNKS = 140, TABLES = 15 * CHUNKS - 4, ABOVE = 6 };
    struct vspace *vspace = new_vspace(CHUNKS);
    for (uint64_t i = 0; i < TABLES - ABOVE; i++)
        map_pages(vspace, i * TABLE_PAGES, 1, i);
    struct gather_totals totals = unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(totals.leaves, TABLES - ABOVE);
    assert_int_equal(totals.tables, TABLES);
    assert_int_equal(totals.batches, 2);
    assert_int_equal(totals.tlbi, 2); // by ASID
    assert_int_equal(tables_used(vspace), 1);
}

static unsigned count_by_asid(void) {
    unsigned count = 0;
    for (size_t i = 0; i < vmsa_log_count(); i++)
        count += vmsa_log()[i].kind == PORT_TLBI_ASIDE1IS;
    return count;
}

// A table is looked through up to the threshold of its leaves, and up to so many tables; what is
// more goes unseen, and with it everything of the ASID.
static void what_goes_unseen_begins_behind_the_threshold(void **state) {
    (void)state;
    for (uint64_t more = 0; more < 2; more++) {
        machine_setup(NULL);
        struct vspace *vspace = new_vspace(2);
        map_pages(vspace, 7, PLAN_THRESHOLD + more, 0);
        vmsa_log_reset();
        assert_int_equal(unmap_pages(vspace, 0, TABLE_PAGES).tables, 1);
        assert_int_equal(count_by_asid(), more);
        for (uint64_t i = 0; i < 8 + more; i++)
            map_pages(vspace, i * TABLE_PAGES + 3, 1, i);
        vmsa_log_reset();
        assert_int_equal(unmap_pages(vspace, 0, GIB_PAGES / 2).tables, 8 + more);
        assert_int_equal(count_by_asid(), more);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unmapping_clears_and_frees, machine_setup),
        cmocka_unit_test_setup(unmapping_twice_and_unmapping_nothing, machine_setup),
        cmocka_unit_test_setup(neighbours_stay, machine_setup),
        cmocka_unit_test_setup(a_table_only_partly_inside_the_range_stays, machine_setup),
        cmocka_unit_test_setup(tables_can_be_kept, machine_setup),
        cmocka_unit_test_setup(blocks_of_each_level_go, machine_setup),
        cmocka_unit_test_setup(cutting_a_block_is_refused_and_changes_nothing, machine_setup),
        cmocka_unit_test_setup(the_whole_user_half_is_quick, machine_setup),
        cmocka_unit_test_setup(a_full_table_goes_without_a_look_at_its_leaves, machine_setup),
        cmocka_unit_test(the_way_leads_over_every_boundary),
        cmocka_unit_test_setup(reported_bits_are_those_of_the_leaves, machine_setup),
        cmocka_unit_test_setup(a_read_only_leaf_is_never_reported_dirty, machine_setup),
        cmocka_unit_test_setup(a_block_is_reported_for_all_its_pages, machine_setup),
        cmocka_unit_test(preemption_finishes_and_resumes),
        cmocka_unit_test_setup(a_report_survives_preemption, machine_setup),
        cmocka_unit_test_setup(no_poll_is_further_away_than_one_table, machine_setup),
        cmocka_unit_test_setup(unmap_map_another_frame_there, machine_setup),
        cmocka_unit_test_setup(tables_of_more_chunks_than_a_batch_holds, machine_setup),
        cmocka_unit_test_setup(what_goes_unseen_begins_behind_the_threshold, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.unmap", tests, NULL, NULL);
}
