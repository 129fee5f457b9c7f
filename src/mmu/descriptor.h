// SPDX-License-Identifier: BSD-2-Clause
// Translation table descriptors: the bits, and pure functions over them.
//
// Stage 1, EL1&0, 4 KiB granule, 48-bit addresses (Arm Architecture Reference Manual, "VMSAv8-64
// translation table format descriptors"). User space only: every leaf here is non-global and
// never executable by the kernel.
//
//   63   59 58   57 56  55   54  53  52   51        47      12  11 10 9 8  7   6  5 4   2 1 0
//   +------+----+-----+-----+---+---+----+---+---+-------------+--+--+---+---+---+--+-----+---+
//   |      |aged|     | max |UXN|PXN|cont|DBM|   |output addr. |nG|AF|SH |AP2|AP1|NS|Attr |typ|
//   +------+----+-----+-----+---+---+----+---+---+-------------+--+--+---+---+---+--+-----+---+
#ifndef MMU_DESCRIPTOR_H
#define MMU_DESCRIPTOR_H

#include <mmu.h>

#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1) // levels 0 to 2: a table, not a block; level 3: a page
#define DESC_ATTRIBUTE_SHIFT 2
#define DESC_USER BIT(6)      // AP[1]: EL0 may access
#define DESC_READ_ONLY BIT(7) // AP[2]
#define DESC_INNER_SHAREABLE (UINT64_C(3) << 8)
#define DESC_ACCESSED BIT(10)
#define DESC_NOT_GLOBAL BIT(11)
#define DESC_ADDRESS UINT64_C(0x0000fffffffff000)
// Writable. With AP[2] set the page is writable-clean, without it dirty. That is what hardware
// makes of it with FEAT_HAFDBS ("Hardware management of the dirty state"); cores that lack it
// ignore the bit, and the fault path does the same in software.
#define DESC_WRITABLE BIT(51)
#define DESC_PRIVILEGED_NO_EXECUTE BIT(53)
#define DESC_USER_NO_EXECUTE BIT(54)
// Bits 55 to 58 are reserved for software use.
#define DESC_MAX_WRITE BIT(55) // PROTECT may grant write
#define DESC_QUEUED BIT(56)    // of a leaf of the kernel's own: to be purged (alias.c)
#define DESC_AGED BIT(58)      // AGE has cleared the access flag: an older entry may be cached

// MAIR_EL1's bytes, as arch sets it: index = enum sheaf_memory_type.
//   0 Normal write-back, 1 Normal non-cacheable, 2 Device-nGnRE

#define LEVELS 4u
#define LEAF_LEVEL 3u
#define TABLE_ENTRIES 512u

// Pages that one descriptor of a level covers: 2^27, 2^18, 2^9, 1.
static inline unsigned level_shift(unsigned level) { return 9 * (LEAF_LEVEL - level); }

static inline uint64_t level_pages(unsigned level) { return UINT64_C(1) << level_shift(level); }

static inline unsigned level_index(uint64_t page, unsigned level) {
    return (unsigned)(page >> level_shift(level)) & (TABLE_ENTRIES - 1);
}

static inline bool desc_is_valid(desc_t desc) { return (desc.v & DESC_VALID) != 0; }

static inline bool desc_is_table(desc_t desc, unsigned level) {
    return level < LEAF_LEVEL && (desc.v & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE);
}

// Bits 0 and 1 of a leaf.
static inline uint64_t desc_leaf_type(unsigned level) {
    return level == LEAF_LEVEL ? DESC_VALID | DESC_TABLE : DESC_VALID;
}

static inline bool desc_is_leaf(desc_t desc, unsigned level) {
    return level > 0 && (desc.v & (DESC_VALID | DESC_TABLE)) == desc_leaf_type(level);
}

static inline paddr_t desc_address(desc_t desc) { return PADDR(desc.v & DESC_ADDRESS); }

static inline desc_t desc_make_table(paddr_t table) {
    return DESC(table.v | DESC_VALID | DESC_TABLE);
}

// Everything of a leaf but the address.
static inline uint64_t desc_leaf_bits(unsigned level, const struct leaf_attributes *attributes) {
    uint64_t bits = DESC_VALID | (level == LEAF_LEVEL ? DESC_TABLE : 0) |
                    (uint64_t)attributes->memory_type << DESC_ATTRIBUTE_SHIFT | DESC_USER |
                    DESC_INNER_SHAREABLE | DESC_NOT_GLOBAL | DESC_PRIVILEGED_NO_EXECUTE;
    // A product with a bit is a shift; conditions would be a compare and a select each.
    bits |= attributes->write * DESC_WRITABLE;
    bits |= !(attributes->write && attributes->dirty) * DESC_READ_ONLY;
    bits |= !attributes->execute * DESC_USER_NO_EXECUTE;
    bits |= attributes->accessed * DESC_ACCESSED;
    bits |= attributes->max_write * DESC_MAX_WRITE;
    return bits;
}

static inline bool desc_is_dirty(desc_t desc) {
    return (desc.v & (DESC_WRITABLE | DESC_READ_ONLY)) == DESC_WRITABLE;
}

static inline enum sheaf_memory_type desc_memory_type(desc_t leaf) {
    return (enum sheaf_memory_type)((leaf.v >> DESC_ATTRIBUTE_SHIFT) & 7);
}

// What a report says of the leaf: SHEAF_REPORT_*.
static inline unsigned desc_report(desc_t leaf) {
    return ((leaf.v & DESC_ACCESSED) != 0 ? SHEAF_REPORT_ACCESSED : 0) |
           (desc_is_dirty(leaf) ? SHEAF_REPORT_DIRTY : 0);
}

// Whether a TLB that holds `old` allows an access that `now` does not. AP[2] and UXN are all that
// counts: with hardware management of the dirty state off (TCR_EL1.HD), an entry whose AP[2] is set
// allows no store, whatever bit 51 says.
static inline bool desc_takes_rights(desc_t old, desc_t now) {
    return (now.v & ~old.v & (DESC_READ_ONLY | DESC_USER_NO_EXECUTE)) != 0;
}

// Neither the access flag is set nor was it taken away by AGE: no TLB can hold this leaf (Arm
// manual, "The Access flag": a descriptor with AF = 0 is never cached).
static inline bool desc_is_untouched(desc_t desc) {
    return (desc.v & (DESC_ACCESSED | DESC_AGED)) == 0;
}

#endif
