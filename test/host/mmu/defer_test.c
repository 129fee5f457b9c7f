// SPDX-License-Identifier: BSD-2-Clause
// Deferred removals, SYNC and FORCE: what stays pending, what brings it to its end, and that
// nothing is used anew before that. Cases named scenario_ pin failures of lazy invalidation
// elsewhere.
#include "support.h"

#include <pending.h>
#include <record.h>

static void defer_on(unsigned pe, struct vspace *vspace, uint64_t page, uint64_t pages) {
    unsigned before = vmsa_pe();
    vmsa_set_pe(pe);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_set_policy(gather, GATHER_DEFER);
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tlbi, 0);
    assert_int_equal(gather_totals(gather)->dsb, 0);
    assert_int_equal(gather_totals(gather)->tables, 0);
    vmsa_set_pe(before);
}

static struct gather_totals sync_on(unsigned pe, struct vspace *vspace) {
    vmsa_set_pe(pe);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, vspace), SHEAF_OK);
    gather_finish(gather);
    vmsa_set_pe(0);
    return *gather_totals(gather);
}

static enum record_step defer_record(struct mapping_record record, paddr_t frame, unsigned bits) {
    uint8_t seen = 0;
    struct gather *gather = gather_begin();
    gather_set_policy(gather, GATHER_DEFER);
    enum record_step step =
        clear_record(gather, &(struct mapped_frame){frame, record}, bits, &seen);
    gather_finish(gather);
    return step;
}

static void a_deferred_removal_waits_for_sync(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(0, vspace, 10, 4);
    assert_false(is_mapped_to(vspace, 10, 10));
    assert_true(any_pe_reaches(10));
    assert_int_equal(vspace->pending_count, 1);
    assert_int_equal(vspace->pending[0].owner, 0);
    assert_int_equal(vspace->pins, 0);
    struct gather_totals totals = sync_on(0, vspace);
    assert_int_equal(totals.tlbi, 4);
    assert_int_equal(totals.dsb, 2);
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_equal(vmsa_log()[i].kind, PORT_TLBI_VALE1IS); // its own: known to be leaves
    assert_false(any_pe_reaches(10));
    vmsa_frame_reused(FRAME(10), 4 * PAGE_BYTES);
    assert_int_equal(vspace->pending_count, 0);
    totals = sync_on(0, vspace);
    assert_int_equal(totals.tlbi + totals.dsb, 0); // nothing to do
}

static void one_sync_completes_all_entries_with_one_pair_of_barriers(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 512, 0);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        defer_on(0, vspace, 40 * i, 16);
    assert_int_equal(vspace->pending_count, PENDING_ENTRIES);
    struct gather_totals totals = sync_on(0, vspace);
    assert_int_equal(totals.tlbi, 128);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(totals.batches, 1);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        vmsa_frame_reused(FRAME(40 * i), 16 * PAGE_BYTES);
}

static void several_vspaces_share_the_barriers(void **state) {
    (void)state;
    struct vspace *vspaces[3];
    for (unsigned i = 0; i < 3; i++) {
        vspaces[i] = loaded_everywhere(1);
        map_pages(vspaces[i], 7, 1, 7 + 100 * i);
        defer_on(0, vspaces[i], 7, 1);
    }
    struct gather *gather = gather_begin();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(gather_sync(gather, vspaces[i]), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tlbi, 3);
    assert_int_equal(gather_totals(gather)->dsb, 2);
    for (unsigned i = 0; i < 3; i++)
        vmsa_frame_reused(FRAME(7 + 100 * i), PAGE_BYTES);
}

// The stores are another PE's: this one has them by the lock alone, which a DSB ISHST does not wait
// for. The model reports a removal as incomplete where it is used.
static void sync_of_what_another_pe_deferred_waits_for_loads(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(1, vspace, 10, 4);
    defer_on(0, vspace, 30, 2);
    uint64_t ishst = vmsa_counter(SHEAF_COUNTER_DSB_ISHST);
    struct gather_totals totals = sync_on(0, vspace);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_DSB_ISHST), ishst);
    assert_int_equal(totals.dsb, 2);
    assert_int_equal(totals.tlbi, 6);
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_equal(vmsa_log()[i].kind, PORT_TLBI_VAE1IS);
    vmsa_frame_reused(FRAME(10), 4 * PAGE_BYTES);
    vmsa_frame_reused(FRAME(30), 2 * PAGE_BYTES);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 0);
}

