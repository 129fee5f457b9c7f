// SPDX-License-Identifier: BSD-2-Clause
// UNMAP: clears leaves and unhooks empty tables.
//
// A cursor goes through the range table by table, in address order. What is empty is passed over
// at the highest level that shows it, so the cost follows the tables that exist, not the range.
// `path` keeps the tables above the cursor; a step goes up only as far as the cursor left them.
//
// A slice is what happens under the VSpace lock without a break: it ends with the range, with a
// pending interrupt (polled after every VISIT_DESCRIPTORS at most) or with a batch full of tables.
// Then what it removed is entered as pending before the lock is dropped.
#include "batch.h"
#include "report.h"
#include "table.h"
#include "walk.h"

// Tables of few leaves that a batch looks through one by one. Every further one is unhooked with
// its leaves unseen, counting as 512 addresses: right as well (they are invalidated with walk
// caches before the table is taken again), cheaper, but coarser. A few keep small operations exact.
#define LOOK_THROUGH_TABLES 8u

// Descriptors of a table dealt with between two looks at pending interrupts, at 10 instructions
// each; and how many of them a run counts beside its leaves: entering it costs up to 250
// instructions.
#define VISIT_DESCRIPTORS 128u
#define RUN_COST 7u

// Leaves with other bits than the one before them that a run goes on for. Each costs up to 60
// instructions.
#define UNLIKE 32u

// Tables unhooked unseen between two such looks, at some 40 instructions each.
#define UNSEEN_TABLES 64u

struct unmap {
    struct gather *gather;
    struct batch_space *space;
    struct vspace *vspace;
    struct pending *entry; // of this slice, NULL until something is removed
    uint64_t start, end;   // pages of the whole operation
    uint64_t cursor;       // first page not yet dealt with
    uint64_t low, high;    // pages that the slice's removals lie in; low = high: none
    uint64_t leaves;       // cleared in this slice
    uint8_t *report;
    unsigned level; // of the table at the cursor
    unsigned looked_through;
    bool keep_tables;
    bool preempted; // the slice ended because an interrupt is pending
    paddr_t path[LEVELS];
};

static struct pending *entry_of(struct unmap *unmap) {
    if (unmap->entry == NULL)
        unmap->entry = batch_entry(unmap->space);
    return unmap->entry;
}

static void widen(struct unmap *unmap, uint64_t first, uint64_t pages) {
    if (unmap->low == unmap->high)
        unmap->low = first;
    unmap->low = MIN(unmap->low, first);
    unmap->high = MAX(unmap->high, first + pages);
}

// First page of the span of the table at the cursor.
static uint64_t table_first(const struct unmap *unmap) {
    return ALIGN_DOWN(unmap->cursor, level_pages(unmap->level) * TABLE_ENTRIES);
}

// Whether the table at the cursor lies wholly inside the operation's range and may go.
static bool may_unhook(const struct unmap *unmap) {
    uint64_t first = table_first(unmap);
    return unmap->level > 0 && !unmap->keep_tables && first >= unmap->start &&
           first + level_pages(unmap->level - 1) <= unmap->end;
}

// Unhooks the table at the cursor and, upwards, every table that this empties and that lies wholly
// inside the range. The cursor moves behind the last one.
static void unhook(struct unmap *unmap) {
    struct pending *entry = entry_of(unmap);
    do {
        paddr_t table = unmap->path[unmap->level];
        paddr_t parent = unmap->path[unmap->level - 1];
        uint64_t first = table_first(unmap);
        uint64_t pages = level_pages(unmap->level - 1);

        table_unlink(parent, level_index(first, unmap->level - 1), table);
        unmap->gather->chunks += pending_add_table(entry, table) ? 1 : 0;
        batch_add_table(unmap->gather, unmap->space, first, unmap->level);
        widen(unmap, first, pages);
        unmap->level--;
        unmap->cursor = first; // stays inside the parent while the cascade goes on
        if (table_info(parent)->live != 0 || !may_unhook(unmap)) {
            unmap->cursor = first + pages;
            return;
        }
    } while (true);
}

