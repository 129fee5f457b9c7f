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
    run.table = table_of_number(vspace, number);
    run.level = record_level(record);
    const struct table_info *info = table_info(run.table);
    if (info->state != TABLE_HOOKED || info->level != run.level)
        return run;
    if (run.level == 0)
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

// Clears the Frame's leaves of the run, at most RECORD_LEAVES, and enters what a TLB may hold of
// them. False: some are left.
static bool clear_run(struct gather *gather, struct batch_space *space, const struct run *run,
                      paddr_t frame, unsigned size_bits) {
    struct pattern pattern = pattern_of(run->level, frame, size_bits);
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

bool gather_unmap_record(struct gather *gather, struct mapping_record record, paddr_t frame,
                         unsigned size_bits) {
    struct vspace *vspace = asid_pin(record_asid(record));
    if (vspace == NULL)
        return true; // its ASID was given back: invalidated as a whole before that
    struct batch_space *space = batch_join(gather, vspace);
    vspace_lock(vspace);
    // The leaf may be gone already and its invalidation not: "not found" is not "invalidated".
    pending_complete_all(vspace, batch_ticket(space));
    struct run run = record_find(vspace, record, frame, size_bits);
    bool through = !run.live || clear_run(gather, space, &run, frame, size_bits);
    vspace_unlock(vspace);
    vspace_unpin(vspace);
    return through;
}

unsigned record_leaves(struct mapping_record record) { return record_count(record); }

void gather_complete_record(struct gather *gather, struct mapping_record record) {
    (void)gather; // completing an entry of this batch makes the batch forget it (pending.c)
    struct vspace *vspace = asid_pin(record_asid(record));
    if (vspace == NULL)
        return;
    vspace_lock(vspace);
    pending_complete_all(vspace, 0);
    vspace_unlock(vspace);
    vspace_unpin(vspace);
}