// What an adopted entry covers must not be forgotten when this PE completes it in place.
static void adopted_and_then_mapped_over_in_one_batch(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(1, vspace, 10, 4);
    defer_on(0, vspace, 30, 2);
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, vspace), SHEAF_OK);
    map_level(gather, vspace, 12, 1, 999, 3, &touched);
    vmsa_frame_reused(FRAME(10), 4 * PAGE_BYTES);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(30), 2 * PAGE_BYTES);
}

static void the_ninth_completes_the_oldest(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 512, 0);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        defer_on(0, vspace, 40 * i, 2);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_set_policy(gather, GATHER_DEFER);
    assert_int_equal(gather_unmap(gather, vspace, PAGE(400), 2, 0, &done, NULL), SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 2);
    assert_int_equal(vmsa_dsb_count(), 2);
    assert_false(any_pe_reaches(0));
    assert_true(any_pe_reaches(40));
    assert_true(any_pe_reaches(400));
    assert_int_equal(vspace->pending_count, PENDING_ENTRIES);
    sync_on(0, vspace);
    assert_false(any_pe_reaches(400));
}

static void with_no_entry_free_a_record_asks_for_completion(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapping_record record = map_pages(vspace, 500, 1, 500);
    map_pages(vspace, 0, 400, 0);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        defer_on(0, vspace, 40 * i, 2);
    assert_int_equal(defer_record(record, FRAME(500), 12), RECORD_PENDING);
    assert_true(is_mapped_to(vspace, 500, 500));
    assert_true(gather_complete_record(gather_begin(), record));
    assert_int_equal(defer_record(record, FRAME(500), 12), RECORD_THROUGH);
    assert_true(any_pe_reaches(500));
    assert_int_equal(vspace->pending_count, 1);
    sync_on(0, vspace);
    vmsa_frame_reused(FRAME(500), PAGE_BYTES);
}

// One call's ranges stay exact as long as there are entries for them.
static void ranges_far_apart_in_one_call(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 512, 0);
    struct gather *gather = gather_begin();
    gather_set_policy(gather, GATHER_DEFER);
    for (unsigned i = 0; i < 16; i++) {
        uint64_t done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(30 * i), 2, 0, &done, NULL), SHEAF_OK);
    }
    gather_finish(gather);
    assert_int_equal(vspace->pending_count, 4);
    assert_int_equal(sync_on(0, vspace).tlbi, 32);
}

static void untouched_leaves_are_not_even_pending(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 10, 0, 3, &untouched);
    gather_finish(gather);
    defer_on(0, vspace, 0, 10);
    assert_int_equal(vspace->pending_count, 0);
    assert_int_equal(sync_on(0, vspace).dsb, 0);
}

static void blocks_are_a_block_apart(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 4 * TABLE_PAGES, 0, 2, &touched);
    gather_finish(gather);
    defer_on(0, vspace, 0, 4 * TABLE_PAGES);
    struct gather_totals totals = sync_on(0, vspace);
    assert_int_equal(totals.tlbi, 4);
    vmsa_frame_reused(FRAME(0), 4 * TABLE_PAGES * PAGE_BYTES);
}

// ---- Scenarios

static void scenario_4a_the_range_of_a_deferred_removal_is_mapped_anew(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(0, vspace, 10, 4);
    assert_true(any_pe_reaches(12));
    map_pages(vspace, 12, 1, 999); // the model judges the store
    assert_true(is_mapped_to(vspace, 12, 999));
    vmsa_frame_reused(FRAME(10), 4 * PAGE_BYTES);
    // By another PE, and as a block where the table is empty.
    defer_on(0, vspace, 0, 100);
    vmsa_set_pe(1);
    unmap_flags(vspace, 0, 100, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, TABLE_PAGES, 1024, 2, &touched);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(0), 10 * PAGE_BYTES);
}

