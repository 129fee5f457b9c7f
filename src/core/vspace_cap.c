// SPDX-License-Identifier: BSD-2-Clause
// Methods of a VSpace: memory for its tables, and how much there is.
#include "invoke.h"

static enum sheaf_error attach_chunk(struct vspace *vspace, struct slot *untyped, uint64_t offset) {
    struct chunk *chunk = port_kernel_address(PADDR(untyped_address(untyped).v + offset));
    enum sheaf_error error = vspace_grow(vspace, chunk);
    if (error == SHEAF_OK) {
        struct slot *node = chunk_node(chunk);
        *node = (struct slot){.type = SLOT_CHUNK, .size_bits = SHEAF_CHUNK_BITS};
        node->object = chunk;
        tree_insert_child(untyped, node);
    }
    return error;
}

static enum sheaf_error vspace_cap_grow(struct invocation *invocation) {
    struct vspace *vspace = invocation->slot->object;
    uint64_t count = argument(invocation, 1);
    struct slot *untyped;
    struct vspace_info info;
    enum sheaf_error error =
        lookup_type(invocation->caller, argument(invocation, 0), SHEAF_UNTYPED, &untyped);
    if (error != SHEAF_OK) {
        return error;
    }
    if (vspace_is_dead(vspace)) {
        return SHEAF_ERR_DEAD;
    }
    if (count == 0) {
        return SHEAF_ERR_ZERO_LENGTH;
    }
    if (count > SHEAF_GROW_MAX) {
        return SHEAF_ERR_RANGE;
    }
    vspace_info(vspace, &info);
    if (count > info.chunks_max - info.chunks) {
        return SHEAF_ERR_TOO_MANY_CHUNKS;
    }
    struct reserve reserve = {
        .memory_type = SHEAF_MEMORY_NORMAL, .bits = SHEAF_CHUNK_BITS, .count = count};
    error = untyped_reserve(untyped, &reserve);
    if (error != SHEAF_OK) {
        return error;
    }
    uint64_t end = reserve.start;
    for (; count > 0 && error == SHEAF_OK; count--) {
        error = attach_chunk(vspace, untyped, end);
        end += error == SHEAF_OK ? CHUNK_BYTES : 0; // it can only die meanwhile, with its chunks
    }
    untyped_commit(untyped, &reserve, end);
    lock_release(&tree_lock);
    return error;
}

static enum sheaf_error vspace_cap_shrink(struct invocation *invocation) {
    struct vspace *vspace = invocation->slot->object;
    uint64_t index = argument(invocation, 0);
    struct chunk *chunk;
    if (index == 0 || index > UINT16_MAX) {
        return SHEAF_ERR_RANGE;
    }
    lock_acquire(&tree_lock);
    enum sheaf_error error = vspace_shrink(vspace, (unsigned)index, &chunk);
    if (error == SHEAF_OK) {
        tree_remove(chunk_node(chunk));
        *(struct slot *)chunk_node(chunk) = (struct slot){0};
    }
    lock_release(&tree_lock);
    return error;
}

static enum sheaf_error vspace_cap_info(struct invocation *invocation) {
    struct vspace *vspace = invocation->slot->object;
    struct vspace_info info;
    if (vspace_is_dead(vspace)) {
        return SHEAF_ERR_DEAD;
    }
    vspace_info(vspace, &info);
    answer(invocation, info.chunks);
    answer(invocation, info.tables_free);
    answer(invocation, info.tables_used);
    answer(invocation, info.chunks_max);
    return SHEAF_OK;
}

static const struct method methods[] = {
    [SHEAF_VSPACE_GROW] = {.run = vspace_cap_grow, .words = 2},
    [SHEAF_VSPACE_SHRINK] = {.run = vspace_cap_shrink, .words = 1},
    [SHEAF_VSPACE_INFO] = {.run = vspace_cap_info},
};
const struct methods vspace_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
