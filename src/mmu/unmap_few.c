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

_Static_assert(GATHER_FEW_PAGES <= PLAN_THRESHOLD, "the ASID never goes as a whole");

// The table of each range. False: there is none, or the range reaches into another.
ALWAYS_INLINE bool find_tables(const struct vspace *vspace, const struct gather_pages *list,
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

// Clears leaves from `page` on while there are any, at most up to `behind`, all in one table.
// Returns the page behind the last one. *any gets the bits that some of them had.
ALWAYS_INLINE uint64_t clear_run(paddr_t table, uint64_t page, uint64_t behind, uint64_t *any) {
    uint64_t bits = 0;
    do {
        unsigned index = level_index(page, LEAF_LEVEL);
        desc_t old = port_desc_exchange(table, index, DESC(0));
        if (unlikely(!desc_is_valid(old)))
            break;
        bits |= old.v;
        page++;
        if (page != behind) {
            unsigned end = index + 1 + (unsigned)(behind - page);
            page += port_desc_clear_run(table, index + 1, end, old) - index - 1;
        }
    } while (page != behind);
    *any = bits;
    return page;
}

// What was cleared.
struct cleared {
    uint64_t leaves;
    struct plan_range *end; // of the ranges that a TLB may hold
};

ALWAYS_INLINE struct cleared clear(const struct gather_pages *list, unsigned count,
                                   const paddr_t *tables, struct plan_range *range) {
    const struct gather_pages *last = list + count;
    uint64_t leaves = 0;
    do {
        uint64_t first = list->va.v >> PAGE_BITS, behind = first + list->pages, any;
        paddr_t table = *tables++;
        do {
            uint64_t page = clear_run(table, first, behind, &any), pages = page - first;
            table_info(table)->live -= (uint16_t)pages;
            leaves += pages;
            if (likely(!desc_is_untouched(DESC(any))))
                *range++ = (struct plan_range){first, pages, LEAF_LEVEL, 0};
            else
                port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, pages);
            first = MIN(page + 1, behind); // `page` had none
        } while (first != behind);
    } while (++list != last);
    return (struct cleared){leaves, range};
}

static inline void add_range(struct pending *entry, uint64_t low, uint64_t high) {
    entry->ranges[entry->range_count++] = (struct page_range){low, high - low};
}

// Enters what was cleared, in the critical section that has cleared it, and makes one range of
// neighbours. Returns where the ranges end now.
//
// What is not near to the range before it gets a range of its own in the entry, as long as there is
// room; the last one takes in all that comes. To look for the nearest each time would double what
// an operation costs.
static struct plan_range *enter(struct pending *entry, struct plan_range *ranges,
                                const struct plan_range *end) {
    struct plan_range *last = ranges;
    uint64_t low = last->first, high = 0, behind = low + last->pages;
    for (const struct plan_range *next = ranges + 1; next != end; next++) {
        uint64_t first = next->first, gap = first - behind;
        if (gap == 0)
            last->pages += next->pages;
        else if (++last != next)
            *last = *next;
        if (gap > NEAR) { // or below
            high = MAX(high, behind);
            if (entry->range_count < PENDING_RANGES - 1) {
                add_range(entry, low, high);
                low = first;
                high = 0;
            }
            low = MIN(low, first);
        }
        behind = first + next->pages;
    }
    add_range(entry, low, MAX(high, behind));
    return last + 1;
}

static void finish(struct vspace *vspace, const struct plan_range *ranges,
                   const struct plan_range *end, uint64_t pages, struct gather_totals *totals) {
    unsigned count = (unsigned)(end - ranges);
    if (likely(count == pages)) { // they stand alone
        finish_pages(vspace, ranges, count, totals);
        return;
    }
    const struct plan_facts facts = {.operations = pages, .levels = 1u << LEAF_LEVEL};
    struct finish_space space = finish_space(vspace, &facts);
    struct finish_work work = {
        .spaces = &space,
        .space_count = 1,
        .ranges = ranges,
        .range_count = count,
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

// Takes the lock and finds the tables. False: it is not that simple, the lock is free.
ALWAYS_INLINE bool begin(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                         unsigned most_pending, paddr_t *tables) {
    ASSERT(count - 1 < GATHER_FEW_PAGES);
    if (unlikely(!vspace_try_lock(vspace)))
        return false;
    if (likely(vspace->state == VSPACE_LIVE && vspace->pending_count <= most_pending &&
               find_tables(vspace, list, count, tables)))
        return true;
    vspace_unlock(vspace);
    return false;
}

bool gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                      struct gather_totals *totals) {
    paddr_t tables[GATHER_FEW_PAGES];
    struct plan_range ranges[GATHER_FEW_PAGES], *end = ranges;
    uint64_t ticket = 0;
    // What is not found may have been removed by another and not be complete yet.
    if (unlikely(!begin(vspace, list, count, 0, tables)))
        return false;
    struct cleared cleared = clear(list, count, tables, ranges);
    if (likely(cleared.end != ranges)) {
        struct pending *entry = pending_begin(vspace, 0, 1u << LEAF_LEVEL); // none is in use
        ticket = entry->ticket;
        end = enter(entry, ranges, cleared.end);
        vspace_pin(vspace);
    }
    vspace_unlock(vspace);
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, cleared.leaves);
    if (likely(cleared.end != ranges)) {
        finish(vspace, ranges, end, cleared.leaves, totals);
        leave(vspace, ticket);
        vspace_unpin(vspace);
    } else {
        *totals = (struct gather_totals){0};
    }
    totals->leaves = cleared.leaves;
    return true;
}

// ---- Deferred

// Nothing beside them knows what was removed, so entries are exact as long as there are any.
static void enter_deferred(struct vspace *vspace, const struct plan_range *range,
                           const struct plan_range *end) {
    struct pending *entry = NULL;
    for (; range != end; range++) {
        if (entry == NULL ||
            (entry->range_count == PENDING_RANGES && vspace->pending_count < PENDING_ENTRIES)) {
            entry = &vspace->pending[pending_open(vspace)];
            entry->levels = 1u << LEAF_LEVEL;
            entry->owner = 0;
            port_count(SHEAF_COUNTER_GATHER_DEFERRED, 1);
        }
        pending_add_range(entry, range->first, range->pages);
    }
}

bool gather_defer_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                      struct gather_totals *totals) {
    paddr_t tables[GATHER_FEW_PAGES];
    struct plan_range ranges[GATHER_FEW_PAGES];
    // Who defers does not ask what others have left, but needs an entry.
    if (unlikely(!begin(vspace, list, count, PENDING_ENTRIES - 1, tables)))
        return false;
    struct cleared cleared = clear(list, count, tables, ranges);
    enter_deferred(vspace, ranges, cleared.end);
    vspace_unlock(vspace);
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, cleared.leaves);
    *totals = (struct gather_totals){.leaves = cleared.leaves};
    return true;
}
