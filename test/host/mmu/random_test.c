// SPDX-License-Identifier: BSD-2-Clause
// Random sequences of MAP, UNMAP, PROTECT, AGE, MOVE, EVICT, SYNC, faults, deletions and loads on
// several PEs and VSpaces, against an array that says what should be mapped. After every batch all
// that was removed is reused; what was deferred, after the SYNC of its VSpace.
//
// The seed is in the name of each case; `test_mmu.random SEED` begins with that one.
#include "support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layout.h>

#define WINDOW 4096u // pages of a VSpace that are used: 8 level 3 tables, over a GiB boundary
#define BASE (GIB_PAGES - WINDOW / 2)
#define SPACES 3u
#define PES 3u
#define FRAMES (1u << 24)
#define RECORDS 64u
#define FRAMES_WAITING (64 * WINDOW)
#define SEEDS 40u
#define BATCHES 300u

struct mapped {
    uint32_t frame; // 0: nothing
    uint8_t level;
    bool accessed, dirty, write, execute;
};

struct known_record {
    struct mapping_record record;
    uint32_t frame;
    unsigned size_bits;
};

static struct {
    uint64_t random;
    struct vspace *vspaces[SPACES];
    struct mapped mapped[SPACES][WINDOW];
    uint32_t next_frame;
    struct known_record records[RECORDS];
    uint32_t released[8 * WINDOW]; // frames removed in this batch
    unsigned released_count;
    uint32_t waiting[SPACES][FRAMES_WAITING]; // frames of deferred removals, until SYNC
    unsigned waiting_count[SPACES];
    bool synced[SPACES];
    bool deferred[SPACES][WINDOW]; // removed from there, and perhaps not yet completed
    enum gather_policy policy;
} world;

static uint64_t draw(uint64_t below) {
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return world.random % below;
}

// Runs of frames go in one call: the model looks at all its entries for each.
static void release_frames(void) {
    for (unsigned i = 0; i < world.released_count;) {
        unsigned end = i + 1;
        while (end < world.released_count && world.released[end] == world.released[end - 1] + 1)
            end++;
        vmsa_frame_reused(FRAME(world.released[i]), (end - i) * PAGE_BYTES);
        i = end;
    }
    world.released_count = 0;
}

// After the finish of a batch with a SYNC: what was deferred before is complete as well.
static void release_waiting(void) {
    for (unsigned space = 0; space < SPACES; space++) {
        if (!world.synced[space])
            continue;
        for (unsigned i = 0; i < world.waiting_count[space]; i++)
            vmsa_frame_reused(FRAME(world.waiting[space][i]), PAGE_BYTES);
        world.waiting_count[space] = 0;
        for (unsigned page = 0; page < WINDOW; page++)
            world.deferred[space][page] = false;
        world.synced[space] = false;
    }
}

static void forget(unsigned space, uint64_t page) {
    bool deferred = world.policy == GATHER_DEFER;
    if (deferred && world.waiting_count[space] < FRAMES_WAITING)
        world.waiting[space][world.waiting_count[space]++] = world.mapped[space][page].frame;
    else if (!deferred)
        world.released[world.released_count++] = world.mapped[space][page].frame;
    world.mapped[space][page] = (struct mapped){0};
    world.deferred[space][page] = deferred;
}

static bool is_free(unsigned space, uint64_t page, uint64_t pages) {
    for (uint64_t i = page; i < page + pages; i++) {
        if (world.mapped[space][i].frame != 0)
            return false;
    }
    return true;
}

// What FORCE adds to an operation that succeeded.
static void force(struct gather *gather, unsigned space, uint64_t page, uint64_t pages) {
    if (world.policy == GATHER_FORCE)
        gather_force(gather, world.vspaces[space], PAGE(BASE + page), pages);
}

// A range for an operation: short ones most of the time.
static void draw_range(uint64_t *page, uint64_t *pages) {
    static const uint64_t most[] = {4, 40, 700, WINDOW};
    *page = draw(WINDOW);
    uint64_t limit = most[draw(4)];
    *pages = 1 + draw(MIN(limit, WINDOW - *page));
}

// ---- Operations

struct place {
    struct vspace *vspace;
    uint64_t page, pages;
    unsigned level;
};

static uint64_t span_of(unsigned level) { return level_pages(level) * TABLE_ENTRIES; }

static struct known_record *some_record(uint32_t frame) {
    struct known_record *known = &world.records[draw(RECORDS)];
    known->frame = frame;
    known->size_bits = PAGE_BITS;
    return known;
}

