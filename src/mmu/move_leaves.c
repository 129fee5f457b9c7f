// SPDX-License-Identifier: BSD-2-Clause
// MOVE leaf by leaf, with the capabilities whose records name the leaves.
//
// A leaf that moves needs a new record, and which capability has the old one the tables do not
// say. So the caller names the capabilities, and what they do not name does not move. A record is
// one run of leaves in one table and stays that: a run moves as a whole.
//
// All of it is one critical section, so the range, the runs and their leaves are bounded.
#include "move.h"
#include "batch.h"
#include "record.h"

struct leaf_move {
    struct vspace *vspace;
    uint64_t from, to, end; // pages; `end` of the source
    unsigned level;         // of all leaves
    const struct moved_frames *frames;
    unsigned runs;                    // found, one for each frame
    unsigned leaves;                  // that the records of those name
    uint32_t missing;                 // tables of the destination
    uint64_t counted;                 // for move_count_missing
    bool in_the_way;                  // there are empty tables where blocks go
    uint64_t page[SHEAF_MOVE_FRAMES]; // of each run's first leaf
    struct run run[SHEAF_MOVE_FRAMES];
    paddr_t to_table[SHEAF_MOVE_FRAMES];
};

static uint64_t target_of(const struct leaf_move *move, uint64_t page) {
    return page - move->from + move->to;
}

// ---- What can fail

// Something is where the leaf of `page`, of the destination, is to go.
static bool gives_way(struct leaf_move *move, uint64_t page, desc_t desc) {
    if (desc_is_leaf(desc, move->level))
        return page - move->from < move->end - move->from; // moves away itself
    bool empty = table_info(desc_address(desc))->live == 0;
    move->in_the_way = move->in_the_way || empty;
    return empty;
}

// What is between the leaves of a run must be nothing.
static bool is_alone(const struct leaf_move *move, const struct run *run) {
    struct pattern pattern = pattern_of(move->level, move->frames->at[move->runs].frame->address,
                                        move->frames->at[move->runs].size_bits);
    paddr_t table = run->table;
    for (unsigned i = run->first, last = run->last; i <= last; i++) {
        desc_t desc = port_desc_read(table, i);
        if (desc_is_valid(desc) && !matches(&pattern, desc))
            return false;
    }
    return true;
}

// Whether every leaf of a run can be written from `index` of the table on; `page` is that of the
// first.
static bool have_room(struct leaf_move *move, const struct run *run, paddr_t to, unsigned index,
                      uint64_t page) {
    paddr_t from = run->table;
    unsigned first = run->first, count = run->last - run->first + 1;
    for (unsigned i = 0; i < count; i++) {
        desc_t desc = port_desc_read(to, index + i);
        if (desc_is_valid(desc) && desc_is_valid(port_desc_read(from, first + i)) &&
            !gives_way(move, page + ((uint64_t)i << level_shift(move->level)), desc))
            return false;
    }
    return true;
}

// The leaves of a run, and where they go.
static enum sheaf_error check_places(struct leaf_move *move, const struct run *run, uint64_t page) {
    uint64_t to = target_of(move, page);
    unsigned index = level_index(to, move->level);
    if (index + (run->last - run->first) >= TABLE_ENTRIES)
        return SHEAF_ERR_RANGE; // a record names a run in one table
    if (!is_alone(move, run))
        return SHEAF_ERR_OTHER_MAPPING; // of another Frame, in between
    struct place place = walk(move->vspace, to, move->level);
    if (place.level < move->level) {
        if (desc_is_valid(place.desc))
            return SHEAF_ERR_PLACE_OCCUPIED; // a larger block
        move_count_missing(&place, move->level, to, &move->missing, &move->counted);
    } else if (!have_room(move, run, place.table, index, to)) {
        return SHEAF_ERR_PLACE_OCCUPIED;
    }
    return SHEAF_OK;
}

