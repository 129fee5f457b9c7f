// SPDX-License-Identifier: BSD-2-Clause
// MOVE of whole tables: level 3 tables are unhooked in one place and hooked in another.
//
// Nothing in the tables is touched, so records stay true, and a page costs a 512th of what it costs
// alone. The range is dealt with in pieces: what lies in one level 2 table on both sides, at most
// MOVE_TABLES of it, or a stretch without tables. A piece is one critical section.
//
//   pass CHECK     are the places free, is there a block, how many upper tables are missing
//   pass HOOK      the upper tables are hooked: from now on none can be missing
//   pass MOVE      the tables change their place
//
// Between two pieces an interrupt may come, and then another thread. So each piece checks and hooks
// anew what it needs: what an earlier pass found out serves only to refuse before anything is
// changed. A range of one piece takes one pass.
#include "move.h"
#include "batch.h"
#include "walk.h"

// Some 60 instructions for each; where empty tables are in the way, more than 200.
#define MOVE_TABLES 64u
#define MOVE_TABLES_IN_THE_WAY 16u

#define UNIT_LEVEL 2u // of the descriptors that name the tables
#define UNIT_SHIFT 9u // pages of a unit: what one of them covers

struct moving {
    struct gather *gather;
    struct vspace *vspace;
    uint64_t from, to, units; // 2 MiB each
    struct gather_move *move;
    unsigned *missing;
};

struct piece {
    uint64_t first, units; // relative to both ranges
    struct place from, to; // of `first`
    unsigned tables;       // that move
    bool in_the_way;       // there are empty tables where they go
};

// ---- What both forms share

void removal_begin(struct removal *removal, bool tables) {
    removal->count = 0; // what the ranges hold is of no account
    removal->levels = 0;
    removal->tables = tables;
}

void removal_add(struct removal *removal, uint64_t first, uint64_t pages, unsigned level) {
    removal->levels |= (uint8_t)(1u << level);
    if (removal->count != 0) {
        struct plan_range *last = &removal->ranges[removal->count - 1];
        if (last->first + last->pages == first) {
            last->pages += pages;
            return;
        }
    }
    ASSERT(removal->count < REMOVAL_RANGES);
    removal->ranges[removal->count++] =
        (struct plan_range){.first = first, .pages = pages, .level = (uint8_t)level};
}

void removal_complete(struct vspace *vspace, const struct removal *removal) {
    struct plan_facts facts = {.levels = removal->levels, .tables_freed = removal->tables};
    if (removal->count == 0)
        return;
    for (unsigned i = 0; i < removal->count; i++)
        facts.operations +=
            plan_operations(&finish_features, removal->ranges[i].pages, removal->ranges[i].level);
    struct finish_space space = finish_space(vspace, &facts);
    struct finish_work work = {
        .spaces = &space,
        .space_count = 1,
        .ranges = removal->ranges,
        .range_count = removal->count,
    };
    finish_work(&work, batch_totals());
    for (unsigned i = 0; i < removal->count; i++)
        port_note(PORT_EVENT_RANGE_RELEASED, removal->ranges[i].first << PAGE_BITS,
                  (uint64_t)vspace->asid.v << 48 | removal->ranges[i].pages);
}

enum sheaf_error move_reserve(struct vspace *vspace, uint64_t needed, unsigned *missing) {
    if (needed <= vspace->tables_free || pending_reclaim_tables(vspace, needed))
        return SHEAF_OK;
    *missing = (unsigned)(needed - vspace->tables_free);
    return SHEAF_ERR_NO_TABLES;
}

void move_count_missing(const struct place *place, unsigned level, uint64_t page, uint32_t *missing,
                        uint64_t *counted) {
    bool first = *missing == 0;
    uint64_t before = *counted;
    for (unsigned l = place->level + 1; l <= level; l++) {
        // The table covers what one descriptor of the level above does.
        if (first || (before ^ page) >> level_shift(l - 1) != 0) {
            ++*missing;
            *counted = page;
        }
    }
}

// ---- Pieces

static bool goes_down(const struct moving *moving) {
    return moving->to > moving->from && moving->move->pass == MOVE_MOVE;
}

// Units from `unit` on, upwards or downwards, in a table or descriptor that covers `span`.
static uint64_t room(uint64_t unit, uint64_t span, bool down) {
    return down ? unit % span + 1 : span - unit % span;
}

