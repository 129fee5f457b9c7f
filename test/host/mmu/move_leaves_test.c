// SPDX-License-Identifier: BSD-2-Clause
// MOVE leaf by leaf: what goes where, whose record must name what, what is refused.
#include "support.h"

#include <record.h>

#define MOST 64u

// Frames and where their capabilities say they are, as core keeps them.
struct capability {
    struct mapped_frame *frame;
    unsigned size_bits;
};
static struct mapped_frame mapped[MOST];
static struct capability frames[MOST]; // by the slots that name them
static struct gather_totals totals;
static unsigned named, missing, slices;

static enum sheaf_error move_pages(struct vspace *vspace, uint64_t from, uint64_t to,
                                   uint64_t pages, unsigned count) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    enum sheaf_error error = SHEAF_OK;
    missing = 0;
    slices = 0;
    named = 0;
    while (error == SHEAF_OK && move.pass != MOVE_DONE) {
        bool down = move_goes_down(&move, PAGE(from), PAGE(to));
        struct moved_frames slots = {0};
        uint64_t left = down ? move.slots : count - move.slots;
        for (; slots.count < MIN(left, MOVE_FRAMES); slots.count++) {
            const struct capability *capability =
                &frames[down ? move.slots - 1 - slots.count : move.slots + slots.count];
            slots.at[slots.count].frame = capability->frame;
            slots.at[slots.count].size_bits = capability->size_bits;
            slots.at[slots.count].max_write = true;
        }
        bool counts = move.pass == MOVE_CHECK;
        error = gather_move_leaves(gather, vspace, PAGE(from), PAGE(to), pages, &slots, &move,
                                   &missing);
        named += counts ? slots.named : 0;
        slices++;
    }
    gather_finish(gather);
    totals = *gather_totals(gather);
    return error;
}

static void assert_refused(struct vspace *vspace, uint64_t from, uint64_t to, uint64_t pages,
                           unsigned count, enum sheaf_error expected) {
    struct mapped_frame before[MOST];
    for (unsigned i = 0; i < MOST; i++)
        before[i] = mapped[i];
    snapshot_take();
    assert_int_equal(move_pages(vspace, from, to, pages, count), expected);
    snapshot_assert_unchanged();
    for (unsigned i = 0; i < MOST; i++)
        assert_int_equal(mapped[i].record.v, before[i].record.v);
}

// Maps Frame i, of `pages` pages, at `page`.
static void map_frame_at(struct vspace *vspace, unsigned i, uint64_t page, uint64_t pages,
                         uint64_t frame, unsigned level, const struct leaf_attributes *attributes) {
    struct gather *gather = gather_begin();
    mapped[i] = (struct mapped_frame){
        FRAME(frame), map_level(gather, vspace, page, pages, frame, level, attributes)};
    gather_finish(gather);
    frames[i] = (struct capability){&mapped[i], PAGE_BITS + (unsigned)__builtin_ctzll(pages)};
}

static bool is_recorded_at(unsigned i, uint64_t page, uint64_t pages) {
    vaddr_t va;
    uint64_t found;
    return record_place(mapped[i].record, mapped[i].address, frames[i].size_bits, &va, &found) &&
           va.v == page << PAGE_BITS && found == pages;
}

static struct vspace *loaded_on_two(unsigned chunks) {
    struct vspace *vspace = new_vspace(chunks);
    vmsa_set_pe(1);
    vspace_activate(vspace);
    vmsa_set_pe(0);
    return vspace;
}

static bool is_free(const struct vspace *vspace, uint64_t page) {
    unsigned level;
    return find_leaf(vspace, page, &level) == 0;
}