// The leaf at `index`, that of `page`, is the next one: the next Frame must name it. Its run is
// entered; *index goes behind it.
static enum sheaf_error check_run(struct leaf_move *move, paddr_t table, uint64_t page,
                                  unsigned *index) {
    if (move->runs == move->frames->count)
        return SHEAF_ERR_OTHER_MAPPING;
    const struct mapped_frame *frame = move->frames->at[move->runs].frame;
    struct mapping_record record = frame->record;
    if (record_asid(record).v != move->vspace->asid.v ||
        record_table(record) != table_number(table))
        return SHEAF_ERR_OTHER_MAPPING;
    move->leaves += record_count(record);
    if (move->leaves > SHEAF_MOVE_LEAVES)
        return SHEAF_ERR_RANGE; // looking through them is not free
    struct run run =
        record_find(move->vspace, record, frame->address, move->frames->at[move->runs].size_bits);
    if (!run.live || run.level != move->level || run.first > *index || run.last < *index)
        return SHEAF_ERR_OTHER_MAPPING;
    uint64_t size = level_pages(move->level);
    if (run.first < *index) // before this leaf, in the range, is one that another Frame named
        return page - (*index - run.first) * size < move->from ? SHEAF_ERR_BLOCK_CUT
                                                               : SHEAF_ERR_OTHER_MAPPING;
    if (page + (run.last - run.first) * size >= move->end)
        return SHEAF_ERR_BLOCK_CUT;
    enum sheaf_error error = check_places(move, &run, page);
    if (error == SHEAF_OK) {
        move->page[move->runs] = page;
        move->run[move->runs++] = run;
        *index = run.last + 1;
    }
    return error;
}

// The part [first, end) of the source, all in one table of leaves.
static enum sheaf_error check_piece(struct leaf_move *move, uint64_t first, uint64_t end) {
    struct place place = walk(move->vspace, first, move->level);
    if (place.level < move->level)
        return desc_is_valid(place.desc) ? SHEAF_ERR_OTHER_MAPPING : SHEAF_OK;
    unsigned begin = place.index, last = level_index(end - 1, move->level);
    for (unsigned i = begin; i <= last;) {
        desc_t desc = port_desc_read(place.table, i);
        if (desc_is_leaf(desc, move->level)) {
            uint64_t page = first + (i - begin) * level_pages(move->level);
            enum sheaf_error error = check_run(move, place.table, page, &i);
            if (error != SHEAF_OK)
                return error;
            continue;
        }
        if (desc_is_valid(desc) && table_info(desc_address(desc))->live != 0)
            return SHEAF_ERR_OTHER_MAPPING; // smaller leaves
        i++;
    }
    return SHEAF_OK;
}

static enum sheaf_error check(struct leaf_move *move, unsigned *missing) {
    uint64_t span = level_pages(move->level) * TABLE_ENTRIES;
    for (uint64_t page = move->from; page < move->end;) {
        uint64_t end = MIN(move->end, ALIGN_DOWN(page, span) + span);
        enum sheaf_error error = check_piece(move, page, end);
        if (error != SHEAF_OK)
            return error;
        page = end;
    }
    return move_reserve(move->vspace, move->missing, missing);
}

// ---- What cannot

// Clears the valid bits of leaves `i` to `last`, and answers what they were, all in one. Exchange,
// not store: hardware and other PEs' fault paths set access and dirty bits.
static uint64_t clear_leaves(paddr_t table, unsigned i, unsigned last) {
    uint64_t seen = 0;
    for (; i <= last; i++) {
        if (!desc_is_valid(port_desc_read(table, i)))
            continue;
        desc_t old = port_desc_exchange(table, i, DESC(0));
        port_desc_write(table, i, DESC(old.v & ~DESC_VALID));
        seen |= old.v;
    }
    return seen;
}

static void clear_run(const struct leaf_move *move, unsigned n, struct removal *removal) {
    const struct run *run = &move->run[n];
    uint64_t count = run->last - run->first + 1;
    if (desc_is_untouched(DESC(clear_leaves(run->table, run->first, run->last))))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, count);
    else
        removal_add(removal, move->page[n], count << level_shift(move->level), move->level);
}