static void scenario_4b_the_frame_of_a_deferred_removal_is_used_anew(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 50);
    map_pages(vspace, 6, 1, 60);
    // The capability is deleted: nothing is found, and completed all the same.
    defer_on(1, vspace, 5, 1);
    struct gather *gather = gather_begin();
    assert_false(gather_unmap_record(gather, record, FRAME(50), 12)); // took its time
    assert_true(gather_unmap_record(gather, record, FRAME(50), 12));
    gather_finish(gather);
    assert_false(any_pe_reaches(5));
    vmsa_frame_reused(FRAME(50), PAGE_BYTES);
    // It is mapped anew elsewhere: MAP completes what the record's VSpace has pending.
    record = map_pages(vspace, 5, 1, 50);
    defer_on(0, vspace, 5, 1);
    assert_true(gather_complete_record(gather_begin(), record));
    assert_false(any_pe_reaches(5));
    assert_false(gather_complete_record(gather_begin(), record));
    // The VSpace dies.
    defer_on(1, vspace, 6, 1);
    vspace_destroy(vspace);
    vmsa_frame_reused(FRAME(60), PAGE_BYTES);
}

static void scenario_4c_a_deferred_removal_that_empties_a_table(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, TABLE_PAGES, 0);
    unsigned used = tables_used(vspace);
    defer_on(0, vspace, 0, USER_HALF_PAGES);
    assert_int_equal(tables_used(vspace), used); // kept, not waiting
    assert_int_equal(vspace->pending[0].tables, 0);
    // The next one unhooks them; what was deferred is complete before a table is free.
    struct gather_totals totals = unmap_pages(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(totals.tables, used - 1);
    assert_int_equal(tables_used(vspace), 1);
    map_pages(vspace, 7 * GIB_PAGES, TABLE_PAGES, 2048); // takes them again
    vmsa_frame_reused(FRAME(0), TABLE_PAGES * PAGE_BYTES);
}

static void scenario_4e_a_gap_of_gibibytes_costs_nothing(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 1, 1);
    map_pages(vspace, 8 * GIB_PAGES, 1, 2);
    struct gather *gather = gather_begin();
    gather_set_policy(gather, GATHER_DEFER);
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(0), 1, 0, &done, NULL), SHEAF_OK);
    done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(8 * GIB_PAGES), 1, 0, &done, NULL),
                     SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(vspace->pending_count, 1);
    assert_int_equal(sync_on(0, vspace).tlbi, 2);
    assert_false(any_pe_reaches(0));
    assert_false(any_pe_reaches(8 * GIB_PAGES));
}

// PE 0 comes to its SYNC's barriers while PE 1 begins another.
static struct vspace *synced;
static bool second_ran;

static void sync_meanwhile(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (second_ran || call != VMSA_CALL_TLBI)
        return;
    second_ran = true;
    vmsa_set_pe(1);
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, synced), SHEAF_OK);
    gather_finish(gather);
    assert_false(any_pe_reaches(10)); // its caller is told so
    vmsa_frame_reused(FRAME(10), 4 * PAGE_BYTES);
}

static void scenario_4g_someone_is_flushing_is_not_flushed(void **state) {
    (void)state;
    synced = loaded_everywhere(1);
    second_ran = false;
    map_pages(synced, 0, 100, 0);
    defer_on(0, synced, 10, 4);
    vmsa_set_hook(sync_meanwhile);
    sync_on(0, synced);
    vmsa_set_hook(NULL);
    assert_true(second_ran);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    assert_int_equal(synced->pending_count, 0);
}

// A gather of another PE stands between its stores and its finish, for ever; SYNC does not wait.
static void scenario_4f_sync_waits_for_nobody(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    vmsa_set_pe(1);
    struct gather *open = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(open, vspace, PAGE(3), 2, 0, &done, NULL), SHEAF_OK);
    defer_on(2, vspace, 50, 2);
    sync_on(0, vspace);
    assert_false(any_pe_reaches(3));
    assert_false(any_pe_reaches(50));
    vmsa_frame_reused(FRAME(3), 2 * PAGE_BYTES);
    vmsa_frame_reused(FRAME(50), 2 * PAGE_BYTES);
}

// ---- FORCE

static struct gather_totals force(struct vspace *vspace, uint64_t page, uint64_t pages) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    vmsa_log_reset();
    gather_set_policy(gather, GATHER_FORCE);
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    gather_force(gather, vspace, PAGE(page), pages);
    gather_finish(gather);
    return *gather_totals(gather);
}