static void leaves_move_as_they_are(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    unsigned level;
    map_frame_at(vspace, 0, 5, 1, 50, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, 6, 1, 61, LEAF_LEVEL, &untouched);
    map_frame_at(vspace, 2, 9, 1, 72, LEAF_LEVEL, &read_only);
    uint64_t before[] = {find_leaf(vspace, 5, &level), find_leaf(vspace, 6, &level),
                         find_leaf(vspace, 9, &level)};
    vmsa_log_reset();
    assert_int_equal(move_pages(vspace, 5, GIB_PAGES + 700, 5, 3), SHEAF_OK);
    static const unsigned places[] = {0, 1, 4};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(find_leaf(vspace, GIB_PAGES + 700 + places[i], &level), before[i]);
        assert_true(is_recorded_at(i, GIB_PAGES + 700 + places[i], 1));
        assert_true(is_free(vspace, 5 + places[i]));
    }
    assert_int_equal(named, 3);
    assert_int_equal(totals.leaves, 3);
    assert_int_equal(vmsa_log_count(), 2); // not for the one that was never accessed
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VALE1IS);
    assert_int_equal(totals.dsb, 3);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_MOVED), 3);
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
    vmsa_log_reset();
    assert_int_equal(unmap_pages(vspace, 0, TABLE_PAGES).tables, 1); // nothing was left in it
    assert_int_equal(unmap_pages(vspace, GIB_PAGES, 2 * TABLE_PAGES).leaves, 3);
    vmsa_frame_reused(FRAME(50), PAGE_BYTES);
}

static void runs_move_as_a_whole(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 8, 8, 8, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, 16, 1, 100, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 2, 32, 32, 32, LEAF_LEVEL, &touched);
    assert_int_equal(move_pages(vspace, 8, 401, 56, 3), SHEAF_OK);
    for (unsigned i = 0; i < 8; i++)
        assert_true(is_mapped_to(vspace, 401 + i, 8 + i));
    assert_true(is_mapped_to(vspace, 409, 100));
    assert_true(is_mapped_to(vspace, 425 + 31, 63));
    assert_true(is_recorded_at(0, 401, 8));
    assert_true(is_recorded_at(2, 425, 32));
    assert_int_equal(totals.tlbi, 41);
    // A run that lost pages is what is left of it.
    unmap_pages(vspace, 401, 2);
    unmap_pages(vspace, 405, 1);
    assert_refused(vspace, 404, 900, 5, 1, SHEAF_ERR_BLOCK_CUT);
    assert_int_equal(move_pages(vspace, 403, 1022, 2, 1), SHEAF_ERR_BLOCK_CUT);
    assert_int_equal(move_pages(vspace, 403, 1000, 6, 1), SHEAF_OK);
    assert_true(is_recorded_at(0, 1000, 6));
    assert_true(is_free(vspace, 1002)); // the hole goes along
    assert_true(is_mapped_to(vspace, 1005, 15));
}

static void blocks_move(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(2);
    map_frame_at(vspace, 0, 2 * TABLE_PAGES, TABLE_PAGES, 512, 2, &touched);
    map_frame_at(vspace, 1, 3 * TABLE_PAGES, TABLE_PAGES, 1024, 2, &touched);
    assert_int_equal(
        move_pages(vspace, 2 * TABLE_PAGES, GIB_PAGES + 7 * TABLE_PAGES, 2 * TABLE_PAGES, 2),
        SHEAF_OK);
    assert_true(is_mapped_to(vspace, GIB_PAGES + 7 * TABLE_PAGES + 9, 512 + 9));
    assert_true(is_mapped_to(vspace, GIB_PAGES + 8 * TABLE_PAGES + 9, 1024 + 9));
    assert_true(is_recorded_at(1, GIB_PAGES + 8 * TABLE_PAGES, TABLE_PAGES));
    map_frame_at(vspace, 0, 5 * GIB_PAGES, GIB_PAGES, 2 * GIB_PAGES, 1, &touched);
    assert_int_equal(move_pages(vspace, 5 * GIB_PAGES, 700 * GIB_PAGES, GIB_PAGES, 1), SHEAF_OK);
    assert_true(is_mapped_to(vspace, 700 * GIB_PAGES + 70000, 2 * GIB_PAGES + 70000));
    assert_true(is_recorded_at(0, 700 * GIB_PAGES, GIB_PAGES));
    assert_int_equal(tables_used(vspace), count_hooked(vspace));
}

