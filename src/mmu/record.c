// SPDX-License-Identifier: BSD-2-Clause
// Mapping records: checking them, and removing what they name.
#include "record.h"
#include "asid.h"
#include "batch.h"
#include "walk.h"

// Leaves that one call clears: deleting a Frame of 2 MiB mapped as pages is more than one stretch
// with interrupts masked may be. What costs more than a leaf counts as several: a table (up to 500
// instructions), a run of leaves that is a range of its own (100), or that a batch without room has
// to merge (700), a place of FORCE, for which the batch is looked through.
#define RECORD_LEAVES 128
#define OTHERS 8u // leaves of others looked at cost as much as clearing one
#define TABLE_COST 12
#define RUN_COST 2
#define MERGE_COST 16
#define FORCE_COST 16

// The table of the record, if it is in use as the record has it, else 0.
static paddr_t table_of_record(const struct vspace *vspace, struct mapping_record record) {
    unsigned number = record_table(record);
    if ((number & 15) == 0 || number >> 4 >= vspace->chunk_slots ||
        vspace->chunks[number >> 4] == 0)
        return PADDR(0);
    paddr_t table = table_of_number(vspace, number);
    const struct table_info *info = table_info(table);
    bool in_use = info->state == TABLE_HOOKED && info->level == record_level(record);
    return in_use && info->level != 0 ? table : PADDR(0);
}

struct run record_find(struct vspace *vspace, struct mapping_record record, paddr_t frame,
                       unsigned size_bits) {
    struct run run = {.table = table_of_record(vspace, record), .level = record_level(record)};
    if (run.table.v == 0)
        return run;
    unsigned end = MIN(record_index(record) + record_count(record), TABLE_ENTRIES);
    struct pattern pattern = pattern_of(run.level, frame, size_bits);
    run.first = record_index(record);
    while (run.first < end && !matches(&pattern, port_desc_read(run.table, run.first)))
        run.first++;
    run.last = end - 1;
    while (run.last > run.first && !matches(&pattern, port_desc_read(run.table, run.last)))
        run.last--;
    run.live = run.first < end;
    return run;
}

bool record_place(struct mapping_record record, paddr_t frame, unsigned size_bits, vaddr_t *va,
                  uint64_t *pages) {
    struct vspace *vspace = asid_pin(record_asid(record));
    if (vspace == NULL)
        return false;
    vspace_lock(vspace);
    struct run run = record_find(vspace, record, frame, size_bits);
    if (run.live) {
        unsigned shift = level_shift(run.level);
        uint64_t page = table_first_page(vspace, run.table) + ((uint64_t)run.first << shift);
        *va = VADDR(page << PAGE_BITS);
        *pages = (uint64_t)(run.last - run.first + 1) << shift;
    }
    vspace_unlock(vspace);
    vspace_unpin(vspace);
    return run.live;
}

bool record_is_live(struct mapping_record record, paddr_t frame, unsigned size_bits) {
    vaddr_t va;
    uint64_t pages;
    return record_place(record, frame, size_bits, &va, &pages);
}

// ---- Clearing

// What records name in one table is cleared together: finding the table, and entering what was
// removed from it as pending, cost more than a removal.
struct clearing {
    struct gather *gather;
    struct batch_space *space;
    unsigned left; // of RECORD_LEAVES, 0: enough
    // The table in turn.
    paddr_t table;
    unsigned level;
    uint64_t base;               // first page of its span
    unsigned cleared, untouched; // leaves
    unsigned low, high;          // a TLB may hold some that were cleared in [low, high)
};

// MOVE and MAP write a record under the lock of the VSpace that it names then, perhaps right now.
// One load: each use of the result is of the same.
static inline struct mapping_record record_now(const struct gather_record *of) {
    return (struct mapping_record){*(const volatile uint64_t *)&of->frame->record.v};
}

// ASID, level and number of a table.
static inline uint64_t record_table_place(struct mapping_record record) { return record.v >> 19; }

static void spend(struct clearing *clearing, unsigned cost) {
    clearing->left -= MIN(cost, clearing->left);
}

// The page that descriptor `index` of the table in turn stands for.
static uint64_t page_at(const struct clearing *clearing, unsigned index) {
    return clearing->base + ((uint64_t)index << level_shift(clearing->level));
}

static inline void widen(struct clearing *clearing, unsigned first, unsigned end) {
    clearing->low = MIN(clearing->low, first);
    clearing->high = MAX(clearing->high, end);
}

