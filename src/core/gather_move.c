// SPDX-License-Identifier: BSD-2-Clause
// MOVE: whole tables, or leaves that capabilities in consecutive slots name.
#include "gather_call.h"

// The slots of a slice, as long as they hold Frames. How many of them are needed, the tables say.
struct named_frames {
    struct slot *next; // the slot after the last of `frames`, in the slice's direction
    uint64_t room;     // slots from `next` on, when nothing is collected
    bool down;         // from the highest slot to the lowest
    struct moved_frames frames;
};

// Where a slice begins. The CNode's lock is held.
static void begin(struct named_frames *named, const struct operation *operation, struct slot *first,
                  const struct gather_move *move) {
    struct cnode *home = first->home;
    uint64_t behind = BIT(home->head.flags) - (uint64_t)(first - cnode_slot(home, 0));
    uint64_t slots = MIN(move->slots, behind); // the CNode may be another than before
    named->down = move_goes_down(move, operation->va, VADDR(operation->word4));
    named->next = named->down ? first + slots - 1 : first + slots;
    named->room = named->down ? slots : behind - slots;
    named->frames.count = 0;
}

static void collect(struct named_frames *named, uint64_t pages) {
    uint64_t most = MIN(MIN(named->room, pages), MOVE_FRAMES);
    unsigned count = 0;
    struct slot *slot = named->next;
    while (count < most && slot->living_type == SHEAF_FRAME) {
        named->frames.at[count].frame = &slot->frame;
        named->frames.at[count].size_bits = slot->size_bits;
        named->frames.at[count++].max_write = (slot->rights & SHEAF_RIGHT_WRITE) != 0;
        slot += named->down ? -1 : 1;
    }
    named->next = slot;
    named->room -= count;
    named->frames.count = count;
}

// Why there was no further Frame for a leaf.
static enum sheaf_error why_none(const struct named_frames *named) {
    if (named->room == 0) {
        return SHEAF_ERR_RANGE;
    }
    if (named->next->type == SHEAF_NULL) {
        return SHEAF_ERR_INVALID_CAPABILITY;
    }
    return slot_is_dying(named->next) ? SHEAF_ERR_DEAD : SHEAF_ERR_WRONG_TYPE;
}

static enum sheaf_error move_slice(const struct thread *thread, struct gather *gather,
                                   struct vspace *vspace, const struct operation *operation,
                                   struct gather_move *move, unsigned *missing) {
    struct named_frames named;
    struct slot *first;
    enum sheaf_error error = lookup_type(thread, operation->word5, SHEAF_FRAME, &first);
    if (error != SHEAF_OK) {
        return error;
    }
    struct lock *lock = &first->home->lock;
    lock_acquire(lock);
    begin(&named, operation, first, move);
    collect(&named, operation->pages);
    error = gather_move_leaves(gather, vspace, operation->va, VADDR(operation->word4),
                               operation->pages, &named.frames, move, missing);
    if (error == SHEAF_ERR_OTHER_MAPPING && named.frames.named == named.frames.count) {
        error = why_none(&named);
    }
    lock_release(lock);
    return error;
}

enum sheaf_error gather_move_operation(const struct thread *thread, struct gather *gather,
                                       struct vspace *vspace, const struct operation *operation,
                                       struct gather_move *move, unsigned *missing) {
    vaddr_t to = VADDR(operation->word4);
    enum sheaf_error error = gather_check_range(to, operation->pages);
    while (error == SHEAF_OK) {
        if (operation->word5 != 0) {
            error = move_slice(thread, gather, vspace, operation, move, missing);
        } else {
            error = gather_move_tables(gather, vspace, operation->va, to, operation->pages, move,
                                       missing);
        }
        if (error != SHEAF_OK || move->pass == MOVE_DONE) {
            break;
        }
        if (arch_interrupt_pending()) {
            gather_finish(gather); // before the PE is given away
            error = SHEAF_ERR_PREEMPTED;
        }
    }
    return error;
}