static void ranges_may_overlap(void **state) {
    (void)state;
    static const int distances[] = {1, -1, 3, -3, 24, -24, 29, -29};
    for (unsigned i = 0; i < ARRAY_SIZE(distances); i++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_on_two(1);
        uint64_t from = 550, to = from + (uint64_t)distances[i];
        map_frame_at(vspace, 0, from, 1, 100, LEAF_LEVEL, &touched);
        map_frame_at(vspace, 1, from + 2, 8, 200, LEAF_LEVEL, &touched);
        map_frame_at(vspace, 2, from + 10, 1, 300, LEAF_LEVEL, &untouched);
        map_frame_at(vspace, 3, from + 13, 16, 400, LEAF_LEVEL, &touched);
        assert_int_equal(move_pages(vspace, from, to, 29, 4), SHEAF_OK);
        static const unsigned place[] = {0, 2, 10, 13}, pages[] = {1, 8, 1, 16},
                              frame[] = {100, 200, 300, 400};
        for (unsigned run = 0; run < 4; run++) {
            assert_true(is_recorded_at(run, to + place[run], pages[run]));
            for (unsigned page = 0; page < pages[run]; page++)
                assert_true(is_mapped_to(vspace, to + place[run] + page, frame[run] + page));
        }
        assert_int_equal(unmap_pages(vspace, 0, GIB_PAGES).leaves, 26);
        assert_int_equal(tables_used(vspace), count_hooked(vspace));
    }
}

static void blocks_overlap(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    for (unsigned i = 0; i < 4; i++)
        map_frame_at(vspace, i, (3 + i) * TABLE_PAGES, TABLE_PAGES, 512 * (i + 1), 2, &touched);
    assert_int_equal(move_pages(vspace, 3 * TABLE_PAGES, 4 * TABLE_PAGES, 4 * TABLE_PAGES, 4),
                     SHEAF_OK);
    assert_int_equal(move_pages(vspace, 4 * TABLE_PAGES, 2 * TABLE_PAGES, 4 * TABLE_PAGES, 4),
                     SHEAF_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(is_mapped_to(vspace, (2 + i) * TABLE_PAGES + 5, 512 * (i + 1) + 5));
        assert_true(is_recorded_at(i, (2 + i) * TABLE_PAGES, TABLE_PAGES));
    }
}

static void an_empty_table_gives_way_to_a_block(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 0, TABLE_PAGES, 512, 2, &touched);
    map_pages(vspace, 4 * TABLE_PAGES + 3, 1, 9);
    assert_refused(vspace, 0, 4 * TABLE_PAGES, TABLE_PAGES, 1, SHEAF_ERR_PLACE_OCCUPIED);
    unmap_flags(vspace, 4 * TABLE_PAGES + 3, 1, SHEAF_OP_KEEP_TABLES, NULL, NULL);
    unsigned used = tables_used(vspace);
    assert_int_equal(move_pages(vspace, 0, 4 * TABLE_PAGES, TABLE_PAGES, 1), SHEAF_OK);
    assert_int_equal(tables_used(vspace), used - 1);
    assert_true(is_mapped_to(vspace, 4 * TABLE_PAGES + 3, 515));
}

static void pages_never_accessed_cost_no_invalidation(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 0, 64, 64, LEAF_LEVEL, &untouched);
    vmsa_log_reset();
    assert_int_equal(move_pages(vspace, 0, 10, 64, 1), SHEAF_OK);
    assert_int_equal(vmsa_log_count(), 0);
    assert_int_equal(vmsa_dsb_count(), 1); // what was written
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED), 64);
}

static void nothing_there_and_nowhere_to_go(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 0, 1, 64, LEAF_LEVEL, &touched);
    snapshot_take();
    assert_int_equal(move_pages(vspace, 1, 10, 60, 1), SHEAF_OK); // no leaf
    assert_int_equal(named, 0);
    assert_int_equal(move_pages(vspace, 5 * GIB_PAGES, 10, 60, 1), SHEAF_OK); // no table
    assert_int_equal(move_pages(vspace, 0, 0, 10, 1), SHEAF_OK);              // onto itself
    snapshot_assert_unchanged();
    assert_true(is_recorded_at(0, 0, 1));
}

// ---- What is refused