static struct piece next_piece(const struct moving *moving, uint64_t most) {
    bool down = goes_down(moving);
    uint64_t left = moving->units - moving->move->done;
    uint64_t at = down ? left - 1 : moving->move->done;
    uint64_t from = moving->from + at, to = moving->to + at;
    struct piece piece = {.from = walk(moving->vspace, from << UNIT_SHIFT, UNIT_LEVEL)};
    if (piece.from.level < UNIT_LEVEL && !desc_is_valid(piece.from.desc)) {
        // Nothing is below this descriptor.
        piece.units = MIN(left, room(from, level_pages(piece.from.level) >> UNIT_SHIFT, down));
    } else {
        uint64_t least = MIN(room(from, TABLE_ENTRIES, down), room(to, TABLE_ENTRIES, down));
        piece.units = MIN(MIN(left, least), most);
    }
    piece.first = down ? at - (piece.units - 1) : at;
    if (down)
        piece.from.index -= (unsigned)(piece.units - 1);
    piece.to = walk(moving->vspace, (moving->to + piece.first) << UNIT_SHIFT, UNIT_LEVEL);
    return piece;
}

// Whether a unit of the destination is one of those that move: in this piece, or, before anything
// moves, at all. Where it is in an earlier piece, it has gone.
static bool moves_away(const struct moving *moving, const struct piece *piece, uint64_t unit) {
    bool all = moving->move->pass != MOVE_MOVE;
    uint64_t first = moving->from + (all ? 0 : piece->first);
    return unit - first < (all ? moving->units : piece->units);
}

// Something is where table `i` of the piece is to go.
static bool gives_way(const struct moving *moving, struct piece *piece, unsigned i, desc_t desc) {
    if (moves_away(moving, piece, moving->to + piece->first + i))
        return true;
    if (!desc_is_table(desc, UNIT_LEVEL) || table_info(desc_address(desc))->live != 0)
        return false;
    piece->in_the_way = true;
    return true;
}

static enum sheaf_error check_piece(const struct moving *moving, struct piece *piece) {
    if (piece->from.level < UNIT_LEVEL)
        return desc_is_valid(piece->from.desc) ? SHEAF_ERR_OTHER_MAPPING : SHEAF_OK;
    const struct place from = piece->from, to = piece->to;
    bool there = to.level == UNIT_LEVEL;
    unsigned units = (unsigned)piece->units, tables = 0;
    for (unsigned i = 0; i < units; i++) {
        desc_t desc = port_desc_read(from.table, from.index + i);
        if (!desc_is_valid(desc))
            continue;
        if (!desc_is_table(desc, UNIT_LEVEL))
            return SHEAF_ERR_OTHER_MAPPING;
        tables++;
        desc_t occupant = there ? port_desc_read(to.table, to.index + i) : DESC(0);
        if (unlikely(desc_is_valid(occupant)) && !gives_way(moving, piece, i, occupant))
            return SHEAF_ERR_PLACE_OCCUPIED;
    }
    piece->tables = tables;
    bool block = !there && desc_is_valid(to.desc); // all of it is one block
    return block && tables != 0 ? SHEAF_ERR_PLACE_OCCUPIED : SHEAF_OK;
}

// ---- Passes

static void count_missing(const struct moving *moving, const struct piece *piece) {
    struct gather_move *move = moving->move;
    uint64_t page = (moving->to + piece->first) << UNIT_SHIFT;
    move_count_missing(&piece->to, UNIT_LEVEL, page, &move->missing, &move->counted);
}

static enum sheaf_error hook_upper(const struct moving *moving, struct piece *piece) {
    uint64_t page = (moving->to + piece->first) << UNIT_SHIFT;
    enum sheaf_error error =
        move_reserve(moving->vspace, UNIT_LEVEL - piece->to.level, moving->missing);
    if (error == SHEAF_OK)
        piece->to = table_hook_down(moving->vspace, page, UNIT_LEVEL);
    return error;
}

// Enters that the tables of `count` units, up to `end`, were unhooked with all that they held.
static void enter(struct removal *removal, uint64_t end, unsigned count) {
    if (count != 0)
        removal_add(removal, (end - count) << UNIT_SHIFT, (uint64_t)count << UNIT_SHIFT,
                    LEAF_LEVEL);
}

// Unhooks the tables. How many that were.
static unsigned unhook(const struct moving *moving, const struct piece *piece,
                       struct removal *removal) {
    const struct place from = piece->from;
    uint64_t first = moving->from + piece->first;
    unsigned units = (unsigned)piece->units, count = 0, run = 0;
    for (unsigned i = 0; i < units; i++) {
        desc_t desc = port_desc_read(from.table, from.index + i);
        if (!desc_is_valid(desc)) {
            enter(removal, first + i, run);
            run = 0;
            continue;
        }
        // Hardware changes nothing in a table descriptor, so a plain store loses no update.
        port_desc_write(from.table, from.index + i, DESC(desc.v & ~DESC_VALID));
        count++;
        run++;
    }
    enter(removal, first + units, run);
    table_info(from.table)->live -= (uint16_t)count;
    return count;
}