static enum sheaf_error map_in_steps(struct gather *gather, const struct place *where,
                                     uint32_t frame, const struct leaf_attributes *attributes) {
    struct gather_map map;
    unsigned missing;
    enum sheaf_error error = gather_map_begin(gather, where->vspace, PAGE(where->page),
                                              where->pages, where->level, &map, &missing);
    if (error != SHEAF_OK) {
        assert_true(error != SHEAF_ERR_NO_TABLES || missing > 0);
        return error;
    }
    uint64_t span = span_of(where->level);
    for (uint64_t i = 0; i < where->pages;) {
        uint64_t run = MIN(where->pages - i, span - (where->page + i) % span);
        some_record(frame + (uint32_t)i)->record =
            gather_map_frame(&map, FRAME(frame + i), run, attributes);
        i += run;
    }
    gather_map_end(&map);
    return SHEAF_OK;
}

// The short way, and where it declines, the long one.
static enum sheaf_error map_at_once(struct gather *gather, const struct place *where,
                                    uint32_t frame, const struct leaf_attributes *attributes) {
    struct mapping_record record;
    if (!gather_map_pages(gather, where->vspace, PAGE(where->page), FRAME(frame), where->pages,
                          attributes, &record))
        return map_in_steps(gather, where, frame, attributes);
    some_record(frame)->record = record;
    return SHEAF_OK;
}

static void do_map(struct gather *gather, unsigned space) {
    struct leaf_attributes attributes = {
        .write = draw(4) != 0, .max_write = true, .accessed = draw(2) == 0};
    attributes.dirty = attributes.write && draw(2) == 0;
    unsigned level = draw(5) == 0 ? 2 : 3;
    uint64_t page, pages;
    draw_range(&page, &pages);
    if (level == 2) {
        page = ALIGN_DOWN(page, TABLE_PAGES);
        pages = TABLE_PAGES;
    }
    uint32_t frame = (uint32_t)ALIGN_UP(world.next_frame, level_pages(level));
    assert_true(frame + pages < FRAMES);
    struct vspace *vspace = world.vspaces[space];
    struct place where = {vspace, BASE + page, pages, level};
    bool one_table = (BASE + page) % span_of(level) + pages <= span_of(level);
    enum sheaf_error error = one_table && level == LEAF_LEVEL && draw(4) != 0
                                 ? map_at_once(gather, &where, frame, &attributes)
                                 : map_in_steps(gather, &where, frame, &attributes);
    if (!is_free(space, page, pages)) {
        assert_int_equal(error, SHEAF_ERR_PLACE_OCCUPIED);
        return;
    }
    if (error == SHEAF_ERR_NO_TABLES) {
        assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_OK);
        return;
    }
    assert_int_equal(error, SHEAF_OK);
    force(gather, space, page, pages);
    world.next_frame = frame + (uint32_t)pages;
    for (uint64_t i = 0; i < pages; i++) {
        world.mapped[space][page + i] =
            (struct mapped){frame + (uint32_t)i, (uint8_t)level,   attributes.accessed,
                            attributes.dirty,    attributes.write, false};
        world.deferred[space][page + i] = false; // MAP has completed it
    }
}

static bool cuts(unsigned space, uint64_t page, uint64_t pages) {
    uint64_t end = page + pages;
    return (page % TABLE_PAGES != 0 && world.mapped[space][page].frame != 0 &&
            world.mapped[space][page].level == 2) ||
           (end % TABLE_PAGES != 0 && world.mapped[space][end - 1].frame != 0 &&
            world.mapped[space][end - 1].level == 2);
}

static void check_report(unsigned space, uint64_t page, uint64_t pages, const uint8_t *report) {
    for (uint64_t i = 0; i < pages; i++) {
        const struct mapped *mapped = &world.mapped[space][page + i];
        unsigned expected = mapped->frame == 0 ? 0
                                               : (mapped->accessed ? SHEAF_REPORT_ACCESSED : 0) |
                                                     (mapped->dirty ? SHEAF_REPORT_DIRTY : 0);
        assert_int_equal(report[i / 4] >> (2 * (i % 4)) & 3, expected);
    }
}