// ---- Leaves

// Clears leaves from `index` on while there are any, at most up to `end`, and at most
// UNLIKE of a kind of their own; reports them. Returns where it stopped. *any gets the bits that
// some of them had. Exchange, not store: hardware and other PEs' fault paths set accessed and dirty
// bits, and then a leaf is not like the one before it any more.
static unsigned take_run(const struct unmap *unmap, paddr_t table, unsigned index, unsigned end,
                         uint64_t *any) {
    unsigned kinds = 0, shift = level_shift(unmap->level);
    uint64_t first = table_first(unmap) - unmap->start;
    *any = 0;
    while (index < end && kinds < UNLIKE) {
        desc_t like = port_desc_read(table, index);
        if (!desc_is_leaf(like, unmap->level))
            break;
        unsigned stop = port_desc_clear_run(table, index, end, like);
        if (stop == index)
            continue; // bits were set meanwhile
        if (unmap->report != NULL)
            report_pages(unmap->report, first + ((uint64_t)index << shift),
                         (uint64_t)(stop - index) << shift, desc_report(like));
        *any |= like.v;
        kinds++;
        index = stop;
    }
    return index;
}

// Enters what a TLB may hold of `count` leaves from page `page` on.
ALWAYS_INLINE void enter_leaves(struct unmap *unmap, uint64_t page, unsigned count,
                                unsigned level) {
    uint64_t pages = (uint64_t)count << level_shift(level);
    batch_add_leaves(unmap->gather, unmap->space, page, pages, level);
    entry_of(unmap)->levels |= (uint8_t)(1u << level);
    widen(unmap, page, pages);
}

// Clears the run of leaves that begins at `index`.
static unsigned clear_run(struct unmap *unmap, paddr_t table, unsigned index, unsigned end) {
    uint64_t any, page = table_first(unmap) + ((uint64_t)index << level_shift(unmap->level));
    unsigned stop = take_run(unmap, table, index, end, &any);
    table_info(table)->live -= (uint16_t)(stop - index);
    unmap->leaves += stop - index;
    if (desc_is_untouched(DESC(any)))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, stop - index);
    else
        enter_leaves(unmap, page, stop - index, unmap->level);
    return stop;
}

// Clears leaves in the table at the cursor, from the cursor to the table's or the range's end, to
// the next table descriptor or until VISIT_DESCRIPTORS were dealt with. Moves the cursor to where
// it stopped.
static void clear_leaves(struct unmap *unmap) {
    paddr_t table = unmap->path[unmap->level];
    const struct table_info *info = table_info(table);
    unsigned shift = level_shift(unmap->level);
    uint64_t first = table_first(unmap);
    uint64_t end_page = MIN(unmap->end, first + ((uint64_t)TABLE_ENTRIES << shift));
    unsigned index = level_index(unmap->cursor, unmap->level), left = VISIT_DESCRIPTORS;
    // A last descriptor that covers more than the range is a table or invalid: cuts were refused.
    unsigned end = (unsigned)((end_page - first + level_pages(unmap->level) - 1) >> shift);
    while (index < end && left > 0 && info->live != 0) {
        desc_t desc = port_desc_read(table, index);
        if (!desc_is_valid(desc)) {
            index++;
            left--;
        } else if (desc_is_leaf(desc, unmap->level)) {
            unsigned stop = clear_run(unmap, table, index, MIN(end, index + left));
            left -= MIN(left, stop - index + RUN_COST);
            index = stop;
        } else {
            break;
        }
    }
    if (info->live == 0)
        index = end; // the rest is empty
    uint64_t stop = first + ((uint64_t)index << shift);
    unmap->cursor = MIN(MAX(unmap->cursor, stop), unmap->end);
}

// ---- Tables whose leaves are not looked at

