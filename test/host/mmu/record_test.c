// SPDX-License-Identifier: BSD-2-Clause
// Mapping records: a hint that verifies exactly while the mapping it names is there.
#include "support.h"
#include <string.h>

#include <record.h>

static void a_record_names_its_place(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    static const struct {
        uint64_t page, pages, frame;
        unsigned level, size_bits;
    } cases[] = {
        {5, 1, 5, 3, 12},
        {2 * TABLE_PAGES + 64, 64, 64, 3, 18},
        {TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, 21},
        {4 * GIB_PAGES + 8 * TABLE_PAGES, 4 * TABLE_PAGES, 4 * TABLE_PAGES, 2, 23},
        {3 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, 30},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct mapping_record record = map_level(gather, vspace, cases[i].page, cases[i].pages,
                                                 cases[i].frame, cases[i].level, &touched);
        vaddr_t va;
        uint64_t pages;
        assert_true(record_is_live(record, FRAME(cases[i].frame), cases[i].size_bits));
        assert_true(record_place(record, FRAME(cases[i].frame), cases[i].size_bits, &va, &pages));
        assert_int_equal(va.v, cases[i].page << PAGE_BITS);
        assert_int_equal(pages, cases[i].pages);
    }
    gather_finish(gather);
}

static void packing_keeps_every_field(void **state) {
    (void)state;
    struct mapping_record record = record_make(ASID(0xffff), 2, 9215, 511, 512);
    assert_int_equal(record_asid(record).v, 0xffff);
    assert_int_equal(record_level(record), 2);
    assert_int_equal(record_table(record), 9215);
    assert_int_equal(record_index(record), 511);
    assert_int_equal(record_count(record), 512);
    record = record_make(ASID(1), 3, 1, 0, 1);
    assert_int_equal(record_asid(record).v, 1);
    assert_int_equal(record_level(record), 3);
    assert_int_equal(record_table(record), 1);
    assert_int_equal(record_index(record), 0);
    assert_int_equal(record_count(record), 1);
}

static void the_empty_record_names_nothing(void **state) {
    (void)state;
    new_vspace(1);
    assert_false(record_is_live((struct mapping_record){0}, FRAME(0), 30));
}

// EVICT holds no lock that keeps the record as it is: another PE's MOVE may come between reading it
// and the VSpace's lock.
static struct {
    struct vspace *vspace;
    struct mapped_frame frame;
    bool moved;
} contested;

static void move_away(enum vmsa_call call, uint64_t lock, uint64_t b) {
    (void)b;
    if (call != VMSA_CALL_LOCK || lock != (uint64_t)(uintptr_t)&contested.vspace->lock ||
        contested.moved)
        return;
    contested.moved = true;
    unsigned before = vmsa_pe(), missing;
    vmsa_set_pe(1);
    struct moved_frames frames = {.count = 1, .at = {{&contested.frame, PAGE_BITS, true}}};
    struct gather_move move = {0};
    struct gather *gather = gather_begin();
    assert_int_equal(
        gather_move_leaves(gather, contested.vspace, PAGE(5), PAGE(9), 1, &frames, &move, &missing),
        SHEAF_OK);
    assert_int_equal(move.pass, MOVE_DONE);
    gather_finish(gather);
    vmsa_set_pe(before);
}

static void what_moves_while_its_record_is_read_is_cleared(void **state) {
    (void)state;
    uint8_t seen = 0;
    contested.vspace = loaded_everywhere(1);
    contested.frame = (struct mapped_frame){FRAME(5), map_pages(contested.vspace, 5, 1, 5)};
    contested.moved = false;
    struct gather *gather = gather_begin();
    vmsa_set_hook(move_away);
    enum record_step step = clear_record(gather, &contested.frame, PAGE_BITS, &seen);
    vmsa_set_hook(NULL);
    gather_finish(gather);
    assert_true(contested.moved);
    assert_int_equal(step, RECORD_THROUGH);
    assert_int_equal(seen, SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    assert_false(is_mapped_to(contested.vspace, 9, 5));
    assert_false(any_pe_reaches(9));
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

static void it_ends_with_the_mapping(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 9);
    map_pages(vspace, 6, 1, 10);
    assert_true(record_is_live(record, FRAME(9), 12));
    unmap_pages(vspace, 5, 1);
    assert_false(record_is_live(record, FRAME(9), 12));
}

static void another_frame_at_the_place_is_not_it(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 9);
    unmap_pages(vspace, 5, 1);
    map_pages(vspace, 5, 1, 10);
    assert_false(record_is_live(record, FRAME(9), 12));
    // Deleting the first capability leaves the new mapping.
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, record, FRAME(9), 12);
    gather_finish(gather);
    assert_true(is_mapped_to(vspace, 5, 10));
}

static void any_leaf_of_the_run_keeps_it_alive(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 64, 16, 16);
    unmap_pages(vspace, 64, 3);
    unmap_pages(vspace, 70, 10);
    vaddr_t va;
    uint64_t pages;
    assert_true(record_place(record, FRAME(16), 16, &va, &pages));
    assert_int_equal(va.v, UINT64_C(67) << PAGE_BITS);
    assert_int_equal(pages, 3);
    unmap_pages(vspace, 67, 3);
    assert_false(record_place(record, FRAME(16), 16, &va, &pages));
}

