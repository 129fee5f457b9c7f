// SPDX-License-Identifier: BSD-2-Clause
// Pending entries, several PEs: help, never wait; nothing is reused before it is complete. Cases
// named scenario_ pin failures that batched invalidation has had in other systems.
#include "support.h"

#include <pending.h>

// Begins an UNMAP on a PE and leaves its batch open.
static struct gather *open_unmap(unsigned pe, struct vspace *vspace, uint64_t page,
                                 uint64_t pages) {
    vmsa_set_pe(pe);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    return gather;
}

static void finish_on(unsigned pe, struct gather *gather) {
    vmsa_set_pe(pe);
    gather_finish(gather);
}

static unsigned entries_open(const struct vspace *vspace) {
    unsigned count = 0;
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        count += vspace->pending[i].ticket != 0;
    return count;
}

static void scenario_1a_nothing_found_is_not_invalidated(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 2, 30);
    struct gather *first = open_unmap(0, vspace, 3, 1);
    assert_true(any_pe_reaches(3));
    struct gather *second = open_unmap(1, vspace, 3, 1); // finds nothing, completes it
    finish_on(1, second);
    assert_false(any_pe_reaches(3));
    vmsa_frame_reused(FRAME(30), PAGE_BYTES);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    finish_on(0, first);
    assert_int_equal(entries_open(vspace), 0);
}

static void scenario_1b_help_covers_tables_that_another_unhooked(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 2, 30);
    map_pages(vspace, TABLE_PAGES, 1, 40);
    unsigned free = tables_free(vspace);
    struct gather *first = open_unmap(0, vspace, 0, TABLE_PAGES);
    assert_int_equal(tables_free(vspace), free);
    vmsa_log_reset();
    struct gather *second = open_unmap(1, vspace, 100, 1);
    assert_int_equal(tables_free(vspace), free + 1);
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_not_equal(vmsa_log()[i].kind, PORT_TLBI_VALE1IS);
    finish_on(1, second);
    finish_on(0, first); // its ticket is gone: no second release
    assert_int_equal(tables_free(vspace), free + 1);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void scenario_1c_disjoint_ranges_do_not_touch_each_other(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    struct gather *first = open_unmap(0, vspace, 3, 4);
    vmsa_log_reset();
    struct gather *second = open_unmap(1, vspace, 7, 1); // right behind
    finish_on(1, second);
    second = open_unmap(1, vspace, 2, 1); // right before
    finish_on(1, second);
    assert_int_equal(vmsa_log_count(), 2);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 0);
    vmsa_log_reset();
    finish_on(0, first);
    assert_int_equal(vmsa_log_count(), 4);
}

static void scenario_1d_a_batch_that_never_ends_stops_nobody(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    open_unmap(0, vspace, 0, 100); // PE 0 does not come back
    vmsa_set_pe(1);
    map_pages(vspace, 0, 100, 200);
    map_pages(vspace, 200, 10, 0);
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(tables_used(vspace), 1);
    assert_int_equal(entries_open(vspace), 0);
}

static void mapping_over_what_another_removed_completes_that_first(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 2, 30);
    struct gather *first = open_unmap(0, vspace, 3, 1);
    vmsa_set_pe(1);
    map_pages(vspace, 3, 1, 99);
    assert_true(is_mapped_to(vspace, 3, 99));
    vmsa_frame_reused(FRAME(30), PAGE_BYTES);
    finish_on(0, first);
    assert_true(is_mapped_to(vspace, 3, 99));
}

static void mapping_over_ones_own_removal_closes_the_batch(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 2, 30);
    struct gather *gather = open_unmap(0, vspace, 3, 1);
    map_level(gather, vspace, 3, 1, 99, 3, &touched);
    vmsa_frame_reused(FRAME(30), PAGE_BYTES);
    vmsa_log_reset();
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 0);
}

