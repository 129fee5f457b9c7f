// SPDX-License-Identifier: BSD-2-Clause
// The pending entries of a VSpace.
#include "pending.h"
#include "batch.h"
#include "table.h"

// The entry with the smallest ticket among those in use, with_tables only those that hold some.
static struct pending *oldest(struct vspace *vspace, bool with_tables) {
    struct pending *found = NULL;
    for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
        struct pending *entry = &vspace->pending[i];
        if (entry->ticket == 0 || (with_tables && entry->chunks == 0))
            continue;
        if (found == NULL || entry->ticket < found->ticket)
            found = entry;
    }
    return found;
}

unsigned pending_open(struct vspace *vspace) {
    unsigned index = 0;
    while (index < PENDING_ENTRIES && vspace->pending[index].ticket != 0)
        index++;
    if (index == PENDING_ENTRIES) {
        struct pending *first = oldest(vspace, false);
        index = (unsigned)(first - vspace->pending);
        pending_complete(vspace, first);
    }
    pending_begin(vspace, index, 0);
    return index;
}

struct pending *pending_find(struct vspace *vspace, unsigned index, uint64_t ticket) {
    struct pending *entry = &vspace->pending[index];
    return ticket != 0 && entry->ticket == ticket ? entry : NULL;
}

void pending_add_range(struct pending *entry, uint64_t first, uint64_t pages) {
    struct page_range *nearest = NULL;
    uint64_t smallest = UINT64_MAX, end = first + pages;
    for (unsigned i = 0; i < entry->range_count; i++) {
        struct page_range *range = &entry->ranges[i];
        uint64_t range_end = range->first + range->pages, gap = 0;
        if (first > range_end)
            gap = first - range_end;
        else if (range->first > end)
            gap = range->first - end;
        if (gap < smallest) {
            smallest = gap;
            nearest = range;
        }
    }
    if (smallest != 0 && entry->range_count < PENDING_RANGES) {
        entry->ranges[entry->range_count++] = (struct page_range){first, pages};
        return;
    }
    end = MAX(nearest->first + nearest->pages, end);
    nearest->first = MIN(nearest->first, first);
    nearest->pages = end - nearest->first;
}

void pending_take_chunk(struct pending *entry, struct chunk *chunk) {
    struct vspace *vspace = chunk->vspace;
    // A chunk is in one list only: another entry that has it is helped to its end.
    if (chunk->pending != 0)
        pending_complete(vspace, &vspace->pending[chunk->pending_entry]);
    chunk->pending_entry = (uint16_t)(entry - vspace->pending);
    chunk->pending_next = entry->chunks;
    entry->chunks = (uint16_t)(chunk->index + 1);
}

static void note(enum port_event event, const struct vspace *vspace,
                 const struct page_range *range) {
    port_note(event, range->first << PAGE_BITS, (uint64_t)vspace->asid.v << 48 | range->pages);
}

// Merged ranges reach over pages that other entries hold.
static void note_held(const struct vspace *vspace, const struct pending *except) {
    for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
        const struct pending *entry = &vspace->pending[i];
        for (unsigned n = 0; entry->ticket != 0 && entry != except && n < entry->range_count; n++)
            note(PORT_EVENT_RANGE_HELD, vspace, &entry->ranges[n]);
    }
}

void pending_close(struct vspace *vspace, struct pending *entry) {
    for (unsigned i = 0; i < entry->range_count; i++) {
        if (vspace->pending_count > 1)
            note_held(vspace, entry);
        note(PORT_EVENT_RANGE_RELEASED, vspace, &entry->ranges[i]);
    }
    entry->ticket = 0;
    vspace->pending_count--;
    if (entry->chunks != 0) {
        port_count(SHEAF_COUNTER_TABLES_FREED, entry->tables);
        chunks_release(vspace, entry);
    }
}

static bool overlaps(const struct pending *entry, uint64_t first, uint64_t pages) {
    for (unsigned i = 0; i < entry->range_count; i++) {
        const struct page_range *range = &entry->ranges[i];
        if (first < range->first + range->pages && range->first < first + pages)
            return true;
    }
    return false;
}

