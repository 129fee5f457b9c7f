// SPDX-License-Identifier: BSD-2-Clause
// MAP: installs leaves, in two steps.
//
// gather_map_begin does everything that can fail: it looks at every place of the range, counts the
// tables that are missing, completes what is pending there, unhooks empty tables in the way of
// blocks, and hooks the tables. gather_map_frames then only writes leaves. The VSpace lock is held
// from the one to gather_map_end, so nobody comes in between. gather_map_pages is both where that
// is simple.
#include "batch.h"
#include "record.h"
#include "table.h"
#include "walk.h"

enum sheaf_error gather_range_error(vaddr_t va, uint64_t pages) {
    if ((va.v & (PAGE_BYTES - 1)) != 0)
        return SHEAF_ERR_MISALIGNED;
    if (va.v >= UINT64_C(0xffff000000000000))
        return SHEAF_ERR_KERNEL_HALF;
    if (va.v >= UINT64_C(0x0001000000000000))
        return SHEAF_ERR_NON_CANONICAL;
    return pages == 0 ? SHEAF_ERR_ZERO_LENGTH : SHEAF_ERR_OVERFLOW;
}

// Empty tables that one MAP unhooks to make room for blocks: all of that is done with interrupts
// masked. UNMAP, which is preemptible, removes any number of them.
#define TABLES_IN_THE_WAY 64u

// Tables that a MAP must hook, and empty ones that it must unhook first.
struct demand {
    uint64_t missing, in_the_way;
};

// Looks at the part [first, end) of a range, all in one table of leaves. `begins`: the range
// begins here.
static enum sheaf_error check_piece(const struct vspace *vspace, uint64_t first, uint64_t end,
                                    unsigned level, bool begins, struct demand *demand) {
    struct place place = walk(vspace, first, level);
    if (place.level < level) {
        if (desc_is_valid(place.desc))
            return SHEAF_ERR_PLACE_OCCUPIED; // a block
        // Tables of levels place.level + 1 to level are missing; each counts where the range
        // enters its span.
        for (unsigned l = place.level + 1; l <= level; l++) {
            if (begins || IS_ALIGNED(first, level_pages(l - 1)))
                demand->missing++;
        }
        return SHEAF_OK;
    }
    unsigned last = level_index(end - 1, level);
    for (unsigned i = level_index(first, level); i <= last; i++) {
        desc_t desc = port_desc_read(place.table, i);
        if (!desc_is_valid(desc))
            continue;
        if (!desc_is_table(desc, level) || table_info(desc_address(desc))->live != 0 ||
            ++demand->in_the_way > TABLES_IN_THE_WAY)
            return SHEAF_ERR_PLACE_OCCUPIED;
    }
    return SHEAF_OK;
}

// Where the part of [first, end) that lies in one table of leaves ends.
static uint64_t piece_end(uint64_t first, uint64_t end, unsigned level) {
    uint64_t span = level_pages(level) * TABLE_ENTRIES;
    return MIN(end, ALIGN_DOWN(first, span) + span);
}

static enum sheaf_error check_places(const struct vspace *vspace, uint64_t first, uint64_t end,
                                     unsigned level, struct demand *demand) {
    for (uint64_t page = first; page < end; page = piece_end(page, end, level)) {
        enum sheaf_error error =
            check_piece(vspace, page, piece_end(page, end, level), level, page == first, demand);
        if (error != SHEAF_OK)
            return error;
    }
    return SHEAF_OK;
}

static void hook_tables(struct vspace *vspace, uint64_t first, uint64_t end, unsigned level) {
    for (uint64_t page = first; page < end; page = piece_end(page, end, level))
        table_hook_down(vspace, page, level);
}

// Everything that can fail, and what must come before the first leaf.
static enum sheaf_error prepare(struct vspace *vspace, uint64_t first, uint64_t end, unsigned level,
                                unsigned *missing) {
    struct demand demand = {0};
    if (!vspace_state_is_live(vspace))
        return SHEAF_ERR_DEAD;
    enum sheaf_error error = check_places(vspace, first, end, level, &demand);
    if (error != SHEAF_OK)
        return error;
    if (demand.missing > demand.in_the_way &&
        !pending_reclaim_tables(vspace, demand.missing - demand.in_the_way)) {
        *missing = (unsigned)(demand.missing - demand.in_the_way - vspace->tables_free);
        return SHEAF_ERR_NO_TABLES;
    }
    // Removed from here, by whomever, and perhaps still cached: it must be gone before anything
    // else is written in its place.
    pending_complete_overlapping(vspace, first, end - first, 0);
    if (demand.in_the_way != 0)
        tables_clear_the_way(vspace, first, end, level);
    hook_tables(vspace, first, end, level);
    return SHEAF_OK;
}

enum sheaf_error gather_map_begin(struct gather *gather, struct vspace *vspace, vaddr_t va,
                                  uint64_t pages, unsigned level, struct gather_map *map,
                                  unsigned *missing) {
    ASSERT(level >= 1 && level <= LEAF_LEVEL);
    *missing = 0;
    enum sheaf_error error = gather_check_range(va, pages);
    if (error != SHEAF_OK)
        return error;
    uint64_t first = va.v >> PAGE_BITS;
    if (!IS_ALIGNED(first | pages, level_pages(level)))
        return SHEAF_ERR_MISALIGNED;
    vspace_lock(vspace);
    error = prepare(vspace, first, first + pages, level, missing);
    if (error != SHEAF_OK) {
        vspace_unlock(vspace);
        return error;
    }
    gather->stored = true;
    *map = (struct gather_map){
        .gather = gather,
        .vspace = vspace,
        .next = va,
        .pages_left = pages,
        .level = level,
    };
    return SHEAF_OK;
}

