// SPDX-License-Identifier: BSD-2-Clause
// MOVE: whole tables, or leaves that capabilities in consecutive slots name.
#include "gather_call.h"

// The slots from the one named on, as long as they hold Frames: at most as many as there can be
// mappings in the range. How many of them are needed, the tables say.
struct named_frames {
    struct slot *first;
    uint64_t room; // slots from the first to the CNode's end
    struct moved_frames frames;
};

// The CNode's lock is held.
static void collect(struct named_frames *named, uint64_t pages) {
    unsigned most = (unsigned)MIN(MIN(named->room, pages), SHEAF_MOVE_FRAMES), count = 0;
    for (struct slot *slot = named->first; count < most && slot->living_type == SHEAF_FRAME;
         slot++) {
        named->frames.at[count].frame = &slot->frame;
        named->frames.at[count++].size_bits = slot->size_bits;
    }
    named->frames.count = count;
}

// Why there was no further Frame for a leaf.
static enum sheaf_error why_none(const struct named_frames *named) {
    unsigned count = named->frames.count;
    if (count == SHEAF_MOVE_FRAMES || count == named->room) {
        return SHEAF_ERR_RANGE;
    }
    const struct slot *slot = named->first + count;
    if (slot->type == SHEAF_NULL) {
        return SHEAF_ERR_INVALID_CAPABILITY;
    }
    return slot_is_dying(slot) ? SHEAF_ERR_DEAD : SHEAF_ERR_WRONG_TYPE;
}

static enum sheaf_error move_leaves(const struct thread *thread, struct gather *gather,
                                    struct vspace *vspace, const struct operation *operation,
                                    unsigned *missing) {
    struct named_frames named;
    enum sheaf_error error = lookup_type(thread, operation->word5, SHEAF_FRAME, &named.first);
    if (error != SHEAF_OK) {
        return error;
    }
    struct cnode *home = named.first->home;
    named.room = BIT(home->head.flags) - (uint64_t)(named.first - cnode_slot(home, 0));
    lock_acquire(&home->lock);
    collect(&named, operation->pages);
    error = gather_move_leaves(gather, vspace, operation->va, VADDR(operation->word4),
                               operation->pages, &named.frames, missing);
    if (error == SHEAF_ERR_OTHER_MAPPING && named.frames.named == named.frames.count) {
        error = why_none(&named);
    }
    lock_release(&home->lock);
    return error;
}

enum sheaf_error gather_move_operation(const struct thread *thread, struct gather *gather,
                                       struct vspace *vspace, const struct operation *operation,
                                       struct gather_move *move, unsigned *missing) {
    vaddr_t to = VADDR(operation->word4);
    enum sheaf_error error = gather_check_range(to, operation->pages);
    if (error != SHEAF_OK) {
        return error;
    }
    if (operation->word5 != 0) {
        return move_leaves(thread, gather, vspace, operation, missing);
    }
    return gather_move_tables(gather, vspace, operation->va, to, operation->pages, move, missing);
}
