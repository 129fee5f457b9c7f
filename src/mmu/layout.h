// SPDX-License-Identifier: BSD-2-Clause
// Chunks: where tables live, and what is known about each.
//
// A VSpace's memory comes in chunks of 64 KiB, naturally aligned. Page 0 is bookkeeping, pages 1
// to 15 are tables. So the bookkeeping of any table is found from its physical address alone, and
// nothing about a table is ever written inside it (design, G2).
//
//   chunk (64 KiB)          page 0 of every chunk              page 0 of the first chunk, further
//   +----------------+     +-----------------------------+    +--------------------------------+
//   | 0 bookkeeping  |---->| node for core, 64 bytes     |    | struct vspace: core's words,   |
//   | 1 table        |     | VSpace, index, free tables  |    |   lock, root, ASID, dead mark, |
//   | 2 table        |     | 16 x table_info             |    |   pins, PEs, chunk directory,  |
//   | ...            |     |   state, level, live count, |    |   8 pending entries            |
//   | 15 table       |     |   parent, next              |    |                                |
//   +----------------+     +-----------------------------+    +--------------------------------+
//
// Table number = chunk index * 16 + page. 0 names no table: page 0 of chunk 0 is bookkeeping.
#ifndef MMU_LAYOUT_H
#define MMU_LAYOUT_H

#include "descriptor.h"

enum table_state {
    TABLE_UNHOOKED = 0, // as in zeroed memory: free, or waits for an invalidation (struct chunk)
    TABLE_HOOKED = 1,   // a root, or a descriptor of a hooked table points to it
};

struct table_info {
    uint16_t live;         // valid descriptors, 0 to 512
    uint8_t state;         // enum table_state
    uint8_t level;         // 0 root to 3, meaningful while hooked
    uint16_t parent;       // table number; 0 for a root
    uint16_t parent_index; // where in the parent
};

struct chunk {
    uint8_t node[CHUNK_NODE_BYTES]; // core's
    struct vspace *vspace;
    uint16_t index;
    uint16_t free;      // bit n: page n is a free table
    uint16_t free_next; // list of chunks that have any: index + 1, 0 ends it
    uint16_t free_previous;
    uint16_t pending;      // bit n: page n was unhooked, and the entry below covers that
    uint16_t pending_next; // list of the entry's chunks: index + 1, 0 ends it
    uint16_t pending_entry;
    uint16_t reserved;
    struct table_info tables[16]; // [0] is unused
};

#define CHUNK_ALL_FREE 0xfffeu

// The directory's bound: it shares page 0 of the first chunk with the rest, which has some room
// left to grow. 576 chunks are 8,640 tables: 16 GiB mapped densely as 4 KiB pages.
#define VSPACE_CHUNKS 576u
#define PENDING_ENTRIES 8u
#define PENDING_RANGES 4u

struct page_range {
    uint64_t first; // page number: address / 4 KiB
    uint64_t pages;
};

// What was removed from a VSpace and is not yet known to be gone from every TLB (design, G4).
struct pending {
    uint64_t ticket; // drawn from vspace->tickets, 64 bits, never reused; 0: entry is empty
    struct page_range ranges[PENDING_RANGES]; // leaves cleared, and the spans of unhooked tables
    uint8_t range_count;
    uint8_t levels;  // bit n: leaves of level n were cleared
    uint8_t owner;   // PE + 1 whose gather entered it; 0: deferred
    uint8_t writer;  // PE + 1 whose stores it covers; 0: those of several
    uint16_t chunks; // those with tables that were unhooked: index + 1 of the first
    uint16_t tables; // how many that were
};

enum vspace_state {
    VSPACE_LIVE = 0,
    VSPACE_DYING = 1,    // no new mapping; removals go on in the ordinary way
    VSPACE_RELEASED = 2, // the ASID is given back; nothing in any TLB refers to the chunks
};

struct vspace {
    struct vspace_start start; // mmu.h
    struct lock lock;
    uint64_t ttbr0;       // root | ASID << 48
    uint64_t tickets;     // last ticket drawn
    uint32_t pins;        // atomic: gathers and look-ups by record that still refer to the VSpace
    uint32_t tables_free; // tables in all `free` bits
    asid_t asid;
    uint16_t root; // table number
    uint16_t chunk_slots;
    uint16_t chunk_count;
    uint16_t chunk_hole;   // the directory is full below
    uint16_t free_head;    // first chunk with free tables: index + 1
    uint8_t state;         // enum vspace_state; written under the lock, read with acquire
    uint8_t pending_count; // entries in use
    struct pending pending[PENDING_ENTRIES];
    uint32_t chunks[VSPACE_CHUNKS]; // physical address >> 16; 0: no chunk. [0] is the first chunk
};

struct first_chunk {
    struct chunk chunk;
    struct vspace vspace;
};

_Static_assert(sizeof(struct table_info) == 8, "bookkeeping of a table");
_Static_assert(offsetof(struct chunk, node) == 0 && CHUNK_NODE_BYTES == 64,
               "the node is 64-byte aligned, as the chunk is");
_Static_assert(sizeof(struct first_chunk) <= PAGE_BYTES, "page 0 of the first chunk");
_Static_assert(offsetof(struct vspace, start) == 0, "where vspace_activate reads it");
_Static_assert(VSPACE_CHUNKS * 16 <= UINT16_MAX, "table numbers have 16 bits");
_Static_assert((CHUNK_TABLES + 1) * PAGE_BYTES == CHUNK_BYTES, "pages of a chunk");

static inline paddr_t table_of_number(const struct vspace *vspace, unsigned number) {
    return PADDR((uint64_t)vspace->chunks[number >> 4] << SHEAF_CHUNK_BITS | (uint64_t)(number & 15)
                                                                                 << PAGE_BITS);
}

static inline struct chunk *chunk_of_table(paddr_t table) {
    return port_kernel_address(PADDR(ALIGN_DOWN(table.v, CHUNK_BYTES)));
}

static inline struct table_info *table_info(paddr_t table) {
    return &chunk_of_table(table)->tables[(table.v >> PAGE_BITS) & 15];
}

static inline unsigned table_number(paddr_t table) {
    return chunk_of_table(table)->index * 16u + ((unsigned)(table.v >> PAGE_BITS) & 15);
}

static inline paddr_t vspace_root(const struct vspace *vspace) {
    return PADDR(vspace->ttbr0 & DESC_ADDRESS);
}

static inline bool vspace_state_is_live(const struct vspace *vspace) {
    return __atomic_load_n(&vspace->state, __ATOMIC_ACQUIRE) == VSPACE_LIVE;
}

#endif