// Writes what was cleared to its new place, in the order of memmove. Returns how many leaves.
static unsigned write_leaves(paddr_t from, unsigned first, paddr_t to, unsigned index,
                             unsigned count, bool down) {
    unsigned written = 0;
    for (unsigned k = 0; k < count; k++) {
        unsigned i = down ? count - 1 - k : k;
        desc_t desc = port_desc_read(from, first + i);
        if (desc.v == 0)
            continue;
        port_desc_write(from, first + i, DESC(0));
        port_desc_write(to, index + i, DESC(desc.v | DESC_VALID));
        written++;
    }
    return written;
}

// Writes a run to its new place and gives the Frame its new record. Returns how many leaves.
static unsigned write_run(struct leaf_move *move, unsigned n) {
    const struct run *run = &move->run[n];
    paddr_t to = move->to_table[n];
    unsigned index = level_index(target_of(move, move->page[n]), move->level);
    unsigned count = run->last - run->first + 1;
    unsigned written =
        write_leaves(run->table, run->first, to, index, count, move->to > move->from);
    table_info(run->table)->live -= (uint16_t)written;
    table_info(to)->live += (uint16_t)written;
    move->frames->at[n].frame->record =
        record_make(move->vspace->asid, move->level, table_number(to), index, count);
    return written;
}

static unsigned move_runs(struct leaf_move *move) {
    struct vspace *vspace = move->vspace;
    uint64_t pages = move->end - move->from;
    struct removal removal;
    unsigned written = 0;
    removal_begin(&removal, false);
    pending_complete_overlapping(vspace, move->from, pages, 0);
    pending_complete_overlapping(vspace, move->to, pages, 0);
    if (move->in_the_way)
        tables_clear_the_way(vspace, move->to, move->to + pages, move->level);
    for (unsigned n = 0; n < move->runs; n++)
        move->to_table[n] =
            table_hook_down(vspace, target_of(move, move->page[n]), move->level).table;
    for (unsigned n = 0; n < move->runs; n++)
        clear_run(move, n, &removal);
    removal_complete(vspace, &removal);
    for (unsigned n = 0; n < move->runs; n++)
        written += write_run(move, move->to > move->from ? move->runs - 1 - n : n);
    return written;
}

static enum sheaf_error move_locked(struct gather *gather, struct leaf_move *move,
                                    unsigned *missing) {
    if (!vspace_state_is_live(move->vspace))
        return SHEAF_ERR_DEAD;
    enum sheaf_error error = check(move, missing);
    if (error != SHEAF_OK || move->runs == 0 || move->from == move->to)
        return error;
    unsigned leaves = move_runs(move);
    gather->stored = true;
    gather->totals.leaves += leaves;
    port_count(SHEAF_COUNTER_GATHER_MOVED, leaves);
    return SHEAF_OK;
}

enum sheaf_error gather_move_leaves(struct gather *gather, struct vspace *vspace, vaddr_t from,
                                    vaddr_t to, uint64_t pages, struct moved_frames *frames,
                                    unsigned *missing) {
    ASSERT(frames->count >= 1 && frames->count <= SHEAF_MOVE_FRAMES);
    struct leaf_move move; // not cleared: the arrays are filled as runs are found
    move.vspace = vspace;
    move.from = from.v >> PAGE_BITS;
    move.to = to.v >> PAGE_BITS;
    move.end = move.from + pages;
    move.level = record_level(frames->at[0].frame->record);
    move.frames = frames;
    move.runs = 0;
    move.leaves = 0;
    move.missing = 0;
    move.counted = 0;
    move.in_the_way = false;
    frames->named = 0;
    if (move.level == 0)
        return SHEAF_ERR_OTHER_MAPPING; // never mapped
    if (!IS_ALIGNED(move.from | move.to | pages, level_pages(move.level)))
        return SHEAF_ERR_MISALIGNED;
    if (pages >> level_shift(move.level) > SHEAF_MOVE_LEAVES)
        return SHEAF_ERR_RANGE;
    vspace_lock(vspace);
    enum sheaf_error error = move_locked(gather, &move, missing);
    vspace_unlock(vspace);
    frames->named = move.runs;
    return error;
}