static void a_whole_table_replaced_in_one_batch(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, TABLE_PAGES, 0);
    struct gather *gather = open_unmap(0, vspace, 0, TABLE_PAGES); // its leaves unseen
    map_level(gather, vspace, 0, TABLE_PAGES, 1024, 3, &touched);
    vmsa_frame_reused(FRAME(0), TABLE_PAGES * PAGE_BYTES);
    gather_finish(gather);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void mapping_elsewhere_leaves_the_batch_open(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 2, 30);
    vmsa_log_reset();
    struct gather *gather = open_unmap(0, vspace, 3, 1);
    map_level(gather, vspace, 10, 1, 99, 3, &touched);
    assert_int_equal(vmsa_log_count(), 0);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_dsb_count(), 2);
}

static void a_deleted_run_is_pending_as_a_whole(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapping_record record = map_pages(vspace, 64, 16, 64);
    struct gather *first = gather_begin();
    gather_unmap_record(first, record, FRAME(64), 16);
    for (uint64_t page = 64; page < 80; page += 15) {
        finish_on(1, open_unmap(1, vspace, page, 1));
        assert_false(any_pe_reaches(page));
    }
    finish_on(0, first);
}

static void anothers_tables_are_invalidated_page_by_page(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 3, 1, 30);
    unmap_flags(vspace, 3, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    struct gather *first = open_unmap(0, vspace, 0, TABLE_PAGES); // a table, no leaf
    vmsa_log_reset();
    finish_on(1, open_unmap(1, vspace, 9, 1));
    assert_int_equal(vmsa_log_count(), 1); // 512 addresses are above the threshold
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
    finish_on(0, first);
}

static void tables_held_by_another_are_had_by_helping(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 12 * TABLE_PAGES, 0);
    assert_int_equal(tables_free(vspace), 0);
    struct gather *first = open_unmap(0, vspace, 0, 12 * TABLE_PAGES);
    vmsa_set_pe(1);
    map_pages(vspace, 100 * TABLE_PAGES, 12 * TABLE_PAGES, 0);
    finish_on(0, first);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void scenario_3f_a_slot_used_anew_is_not_taken_for_the_old_one(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 20, 0);
    struct gather *first = open_unmap(0, vspace, 3, 1);
    struct gather *second = open_unmap(1, vspace, 3, 2); // helps, then takes the same slot
    assert_int_equal(entries_open(vspace), 1);
    finish_on(0, first);
    assert_int_equal(entries_open(vspace), 1); // PE 1's
    assert_true(any_pe_reaches(4));
    finish_on(1, second);
    assert_int_equal(entries_open(vspace), 0);
    assert_false(any_pe_reaches(4));
}

static void with_no_entry_free_the_oldest_is_completed(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    lock_acquire(&vspace->lock);
    uint64_t tickets[PENDING_ENTRIES];
    for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
        struct pending *entry = &vspace->pending[pending_open(vspace)];
        pending_add_range(entry, 1000 + 10 * i, 1);
        entry->owner = 0; // deferred
        tickets[i] = entry->ticket;
    }
    vspace->pending[3].ticket = ++vspace->tickets; // the youngest now
    lock_release(&vspace->lock);
    struct gather *gather = open_unmap(0, vspace, 50, 1);
    assert_int_equal(entries_open(vspace), PENDING_ENTRIES);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        assert_true(vspace->pending[i].ticket != tickets[0]);
    assert_int_equal(vspace->pending[1].ticket, tickets[1]);
    finish_on(0, gather);
    assert_int_equal(entries_open(vspace), PENDING_ENTRIES - 1);
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(entries_open(vspace), 0);
}

static void ranges_that_touch_are_one(void **state) {
    (void)state;
    struct pending entry = {.ticket = 1};
    pending_add_range(&entry, 100, 5);
    pending_add_range(&entry, 105, 5);
    pending_add_range(&entry, 90, 10);
    pending_add_range(&entry, 92, 3);
    assert_int_equal(entry.range_count, 1);
    assert_int_equal(entry.ranges[0].first, 90);
    assert_int_equal(entry.ranges[0].pages, 20);
    pending_add_range(&entry, 111, 1);
    assert_int_equal(entry.range_count, 2);
}

