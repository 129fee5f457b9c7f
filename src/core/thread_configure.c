// SPDX-License-Identifier: BSD-2-Clause
// CONFIGURE: the capabilities a thread stands on.
//
// All new ones are in place before the first old one is deleted: deleting can be long, can be
// preempted, and may take away what the names in the call go through (a thread may well replace
// its own CSpace). What is replaced goes to the thread's retired slots and from there the way of
// every dead container.
#include "delete.h"
#include "invoke.h"

static const struct {
    uint8_t type, rights;
} wanted[THREAD_SLOTS] = {
    [THREAD_CSPACE] = {SHEAF_CNODE, 0},
    [THREAD_VSPACE] = {SHEAF_VSPACE, 0},
    [THREAD_FAULT_ENDPOINT] = {SHEAF_ENDPOINT, SHEAF_RIGHT_WRITE},
    [THREAD_IPC_BUFFER] = {SHEAF_FRAME, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE},
    [THREAD_FAULT_NOTIFICATION] = {SHEAF_NOTIFICATION, SHEAF_RIGHT_WRITE},
};

static enum sheaf_error find(const struct invocation *invocation, unsigned which,
                             struct slot **out) {
    sheaf_cptr name = argument(invocation, which);
    *out = NULL;
    if (name == 0) {
        return SHEAF_OK;
    }
    enum sheaf_error error = lookup_type(invocation->caller, name, wanted[which].type, out);
    if (error != SHEAF_OK) {
        return error;
    }
    if (((*out)->rights & wanted[which].rights) != wanted[which].rights) {
        return SHEAF_ERR_NO_RIGHT;
    }
    if (which == THREAD_VSPACE && vspace_is_dead((*out)->object)) {
        return SHEAF_ERR_DEAD;
    }
    if (which == THREAD_IPC_BUFFER && (*out)->size_bits != SHEAF_PAGE_BITS) {
        return SHEAF_ERR_RANGE;
    }
    // The kernel reaches the buffer by its own, cacheable mapping.
    return which == THREAD_IPC_BUFFER && (*out)->memory_type != SHEAF_MEMORY_NORMAL
               ? SHEAF_ERR_MEMORY_TYPE
               : SHEAF_OK;
}

static void replace(struct thread *thread, unsigned which, struct slot *source, bool *retired) {
    struct slot *slot = &thread->slot[which];
    if (source == NULL) {
        return;
    }
    if (slot->type != SHEAF_NULL) {
        slot_move(&thread->retired[which], NULL, slot);
        *retired = true;
    }
    slot_derive(slot, NULL, source, source->rights, slot_badge(source));
}

enum sheaf_error thread_configure(struct invocation *invocation) {
    struct thread *thread = invocation->slot->object;
    struct slot *source[THREAD_SLOTS];
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        enum sheaf_error error = find(invocation, i, &source[i]);
        if (error != SHEAF_OK) {
            return error;
        }
    }
    if (thread->retirement.type != SHEAF_NULL) {
        // What an earlier CONFIGURE retired must be gone before more is; and with it may go what
        // we have just found: begin again.
        burials_continue(invocation->pe);
        return SHEAF_ERR_PREEMPTED;
    }
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        if (source[i] != NULL && slot_is_dying(&thread->slot[i])) {
            // An interrupted deleter left it so. It is deleted, not moved; the same as above then.
            slot_delete(invocation->pe, &thread->slot[i]);
            reload_vspace(invocation->pe);
            return SHEAF_ERR_PREEMPTED;
        }
    }
    bool retired = false;
    lock_acquire(&tree_lock);
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        replace(thread, i, source[i], &retired);
    }
    if (retired) {
        slots_retire(invocation->slot, &thread->retirement, thread->retired, THREAD_SLOTS);
    }
    lock_release(&tree_lock);
    enum sheaf_error error = invocation_bury(invocation);
    reload_vspace(invocation->pe);
    return error;
}
