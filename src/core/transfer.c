// SPDX-License-Identifier: BSD-2-Clause
// Capabilities in messages.
//
// Both sides name slots in their IPC buffers, read once, when the two have met: what a sender named
// may be gone by then, and what a receiver named may be filled. Then nothing is copied, and whose
// fault it is does not matter: the message does not pass. The tree lock is held from the look-up
// to the last copy, so nobody comes in between.
#include "ipc.h"

enum sheaf_error transfer_sources(const struct thread *from, const struct slot *through,
                                  struct transfer *transfer) {
    ASSERT(lock_held(&tree_lock));
    if (through != NULL && (through->rights & SHEAF_RIGHT_GRANT) == 0) {
        return SHEAF_ERR_NO_RIGHT;
    }
    const struct sheaf_ipc_buffer *buffer = thread_buffer(from);
    if (buffer == NULL) {
        return SHEAF_ERR_NO_BUFFER;
    }
    transfer->count = SHEAF_TAG_CAPABILITIES(from->context.reg[SHEAF_REG_TAG]);
    for (unsigned i = 0; i < transfer->count; i++) {
        struct slot *slot;
        enum sheaf_error error =
            lookup(from, *(const volatile sheaf_cptr *)&buffer->send[i], &slot);
        if (error != SHEAF_OK) {
            return error;
        }
        if (slot->type == SHEAF_UNTYPED) {
            return SHEAF_ERR_NOT_COPYABLE;
        }
        transfer->capability[i].from = slot;
    }
    return SHEAF_OK;
}

enum sheaf_error transfer_places(const struct thread *to, struct transfer *transfer) {
    ASSERT(lock_held(&tree_lock));
    const struct sheaf_ipc_buffer *buffer = thread_buffer(to);
    if (buffer == NULL) {
        return SHEAF_ERR_NO_BUFFER;
    }
    for (unsigned i = 0; i < transfer->count; i++) {
        struct slot *slot;
        struct cnode *home;
        sheaf_cptr name = *(const volatile sheaf_cptr *)&buffer->receive[i];
        if (!lookup_place(to, name, &slot, &home) || slot->type != SHEAF_NULL) {
            return SHEAF_ERR_NO_RECEIVE_SLOT;
        }
        for (unsigned j = 0; j < i; j++) {
            if (transfer->capability[j].to == slot) {
                return SHEAF_ERR_NO_RECEIVE_SLOT;
            }
        }
        transfer->capability[i].to = slot;
        transfer->capability[i].home = home;
    }
    return SHEAF_OK;
}

void transfer_run(const struct transfer *transfer) {
    ASSERT(lock_held(&tree_lock));
    for (unsigned i = 0; i < transfer->count; i++) {
        struct slot *from = transfer->capability[i].from;
        struct cnode *home = transfer->capability[i].home;
        lock_acquire(&home->lock);
        slot_derive(transfer->capability[i].to, home, from, from->rights, slot_badge(from));
        lock_release(&home->lock);
    }
}
