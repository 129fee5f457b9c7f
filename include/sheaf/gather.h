// SPDX-License-Identifier: BSD-2-Clause
// tlb_gather: a vector of translation changes under one invalidation and one completion.
//
// When the call returns, no PE can use a translation that it removed or weakened, by a cached
// leaf or by a walk, and no table it freed was reused before that (docs/design.md, G1 and G2).
#ifndef SHEAF_GATHER_H
#define SHEAF_GATHER_H

#include <sheaf/syscall.h>

// x10 in: number of operations in bits 0-31 (0 to 64), flags in bits 32-63.
#define SHEAF_GATHER_REPLY_RECV UINT64_C(1) // then x0-x7 and x9 as in REPLY_RECV, if all succeeded
// What becomes of what is removed; without either, it is invalidated where a TLB may hold it.
#define SHEAF_GATHER_DEFER UINT64_C(2) // stays pending: UNMAP and EVICT only, frees no table
#define SHEAF_GATHER_FORCE UINT64_C(4) // invalidates what was named even where nothing was found
#define SHEAF_GATHER_ARG(n, flags) ((uint64_t)(n) | ((uint64_t)(flags) << 32))

// What comes back.
//   x0   status: of the failing operation, else of the tail's receive, else OK
//   x1   on NO_TABLES: how many tables are missing (a failing gather has no message)
//   x10  error in bits 0-15, failing index in bits 16-31, leaves changed in bits 32-63
//   x11  tables freed in bits 0-15, TLBI in bits 16-31, DSB in bits 32-47, batches in bits 48-63,
//        each stopping at 65,535; the counters have the exact sums
#define SHEAF_GATHER_ERROR(x10) ((unsigned)((x10) & 0xffff))
#define SHEAF_GATHER_INDEX(x10) ((unsigned)(((x10) >> 16) & 0xffff))
#define SHEAF_GATHER_LEAVES(x10) ((uint64_t)(x10) >> 32)
#define SHEAF_GATHER_TABLES(x11) ((unsigned)((x11) & 0xffff))
#define SHEAF_GATHER_TLBI(x11) ((unsigned)(((x11) >> 16) & 0xffff))
#define SHEAF_GATHER_DSB(x11) ((unsigned)(((x11) >> 32) & 0xffff))
#define SHEAF_GATHER_BATCHES(x11) ((unsigned)(((x11) >> 48) & 0xffff))

// Word 0 of every operation: operation in bits 0-7, rights in bits 8-15, flags in bits 16-31,
// bits 32-63 zero. Word 1: the VSpace. Word 2: virtual address, 4 KiB aligned. Word 3: pages.
//
// MAP    word 4: first Frame slot; word 5: number of slots, or with PART the first page inside
//        the one Frame. Without PART every slot's whole Frame is mapped, one after the other,
//        and word 3 must be the sum of their pages; each Frame of up to 2 MiB lies at a multiple
//        of its size, a larger one at a multiple of 2 MiB. With PART the pages must lie in one
//        table (not cross a 2 MiB boundary). A Frame of 2 MiB or more goes in as blocks where
//        address and size allow, unless PAGES is given or a smaller Frame is in the same operation.
//        An operation is all or nothing, so interrupts wait for its last step: it maps at most
//        SHEAF_MAP_FRAMES Frames and writes at most SHEAF_MAP_LEAVES leaves (RANGE).
// UNMAP  clears every leaf in the range and frees every empty table wholly inside it.
// PROTECT  gives every leaf in the range these rights, at most write where the capability that it
//        was mapped by has it (RIGHTS_EXCEEDED), never execute to device memory (MEMORY_TYPE).
//        Taking write takes the dirty bit; a leaf that is given write is clean.
// MOVE   word 4: where to; word 5: first Frame slot, or 0. What is mapped in the range goes to the
//        address in word 4, with its rights and its accessed and dirty bits; nothing may be mapped
//        where it goes, but what moves away itself. With word 5 = 0 whole tables of pages change
//        their place: all three numbers are multiples of 2 MiB, no block is in the range. Else
//        leaves of one size move, and the slots from word 5 on name them: one for each mapping in
//        the range, in the order of the addresses. A mapping is of at most SHEAF_MOVE_LEAVES leaves
//        (RANGE): it moves as a whole, with interrupts masked.
// AGE    clears the accessed bits (ACCESSED), the dirty bits (DIRTY) or both of every leaf in the
//        range, and reports what was set of them.
// EVICT  words 1 to 3 zero; word 4: first Frame slot; word 5: number of slots, at most
//        SHEAF_EVICT_SLOTS. Clears the leaves of these capabilities and of all that were derived
//        from them, in whatever VSpaces, and keeps tables.
// SYNC   words 2 to 5 zero. Completes what is pending in the VSpace.
enum sheaf_gather_operation {
    SHEAF_OP_MAP = 1,
    SHEAF_OP_UNMAP = 2,
    SHEAF_OP_PROTECT = 3,
    SHEAF_OP_MOVE = 4,
    SHEAF_OP_AGE = 5,
    SHEAF_OP_EVICT = 6,
    SHEAF_OP_SYNC = 7,
};
#define SHEAF_OP_WORD0(op, rights, flags)                                                          \
    ((uint64_t)(op) | ((uint64_t)(rights) << 8) | ((uint64_t)(flags) << 16))

#define SHEAF_MAP_FRAMES 32
#define SHEAF_MAP_LEAVES 512
#define SHEAF_MOVE_LEAVES 64
#define SHEAF_EVICT_SLOTS 512

// Rights of a mapping. READ is always given; NONE is not a mapping.
#define SHEAF_MAP_READ UINT64_C(1)
#define SHEAF_MAP_WRITE UINT64_C(2)
#define SHEAF_MAP_EXECUTE UINT64_C(4)

// Flags of an operation.
#define SHEAF_OP_PART UINT64_C(0x01)        // MAP: a part of one Frame
#define SHEAF_OP_PAGES UINT64_C(0x02)       // MAP: pages even where blocks would do
#define SHEAF_OP_ACCESSED UINT64_C(0x04)    // MAP: access flag set (else: prefault); AGE: clear it
#define SHEAF_OP_DIRTY UINT64_C(0x08)       // MAP: a writable leaf starts dirty; AGE: clear that
#define SHEAF_OP_KEEP_TABLES UINT64_C(0x10) // UNMAP: frees no table
#define SHEAF_OP_REPORT UINT64_C(0x20)      // not MAP: 2 bits a page, EVICT a slot, to the results

// Reported bits, 2 a page, in the order of the pages; of EVICT 2 a slot, over all its leaves. An
// operation's bits start at the next whole byte after those of the operation before it.
#define SHEAF_REPORT_ACCESSED 1u
#define SHEAF_REPORT_DIRTY 2u
#define SHEAF_REPORT_BYTES(pages) (((pages) + 3) / 4)

#endif