// As a gather of its own, beside the one that is open; not where the test wants a report.
static bool unmap_few(unsigned space, uint64_t page, uint64_t pages, unsigned flags) {
    struct gather_totals totals;
    uint64_t first = 1 + draw(pages);
    const struct gather_pages parts[] = {
        {PAGE(BASE + page), first},
        {PAGE(BASE + page + first), pages - first},
    };
    unsigned count = first < pages ? 2 : 1;
    if ((flags & SHEAF_OP_REPORT) != 0 || pages > GATHER_FEW_PAGES || draw(4) == 0)
        return false;
    return world.policy == GATHER_DEFER
               ? gather_defer_few(world.vspaces[space], parts, count, &totals)
               : gather_unmap_few(world.vspaces[space], parts, count, &totals);
}

static void do_unmap(struct gather *gather, unsigned space) {
    uint64_t page, pages;
    uint8_t report[SHEAF_REPORT_BYTES(WINDOW)];
    unsigned flags = (unsigned)(draw(3) == 0 ? SHEAF_OP_KEEP_TABLES : 0) |
                     (unsigned)(draw(2) == 0 ? SHEAF_OP_REPORT : 0);
    draw_range(&page, &pages);
    uint64_t done = 0;
    enum sheaf_error error = unmap_few(space, page, pages, flags) ? SHEAF_OK : SHEAF_ERR_PREEMPTED;
    while (error == SHEAF_ERR_PREEMPTED) {
        vmsa_set_interrupt(draw(3) == 0 ? draw(3) : VMSA_NEVER);
        error = gather_unmap(gather, world.vspaces[space], PAGE(BASE + page), pages, flags, &done,
                             report);
    }
    vmsa_set_interrupt(VMSA_NEVER);
    if (cuts(space, page, pages)) {
        assert_int_equal(error, SHEAF_ERR_BLOCK_CUT);
        return;
    }
    assert_int_equal(error, SHEAF_OK);
    force(gather, space, page, pages);
    if ((flags & SHEAF_OP_REPORT) != 0)
        check_report(space, page, pages, report);
    for (uint64_t i = page; i < page + pages; i++) {
        if (world.mapped[space][i].frame != 0)
            forget(space, i);
    }
}

// PROTECT and AGE, interrupted now and then.
static enum sheaf_error change_interrupted(struct gather *gather, unsigned space, unsigned rights,
                                           unsigned flags, struct gather_change *change) {
    enum sheaf_error error;
    do {
        vmsa_set_interrupt(draw(3) == 0 ? draw(3) : VMSA_NEVER);
        error = rights != 0 ? gather_protect(gather, world.vspaces[space], rights, change)
                            : gather_age(gather, world.vspaces[space], flags, change);
    } while (error == SHEAF_ERR_PREEMPTED);
    vmsa_set_interrupt(VMSA_NEVER);
    return error;
}

// What the operation takes of the page, as its report says it.
static unsigned take(struct mapped *mapped, unsigned rights, unsigned flags) {
    unsigned bits =
        (mapped->accessed ? SHEAF_REPORT_ACCESSED : 0) | (mapped->dirty ? SHEAF_REPORT_DIRTY : 0);
    if (rights == 0) {
        bits &= ((flags & SHEAF_OP_ACCESSED) != 0 ? SHEAF_REPORT_ACCESSED : 0) |
                ((flags & SHEAF_OP_DIRTY) != 0 ? SHEAF_REPORT_DIRTY : 0);
        mapped->accessed = mapped->accessed && (bits & SHEAF_REPORT_ACCESSED) == 0;
        mapped->dirty = mapped->dirty && (bits & SHEAF_REPORT_DIRTY) == 0;
        return bits;
    }
    bool write = (rights & SHEAF_MAP_WRITE) != 0, execute = (rights & SHEAF_MAP_EXECUTE) != 0;
    bool weaker = (mapped->write && !write) || (mapped->execute && !execute);
    mapped->write = write;
    mapped->execute = execute;
    mapped->dirty = mapped->dirty && write;
    return weaker ? bits : 0;
}

static void do_change(struct gather *gather, unsigned space) {
    uint64_t page, pages, done = 0;
    uint8_t report[SHEAF_REPORT_BYTES(WINDOW)];
    struct gather_ahead ahead = {0};
    unsigned rights = (unsigned)draw(8), flags = (unsigned)(1 + draw(3)) * SHEAF_OP_ACCESSED;
    draw_range(&page, &pages);
    struct gather_change change = {PAGE(BASE + page), pages, &done, &ahead,
                                   draw(2) == 0 ? report : NULL};
    if (rights == 0)
        change.ahead = NULL; // an AGE
    enum sheaf_error error = change_interrupted(gather, space, rights, flags, &change);
    if (cuts(space, page, pages)) {
        assert_int_equal(error, SHEAF_ERR_BLOCK_CUT);
        return;
    }
    assert_int_equal(error, SHEAF_OK);
    force(gather, space, page, pages);
    for (uint64_t i = 0; i < pages; i++) {
        struct mapped *mapped = &world.mapped[space][page + i];
        unsigned taken = mapped->frame == 0 ? 0 : take(mapped, rights, flags);
        if (change.report != NULL)
            assert_int_equal(report[i / 4] >> (2 * (i % 4)) & 3, taken);
    }
}

