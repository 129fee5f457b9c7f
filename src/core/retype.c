// SPDX-License-Identifier: BSD-2-Clause
// Retype: memory becomes objects.
//
// Everything that can fail comes first: arguments, destination slots, memory, zeroing, the address
// space identifiers of VSpaces. Then objects and capabilities are made, and nothing can fail.
#include "invoke.h"

struct retype {
    unsigned type;
    unsigned size_bits; // of the capability: log2 of bytes, of a CNode log2 of slots
    uint64_t first;     // of `memory.count` slots
    struct slot *untyped;
    struct cnode *cnode;
    struct reserve memory;
};

static enum sheaf_error fixed_size(struct retype *retype, unsigned bits) {
    if (retype->size_bits != 0 && retype->size_bits != bits) {
        return SHEAF_ERR_RANGE;
    }
    retype->size_bits = bits;
    retype->memory.bits = bits;
    return SHEAF_OK;
}

static enum sheaf_error chosen_size(struct retype *retype, unsigned least, unsigned most,
                                    unsigned unit_bits) {
    retype->memory.bits = retype->size_bits + unit_bits;
    return retype->size_bits < least || retype->size_bits > most ? SHEAF_ERR_RANGE : SHEAF_OK;
}

static enum sheaf_error size_of_type(struct retype *retype) {
    switch (retype->type) {
    case SHEAF_UNTYPED:
        return chosen_size(retype, SHEAF_UNTYPED_MIN_BITS, SHEAF_UNTYPED_MAX_BITS, 0);
    case SHEAF_CNODE:
        return chosen_size(retype, SHEAF_CNODE_MIN_BITS, SHEAF_CNODE_MAX_BITS, SHEAF_SLOT_BITS);
    case SHEAF_FRAME:
        return chosen_size(retype, SHEAF_FRAME_MIN_BITS, SHEAF_FRAME_MAX_BITS, 0);
    case SHEAF_THREAD:
        return fixed_size(retype, SHEAF_THREAD_BITS);
    case SHEAF_ENDPOINT:
        return fixed_size(retype, SHEAF_ENDPOINT_BITS);
    case SHEAF_NOTIFICATION:
        return fixed_size(retype, SHEAF_NOTIFICATION_BITS);
    case SHEAF_REPLY:
        return fixed_size(retype, SHEAF_REPLY_BITS);
    case SHEAF_IRQ_HANDLER:
        return fixed_size(retype, SHEAF_IRQ_HANDLER_BITS);
    case SHEAF_TIMER:
        return fixed_size(retype, SHEAF_TIMER_BITS);
    case SHEAF_VSPACE:
        return fixed_size(retype, SHEAF_CHUNK_BITS);
    default:
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
}

static enum sheaf_error parse(const struct invocation *invocation, struct retype *retype) {
    uint64_t what = argument(invocation, 0);
    *retype = (struct retype){.type = what & 0xff,
                              .size_bits = (what >> 8) & 0xff,
                              .first = argument(invocation, 2),
                              .untyped = invocation->slot,
                              .memory = {.memory_type = (what >> 16) & 0xff,
                                         .count = argument(invocation, 3),
                                         .again = (what & 0xff) == SHEAF_UNTYPED}};
    if (what >> 24 != 0 || retype->memory.memory_type > SHEAF_MEMORY_DEVICE) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    enum sheaf_error error = size_of_type(retype);
    if (error != SHEAF_OK) {
        return error;
    }
    // Whatever else is made of memory, the kernel keeps in it what it must read and write.
    if (retype->memory.memory_type != SHEAF_MEMORY_NORMAL && retype->type != SHEAF_FRAME &&
        retype->type != SHEAF_UNTYPED) {
        return SHEAF_ERR_MEMORY_TYPE;
    }
    if (retype->memory.count == 0) {
        return SHEAF_ERR_ZERO_LENGTH;
    }
    uint64_t most = retype->type == SHEAF_VSPACE ? SHEAF_RETYPE_MAX_VSPACES : SHEAF_RETYPE_MAX;
    return retype->memory.count > most ? SHEAF_ERR_RANGE : SHEAF_OK;
}

static enum sheaf_error find_destination(const struct invocation *invocation,
                                         struct retype *retype) {
    struct slot *slot;
    enum sheaf_error error =
        lookup_type(invocation->caller, argument(invocation, 1), SHEAF_CNODE, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    uint64_t slots = BIT(slot->size_bits);
    if (retype->first == 0 || retype->first >= slots ||
        retype->memory.count > slots - retype->first) {
        return SHEAF_ERR_RANGE;
    }
    retype->cnode = slot->object;
    return SHEAF_OK;
}

static enum sheaf_error check_empty(const struct retype *retype) {
    for (uint64_t i = 0; i < retype->memory.count; i++) {
        if (cnode_slot(retype->cnode, retype->first + i)->type != SHEAF_NULL) {
            return SHEAF_ERR_SLOT_OCCUPIED;
        }
    }
    return SHEAF_OK;
}

static void *object_memory(const struct retype *retype, uint64_t i) {
    uint64_t offset = retype->memory.start + (i << retype->memory.bits);
    return port_kernel_address(PADDR(untyped_address(retype->untyped).v + offset));
}

// VSpaces are made before any capability: identifiers may run out. All or none.
static enum sheaf_error make_vspaces(const struct retype *retype) {
    struct vspace *vspace;
    for (uint64_t made = 0; made < retype->memory.count; made++) {
        enum sheaf_error error = vspace_create(object_memory(retype, made), &vspace);
        if (error != SHEAF_OK) {
            untyped_set_watermark(retype->untyped, retype->memory.watermark);
            untyped_set_zeroed(retype->untyped, retype->memory.watermark);
            while (made-- > 0) {
                vspace_destroy(chunk_vspace(object_memory(retype, made)));
            }
            return error;
        }
    }
    return SHEAF_OK;
}

static void init_object(unsigned type, struct slot *slot, unsigned size_bits) {
    void *object = slot->object;
    switch (type) {
    case SHEAF_CNODE:
        ((struct cnode *)object)->head.flags = size_bits;
        lock_init(&((struct cnode *)object)->lock, LOCK_CNODE);
        break;
    case SHEAF_THREAD:
        thread_init(object);
        break;
    case SHEAF_ENDPOINT:
        lock_init(&((struct endpoint *)object)->lock, LOCK_OBJECT);
        break;
    case SHEAF_NOTIFICATION:
        lock_init(&((struct notification *)object)->lock, LOCK_OBJECT);
        break;
    case SHEAF_TIMER:
        timer_begin(object);
        break;
    case SHEAF_VSPACE:
        slot->object = chunk_vspace(object);
        break;
    default:
        break;
    }
}

static void make_capability(const struct retype *retype, uint64_t i) {
    struct slot *slot = cnode_slot(retype->cnode, retype->first + i);
    uint64_t address =
        untyped_address(retype->untyped).v + retype->memory.start + (i << retype->memory.bits);
    slot->size_bits = (uint8_t)retype->size_bits;
    slot->memory_type = (uint8_t)retype->memory.memory_type;
    slot->rights = SHEAF_RIGHTS_ALL;
    slot->home = retype->cnode;
    if (retype->type == SHEAF_FRAME) {
        slot->frame.address = PADDR(address);
    } else if (retype->type == SHEAF_UNTYPED) {
        slot->untyped.base = address >> UNTYPED_UNIT_BITS;
    } else {
        slot->object = port_kernel_address(PADDR(address));
        init_object(retype->type, slot, retype->size_bits);
    }
    tree_insert_child(retype->untyped, slot);
    __atomic_store_n(&slot->type, (uint8_t)retype->type, __ATOMIC_RELEASE);
    struct object_head *head = slot_head(slot);
    if (head != NULL) {
        head->references = 1;
    }
}

// tree_lock held.
static enum sheaf_error make_all(const struct retype *retype) {
    // Again: until the tree lock was taken, another PE could fill the slots.
    enum sheaf_error error = check_empty(retype);
    if (error == SHEAF_OK && retype->type == SHEAF_VSPACE) {
        error = make_vspaces(retype);
    }
    if (error != SHEAF_OK) {
        return error;
    }
    lock_acquire(&retype->cnode->lock);
    for (uint64_t i = 0; i < retype->memory.count; i++) {
        make_capability(retype, i);
    }
    lock_release(&retype->cnode->lock);
    untyped_commit(retype->untyped, &retype->memory,
                   retype->memory.start + (retype->memory.count << retype->memory.bits));
    return SHEAF_OK;
}

enum sheaf_error untyped_retype(struct invocation *invocation) {
    struct retype retype;
    enum sheaf_error error = parse(invocation, &retype);
    if (error == SHEAF_OK) {
        error = find_destination(invocation, &retype);
    }
    if (error == SHEAF_OK) {
        error = check_empty(&retype);
    }
    // Found out before memory is zeroed: an interrupted zeroing gives up the alignment gap.
    if (error == SHEAF_OK && retype.type == SHEAF_VSPACE && !mmu_has_asids(retype.memory.count)) {
        error = SHEAF_ERR_NO_ASID;
    }
    if (error == SHEAF_OK) {
        error = untyped_reserve(retype.untyped, &retype.memory);
    }
    if (error != SHEAF_OK) {
        return error;
    }
    error = make_all(&retype);
    lock_release(&tree_lock);
    return error;
}
