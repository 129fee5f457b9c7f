// SPDX-License-Identifier: BSD-2-Clause
// Memory for the kernel objects of a process, so that all of it comes back.
//
// A block is an Untyped of its own. Objects are made in it; revoking it deletes them and makes the
// block as good as new. Blocks that came back are used again before new ones are taken from the
// pool.
#ifndef SHEAF_PAGER_BLOCK_H
#define SHEAF_PAGER_BLOCK_H

#include <sheaf/user.h>

#define BLOCK_OBJECTS 4

struct block {
    struct block *next; // of the owner's list, or of the list of those that came back
    sheaf_cptr untyped;
    unsigned bits;
    unsigned count;
    sheaf_cptr objects[BLOCK_OBJECTS];
};

// An empty block of 2^bits bytes, put at the head of *list. NULL without memory.
struct block *block_take(struct block **list, unsigned bits);
// Makes an object in it. 0 when it does not fit, or on any error of the kernel's.
sheaf_cptr block_make(struct block *block, enum sheaf_type type, unsigned type_bits);
// Deletes all objects of the blocks in *list, and takes the blocks back.
void block_give_all(struct block **list);

#endif
