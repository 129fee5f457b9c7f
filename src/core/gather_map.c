// SPDX-License-Identifier: BSD-2-Clause
// MAP: whole Frames one after the other, or a part of one.
//
// All or nothing, so in three steps: everything that can be wrong with capabilities and layout;
// then what takes time and may be preempted (making instructions visible); then, with the CNode's
// slots and the VSpace locked, the check of the place, the leaves and the records.
#include "gather_call.h"

#define TABLE_ENTRIES 512u
#define BLOCK_BITS 21u // 2 MiB: what one table of pages covers, and the smaller block
#define GIANT_BITS 30u // 1 GiB, the larger one
#define SYNC_PAGES 16u // 64 KiB: what port_sync_instructions takes

struct map_plan {
    const struct sheaf_gather_op *op;
    struct slot *first;
    uint64_t count;      // slots
    uint64_t first_page; // with PART
    unsigned level;
};

static bool is_part(const struct sheaf_gather_op *op) {
    return (op_flags(op) & SHEAF_OP_PART) != 0;
}

static uint64_t frame_pages(const struct slot *slot) { return BIT(slot->size_bits - PAGE_BITS); }

static uint64_t plan_pages(const struct map_plan *plan, const struct slot *slot) {
    return is_part(plan->op) ? op_pages(plan->op) : frame_pages(slot);
}

static paddr_t plan_start(const struct map_plan *plan, const struct slot *slot) {
    return PADDR(slot->frame.address.v + (plan->first_page << PAGE_BITS));
}

// ---- Capabilities

static inline enum sheaf_error check_rights(const struct sheaf_gather_op *op,
                                            const struct slot *slot) {
    if ((slot->rights & SHEAF_RIGHT_READ) == 0) {
        return SHEAF_ERR_NO_RIGHT; // every mapping can be read
    }
    bool write = (op_rights(op) & SHEAF_MAP_WRITE) != 0;
    return write && (slot->rights & SHEAF_RIGHT_WRITE) == 0 ? SHEAF_ERR_RIGHTS_EXCEEDED : SHEAF_OK;
}

ALWAYS_INLINE enum sheaf_error check_slot(const struct sheaf_gather_op *op,
                                          const struct slot *slot) {
    if (slot->type != SHEAF_FRAME) {
        return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_WRONG_TYPE;
    }
    if (slot_is_dying(slot)) {
        return SHEAF_ERR_DEAD;
    }
    enum sheaf_error error = check_rights(op, slot);
    if (error != SHEAF_OK) {
        return error;
    }
    // The kernel makes instructions visible by its own mapping, which registers of devices do not
    // have; and where instructions may be fetched, a PE may do so before it is asked to.
    if ((op_rights(op) & SHEAF_MAP_EXECUTE) != 0 && slot->memory_type == SHEAF_MEMORY_DEVICE) {
        return SHEAF_ERR_MEMORY_TYPE;
    }
    if (slot->frame.record.v != 0 &&
        record_is_live(slot->frame.record, slot->frame.address, slot->size_bits)) {
        return SHEAF_ERR_ALREADY_MAPPED;
    }
    return SHEAF_OK;
}

