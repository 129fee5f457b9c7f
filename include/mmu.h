// SPDX-License-Identifier: BSD-2-Clause
// The mmu room, as others see it: VSpaces, the gather, mapping records, faults.
//
// The protocol of a gather, once for all operations:
//
//   g = gather_begin()                       this PE's batch, empty
//   gather_map_* / gather_unmap / ...        under one VSpace lock each: descriptors change, and
//                                            the same critical section enters what was removed
//                                            into the VSpace's pending entries
//   gather_finish(g)                         DSB ISHST, TLBI ..., DSB ISH; only then entries go,
//                                            tables return to their chunk, frames may be reused
//
// Nothing that implies completion may happen between a removal and gather_finish: no free, no
// answer to the caller, no capability leaving the derivation tree.
//
// mmu knows frames by address and size; capabilities are core's business. Functions that can fail
// return enum sheaf_error and change nothing then. Callers hold no lock of rank LOCK_VSPACE or
// above, except where stated.
#ifndef MMU_H
#define MMU_H

#include <base.h>
#include <port.h>
#include <sheaf/gather.h>
#include <sheaf/object.h>

#define CHUNK_BYTES (UINT64_C(1) << SHEAF_CHUNK_BITS)
#define CHUNK_TABLES 15u
#define CHUNK_NODE_BYTES 64u
#define USER_PAGES (UINT64_C(1) << 36) // the user half: 2^48 bytes

struct vspace; // lives in the bookkeeping page of its first chunk
struct chunk;  // bookkeeping page and 15 tables
struct gather; // one for each PE

// What all PEs have, and errata that any of them has. All false: ARMv8.0.
struct mmu_features {
    bool ttl;         // FEAT_TTL: operations by address may name the level of the leaves
    bool range;       // FEAT_TLBIRANGE: operations by range
    bool repeat_tlbi; // erratum: one more TLBI and DSB at the end of a batch
};

struct mmu_config {
    struct mmu_features features;
    unsigned asid_bits;  // 8 or 16, as all PEs have it
    unsigned asid_limit; // number of ASIDs to use, 0 = all (boot argument for tests)
    void *asid_table;    // mmu_asid_table_bytes(asid_bits), zeroed, 8-byte aligned
    paddr_t empty_root;  // a zeroed page: the root of PEs that run no VSpace
    // The kernel's own half: its level 0 table, and where it maps physical address 0 and all RAM
    // above. The tables lie in RAM that port_kernel_address reaches. No root: aliases stay as they
    // are (alias_can_change).
    paddr_t kernel_root;
    vaddr_t direct_map;
};
size_t mmu_asid_table_bytes(unsigned asid_bits);
void mmu_init(const struct mmu_config *config);

// ---- VSpaces

// Makes a VSpace in `chunk`, 64 KiB, aligned, zeroed in its first page only. NO_ASID.
enum sheaf_error vspace_create(void *chunk, struct vspace **out);
// Whether `count` more could be made now; other PEs may make some meanwhile.
bool mmu_has_asids(uint64_t count);
// Adds a chunk (as above). TOO_MANY_CHUNKS, DEAD.
enum sheaf_error vspace_grow(struct vspace *vspace, void *chunk);
// Takes chunk `index` (1 or more) out again. RANGE, TABLE_IN_USE, DEAD. Its index stays empty
// until the next grow; records that name it no longer verify.
enum sheaf_error vspace_shrink(struct vspace *vspace, unsigned index, struct chunk **out);
// Marks the VSpace dead, moves every PE that has it loaded to the empty root, waits for pins,
// invalidates its ASID and completes that, gives the ASID back. Afterwards nothing refers to any
// of its chunks. Idempotent. Holds no lock while it waits.
void vspace_destroy(struct vspace *vspace);
bool vspace_is_dead(const struct vspace *vspace);

struct vspace_info {
    unsigned chunks, tables_free, tables_used, chunks_max;
};
void vspace_info(struct vspace *vspace, struct vspace_info *out);

struct object_head *vspace_head(struct vspace *vspace);   // core's words in the first chunk
unsigned vspace_chunk_slots(const struct vspace *vspace); // directory entries used so far
struct chunk *vspace_chunk(struct vspace *vspace, unsigned index); // NULL where shrunk
struct vspace *chunk_vspace(struct chunk *chunk);
unsigned chunk_index(const struct chunk *chunk);
// CHUNK_NODE_BYTES, 64-byte aligned, for core: the node of the derivation tree under the Untyped
// that the chunk came from. mmu never reads it.
void *chunk_node(struct chunk *chunk);
struct chunk *chunk_of_node(void *node);

