// SPDX-License-Identifier: BSD-2-Clause
// MAP: whole Frames one after the other, or a part of one.
//
// All or nothing, so in three steps: everything that can be wrong with capabilities and layout;
// then what takes time and may be preempted (making instructions visible); then, with the CNode's
// slots and the VSpace locked, the check of the place, the leaves and the records.
#include "gather_call.h"

#define TABLE_ENTRIES 512u
#define GIANT_BITS 30u // 1 GiB, the larger one
#define SYNC_PAGES 8u  // 32 KiB between two looks at pending interrupts: 4,000 instructions

// Checking a record costs some 200 instructions, and 7 for each leaf that it may name.
#define RECORD_COST 32u
#define CHECK_SLICE 256u // between two looks at pending interrupts

struct map_plan {
    const struct operation *operation;
    struct slot *first;
    uint64_t count;      // slots
    uint64_t first_page; // with PART
    unsigned level;
    bool alike; // the Frames, as far as checks and leaves go
    struct leaf_attributes attributes;
};

static bool is_part(const struct map_plan *plan) {
    return (plan->operation->flags & SHEAF_OP_PART) != 0;
}

static uint64_t frame_pages(const struct slot *slot) { return BIT(slot->size_bits - PAGE_BITS); }

static uint64_t plan_pages(const struct map_plan *plan, const struct slot *slot) {
    return is_part(plan) ? plan->operation->pages : frame_pages(slot);
}

static paddr_t plan_start(const struct map_plan *plan, const struct slot *slot) {
    return PADDR(slot->frame.address.v + (plan->first_page << PAGE_BITS));
}

// ---- Capabilities

static enum sheaf_error find_slots(const struct thread *thread, struct map_plan *plan) {
    const struct operation *operation = plan->operation;
    enum sheaf_error error = lookup_type(thread, operation->word4, SHEAF_FRAME, &plan->first);
    if (error != SHEAF_OK) {
        return error;
    }
    plan->count = is_part(plan) ? 1 : operation->word5;
    plan->first_page = is_part(plan) ? operation->word5 : 0;
    if (plan->count == 0) {
        return SHEAF_ERR_ZERO_LENGTH;
    }
    struct cnode *home = plan->first->home;
    uint64_t index = (uint64_t)(plan->first - cnode_slot(home, 0));
    uint64_t limit = MIN(BIT(home->head.flags) - index, SHEAF_MAP_FRAMES);
    return plan->count > limit ? SHEAF_ERR_RANGE : SHEAF_OK;
}

static enum sheaf_error check_rights(const struct map_plan *plan, const struct slot *slot) {
    if ((slot->rights & SHEAF_RIGHT_READ) == 0) {
        return SHEAF_ERR_NO_RIGHT; // every mapping can be read
    }
    bool write = (plan->operation->rights & SHEAF_MAP_WRITE) != 0;
    return write && (slot->rights & SHEAF_RIGHT_WRITE) == 0 ? SHEAF_ERR_RIGHTS_EXCEEDED : SHEAF_OK;
}

static enum sheaf_error check_slot(const struct map_plan *plan, const struct slot *slot) {
    if (slot->type != SHEAF_FRAME) {
        return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_WRONG_TYPE;
    }
    if (slot_is_dying(slot)) {
        return SHEAF_ERR_DEAD;
    }
    enum sheaf_error error = check_rights(plan, slot);
    if (error != SHEAF_OK) {
        return error;
    }
    // The kernel makes instructions visible by its own mapping, which registers of devices do not
    // have; and where instructions may be fetched, a PE may do so before it is asked to.
    if ((plan->operation->rights & SHEAF_MAP_EXECUTE) != 0 &&
        slot->memory_type == SHEAF_MEMORY_DEVICE) {
        return SHEAF_ERR_MEMORY_TYPE;
    }
    if (slot->frame.record.v != 0 &&
        record_is_live(slot->frame.record, slot->frame.address, slot->size_bits)) {
        return SHEAF_ERR_ALREADY_MAPPED;
    }
    return SHEAF_OK;
}

// What the records of `count` Frames named is gone, and completed: they are as good as never
// mapped. So the next execution does not begin again with what this one has found out.
static void forget_records(const struct map_plan *plan, uint64_t count) {
    struct cnode *home = plan->first->home;
    lock_acquire(&home->lock);
    for (uint64_t i = 0; i < count; i++) {
        plan->first[i].frame.record = (struct mapping_record){0};
    }
    lock_release(&home->lock);
}

