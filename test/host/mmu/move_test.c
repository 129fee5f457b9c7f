// SPDX-License-Identifier: BSD-2-Clause
// MOVE of whole tables: what goes where, what is refused, slices, and what other PEs see of it.
#include "support.h"

#include <limits.h>
#include <pending.h>

#define SLICE 64u // tables of one critical section

static struct gather_totals totals;

static unsigned missing_tables;

// One slice, in units of 2 MiB.
static enum sheaf_error slice(struct gather *gather, struct vspace *vspace, uint64_t from,
                              uint64_t to, uint64_t units, struct gather_move *move) {
    return gather_move_tables(gather, vspace, PAGE(from * TABLE_PAGES), PAGE(to * TABLE_PAGES),
                              units * TABLE_PAGES, move, &missing_tables);
}

// All slices, the batch finished after every `most`, as when an interrupt comes. Counts those.
static enum sheaf_error move_interrupted(struct vspace *vspace, uint64_t from, uint64_t to,
                                         uint64_t units, unsigned most, unsigned *interrupts) {
    struct gather_move move = {0};
    enum sheaf_error error = SHEAF_OK;
    *interrupts = 0;
    missing_tables = 0;
    totals = (struct gather_totals){0};
    while (error == SHEAF_OK && move.pass != MOVE_DONE) {
        struct gather *gather = gather_begin();
        for (unsigned i = 0; i < most && error == SHEAF_OK && move.pass != MOVE_DONE; i++)
            error = slice(gather, vspace, from, to, units, &move);
        gather_finish(gather);
        totals.leaves += gather_totals(gather)->leaves;
        totals.tlbi += gather_totals(gather)->tlbi;
        totals.dsb += gather_totals(gather)->dsb;
        *interrupts += move.pass != MOVE_DONE;
    }
    assert_int_equal(error == SHEAF_ERR_NO_TABLES, missing_tables != 0);
    return error;
}

static enum sheaf_error move_units(struct vspace *vspace, uint64_t from, uint64_t to,
                                   uint64_t units) {
    unsigned interrupts;
    return move_interrupted(vspace, from, to, units, UINT_MAX, &interrupts);
}

static void assert_refused(struct vspace *vspace, uint64_t from, uint64_t to, uint64_t units,
                           enum sheaf_error expected) {
    snapshot_take();
    assert_int_equal(move_units(vspace, from, to, units), expected);
    snapshot_assert_unchanged();
}

static struct vspace *loaded_on_two(unsigned chunks) {
    struct vspace *vspace = new_vspace(chunks);
    vmsa_set_pe(1);
    vspace_activate(vspace);
    vmsa_set_pe(0);
    return vspace;
}

// A page at the beginning, in the middle and at the end of each table, of frames by number.
static void fill(struct vspace *vspace, uint64_t first, uint64_t units) {
    struct gather *gather = gather_begin();
    for (uint64_t i = 0; i < units; i++) {
        uint64_t page = (first + i) * TABLE_PAGES;
        map_level(gather, vspace, page, 1, 3 * i, LEAF_LEVEL, &touched);
        map_level(gather, vspace, page + 100, 1, 3 * i + 1, LEAF_LEVEL, &untouched);
        map_level(gather, vspace, page + 511, 1, 3 * i + 2, LEAF_LEVEL, &touched);
    }
    gather_finish(gather);
}

static bool is_filled(const struct vspace *vspace, uint64_t unit, uint64_t number) {
    return is_mapped_to(vspace, unit * TABLE_PAGES, 3 * number) &&
           is_mapped_to(vspace, unit * TABLE_PAGES + 100, 3 * number + 1) &&
           is_mapped_to(vspace, unit * TABLE_PAGES + 511, 3 * number + 2);
}

static bool is_empty(const struct vspace *vspace, uint64_t unit) {
    unsigned level;
    return find_leaf(vspace, unit * TABLE_PAGES, &level) == 0 &&
           find_leaf(vspace, unit * TABLE_PAGES + 100, &level) == 0 &&
           find_leaf(vspace, unit * TABLE_PAGES + 511, &level) == 0;
}