static void an_entry_full_of_ranges_still_covers_all(void **state) {
    (void)state;
    struct pending entry = {.ticket = 1};
    uint64_t pages[40];
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = (i * 7919u) % 4001u;
        pending_add_range(&entry, pages[i], 1 + i % 3);
    }
    assert_int_equal(entry.range_count, PENDING_RANGES);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        bool covered = false;
        for (unsigned r = 0; r < entry.range_count; r++) {
            const struct page_range *range = &entry.ranges[r];
            covered = covered || (range->first <= pages[i] &&
                                  pages[i] + 1 + i % 3 <= range->first + range->pages);
        }
        assert_true(covered);
    }
}

// ---- A second PE comes in at every single step of the first one's operation

static struct {
    unsigned target, step;
    bool ran;
    struct vspace *vspace;
    void (*second)(struct vspace *vspace);
} injection;

static struct mapping_record shared_record;

static void inject(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)call;
    (void)a;
    (void)b;
    if (injection.ran || vmsa_holds_locks(0) || injection.step++ < injection.target)
        return;
    injection.ran = true;
    vmsa_set_pe(1);
    injection.second(injection.vspace);
}

// Pages 0 to 9 are mapped to frames 0 to 9 when either begins.
static void unmap_table(struct vspace *vspace) {
    unmap_pages(vspace, 0, TABLE_PAGES);
    vmsa_frame_reused(FRAME(2), 8 * PAGE_BYTES);
}

static void unmap_one(struct vspace *vspace) {
    unmap_pages(vspace, 5, 1);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

static void unmap_all(struct vspace *vspace) {
    unmap_pages(vspace, 0, USER_HALF_PAGES);
    vmsa_frame_reused(FRAME(2), 8 * PAGE_BYTES);
}

static void replace_one(struct vspace *vspace) {
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL);
    if (gather_map_begin(gather, vspace, PAGE(5), 1, 3, &map, &missing) == SHEAF_OK) {
        gather_map_frame(&map, FRAME(1000 + vmsa_pe()), 1, &touched);
        gather_map_end(&map);
    }
    gather_finish(gather);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

// The same by the short way, which must see what is pending.
static void replace_at_once(struct vspace *vspace) {
    struct gather *gather = gather_begin();
    struct mapping_record record;
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL);
    bool mapped =
        gather_map_pages(gather, vspace, PAGE(5), FRAME(1000 + vmsa_pe()), 1, &touched, &record);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
    if (!mapped) {
        gather = gather_begin();
        gather_map_pages(gather, vspace, PAGE(5), FRAME(1000 + vmsa_pe()), 1, &touched, &record);
        gather_finish(gather);
    }
}

static void delete_one(struct vspace *vspace) {
    (void)vspace;
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, shared_record, FRAME(5), 12);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

static void map_block_over(struct vspace *vspace) {
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    enum sheaf_error error =
        gather_map_begin(gather, vspace, PAGE(0), TABLE_PAGES, 2, &map, &missing);
    if (error == SHEAF_OK) {
        gather_map_frame(&map, FRAME(2048), TABLE_PAGES, &touched);
        gather_map_end(&map);
    } else {
        assert_int_equal(error, SHEAF_ERR_PLACE_OCCUPIED);
    }
    gather_finish(gather);
}

static void touch_one(struct vspace *vspace) {
    vspace_activate(vspace);
    mmu_fault(vspace, PAGE(5), SHEAF_ACCESS_WRITE);
}

static void load_root(struct vspace *vspace) {
    vspace_activate(NULL);
    vspace_activate(vspace);
}