// A TLB may hold the leaves [first, end). Answers what that cost beside clearing them.
static unsigned add_run(struct clearing *clearing, unsigned first, unsigned end) {
    struct gather *gather = clearing->gather;
    uint64_t page = page_at(clearing, first), pages = page_at(clearing, end) - page;
    if (gather->policy == GATHER_DEFER) {
        // A deferred entry is to be exact: no batch beside it is.
        batch_enter_leaves(gather, clearing->space, page, pages, clearing->level);
        return RUN_COST;
    }
    bool merges = gather->range_count == BATCH_RANGES && !batch_is_whole(clearing->space);
    batch_add_leaves(gather, clearing->space, page, pages, clearing->level);
    widen(clearing, first, end);
    return merges ? MERGE_COST : RUN_COST;
}

// FORCE: the whole place that the record names.
static void force_place(struct clearing *clearing, struct mapping_record record) {
    batch_force(clearing->gather, clearing->space, page_at(clearing, record_index(record)),
                (uint64_t)record_count(record) << level_shift(clearing->level));
    port_count(SHEAF_COUNTER_GATHER_FORCED, 1);
}

// Clears the Frame's leaves of the run that the record names.
static void clear_record(struct clearing *clearing, struct mapping_record record,
                         struct gather_record *of) {
    const struct pattern pattern = pattern_of(clearing->level, of->frame->address, of->size_bits);
    const paddr_t table = clearing->table;
    const unsigned start = record_index(record);
    const unsigned stop = MIN(start + record_count(record), TABLE_ENTRIES);
    unsigned index = start, run = 0, run_end = 0; // touched ones that lie together
    unsigned cleared = 0, seen = 0, cost = 0;
    for (;; index++) {
        while (index != stop && !matches(&pattern, port_desc_read(table, index)))
            index++;
        if (index == stop || cleared + cost >= clearing->left)
            break;
        desc_t old = port_desc_exchange(table, index, DESC(0));
        cleared++;
        seen |= desc_report(old);
        if (desc_is_untouched(old)) {
            clearing->untouched++;
            continue;
        }
        if (index != run_end) {
            if (run != run_end)
                cost += add_run(clearing, run, run_end);
            run = index;
        }
        run_end = index + 1;
    }
    if (run != run_end)
        cost += add_run(clearing, run, run_end);
    if (clearing->gather->policy == GATHER_FORCE) {
        force_place(clearing, record);
        cost += FORCE_COST;
    }
    spend(clearing, cleared + cost + (index - start - cleared) / OTHERS);
    clearing->cleared += cleared;
    of->seen |= (uint8_t)seen;
    of->through = index == stop;
}

// The common case, under the ordinary policy: records of one page each. Clears those of the table
// in turn, as long as the batch has room for a range each. Whether that was all.
static bool clear_pages(struct clearing *clearing, uint64_t place, struct gather_record *of,
                        const struct gather_record *end) {
    const uint64_t base = clearing->base;
    const paddr_t table = clearing->table;
    struct batch_pages pages = batch_pages_begin(clearing->gather, clearing->space);
    unsigned low = clearing->low, high = clearing->high, cleared = 0;
    bool all = true;
    for (; of != end; of++) {
        struct mapping_record record = record_now(of);
        if (record_table_place(record) != place)
            continue;
        if (unlikely(record_count(record) != 1 || pages.next == pages.end)) {
            all = false;
            continue;
        }
        const struct pattern pattern = pattern_of(LEAF_LEVEL, of->frame->address, of->size_bits);
        unsigned index = record_index(record);
        of->through = true;
        if (unlikely(!matches(&pattern, port_desc_read(table, index))))
            continue;
        desc_t old = port_desc_exchange(table, index, DESC(0));
        of->seen = (uint8_t)desc_report(old);
        cleared++;
        if (unlikely(desc_is_untouched(old))) {
            clearing->untouched++;
            continue;
        }
        batch_pages_add(&pages, base + index);
        low = MIN(low, index);
        high = MAX(high, index + 1);
    }
    batch_pages_end(clearing->gather, clearing->space, &pages);
    clearing->low = low;
    clearing->high = high;
    clearing->cleared = cleared;
    spend(clearing, cleared);
    return all;
}

// Of the table in turn: what was removed is entered and counted.
static void enter_removed(const struct clearing *clearing) {
    struct gather *gather = clearing->gather;
    if (clearing->low < clearing->high) {
        struct pending *entry = batch_entry(clearing->space);
        uint64_t page = page_at(clearing, clearing->low);
        entry->levels |= (uint8_t)(1u << clearing->level);
        clearing->space->levels |= (uint8_t)(1u << clearing->level);
        pending_add_range(entry, page, page_at(clearing, clearing->high) - page);
    }
    table_info(clearing->table)->live -= (uint16_t)clearing->cleared;
    gather->totals.leaves += clearing->cleared;
    port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, clearing->untouched);
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, clearing->cleared);
}