static void force_invalidates_what_was_not_found(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct gather_totals totals = force(vspace, 20, 5);
    assert_int_equal(totals.tlbi, 5);
    assert_int_equal(totals.dsb, 2);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(vmsa_log()[i].kind, PORT_TLBI_VAE1IS);
        assert_int_equal(vmsa_log()[i].operand, (uint64_t)asid_of(vspace).v << 48 | (20 + i));
    }
    totals = force(vspace, 0, USER_HALF_PAGES);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
}

static void force_elides_nothing_and_repeats_nothing(void **state) {
    (void)state;
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK); // never loaded
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 0, 10, 0, 3, &untouched);
    gather_finish(gather);
    assert_int_equal(force(vspace, 0, 10).tlbi, 10); // nor ever accessed
    vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 20, 0);
    assert_int_equal(force(vspace, 5, 10).tlbi, 10); // found, and named: once
    vmsa_frame_reused(FRAME(5), 10 * PAGE_BYTES);
    map_pages(vspace, 5, 5, 100);
}

static void scenario_2e_the_same_page_twice_in_one_vector(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 5);
    map_pages(vspace, 6, 1, 6);
    vmsa_log_reset();
    struct gather *gather = gather_begin();
    uint8_t seen = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t done = 0;
        assert_int_equal(gather_unmap(gather, vspace, PAGE(5), 1, 0, &done, NULL), SHEAF_OK);
        assert_int_equal(clear_record(gather, &(struct mapped_frame){FRAME(5), record}, 12, &seen),
                         RECORD_THROUGH);
    }
    gather_finish(gather);
    assert_int_equal(seen, 0); // the first had it
    assert_int_equal(gather_totals(gather)->leaves, 1);
    assert_int_equal(vmsa_log_count(), 1);
    vmsa_frame_reused(FRAME(5), PAGE_BYTES);
}

#define DEFER_TEST(function) cmocka_unit_test_setup(function, machine_setup)

// Completed together, as one invalidation: no level is right for both.
static void scenario_1e_a_page_and_a_block_that_were_deferred(void **state) {
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        machine_init(8, 0, (struct mmu_features){.ttl = true});
        struct vspace *vspace = loaded_everywhere(1);
        struct gather *gather = gather_begin();
        map_level(gather, vspace, TABLE_PAGES, TABLE_PAGES, TABLE_PAGES, 2, &touched);
        map_level(gather, vspace, 5, 1, 5, LEAF_LEVEL, &touched);
        gather_finish(gather);
        defer_on(0, vspace, n == 0 ? 5 : TABLE_PAGES, n == 0 ? 1 : TABLE_PAGES);
        defer_on(0, vspace, n == 0 ? TABLE_PAGES : 5, n == 0 ? TABLE_PAGES : 1);
        assert_int_equal(vspace->pending_count, 2);
        gather = gather_begin();
        gather_complete_record(gather, record_make(asid_of(vspace), LEAF_LEVEL, 1, 0, 1));
        gather_finish(gather);
        assert_false(any_pe_reaches(5) || any_pe_reaches(TABLE_PAGES + 9));
    }
}

// Taken over by a batch of another PE that then meets it itself: the stores are not all its own.
static void a_deferred_entry_taken_over_stays_anothers(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(0, vspace, 10, 1);
    vmsa_set_pe(1);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(20), 1, 0, &done, NULL), SHEAF_OK);
    assert_int_equal(gather_sync(gather, vspace), SHEAF_OK);
    map_level(gather, vspace, 10, 1, 200, LEAF_LEVEL, &touched); // the model judges
    gather_finish(gather);
    assert_true(is_mapped_to(vspace, 10, 200));
}

// Taken over while the gather that deferred it goes on: what that removes later is not among what
// the other one covers.
static void what_is_deferred_after_a_sync_is_pending_by_itself(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    struct gather *deferring = gather_begin();
    uint64_t done = 0;
    gather_set_policy(deferring, GATHER_DEFER);
    assert_int_equal(gather_unmap(deferring, vspace, PAGE(10), 1, 0, &done, NULL), SHEAF_OK);
    vmsa_set_pe(1);
    struct gather *syncing = gather_begin();
    assert_int_equal(gather_sync(syncing, vspace), SHEAF_OK);
    vmsa_set_pe(0);
    done = 0;
    assert_int_equal(gather_unmap(deferring, vspace, PAGE(30), 1, 0, &done, NULL), SHEAF_OK);
    gather_finish(deferring);
    vmsa_set_pe(1);
    gather_finish(syncing);
    assert_int_equal(vspace->pending_count, 1);
    vmsa_frame_reused(FRAME(10), PAGE_BYTES);
    sync_on(0, vspace);
    assert_false(any_pe_reaches(30));
    vmsa_frame_reused(FRAME(30), PAGE_BYTES);
}