// The first words of a VSpace: core's, and what a switch of threads reads.
struct vspace_start {
    struct object_head head; // core's
    uint64_t to_load;        // for TTBR0: root | ASID << 48; of a dead VSpace the empty root
    uint32_t loaded;         // atomic: bit for each PE that ever loaded it; never cleared
};

static inline bool vspace_was_loaded(const struct vspace *vspace) {
    const struct vspace_start *start = (const struct vspace_start *)vspace;
    return vspace != NULL &&
           (__atomic_load_n(&start->loaded, __ATOMIC_RELAXED) >> port_pe() & 1) != 0;
}

// Of a VSpace that this PE has loaded before.
static inline void vspace_load(const struct vspace *vspace) {
    const struct vspace_start *start = (const struct vspace_start *)vspace;
    uint64_t ttbr0 = __atomic_load_n(&start->to_load, __ATOMIC_RELAXED);
    if (ttbr0 != port_loaded_root()) {
        port_load_root(ttbr0);
    }
}

void vspace_activate_first(struct vspace *vspace); // this PE's first time, or NULL

// Loads the VSpace on this PE, or the empty root for NULL or a dead one. Cheap when already
// loaded. Called with no lock held.
static inline void vspace_activate(struct vspace *vspace) {
    if (likely(vspace_was_loaded(vspace))) {
        vspace_load(vspace);
    } else {
        vspace_activate_first(vspace);
    }
}

// ---- Mapping records: where a Frame capability is mapped, as a place and not as an address

struct mapping_record {
    uint64_t v; // 0: never mapped. Packed by record_make (src/mmu/record.c)
};
// What a capability knows of its Frame's place in memory and in an address space.
struct mapped_frame {
    paddr_t address;
    struct mapping_record record;
};
// Whether a live leaf of the run the record names still outputs an address inside the Frame.
// Takes and drops the VSpace lock of the record.
bool record_is_live(struct mapping_record record, paddr_t frame, unsigned size_bits);
// Leaves that the record may name, 0 for none: what it may cost to check it.
unsigned record_leaves(struct mapping_record record);
// Like record_is_live, and where it is. `pages` counts 4 KiB pages from the first live leaf to the
// last.
bool record_place(struct mapping_record record, paddr_t frame, unsigned size_bits, vaddr_t *va,
                  uint64_t *pages);

// ---- The gather

struct gather_totals {
    uint64_t leaves, tables, tlbi, dsb, batches;
};

// What becomes of what a gather removes.
enum gather_policy {
    GATHER_IF_NEEDED, // invalidated, where a TLB may hold it
    GATHER_DEFER,     // left pending: gather_unmap and gather_clear_records only; keeps tables
    GATHER_FORCE,     // as IF_NEEDED, and so is what gather_force is told
};
struct gather *gather_begin(void);                                        // IF_NEEDED
void gather_set_policy(struct gather *gather, enum gather_policy policy); // nothing recorded yet
// Completes the batch and leaves it empty. Adds to the totals.
void gather_finish(struct gather *gather);
const struct gather_totals *gather_totals(const struct gather *gather); // since gather_begin

// Checks a range of user addresses. MISALIGNED, NON_CANONICAL, KERNEL_HALF, ZERO_LENGTH,
// OVERFLOW. Pure.
enum sheaf_error gather_range_error(vaddr_t va, uint64_t pages); // which, of a range that is wrong
static inline enum sheaf_error gather_check_range(vaddr_t va, uint64_t pages) {
    uint64_t page = va.v >> PAGE_BITS;
    // pages - 1: without pages it is above everything.
    bool right = IS_ALIGNED(va.v, PAGE_BYTES) && page < USER_PAGES && pages - 1 < USER_PAGES - page;
    return likely(right) ? SHEAF_OK : gather_range_error(va, pages);
}

// UNMAP. flags: SHEAF_OP_KEEP_TABLES, SHEAF_OP_REPORT. Begins at page *done and advances it;
// PREEMPTED means that an interrupt came, that the batch is finished and that *done says how far.
// With REPORT two bits for each page go to report[], bit 0 of report[0] being page 0 of the
// operation; a call with *done = 0 clears them all first; they are final only after the finish.
// BLOCK_CUT (nothing changed), DEAD. The range was checked (gather_check_range).
enum sheaf_error gather_unmap(struct gather *gather, struct vspace *vspace, vaddr_t va,
                              uint64_t pages, unsigned flags, uint64_t *done, uint8_t *report);

