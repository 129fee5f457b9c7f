// SPDX-License-Identifier: BSD-2-Clause
// The gather: a batch's beginning, what is recorded in it, and its finish.
#include "batch.h"
#include "asid.h"
#include "walk.h"

#define MERGE_LOOKED 32u

// Between gather_begin and gather_finish a PE runs nothing else, so one for each PE is enough, and
// removing needs no memory (design, G6).
static struct gather gathers[MAX_PES];

static struct gather *own_gather(void) { return &gathers[port_pe()]; }

void batch_init(void) {
    for (unsigned pe = 0; pe < MAX_PES; pe++)
        gathers[pe] = (struct gather){0};
}

struct gather_totals *batch_totals(void) { return &own_gather()->totals; }

struct gather *gather_begin(void) {
    struct gather *gather = own_gather();
    ASSERT(gather->space_count == 0 && gather->range_count == 0 && !gather->stored);
    ASSERT(!gather->foreign);
    gather->totals = (struct gather_totals){0};
    gather->policy = GATHER_IF_NEEDED;
    return gather;
}

void gather_set_policy(struct gather *gather, enum gather_policy policy) {
    ASSERT(gather->space_count == 0 && !gather->stored);
    gather->policy = (uint8_t)policy;
}

const struct gather_totals *gather_totals(const struct gather *gather) { return &gather->totals; }

static struct batch_space *find_space(struct gather *gather, const struct vspace *vspace) {
    for (unsigned i = 0; i < gather->space_count; i++) {
        if (gather->spaces[i].vspace == vspace)
            return &gather->spaces[i];
    }
    return NULL;
}

struct batch_space *batch_join(struct gather *gather, struct vspace *vspace) {
    struct batch_space *space = batch_try_join(gather, vspace);
    if (space == NULL) {
        gather_finish(gather);
        space = batch_try_join(gather, vspace);
    }
    return space;
}

struct batch_space *batch_try_join(struct gather *gather, struct vspace *vspace) {
    struct batch_space *space = find_space(gather, vspace);
    if (space != NULL || gather->space_count == BATCH_SPACES)
        return space;
    vspace_pin(vspace);
    space = &gather->spaces[gather->space_count++];
    *space = (struct batch_space){.vspace = vspace};
    return space;
}

bool batch_try_join_asid(struct gather *gather, asid_t asid, struct batch_space **space) {
    for (unsigned i = 0; i < gather->space_count; i++) {
        *space = &gather->spaces[i];
        if ((*space)->vspace->asid.v == asid.v)
            return true; // it is pinned, so the ASID is still its own
    }
    struct vspace *vspace = asid_pin(asid);
    if (vspace == NULL)
        return false;
    *space = batch_try_join(gather, vspace);
    vspace_unpin(vspace);
    return true;
}

void batch_leave(struct vspace *vspace) {
    struct gather *gather = own_gather();
    if (find_space(gather, vspace) != NULL)
        gather_finish(gather);
}

// A deferred entry has no batch beside it that knows its ranges exactly. So a further one is better
// than merging, as long as that costs nobody else's.
static bool wants_another(const struct vspace *vspace, const struct pending *entry) {
    return entry->owner == 0 && entry->range_count == PENDING_RANGES &&
           vspace->pending_count < PENDING_ENTRIES;
}

struct pending *batch_entry(struct batch_space *space) {
    struct pending *entry = pending_find(space->vspace, space->entry, space->ticket);
    if (entry == NULL || wants_another(space->vspace, entry)) {
        space->entry = (uint8_t)pending_open(space->vspace);
        entry = &space->vspace->pending[space->entry];
        space->ticket = entry->ticket;
        if (own_gather()->policy == GATHER_DEFER) {
            entry->owner = 0;
            port_count(SHEAF_COUNTER_GATHER_DEFERRED, 1);
        }
    }
    return entry;
}

