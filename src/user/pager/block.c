// SPDX-License-Identifier: BSD-2-Clause
// Blocks that came back are few and of three sizes: one list is enough.
#include "block.h"
#include <pool.h>
#include <slots.h>
#include <stdlib.h>

static struct block *returned;

static struct block *reuse(unsigned bits) {
    for (struct block **at = &returned; *at != NULL; at = &(*at)->next)
        if ((*at)->bits == bits) {
            struct block *block = *at;
            *at = block->next;
            return block;
        }
    return NULL;
}

static struct block *make(unsigned bits) {
    struct block *block = calloc(1, sizeof *block);
    sheaf_cptr slot = block != NULL ? slots_take(1) : 0;
    if (slot == 0) {
        free(block);
        return NULL;
    }
    if (pool_make(SHEAF_UNTYPED, bits, slot, 1) != SHEAF_OK) {
        slots_give(slot);
        free(block);
        return NULL;
    }
    block->untyped = slot;
    block->bits = bits;
    return block;
}

struct block *block_take(struct block **list, unsigned bits) {
    struct block *block = reuse(bits);
    if (block == NULL)
        block = make(bits);
    if (block != NULL) {
        block->next = *list;
        *list = block;
    }
    return block;
}

sheaf_cptr block_make(struct block *block, enum sheaf_type type, unsigned type_bits) {
    sheaf_cptr slot = block->count < BLOCK_OBJECTS ? slots_take(1) : 0;
    if (slot == 0)
        return 0;
    if (sheaf_retype(block->untyped, type, type_bits, SHEAF_MEMORY_NORMAL, SHEAF_BOOT_SLOT_CNODE,
                     slot, 1) != SHEAF_OK) {
        slots_give(slot);
        return 0;
    }
    block->objects[block->count++] = slot;
    return slot;
}

void block_give_all(struct block **list) {
    while (*list != NULL) {
        struct block *block = *list;
        *list = block->next;
        sheaf_revoke(SHEAF_BOOT_SLOT_CNODE, block->untyped);
        while (block->count > 0)
            slots_give(block->objects[--block->count]);
        block->next = returned;
        returned = block;
    }
}