static void a_table_that_went_takes_its_records_along(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 0, 512, 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    // Leaves stay in the table that is unhooked as a whole; they do not count any more.
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), 512, 0, &done, NULL), SHEAF_OK);
    assert_false(record_is_live(record, FRAME(0), 21));
    gather_finish(gather);
    assert_false(record_is_live(record, FRAME(0), 21));
    // The same table in another place, with other frames; then as a table of another level.
    map_pages(vspace, 7 * TABLE_PAGES, 512, 512);
    assert_false(record_is_live(record, FRAME(0), 21));
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    gather = gather_begin();
    map_level(gather, vspace, 0, GIB_PAGES, 0, 2, &touched);
    gather_finish(gather);
    assert_false(record_is_live(record, FRAME(0), 21));
}

static void a_table_of_another_level_is_not_the_place(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct gather *gather = gather_begin();
    struct mapping_record record = map_level(gather, vspace, 0, GIB_PAGES, GIB_PAGES, 2, &touched);
    gather_finish(gather);
    unmap_pages(vspace, 0, GIB_PAGES); // the level 2 table goes, and comes back as one of level 1
    gather = gather_begin();
    struct mapping_record block =
        map_level(gather, vspace, 512 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    assert_int_equal(record_table(block), record_table(record));
    assert_int_equal(record_index(block), record_index(record));
    assert_true(record_is_live(block, FRAME(GIB_PAGES), 30));
    assert_false(record_is_live(record, FRAME(GIB_PAGES), 30));
}

static void a_shrunk_chunk_takes_its_records_along(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2); // the chunk added last gives its tables first
    struct mapping_record record = map_pages(vspace, 0, 1, 0);
    assert_int_equal(record_table(record) >> 4, 1);
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    struct chunk *chunk;
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_OK);
    assert_false(record_is_live(record, FRAME(0), 12));
    assert_false(record_is_live(record_make(asid_of(vspace), 3, 9000, 0, 1), FRAME(0), 12));
}

static void a_dead_vspace_takes_its_records_along(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 0, 1, 0);
    vspace_destroy(vspace);
    assert_false(record_is_live(record, FRAME(0), 12));
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, record, FRAME(0), 12);
    gather_complete_record(gather, record);
    gather_finish(gather);
}

static void unmapping_a_record_clears_its_frame_only(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 64, 16, 16);
    unmap_pages(vspace, 68, 2);
    map_pages(vspace, 68, 1, 99);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, record, FRAME(16), 16);
    gather_finish(gather);
    unsigned level;
    for (uint64_t page = 64; page < 80; page++) {
        if (page == 68)
            assert_true(is_mapped_to(vspace, 68, 99));
        else
            assert_int_equal(find_leaf(vspace, page, &level), 0);
    }
    assert_int_equal(gather_totals(gather)->leaves, 14);
    assert_int_equal(vmsa_log_count(), 14);
    assert_int_equal(gather_totals(gather)->tables, 0); // deletion keeps tables
    vmsa_frame_reused(FRAME(16), 16 * PAGE_BYTES);
}

static void unmapping_a_record_completes_what_is_pending(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 64, 1, 16);
    map_pages(vspace, 65, 1, 17);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(64), 1, 0, &done, NULL);
    vmsa_set_pe(1); // another PE deletes the capability before that finishes
    struct gather *other = gather_begin();
    gather_unmap_record(other, record, FRAME(16), 12);
    gather_finish(other);
    vmsa_frame_reused(FRAME(16), PAGE_BYTES);
    vmsa_set_pe(0);
    gather_finish(gather);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
}

static void completing_a_record_lets_its_capability_be_mapped_anew(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 64, 1, 16);
    map_pages(vspace, 65, 1, 17);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(64), 1, 0, &done, NULL);
    paddr_t addresses[2];
    assert_int_equal(vmsa_reachable(0, PAGE(64), addresses, 2), 1);
    gather_complete_record(gather, record);
    assert_int_equal(vmsa_reachable(0, PAGE(64), addresses, 2), 0);
    map_level(gather, vspace, 80, 1, 16, 3, &touched);
    vmsa_log_reset();
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 0); // was done, and is not done again
}