bool batch_has_entry(const struct batch_space *space) {
    const struct vspace *vspace = space->vspace;
    return vspace->pending_count < PENDING_ENTRIES ||
           pending_find(space->vspace, space->entry, space->ticket) != NULL;
}

void batch_adopt(struct gather *gather, struct batch_space *space, struct pending *entry) {
    struct vspace *vspace = space->vspace;
    uint8_t level = pending_level(entry);
    ASSERT(entry->owner == 0 && entry->chunks == 0);
    port_count(SHEAF_COUNTER_GATHER_RELEASED, 1);
    if (pending_is_foreign(entry)) {
        gather->foreign = true;
        space->tables_freed = true; // what exactly was removed is its writer's knowledge
    }
    for (unsigned i = 0; i < entry->range_count; i++)
        batch_add_leaves(gather, space, entry->ranges[i].first, entry->ranges[i].pages, level);
    space->levels |= entry->levels;
    struct pending *own = pending_find(vspace, space->entry, space->ticket);
    if (own != NULL) {
        pending_merge(vspace, own, entry);
        return;
    }
    // A gather that is still deferring knows the entry by its ticket. What it removes from now on
    // is not among what this batch covers, so it must not find the entry any more. And this batch
    // may add stores of its own to those of the one that deferred.
    entry->ticket = ++vspace->tickets;
    entry->owner = (uint8_t)(port_pe() + 1);
    entry->writer = pending_is_foreign(entry) ? 0 : entry->writer;
    space->entry = (uint8_t)(entry - vspace->pending);
    space->ticket = entry->ticket;
}

// The batch has no room: merges with the nearest range of the same VSpace, among the latest. All of
// them would be too many to look at for each leaf.
void batch_merge_range(struct gather *gather, struct batch_space *space,
                       const struct plan_range *range) {
    if (batch_is_whole(space))
        return;
    struct plan_range *nearest = NULL;
    struct plan_range best = {0};
    for (unsigned i = gather->range_count - MERGE_LOOKED; i < gather->range_count; i++) {
        struct plan_range *other = &gather->ranges[i];
        if (other->space != range->space || other->pages == 0)
            continue;
        struct plan_range merged = plan_merge(other, range);
        if (nearest == NULL || merged.pages < best.pages) {
            nearest = other;
            best = merged;
        }
    }
    if (nearest == NULL) {
        space->operations = PLAN_THRESHOLD + 1; // none of its own: by ASID
        return;
    }
    space->operations +=
        batch_operations(&best) - batch_operations(nearest) - batch_operations(range);
    *nearest = best;
}

void batch_enter_leaves(struct gather *gather, struct batch_space *space, uint64_t first,
                        uint64_t pages, unsigned level) {
    struct pending *entry = batch_entry(space);
    batch_add_leaves(gather, space, first, pages, level);
    entry->levels |= (uint8_t)(1u << level);
    pending_add_range(entry, first, pages);
}

void batch_force(struct gather *gather, struct batch_space *space, uint64_t first, uint64_t pages) {
    space->tables_freed = true; // with walk caches
    space->forced = true;
    // What is recorded inside the range would be invalidated twice. Once ranges are not kept any
    // more, it goes by ASID and the sum must not sink.
    for (unsigned i = 0; i < gather->range_count && !batch_is_whole(space); i++) {
        struct plan_range *range = &gather->ranges[i];
        if (range->space == (uint8_t)(space - gather->spaces) && range->first >= first &&
            range->first + range->pages <= first + pages) {
            space->operations -= batch_operations(range);
            range->pages = 0;
        }
    }
    batch_add_range(gather, space, first, pages, LEAF_LEVEL);
}

void gather_force(struct gather *gather, struct vspace *vspace, vaddr_t va, uint64_t pages) {
    batch_force(gather, batch_join(gather, vspace), va.v >> PAGE_BITS, pages);
    port_count(SHEAF_COUNTER_GATHER_FORCED, 1);
}

