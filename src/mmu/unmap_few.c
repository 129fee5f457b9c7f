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

// How much was cleared.
struct cleared {
    unsigned leaves;
    unsigned touched; // of those, what a TLB may hold
    unsigned ranges;  // in which that lies
};

// Clears the leaves of the list. `range` gets those that a TLB may hold.
static struct cleared clear(const struct gather_pages *list, unsigned count, const paddr_t *tables,
                            struct plan_range *range) {
    const struct gather_pages *end = list + count;
    struct cleared cleared = {0};
    uint64_t behind = UINT64_MAX; // the page behind the last range
    do {
        uint64_t page = list->va.v >> PAGE_BITS, end_page = page + list->pages;
        unsigned before = cleared.leaves;
        do {
            desc_t old = port_desc_exchange(*tables, level_index(page, LEAF_LEVEL), DESC(0));
            if (unlikely(!desc_is_valid(old)))
                continue;
            cleared.leaves++;
            if (unlikely(desc_is_untouched(old)))
                continue;
            cleared.touched++;
            if (page == behind) {
                range[-1].pages++;
            } else {
                *range++ = (struct plan_range){page, 1, LEAF_LEVEL, 0};
                cleared.ranges++;
            }
            behind = page + 1;
        } while (++page != end_page);
        table_info(*tables++)->live -= (uint16_t)(cleared.leaves - before);
    } while (++list != end);
    return cleared;
}

// Enters what was cleared, in the critical section that has cleared it. No entry is in use.
static uint64_t enter(struct vspace *vspace, const struct plan_range *range, unsigned count) {
    struct pending *entry = pending_begin(vspace, 0, 1u << LEAF_LEVEL);
    const struct plan_range *end = range + count;
    uint64_t low = range->first, high = low + range->pages;
    while (++range != end) {
        uint64_t first = range->first, behind = first + range->pages;
        if (first > high + NEAR || behind + NEAR < low) {
            pending_add_range(entry, low, high - low);
            low = first;
            high = behind;
        }
        low = MIN(low, first);
        high = MAX(high, behind);
    }
    pending_add_range(entry, low, high - low);
    return entry->ticket;
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
    uint64_t ticket = 0;
    ASSERT(count - 1 < GATHER_FEW_PAGES);
    if (unlikely(!vspace_try_lock(vspace)))
        return false;
    // What is not found may have been removed by another and not be complete yet.
    if (unlikely(vspace->state != VSPACE_LIVE || vspace->pending_count != 0 ||
                 !find_tables(vspace, list, count, tables))) {
        vspace_unlock(vspace);
        return false;
    }
    struct cleared cleared = clear(list, count, tables, ranges);
    if (likely(cleared.ranges != 0)) {
        vspace_pin(vspace);
        ticket = enter(vspace, ranges, cleared.ranges);
    }
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