// Whether the level 3 table `table` that begins at `page`, one of `parent`, goes with its leaves
// unseen: it lies wholly inside the range, and looking at them would save no invalidation.
ALWAYS_INLINE bool goes_unseen(const struct unmap *unmap, paddr_t parent, paddr_t table,
                               uint64_t page) {
    uint64_t left = unmap->end - page;
    if (left < TABLE_ENTRIES || !IS_ALIGNED(page, TABLE_ENTRIES) || unmap->keep_tables ||
        unmap->report != NULL)
        return false;
    // One operation by range names all of the table's addresses, and all of them are removed.
    if (finish_features.range || batch_is_whole(unmap->space))
        return true;
    unsigned live = table_info(table)->live;
    uint64_t beside = MIN(table_info(parent)->live, left / TABLE_ENTRIES);
    return live != 0 && (unmap->looked_through + beside > LOOK_THROUGH_TABLES ||
                         unmap->space->operations + live > PLAN_THRESHOLD);
}

// With `path` at a level 2 table: if the table below it at the cursor goes unseen, unhooks it and
// the ones behind it inside the range, at most UNSEEN_TABLES. (They would go unseen, too: by now
// the ASID goes as a whole, or all their addresses by one operation.) Moves the cursor behind them.
static bool unhook_unseen(struct unmap *unmap) {
    paddr_t parent = unmap->path[LEAF_LEVEL - 1];
    uint64_t first = unmap->cursor, leaves = 0;
    unsigned begin = level_index(first, LEAF_LEVEL - 1), index = begin, chunks = 0;
    unsigned end = begin + (unsigned)MIN((unmap->end - first) / TABLE_ENTRIES, UNSEEN_TABLES);
    desc_t desc = port_desc_read(parent, index);
    if (!desc_is_table(desc, LEAF_LEVEL - 1) ||
        !goes_unseen(unmap, parent, desc_address(desc), first))
        return false;
    struct pending *entry = entry_of(unmap);
    do {
        paddr_t table = desc_address(desc);
        leaves += table_info(table)->live;
        table_unlink(parent, index, table);
        chunks += pending_add_table(entry, table);
        if (++index >= MIN(end, TABLE_ENTRIES))
            break;
        desc = port_desc_read(parent, index);
    } while (desc_is_table(desc, LEAF_LEVEL - 1));
    unmap->leaves += leaves;
    unmap->gather->chunks += chunks;
    batch_add_tables(unmap->gather, unmap->space, index - begin);
    enter_leaves(unmap, first, (index - begin) * TABLE_ENTRIES, LEAF_LEVEL);
    unmap->cursor = first + (uint64_t)(index - begin) * TABLE_ENTRIES;
    return true;
}

// Deals with the table at the cursor: the part from the cursor on, up to the next table below it.
static void visit_table(struct unmap *unmap) {
    const struct table_info *info = table_info(unmap->path[unmap->level]);
    bool whole = may_unhook(unmap);
    uint64_t first = table_first(unmap);
    if (whole && unmap->level == LEAF_LEVEL && unmap->cursor == first && info->live != 0)
        unmap->looked_through++;
    if (unmap->level != LEAF_LEVEL - 1 || !unhook_unseen(unmap))
        clear_leaves(unmap);
    if (whole && info->live == 0) {
        unmap->cursor = first; // the table is dealt with as a whole
        unhook(unmap);
    }
}

// ---- The way through the tables

// Brings `path` from the table it ends with down to the lowest one that covers the cursor, but not
// into one that goes unseen.
static void descend(struct unmap *unmap) {
    while (unmap->level < LEAF_LEVEL) {
        paddr_t table = unmap->path[unmap->level];
        desc_t desc = port_desc_read(table, level_index(unmap->cursor, unmap->level));
        if (!desc_is_table(desc, unmap->level))
            return;
        paddr_t below = desc_address(desc);
        if (unmap->level == LEAF_LEVEL - 1 && goes_unseen(unmap, table, below, unmap->cursor))
            return;
        unmap->path[++unmap->level] = below;
    }
}