ALWAYS_INLINE enum sheaf_error check_slots(const struct map_plan *plan) {
    for (uint64_t i = 0; i < plan->count; i++) {
        enum sheaf_error error = check_slot(plan->op, plan->first + i);
        if (unlikely(error != SHEAF_OK)) {
            return error;
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

static inline enum sheaf_error lay_part(struct map_plan *plan) {
    const struct sheaf_gather_op *op = plan->op;
    uint64_t pages = frame_pages(plan->first);
    if (plan->first_page >= pages || op_pages(op) > pages - plan->first_page) {
        return SHEAF_ERR_RANGE;
    }
    if (!in_one_table(op_va(op), op_pages(op), 3)) {
        return SHEAF_ERR_RANGE;
    }
    bool block = op_pages(op) == TABLE_ENTRIES && (op_flags(op) & SHEAF_OP_PAGES) == 0 &&
                 IS_ALIGNED(plan->first_page, TABLE_ENTRIES);
    plan->level = block ? 2 : 3;
    return SHEAF_OK;
}

// The largest leaf that every Frame of the operation can be made of: one operation has one level,
// so that its tables can be counted before anything is changed.
static inline unsigned level_of(const struct sheaf_gather_op *op, unsigned least_bits) {
    if ((op_flags(op) & SHEAF_OP_PAGES) != 0 || least_bits < BLOCK_BITS) {
        return 3;
    }
    return least_bits >= GIANT_BITS && IS_ALIGNED(op_va(op).v, BIT(GIANT_BITS)) ? 1 : 2;
}

ALWAYS_INLINE enum sheaf_error lay_frames(struct map_plan *plan) {
    const struct sheaf_gather_op *op = plan->op;
    uint64_t sum = 0;
    unsigned least = SHEAF_FRAME_MAX_BITS;
    for (uint64_t i = 0; i < plan->count; i++) {
        sum += frame_pages(plan->first + i);
        least = MIN(least, plan->first[i].size_bits);
    }
    if (unlikely(sum != op_pages(op))) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    plan->level = level_of(op, least);
    vaddr_t va = op_va(op);
    for (uint64_t i = 0; i < plan->count; i++) {
        const struct slot *slot = plan->first + i;
        if (unlikely(!IS_ALIGNED(va.v, BIT(MIN(slot->size_bits, BLOCK_BITS))))) {
            return SHEAF_ERR_MISALIGNED;
        }
        // A record names a run in one table. At a multiple of its size a Frame cannot leave one.
        if (slot->size_bits > BLOCK_BITS && !in_one_table(va, frame_pages(slot), plan->level)) {
            return SHEAF_ERR_RANGE;
        }
        va.v += BIT(slot->size_bits);
    }
    return SHEAF_OK;
}

ALWAYS_INLINE enum sheaf_error lay(struct map_plan *plan) {
    enum sheaf_error error =
        plan->count == 1 && is_part(plan->op) ? lay_part(plan) : lay_frames(plan);
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    uint64_t leaves = op_pages(plan->op) >> (9 * (3 - plan->level));
    return leaves > SHEAF_MAP_LEAVES ? SHEAF_ERR_RANGE : SHEAF_OK;
}

// ---- Instructions

// In slices; *done counts pages of the operation.
static __attribute__((noinline)) enum sheaf_error synchronise(const struct map_plan *plan,
                                                              uint64_t *done) {
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

// What is pending in the VSpaces where these Frames were before is completed first: whoever still
// has a translation of then must not see the Frame in a new role (design, G3).
ALWAYS_INLINE void complete_earlier(struct gather *gather, const struct map_plan *plan) {
    for (uint64_t i = 0; i < plan->count; i++) {
        if (plan->first[i].frame.record.v != 0) {
            gather_complete_record(gather, plan->first[i].frame.record);
        }
    }
}

ALWAYS_INLINE struct leaf_attributes attributes_of(const struct sheaf_gather_op *op,
                                                   const struct slot *slot) {
    unsigned rights = op_rights(op), flags = op_flags(op);
    return (struct leaf_attributes){
        .write = (rights & SHEAF_MAP_WRITE) != 0,
        .execute = (rights & SHEAF_MAP_EXECUTE) != 0,
        .max_write = (slot->rights & SHEAF_RIGHT_WRITE) != 0,
        .accessed = (flags & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) != 0,
        .dirty = (flags & SHEAF_OP_DIRTY) != 0,
        .memory_type = slot->memory_type,
    };
}

ALWAYS_INLINE enum sheaf_error install_one(struct gather *gather, struct vspace *vspace,
                                           const struct map_plan *plan, unsigned *missing) {
    struct slot *slot = plan->first;
    const struct map_run run = {
        .va = op_va(plan->op),
        .frame = plan_start(plan, slot),
        .pages = op_pages(plan->op),
        .level = plan->level,
        .attributes = attributes_of(plan->op, slot),
    };
    return gather_map_run(gather, vspace, &run, &slot->frame.record, missing);
}

static inline enum sheaf_error install_all(struct gather *gather, struct vspace *vspace,
                                           const struct map_plan *plan, unsigned *missing) {
    struct gather_map map;
    enum sheaf_error error = gather_map_begin(gather, vspace, op_va(plan->op), op_pages(plan->op),
                                              plan->level, &map, missing);
    if (error != SHEAF_OK) {
        return error;
    }
    for (uint64_t i = 0; i < plan->count; i++) {
        struct slot *slot = plan->first + i;
        const struct leaf_attributes attributes = attributes_of(plan->op, slot);
        slot->frame.record =
            gather_map_frame(&map, slot->frame.address, frame_pages(slot), &attributes);
    }
    gather_map_end(&map);
    return SHEAF_OK;
}

ALWAYS_INLINE enum sheaf_error run_map(struct gather *gather, struct vspace *vspace,
                                       struct map_plan *plan, uint64_t *done, unsigned *missing) {
    enum sheaf_error error = check_slots(plan);
    if (likely(error == SHEAF_OK)) {
        error = lay(plan);
    }
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    if ((op_rights(plan->op) & SHEAF_MAP_EXECUTE) != 0) {
        const struct map_plan copy = *plan; // so that the plan itself can be in registers
        error = synchronise(&copy, done);
        if (error != SHEAF_OK) {
            return error;
        }
    }
    complete_earlier(gather, plan);
    struct cnode *home = plan->first->home;
    lock_acquire(&home->lock);
    error = plan->count == 1 ? install_one(gather, vspace, plan, missing)
                             : install_all(gather, vspace, plan, missing);
    lock_release(&home->lock);
    return error;
}

static __attribute__((noinline)) enum sheaf_error
run_several(struct gather *gather, struct vspace *vspace, const struct sheaf_gather_op *op,
            struct slot *first, uint64_t count, uint64_t *done, unsigned *missing) {
    struct map_plan plan = {.op = op, .first = first, .count = count};
    return run_map(gather, vspace, &plan, done, missing);
}

enum sheaf_error gather_map_operation(const struct thread *thread, struct gather *gather,
                                      struct vspace *vspace, const struct sheaf_gather_op *op,
                                      uint64_t *done, unsigned *missing) {
    unsigned rights = op_rights(op);
    if (unlikely(rights == 0 ||
                 (rights & ~(SHEAF_MAP_READ | SHEAF_MAP_WRITE | SHEAF_MAP_EXECUTE)) != 0 ||
                 ((op_flags(op) & SHEAF_OP_DIRTY) != 0 && (rights & SHEAF_MAP_WRITE) == 0))) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    struct slot *first;
    enum sheaf_error error = lookup_type(thread, op->word[4], SHEAF_FRAME, &first);
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    uint64_t count = is_part(op) ? 1 : op->word[5];
    if (unlikely(count == 0)) {
        return SHEAF_ERR_ZERO_LENGTH;
    }
    uint64_t index = (uint64_t)(first - cnode_slot(first->home, 0));
    // Each would be a leaf at least: as many slots as a CNode may have are not even looked at.
    if (unlikely(count > MIN(BIT(first->home->head.flags) - index, SHEAF_MAP_LEAVES))) {
        return SHEAF_ERR_RANGE;
    }
    if (unlikely(count != 1)) {
        return run_several(gather, vspace, op, first, count, done, missing);
    }
    struct map_plan plan = {
        .op = op,
        .first = first,
        .count = 1,
        .first_page = is_part(op) ? op->word[5] : 0,
    };
    return run_map(gather, vspace, &plan, done, missing);
}