static void records_must_name_what_moves(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2), *other = new_vspace(1);
    for (unsigned i = 0; i < 3; i++)
        map_frame_at(vspace, i, 10 + 2 * i, 1, 100 + i, LEAF_LEVEL, &touched);
    map_frame_at(other, 3, 14, 1, 103, LEAF_LEVEL, &touched);
    assert_refused(vspace, 10, 700, 8, 2, SHEAF_ERR_OTHER_MAPPING); // too few
    assert_int_equal(named, 2);
    struct capability last = frames[2];
    frames[2] = frames[3]; // of another VSpace
    assert_refused(vspace, 10, 700, 8, 3, SHEAF_ERR_OTHER_MAPPING);
    assert_int_equal(named, 2);
    frames[2] = frames[0]; // named already
    assert_refused(vspace, 10, 700, 8, 3, SHEAF_ERR_OTHER_MAPPING);
    frames[2] = last;
    mapped[2].address = FRAME(77); // another Frame, whose record is not true any more
    assert_refused(vspace, 10, 700, 8, 3, SHEAF_ERR_OTHER_MAPPING);
    mapped[2].address = FRAME(102);
    frames[2] = frames[1]; // in the wrong order
    frames[1] = last;
    assert_refused(vspace, 10, 700, 8, 3, SHEAF_ERR_OTHER_MAPPING);
    assert_int_equal(named, 1);
    frames[1] = frames[2];
    frames[2] = last;
    mapped[MOST - 1].record.v = 0; // never mapped
    frames[4] = frames[0];
    frames[0].frame = &mapped[MOST - 1];
    assert_refused(vspace, 10, 700, 8, 3, SHEAF_ERR_OTHER_MAPPING);
    frames[0] = frames[4];
    assert_int_equal(move_pages(vspace, 10, 700, 8, 4), SHEAF_OK); // the fourth is not needed
    assert_int_equal(named, 3);
}

static void leaves_of_another_size(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    map_frame_at(vspace, 0, 0, TABLE_PAGES, 512, 2, &touched);
    map_frame_at(vspace, 1, TABLE_PAGES, 1, 9, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 2, 511 + 3 * TABLE_PAGES, 1, 10, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 3, 4 * TABLE_PAGES, TABLE_PAGES, 1024, 2, &touched);
    map_frame_at(vspace, 4, 5 * GIB_PAGES, GIB_PAGES, GIB_PAGES, 1, &touched);
    assert_refused(vspace, 0, GIB_PAGES, 2 * TABLE_PAGES, 2, SHEAF_ERR_OTHER_MAPPING);
    frames[0] = frames[2];
    frames[1] = frames[3];
    assert_refused(vspace, 4 * TABLE_PAGES - 1, GIB_PAGES, 2, 2, SHEAF_ERR_OTHER_MAPPING);
    assert_refused(vspace, 5 * GIB_PAGES, GIB_PAGES, 2, 1, SHEAF_ERR_OTHER_MAPPING);
    assert_int_equal(move_pages(vspace, 4 * TABLE_PAGES - 1, GIB_PAGES, 1, 1), SHEAF_OK);
}

static void what_does_not_fit(void **state) {
    (void)state;
    enum { LEAVES = SHEAF_MOVE_LEAVES };
    struct vspace *vspace = new_vspace(2);
    map_frame_at(vspace, 0, 0, LEAVES, LEAVES, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, LEAVES, 1, 9, LEAF_LEVEL, &touched);
    assert_refused(vspace, 1, 4 * TABLE_PAGES, LEAVES, 1, SHEAF_ERR_BLOCK_CUT);
    assert_refused(vspace, 0, 4 * TABLE_PAGES, LEAVES - 1, 1, SHEAF_ERR_BLOCK_CUT);
    // Over two tables.
    assert_refused(vspace, 0, 5 * TABLE_PAGES - LEAVES + 1, LEAVES, 1, SHEAF_ERR_RANGE);
    assert_int_equal(move_pages(vspace, 0, 4 * TABLE_PAGES, LEAVES, 1), SHEAF_OK);
    unmap_pages(vspace, 4 * TABLE_PAGES + 1, LEAVES - 1);
    assert_int_equal(move_pages(vspace, 4 * TABLE_PAGES, 5 * TABLE_PAGES - 1, 1, 1), SHEAF_OK);
    map_frame_at(vspace, 2, 8 * TABLE_PAGES, 2 * LEAVES, 2 * LEAVES, LEAF_LEVEL, &touched);
    unmap_pages(vspace, 8 * TABLE_PAGES + 1, 2 * LEAVES - 1);
    frames[0] = frames[2];
    // The record names more leaves than a slice takes, of which one is left.
    assert_refused(vspace, 8 * TABLE_PAGES, 4 * TABLE_PAGES, 1, 1, SHEAF_ERR_RANGE);
    map_frame_at(vspace, 0, 9 * TABLE_PAGES, TABLE_PAGES, 1024, 2, &touched);
    assert_refused(vspace, 9 * TABLE_PAGES, 1, TABLE_PAGES, 1, SHEAF_ERR_MISALIGNED);
    assert_refused(vspace, 9 * TABLE_PAGES, 20 * TABLE_PAGES, 1, 1, SHEAF_ERR_MISALIGNED);
}

