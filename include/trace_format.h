// SPDX-License-Identifier: BSD-2-Clause
// The trace of port events as a file: what a traced kernel writes and ./scripts/check-trace reads.
// docs/trace.md has the format in words, and why the numbers give an order to judge by.
//
//   header | block | block | ...          blocks of all PEs, mixed; the last one says so
//   block = 32 bytes, then records of one PE, in the order of their numbers
//   record = one word (number, kind, detail), then the operands of its kind
//
// All of it is little-endian and made of 64-bit words.
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <base.h>

#define TRACE_MAGIC UINT64_C(0x4543415254464853)       // "SHFTRACE"
#define TRACE_BLOCK_MAGIC UINT64_C(0x4b434f4c42464853) // "SHFBLOCK"
#define TRACE_VERSION 2u

// Of the cores: what they have, and errata that any of them has.
#define TRACE_ASIDS_OF_8_BITS BIT(0)
#define TRACE_REPEAT_TLBI BIT(1)
#define TRACE_TTL BIT(2)
#define TRACE_RANGE BIT(3)

struct trace_header {
    uint64_t magic, version;
    uint64_t ram_start, ram_bytes; // every table and frame lies in there
    uint64_t features;
    uint64_t
        kernel_root; // of the kernel's half, which maps RAM from 0xffff000000000000 on; 0: none
    uint64_t reserved[2];
};

#define TRACE_END BIT(0)

struct trace_block {
    uint64_t magic;
    uint32_t pe;
    uint32_t flags;   // TRACE_END: the last block; it has no records
    uint64_t bytes;   // of records
    uint64_t numbers; // with TRACE_END: numbers drawn by all PEs. Else: records of this PE that got
                      // lost so far
};

enum trace_kind {
    TRACE_STORE = 1,        // detail: enum trace_store. Descriptor's address, old, new value
    TRACE_ZERO = 2,         // table's address
    TRACE_TLBI = 3,         // detail: enum port_tlbi. Operand
    TRACE_BARRIER = 4,      // detail: enum trace_barrier
    TRACE_ROOT_ENTERED = 5, // TTBR0, about to be written
    TRACE_ROOT_LEFT = 6,    // the one before is left: written, and the context synchronised
    TRACE_LOCK = 7,         // detail: rank. Lock's address
    TRACE_UNLOCK = 8,       // the same
    TRACE_NOTE = 9,         // detail: enum port_event. a, b
    TRACE_WALK_BEGIN = 10,  // ASID
    TRACE_WALK_END = 11,    // ASID
    TRACE_POLL = 12,        // for interrupts: a preemption point
    TRACE_SYNC = 13,        // instruction side: start, bytes
    TRACE_CLEAN = 14,       // caches are cleaned and invalidated: start, bytes
    TRACE_KINDS = 15,
};

enum trace_store { TRACE_WRITE, TRACE_EXCHANGE, TRACE_COMPARE_EXCHANGE };
enum trace_barrier {
    TRACE_DSB_ISHST,
    TRACE_DSB_ISH,
    TRACE_DSB_NSH,
    TRACE_DMB_ISHST,
    TRACE_ISB,
};

#define TRACE_MAX_OPERANDS 3u

static inline unsigned trace_operands(enum trace_kind kind) {
    static const uint8_t operands[TRACE_KINDS] = {
        [TRACE_STORE] = 3,    [TRACE_ZERO] = 1,   [TRACE_TLBI] = 1,  [TRACE_ROOT_ENTERED] = 1,
        [TRACE_LOCK] = 1,     [TRACE_UNLOCK] = 1, [TRACE_NOTE] = 2,  [TRACE_WALK_BEGIN] = 1,
        [TRACE_WALK_END] = 1, [TRACE_SYNC] = 2,   [TRACE_CLEAN] = 2,
    };
    return operands[kind];
}

// First word of a record: number in bits 47:0, kind in 55:48, detail in 63:56.
#define TRACE_NUMBER_BITS 48

static inline uint64_t trace_word(uint64_t number, enum trace_kind kind, unsigned detail) {
    return (number & (BIT(TRACE_NUMBER_BITS) - 1)) | (uint64_t)kind << 48 | (uint64_t)detail << 56;
}

_Static_assert(sizeof(struct trace_header) == 64 && sizeof(struct trace_block) == 32, "the file");

#endif