static void scenario_3g_hardware_sets_the_dirty_state_while_the_frame_goes(void **state) {
    (void)state;
    for (unsigned bits = PAGE_BITS; bits < PAGE_BITS + 2; bits++) {
        uint64_t pages = BIT(bits - PAGE_BITS);
        machine_setup(NULL);
        struct vspace *vspace = loaded_everywhere(1);
        uint8_t seen = 0;
        struct gather *gather = gather_begin();
        struct mapped_frame frame = {
            FRAME(50), map_level(gather, vspace, 4, pages, 50, LEAF_LEVEL, &untouched)};
        gather_finish(gather);
        vmsa_features.hardware_flags = true; // the update comes just before the exchange
        gather = gather_begin();
        assert_int_equal(clear_record(gather, &frame, bits, &seen), RECORD_THROUGH);
        gather_finish(gather);
        assert_int_equal(seen, SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
        assert_false(any_pe_reaches(4));
        vmsa_frame_reused(FRAME(50), pages * PAGE_BYTES);
    }
}

static void lead_nowhere(const char *text) {
    fail_msg("a record leads out of the tables: %s", text);
}

// A chunk that the VSpace does not have, the bookkeeping's page, and ASIDs that are not given:
// beyond the table of ASIDs stands what would be a VSpace's.
static void records_of_nothing_lead_nowhere(void **state) {
    (void)state;
    static uint64_t asids[(256 / 8 + 512 * 4) / 8];
    memset(asids, 0, sizeof(asids));
    mmu_init(&(struct mmu_config){.asid_bits = 8, .asid_table = asids, .empty_root = empty_root()});
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 5);
    uint32_t *spaces = (uint32_t *)&asids[256 / 64];
    spaces[300] = spaces[asid_of(vspace).v];
    unsigned table = record_table(record);
    struct vspace *dead = new_vspace(1);
    struct mapping_record last = map_pages(dead, 5, 1, 5);
    vspace_destroy(dead);
    vmsa_set_panic_handler(lead_nowhere);
    assert_true(record_is_live(record, FRAME(5), 12));
    assert_false(record_is_live(last, FRAME(5), 12));
    assert_false(record_is_live(record_make(ASID(300), 3, table, 5, 1), FRAME(5), 12));
    assert_false(record_is_live(record_make(ASID(0), 3, table, 5, 1), FRAME(5), 12));
    assert_false(record_is_live(record_make(asid_of(vspace), 3, 0, 5, 1), FRAME(5), 12));
    assert_false(record_is_live(record_make(asid_of(vspace), 3, 16 + table, 5, 1), FRAME(5), 12));
    vmsa_set_panic_handler(NULL);
}

static void a_leaf_that_waits_for_its_new_place_is_none(void **state) {
    (void)state;
    struct pattern pattern = pattern_of(LEAF_LEVEL, FRAME(5), PAGE_BITS);
    desc_t leaf = DESC(FRAME(5).v | desc_leaf_bits(LEAF_LEVEL, &touched));
    assert_true(matches(&pattern, leaf));
    assert_false(matches(&pattern, DESC(leaf.v & ~DESC_VALID))); // MOVE clears only this
}

static struct mapped_frame mapped_anew;
static struct mapping_record later;

static void map_anew(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_LOCK)
        mapped_anew.record = later;
}

// Two capabilities of a Frame, at the same place of two VSpaces. While one is about to be cleared
// by what its record said, it names the other VSpace: what is in the first is the other's.
static void a_record_that_names_another_vspace_by_now(void **state) {
    (void)state;
    struct vspace *first = new_vspace(1), *second = new_vspace(1);
    uint8_t seen = 0;
    mapped_anew = (struct mapped_frame){FRAME(50), map_pages(first, 5, 1, 50)};
    later = map_pages(second, 5, 1, 50);
    struct gather *gather = gather_begin();
    vmsa_set_hook(map_anew);
    assert_int_equal(clear_record(gather, &mapped_anew, PAGE_BITS, &seen), RECORD_THROUGH);
    vmsa_set_hook(NULL);
    gather_finish(gather);
    assert_true(is_mapped_to(first, 5, 50) && is_mapped_to(second, 5, 50));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(records_of_nothing_lead_nowhere, machine_setup),
        cmocka_unit_test_setup(a_record_names_its_place, machine_setup),
        cmocka_unit_test(packing_keeps_every_field),
        cmocka_unit_test_setup(the_empty_record_names_nothing, machine_setup),
        cmocka_unit_test_setup(what_moves_while_its_record_is_read_is_cleared, machine_setup),
        cmocka_unit_test_setup(it_ends_with_the_mapping, machine_setup),
        cmocka_unit_test_setup(another_frame_at_the_place_is_not_it, machine_setup),
        cmocka_unit_test_setup(any_leaf_of_the_run_keeps_it_alive, machine_setup),
        cmocka_unit_test_setup(a_table_that_went_takes_its_records_along, machine_setup),
        cmocka_unit_test_setup(a_table_of_another_level_is_not_the_place, machine_setup),
        cmocka_unit_test_setup(a_shrunk_chunk_takes_its_records_along, machine_setup),
        cmocka_unit_test_setup(a_dead_vspace_takes_its_records_along, machine_setup),
        cmocka_unit_test_setup(unmapping_a_record_clears_its_frame_only, machine_setup),
        cmocka_unit_test_setup(unmapping_a_record_completes_what_is_pending, machine_setup),
        cmocka_unit_test_setup(completing_a_record_lets_its_capability_be_mapped_anew,
                               machine_setup),
        cmocka_unit_test_setup(scenario_3g_hardware_sets_the_dirty_state_while_the_frame_goes,
                               machine_setup),
        cmocka_unit_test_setup(a_leaf_that_waits_for_its_new_place_is_none, machine_setup),
        cmocka_unit_test_setup(a_record_that_names_another_vspace_by_now, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.record", tests, NULL, NULL);
}
