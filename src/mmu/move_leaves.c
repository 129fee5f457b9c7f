// SPDX-License-Identifier: BSD-2-Clause
// MOVE leaf by leaf, with the capabilities whose records name the leaves.
//
// A leaf that moves needs a new record, and which capability has the old one the tables do not
// say. So the caller names the capabilities, and what they do not name does not move. A record is
// one run of leaves in one table and stays that: a run moves as a whole, in one slice.
//
// A slice is one critical section: what begins in LOOKED_AT descriptors of one table, at most
// MOVE_FRAMES runs with SHEAF_MOVE_LEAVES leaves; or a stretch without tables. A first pass
// checks all of them; a second one checks them again and moves them, in the order of memmove. Where
// one slice is all, it does both.
#include "batch.h"
#include "move.h"
#include "record.h"

#define LOOKED_AT 128u
#define TABLES_IN_THE_WAY 16u // that a slice unhooks

struct leaf_move {
    struct vspace *vspace;
    struct gather_move *move;
    struct moved_frames *frames;
    uint64_t from, to, end;     // pages; `end` of the source
    uint64_t begin;             // the slice's first page; where it goes down, that behind the last
    unsigned level;             // of all leaves
    unsigned leaves;            // that the runs reach over
    uint32_t missing;           // tables of the destination, in the slice or the first pass
    uint64_t counted;           // for move_count_missing
    bool down;                  // from the highest leaf to the lowest
    unsigned in_the_way;        // empty tables where blocks go
    bool full;                  // the slice ends before one more run
    uint64_t page[MOVE_FRAMES]; // of each run's first leaf
    struct run run[MOVE_FRAMES];
    paddr_t to_table[MOVE_FRAMES];
};

static uint64_t target_of(const struct leaf_move *move, uint64_t page) {
    return page - move->from + move->to;
}

static uint64_t run_pages(const struct leaf_move *move, const struct run *run) {
    return (uint64_t)(run->last - run->first + 1) << level_shift(move->level);
}

// ---- What can fail

// What is between the leaves of a run must be nothing. And a record may verify by leaves that
// another capability of the same Frame has mapped since: what that one allows beyond this one must
// not come to be named by this one, or taking that one back would leave it.
static bool is_alone(const struct leaf_move *move, const struct run *run) {
    unsigned n = move->frames->named;
    struct pattern pattern =
        pattern_of(move->level, move->frames->at[n].frame->address, move->frames->at[n].size_bits);
    paddr_t table = run->table;
    if (!move->frames->at[n].max_write)
        pattern.mask |= DESC_MAX_WRITE;
    for (unsigned i = run->first, last = run->last; i <= last; i++) {
        desc_t desc = port_desc_read(table, i);
        if (desc_is_valid(desc) && !matches(&pattern, desc))
            return false;
    }
    return true;
}

// A table that names nothing may be where a block is to go: it is unhooked first.
static bool gives_way(struct leaf_move *move, desc_t desc) {
    return table_info(desc_address(desc))->live == 0 && ++move->in_the_way <= TABLES_IN_THE_WAY;
}