static void do_fault(unsigned space) {
    uint64_t page = draw(WINDOW);
    bool write = draw(2) == 0;
    struct mapped *mapped = &world.mapped[space][page];
    enum mmu_fault fault = mmu_fault(world.vspaces[space], PAGE(BASE + page),
                                     write ? SHEAF_ACCESS_WRITE : SHEAF_ACCESS_READ);
    if (mapped->frame == 0) {
        assert_int_equal(fault, MMU_FAULT_TRANSLATION);
    } else if (write && !mapped->write) {
        assert_int_equal(fault, MMU_FAULT_PERMISSION);
    } else {
        assert_int_equal(fault, MMU_FAULT_RESOLVED);
        uint64_t first = mapped->level == 2 ? ALIGN_DOWN(page, TABLE_PAGES) : page;
        for (uint64_t i = 0; i < level_pages(mapped->level); i++) {
            world.mapped[space][first + i].accessed = true;
            world.mapped[space][first + i].dirty |= write;
        }
    }
}

static void do_sync(struct gather *gather, unsigned space) {
    assert_int_equal(gather_sync(gather, world.vspaces[space]), SHEAF_OK);
    if (world.policy == GATHER_FORCE)
        gather_force(gather, world.vspaces[space], VADDR(0), USER_PAGES);
    world.synced[space] = true;
}

// Clears what the record names, in the way of EVICT; else in that of delete.
static void clear_known(struct gather *gather, const struct known_record *known, uint8_t *seen) {
    enum record_step step;
    if (draw(2) == 0 && world.policy != GATHER_DEFER) {
        while (!gather_unmap_record(gather, known->record, FRAME(known->frame), known->size_bits))
            continue;
        return;
    }
    const struct mapped_frame frame = {FRAME(known->frame), known->record};
    while ((step = clear_record(gather, &frame, known->size_bits, seen)) != RECORD_THROUGH) {
        if (step == RECORD_PENDING)
            assert_true(gather_complete_record(gather, known->record));
        else
            assert_int_equal(step, RECORD_AGAIN); // three VSpaces do not fill a batch
    }
}

// Deletes what a record names: its first leaf, whose frame (4 KiB or the block's first) it was.
static void do_delete(struct gather *gather) {
    struct known_record *known = &world.records[draw(RECORDS)];
    vaddr_t va;
    uint64_t pages;
    bool live = record_place(known->record, FRAME(known->frame), known->size_bits, &va, &pages);
    uint8_t seen = 0;
    clear_known(gather, known, &seen);
    assert_false(record_is_live(known->record, FRAME(known->frame), known->size_bits));
    if (!live)
        return;
    uint64_t page = va.v / PAGE_BYTES - BASE;
    unsigned space = 0;
    while (asid_of(world.vspaces[space]).v != known->record.v >> 48)
        space++;
    const struct mapped *mapped = &world.mapped[space][page];
    assert_int_equal(mapped->frame, known->frame);
    assert_int_equal(seen & ~((mapped->accessed ? SHEAF_REPORT_ACCESSED : 0) |
                              (mapped->dirty ? SHEAF_REPORT_DIRTY : 0)),
                     0);
    for (uint64_t i = 0; i < pages; i++)
        forget(space, page + i);
}

// What the array says of a MOVE that was done.
static void note_moved(unsigned space, uint64_t from, uint64_t to, uint64_t pages) {
    static struct mapped moved[WINDOW];
    struct mapped *all = world.mapped[space];
    memcpy(moved, all + from, pages * sizeof(*moved));
    memset(all + from, 0, pages * sizeof(*moved));
    for (uint64_t i = 0; i < pages; i++) {
        if (moved[i].frame != 0)
            all[to + i] = moved[i];
    }
}

// Something is in [to, to + pages) that does not move away from [from, from + pages).
static bool is_in_the_way(unsigned space, uint64_t from, uint64_t to, uint64_t pages) {
    for (uint64_t i = to; i < to + pages; i++) {
        if (i - from >= pages && world.mapped[space][i].frame != 0)
            return true;
    }
    return false;
}