// Whether all Frames are what the first one is, at most as large as a table covers, and were never
// mapped. Then what holds for it holds for all, and none has a record to be checked.
static bool are_alike(const struct map_plan *plan) {
    const struct slot *slot = plan->first;
    uint64_t head = slot->head; // of one that is not dying, as are all like it
    if (is_part(plan) || slot->type != SHEAF_FRAME || slot->size_bits > MAP_BLOCK_BITS) {
        return false;
    }
    for (const struct slot *end = slot + plan->count; slot != end; slot++) {
        if (slot->head != head || slot->frame.record.v != 0) {
            return false;
        }
    }
    return true;
}

// What is pending in the VSpaces where these Frames were before is completed: whoever still has a
// translation of then must not see the Frame in a new role (design, G3).
static enum sheaf_error check_slots(struct gather *gather, const struct map_plan *plan) {
    unsigned cost = 0; // in leaves looked at
    if (plan->alike) {
        return check_slot(plan, plan->first);
    }
    for (uint64_t i = 0; i < plan->count; i++) {
        const struct slot *slot = plan->first + i;
        enum sheaf_error error = check_slot(plan, slot);
        if (error != SHEAF_OK) {
            return error;
        }
        if (slot->frame.record.v == 0) {
            continue;
        }
        cost += RECORD_COST + record_leaves(slot->frame.record);
        if (gather_complete_record(gather, slot->frame.record)) {
            cost = CHECK_SLICE;
        }
        if (cost >= CHECK_SLICE) {
            cost = 0;
            if (arch_interrupt_pending()) {
                forget_records(plan, i + 1);
                return SHEAF_ERR_PREEMPTED;
            }
        }
    }
    return SHEAF_OK;
}

// ---- Layout

// Whether [va, va + pages) lies in what one table of `level` covers.
static bool in_one_table(vaddr_t va, uint64_t pages, unsigned level) {
    unsigned bits = PAGE_BITS + 9 * (4 - level);
    return va.v >> bits == (va.v + ((pages - 1) << PAGE_BITS)) >> bits;
}

static enum sheaf_error lay_part(struct map_plan *plan) {
    const struct operation *operation = plan->operation;
    uint64_t pages = frame_pages(plan->first);
    if (plan->first_page >= pages || operation->pages > pages - plan->first_page) {
        return SHEAF_ERR_RANGE;
    }
    if (!in_one_table(operation->va, operation->pages, 3)) {
        return SHEAF_ERR_RANGE;
    }
    bool block = operation->pages == TABLE_ENTRIES && (operation->flags & SHEAF_OP_PAGES) == 0 &&
                 IS_ALIGNED(plan->first_page, TABLE_ENTRIES);
    plan->level = block ? 2 : 3;
    return SHEAF_OK;
}

// The largest leaf that every Frame of the operation can be made of: one operation has one level,
// so that its tables can be counted before anything is changed.
static unsigned level_of(const struct map_plan *plan, unsigned least_bits) {
    if ((plan->operation->flags & SHEAF_OP_PAGES) != 0 || least_bits < MAP_BLOCK_BITS) {
        return 3;
    }
    return least_bits >= GIANT_BITS && IS_ALIGNED(plan->operation->va.v, BIT(GIANT_BITS)) ? 1 : 2;
}

static enum sheaf_error lay_alike(struct map_plan *plan) {
    unsigned bits = plan->first->size_bits;
    if (plan->count << (bits - PAGE_BITS) != plan->operation->pages) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    plan->level = level_of(plan, bits);
    return IS_ALIGNED(plan->operation->va.v, BIT(bits)) ? SHEAF_OK : SHEAF_ERR_MISALIGNED;
}

static enum sheaf_error lay_frames(struct map_plan *plan) {
    const struct operation *operation = plan->operation;
    uint64_t sum = 0;
    unsigned least = SHEAF_FRAME_MAX_BITS;
    for (uint64_t i = 0; i < plan->count && sum <= operation->pages; i++) {
        sum += frame_pages(plan->first + i);
        least = MIN(least, plan->first[i].size_bits);
    }
    if (sum != operation->pages) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    plan->level = level_of(plan, least);
    vaddr_t va = operation->va;
    for (uint64_t i = 0; i < plan->count; i++) {
        const struct slot *slot = plan->first + i;
        if (!IS_ALIGNED(va.v, BIT(MIN(slot->size_bits, MAP_BLOCK_BITS)))) {
            return SHEAF_ERR_MISALIGNED;
        }
        // A record names a run in one table.
        if (!in_one_table(va, frame_pages(slot), plan->level)) {
            return SHEAF_ERR_RANGE;
        }
        va.v += BIT(slot->size_bits);
    }
    return SHEAF_OK;
}