// Writes the leaves of one Frame or part, from `index` on.
static inline struct mapping_record write_leaves(struct gather *gather, const struct vspace *vspace,
                                                 paddr_t table, unsigned level, unsigned index,
                                                 paddr_t frame, uint64_t pages,
                                                 const struct leaf_attributes *attributes) {
    unsigned count = (unsigned)(pages >> level_shift(level));
    uint64_t value = frame.v | desc_leaf_bits(level, attributes);
    uint64_t step = level_pages(level) << PAGE_BITS;
    ASSERT(count != 0 && index + count <= TABLE_ENTRIES);
    ASSERT(IS_ALIGNED(pages | frame.v >> PAGE_BITS, level_pages(level)));
    port_dmb_ishst(); // the Frame's contents before what makes them reachable
    port_desc_write(table, index, DESC(value));
    for (unsigned i = 1; i < count; i++)
        port_desc_write(table, index + i, DESC(value + i * step));
    table_info(table)->live += (uint16_t)count;
    gather->totals.leaves += count;
    port_count(SHEAF_COUNTER_GATHER_MAPPED, count);
    return record_make(vspace->asid, level, table_number(table), index, count);
}

void gather_map_frames(struct gather_map *map, struct mapped_frame *first, size_t stride,
                       unsigned count, uint64_t pages, const struct leaf_attributes *attributes) {
    const asid_t asid = map->vspace->asid;
    unsigned level = map->level, leaves = (unsigned)(pages >> level_shift(level));
    uint64_t bits = desc_leaf_bits(level, attributes), step = level_pages(level) << PAGE_BITS;
    struct mapped_frame *frame = first;
    ASSERT(leaves != 0 && count * pages <= map->pages_left);
    map->pages_left -= count * pages;
    map->gather->totals.leaves += (uint64_t)count * leaves;
    port_count(SHEAF_COUNTER_GATHER_MAPPED, (uint64_t)count * leaves);
    port_dmb_ishst(); // the Frames' contents before what makes them reachable
    while (count != 0) {
        struct place place = walk(map->vspace, map->next.v >> PAGE_BITS, level);
        unsigned here = MIN(count, (TABLE_ENTRIES - place.index) / leaves);
        unsigned number = table_number(place.table), end = place.index + here * leaves;
        ASSERT(here != 0 && IS_ALIGNED(pages | frame->address.v >> PAGE_BITS, level_pages(level)));
        struct mapping_record record = record_make(asid, level, number, place.index, leaves);
        uint64_t next = record_make(ASID(0), 0, 0, leaves, 0).v;
        for (unsigned i = place.index; i < end; i += leaves, record.v += next) {
            uint64_t value = frame->address.v | bits;
            port_desc_write(place.table, i, DESC(value));
            for (unsigned n = 1; n < leaves; n++)
                port_desc_write(place.table, i + n, DESC(value + n * step));
            frame->record = record;
            frame = (struct mapped_frame *)(void *)((char *)frame + stride);
        }
        table_info(place.table)->live += (uint16_t)(end - place.index);
        map->next.v += here * pages << PAGE_BITS;
        count -= here;
    }
}

struct mapping_record gather_map_frame(struct gather_map *map, paddr_t frame, uint64_t pages,
                                       const struct leaf_attributes *attributes) {
    struct mapped_frame one = {.address = frame};
    gather_map_frames(map, &one, 0, 1, pages, attributes);
    return one.record;
}

void gather_map_end(struct gather_map *map) { vspace_unlock(map->vspace); }

// Where pages can be written at once: their table is there, each of them is free, and nothing is
// pending in the VSpace. With its lock held, under which `state` is written.
static inline bool find_free_pages(const struct vspace *vspace, uint64_t first, uint64_t pages,
                                   struct place *place) {
    if (vspace->state != VSPACE_LIVE || vspace->pending_count != 0)
        return false;
    *place = walk(vspace, first, LEAF_LEVEL);
    if (place->level != LEAF_LEVEL || desc_is_valid(place->desc))
        return false;
    for (unsigned i = 1; i < pages; i++) {
        if (desc_is_valid(port_desc_read(place->table, place->index + i)))
            return false;
    }
    return true;
}

bool gather_map_pages(struct gather *gather, struct vspace *vspace, vaddr_t va, paddr_t frame,
                      uint64_t pages, const struct leaf_attributes *attributes,
                      struct mapping_record *record) {
    struct place place;
    ASSERT(gather_check_range(va, pages) == SHEAF_OK);
    if (unlikely(!vspace_try_lock(vspace)))
        return false;
    bool found = find_free_pages(vspace, va.v >> PAGE_BITS, pages, &place);
    if (likely(found)) {
        gather->stored = true;
        *record = write_leaves(gather, vspace, place.table, LEAF_LEVEL, place.index, frame, pages,
                               attributes);
    }
    vspace_unlock(vspace);
    return found;
}
