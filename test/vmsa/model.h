// SPDX-License-Identifier: BSD-2-Clause
// The model's own data, shared by its files.
#ifndef VMSA_MODEL_H
#define VMSA_MODEL_H

#include "vmsa.h"

// ---- Descriptors, by the Arm manual and independent of src/mmu's header

#define LEVELS 4u
#define TABLE_ENTRIES 512u
#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1)
#define DESC_AF BIT(10)
#define DESC_OUTPUT UINT64_C(0x0000fffffffff000)
// What may not change without break-before-make: output address, AttrIndx, SH, nG. The low bit
// pair is compared by level and kind.
#define DESC_IDENTITY (DESC_OUTPUT | UINT64_C(0x1c) | UINT64_C(0x300) | BIT(11))

static inline uint64_t span_pages(unsigned level) // of one descriptor
{
    return UINT64_C(1) << (9 * (3 - (level & 3)));
}

static inline bool value_is_table(uint64_t value, unsigned level) {
    return level < 3 && (value & 3) == 3;
}

static inline bool value_is_leaf(uint64_t value, unsigned level) {
    return level > 0 && (value & 3) == (level == 3 ? 3u : 1u);
}

static inline bool value_is_cacheable(uint64_t value, unsigned level) {
    return value_is_table(value, level) || (value_is_leaf(value, level) && (value & DESC_AF) != 0);
}

// realloc that does not fail.
void *vmsa_grow(void *old, size_t bytes);

// ---- Entries: what some PE may have cached (tlb.c)

#define NONE UINT32_MAX

struct entry {
    uint64_t page;  // first page of the prefix
    uint64_t value; // the descriptor
    uint64_t table; // where it was read
    uint16_t index;
    uint16_t asid;
    uint8_t level;
    uint8_t cached;                 // bit for each PE that may have it; 0: the slot is free
    uint8_t matched[MAX_PES];       // by issuing PE: whose copies its next DSB ISH takes away
    uint8_t matched_local[MAX_PES]; // the same for operations of one PE: DSB NSH
    uint8_t going;                  // the TLBI being looked at takes these copies away
    uint64_t going_stamp;
    uint32_t next_key, next_target; // chains: (asid, level, page); for tables, the output
};

struct entry *tlb_entries(uint32_t *count);
void tlb_init(void);
// The table is reachable on `pes` for `asid` with this prefix: all it shows may be cached there.
void tlb_reach_table(uint64_t table, unsigned level, uint16_t asid, uint64_t page, uint8_t pes);
// A descriptor was stored into a table: everyone who reaches the table may cache it.
void tlb_store(uint64_t table, unsigned index, uint64_t value);
void tlb_tlbi(enum port_tlbi kind, uint64_t operand);
void tlb_complete(unsigned pe, bool local_only);
// PEs that may have a table descriptor to `table` cached.
uint8_t tlb_walks_into(uint64_t table);

// ---- Memory: the arena, stores on their way, where tables hang (memory.c)

void memory_init(void *ram, size_t bytes);
uint64_t *memory_descriptor(uint64_t table, unsigned index);
// Whether a walker may read `value` there: it is there, or was before a store not yet ordered.
bool memory_shows(uint64_t table, unsigned index, uint64_t value);
// All values that a walker may read there, at most `max`.
unsigned memory_values(uint64_t table, unsigned index, uint64_t *values, unsigned max);
uint64_t memory_store(uint64_t table, unsigned index, uint64_t value); // returns the old value
void memory_zero(uint64_t table);
void memory_order(unsigned pe, bool loads_too); // DSB ISHST; with loads, DSB ISH
void memory_order_stores(unsigned pe);          // DMB ISHST
void memory_lock(const struct lock *lock, unsigned pe);
void memory_unlock(const struct lock *lock, unsigned pe);
// A table's place in the tree of an ASID, while it is linked.
struct home {
    uint64_t page;
    uint16_t asid;
    uint8_t level;
    bool linked;
};
const struct home *memory_home(uint64_t table);
void memory_set_root(uint64_t table, uint16_t asid);
void memory_clear_root(uint64_t table);

// ---- Judging (judge.c)

void judge_init(void);
void violation(enum vmsa_rule rule, const char *format, ...) __attribute__((format(printf, 2, 3)));
void record_event(const char *name, uint64_t a, uint64_t b, uint64_t c);
void judge_note(enum port_event event, uint64_t a, uint64_t b);

struct machine {
    unsigned pe;
    uint64_t ttbr0[MAX_PES];
    uint64_t outstanding[MAX_PES]; // TLBIs issued since the PE's last DSB
    uint8_t answered[MAX_PES];     // PEs that answered this PE's vmsa_evict_root already
    uint16_t walking[MAX_PES];     // ASID whose tables software walks, 0: none
    uint32_t locks[MAX_PES];       // ranks held
    uint64_t dead[65536 / 64];     // a bit for each ASID that was given back and not taken again
    uint64_t counters[SHEAF_COUNTER_COUNT];
    uint64_t polls;
    vmsa_hook *hook;
    bool in_hook;
    unsigned dsb;
    uint64_t reads;
};
extern struct machine machine;

// `pe` answers the interrupt of `asking`: it leaves the root if it has it loaded.
void answer_eviction(unsigned pe, unsigned asking, uint64_t ttbr0, uint64_t empty);

static inline bool asid_is_dead(uint16_t asid) {
    return (machine.dead[asid / 64] >> asid % 64 & 1) != 0;
}

static inline uint16_t ttbr_asid(uint64_t ttbr0) { return (uint16_t)(ttbr0 >> 48); }

static inline uint64_t ttbr_root(uint64_t ttbr0) { return ttbr0 & DESC_OUTPUT; }

#endif
