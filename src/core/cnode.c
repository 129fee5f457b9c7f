// SPDX-License-Identifier: BSD-2-Clause
// Methods of a CNode: copy, mint, move, rotate, delete, revoke, cancel.
#include "delete.h"
#include "invoke.h"

static enum sheaf_error slot_at(const struct invocation *invocation, struct slot **out) {
    uint64_t index = argument(invocation, 0);
    if (index == 0 || index >= BIT(invocation->slot->size_bits)) {
        return SHEAF_ERR_RANGE;
    }
    *out = cnode_slot(invocation->slot->object, index);
    return SHEAF_OK;
}

static enum sheaf_error destination_and_source(const struct invocation *invocation,
                                               struct slot **to, struct slot **from) {
    enum sheaf_error error = slot_at(invocation, to);
    if (error == SHEAF_OK) {
        error = lookup(invocation->caller, argument(invocation, 1), from);
    }
    return error;
}

static enum sheaf_error derive(struct invocation *invocation, struct slot *to, struct slot *from,
                               uint64_t badge) {
    uint64_t rights = argument(invocation, 2);
    if ((rights & ~SHEAF_RIGHTS_ALL) != 0) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    if (from->type == SHEAF_UNTYPED) {
        return SHEAF_ERR_NOT_COPYABLE;
    }
    if (to->type != SHEAF_NULL) {
        return SHEAF_ERR_SLOT_OCCUPIED;
    }
    struct cnode *home = invocation->slot->object;
    lock_acquire(&tree_lock);
    lock_acquire(&home->lock);
    slot_derive(to, home, from, from->rights & rights, badge);
    lock_release(&home->lock);
    lock_release(&tree_lock);
    return SHEAF_OK;
}

static bool has_badge(const struct slot *slot) {
    return slot->type == SHEAF_ENDPOINT || slot->type == SHEAF_NOTIFICATION;
}

static enum sheaf_error cnode_copy(struct invocation *invocation) {
    struct slot *to, *from;
    enum sheaf_error error = destination_and_source(invocation, &to, &from);
    if (error != SHEAF_OK) {
        return error;
    }
    return derive(invocation, to, from, slot_badge(from));
}

static enum sheaf_error cnode_mint(struct invocation *invocation) {
    struct slot *to, *from;
    enum sheaf_error error = destination_and_source(invocation, &to, &from);
    if (error != SHEAF_OK) {
        return error;
    }
    if (!has_badge(from)) {
        return SHEAF_ERR_WRONG_TYPE;
    }
    uint64_t badge = argument(invocation, 3);
    if (badge == 0 || from->badge != 0) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    return derive(invocation, to, from, badge);
}

static enum sheaf_error cnode_move(struct invocation *invocation) {
    struct slot *to, *from;
    enum sheaf_error error = destination_and_source(invocation, &to, &from);
    if (error != SHEAF_OK) {
        return error;
    }
    if (to->type != SHEAF_NULL) {
        return SHEAF_ERR_SLOT_OCCUPIED;
    }
    lock_acquire(&tree_lock);
    slot_move(to, invocation->slot->object, from);
    lock_release(&tree_lock);
    return SHEAF_OK;
}

// Everything but the two moves; `to` is the source itself when the two change places.
static enum sheaf_error check_rotation(struct invocation *invocation, struct slot **to,
                                       struct slot **pivot, struct slot **from) {
    enum sheaf_error error = slot_at(invocation, to);
    if (error == SHEAF_OK) {
        error = lookup(invocation->caller, argument(invocation, 1), pivot);
    }
    if (error == SHEAF_OK) {
        error = lookup(invocation->caller, argument(invocation, 2), from);
    }
    if (error != SHEAF_OK) {
        return error;
    }
    if (*pivot == *from || *pivot == *to) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    return *to != *from && (*to)->type != SHEAF_NULL ? SHEAF_ERR_SLOT_OCCUPIED : SHEAF_OK;
}

static enum sheaf_error cnode_rotate(struct invocation *invocation) {
    struct slot *to, *pivot, *from;
    enum sheaf_error error = check_rotation(invocation, &to, &pivot, &from);
    if (error != SHEAF_OK) {
        return error;
    }
    struct slot between = {0}; // in the tree for the moment only
    struct cnode *to_home = invocation->slot->object, *pivot_home = pivot->home;
    lock_acquire(&tree_lock);
    slot_move(&between, NULL, pivot);
    slot_move(pivot, pivot_home, from);
    slot_move(to, to_home, &between);
    lock_release(&tree_lock);
    return SHEAF_OK;
}

static enum sheaf_error cnode_cancel(struct invocation *invocation) {
    struct slot *slot;
    enum sheaf_error error = slot_at(invocation, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    if (slot->type != SHEAF_ENDPOINT) {
        return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_WRONG_TYPE;
    }
    if (slot_is_dying(slot)) {
        return SHEAF_ERR_DEAD;
    }
    // The server's right: whoever may only send with this badge does not end what others sent.
    if ((slot->rights & SHEAF_RIGHT_READ) == 0) {
        return SHEAF_ERR_NO_RIGHT;
    }
    if (slot->badge == 0) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    return endpoint_cancel(invocation->pe, invocation->caller, slot->object, slot->badge);
}

static enum sheaf_error cnode_delete(struct invocation *invocation) {
    struct slot *slot;
    enum sheaf_error error = slot_at(invocation, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    if (slot->type == SHEAF_NULL) {
        return SHEAF_ERR_INVALID_CAPABILITY;
    }
    error = slot_delete(invocation->pe, slot);
    if (error == SHEAF_OK) {
        error = invocation_bury(invocation);
    }
    reload_vspace(invocation->pe);
    return error;
}

static enum sheaf_error cnode_revoke(struct invocation *invocation) {
    struct slot *slot;
    enum sheaf_error error = slot_at(invocation, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    if (slot->type == SHEAF_NULL) {
        return SHEAF_ERR_INVALID_CAPABILITY;
    }
    struct way way;
    lookup_way(invocation->caller, invocation->caller->context.reg[SHEAF_REG_CAP], &way);
    error = slot_revoke(invocation->pe, slot, &way);
    if (error == SHEAF_OK && slot->type == SHEAF_UNTYPED) {
        // Before the way goes, as long as an interrupted call finds the slot again.
        error = untyped_reset(slot, ALIAS_NEVER);
    }
    if (error == SHEAF_OK) {
        slot_revoke_way(invocation->pe, slot);
        error = invocation_bury(invocation);
    }
    reload_vspace(invocation->pe);
    return error;
}

static const struct method methods[] = {
    [SHEAF_CNODE_COPY] = {.run = cnode_copy, .words = 3},
    [SHEAF_CNODE_MINT] = {.run = cnode_mint, .words = 4},
    [SHEAF_CNODE_MOVE] = {.run = cnode_move, .words = 2},
    [SHEAF_CNODE_DELETE] = {.run = cnode_delete, .words = 1},
    [SHEAF_CNODE_REVOKE] = {.run = cnode_revoke, .words = 1},
    [SHEAF_CNODE_ROTATE] = {.run = cnode_rotate, .words = 3},
    [SHEAF_CNODE_CANCEL] = {.run = cnode_cancel, .words = 1},
};
const struct methods cnode_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