// UNMAP of ranges of a few pages in one VSpace, without a report, as a gather of its own: on return
// it is complete, and `totals` has what it came to. For where that is simple: each range lies in
// one table, which is there, so that none becomes removable; nothing is pending in the VSpace,
// which lives, and its lock is free. False: something is not so, and nothing has changed. Nothing
// is preemptible meanwhile, so together they are at most GATHER_FEW_PAGES. Each begins at a user
// address, page-aligned, and has a page.
#define GATHER_FEW_PAGES 64u
struct gather_pages {
    vaddr_t va;
    uint64_t pages;
};
bool gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                      struct gather_totals *totals);
// The same for GATHER_DEFER: it is left pending. What is pending already is not in the way, as long
// as there is a free entry.
bool gather_defer_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                      struct gather_totals *totals);

// FORCE: invalidates the range with walk caches at the finish, whatever is known about it: that
// nothing was found, was never accessed, or that no PE loaded the VSpace. The range was checked.
void gather_force(struct gather *gather, struct vspace *vspace, vaddr_t va, uint64_t pages);

// SYNC. Takes over everything deferred in the VSpace, by whichever PE: the finish completes it
// together with the rest of the batch. What other PEs are about to complete it completes itself.
// DEAD.
enum sheaf_error gather_sync(struct gather *gather, struct vspace *vspace);
// A PROTECT or an AGE. The range was checked (gather_check_range). *done and report are as for
// gather_unmap.
struct gather_change {
    vaddr_t va;
    uint64_t pages;
    uint64_t *done;
    struct gather_ahead *ahead; // PROTECT; zero before and after, but for PREEMPTED. Else NULL
    uint8_t *report;            // NULL: none is wanted
};
// What PROTECT has found out or prepared beyond *done, for going on after an interrupt.
struct gather_ahead {
    uint64_t checked;      // pages of the operation whose leaves may have the rights
    uint64_t synchronised; // pages of the leaf in turn that instruction fetch sees
    paddr_t leaf;          // its memory
};

// PROTECT. `rights`: SHEAF_MAP_*. Leaves that are not there are passed over. The report has the
// bits of leaves that lost a right. BLOCK_CUT, RIGHTS_EXCEEDED, MEMORY_TYPE, DEAD, PREEMPTED; after
// an interrupt, leaves that came meanwhile may be refused with what is before *done changed.
enum sheaf_error gather_protect(struct gather *gather, struct vspace *vspace, unsigned rights,
                                const struct gather_change *operation);
// AGE. flags: SHEAF_OP_ACCESSED, SHEAF_OP_DIRTY: what to clear; the report has what was set of it.
// BLOCK_CUT, DEAD, PREEMPTED.
enum sheaf_error gather_age(struct gather *gather, struct vspace *vspace, unsigned flags,
                            const struct gather_change *operation);

// How leaves are written.
struct leaf_attributes {
    bool write, execute;  // read is implied
    bool max_write;       // what PROTECT may grant later: the capability's rights
    bool accessed, dirty; // dirty only with write
    uint8_t memory_type;  // enum sheaf_memory_type
};

// MAP in two steps, so that all of it or nothing is done.
// Begin checks that the whole range [va, va + pages) is free and takes every table it needs,
// completing first what is pending there. PLACE_OCCUPIED; NO_TABLES with *missing; DEAD;
// MISALIGNED for the level. On success the VSpace lock is held until gather_map_end.
struct gather_map {
    struct gather *gather;
    struct vspace *vspace;
    vaddr_t next; // where the next leaf goes
    uint64_t pages_left;
    unsigned level; // of the leaves: 3, 2 or 1
};
enum sheaf_error gather_map_begin(struct gather *gather, struct vspace *vspace, vaddr_t va,
                                  uint64_t pages, unsigned level, struct gather_map *map,
                                  unsigned *missing);
// Writes the leaves of `count` Frames or parts, one behind the other, and sets their records. Each
// is `pages` from `address` on, all in one table; they lie `stride` bytes apart. Cannot fail.
// Contents (zeroing, instruction synchronisation) must be complete before; the store that
// publishes is ordered after them by a DMB ISHST.
void gather_map_frames(struct gather_map *map, struct mapped_frame *first, size_t stride,
                       unsigned count, uint64_t pages, const struct leaf_attributes *attributes);
// One of them.
struct mapping_record gather_map_frame(struct gather_map *map, paddr_t frame, uint64_t pages,
                                       const struct leaf_attributes *attributes);
