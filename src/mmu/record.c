// SPDX-License-Identifier: BSD-2-Clause
// Mapping records: checking them, and removing what they name.
#include "record.h"
#include "asid.h"
#include "batch.h"
#include "walk.h"

// Leaves that one call clears: deleting a Frame of 2 MiB mapped as pages is more than one stretch
// with interrupts masked may be.
#define RECORD_LEAVES 128u

struct run record_find(struct vspace *vspace, struct mapping_record record, paddr_t frame,
                       unsigned size_bits) {
    struct run run = {0};
    unsigned number = record_table(record);
    if ((number & 15) == 0 || vspace_chunk(vspace, number >> 4) == NULL)
        return run;
    paddr_t table = table_of_number(vspace, number);
    const struct table_info *info = table_info(table);
    if (info->state != TABLE_HOOKED || info->level != record_level(record) || info->level == 0)
        return run;
    run.table = table;
    run.level = info->level;
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

// Clears the Frame's leaves of the run, at most RECORD_LEAVES, and enters what a TLB may hold of
// them. Adds up in `seen` what they were. False: some are left.
static bool clear_run(struct gather *gather, struct batch_space *space, const struct run *run,
                      struct pattern pattern, uint8_t *seen) {
    uint64_t step = level_pages(run->level);
    uint64_t base = table_first_page(space->vspace, run->table);
    uint64_t first = 0, pages = 0; // touched ones that lie together
    unsigned cleared = 0, untouched = 0, i = run->first;
    for (; i <= run->last && cleared < RECORD_LEAVES; i++) {
        if (!matches(&pattern, port_desc_read(run->table, i)))
            continue;
        desc_t old = port_desc_exchange(run->table, i, DESC(0));
        uint64_t page = base + i * step;
        cleared++;
        *seen |= (uint8_t)desc_report(old);
        if (desc_is_untouched(old)) {
            untouched++;
            continue;
        }
        if (pages != 0 && first + pages != page) {
            batch_enter_leaves(gather, space, first, pages, run->level);
            pages = 0;
        }
        first = pages == 0 ? page : first;
        pages += step;
    }
    if (pages != 0)
        batch_enter_leaves(gather, space, first, pages, run->level);
    table_info(run->table)->live -= (uint16_t)cleared;
    gather->totals.leaves += cleared;
    port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNTOUCHED, untouched);
    port_count(SHEAF_COUNTER_GATHER_UNMAPPED, cleared);
    return i > run->last;
}

// FORCE: the whole place that the record names, if the table is still in use there.
static void force_place(struct gather *gather, struct batch_space *space, const struct run *run,
                        struct mapping_record record) {
    if (run->table.v == 0)
        return;
    unsigned shift = level_shift(run->level);
    uint64_t first = table_first_page(space->vspace, run->table);
    batch_force(gather, space, first + ((uint64_t)record_index(record) << shift),
                (uint64_t)record_count(record) << shift);
    port_count(SHEAF_COUNTER_GATHER_FORCED, 1);
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

// MOVE and MAP write a record under the lock of the VSpace that it names then, perhaps right now.
static struct mapping_record record_now(const struct mapped_frame *frame) {
    return (struct mapping_record){__atomic_load_n(&frame->record.v, __ATOMIC_RELAXED)};
}

// Reads the record twice. The first time it says which VSpace to lock. Under that lock no MOVE can
// take the mapping elsewhere any more: what was read before it may name a place that is left. A
// record that names another VSpace by then is a later MAP's, so that the mapping in this one was
// gone already.
//
// *helped is set where others' removals were completed first; NULL: they are in the way.
static enum record_step clear_record(struct gather *gather, const struct mapped_frame *frame,
                                     unsigned size_bits, uint8_t *seen, bool *helped) {
    asid_t asid = record_asid(record_now(frame));
    struct vspace *vspace = asid_pin(asid);
    if (vspace == NULL)
        return RECORD_THROUGH; // its ASID was given back: invalidated as a whole before that
    struct batch_space *space = batch_try_join(gather, vspace);
    enum record_step step = space == NULL ? RECORD_FULL : RECORD_PENDING;
    if (space != NULL) {
        vspace_lock(vspace);
        if (helped != NULL)
            *helped = pending_complete_all(vspace, batch_ticket(space));
        if (helped != NULL || may_clear(gather, space)) {
            struct mapping_record record = record_now(frame);
            struct run run = {0};
            if (likely(record_asid(record).v == asid.v))
                run = record_find(vspace, record, frame->address, size_bits);
            struct pattern pattern = pattern_of(run.level, frame->address, size_bits);
            step = !run.live || clear_run(gather, space, &run, pattern, seen) ? RECORD_THROUGH
                                                                              : RECORD_AGAIN;
            if (gather->policy == GATHER_FORCE)
                force_place(gather, space, &run, record);
        }
        vspace_unlock(vspace);
    }
    vspace_unpin(vspace);
    return step;
}

enum record_step gather_clear_record(struct gather *gather, const struct mapped_frame *frame,
                                     unsigned size_bits, uint8_t *seen) {
    return clear_record(gather, frame, size_bits, seen, NULL);
}

bool gather_unmap_record(struct gather *gather, struct mapping_record record, paddr_t frame,
                         unsigned size_bits) {
    uint8_t seen = 0;
    bool helped = false;
    const struct mapped_frame mapped = {frame, record};
    enum record_step step = clear_record(gather, &mapped, size_bits, &seen, &helped);
    if (step == RECORD_FULL) {
        gather_finish(gather);
        step = clear_record(gather, &mapped, size_bits, &seen, &helped);
    }
    return step == RECORD_THROUGH && !helped;
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