// After a MOVE of what fill() made: there, and nothing left here.
static void assert_moved(struct vspace *vspace, uint64_t from, uint64_t to, uint64_t units) {
    for (uint64_t i = 0; i < units; i++) {
        if (!is_filled(vspace, to + i, i))
            fail_msg("table %lu is not at its new place", (unsigned long)i);
        if ((from + i < to || from + i >= to + units) && !is_empty(vspace, from + i))
            fail_msg("table %lu is at its old place still", (unsigned long)i);
    }
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void tables_move_with_all_they_hold(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    struct mapping_record record = map_pages(vspace, 40, 8, 40);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, TABLE_PAGES + 7, 1, 7, LEAF_LEVEL, &read_only);
    gather_finish(gather);
    unsigned used = tables_used(vspace);
    vaddr_t va;
    uint64_t pages;
    assert_int_equal(move_units(vspace, 0, 3 * 512 + 5, 2), SHEAF_OK);
    uint64_t now = 3 * GIB_PAGES + 5 * TABLE_PAGES;
    assert_true(is_mapped_to(vspace, now + 47, 47));
    assert_true(is_mapped_to(vspace, now + TABLE_PAGES + 7, 7));
    assert_true(record_place(record, FRAME(40), 15, &va, &pages)); // a place: it is true still
    assert_int_equal(va.v, (now + 40) << PAGE_BITS);
    assert_int_equal(pages, 8);
    assert_int_equal(tables_used(vspace), used + 1); // of level 2
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    assert_int_equal(totals.leaves, 9);
    assert_int_equal(totals.tlbi, 1);
    assert_int_equal(totals.dsb, 3);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TABLES_MOVED), 2);
    assert_int_equal(mmu_fault(vspace, PAGE(now + 40), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_int_equal(mmu_fault(vspace, PAGE(40), SHEAF_ACCESS_READ), MMU_FAULT_TRANSLATION);
}

static void ranges_may_overlap(void **state) {
    (void)state;
    static const int distances[] = {1, -1, 2, -2, 5, -5, 6, -6};
    for (unsigned i = 0; i < ARRAY_SIZE(distances); i++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_on_two(2);
        uint64_t from = 509, to = from + (uint64_t)distances[i]; // over a GiB's boundary
        fill(vspace, from, 6);
        assert_int_equal(move_units(vspace, from, to, 6), SHEAF_OK);
        assert_moved(vspace, from, to, 6);
    }
}

static void a_range_onto_itself_stays(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    fill(vspace, 4, 2);
    snapshot_take();
    assert_int_equal(move_units(vspace, 4, 4, 2), SHEAF_OK);
    snapshot_assert_unchanged();
}

static void where_no_table_is_nothing_moves(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    fill(vspace, 0, 1);
    fill(vspace, 600, 2);
    map_pages(vspace, (700 + 5) * TABLE_PAGES, 1, 90); // no table goes there
    assert_int_equal(move_units(vspace, 0, 700, 100), SHEAF_OK);
    assert_moved(vspace, 0, 700, 1);
    assert_true(is_mapped_to(vspace, (700 + 5) * TABLE_PAGES, 90));
    // The lower half of the user half into the upper: almost nothing is there.
    uint64_t half = USER_HALF_PAGES / TABLE_PAGES / 2;
    assert_int_equal(move_units(vspace, 0, half, half), SHEAF_OK);
    assert_moved(vspace, 600, half + 600, 2);
    assert_moved(vspace, 700, half + 700, 1);
    assert_true(is_mapped_to(vspace, (half + 700 + 5) * TABLE_PAGES, 90));
    assert_int_equal(move_units(vspace, half, 0, half), SHEAF_OK);
    assert_moved(vspace, half + 600, 600, 2);
}

static void what_cannot_be_moved_changes_nothing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    struct gather *gather = gather_begin();
    fill(vspace, 0, 3);
    map_pages(vspace, 20 * TABLE_PAGES + 300, 1, 99);
    map_level(gather, vspace, 5 * TABLE_PAGES, TABLE_PAGES, 512, 2, &touched);
    map_level(gather, vspace, 8 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    gather_finish(gather);
    assert_refused(vspace, 0, 18, 3, SHEAF_ERR_PLACE_OCCUPIED); // the last one
    assert_refused(vspace, 0, 20, 3, SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 0, 5, 3, SHEAF_ERR_PLACE_OCCUPIED);           // a block
    assert_refused(vspace, 0, 8 * 512 + 4, 3, SHEAF_ERR_PLACE_OCCUPIED); // a larger one
    assert_refused(vspace, 0, 3, 3, SHEAF_ERR_PLACE_OCCUPIED);  // a block behind free places
    assert_refused(vspace, 3, 100, 3, SHEAF_ERR_OTHER_MAPPING); // a block at its end
    assert_refused(vspace, 8 * 512 + 3, 100, 1, SHEAF_ERR_OTHER_MAPPING); // inside of a block
}

static void misaligned_ranges(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    fill(vspace, 0, 1);
    static const struct {
        uint64_t from, to, pages;
    } cases[] = {{1, 4096, 512}, {0, 4097, 512}, {0, 4096, 511}, {511, 511, 513}};
    snapshot_take();
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gather_move move = {0};
        struct gather *gather = gather_begin();
        assert_int_equal(gather_move_tables(gather, vspace, PAGE(cases[i].from), PAGE(cases[i].to),
                                            cases[i].pages, &move, &missing_tables),
                         SHEAF_ERR_MISALIGNED);
        gather_finish(gather);
    }
    snapshot_assert_unchanged();
}

