// SPDX-License-Identifier: BSD-2-Clause
// A slot: one capability and its place in the derivation tree, one cache line.
//
// All slots of the machine are in one tree: those of CNodes, those inside Threads, and the nodes
// of VSpace chunks. A copy is a child of its source, an object's first capability is a child of
// the Untyped it was made from, and what the kernel hands out at boot is a child of tree_anchor.
//
//      anchor -> [Untyped] -> [Frame] -> [copy] -> [copy of the copy]
//                          -> [Endpoint] -> [badged]
//                          -> [chunk of a VSpace]
//
// Everything but the record of a Frame changes under tree_lock; the record changes under the lock
// of the CNode that holds the slot, and marking a slot as dying takes both.
#ifndef SLOT_H
#define SLOT_H

#include <base.h>
#include <lock.h>
#include <mmu.h>
#include <sheaf/object.h>

// Types that only the kernel sees, beside enum sheaf_type.
#define SLOT_CHUNK 64     // a chunk of a VSpace, in the chunk's bookkeeping
#define SLOT_TOMBSTONE 65 // a dead container (delete.h): its memory is not free yet
#define SLOT_WALK 66      // cursor or fence of an EVICT (evict.h), in a Thread: `object`

#define SLOT_DYING 1u // look-up, copy, move and MAP fail with DEAD

#define UNTYPED_UNIT_BITS 6 // watermarks count 64-byte units: the smallest object

struct cnode;

struct slot {
    union {
        struct {
            union {
                struct {
                    uint8_t type;  // enum sheaf_type or SLOT_*
                    uint8_t flags; // SLOT_DYING
                };
                uint16_t
                    living_type; // the type, of a capability that is not dying: one load for both
            };
            uint8_t rights;      // SHEAF_RIGHT_*
            uint8_t size_bits;   // Untyped, Frame: log2 of bytes; CNode: log2 of slots
            uint8_t memory_type; // Frame, Untyped: enum sheaf_memory_type
            uint8_t dying_pe; // the PE whose slice of deletions holds the slot, plus one; 0: none
            uint16_t dying_place;
        };
        uint64_t head; // all of these, to compare
    };
    union {
        struct { // CNode, Thread, Endpoint, Notification, Reply, VSpace, chunk
            void *object;
            uint64_t badge;
        };
        struct mapped_frame frame;
        struct { // 64-byte units; two words hold three numbers of 42 bits
            uint64_t base : 42, zeroed_high : 22;
            uint64_t watermark : 42, zeroed_low : 20, change : 2; // enum memory_change
        } untyped;
        struct {
            struct slot *slots; // the dead container's
            uint64_t left;      // slots[left] and above are empty
        } tombstone;
    };
    // A sibling, or the parent with bit 0 set: so a list of children can be put in the place of
    // their parent without touching any but its ends.
    uintptr_t next, previous;
    struct slot *first_child, *last_child;
    union {
        struct cnode *home;        // holds the slot; NULL inside Threads and chunks
        struct slot *next_to_bury; // tombstones
    };
};

_Static_assert(sizeof(struct slot) == BIT(SHEAF_SLOT_BITS), "a slot is what the ABI says");
_Static_assert(sizeof(struct slot) == CHUNK_NODE_BYTES, "a chunk's node is a slot");
_Static_assert(offsetof(struct slot, type) == 0 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "living_type is the type where no flag is set");
_Static_assert(SHEAF_UNTYPED_MIN_BITS >= UNTYPED_UNIT_BITS, "watermarks count whole units");

extern struct lock tree_lock;
extern struct slot tree_anchor;

// All of these: tree_lock held.
void tree_insert_child(struct slot *parent, struct slot *child);  // as the last one
void tree_insert_before(struct slot *node, struct slot *sibling); // without children
void tree_remove(struct slot *node); // its children take its place among its siblings
void tree_replace(struct slot *node, struct slot *by); // `by` takes over place and children
// The node after `node` in the order parent, then children; NULL when the subtree of `root` is
// through. Amortised constant: every link is followed at most twice in a whole walk.
struct slot *tree_next(const struct slot *root, struct slot *node);
// The same for a node below which all is through, in at most *levels steps up, which are taken off.
// True: *node is what tree_next would return. False: *node is an ancestor that it came to, to go on
// from.
bool tree_climb(const struct slot *root, struct slot **node, uint64_t *levels);

// How an Untyped stands to the kernel's own mapping of its memory (memory_type.h).
enum memory_change {
    MEMORY_SETTLED,  // as its memory type says, and that is none of its doing
    MEMORY_CHANGED,  // non-cacheable, since a retype of this Untyped
    MEMORY_CHANGING, // on the way there; `zeroed` says how far. It is empty
    MEMORY_LEAVING,  // on the way back, the same
};

// Where an Untyped's bytes up to `zeroed` are known to be zero from the watermark on. Kept in the
// capability, so that a preempted retype finds its work done, and cannot be deceived by what other
// threads did with the memory in between.
static inline uint64_t untyped_zeroed(const struct slot *slot) {
    return ((uint64_t)slot->untyped.zeroed_high << 20 | slot->untyped.zeroed_low)
           << UNTYPED_UNIT_BITS;
}

static inline void untyped_set_zeroed(struct slot *slot, uint64_t bytes) {
    uint64_t units = bytes >> UNTYPED_UNIT_BITS;
    slot->untyped.zeroed_high = units >> 20;
    slot->untyped.zeroed_low = units & (BIT(20) - 1);
}

static inline uint64_t untyped_watermark(const struct slot *slot) {
    return (uint64_t)slot->untyped.watermark << UNTYPED_UNIT_BITS;
}

static inline void untyped_set_watermark(struct slot *slot, uint64_t bytes) {
    slot->untyped.watermark = bytes >> UNTYPED_UNIT_BITS;
}

static inline paddr_t untyped_address(const struct slot *slot) {
    return PADDR((uint64_t)slot->untyped.base << UNTYPED_UNIT_BITS);
}

static inline bool slot_is_dying(const struct slot *slot) {
    return (slot->flags & SLOT_DYING) != 0;
}

#endif