void gather_map_end(struct gather_map *map);

// The three in one for pages in one table, where that is simple: the table is there, every page is
// free, nothing is pending in the VSpace, which lives, and its lock is free. False: something is
// not so, and nothing has changed. The range was checked (gather_check_range).
bool gather_map_pages(struct gather *gather, struct vspace *vspace, vaddr_t va, paddr_t frame,
                      uint64_t pages, const struct leaf_attributes *attributes,
                      struct mapping_record *record);

// MOVE goes in slices of a bounded length, one a call: *move says how far, all zero to begin. A
// first pass looks at everything, so with nobody else at work in between all of it is done or
// nothing; what one slice holds is done in it. OK with move->pass = MOVE_DONE: that was the last
// one.
enum move_pass { MOVE_CHECK, MOVE_HOOK, MOVE_MOVE, MOVE_DONE };
struct gather_move {
    uint64_t done;    // what the pass has dealt with: pages, or of whole tables 2 MiB units
    uint64_t counted; // page of the destination for which a missing table was counted last
    uint64_t slots;   // leaves: Frames named by the pass; where it goes down, those left
    uint32_t missing; // tables of the destination
    uint8_t pass;     // enum move_pass
    uint8_t level;    // of the leaves
};

// Whole level 3 tables: from, to and pages are multiples of 2 MiB, else MISALIGNED. Where there is
// no table, nothing moves. Records stay true: they name a table, wherever it hangs. PLACE_OCCUPIED,
// OTHER_MAPPING (a block is in the range), NO_TABLES with *missing. DEAD. The ranges were checked
// (gather_check_range).
enum sheaf_error gather_move_tables(struct gather *gather, struct vspace *vspace, vaddr_t from,
                                    vaddr_t to, uint64_t pages, struct gather_move *move,
                                    unsigned *missing);

// Leaf by leaf. `frames` name mappings by their records, and get new records: those of the Frames
// from number progress->slots on, in the order of the addresses; where move_goes_down, those before
// it, the last one first. OTHER_MAPPING where the record of Frame `named` does not name the leaf
// that is next (count: there are too few); BLOCK_CUT where a record's leaves reach out of the
// range; MISALIGNED for the leaves' size; RANGE for a record of more than SHEAF_MOVE_LEAVES, or a
// mapping that would lie in two tables; PLACE_OCCUPIED; NO_TABLES with *missing; DEAD. The ranges
// were checked, and the lock of the CNode that holds the records is held.
#define MOVE_FRAMES 6u // of a slice
struct moved_frames {
    unsigned count; // at least 1 to begin
    unsigned named; // how many of them named a run of leaves
    struct {
        struct mapped_frame *frame;
        unsigned size_bits;
        bool max_write; // as in leaf_attributes: no leaf that allows more moves by this record
    } at[MOVE_FRAMES];
};
static inline bool move_goes_down(const struct gather_move *move, vaddr_t from, vaddr_t to) {
    return move->pass == MOVE_MOVE && to.v > from.v; // as memmove does
}
enum sheaf_error gather_move_leaves(struct gather *gather, struct vspace *vspace, vaddr_t from,
                                    vaddr_t to, uint64_t pages, struct moved_frames *frames,
                                    struct gather_move *progress, unsigned *missing);

// Clears what records of Frames name, where they verify, keeping tables. Completes nothing, so
// locks of lower rank than LOCK_VSPACE may be held. A record may change meanwhile, by a MOVE or a
// MAP.
enum record_step {
    RECORD_THROUGH, // nothing of it is left but what the finish completes
    RECORD_AGAIN,   // enough for one call, or an interrupt is pending; something was done
    RECORD_PENDING, // others' removals are pending: gather_complete_record first
    RECORD_FULL,    // the batch is full of VSpaces: gather_finish first
};
struct gather_record {
    const struct mapped_frame *frame;
    uint8_t size_bits;
    bool through;    // false before; true: nothing is left but what the finish completes
    uint8_t seen;    // the SHEAF_REPORT_* bits of what was cleared are added
    uint16_t number; // the caller's
};
// Table by table, in the order in which the list first names them: so others than the first may be
// through, too. Answers how many of the list, from the first on, are through, and says in *step why
// the next one is not. With DEFER only a full table of entries is in the way of a removal.
unsigned gather_clear_records(struct gather *gather, struct gather_record *records, unsigned count,
                              enum record_step *step);