static void every_pair_at_every_step(void **state) {
    (void)state;
    static const struct {
        const char *name;
        void (*run)(struct vspace *vspace);
    } operations[] = {
        {"unmap_table", unmap_table},
        {"unmap_one", unmap_one},
        {"unmap_all", unmap_all},
        {"replace_one", replace_one},
        {"delete_one", delete_one},
        {"map_block_over", map_block_over},
        {"touch_one", touch_one},
        {"load_root", load_root},
        {"replace_at_once", replace_at_once},
    };
    unsigned schedules = 0;
    for (unsigned a = 0; a < ARRAY_SIZE(operations); a++) {
        for (unsigned b = 0; b < ARRAY_SIZE(operations); b++) {
            unsigned target = 0;
            do {
                machine_setup(NULL);
                struct vspace *vspace = new_vspace(1);
                struct gather *gather = gather_begin();
                map_level(gather, vspace, 0, 10, 0, 3, target % 2 ? &touched : &untouched);
                gather_finish(gather);
                shared_record = map_pages(vspace, 100, 1, 100);
                unmap_pages(vspace, 5, 1);
                shared_record = map_pages(vspace, 5, 1, 5);
                vmsa_set_pe(1);
                vspace_activate(vspace);
                vmsa_set_pe(0);
                injection.target = target;
                injection.step = 0;
                injection.ran = false;
                injection.vspace = vspace;
                injection.second = operations[b].run;
                vmsa_set_hook(inject);
                operations[a].run(vspace);
                vmsa_set_hook(NULL);
                vmsa_set_pe(0);
                assert_int_equal(entries_open(vspace), 0);
                assert_int_equal(tables_used(vspace), count_hooked(vspace));
                unmap_pages(vspace, 0, USER_HALF_PAGES);
                assert_int_equal(tables_used(vspace), 1);
                schedules += injection.ran;
                target++;
            } while (injection.ran);
            assert_true(target > 1);
        }
    }
    print_message("# %u schedules of %zu pairs\n", schedules,
                  ARRAY_SIZE(operations) * ARRAY_SIZE(operations));
}

static struct {
    struct vspace *vspace;
    uint64_t page, frame;
    bool come;
} other;

static void map_before_the_finish(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call != VMSA_CALL_BARRIER || other.come)
        return;
    other.come = true;
    vmsa_set_pe(1);
    map_pages(other.vspace, other.page, 1, other.frame); // the model judges what is left there
}

// Of a few pages, in any order, each is found by who comes before the finish.
static void of_a_few_pages_each_is_pending(void **state) {
    (void)state;
    static const unsigned lists[][5] = {
        {4, 40, 80, 120, 160},          // up
        {160, 120, 80, 40, 4},          // down
        {4, 2000, 6000, 8000, 10000},   // far apart
        {10000, 8000, 6000, 2000, 4},   // and down
        {2000, 8000, 4, 10000, 6000},   // to and fro
        {40, 42, 44, 46, 48},           // one behind the other
        {1000, 3000, 5000, 9000, 7000}, // the last one in between
    };
    enum { COUNT = 5, PAGES = 2 };
    for (unsigned n = 0; n < COUNT * PAGES * ARRAY_SIZE(lists); n++) {
        const unsigned *first = lists[n / (COUNT * PAGES)];
        struct gather_pages list[COUNT];
        struct gather_totals totals;
        machine_setup(NULL);
        struct vspace *vspace = loaded_everywhere(2);
        for (unsigned i = 0; i < COUNT; i++) {
            list[i] = (struct gather_pages){PAGE(first[i]), PAGES};
            map_pages(vspace, first[i], PAGES, 10 * i);
        }
        other.vspace = vspace;
        other.page = first[n / PAGES % COUNT] + n % PAGES;
        other.frame = 100 + n;
        other.come = false;
        vmsa_set_hook(map_before_the_finish);
        assert_true(gather_unmap_few(vspace, list, COUNT, &totals));
        vmsa_set_hook(NULL);
        assert_true(other.come && is_mapped_to(vspace, other.page, other.frame));
        assert_int_equal(entries_open(vspace), 0);
        assert_int_equal(vspace->pending_count, 0);
        for (unsigned i = 0; i < COUNT; i++)
            vmsa_frame_reused(FRAME(10 * i), PAGES * PAGE_BYTES);
    }
}