// Shortens `path` by every table whose span the cursor has left.
static void ascend(struct unmap *unmap, uint64_t previous) {
    uint64_t changed = unmap->cursor ^ previous;
    while (unmap->level > 0 && changed >> level_shift(unmap->level - 1) != 0)
        unmap->level--;
}

// Whether a block reaches over one end of what is left of the range. `path` is at the cursor.
static bool cuts_block(const struct unmap *unmap) {
    unsigned level = unmap->level;
    uint64_t last = unmap->end - 1;
    if (level == LEAF_LEVEL && (unmap->cursor ^ last) >> level_shift(LEAF_LEVEL - 1) == 0)
        return false; // begins and ends in one level 3 table
    desc_t desc = port_desc_read(unmap->path[level], level_index(unmap->cursor, level));
    if (desc_is_leaf(desc, level) && ALIGN_DOWN(unmap->cursor, level_pages(level)) < unmap->start)
        return true;
    struct place place = walk(unmap->vspace, last, LEAF_LEVEL);
    uint64_t size = level_pages(place.level);
    return desc_is_leaf(place.desc, place.level) && ALIGN_DOWN(last, size) + size > unmap->end;
}

// One slice, under the VSpace lock. BLOCK_CUT, DEAD: nothing was changed.
static enum sheaf_error unmap_slice(struct unmap *unmap) {
    if (!vspace_state_is_live(unmap->vspace))
        return SHEAF_ERR_DEAD;
    unmap->entry = NULL;
    unmap->low = unmap->high = 0;
    unmap->leaves = 0;
    unmap->level = 0;
    unmap->path[0] = vspace_root(unmap->vspace);
    descend(unmap);
    if (cuts_block(unmap))
        return SHEAF_ERR_BLOCK_CUT;
    // What is not found may have been removed by another and not be complete yet.
    if (unmap->gather->policy != GATHER_DEFER)
        pending_complete_overlapping(unmap->vspace, unmap->cursor, unmap->end - unmap->cursor,
                                     batch_ticket(unmap->space));
    while (true) {
        uint64_t previous = unmap->cursor;
        visit_table(unmap);
        if (unmap->cursor == unmap->end)
            break;
        unmap->preempted = port_preemption_pending();
        if (unmap->preempted || unmap->gather->chunks >= BATCH_CHUNKS)
            break;
        ascend(unmap, previous);
        descend(unmap);
    }
    if (unmap->low != unmap->high)
        pending_add_range(unmap->entry, unmap->low, unmap->high - unmap->low);
    unmap->gather->totals.leaves += unmap->leaves;
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, unmap->leaves);
    return SHEAF_OK;
}

enum sheaf_error gather_unmap(struct gather *gather, struct vspace *vspace, vaddr_t va,
                              uint64_t pages, unsigned flags, uint64_t *done, uint8_t *report) {
    struct unmap unmap;
    unmap.gather = gather;
    unmap.vspace = vspace;
    unmap.start = va.v >> PAGE_BITS;
    unmap.end = unmap.start + pages;
    unmap.cursor = unmap.start + *done;
    unmap.report = (flags & SHEAF_OP_REPORT) != 0 ? report : NULL;
    unmap.looked_through = 0;
    unmap.keep_tables = (flags & SHEAF_OP_KEEP_TABLES) != 0 || gather->policy == GATHER_DEFER;
    unmap.preempted = false;
    if (unmap.report != NULL && *done == 0)
        report_clear(report, pages);
    while (unmap.cursor < unmap.end) {
        unmap.space = batch_join(gather, vspace);
        vspace_lock(vspace);
        enum sheaf_error error = unmap_slice(&unmap);
        vspace_unlock(vspace);
        *done = unmap.cursor - unmap.start;
        if (error != SHEAF_OK)
            return error;
        if (unmap.cursor == unmap.end)
            break;
        gather_finish(gather); // no invalidation survives the loss of the PE, and no full batch
        if (unmap.preempted)
            return SHEAF_ERR_PREEMPTED;
    }
    return SHEAF_OK;
}
