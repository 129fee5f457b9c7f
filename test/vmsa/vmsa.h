// SPDX-License-Identifier: BSD-2-Clause
// A model of the translation machinery (VMSAv8-64, stage 1, EL1&0, 4 KiB granule), for the host.
//
// It stands in for the machine under the unchanged src/mmu and src/core: include/port.h is
// implemented by calls into it. It is an adversary. Of every translation it keeps whether some PE
// may have cached it, and whatever the architecture permits to be cached counts as cached:
//
//   - any descriptor that a walker can see and reach, at any moment, on every PE that has the root
//     loaded (walks are speculative), leaves and table descriptors alike. A table descriptor is
//     kept by address prefix, so it also stands for the combined entries that skip upper levels
//   - not: invalid descriptors, leaves with a clear access flag
//   - a store may be seen by walkers at once, but the value before it may still be seen until the
//     storing PE executes DSB ISHST or stronger; or another PE DSB ISH, after it acquired a lock
//     that the storer released in between
//   - a TLBI takes nothing away before its own PE executes DSB ISH, and nothing that a walk could
//     fetch anew when it was issued. With a level hint it takes leaves of that level and nothing
//     else: more than the architecture lets a right hint miss, so that hints stay with leaves
//
// Uses of the architecture that are not safe against all of this are violations, reported by rule.
// A violation calls the handler; without one it is printed with the last events, and aborts.
#ifndef VMSA_H
#define VMSA_H

#include <port.h>

// Physical address of the arena's first byte. Aligned to the largest block.
#define VMSA_BASE UINT64_C(0x40000000)

enum vmsa_rule {
    VMSA_REMOVAL_INCOMPLETE, // a range is given out as removed, but may still be cached
    VMSA_TABLE_REUSED,       // a table is taken, zeroed or written while a walk may reach it
    VMSA_FRAME_REUSED,       // memory is rewritten while a translation to it may be cached
    VMSA_STALE_RIGHTS,       // a page is relied on as not written, but may still be
    VMSA_BREAK_BEFORE_MAKE,  // a translation is written while another one may be cached there
    VMSA_ROOT_RELEASED,      // a root is given back while a PE has it loaded
    VMSA_ASID_REUSED,        // an ASID is given back or loaded with another root, but is cached
    VMSA_UNORDERED_CONTENTS, // a table is linked, its contents not ordered before
    VMSA_PREEMPTIBLE,        // preemption is polled between a TLBI and its DSB
    VMSA_HINT,               // TTL bits without FEAT_TTL
    VMSA_OPERAND,            // RES0 bits of an operand, or an operation that the cores lack
    VMSA_LOST_UPDATE,        // a plain store over a leaf whose flags hardware may be setting
    VMSA_UNSYNCHRONISED,     // execution granted, the instruction side does not have the contents
    VMSA_MISMATCHED,         // two memory types for one frame at a time, or one and a cache's copy
    VMSA_NO_ALIAS,           // the kernel uses memory that its own half does not map
    VMSA_ATTRIBUTES,         // a leaf as no mapping may be
    VMSA_COMMON,             // a root is loaded as common to several PEs (FEAT_TTCNP)
    VMSA_WALK_UNPROTECTED,   // a table is released while another PE walks that VSpace
    VMSA_LOCK_ORDER,         // ranks do not ascend, or a lock is taken twice
    VMSA_RULES,
};

// What the cores have beyond ARMv8.0. All false: an ARMv8.0 core with 16-bit ASIDs.
struct vmsa_features {
    bool ttl;            // FEAT_TTL: level hints are read, a wrong one invalidates nothing
    bool range;          // FEAT_TLBIRANGE
    bool hardware_flags; // FEAT_HAFDBS: hardware sets the access flag and the dirty state, always
                         // just before software's exchange
    bool repeat_tlbi;    // erratum: what a TLBI and its DSB take away is gone only after the next
                         // broadcast TLBI and its DSB ISH on the same PE
    bool late_context;   // no FEAT_ETS2: a PE's own kernel may use what its TLBI and DSB took away,
                         // until the PE synchronises its context
    bool asids_of_8_bits;
};

// What the port may be told to do wrong, to show that the model notices.
struct vmsa_faults {
    bool drop_dsb_ish;    // DSB ISH does nothing
    bool drop_dsb_ishst;  // DSB ISHST does nothing
    bool drop_dmb_ishst;  // DMB ISHST does nothing
    bool drop_tlbi;       // TLBI does nothing
    bool drop_isb;        // ISB does nothing
    bool last_level_only; // VAE1IS acts as VALE1IS
    bool local_only;      // broadcast operations reach this PE only
    bool next_page;       // operations by address hit the page after
    bool wrong_asid;      // operations hit the next ASID
    bool no_answer;       // port_evict_root does not wait for PEs that are in the kernel
    uint8_t open_ranks;   // bit for each rank: its locks exclude nobody
};

// `memory`: `bytes` of host memory, aligned to 64, which becomes the simulated RAM from VMSA_BASE
// on. All PEs are on a root of zero. Forgets everything from before.
void vmsa_init(void *memory, size_t bytes);
void vmsa_init_at(uint64_t start, void *memory, size_t bytes); // RAM from `start` on