static void missing_tables_are_counted_exactly(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1); // 15 tables, one is the root
    fill(vspace, 508, 8);                  // 3 upper ones: 12
    fill(vspace, 0, 3);                    // 15
    assert_int_equal(tables_free(vspace), 0);
    assert_refused(vspace, 0, 2 * 512, 1, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing_tables, 1);
    assert_refused(vspace, 0, 3 * 512 - 1, 3, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing_tables, 2);
    assert_refused(vspace, 508, 512 * 512 * 3 - 4, 8, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing_tables, 4); // two branches
    // Far apart: three tables of level 2 in two of level 1.
    assert_refused(vspace, 0, 512 * 512 * 3 - 512 - 2, 600, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing_tables, 5);
    assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_OK);
    assert_int_equal(move_units(vspace, 508, 512 * 512 * 3 - 4, 8), SHEAF_OK);
    assert_moved(vspace, 508, 512 * 512 * 3 - 4, 8);
}

static void tables_that_are_pending_serve(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    fill(vspace, 0, 12);
    assert_int_equal(tables_free(vspace), 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    struct gather_move move = {0};
    assert_int_equal(
        gather_unmap(gather, vspace, PAGE(6 * TABLE_PAGES), 6 * TABLE_PAGES, 0, &done, NULL),
        SHEAF_OK);
    assert_int_equal(slice(gather, vspace, 0, 512, 6, &move), SHEAF_OK);
    assert_int_equal(move.pass, MOVE_DONE);
    gather_finish(gather);
    assert_moved(vspace, 0, 512, 6);
}

static void empty_tables_give_way(void **state) {
    (void)state;
    for (unsigned overlap = 0; overlap < 2; overlap++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_on_two(2);
        uint64_t to = overlap != 0 ? 4 : 20;
        fill(vspace, 0, 6);
        map_pages(vspace, (to + 1) * TABLE_PAGES + 3, 1, 900);
        map_pages(vspace, (to + 4) * TABLE_PAGES + 3, 1, 901);
        unmap_flags(vspace, to * TABLE_PAGES + 1, 99, SHEAF_OP_KEEP_TABLES, NULL, NULL);
        unmap_flags(vspace, (to + 1) * TABLE_PAGES + 3, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
        unmap_flags(vspace, (to + 4) * TABLE_PAGES + 3, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
        unsigned used = tables_used(vspace);
        assert_int_equal(move_units(vspace, 0, to, 6), SHEAF_OK);
        assert_moved(vspace, 0, to, 6);
        assert_int_equal(tables_used(vspace), used - (overlap != 0 ? 1 : 2));
    }
}

// An empty table may move, too, or make room for the one behind it: nothing is lost either way.
static void empty_tables_among_those_that_move(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    fill(vspace, 10, 4);
    unmap_flags(vspace, 11 * TABLE_PAGES, TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    assert_int_equal(move_units(vspace, 10, 9, 4), SHEAF_OK);
    assert_true(is_filled(vspace, 9, 0) && is_empty(vspace, 10));
    assert_true(is_filled(vspace, 11, 2) && is_filled(vspace, 12, 3) && is_empty(vspace, 13));
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void scenario_2c_slices_of_every_size(void **state) {
    (void)state;
    static const unsigned sizes[] = {1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 1};
    static const uint64_t targets[] = {900, 300 + 17, 300 - 17};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (unsigned n = 0; n < ARRAY_SIZE(targets); n++) {
            unsigned interrupts;
            machine_setup(NULL);
            struct vspace *vspace = loaded_on_two(15);
            fill(vspace, 300, sizes[i]);
            assert_int_equal(
                move_interrupted(vspace, 300, targets[n], sizes[i], UINT_MAX, &interrupts),
                SHEAF_OK);
            assert_moved(vspace, 300, targets[n], sizes[i]);
            assert_int_equal(totals.leaves, 3 * sizes[i]);
            // One invalidation for each slice; one slice more where the destination crosses a GiB.
            unsigned slices = (sizes[i] + SLICE - 1) / SLICE;
            assert_in_range(totals.tlbi, slices, slices + (targets[n] == 900 && sizes[i] > 124));
        }
    }
}

static void an_interrupt_between_any_two_slices(void **state) {
    (void)state;
    enum { TABLES = 150 };
    static const uint64_t targets[] = {900, 410, 390};
    for (unsigned n = 0; n < ARRAY_SIZE(targets); n++) {
        for (unsigned most = 1; most < 5; most++) {
            unsigned interrupts;
            machine_setup(NULL);
            struct vspace *vspace = loaded_on_two(12);
            fill(vspace, 400, TABLES); // 112 in the first GiB, 38 in the second
            assert_int_equal(move_interrupted(vspace, 400, targets[n], TABLES, most, &interrupts),
                             SHEAF_OK);
            assert_moved(vspace, 400, targets[n], TABLES);
            if (most == 1)
                assert_in_range(interrupts, 5, 16); // at least three pieces, in two passes or three
        }
    }
}

// Between two slices a page is at one of its places, never at none and never at both.
static void nothing_is_lost_half_way(void **state) {
    (void)state;
    enum { TABLES = 3 * SLICE, FROM = 600, TO = 620 };
    struct vspace *vspace = loaded_on_two(14);
    fill(vspace, FROM, TABLES);
    struct gather_move move = {0};
    unsigned between = 0;
    enum sheaf_error error;
    do {
        struct gather *gather = gather_begin();
        error = slice(gather, vspace, FROM, TO, TABLES, &move);
        gather_finish(gather);
        unsigned there = 0;
        for (uint64_t i = 0; i < TABLES; i++) {
            bool moved = is_filled(vspace, TO + i, i);
            assert_true(moved != is_filled(vspace, FROM + i, i));
            there += moved;
            uint64_t page = ((moved ? TO : FROM) + i) * TABLE_PAGES;
            assert_int_equal(mmu_fault(vspace, PAGE(page), SHEAF_ACCESS_READ), MMU_FAULT_RESOLVED);
        }
        between += there > 0 && there < TABLES;
        assert_int_equal(tables_used(vspace), count_hooked(vspace));
    } while (error == SHEAF_OK && move.pass != MOVE_DONE);
    assert_int_equal(error, SHEAF_OK);
    assert_int_equal(between, 2); // 64 at a time
}

// Someone else maps at the destination between two slices: an error, and no table is lost.
static void others_come_in_between(void **state) {
    (void)state;
    enum { TABLES = 2 * SLICE };
    struct vspace *vspace = loaded_on_two(12);
    fill(vspace, 0, TABLES);
    struct gather_move move = {0};
    struct gather *gather = gather_begin();
    assert_int_equal(slice(gather, vspace, 0, 4 * 512, TABLES, &move), SHEAF_OK);
    gather_finish(gather);
    map_pages(vspace, 4 * GIB_PAGES + 100 * TABLE_PAGES, 1, 2000);
    gather = gather_begin();
    enum sheaf_error error;
    do
        error = slice(gather, vspace, 0, 4 * 512, TABLES, &move);
    while (error == SHEAF_OK);
    gather_finish(gather);
    assert_int_equal(error, SHEAF_ERR_PLACE_OCCUPIED);
    for (uint64_t i = 0; i < TABLES; i++)
        assert_true(is_filled(vspace, i, i) || is_filled(vspace, 4 * 512 + i, i));
    assert_true(is_mapped_to(vspace, 4 * GIB_PAGES + 100 * TABLE_PAGES, 2000));
}

// ---- What other PEs see

static bool is_reachable_by(unsigned pe, uint64_t page) {
    paddr_t addresses[4];
    return vmsa_reachable(pe, PAGE(page), addresses, 4) != 0;
}

static void scenario_2e_a_table_with_live_leaves(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    fill(vspace, 1, 2);
    assert_true(is_reachable_by(1, TABLE_PAGES) && is_reachable_by(1, 3 * TABLE_PAGES - 1));
    vmsa_log_reset();
    assert_int_equal(move_units(vspace, 1, 40, 2), SHEAF_OK);
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_not_equal(vmsa_log()[i].kind, PORT_TLBI_VALE1IS); // walk caches as well
    for (unsigned pe = 0; pe < 2; pe++) {
        assert_false(is_reachable_by(pe, TABLE_PAGES) || is_reachable_by(pe, 3 * TABLE_PAGES - 1));
        assert_true(is_reachable_by(pe, 40 * TABLE_PAGES));
    }
    unmap_pages(vspace, 40 * TABLE_PAGES, 2 * TABLE_PAGES);
    vmsa_frame_reused(FRAME(0), 6 * PAGE_BYTES);
}

static struct vspace *watched;
static unsigned valid_in_between;

// No valid descriptor is written while the invalidation is outstanding or before it.
static void count_makes(enum vmsa_call call, uint64_t table, uint64_t index) {
    (void)index;
    (void)table;
    if (call == VMSA_CALL_TLBI) // nothing is hooked at either place
        valid_in_between += !is_empty(watched, 1) || !is_empty(watched, 2);
}

static void scenario_3d_broken_before_it_is_made(void **state) {
    (void)state;
    watched = loaded_on_two(1);
    fill(watched, 1, 1);
    valid_in_between = 0;
    vmsa_log_reset();
    vmsa_set_hook(count_makes);
    assert_int_equal(move_units(watched, 1, 2, 1), SHEAF_OK);
    vmsa_set_hook(NULL);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(valid_in_between, 0);
    assert_int_equal(vmsa_dsb_count(), 3);
}

// With any of its instructions left out or wrong, the model has something to say.
static void scenario_3d_is_noticed(void **state) {
    (void)state;
    static const struct vmsa_faults faults[] = {
        {.drop_tlbi = true},  {.drop_dsb_ish = true}, {.drop_dsb_ishst = true},
        {.local_only = true}, {.wrong_asid = true},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_on_two(1);
        fill(vspace, 10, 3);
        vmsa_expect_violations();
        vmsa_faults = faults[i];
        assert_int_equal(move_units(vspace, 10, 11, 3), SHEAF_OK);
        if (vmsa_violations(VMSA_REMOVAL_INCOMPLETE) + vmsa_violations(VMSA_BREAK_BEFORE_MAKE) == 0)
            fail_msg("fault %u is not noticed", i);
    }
}

// Another PE has cleared a leaf and not completed that. The table then hangs elsewhere: the leaf as
// it was must not come up again there, where that PE's invalidation does not look.
static void scenario_1b_what_is_pending_in_a_table_that_moves(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    fill(vspace, 0, 1);
    struct gather *first = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(first, vspace, PAGE(511), 1, 0, &done, NULL), SHEAF_OK);
    vmsa_set_pe(1);
    assert_int_equal(move_units(vspace, 0, 9, 1), SHEAF_OK);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    for (unsigned pe = 0; pe < 2; pe++)
        assert_false(is_reachable_by(pe, 511) || is_reachable_by(pe, 9 * TABLE_PAGES + 511));
    vmsa_frame_reused(FRAME(2), PAGE_BYTES);
    vmsa_set_pe(0);
    gather_finish(first);
    assert_int_equal(vspace->pending_count, 0);
}

static void scenario_4a_what_is_pending_where_tables_go(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    fill(vspace, 0, 1);
    map_pages(vspace, 9 * TABLE_PAGES, 1, 100);
    struct gather *first = gather_begin();
    uint64_t done = 0;
    assert_int_equal(
        gather_unmap(first, vspace, PAGE(9 * TABLE_PAGES), TABLE_PAGES, 0, &done, NULL), SHEAF_OK);
    assert_true(is_reachable_by(1, 9 * TABLE_PAGES));
    vmsa_set_pe(1);
    assert_int_equal(move_units(vspace, 0, 9, 1), SHEAF_OK);
    vmsa_frame_reused(FRAME(100), PAGE_BYTES);
    vmsa_set_pe(0);
    gather_finish(first);
    assert_moved(vspace, 0, 9, 1);
}

static void scenario_0a_only_tables_move(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    fill(vspace, 0, 2);
    unmap_flags(vspace, 0, 2 * TABLE_PAGES, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    vmsa_log_reset();
    assert_int_equal(move_units(vspace, 0, 9, 2), SHEAF_OK);
    assert_true(vmsa_log_count() > 0); // no leaf, and walk caches have the tables all the same
    for (size_t i = 0; i < vmsa_log_count(); i++)
        assert_int_not_equal(vmsa_log()[i].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(unmap_pages(vspace, 9 * TABLE_PAGES, 2 * TABLE_PAGES).tables, 2);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void a_space_that_was_never_loaded(void **state) {
    (void)state;
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    fill(vspace, 0, 1);
    vmsa_log_reset();
    assert_int_equal(move_units(vspace, 0, 5, 1), SHEAF_OK);
    assert_int_equal(vmsa_log_count(), 0);
    assert_moved(vspace, 0, 5, 1);
}

static void scenario_2f_a_dead_vspace_is_refused(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    fill(vspace, 0, 1);
    vspace_destroy(vspace);
    assert_refused(vspace, 0, 5, 1, SHEAF_ERR_DEAD);
    assert_refused(vspace, 0, 0, 1, SHEAF_ERR_DEAD);
}

// On cores of every kind the model judges what is left of the old place.
static void nothing_is_left_on_any_core(void **state) {
    (void)state;
    for (uint64_t features = 0; features < 8; features++) {
        machine_init(8, 0, features_of(features));
        struct vspace *vspace = loaded_on_two(1);
        fill(vspace, 0, 3);
        assert_int_equal(move_units(vspace, 0, 1024, 3), SHEAF_OK);
        assert_moved(vspace, 0, 1024, 3);
        map_pages(vspace, 0, 1, 90); // where a walk of before led elsewhere
        assert_int_equal(unmap_pages(vspace, 1024 * TABLE_PAGES, 3 * TABLE_PAGES).tables, 3);
        vmsa_frame_reused(FRAME(0), 9 * PAGE_BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tables_move_with_all_they_hold, machine_setup),
        cmocka_unit_test_setup(ranges_may_overlap, machine_setup),
        cmocka_unit_test_setup(a_range_onto_itself_stays, machine_setup),
        cmocka_unit_test_setup(where_no_table_is_nothing_moves, machine_setup),
        cmocka_unit_test_setup(what_cannot_be_moved_changes_nothing, machine_setup),
        cmocka_unit_test_setup(misaligned_ranges, machine_setup),
        cmocka_unit_test_setup(missing_tables_are_counted_exactly, machine_setup),
        cmocka_unit_test_setup(tables_that_are_pending_serve, machine_setup),
        cmocka_unit_test_setup(empty_tables_give_way, machine_setup),
        cmocka_unit_test_setup(empty_tables_among_those_that_move, machine_setup),
        cmocka_unit_test_setup(scenario_2c_slices_of_every_size, machine_setup),
        cmocka_unit_test_setup(an_interrupt_between_any_two_slices, machine_setup),
        cmocka_unit_test_setup(nothing_is_lost_half_way, machine_setup),
        cmocka_unit_test_setup(others_come_in_between, machine_setup),
        cmocka_unit_test_setup(scenario_2e_a_table_with_live_leaves, machine_setup),
        cmocka_unit_test_setup(scenario_3d_broken_before_it_is_made, machine_setup),
        cmocka_unit_test_setup(scenario_3d_is_noticed, machine_setup),
        cmocka_unit_test_setup(scenario_1b_what_is_pending_in_a_table_that_moves, machine_setup),
        cmocka_unit_test_setup(scenario_4a_what_is_pending_where_tables_go, machine_setup),
        cmocka_unit_test_setup(scenario_0a_only_tables_move, machine_setup),
        cmocka_unit_test_setup(a_space_that_was_never_loaded, machine_setup),
        cmocka_unit_test_setup(scenario_2f_a_dead_vspace_is_refused, machine_setup),
        cmocka_unit_test_setup(nothing_is_left_on_any_core, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.move", tests, NULL, NULL);
}
