// SPDX-License-Identifier: BSD-2-Clause
// The Notification that a Timer, an IrqHandler or the Console signals: a derived copy in a slot of
// its own, so that revoking the original ends the signals.
#include "delete.h"
#include "invoke.h"

static enum sheaf_error detach(struct invocation *invocation, struct slot *slot) {
    enum sheaf_error error = slot_delete(invocation->pe, slot);
    if (error == SHEAF_OK) {
        error = invocation_bury(invocation);
    }
    reload_vspace(invocation->pe);
    return error;
}

enum sheaf_error attach_notification(struct invocation *invocation, struct slot *slot) {
    sheaf_cptr name = argument(invocation, 0);
    struct slot *source;
    if (name == 0) {
        return detach(invocation, slot);
    }
    enum sheaf_error error = lookup_type(invocation->caller, name, SHEAF_NOTIFICATION, &source);
    if (error != SHEAF_OK) {
        return error;
    }
    if ((source->rights & SHEAF_RIGHT_WRITE) == 0) {
        return SHEAF_ERR_NO_RIGHT;
    }
    if (slot->type != SHEAF_NULL) {
        return SHEAF_ERR_IN_USE;
    }
    lock_acquire(&tree_lock);
    slot_derive(slot, NULL, source, source->rights, source->badge);
    lock_release(&tree_lock);
    return SHEAF_OK;
}