// Many slices, upwards and downwards, overlapping or not; the last mapping decides whether the
// first one moves.
static void many_leaves_in_slices(void **state) {
    (void)state;
    static const uint64_t targets[] = {1024, 702, 512, 507, 497, 402, 5 * GIB_PAGES - 200};
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
        machine_setup(NULL);
        struct vspace *vspace = loaded_on_two(1);
        for (unsigned n = 0; n < MOST; n++) // in two tables, as in most of the targets
            map_frame_at(vspace, n, 502 + 5 * n, n % 4 == 3 ? 1 : 4, 1024 + 4 * n, LEAF_LEVEL,
                         n % 5 == 0 ? &untouched : &touched);
        assert_refused(vspace, 502, targets[i], 5 * MOST, MOST - 1, SHEAF_ERR_OTHER_MAPPING);
        assert_int_equal(move_pages(vspace, 502, targets[i], 5 * MOST, MOST), SHEAF_OK);
        assert_in_range(slices, 2 * MOST / MOVE_FRAMES, 60);
        for (unsigned n = 0; n < MOST; n++) {
            uint64_t page = targets[i] + 5 * n, pages = n % 4 == 3 ? 1 : 4;
            assert_true(is_recorded_at(n, page, pages));
            assert_true(is_mapped_to(vspace, page, 1024 + 4 * n));
            assert_true(is_free(vspace, page + pages));
        }
        assert_int_equal(unmap_pages(vspace, 0, USER_HALF_PAGES).leaves, MOST / 4 * 13);
        vmsa_frame_reused(FRAME(1024), 4 * MOST * PAGE_BYTES);
    }
}

// Half of the user half, of which almost nothing is there.
static void a_range_of_any_size(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(2);
    uint64_t half = USER_HALF_PAGES / 2;
    map_frame_at(vspace, 0, 5, 1, 10, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, 900 * GIB_PAGES + 511, 1, 11, LEAF_LEVEL, &touched);
    assert_int_equal(move_pages(vspace, 0, half + 3, half - 3, 2), SHEAF_OK);
    assert_true(is_recorded_at(0, half + 8, 1));
    assert_true(is_recorded_at(1, half + 900 * GIB_PAGES + 514, 1));
    assert_int_equal(move_pages(vspace, half, 1, half - 1, 2), SHEAF_OK);
    assert_true(is_recorded_at(1, 900 * GIB_PAGES + 515, 1));
}

static void occupied_places(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    for (unsigned i = 0; i < 4; i++)
        map_frame_at(vspace, i, 10 + i, 1, 100 + i, LEAF_LEVEL, &touched);
    map_pages(vspace, 703, 1, 7);
    struct gather *gather = gather_begin();
    map_level(gather, vspace, 4 * TABLE_PAGES, TABLE_PAGES, 512, 2, &untouched);
    gather_finish(gather);
    assert_refused(vspace, 10, 700, 4, 4, SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 10, 4 * TABLE_PAGES + 4, 4, 4, SHEAF_ERR_PLACE_OCCUPIED);
    assert_refused(vspace, 10, 12, 2, 4, SHEAF_ERR_PLACE_OCCUPIED); // what does not move itself
    assert_refused(vspace, 12, 11, 2, 4, SHEAF_ERR_OTHER_MAPPING);  // Frame 0 is not there
    assert_int_equal(move_pages(vspace, 10, 12, 4, 4), SHEAF_OK);
}