static void do_move_tables(struct gather *gather, unsigned space) {
    enum { UNITS = WINDOW / TABLE_PAGES };
    uint64_t units = 1 + draw(UNITS), from = draw(UNITS - units + 1), to = draw(UNITS - units + 1);
    uint64_t page = from * TABLE_PAGES, target = to * TABLE_PAGES, pages = units * TABLE_PAGES;
    struct gather_move move = {0};
    unsigned missing = 0;
    enum sheaf_error error;
    do {
        error = gather_move_tables(gather, world.vspaces[space], PAGE(BASE + page),
                                   PAGE(BASE + target), pages, &move, &missing);
        if (draw(3) == 0)
            gather_finish(gather); // as when an interrupt comes
    } while (error == SHEAF_OK && move.pass != MOVE_DONE);
    if (error == SHEAF_ERR_NO_TABLES) {
        assert_true(missing > 0);
        assert_int_equal(vspace_grow(world.vspaces[space], new_chunk()), SHEAF_OK);
        return;
    }
    bool block = false, lost = false; // a block in the range; a page that goes where another is
    for (uint64_t i = 0; i < pages; i++) {
        const struct mapped *mapped = &world.mapped[space][page + i];
        block |= mapped->frame != 0 && mapped->level == 2;
        lost |= mapped->frame != 0 && target + i - page >= pages &&
                world.mapped[space][target + i].frame != 0;
    }
    if (from == to)
        assert_int_equal(error, SHEAF_OK);
    else if (error == SHEAF_OK)
        assert_false(block || lost);
    else if (error == SHEAF_ERR_OTHER_MAPPING)
        assert_true(block);
    else
        assert_true(error == SHEAF_ERR_PLACE_OCCUPIED && is_in_the_way(space, page, target, pages));
    if (error != SHEAF_OK)
        return;
    force(gather, space, page, pages);
    force(gather, space, target, pages);
    note_moved(space, page, target, pages);
}

// The page or block that a record names, and what is around it if that is nothing.
static void do_move_leaf(struct gather *gather) {
    struct known_record *known = &world.records[draw(RECORDS)];
    struct mapped_frame frame = {FRAME(known->frame), known->record};
    struct moved_frames frames = {.count = 1, .at = {{&frame, known->size_bits, true}}};
    unsigned space = 0, missing = 0;
    vaddr_t va;
    uint64_t pages;
    if (!record_place(known->record, frame.address, known->size_bits, &va, &pages))
        return;
    while (asid_of(world.vspaces[space]).v != known->record.v >> 48)
        space++;
    uint64_t page = va.v / PAGE_BYTES - BASE;
    uint64_t to = ALIGN_DOWN(draw(WINDOW), pages);
    struct gather_move move = {0};
    enum sheaf_error error = gather_move_leaves(gather, world.vspaces[space], va, PAGE(BASE + to),
                                                pages, &frames, &move, &missing);
    if (error == SHEAF_ERR_NO_TABLES) {
        assert_int_equal(vspace_grow(world.vspaces[space], new_chunk()), SHEAF_OK);
    } else if (error == SHEAF_ERR_RANGE) { // of many leaves once, or a mapping in several tables
        assert_int_equal(frame.record.v, known->record.v);
    } else if (is_in_the_way(space, page, to, pages)) {
        assert_int_equal(error, SHEAF_ERR_PLACE_OCCUPIED);
    } else {
        assert_int_equal(error, SHEAF_OK);
        assert_int_equal(move.pass, MOVE_DONE);
        force(gather, space, page, pages);
        force(gather, space, to, pages);
        note_moved(space, page, to, pages);
        known->record = frame.record;
        assert_true(record_is_live(known->record, frame.address, known->size_bits));
    }
}

// ---- Checks

static void check_space(unsigned space) {
    const struct vspace *vspace = world.vspaces[space];
    for (uint64_t i = 0; i < WINDOW; i++) {
        const struct mapped *mapped = &world.mapped[space][i];
        unsigned level;
        uint64_t leaf = find_leaf(vspace, BASE + i, &level);
        if ((leaf != 0) != (mapped->frame != 0) ||
            (leaf != 0 && !is_mapped_to(vspace, BASE + i, mapped->frame)))
            fail_msg("page %#lx of VSpace %u: leaf %#lx, frame %#x expected",
                     (unsigned long)(BASE + i), space, (unsigned long)leaf, mapped->frame);
    }
    assert_int_equal(tables_used(world.vspaces[space]), count_hooked(vspace));
    assert_int_equal(vspace->pins, 0);
}

