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
#define DESC_READ_ONLY BIT(7)
#define DESC_NOT_GLOBAL BIT(11)
#define DESC_DBM BIT(51)
#define DESC_CONTIGUOUS BIT(52)
#define DESC_PXN BIT(53)
#define DESC_UXN BIT(54)
#define DESC_SOFTWARE (UINT64_C(15) << 55) // no walker reads them
#define TTBR_CNP BIT(0)
#define DESC_OUTPUT UINT64_C(0x0000fffffffff000)
#define DESC_TYPE UINT64_C(0x1c) // AttrIndx
#define DESC_SHARED UINT64_C(0x300)
#define TYPE_NON_CACHEABLE UINT64_C(1)
#define TYPE_DEVICE UINT64_C(2) // MAIR_EL1 as arch sets it: 0 and 1 are Normal, 2 is Device
// What may not change without break-before-make: output address, AttrIndx, SH, nG, contiguous. The
// low bit pair is compared by level and kind.
#define DESC_IDENTITY (DESC_OUTPUT | DESC_TYPE | DESC_SHARED | DESC_NOT_GLOBAL | DESC_CONTIGUOUS)

#define USER_HALF BIT(36)
// VA[55:12] of the kernel's half, by which its entries are kept. Their ASID is that of nobody.
#define KERNEL_PAGE (VMSA_KERNEL_HALF >> 12 & (BIT(44) - 1))
#define KERNEL_ASID 0u

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

// A leaf that every ASID uses, and that no operation by ASID takes away.
static inline bool value_is_global(uint64_t value, unsigned level) {
    return value_is_leaf(value, level) && (value & DESC_NOT_GLOBAL) == 0;
}

// Whether an access that `now` refuses is allowed by `old`.
static inline bool value_allows_more(uint64_t old, uint64_t now) {
    return (~old & now & (DESC_READ_ONLY | DESC_UXN)) != 0 || (old & ~now & BIT(6)) != 0;
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
    uint8_t half[MAX_PES];          // gone, but for the erratum that wants a second TLBI
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
// DSB ISH, or NSH: what this PE invalidated is gone. `issued`: it issued a TLBI since the last one.
void tlb_complete(unsigned pe, bool local_only, bool issued);
// PEs that may have a table descriptor to `table` cached.
uint8_t tlb_walks_into(uint64_t table);

// ---- Accesses (access.c)

void access_init(void);
void access_removed(const struct entry *entry, unsigned pe); // from this PE's TLB, by its own TLBI
void access_synchronised(unsigned pe);                       // ISB, or another such event
// This PE stores a valid leaf into the kernel's half; a DSB of the PE orders its stores.
void access_made(void);
void access_ordered(unsigned pe);

// ---- Caches (caches.c)

void caches_init(uint64_t start, uint64_t bytes);
void caches_reach(uint64_t leaf, unsigned level); // it may be used from now on
void caches_check_leaf(uint64_t leaf, unsigned level);

// ---- Operands of TLBI (operand.c)

// Which entries an operation is about.
struct scope {
    uint16_t asid;
    bool any_asid, by_asid; // by_asid: everything of the ASID, global entries apart
    bool any_page, last_level;
    bool local;    // this PE's only
    unsigned hint; // level of the leaves, 0: any
    uint64_t first, pages;
};
// Reads the fields by the Arm manual. False: the architecture asks for no invalidation.
bool operand_decode(enum port_tlbi kind, uint64_t operand, struct scope *scope);

// ---- Memory: the arena, stores on their way, where tables hang (memory.c)

void memory_init(uint64_t start, void *ram, size_t bytes);
uint64_t *memory_descriptor(uint64_t table, unsigned index);
// Whether a walker may read `value` there: it is there, or was before a store not yet ordered.
bool memory_shows(uint64_t table, unsigned index, uint64_t value);
// All values that a walker may read there, at most `max`.
unsigned memory_values(uint64_t table, unsigned index, uint64_t *values, unsigned max);
// The first place from `index` on where a walker may read anything but zero; or one shortly before
// it. TABLE_ENTRIES: none.
unsigned memory_next(uint64_t table, unsigned index);
uint64_t memory_store(uint64_t table, unsigned index, uint64_t value); // returns the old value
void memory_zero(uint64_t table);
void memory_order(unsigned pe, bool loads_too); // DSB ISHST; with loads, DSB ISH
void memory_order_stores(unsigned pe);          // DMB ISHST
// A leaf is stored: what this PE wrote into its frame is ordered before, and the instruction side
// knows it if the leaf can be executed.
void contents_check(uint64_t value, unsigned level);
void contents_init(void);
void contents_synchronise(uint64_t start, uint64_t bytes);
unsigned memory_epoch(unsigned pe); // barriers of the PE that order its stores
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
void memory_set_root(uint64_t table, uint16_t asid, uint64_t page);
void memory_unlink(uint64_t table);

// ---- Judging (judge.c)

void judge_init(void);
void violation(enum vmsa_rule rule, const char *format, ...) __attribute__((format(printf, 2, 3)));
void record_event(const char *name, uint64_t a, uint64_t b, uint64_t c);
void judge_note(enum port_event event, uint64_t a, uint64_t b);
// A leaf is written into a linked table.
void judge_leaf(uint16_t asid, uint64_t value, unsigned level);

// How far a PE is with valid leaves that it stored into the kernel's half: its own accesses may
// take a fault until it has ordered them by a DSB and then synchronised its context.
enum made { MADE_SEEN, MADE_STORED, MADE_ORDERED };

struct machine {
    unsigned pe;
    uint64_t ttbr0[MAX_PES];
    uint64_t leaving[MAX_PES];     // TTBR0 from before, until that root is left; 0: none
    uint8_t made[MAX_PES];         // enum made
    uint8_t left_for[MAX_PES];     // PEs that wanted it left and have not ordered the answer yet
    uint64_t kernel_root;          // 0: none
    uint64_t outstanding[MAX_PES]; // TLBIs issued since the PE's last DSB
    uint8_t answered[MAX_PES];     // PEs that answered this PE's vmsa_evict_root already
    uint16_t walking[MAX_PES];     // ASID whose tables software walks, 0: none
    uint32_t locks[MAX_PES];       // ranks held
    unsigned unordered[MAX_PES];   // see vmsa_unordered
    uint8_t types;                 // memory types of leaves cached so far, a bit each
    uint64_t dead[65536 / 64];     // a bit for each ASID that was given back and not taken again
    uint64_t counters[SHEAF_COUNTER_COUNT];
    uint64_t polls;
    uint64_t polled; // polls since the last vmsa_set_interrupt
    vmsa_hook *hook;
    bool in_hook;
    unsigned dsb;
    uint64_t needless; // see vmsa_needless
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

// Whether walks of the PE may begin at the root.
static inline bool walks_from(unsigned pe, uint64_t root) {
    return ttbr_root(machine.ttbr0[pe]) == root || ttbr_root(machine.leaving[pe]) == root;
}

#endif