// For one record, with what must come first. Used by delete and revoke: the capability may leave
// the tree after gather_finish. False: it took its time and is not through; it is to be called
// again, after a finish if the caller gives way.
bool gather_unmap_record(struct gather *gather, struct mapping_record record, paddr_t frame,
                         unsigned size_bits);
// Completes everything pending in the VSpace of the record (before a capability is mapped anew).
// Whether there was anything: it takes up to 2,500 instructions.
bool gather_complete_record(struct gather *gather, struct mapping_record record);

// ---- Kernel aliases: the kernel's own mapping of RAM
//
// It consists of blocks of 2 MiB. Memory that user space maps as non-cacheable must not have a
// cacheable alias there (Arm manual, "Mismatched memory attributes"). So a block is made
// non-cacheable first, as a whole, while nobody uses it. The way back is lazy: blocks that nobody
// uses any more are queued, and many of them are purged, made cacheable again, in one batch.
//
//   alias_begin()                     this PE's turn: one batch at a time in the machine
//   alias_break / alias_break_queued  blocks are taken out of the kernel's map
//   alias_end()                       DSB ISHST, TLBI VAALE1IS ..., DSB ISH, ISB; then they are
//                                     back, with the other memory type
//
// Who calls answers for it that nobody uses the memory, and that nobody gives it out before
// alias_end: the kernel itself has no mapping of it meanwhile. Rank LOCK_ALIAS is taken inside.
// Addresses and sizes are multiples of ALIAS_BLOCK_BYTES unless it says otherwise.

#define ALIAS_BLOCK_BITS SHEAF_NON_CACHEABLE_MIN_BITS
#define ALIAS_BLOCK_BYTES (UINT64_C(1) << ALIAS_BLOCK_BITS)

// When what is queued is purged.
enum alias_policy {
    ALIAS_NEVER,     // not now: the caller may not wait for other PEs
    ALIAS_IF_NEEDED, // if any of the memory named is among it, which is about to be used as
                     // cacheable
    ALIAS_FORCE,     // whatever is queued
};

// Whether the memory lies in whole blocks of the kernel's map: then the kernel's image, its tables
// and its other data are not in them. Any address and size.
bool alias_can_change(paddr_t start, uint64_t bytes);
// Whether any block in the machine is non-cacheable and not queued. For a hint: no lock is held.
bool alias_is_used(void);
// Queues the blocks of [start, start + bytes) that are non-cacheable, or some of them: a slice of a
// bounded length, which executes no barrier and waits for nobody. Returns how many bytes it has
// dealt with.
uint64_t alias_queue(paddr_t start, uint64_t bytes);
// Whether anything is queued. No lock is held: a purge may be about to end.
static inline bool alias_is_queued(void) {
    extern uint64_t alias_queued; // blocks; src/mmu/alias.c
    return __atomic_load_n(&alias_queued, __ATOMIC_RELAXED) != 0;
}
// Whether the policy asks for a purge. With IF_NEEDED: of [start, start + bytes), at most 2 MiB at
// any address; true also while another PE is about it.
bool alias_wants_purge(enum alias_policy policy, paddr_t start, uint64_t bytes);

// Waits for its turn, with no lock held.
void alias_begin(void);
// Ends the batch, and the turn. No lock that others need is held.
void alias_end(void);
// Makes blocks of [start, start + bytes) non-cacheable at alias_end, some of them. Blocks that are
// queued are just not purged. Returns how many bytes at the beginning are non-cacheable already: so
// it is called in turn after turn, for what is left, until it returns all.
uint64_t alias_break(paddr_t start, uint64_t bytes);
// Makes queued blocks cacheable at alias_end, some of them.
void alias_break_queued(void);

// ---- Faults

enum mmu_fault {
    MMU_FAULT_RESOLVED,    // access flag, dirty bit or a stale entry: the thread just resumes
    MMU_FAULT_TRANSLATION, // nothing is mapped there
    MMU_FAULT_PERMISSION,  // the mapping does not allow this access
};
// `access`: SHEAF_ACCESS_*. Addresses outside of the user half, and all of a dead VSpace, are
// MMU_FAULT_TRANSLATION.
enum mmu_fault mmu_fault(struct vspace *vspace, vaddr_t va, uint64_t access);

// Reads the 8 bytes at `va`, a multiple of 8, that user space could read there: for the backtrace
// of a thread. False where no Normal memory is mapped. Takes and drops the VSpace lock.
bool vspace_read_word(struct vspace *vspace, vaddr_t va, uint64_t *value);

#endif