// What a PE may reach by the TLB is what is mapped, for some pages.
static void check_reachable(void) {
    for (unsigned pe = 0; pe < PES; pe++) {
        vmsa_set_pe(pe);
        uint64_t loaded = vmsa_loaded_root() >> 48;
        for (unsigned space = 0; space < SPACES; space++) {
            if (asid_of(world.vspaces[space]).v != loaded)
                continue;
            uint64_t page = draw(WINDOW);
            paddr_t addresses[4];
            unsigned count = vmsa_reachable(pe, PAGE(BASE + page), addresses, 4);
            uint32_t frame = world.mapped[space][page].frame;
            if (world.deferred[space][page])
                continue;
            assert_true(count == 0 || (count == 1 && frame != 0));
            if (count == 1)
                assert_int_equal(addresses[0].v, FRAME(frame).v);
        }
    }
}

static void one_batch(void) {
    vmsa_set_pe((unsigned)draw(PES));
    if (draw(6) == 0)
        vspace_activate(draw(5) == 0 ? NULL : world.vspaces[draw(SPACES)]);
    static const enum gather_policy policies[] = {GATHER_IF_NEEDED, GATHER_IF_NEEDED,
                                                  GATHER_IF_NEEDED, GATHER_DEFER,
                                                  GATHER_DEFER,     GATHER_FORCE};
    struct gather *gather = gather_begin();
    world.policy = policies[draw(ARRAY_SIZE(policies))];
    gather_set_policy(gather, world.policy);
    for (uint64_t n = 1 + draw(6); n > 0; n--) {
        // What is deferred comes last.
        unsigned space = (unsigned)draw(SPACES), first = world.policy == GATHER_DEFER ? 9 : 0;
        uint64_t what = first + draw(16 - first);
        if (what == 2 && draw(3) == 0)
            do_sync(gather, space);
        else if (what <= 2)
            do_map(gather, space);
        else if (what <= 4)
            do_move_tables(gather, space);
        else if (what <= 6)
            do_move_leaf(gather);
        else if (what <= 8)
            do_change(gather, space);
        else if (what <= 10)
            do_unmap(gather, space);
        else if (what <= 12)
            do_delete(gather);
        else
            do_fault(space);
    }
    gather_finish(gather);
    release_frames();
    release_waiting();
}

// Each seed on cores of its own.
static void run(uint64_t seed) {
    machine_init(8, 0, features_of(seed));
    memset(&world, 0, sizeof(world));
    world.random = seed * 0x9e3779b97f4a7c15u + 1;
    world.next_frame = 512;
    for (unsigned i = 0; i < SPACES; i++)
        world.vspaces[i] = new_vspace(1);
    for (unsigned step = 0; step < BATCHES; step++) {
        one_batch();
        check_reachable();
        if (step % 16 == 0)
            check_space((unsigned)draw(SPACES));
    }
    assert_true(vmsa_counter(SHEAF_COUNTER_TABLES_MOVED) > 0);
    assert_true(vmsa_counter(SHEAF_COUNTER_GATHER_MOVED) > 0);
    assert_true(vmsa_counter(SHEAF_COUNTER_GATHER_FORCED) > 0);
    assert_true(vmsa_counter(SHEAF_COUNTER_GATHER_DEFERRED) > 0);
    assert_true(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED) > 0);
    for (unsigned i = 0; i < SPACES; i++) {
        check_space(i);
        unmap_pages(world.vspaces[i], 0, USER_HALF_PAGES);
        assert_int_equal(tables_used(world.vspaces[i]), 1);
        vspace_destroy(world.vspaces[i]);
    }
}

static void random_sequence(void **state) { run(*(const uint64_t *)*state); }

int main(int argc, char **argv) {
    static struct CMUnitTest tests[SEEDS];
    static uint64_t seeds[SEEDS];
    static char names[SEEDS][40];
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    for (unsigned i = 0; i < SEEDS; i++) {
        seeds[i] = first + i;
        snprintf(names[i], sizeof(names[i]), "random_sequence_of_seed_%lu",
                 (unsigned long)seeds[i]);
        tests[i] = (struct CMUnitTest){names[i], random_sequence, NULL, NULL, &seeds[i]};
    }
    return cmocka_run_group_tests_name("mmu.random", tests, NULL, NULL);
}