static enum sheaf_error prepare(const struct thread *thread, struct gather *gather,
                                struct map_plan *plan) {
    const struct operation *operation = plan->operation;
    if ((operation->flags & SHEAF_OP_DIRTY) != 0 && (operation->rights & SHEAF_MAP_WRITE) == 0) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    enum sheaf_error error = find_slots(thread, plan);
    if (error == SHEAF_OK) {
        plan->alike = are_alike(plan);
        error = check_slots(gather, plan);
    }
    if (error == SHEAF_OK) {
        error = is_part(plan) ? lay_part(plan) : plan->alike ? lay_alike(plan) : lay_frames(plan);
    }
    uint64_t leaves = operation->pages >> (9 * (3 - plan->level));
    return error == SHEAF_OK && leaves > SHEAF_MAP_LEAVES ? SHEAF_ERR_RANGE : error;
}

// ---- Instructions

// In slices; *done counts pages of the operation.
static enum sheaf_error synchronise(const struct map_plan *plan, uint64_t *done) {
    uint64_t before = 0; // pages of the Frames in front
    for (uint64_t i = 0; i < plan->count; i++) {
        const struct slot *slot = plan->first + i;
        uint64_t pages = plan_pages(plan, slot);
        while (*done < before + pages) {
            uint64_t page = *done - before, slice = MIN(pages - page, SYNC_PAGES);
            port_sync_instructions(PADDR(plan_start(plan, slot).v + (page << PAGE_BITS)),
                                   slice << PAGE_BITS);
            *done += slice;
            if (arch_interrupt_pending()) {
                return SHEAF_ERR_PREEMPTED;
            }
        }
        before += pages;
    }
    return SHEAF_OK;
}

// ---- The leaves

// Frames that are alike go in together, others one by one.
static void write_leaves(struct gather_map *map, const struct map_plan *plan) {
    struct leaf_attributes attributes = plan->attributes;
    for (uint64_t i = 0; i < plan->count; i++) {
        struct slot *slot = plan->first + i;
        attributes.max_write = (slot->rights & SHEAF_RIGHT_WRITE) != 0;
        attributes.memory_type = slot->memory_type;
        if (plan->alike) {
            gather_map_frames(map, &slot->frame, sizeof(*slot), (unsigned)plan->count,
                              frame_pages(slot), &attributes);
            return;
        }
        slot->frame.record =
            gather_map_frame(map, plan_start(plan, slot), plan_pages(plan, slot), &attributes);
    }
}

static enum sheaf_error install(struct gather *gather, struct vspace *vspace,
                                const struct map_plan *plan, unsigned *missing) {
    struct cnode *home = plan->first->home;
    struct gather_map map;
    lock_acquire(&home->lock);
    enum sheaf_error error = gather_map_begin(gather, vspace, plan->operation->va,
                                              plan->operation->pages, plan->level, &map, missing);
    if (error == SHEAF_OK) {
        write_leaves(&map, plan);
        gather_map_end(&map);
    }
    lock_release(&home->lock);
    return error;
}

enum sheaf_error gather_map_operation(const struct thread *thread, struct gather *gather,
                                      struct vspace *vspace, const struct operation *operation,
                                      uint64_t *done, unsigned *missing) {
    struct map_plan plan = {.operation = operation};
    enum sheaf_error error = prepare(thread, gather, &plan);
    if (error != SHEAF_OK) {
        return error;
    }
    plan.attributes = (struct leaf_attributes){
        .write = (operation->rights & SHEAF_MAP_WRITE) != 0,
        .execute = (operation->rights & SHEAF_MAP_EXECUTE) != 0,
        .accessed = (operation->flags & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) != 0,
        .dirty = (operation->flags & SHEAF_OP_DIRTY) != 0,
    };
    if (plan.attributes.execute) {
        error = synchronise(&plan, done);
        if (error != SHEAF_OK) {
            return error;
        }
    }
    return install(gather, vspace, &plan, missing);
}