static void missing_tables_are_counted_exactly(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 2 * GIB_PAGES, 9 * TABLE_PAGES, 4096); // with the upper ones 12
    map_frame_at(vspace, 0, 0, 1, 3, LEAF_LEVEL, &touched);  // 14
    map_frame_at(vspace, 1, 1, 1, 4, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 2, TABLE_PAGES, 1, 5, LEAF_LEVEL, &touched); // 15
    assert_int_equal(tables_free(vspace), 0);
    assert_refused(vspace, 0, 5 * TABLE_PAGES, 2, 2, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 1);
    assert_refused(vspace, 0, 5 * TABLE_PAGES - 1, 2, 2, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 2);
    assert_refused(vspace, 0, 6 * GIB_PAGES - 1, 2, 2, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 4);
    assert_refused(vspace, 0, 1024 * GIB_PAGES - 1, 2, 2, SHEAF_ERR_NO_TABLES);
    assert_int_equal(missing, 6);
    assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_OK);
    assert_int_equal(move_pages(vspace, 0, 1024 * GIB_PAGES - 1, 2, 2), SHEAF_OK);
    assert_true(is_recorded_at(1, 1024 * GIB_PAGES, 1));
}

// ---- Others

static bool is_reachable_by(unsigned pe, uint64_t page) {
    paddr_t addresses[4];
    return vmsa_reachable(pe, PAGE(page), addresses, 4) != 0;
}

static void scenario_3d_an_output_address_changes(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 10, 1, 100, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, 11, 1, 200, LEAF_LEVEL, &touched);
    assert_true(is_reachable_by(1, 10) && is_reachable_by(1, 11));
    assert_int_equal(move_pages(vspace, 10, 11, 2, 2), SHEAF_OK); // page 11: another Frame
    paddr_t address;
    assert_int_equal(vmsa_reachable(1, PAGE(11), &address, 1), 1);
    assert_int_equal(address.v, FRAME(100).v);
    assert_false(is_reachable_by(1, 10));
    static const struct vmsa_faults faults[] = {
        {.drop_tlbi = true},  {.drop_dsb_ish = true}, {.drop_dsb_ishst = true},
        {.local_only = true}, {.wrong_asid = true},   {.next_page = true},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        machine_setup(NULL);
        vspace = loaded_on_two(1);
        map_frame_at(vspace, 0, 10, 1, 100, LEAF_LEVEL, &touched);
        map_frame_at(vspace, 1, 11, 1, 200, LEAF_LEVEL, &touched);
        vmsa_expect_violations();
        vmsa_faults = faults[i];
        assert_int_equal(move_pages(vspace, 10, 11, 2, 2), SHEAF_OK);
        if (vmsa_violations(VMSA_REMOVAL_INCOMPLETE) + vmsa_violations(VMSA_BREAK_BEFORE_MAKE) == 0)
            fail_msg("fault %u is not noticed", i);
    }
}

static void scenario_4a_what_is_pending_where_leaves_go(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 10, 1, 100, LEAF_LEVEL, &touched);
    map_pages(vspace, 20, 1, 300);
    struct gather *first = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(first, vspace, PAGE(20), 1, 0, &done, NULL), SHEAF_OK);
    vmsa_set_pe(1);
    assert_int_equal(move_pages(vspace, 10, 20, 1, 1), SHEAF_OK);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_HELPED), 1);
    vmsa_frame_reused(FRAME(300), PAGE_BYTES);
    vmsa_set_pe(0);
    gather_finish(first);
}

static void scenario_2f_a_dead_vspace_is_refused(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_frame_at(vspace, 0, 10, 1, 100, LEAF_LEVEL, &touched);
    vspace_destroy(vspace);
    assert_refused(vspace, 10, 20, 1, 1, SHEAF_ERR_DEAD);
}

