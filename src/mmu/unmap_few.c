// SPDX-License-Identifier: BSD-2-Clause
// UNMAP of a few pages in one VSpace, as a gather of its own.
//
// The steps are those of any gather (mmu.h), in the same order. What is left out is what serves
// larger ones: a batch that further operations add to, other levels than that of pages, tables to
// free, a cursor, preemption. Half of what an UNMAP of one page takes otherwise is that.
//
// First everything is found out that could be in the way, then descriptors are written.
#include "asid.h"
#include "pending.h"
#include "walk.h"

// What lies further away than this is another range of the pending entry.
#define NEAR TABLE_ENTRIES
// Behind all pages, and not near to the first.
#define NOWHERE (UINT64_MAX - NEAR)

_Static_assert(GATHER_FEW_PAGES <= PLAN_THRESHOLD, "the ASID never goes as a whole");

// The table of each range. False: there is none, or the range reaches into another.
static bool find_tables(const struct vspace *vspace, const struct gather_pages *list,
                        unsigned count, paddr_t *tables) {
    uint64_t upper_span = UINT64_MAX; // of the last level 2 table
    paddr_t upper = PADDR(0);
    const struct gather_pages *end = list + count;
    do {
        uint64_t page = list->va.v >> PAGE_BITS;
        struct place place;
        if (page >> level_shift(1) == upper_span) {
            place = look(upper, page, LEAF_LEVEL - 1);
        } else {
            place = walk(vspace, page, LEAF_LEVEL - 1);
            upper = place.table;
            upper_span = page >> level_shift(1);
        }
        if (place.level != LEAF_LEVEL - 1 || !desc_is_table(place.desc, LEAF_LEVEL - 1) ||
            level_index(page, LEAF_LEVEL) + list->pages > TABLE_ENTRIES)
            return false;
        *tables++ = desc_address(place.desc);
    } while (++list != end);
    return true;
}

// What was cleared.
struct cleared {
    struct pending *entry;    // into which it goes
    unsigned leaves;          // all of them
    unsigned touched;         // those that a TLB may hold
    unsigned ranges;          // in which these lie
    struct plan_range *range; // where the next one goes
    uint64_t behind;          // the page behind the last one
    uint64_t low, high;       // of what is not entered yet; or `behind` is above it
};

static inline void enter(struct cleared *cleared) {
    struct pending *entry = cleared->entry;
    uint64_t high = MAX(cleared->high, cleared->behind);
    entry->ranges[entry->range_count++] = (struct page_range){cleared->low, high - cleared->low};
}

// The range at `page` is not near to the one before it: the entry gets another, as long as it has
// room. Its last one takes in all that comes: to look for the nearest each time would double what
// an operation costs.
static inline void leap(struct cleared *cleared, uint64_t page) {
    if (cleared->ranges == 0) {
        cleared->low = page;
    } else if (cleared->entry->range_count < PENDING_RANGES - 1) {
        enter(cleared);
        cleared->low = page;
        cleared->high = 0;
    } else {
        cleared->low = MIN(cleared->low, page);
        cleared->high = MAX(cleared->high, cleared->behind);
    }
}

// Adds leaves that were alike.
ALWAYS_INLINE void add(struct cleared *cleared, uint64_t page, unsigned pages, desc_t leaf) {
    ASSERT(page < USER_PAGES); // so it is not NOWHERE
    cleared->leaves += pages;
    if (unlikely(desc_is_untouched(leaf)))
        return;
    cleared->touched += pages;
    if (unlikely(page == cleared->behind)) {
        cleared->range[-1].pages += pages;
    } else {
        ASSERT(cleared->ranges < GATHER_FEW_PAGES);
        if (page - cleared->behind > NEAR) // or below
            leap(cleared, page);
        *cleared->range++ = (struct plan_range){page, pages, LEAF_LEVEL, 0};
        cleared->ranges++;
    }
    cleared->behind = page + pages;
}

// Clears the leaves of the list and enters them. `ranges` gets what a TLB may hold.
static struct cleared clear(struct pending *entry, const struct gather_pages *list, unsigned count,
                            const paddr_t *tables, struct plan_range *ranges) {
    struct cleared cleared = {.entry = entry, .range = ranges, .behind = NOWHERE};
    const struct gather_pages *last = list + count;
    do {
        uint64_t page = list->va.v >> PAGE_BITS, behind = page + list->pages;
        paddr_t table = *tables++;
        do {
            unsigned index = level_index(page, LEAF_LEVEL), pages = 1;
            desc_t old = port_desc_exchange(table, index, DESC(0));
            if (likely(desc_is_valid(old))) {
                if (behind - page > 1)
                    pages = port_desc_clear_run(table, index + 1, index + (unsigned)(behind - page),
                                                old) -
                            index;
                table_info(table)->live -= (uint16_t)pages;
                add(&cleared, page, pages, old);
            }
            page += pages;
        } while (page != behind);
    } while (++list != last);
    if (likely(cleared.ranges != 0))
        enter(&cleared);
    return cleared;
}

static void finish(struct vspace *vspace, const struct plan_range *ranges, struct cleared cleared,
                   struct gather_totals *totals) {
    if (likely(cleared.ranges == cleared.touched)) {
        finish_pages(vspace, ranges, cleared.ranges, totals);
        return;
    }
    const struct plan_facts facts = {.operations = cleared.touched, .levels = 1u << LEAF_LEVEL};
    struct finish_space space = {
        .vspace = vspace,
        .form = plan_form(&facts),
        .hint = plan_hint(&finish_features, &facts),
    };
    struct finish_work work = {
        .spaces = &space,
        .space_count = 1,
        .ranges = ranges,
        .range_count = cleared.ranges,
    };
    *totals = (struct gather_totals){0};
    finish_work(&work, totals);
}

static void leave(struct vspace *vspace, uint64_t ticket) {
    struct pending *entry = &vspace->pending[0];
    lock_acquire(&vspace->lock);
    if (likely(entry->ticket == ticket)) // else another has completed it
        pending_close(vspace, entry);
    lock_release(&vspace->lock);
}

bool gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                      struct gather_totals *totals) {
    paddr_t tables[GATHER_FEW_PAGES];
    struct plan_range ranges[GATHER_FEW_PAGES];
    ASSERT(count - 1 < GATHER_FEW_PAGES);
    if (unlikely(!vspace_try_lock(vspace)))
        return false;
    // What is not found may have been removed by another and not be complete yet.
    if (unlikely(vspace->state != VSPACE_LIVE || vspace->pending_count != 0 ||
                 !find_tables(vspace, list, count, tables))) {
        vspace_unlock(vspace);
        return false;
    }
    struct pending *entry = pending_begin(vspace, 0, 1u << LEAF_LEVEL); // none is in use
    uint64_t ticket = entry->ticket;
    struct cleared cleared = clear(entry, list, count, tables, ranges);
    if (likely(cleared.ranges != 0))
        vspace_pin(vspace);
    else
        pending_close(vspace, entry);
    vspace_unlock(vspace);
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, cleared.leaves);
    if (unlikely(cleared.touched != cleared.leaves))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, cleared.leaves - cleared.touched);
    if (likely(cleared.ranges != 0)) {
        finish(vspace, ranges, cleared, totals);
        leave(vspace, ticket);
        vspace_unpin(vspace);
    } else {
        *totals = (struct gather_totals){0};
    }
    totals->leaves = cleared.leaves;
    return true;
}