void batch_add_table(struct gather *gather, struct batch_space *space, uint64_t first,
                     unsigned level) {
    // The table's span is what one descriptor of its parent covers. An operation by address drops
    // every table descriptor on the way to that address, so an address inside the span that is
    // recorded already serves for this table too; those below it were recorded when they went.
    uint64_t pages = level_pages(level - 1);
    space->tables_freed = true;
    gather->tables++;
    if (gather->range_count > 0 && !batch_is_whole(space)) {
        const struct plan_range *last = &gather->ranges[gather->range_count - 1];
        // One without pages was completed meanwhile (batch_forget).
        if (last->space == (uint8_t)(space - gather->spaces) && last->level >= level &&
            last->pages != 0 && last->first < first + pages && last->first + last->pages > first)
            return;
    }
    batch_add_range(gather, space, first, pages, level - 1);
}

void batch_forget(const struct vspace *vspace, uint64_t ticket) {
    struct gather *gather = own_gather();
    struct batch_space *space = find_space(gather, vspace);
    if (space == NULL || space->ticket != ticket)
        return;
    space->ticket = 0;
    if (space->forced) // asked for, not only recorded
        return;
    for (unsigned i = 0; i < gather->range_count; i++) {
        if (gather->ranges[i].space == (uint8_t)(space - gather->spaces))
            gather->ranges[i].pages = 0;
    }
    space->operations = 0;
    space->levels = 0;
    space->tables_freed = false;
}

// Step 4: entries go, tables return.
static void release_space(const struct gather *gather, struct batch_space *space) {
    struct vspace *vspace = space->vspace;
    if (space->ticket != 0 && gather->policy != GATHER_DEFER) {
        lock_acquire(&vspace->lock);
        struct pending *entry = pending_find(vspace, space->entry, space->ticket);
        if (entry != NULL)
            pending_close(vspace, entry);
        lock_release(&vspace->lock);
    }
    vspace_unpin(vspace);
}

// Something was removed, in some VSpace.
static __attribute__((noinline)) void finish_spaces(struct gather *gather) {
    struct finish_space spaces[BATCH_SPACES];
    bool needed = gather->stored;
    for (unsigned i = 0; i < gather->space_count; i++) {
        const struct batch_space *space = &gather->spaces[i];
        struct plan_facts facts = {
            .operations = space->operations,
            .levels = space->levels,
            .tables_freed = space->tables_freed,
        };
        spaces[i] = finish_space(space->vspace, &facts);
        spaces[i].forced = space->forced;
        needed = needed || spaces[i].form != PLAN_NONE;
    }
    if (needed) {
        struct finish_work work = {
            .spaces = spaces,
            .space_count = gather->space_count,
            .ranges = gather->ranges,
            .range_count = gather->range_count,
            .foreign = gather->foreign,
        };
        finish_work(&work, &gather->totals);
    }
    for (unsigned i = 0; i < gather->space_count; i++)
        release_space(gather, &gather->spaces[i]);
    gather->totals.tables += gather->tables;
    gather->space_count = 0;
    gather->range_count = 0;
    gather->tables = 0;
    gather->chunks = 0;
    gather->stored = false;
    gather->foreign = false;
}

void gather_finish(struct gather *gather) {
    if (gather->space_count != 0) {
        finish_spaces(gather);
    } else if (gather->stored) {
        gather->stored = false;
        finish_stores(&gather->totals);
    }
}

enum sheaf_error gather_sync(struct gather *gather, struct vspace *vspace) {
    enum sheaf_error error = SHEAF_ERR_DEAD;
    struct batch_space *space = batch_join(gather, vspace);
    vspace_lock(vspace);
    if (vspace_state_is_live(vspace)) {
        pending_complete_owned(vspace, batch_ticket(space));
        for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
            struct pending *entry = &vspace->pending[i];
            if (entry->ticket != 0 && entry->owner == 0)
                batch_adopt(gather, space, entry);
        }
        error = SHEAF_OK;
    }
    vspace_unlock(vspace);
    return error;
}