// Hooks them in their new place. The completion before has ordered their contents. Returns how many
// leaves they hold.
static uint64_t hook(const struct moving *moving, const struct piece *piece) {
    const struct place from = piece->from, to = piece->to;
    bool down = goes_down(moving);
    unsigned units = (unsigned)piece->units;
    unsigned parent = table_number(to.table);
    uint64_t leaves = 0;
    for (unsigned n = 0; n < units; n++) {
        unsigned i = down ? units - 1 - n : n;
        desc_t desc = port_desc_read(from.table, from.index + i);
        if (desc.v == 0)
            continue;
        struct table_info *info = table_info(desc_address(desc));
        info->parent = (uint16_t)parent;
        info->parent_index = (uint16_t)(to.index + i);
        leaves += info->live;
        port_desc_write(from.table, from.index + i, DESC(0));
        port_desc_write(to.table, to.index + i, DESC(desc.v | DESC_VALID));
    }
    return leaves;
}

static void move_piece(const struct moving *moving, const struct piece *piece) {
    struct vspace *vspace = moving->vspace;
    uint64_t from = (moving->from + piece->first) << UNIT_SHIFT;
    uint64_t to = (moving->to + piece->first) << UNIT_SHIFT;
    uint64_t pages = piece->units << UNIT_SHIFT;
    struct removal removal;
    removal_begin(&removal, true);
    // At the destination, because of what is written there. At the source, because a table may
    // hold another PE's stores that no walker needs to see yet: they must not be read as they were
    // before at the new address, which that PE's invalidation does not name.
    pending_complete_overlapping(vspace, from, pages, 0);
    pending_complete_overlapping(vspace, to, pages, 0);
    if (piece->in_the_way)
        tables_clear_the_way(vspace, to, to + pages, UNIT_LEVEL);
    unsigned count = unhook(moving, piece, &removal);
    removal_complete(vspace, &removal);
    moving->gather->totals.leaves += hook(moving, piece);
    table_info(piece->to.table)->live += (uint16_t)count;
    moving->gather->stored = true;
    port_count(SHEAF_COUNTER_TABLES_MOVED, count);
}

// What comes after a pass that is through.
static enum sheaf_error next_pass(const struct moving *moving) {
    struct gather_move *move = moving->move;
    enum sheaf_error error = SHEAF_OK;
    if (move->pass == MOVE_CHECK)
        error = move_reserve(moving->vspace, move->missing, moving->missing);
    move->done = 0;
    move->pass++;
    return error;
}

static enum sheaf_error move_slice(const struct moving *moving) {
    struct gather_move *move = moving->move;
    if (!vspace_state_is_live(moving->vspace))
        return SHEAF_ERR_DEAD;
    struct piece piece = next_piece(moving, MOVE_TABLES);
    if (piece.units == moving->units && move->pass == MOVE_CHECK)
        move->pass = MOVE_MOVE; // which checks as well
    enum sheaf_error error = check_piece(moving, &piece);
    if (error == SHEAF_OK && move->pass == MOVE_MOVE && piece.in_the_way) {
        piece = next_piece(moving, MOVE_TABLES_IN_THE_WAY);
        error = check_piece(moving, &piece);
    }
    if (error == SHEAF_OK && piece.tables != 0) {
        if (move->pass == MOVE_CHECK)
            count_missing(moving, &piece);
        else
            error = hook_upper(moving, &piece);
        if (error == SHEAF_OK && move->pass == MOVE_MOVE)
            move_piece(moving, &piece);
    }
    if (error != SHEAF_OK)
        return error;
    move->done += piece.units;
    return move->done == moving->units ? next_pass(moving) : SHEAF_OK;
}

enum sheaf_error gather_move_tables(struct gather *gather, struct vspace *vspace, vaddr_t from,
                                    vaddr_t to, uint64_t pages, struct gather_move *move,
                                    unsigned *missing) {
    uint64_t first = from.v >> PAGE_BITS, target = to.v >> PAGE_BITS;
    struct moving moving = {
        .gather = gather,
        .vspace = vspace,
        .from = first >> UNIT_SHIFT,
        .to = target >> UNIT_SHIFT,
        .units = pages >> UNIT_SHIFT,
        .move = move,
        .missing = missing,
    };
    if (!IS_ALIGNED(first | target | pages, TABLE_ENTRIES))
        return SHEAF_ERR_MISALIGNED;
    if (first == target) {
        move->pass = MOVE_DONE;
        return vspace_is_dead(vspace) ? SHEAF_ERR_DEAD : SHEAF_OK;
    }
    vspace_lock(vspace);
    enum sheaf_error error = move_slice(&moving);
    vspace_unlock(vspace);
    return error;
}
