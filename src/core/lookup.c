// SPDX-License-Identifier: BSD-2-Clause
// Look-up over several levels, and what is wrong with a name.
#include "lookup.h"

// Follows `name` to its slot. INVALID_CAPABILITY, DEAD, RANGE.
static enum sheaf_error follow(const struct thread *thread, sheaf_cptr name, struct slot **out,
                               struct cnode **home) {
    const struct slot *node = &thread->slot[THREAD_CSPACE];
    for (unsigned level = 0; level < LOOKUP_LEVELS; level++) {
        if (node->type != SHEAF_CNODE) {
            return SHEAF_ERR_INVALID_CAPABILITY;
        }
        if (level != 0 && slot_is_dying(node)) {
            return SHEAF_ERR_DEAD;
        }
        uint64_t index = name & (BIT(node->size_bits) - 1);
        if (index == 0) {
            return SHEAF_ERR_INVALID_CAPABILITY;
        }
        name >>= node->size_bits;
        *home = node->object;
        *out = cnode_slot(*home, index);
        if (name == 0) {
            return SHEAF_OK;
        }
        node = *out;
    }
    return SHEAF_ERR_RANGE;
}

enum sheaf_error lookup_levels(const struct thread *thread, sheaf_cptr name, struct slot **out) {
    struct cnode *home;
    enum sheaf_error error = follow(thread, name, out, &home);
    if (error != SHEAF_OK) {
        return error;
    }
    return (*out)->type == SHEAF_NULL ? SHEAF_ERR_INVALID_CAPABILITY
           : slot_is_dying(*out)      ? SHEAF_ERR_DEAD
                                      : SHEAF_OK;
}

enum sheaf_error lookup_type_levels(const struct thread *thread, sheaf_cptr name,
                                    enum sheaf_type type, struct slot **out) {
    enum sheaf_error error = lookup_levels(thread, name, out);
    return error != SHEAF_OK || (*out)->type == type ? error : SHEAF_ERR_WRONG_TYPE;
}

bool lookup_place(const struct thread *thread, sheaf_cptr name, struct slot **out,
                  struct cnode **home) {
    return follow(thread, name, out, home) == SHEAF_OK;
}

void lookup_way(const struct thread *thread, sheaf_cptr name, struct way *way) {
    const struct slot *node = &thread->slot[THREAD_CSPACE];
    way->slot[0] = node;
    for (way->count = 1; name != 0; way->count++) {
        uint64_t index = name & (BIT(node->size_bits) - 1);
        name >>= node->size_bits;
        node = cnode_slot(node->object, index);
        way->slot[way->count] = node;
    }
}