void vmsa_set_pe(unsigned pe); // what follows runs on this PE
bool vmsa_holds_locks(unsigned pe);
// Called by the model for a violation. NULL: print and abort.
typedef void vmsa_handler(enum vmsa_rule rule, const char *text);
void vmsa_set_handler(vmsa_handler *handler);
const char *vmsa_rule_name(enum vmsa_rule rule);
// Violations from now on are only counted, until the next vmsa_init.
void vmsa_expect_violations(void);
unsigned vmsa_violations(enum vmsa_rule rule);
void vmsa_print_events(void);                                     // the last ones, to stderr
void vmsa_print_violation(enum vmsa_rule rule, const char *text); // and the events before it
// Called for panic(), before the abort. May not return to the caller of panic(). NULL: none.
void vmsa_set_panic_handler(void (*handler)(const char *text));

extern struct vmsa_faults vmsa_faults;     // cleared by vmsa_init
extern struct vmsa_features vmsa_features; // the same

// Preemption polls that answer no before the first yes; then yes until set anew.
#define VMSA_NEVER UINT64_MAX
void vmsa_set_interrupt(uint64_t polls);
uint64_t vmsa_polled(void); // polls since then

// Called before each port call that has an effect or orders something. It may set another PE and
// run kernel code there; the model restores the PE afterwards. NULL: none. Not called recursively.
enum vmsa_call {
    VMSA_CALL_READ,
    VMSA_CALL_STORE,
    VMSA_CALL_ZERO,
    VMSA_CALL_TLBI,
    VMSA_CALL_BARRIER,
    VMSA_CALL_LOAD_ROOT,
    VMSA_CALL_EVICT_ROOT, // before the interrupts; on return every other PE has answered
    VMSA_CALL_LOCK,       // a: the lock; on return it is free
    VMSA_CALL_UNLOCK,     // a: the lock, which is free already
    VMSA_CALL_POLL,
    VMSA_CALL_NOTE,
    VMSA_CALL_RELAX,
};
typedef void vmsa_hook(enum vmsa_call call, uint64_t a, uint64_t b);
void vmsa_set_hook(vmsa_hook *hook);

// For a trace of another machine, which has moments that the port's one call does not show: from
// entering a root until the one before is left, walks may use either.
void vmsa_enter_root(uint64_t ttbr0);
void vmsa_leave_root(void);
// What a descriptor is about, by the Arm manual: bytes of a leaf in this table, 0 if it is none or
// if the table is not linked; the output address.
uint64_t vmsa_leaf_bytes(paddr_t table, uint64_t value);
uint64_t vmsa_output(uint64_t value);

// The tables of the kernel's half (TTBR1), on all PEs from now on. They are written through the
// port like those of VSpaces; their leaves are global.
void vmsa_load_kernel_root(paddr_t root);
#define VMSA_KERNEL_HALF UINT64_C(0xffff000000000000)
// Makes a kernel's half that maps RAM from VMSA_KERNEL_HALF on, in cacheable blocks of 2 MiB, and
// loads it. It takes three pages at `tables`; RAM lies in one GiB. Returns the root.
paddr_t vmsa_make_kernel_half(paddr_t tables, uint64_t start, uint64_t bytes);
// The kernel writes there, by its own half. Judged where that is part of the model.
void vmsa_kernel_writes(paddr_t start, uint64_t bytes);
// This PE wrote the contents of whole frames, which are to be mapped afterwards.
void vmsa_frame_written(paddr_t frame, uint64_t bytes);
// Valid descriptors that the PE stored and did not order by a DSB: accesses may still fault.
unsigned vmsa_unordered(unsigned pe);
// Someone relies on it that nobody writes these frames through rights that the tables do not give
// any more: a page reported clean, or made read-only.
void vmsa_frames_relied_on(paddr_t frame, uint64_t bytes);
// Memory is rewritten by someone who may not be its last owner.
void vmsa_frame_reused(paddr_t frame, uint64_t bytes);
// Physical addresses that an access of the PE at `va` may use now, by any leaf that may be cached
// (every leaf a walk may find is among them). Fills at most `max`, returns how many.
unsigned vmsa_reachable(unsigned pe, vaddr_t va, paddr_t *addresses, unsigned max);
// The same for an access by the PE's kernel itself, which no exception return precedes.
unsigned vmsa_reachable_by_kernel(unsigned pe, vaddr_t va, paddr_t *addresses, unsigned max);
// Memory types by which the PE's kernel may use the address: a bit for each index of MAIR_EL1.
unsigned vmsa_types_by_kernel(unsigned pe, vaddr_t va);
// Whether an entry that the PE may have cached makes a write to `va` fault.
bool vmsa_refuses_writes(unsigned pe, vaddr_t va);
// Whether an access of the PE's kernel to what it just mapped in its own half may take a fault.
bool vmsa_may_fault_in_kernel(unsigned pe);
// The same as vmsa_refuses_writes for a write by the PE's kernel itself.
bool vmsa_refuses_writes_of_kernel(unsigned pe, vaddr_t va);
// Whether one makes it succeed.
bool vmsa_allows_writes(unsigned pe, vaddr_t va);
// Live leaves that TLBIs since vmsa_log_reset hit without need: they were not changed, and have to
// be walked for again.
uint64_t vmsa_needless(void);
size_t vmsa_cached(asid_t asid); // entries that some PE may have cached

// Every TLBI since vmsa_log_reset, in order.
struct vmsa_tlbi {
    enum port_tlbi kind;
    uint64_t operand;
};
void vmsa_log_reset(void);
size_t vmsa_log_count(void);
const struct vmsa_tlbi *vmsa_log(void);
unsigned vmsa_dsb_count(void); // DSB ISHST and ISH since vmsa_log_reset
uint64_t vmsa_reads(void);     // descriptors read since vmsa_init
uint64_t vmsa_counter(enum sheaf_counter counter);

#endif