static void scenario_3g_hardware_sets_the_dirty_state_while_the_leaf_moves(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    unsigned level;
    map_frame_at(vspace, 0, 5, 1, 50, LEAF_LEVEL, &untouched);
    vmsa_features.hardware_flags = true; // the update comes just before the exchange
    assert_int_equal(move_pages(vspace, 5, 700, 1, 1), SHEAF_OK);
    assert_int_equal(desc_report(DESC(find_leaf(vspace, 700, &level))),
                     SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    assert_false(any_pe_reaches(5));
}

// One leaf of a run may be cached, the last one cannot.
static void one_touched_leaf_of_a_run_is_enough(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 4, 2, 50, LEAF_LEVEL, &untouched);
    assert_int_equal(mmu_fault(vspace, PAGE(4), SHEAF_ACCESS_READ), MMU_FAULT_RESOLVED);
    assert_int_equal(move_pages(vspace, 4, 700, 2, 1), SHEAF_OK);
    assert_false(any_pe_reaches(4));
    assert_true(any_pe_reaches(700));
}

// Capabilities of the same Frames, mapped elsewhere: at the same place of another VSpace, and at
// the same index of another table.
static void records_of_other_places_do_not_serve(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1), *other = new_vspace(1);
    map_frame_at(other, 0, 5, 1, 50, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 1, 5, 1, 50, LEAF_LEVEL, &touched);
    map_frame_at(vspace, 2, TABLE_PAGES + 5, 1, 50, LEAF_LEVEL, &touched);
    assert_refused(vspace, 5, 700, 1, 1, SHEAF_ERR_OTHER_MAPPING);
    frames[0] = frames[2];
    assert_refused(vspace, 5, 700, 1, 1, SHEAF_ERR_OTHER_MAPPING);
    frames[0] = frames[1];
    assert_int_equal(move_pages(vspace, 5, 700, 1, 1), SHEAF_OK);
    assert_true(is_recorded_at(1, 700, 1));
}

static void a_leaf_of_another_frame_in_between_is_refused(void **state) {
    (void)state;
    struct vspace *vspace = loaded_on_two(1);
    map_frame_at(vspace, 0, 64, 4, 60, LEAF_LEVEL, &touched);
    unmap_pages(vspace, 65, 1);
    map_frame_at(vspace, 1, 65, 1, 90, LEAF_LEVEL, &touched);
    assert_refused(vspace, 64, 700, 4, 1, SHEAF_ERR_OTHER_MAPPING);
    assert_refused(vspace, 64, 700, 4, 2, SHEAF_ERR_OTHER_MAPPING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(leaves_move_as_they_are, machine_setup),
        cmocka_unit_test_setup(runs_move_as_a_whole, machine_setup),
        cmocka_unit_test_setup(blocks_move, machine_setup),
        cmocka_unit_test_setup(ranges_may_overlap, machine_setup),
        cmocka_unit_test_setup(blocks_overlap, machine_setup),
        cmocka_unit_test_setup(an_empty_table_gives_way_to_a_block, machine_setup),
        cmocka_unit_test_setup(pages_never_accessed_cost_no_invalidation, machine_setup),
        cmocka_unit_test_setup(nothing_there_and_nowhere_to_go, machine_setup),
        cmocka_unit_test_setup(records_must_name_what_moves, machine_setup),
        cmocka_unit_test_setup(leaves_of_another_size, machine_setup),
        cmocka_unit_test_setup(what_does_not_fit, machine_setup),
        cmocka_unit_test_setup(many_leaves_in_slices, machine_setup),
        cmocka_unit_test_setup(a_range_of_any_size, machine_setup),
        cmocka_unit_test_setup(occupied_places, machine_setup),
        cmocka_unit_test_setup(missing_tables_are_counted_exactly, machine_setup),
        cmocka_unit_test_setup(scenario_3d_an_output_address_changes, machine_setup),
        cmocka_unit_test_setup(scenario_4a_what_is_pending_where_leaves_go, machine_setup),
        cmocka_unit_test_setup(scenario_2f_a_dead_vspace_is_refused, machine_setup),
        cmocka_unit_test_setup(scenario_3g_hardware_sets_the_dirty_state_while_the_leaf_moves,
                               machine_setup),
        cmocka_unit_test_setup(one_touched_leaf_of_a_run_is_enough, machine_setup),
        cmocka_unit_test_setup(records_of_other_places_do_not_serve, machine_setup),
        cmocka_unit_test_setup(a_leaf_of_another_frame_in_between_is_refused, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.move_leaves", tests, NULL, NULL);
}
