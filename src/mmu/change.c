// SPDX-License-Identifier: BSD-2-Clause
// Changing leaves in place: the way through the range, and what it asks of the TLBs.
//
// A slice is what happens under the VSpace lock without a break: it ends with the range or with a
// pending interrupt. Where leaves may be refused, it begins by looking at all of them, so that the
// operation is refused as a whole; that, too, is preemptible and goes on where it was. After an
// interrupt other leaves may have come, so each is judged again when it is its turn.
#include "change.h"
#include "report.h"
#include "walk.h"

// Work between two looks at pending interrupts, in leaves: one of many that are alike costs some 8
// instructions, the first of a run up to 250, making a page executable 500.
#define SLICE 256u
#define RUN_COST 24u
#define SYNC_COST 48u
#define SYNC_PAGES 8u // of a block, between two looks

struct slice {
    struct gather *gather;
    struct vspace *vspace;
    const struct change *change;
    const struct gather_change *operation;
    struct batch_space *space;
    uint64_t start, end; // pages of the whole operation
    uint64_t cursor;     // first page not yet dealt with
    uint64_t leaves;     // changed in this slice
    unsigned cost;       // since the last look at pending interrupts
    bool preempted;
};

// Whether an interrupt is pending, asked for only so often.
static bool should_stop(struct slice *slice, unsigned cost) {
    slice->cost += cost;
    if (slice->cost < SLICE)
        return false;
    slice->cost = 0;
    slice->preempted = port_preemption_pending();
    return slice->preempted;
}

// ---- Places

// The page where what `table`[index], of `level`, covers begins, in the table that holds `page`.
static uint64_t page_at(uint64_t page, unsigned level, unsigned index) {
    return ALIGN_DOWN(page, level_pages(level) * TABLE_ENTRIES) +
           ((uint64_t)index << level_shift(level));
}

// Behind the last descriptor of the table at `place` that the range reaches.
static unsigned end_index(const struct slice *slice, const struct place *place, uint64_t page) {
    uint64_t first = page_at(page, place->level, 0);
    uint64_t reached = (slice->end - 1 - first) >> level_shift(place->level);
    return (unsigned)MIN(reached + 1, TABLE_ENTRIES);
}

// The first descriptor behind the invalid one at `place` that is valid.
static unsigned find_valid(const struct place *place, unsigned end) {
    unsigned index = place->index + 1;
    while (index < end && !desc_is_valid(port_desc_read(place->table, index)))
        index++;
    return index;
}

// Whether a block reaches over one end of the range.
static bool cuts_block(const struct slice *slice) {
    uint64_t last = slice->end - 1;
    struct place place = walk(slice->vspace, slice->cursor, LEAF_LEVEL);
    if (place.level == LEAF_LEVEL && (slice->cursor ^ last) >> level_shift(LEAF_LEVEL - 1) == 0)
        return false; // begins and ends in one level 3 table
    if (desc_is_leaf(place.desc, place.level) &&
        page_at(slice->cursor, place.level, place.index) < slice->start)
        return true;
    place = walk(slice->vspace, last, LEAF_LEVEL);
    return desc_is_leaf(place.desc, place.level) &&
           page_at(last, place.level, place.index) + level_pages(place.level) > slice->end;
}

// ---- Looking ahead

static enum sheaf_error look_ahead(struct slice *slice) {
    uint64_t *checked = &slice->operation->ahead->checked;
    uint64_t page = slice->start + *checked;
    while (page < slice->end) {
        struct place place = walk(slice->vspace, page, LEAF_LEVEL);
        unsigned index, end = end_index(slice, &place, page);
        if (desc_is_leaf(place.desc, place.level)) {
            struct leaf_change ignored;
            enum sheaf_error error =
                slice->change->decide(slice->change->what, place.desc, &ignored);
            if (error != SHEAF_OK)
                return error;
            index = port_desc_alike_run(place.table, place.index, end, place.desc);
        } else {
            index = find_valid(&place, end);
        }
        page = MIN(page_at(page, place.level, index), slice->end);
        *checked = page - slice->start;
        if (should_stop(slice, RUN_COST + (index - place.index) / 2))
            break;
    }
    return SHEAF_OK;
}

// ---- Changing

// Makes the memory of a leaf visible to instruction fetch. False: preempted in the middle of it.
// Where it goes on, the leaf at the cursor may be another one: then from its beginning.
static bool synchronise(struct slice *slice, const struct place *place) {
    struct gather_ahead *ahead = slice->operation->ahead;
    uint64_t pages = level_pages(place->level);
    paddr_t memory = desc_address(place->desc);
    if (ahead->leaf.v != memory.v)
        *ahead = (struct gather_ahead){.checked = ahead->checked, .leaf = memory};
    while (ahead->synchronised < pages) {
        uint64_t some = MIN(pages - ahead->synchronised, SYNC_PAGES);
        port_sync_instructions(PADDR(memory.v + (ahead->synchronised << PAGE_BITS)),
                               some << PAGE_BITS);
        ahead->synchronised += some;
        if (should_stop(slice, (unsigned)some * SYNC_COST))
            break;
    }
    bool all = ahead->synchronised >= pages;
    if (all)
        *ahead = (struct gather_ahead){.checked = ahead->checked};
    return all;
}

