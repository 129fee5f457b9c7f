// SPDX-License-Identifier: BSD-2-Clause
// The port: everything src/mmu asks of a machine.
//
// On the target each function is an instruction or a short loop (src/arch/arm64/include/
// port_inline.h); on the host it is a call into the machine model (test/vmsa). src/mmu and
// src/core compile unchanged for both. No function here does more than its name says: a barrier
// is never hidden inside a TLBI, a TLBI never inside a store.
#ifndef PORT_H
#define PORT_H

#include <base.h>
#include <lock.h>
#include <sheaf/counter.h>

// TLB invalidations by the names of the Arm manual (section "TLB maintenance instructions").
enum port_tlbi {
    PORT_TLBI_VAE1IS,    // by VA, leaf and walk caches, one ASID, inner shareable
    PORT_TLBI_VALE1IS,   // by VA, last level only
    PORT_TLBI_ASIDE1IS,  // everything of one ASID
    PORT_TLBI_VAAE1IS,   // by VA, all ASIDs and global
    PORT_TLBI_VAALE1IS,  // the same, last level only
    PORT_TLBI_VMALLE1IS, // everything
    PORT_TLBI_RVAE1IS,   // by range (FEAT_TLBIRANGE)
    PORT_TLBI_RVALE1IS,  // by range, last level only
    PORT_TLBI_VALE1,     // by VA, last level only, this PE
    PORT_TLBI_VMALLE1,   // everything, this PE
    PORT_TLBI_KINDS,
};

// Events that no instruction shows: what the machine model and the trace judge reuse by.
enum port_event {
    PORT_EVENT_TABLE_TAKEN,    // a: table's address, b: ASID: it will be zeroed and linked
    PORT_EVENT_TABLE_RELEASED, // a: table's address, b: ASID: may be taken again from now on
    PORT_EVENT_FRAME_RELEASED, // a: address, b: bytes: may be rewritten by anyone from now on
    PORT_EVENT_RANGE_RELEASED, // a: virtual address, b: ASID << 48 | pages: removal is complete
    PORT_EVENT_ROOT_RELEASED,  // a: root's address, b: ASID: both may be reused
    PORT_EVENT_RANGE_HELD,     // a, b: as before. Not meant by the range that this PE releases next
};

// Table memory. `table` is the address of a 4 KiB table, `index` 0 to 511. Access is single-copy
// atomic and relaxed; the caller holds the VSpace lock.
static inline desc_t port_desc_read(paddr_t table, unsigned index);
static inline void port_desc_write(paddr_t table, unsigned index, desc_t value);
static inline desc_t port_desc_exchange(paddr_t table, unsigned index, desc_t value);
// Writes `desired` if the descriptor equals `*expected`; else stores what it was there.
static inline bool port_desc_compare_exchange(paddr_t table, unsigned index, desc_t *expected,
                                              desc_t desired);
static inline void port_table_zero(paddr_t table);

// The index of the first descriptor from `index` on, below `end`, that differs from `like` in more
// than the output address; `end` where there is none.
static inline unsigned port_desc_alike_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like);
// Toggles bits of leaves that are alike in that sense: of each descriptor from `index` on, below
// `end`, as long as it equals `like` in everything but the output address. Each is exchanged, so
// that nothing which hardware or another PE writes meanwhile is lost: such a descriptor is not
// alike any more. Returns the index of the first that was not changed.
static inline unsigned port_desc_toggle_run(paddr_t table, unsigned index, unsigned end,
                                            desc_t like, uint64_t toggled);
// The same, but writes 0 to each.
static inline unsigned port_desc_clear_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like);

// One TLBI instruction; the operand comes from the encoder (src/mmu/tlbi.c) and nowhere else.
static inline void port_tlbi(enum port_tlbi kind, uint64_t operand);

static inline void port_dsb_ishst(void); // earlier stores are visible to all walkers
static inline void port_dsb_ish(void);   // and earlier TLBIs of this PE are complete
static inline void port_dsb_nsh(void);   // this PE only
static inline void port_dmb_ishst(void); // earlier stores before later ones
static inline void port_isb(void);       // context synchronisation on this PE

// Writes TTBR0 (root | ASID << 48) and synchronises the context.
static inline void port_load_root(uint64_t ttbr0);
static inline uint64_t port_loaded_root(void);
// Makes every other PE that has `ttbr0` loaded load `empty` instead, and returns when they have
// (an interrupt to each, answered with an ISB). The caller holds no lock.
static inline void port_evict_root(uint64_t ttbr0, uint64_t empty);
// One turn of a wait for another PE, with no lock held: answers interrupts from other PEs.
static inline void port_relax(void);

// Brackets a walk of tables by software. The VSpace lock is held in between.
static inline void port_walk_begin(asid_t asid);
static inline void port_walk_end(asid_t asid);

static inline unsigned port_pe(void); // 0 to MAX_PES - 1

// Whether an interrupt is pending on this PE. Polling costs no barrier.
static inline bool port_preemption_pending(void);

// Makes instructions in [start, start + bytes) visible to instruction fetch on all PEs (Arm manual,
// "Concurrent modification and execution of instructions"). At most 64 KiB a call.
static inline void port_sync_instructions(paddr_t start, size_t bytes);

// Writes what caches hold of [start, start + bytes) back to memory, where everyone who reads it
// sees the same, and drops it (Arm manual, "The AArch64 cache maintenance functionality", point of
// coherency). Complete on return. In whole cache lines; by the kernel's own mapping, whatever type
// that has. At most 64 KiB a call.
static inline void port_clean_and_invalidate(paddr_t start, size_t bytes);

// The kernel's own mapping of RAM.
static inline void *port_kernel_address(paddr_t address);
static inline paddr_t port_physical_address(const void *pointer);

static inline void port_count(enum sheaf_counter counter, uint64_t n);
static inline void port_note(enum port_event event, uint64_t a, uint64_t b);

#include <port_inline.h>

#endif