uint8_t pending_level(const struct pending *entry) {
    unsigned level = LEAF_LEVEL;
    if (entry->levels != 0)
        level = 31 - (unsigned)__builtin_clz(entry->levels); // the finest one
    else if (entry->chunks != 0)
        level = 0;
    // A freed table wants one address for each level 3 table there may be below it.
    return (uint8_t)(entry->chunks != 0 ? MAX(level, LEAF_LEVEL - 1) : level);
}

void pending_merge(struct vspace *vspace, struct pending *into, struct pending *entry) {
    ASSERT(entry->chunks == 0);
    for (unsigned i = 0; i < entry->range_count; i++)
        pending_add_range(into, entry->ranges[i].first, entry->ranges[i].pages);
    into->levels |= entry->levels;
    into->writer = into->writer == entry->writer ? into->writer : 0;
    entry->ticket = 0;
    vspace->pending_count--;
}

// What several entries of one VSpace come to.
struct completion {
    struct plan_range ranges[PENDING_ENTRIES * PENDING_RANGES];
    unsigned range_count;
    struct plan_facts facts;
};

static void add_entry(struct completion *completion, const struct pending *entry) {
    bool foreign = pending_is_foreign(entry);
    // What was removed at which level is its writer's knowledge: every page, with walk caches.
    uint8_t level = foreign ? LEAF_LEVEL : pending_level(entry);
    completion->facts.foreign |= foreign;
    completion->facts.levels |= entry->levels;
    completion->facts.tables_freed |= entry->chunks != 0;
    for (unsigned i = 0; i < entry->range_count; i++) {
        const struct page_range *range = &entry->ranges[i];
        completion->ranges[completion->range_count++] =
            (struct plan_range){range->first, range->pages, level, 0};
        completion->facts.operations += plan_operations(&finish_features, range->pages, level);
    }
    if (entry->owner == 0)
        port_count(SHEAF_COUNTER_GATHER_RELEASED, 1);
    else if (foreign)
        port_count(SHEAF_COUNTER_GATHER_HELPED, 1);
}

// Completes the entries whose bits are set, in their owners' place, and removes them. Together: the
// barriers are the same for one as for eight, and so is the most that there is to invalidate.
static void complete_set(struct vspace *vspace, unsigned set) {
    struct completion completion;
    completion.range_count = 0;
    completion.facts = (struct plan_facts){0};
    for (unsigned bits = set; bits != 0; bits &= bits - 1)
        add_entry(&completion, &vspace->pending[__builtin_ctz(bits)]);
    struct finish_space space = finish_space(vspace, &completion.facts);
    struct finish_work work = {
        .spaces = &space,
        .space_count = 1,
        .ranges = completion.ranges,
        .range_count = completion.range_count,
        .foreign = completion.facts.foreign,
    };
    finish_work(&work, batch_totals());
    for (unsigned bits = set; bits != 0; bits &= bits - 1) {
        struct pending *entry = &vspace->pending[__builtin_ctz(bits)];
        batch_forget(vspace, entry->ticket);
        pending_close(vspace, entry);
    }
}

void pending_complete(struct vspace *vspace, struct pending *entry) {
    complete_set(vspace, 1u << (entry - vspace->pending));
}

bool pending_complete_overlapping(struct vspace *vspace, uint64_t first, uint64_t pages,
                                  uint64_t except) {
    unsigned set = 0, left = vspace->pending_count;
    for (unsigned i = 0; left > 0; i++) {
        const struct pending *entry = &vspace->pending[i];
        if (entry->ticket == 0)
            continue;
        left--;
        if (entry->ticket != except && overlaps(entry, first, pages))
            set |= 1u << i;
    }
    if (set != 0)
        complete_set(vspace, set);
    return set != 0;
}

bool pending_complete_all(struct vspace *vspace, uint64_t except) {
    return pending_complete_overlapping(vspace, 0, USER_PAGES, except);
}

void pending_complete_owned(struct vspace *vspace, uint64_t except) {
    unsigned set = 0;
    for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
        const struct pending *entry = &vspace->pending[i];
        if (entry->ticket != 0 && entry->ticket != except && entry->owner != 0)
            set |= 1u << i;
    }
    if (set != 0)
        complete_set(vspace, set);
}

bool pending_reclaim_tables(struct vspace *vspace, uint64_t tables) {
    while (vspace->tables_free < tables) {
        struct pending *entry = oldest(vspace, true);
        if (entry == NULL)
            return false;
        pending_complete(vspace, entry);
    }
    return true;
}