// Taken over by a batch of another PE that then removes something itself: the stores are no longer
// all of the one that deferred.
static void a_deferred_entry_taken_over_is_helped_as_anothers(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    defer_on(0, vspace, 10, 1);
    vmsa_set_pe(1);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_sync(gather, vspace), SHEAF_OK);
    assert_int_equal(gather_unmap(gather, vspace, PAGE(20), 1, 0, &done, NULL), SHEAF_OK);
    vmsa_set_pe(0);
    struct gather *helping = gather_begin();
    done = 0;
    assert_int_equal(gather_unmap(helping, vspace, PAGE(20), 1, 0, &done, NULL), SHEAF_OK);
    gather_finish(helping);
    vmsa_frame_reused(FRAME(20), PAGE_BYTES); // the model judges
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    vmsa_set_pe(1);
    gather_finish(gather);
    vmsa_set_pe(0);
}

// An entry completed in the middle of a call takes nothing away of what FORCE was asked for.
static void force_is_kept_when_its_entry_is_completed(void **state) {
    (void)state;
    struct vspace *vspace = loaded_everywhere(1);
    map_pages(vspace, 0, 100, 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_set_policy(gather, GATHER_FORCE);
    assert_int_equal(gather_unmap(gather, vspace, PAGE(10), 1, 0, &done, NULL), SHEAF_OK);
    gather_force(gather, vspace, PAGE(10), 3);
    map_level(gather, vspace, 10, 1, 200, LEAF_LEVEL, &touched);
    vmsa_log_reset();
    gather_finish(gather);
    assert_int_equal(vmsa_log_count(), 3);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VAE1IS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DEFER_TEST(a_deferred_removal_waits_for_sync),
        DEFER_TEST(one_sync_completes_all_entries_with_one_pair_of_barriers),
        DEFER_TEST(several_vspaces_share_the_barriers),
        DEFER_TEST(sync_of_what_another_pe_deferred_waits_for_loads),
        DEFER_TEST(adopted_and_then_mapped_over_in_one_batch),
        DEFER_TEST(the_ninth_completes_the_oldest),
        DEFER_TEST(with_no_entry_free_a_record_asks_for_completion),
        DEFER_TEST(ranges_far_apart_in_one_call),
        DEFER_TEST(untouched_leaves_are_not_even_pending),
        DEFER_TEST(blocks_are_a_block_apart),
        DEFER_TEST(scenario_4a_the_range_of_a_deferred_removal_is_mapped_anew),
        DEFER_TEST(scenario_4b_the_frame_of_a_deferred_removal_is_used_anew),
        DEFER_TEST(scenario_4c_a_deferred_removal_that_empties_a_table),
        DEFER_TEST(scenario_4e_a_gap_of_gibibytes_costs_nothing),
        DEFER_TEST(scenario_4f_sync_waits_for_nobody),
        DEFER_TEST(scenario_4g_someone_is_flushing_is_not_flushed),
        DEFER_TEST(force_invalidates_what_was_not_found),
        DEFER_TEST(force_elides_nothing_and_repeats_nothing),
        DEFER_TEST(scenario_2e_the_same_page_twice_in_one_vector),
        cmocka_unit_test_setup(scenario_1e_a_page_and_a_block_that_were_deferred, machine_setup),
        DEFER_TEST(a_deferred_entry_taken_over_stays_anothers),
        DEFER_TEST(what_is_deferred_after_a_sync_is_pending_by_itself),
        DEFER_TEST(a_deferred_entry_taken_over_is_helped_as_anothers),
        DEFER_TEST(force_is_kept_when_its_entry_is_completed),
    };
    return cmocka_run_group_tests_name("mmu.defer", tests, NULL, NULL);
}
