// SPDX-License-Identifier: BSD-2-Clause
// Capabilities: what a slot names, and deriving one from another.
#include "objects.h"

struct object_head *slot_head(const struct slot *slot) {
    switch (slot->type) {
    case SHEAF_CNODE:
        return &((struct cnode *)slot->object)->head;
    case SHEAF_THREAD:
        return &((struct thread *)slot->object)->head;
    case SHEAF_ENDPOINT:
        return &((struct endpoint *)slot->object)->head;
    case SHEAF_NOTIFICATION:
        return &((struct notification *)slot->object)->head;
    case SHEAF_REPLY:
        return &((struct reply *)slot->object)->head;
    case SHEAF_IRQ_HANDLER:
        return &((struct irq_handler *)slot->object)->head;
    case SHEAF_TIMER:
        return &((struct timer *)slot->object)->head;
    case SHEAF_VSPACE:
        return vspace_head(slot->object);
    default:
        return NULL;
    }
}

void slot_derive(struct slot *slot, struct cnode *home, struct slot *source, uint64_t rights,
                 uint64_t badge) {
    ASSERT(lock_held(&tree_lock));
    ASSERT(slot->type == SHEAF_NULL);
    slot->rights = (uint8_t)rights;
    slot->flags = 0;
    slot->size_bits = source->size_bits;
    slot->memory_type = source->memory_type;
    slot->dying_pe = 0;
    slot->object = source->object; // a Frame's address lies in the same word
    slot->badge = badge;
    if (source->type == SHEAF_FRAME) {
        slot->frame.record = (struct mapping_record){0};
    }
    slot->home = home;
    struct object_head *head = slot_head(source);
    if (head != NULL) {
        head->references++;
    }
    tree_insert_child(source, slot);
    // Last, and with release: from here on a look-up on another PE finds a whole capability.
    __atomic_store_n(&slot->type, source->type, __ATOMIC_RELEASE);
}