// Enters what the change of leaves asks of the TLBs.
static void account(struct slice *slice, const struct place *place, unsigned count,
                    const struct leaf_change *change) {
    uint64_t pages = (uint64_t)count << level_shift(place->level);
    uint64_t first = page_at(slice->cursor, place->level, place->index);
    slice->leaves += count;
    slice->gather->stored = true;
    if (slice->operation->report != NULL && change->report != 0)
        report_pages(slice->operation->report, first - slice->start, pages, change->report);
    if (!desc_takes_rights(place->desc, change->wanted))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_RIGHTS, count);
    else if (desc_is_untouched(place->desc))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, count);
    else
        batch_enter_leaves(slice->gather, slice->space, first, pages, place->level);
}

// Changes leaves that are like the first one, at `place`, or some of them. Moves the cursor behind
// what is dealt with; it stays where the leaf was changed by hardware in between.
static enum sheaf_error change_run(struct slice *slice, const struct place *place, unsigned end) {
    struct leaf_change change;
    enum sheaf_error error = slice->change->decide(slice->change->what, place->desc, &change);
    if (error != SHEAF_OK)
        return error;
    uint64_t toggled = place->desc.v ^ change.wanted.v;
    unsigned stop, limit = MIN(end, place->index + SLICE);
    if (toggled == 0) {
        stop = port_desc_alike_run(place->table, place->index, limit, place->desc);
    } else {
        bool executable = (toggled & place->desc.v & DESC_USER_NO_EXECUTE) != 0;
        if (executable && !synchronise(slice, place))
            return SHEAF_OK;
        limit = executable ? place->index + 1 : limit;
        stop = port_desc_toggle_run(place->table, place->index, limit, place->desc, toggled);
        if (stop != place->index)
            account(slice, place, stop - place->index, &change);
    }
    slice->cursor = MIN(page_at(slice->cursor, place->level, stop), slice->end);
    slice->cost += RUN_COST + (stop - place->index);
    return SHEAF_OK;
}

// Deals with what begins at the cursor.
static enum sheaf_error step(struct slice *slice) {
    struct place place = walk(slice->vspace, slice->cursor, LEAF_LEVEL);
    unsigned end = end_index(slice, &place, slice->cursor);
    if (desc_is_leaf(place.desc, place.level))
        return change_run(slice, &place, end);
    unsigned index = find_valid(&place, end);
    slice->cursor = MIN(page_at(slice->cursor, place.level, index), slice->end);
    slice->cost += RUN_COST + (index - place.index) / 2;
    return SHEAF_OK;
}

static enum sheaf_error change_slice(struct slice *slice) {
    if (!vspace_state_is_live(slice->vspace))
        return SHEAF_ERR_DEAD;
    if (cuts_block(slice))
        return SHEAF_ERR_BLOCK_CUT;
    // What another took away, a right or a dirty bit, must be gone from the TLBs before this
    // operation says so: a leaf that is found weaker already is left as it is.
    pending_complete_overlapping(slice->vspace, slice->cursor, slice->end - slice->cursor,
                                 batch_ticket(slice->space));
    enum sheaf_error error = slice->change->refuses ? look_ahead(slice) : SHEAF_OK;
    while (error == SHEAF_OK && !slice->preempted) {
        error = step(slice);
        if (slice->cursor == slice->end || should_stop(slice, 0))
            break;
    }
    slice->gather->totals.leaves += slice->leaves;
    port_count(slice->change->counter, slice->leaves);
    return error;
}

enum sheaf_error change_leaves(struct gather *gather, struct vspace *vspace,
                               const struct change *change, const struct gather_change *operation) {
    struct slice slice = {
        .gather = gather,
        .vspace = vspace,
        .change = change,
        .operation = operation,
        .space = batch_join(gather, vspace),
        .start = operation->va.v >> PAGE_BITS,
        .end = (operation->va.v >> PAGE_BITS) + operation->pages,
        .cursor = (operation->va.v >> PAGE_BITS) + *operation->done,
    };
    if (operation->report != NULL && *operation->done == 0)
        report_clear(operation->report, operation->pages);
    vspace_lock(vspace);
    enum sheaf_error error = change_slice(&slice);
    vspace_unlock(vspace);
    *operation->done = slice.cursor - slice.start;
    if (error != SHEAF_OK || slice.cursor == slice.end) {
        if (operation->ahead != NULL)
            *operation->ahead = (struct gather_ahead){0};
        return error;
    }
    gather_finish(gather); // no invalidation survives the loss of the PE
    return SHEAF_ERR_PREEMPTED;
}