// What it is about may have been removed and not be complete: the ordinary ways help first.
static void quick_ways_leave_what_is_pending_to_others(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapped_frame frame = {FRAME(30), map_pages(vspace, 3, 1, 30)};
    struct gather *first = open_unmap(0, vspace, 3, 1);
    vmsa_set_pe(1);
    struct gather_totals totals;
    uint8_t seen = 0;
    assert_false(gather_unmap_few(vspace, &(struct gather_pages){PAGE(3), 1}, 1, &totals));
    struct gather *second = gather_begin();
    assert_int_equal(clear_record(second, &frame, PAGE_BITS, &seen), RECORD_PENDING);
    gather_finish(second);
    finish_on(0, first);
}

// Records of one table, in any order: each is found by who comes before the finish.
static void of_a_list_of_records_each_is_pending(void **state) {
    (void)state;
    enum { COUNT = 3 };
    for (unsigned n = 0; n < 2 * COUNT; n++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_everywhere(1);
        struct mapped_frame frames[COUNT];
        struct gather_record records[COUNT] = {0};
        enum record_step step;
        for (unsigned i = 0; i < COUNT; i++) {
            uint64_t page = n % 2 == 0 ? 4 + 16 * i : 64 - 16 * i;
            frames[i] = (struct mapped_frame){FRAME(i), map_pages(vspace, page, 1, i)};
            records[i].frame = &frames[i];
            records[i].size_bits = PAGE_BITS;
        }
        struct gather *gather = gather_begin();
        assert_int_equal(gather_clear_records(gather, records, COUNT, &step), COUNT);
        vmsa_set_pe(1);
        uint64_t page = n % 2 == 0 ? 4 + 16 * (n / 2) : 64 - 16 * (n / 2);
        map_pages(vspace, page, 1, 30); // the model judges what is left there
        finish_on(0, gather);
        vmsa_frame_reused(FRAME(0), COUNT * PAGE_BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(scenario_1a_nothing_found_is_not_invalidated, machine_setup),
        cmocka_unit_test_setup(scenario_1b_help_covers_tables_that_another_unhooked, machine_setup),
        cmocka_unit_test_setup(scenario_1c_disjoint_ranges_do_not_touch_each_other, machine_setup),
        cmocka_unit_test_setup(scenario_1d_a_batch_that_never_ends_stops_nobody, machine_setup),
        cmocka_unit_test_setup(mapping_over_what_another_removed_completes_that_first,
                               machine_setup),
        cmocka_unit_test_setup(mapping_over_ones_own_removal_closes_the_batch, machine_setup),
        cmocka_unit_test_setup(a_whole_table_replaced_in_one_batch, machine_setup),
        cmocka_unit_test_setup(mapping_elsewhere_leaves_the_batch_open, machine_setup),
        cmocka_unit_test_setup(a_deleted_run_is_pending_as_a_whole, machine_setup),
        cmocka_unit_test_setup(anothers_tables_are_invalidated_page_by_page, machine_setup),
        cmocka_unit_test_setup(tables_held_by_another_are_had_by_helping, machine_setup),
        cmocka_unit_test_setup(scenario_3f_a_slot_used_anew_is_not_taken_for_the_old_one,
                               machine_setup),
        cmocka_unit_test_setup(with_no_entry_free_the_oldest_is_completed, machine_setup),
        cmocka_unit_test(ranges_that_touch_are_one),
        cmocka_unit_test(an_entry_full_of_ranges_still_covers_all),
        cmocka_unit_test(every_pair_at_every_step),
        cmocka_unit_test_setup(of_a_few_pages_each_is_pending, machine_setup),
        cmocka_unit_test_setup(quick_ways_leave_what_is_pending_to_others, machine_setup),
        cmocka_unit_test_setup(of_a_list_of_records_each_is_pending, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.pending", tests, NULL, NULL);
}
