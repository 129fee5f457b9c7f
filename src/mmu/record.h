// SPDX-License-Identifier: BSD-2-Clause
// Mapping records: where a Frame capability is mapped, as a place.
//
//   63        48 47 46 45               19 18       10 9        0
//   +-----------+-----+-------------------+-----------+----------+
//   |   ASID    |level|   table number    |   index   |  count   |
//   +-----------+-----+-------------------+-----------+----------+
//
// count is 1 to 512, so a record is never 0. It is a hint: nobody erases it when the leaves go or
// the table is reused; it is checked against the tables whenever it is used.
#ifndef MMU_RECORD_H
#define MMU_RECORD_H

#include "layout.h"

// The leaves of a record's run that output into its Frame.
struct run {
    paddr_t table; // 0: not in use as the record has it
    unsigned level;
    unsigned first, last; // first and last such leaf
    bool live;            // there is one
};

// What a leaf that outputs into the Frame has in common with all others: the bits of `mask` are
// those of `value`. So looking through a run costs two instructions for each of its descriptors
// beside the loop.
struct pattern {
    uint64_t mask, value;
};

static inline struct pattern pattern_of(unsigned level, paddr_t frame, unsigned size_bits) {
    uint64_t mask = DESC_ADDRESS & ~(BIT(size_bits) - 1);
    return (struct pattern){.mask = mask | DESC_VALID | DESC_TABLE,
                            .value = (frame.v & mask) | desc_leaf_type(level)};
}

static inline bool matches(const struct pattern *pattern, desc_t desc) {
    return (desc.v & pattern->mask) == pattern->value;
}

// With the VSpace lock held; the record names this VSpace.
struct run record_find(struct vspace *vspace, struct mapping_record record, paddr_t frame,
                       unsigned size_bits);

static inline struct mapping_record record_make(asid_t asid, unsigned level, unsigned table,
                                                unsigned index, unsigned count) {
    return (struct mapping_record){(uint64_t)asid.v << 48 | (uint64_t)level << 46 |
                                   (uint64_t)table << 19 | (uint64_t)index << 10 | count};
}

static inline asid_t record_asid(struct mapping_record record) { return ASID(record.v >> 48); }

static inline unsigned record_level(struct mapping_record record) {
    return (unsigned)(record.v >> 46) & 3;
}

static inline unsigned record_table(struct mapping_record record) {
    return (unsigned)(record.v >> 19) & ((1u << 27) - 1);
}

static inline unsigned record_index(struct mapping_record record) {
    return (unsigned)(record.v >> 10) & (TABLE_ENTRIES - 1);
}

static inline unsigned record_count(struct mapping_record record) {
    return (unsigned)record.v & 1023;
}

#endif