// Whether every leaf of a run, the first of which is at `page`, can be written from `index` of a
// table on. A leaf that is there may be one that moves itself: in this slice or, before anything
// moves, at all. What moved in an earlier slice is gone.
static bool have_room(struct leaf_move *move, const struct run *run, uint64_t page, paddr_t to,
                      unsigned index) {
    paddr_t from = run->table;
    uint64_t target = target_of(move, page), size = level_pages(move->level);
    uint64_t low = move->from, high = move->end, leaf = desc_leaf_type(move->level);
    if (move->move->pass == MOVE_MOVE) {
        low = move->down ? page : move->begin;
        high = move->down ? move->begin : page + run_pages(move, run);
    }
    for (unsigned i = run->first, last = run->last; i <= last; i++, index++, target += size) {
        desc_t desc = port_desc_read(to, index);
        if (!desc_is_valid(desc) || !desc_is_valid(port_desc_read(from, i)))
            continue;
        bool moves = (desc.v & (DESC_VALID | DESC_TABLE)) == leaf;
        if (moves ? target - low >= high - low : !gives_way(move, desc))
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
        return SHEAF_ERR_OTHER_MAPPING; // of another Frame, in between, or capability
    struct place place = walk(move->vspace, to, move->level);
    if (place.level < move->level) {
        if (desc_is_valid(place.desc))
            return SHEAF_ERR_PLACE_OCCUPIED; // a larger block
        move_count_missing(&place, move->level, to, &move->missing, &move->counted);
    } else if (!have_room(move, run, page, place.table, index)) {
        return SHEAF_ERR_PLACE_OCCUPIED;
    }
    return SHEAF_OK;
}

// The run that the next Frame names must begin with the leaf at `index`, that of `page`; or, where
// the slice goes down, end with it.
static enum sheaf_error find_run(const struct leaf_move *move, paddr_t table, unsigned index,
                                 uint64_t page, struct run *run) {
    unsigned n = move->frames->named;
    if (n == move->frames->count)
        return SHEAF_ERR_OTHER_MAPPING;
    const struct mapped_frame *frame = move->frames->at[n].frame;
    struct mapping_record record = frame->record;
    if (record_asid(record).v != move->vspace->asid.v || record_level(record) != move->level ||
        record_table(record) != table_number(table))
        return SHEAF_ERR_OTHER_MAPPING;
    if (record_count(record) > SHEAF_MOVE_LEAVES)
        return SHEAF_ERR_RANGE;
    *run = record_find(move->vspace, record, frame->address, move->frames->at[n].size_bits);
    if (!run->live || run->first > index || run->last < index)
        return SHEAF_ERR_OTHER_MAPPING;
    uint64_t size = level_pages(move->level), first = page - (index - run->first) * size;
    if (first < move->from || first + run_pages(move, run) > move->end)
        return SHEAF_ERR_BLOCK_CUT;
    return (move->down ? run->last : run->first) == index ? SHEAF_OK : SHEAF_ERR_OTHER_MAPPING;
}

// Enters the run of the leaf at *index, and moves *index past it; or finds the slice full.
static enum sheaf_error enter_run(struct leaf_move *move, paddr_t table, unsigned *index,
                                  uint64_t page) {
    unsigned n = move->frames->named;
    struct run run;
    move->full = n == MOVE_FRAMES;
    if (move->full)
        return SHEAF_OK;
    enum sheaf_error error = find_run(move, table, *index, page, &run);
    if (error != SHEAF_OK)
        return error;
    unsigned leaves = run.last - run.first + 1;
    move->full = n != 0 && move->leaves + leaves > SHEAF_MOVE_LEAVES;
    if (move->full)
        return SHEAF_OK;
    uint64_t first = page - (uint64_t)(*index - run.first) * level_pages(move->level);
    error = check_places(move, &run, first);
    if (error != SHEAF_OK)
        return error;
    move->leaves += leaves;
    move->page[n] = first;
    move->run[n] = run;
    move->frames->named++;
    *index = move->down ? run.first - 1 : run.last + 1;
    return SHEAF_OK;
}

// Looks at descriptors from that of `page` on, `count` of them. *looked: how many the slice has
// dealt with.
static enum sheaf_error check_descriptors(struct leaf_move *move, const struct place *place,
                                          uint64_t page, unsigned count, unsigned *looked) {
    unsigned begin = place->index, index = begin;
    for (unsigned done = 0; done < count && !move->full;) {
        desc_t desc = port_desc_read(place->table, index);
        if (desc_is_leaf(desc, move->level)) {
            uint64_t offset = (uint64_t)done << level_shift(move->level);
            enum sheaf_error error =
                enter_run(move, place->table, &index, move->down ? page - offset : page + offset);
            if (error != SHEAF_OK)
                return error;
        } else if (desc_is_valid(desc) && table_info(desc_address(desc))->live != 0) {
            return SHEAF_ERR_OTHER_MAPPING; // smaller leaves
        } else {
            index += move->down ? -1u : 1u;
        }
        done = move->down ? begin - index : index - begin;
        *looked = done;
    }
    return SHEAF_OK;
}

// Checks a slice; *pages: how much of the source that is.
static enum sheaf_error check(struct leaf_move *move, uint64_t *pages) {
    uint64_t left = move->end - move->from - move->move->done, size = level_pages(move->level);
    uint64_t page = move->down ? move->begin - size : move->begin;
    struct place place = walk(move->vspace, page, move->level);
    if (place.level < move->level) {
        uint64_t span = level_pages(place.level);
        *pages = MIN(left, move->down ? page % span + size : span - page % span);
        return desc_is_valid(place.desc) ? SHEAF_ERR_OTHER_MAPPING : SHEAF_OK;
    }
    unsigned room = move->down ? place.index + 1 : TABLE_ENTRIES - place.index, looked = 0;
    unsigned count = MIN(room, LOOKED_AT);
    count = (unsigned)MIN(count, left >> level_shift(move->level));
    enum sheaf_error error = check_descriptors(move, &place, page, count, &looked);
    *pages = (uint64_t)looked << level_shift(move->level);
    return error;
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
    if (desc_is_untouched(DESC(clear_leaves(run->table, run->first, run->last))))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, run->last - run->first + 1);
    else
        removal_add(removal, move->page[n], run_pages(move, run), move->level);
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
static unsigned write_run(const struct leaf_move *move, unsigned n) {
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

static void move_runs(struct gather *gather, struct leaf_move *move, uint64_t pages) {
    struct vspace *vspace = move->vspace;
    uint64_t from = move->down ? move->begin - pages : move->begin, to = target_of(move, from);
    unsigned runs = move->frames->named, written = 0;
    bool backwards = move->to > move->from && !move->down; // than they were found
    struct removal removal;
    removal_begin(&removal, false);
    pending_complete_overlapping(vspace, from, pages, 0);
    pending_complete_overlapping(vspace, to, pages, 0);
    if (move->in_the_way != 0)
        tables_clear_the_way(vspace, to, to + pages, move->level);
    for (unsigned n = 0; n < runs; n++)
        move->to_table[n] =
            table_hook_down(vspace, target_of(move, move->page[n]), move->level).table;
    for (unsigned n = 0; n < runs; n++)
        clear_run(move, n, &removal);
    removal_complete(vspace, &removal);
    for (unsigned n = 0; n < runs; n++)
        written += write_run(move, backwards ? runs - 1 - n : n);
    gather->stored = true;
    gather->totals.leaves += written;
    port_count(SHEAF_COUNTER_GATHER_MOVED, written);
}

// ---- Slices

// The slice has dealt with `pages`.
static enum sheaf_error advance(struct leaf_move *move, uint64_t pages, unsigned *missing) {
    struct gather_move *progress = move->move;
    unsigned named = move->frames->named;
    progress->done += pages;
    progress->slots = move->down ? progress->slots - named : progress->slots + named;
    progress->missing = move->missing;
    progress->counted = move->counted;
    if (progress->done != move->end - move->from)
        return SHEAF_OK;
    progress->done = 0;
    if (progress->pass == MOVE_MOVE) {
        progress->pass = MOVE_DONE;
        return SHEAF_OK;
    }
    progress->pass = MOVE_MOVE;
    if (move->to <= move->from)
        progress->slots = 0; // else it goes down from the last one
    return move_reserve(move->vspace, progress->missing, missing);
}

static enum sheaf_error move_slice(struct gather *gather, struct leaf_move *move,
                                   unsigned *missing) {
    struct gather_move *progress = move->move;
    uint64_t pages = 0;
    if (!vspace_state_is_live(move->vspace))
        return SHEAF_ERR_DEAD;
    enum sheaf_error error = check(move, &pages);
    if (error != SHEAF_OK)
        return error;
    bool whole = progress->pass == MOVE_CHECK && pages == move->end - move->from;
    if (whole || progress->pass == MOVE_MOVE) {
        error = move_reserve(move->vspace, move->missing, missing);
        if (error != SHEAF_OK)
            return error;
        if (move->frames->named != 0 && move->from != move->to)
            move_runs(gather, move, pages);
    }
    if (whole)
        progress->pass = MOVE_MOVE;
    return advance(move, pages, missing);
}

enum sheaf_error gather_move_leaves(struct gather *gather, struct vspace *vspace, vaddr_t from,
                                    vaddr_t to, uint64_t pages, struct moved_frames *frames,
                                    struct gather_move *progress, unsigned *missing) {
    struct leaf_move move; // not cleared: the arrays are filled as runs are found
    bool first_pass = progress->pass == MOVE_CHECK;
    frames->named = 0;
    if (first_pass && progress->done == 0)
        progress->level = (uint8_t)record_level(frames->at[0].frame->record);
    if (progress->level == 0)
        return SHEAF_ERR_OTHER_MAPPING; // never mapped
    move.vspace = vspace;
    move.move = progress;
    move.frames = frames;
    move.from = from.v >> PAGE_BITS;
    move.to = to.v >> PAGE_BITS;
    move.end = move.from + pages;
    move.level = progress->level;
    move.leaves = 0;
    move.missing = first_pass ? progress->missing : 0;
    move.counted = progress->counted;
    move.down = move_goes_down(progress, from, to);
    move.begin = move.down ? move.end - progress->done : move.from + progress->done;
    move.in_the_way = 0;
    move.full = false;
    if (!IS_ALIGNED(move.from | move.to | pages, level_pages(move.level)))
        return SHEAF_ERR_MISALIGNED;
    vspace_lock(vspace);
    enum sheaf_error error = move_slice(gather, &move, missing);
    vspace_unlock(vspace);
    return error;
}
