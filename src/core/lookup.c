// SPDX-License-Identifier: BSD-2-Clause
// Look-up over several levels, and what is wrong with a name.
#include "lookup.h"

enum sheaf_error lookup_levels(const struct thread *thread, sheaf_cptr name, struct slot **out) {
    const struct slot *node = &thread->slot[THREAD_CSPACE];
    for (unsigned level = 0; level < LOOKUP_LEVELS; level++) {
        if (node->type != SHEAF_CNODE) {
            return SHEAF_ERR_INVALID_CAPABILITY;
        }
        if (slot_is_dying(node)) {
            return SHEAF_ERR_DEAD;
        }
        uint64_t index = name & (BIT(node->size_bits) - 1);
        if (index == 0) {
            return SHEAF_ERR_INVALID_CAPABILITY;
        }
        name >>= node->size_bits;
        struct slot *slot = cnode_slot(node->object, index);
        if (name == 0) {
            *out = slot;
            return slot->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY
                   : slot_is_dying(slot)    ? SHEAF_ERR_DEAD
                                            : SHEAF_OK;
        }
        node = slot;
    }
    return SHEAF_ERR_RANGE;
}