// Clears what records name in the table that `record` names, that of the first of them, up to
// `end`. Those that are done are through.
static void clear_in_table(struct clearing *clearing, struct mapping_record record,
                           struct gather_record *of, const struct gather_record *end) {
    const uint64_t place = record_table_place(record);
    const struct vspace *vspace = clearing->space->vspace;
    clearing->table = table_of_record(vspace, record);
    if (clearing->table.v == 0) { // not in use so: nothing is left of the mapping
        of->through = true;
        return;
    }
    clearing->level = record_level(record);
    clearing->base = table_first_page(vspace, clearing->table);
    clearing->cleared = clearing->untouched = 0;
    clearing->low = TABLE_ENTRIES;
    clearing->high = 0;
    bool all = clearing->level == LEAF_LEVEL && clearing->gather->policy == GATHER_IF_NEEDED &&
               clear_pages(clearing, place, of, end);
    for (; !all && of != end && clearing->left != 0; of++) {
        record = record_now(of);
        if (!of->through && record_table_place(record) == place)
            clear_record(clearing, record, of);
    }
    spend(clearing, TABLE_COST);
    enter_removed(clearing);
}

// Whether a removal may begin, whose batch has the place `space`: nothing that others removed is
// pending, since the leaf may be gone already and its invalidation not: "not found" is not
// "invalidated". Who defers does not ask for that, but needs an entry.
static bool may_clear(const struct gather *gather, const struct batch_space *space) {
    const struct vspace *vspace = space->vspace;
    if (gather->policy == GATHER_DEFER)
        return batch_has_entry(space);
    unsigned own = pending_find(space->vspace, space->entry, batch_ticket(space)) != NULL ? 1 : 0;
    return vspace->pending_count == own;
}

// What is in the first one's table, up to `end`, if nothing is in the way.
//
// Reads the record twice. The first time it says which VSpace to lock. Under that lock no MOVE can
// take the mapping elsewhere any more: what was read before it may name a place that is left. A
// record that names another VSpace by then is a later MAP's, so that the mapping in this one was
// gone already.
static enum record_step clear_in_space(struct clearing *clearing, struct gather_record *of,
                                       const struct gather_record *end) {
    asid_t asid = record_asid(record_now(of));
    if (!batch_try_join_asid(clearing->gather, asid, &clearing->space)) {
        of->through = true; // its ASID was given back: invalidated as a whole before that
        return RECORD_THROUGH;
    }
    if (clearing->space == NULL)
        return RECORD_FULL;
    struct vspace *vspace = clearing->space->vspace;
    enum record_step step = RECORD_PENDING;
    vspace_lock(vspace);
    if (may_clear(clearing->gather, clearing->space)) {
        struct mapping_record record = record_now(of);
        if (likely(record_asid(record).v == asid.v))
            clear_in_table(clearing, record, of, end);
        else
            of->through = true;
        step = of->through ? RECORD_THROUGH : RECORD_AGAIN;
    }
    vspace_unlock(vspace);
    return step;
}

unsigned gather_clear_records(struct gather *gather, struct gather_record *records, unsigned count,
                              enum record_step *step) {
    struct clearing clearing;
    const struct gather_record *end = records + count;
    struct gather_record *of = records;
    clearing.gather = gather;
    clearing.left = RECORD_LEAVES;
    *step = RECORD_THROUGH;
    for (; of != end; of++) {
        if (of->through)
            continue;
        if (of != records && (clearing.left == 0 || port_preemption_pending()))
            *step = RECORD_AGAIN;
        if (*step == RECORD_THROUGH)
            *step = clear_in_space(&clearing, of, end);
        if (!of->through)
            break;
    }
    return (unsigned)(of - records);
}

bool gather_unmap_record(struct gather *gather, struct mapping_record record, paddr_t frame,
                         unsigned size_bits) {
    struct vspace *vspace = asid_pin(record_asid(record));
    if (vspace == NULL)
        return true;
    const struct mapped_frame mapped = {frame, record};
    struct gather_record of = {.frame = &mapped, .size_bits = (uint8_t)size_bits};
    struct clearing clearing = {.gather = gather, .left = RECORD_LEAVES};
    clearing.space = batch_join(gather, vspace);
    vspace_lock(vspace);
    bool helped = pending_complete_all(vspace, batch_ticket(clearing.space));
    clear_in_table(&clearing, record, &of, &of + 1);
    vspace_unlock(vspace);
    vspace_unpin(vspace);
    return of.through && !helped;
}

unsigned record_leaves(struct mapping_record record) { return record_count(record); }

bool gather_complete_record(struct gather *gather, struct mapping_record record) {
    (void)gather; // completing an entry of this batch makes the batch forget it (pending.c)
    struct vspace *vspace = asid_pin(record_asid(record));
    if (vspace == NULL)
        return false;
    vspace_lock(vspace);
    bool any = pending_complete_all(vspace, 0);
    vspace_unlock(vspace);
    vspace_unpin(vspace);
    return any;
}
