// SPDX-License-Identifier: BSD-2-Clause
// The port on the target: each function is an instruction or a short loop.
//
// Every asm that orders memory or changes what an address means is volatile with a memory clobber:
// the compiler must not move an access across it either. What a traced kernel records, and when,
// is trace.h's.
#ifndef PORT_INLINE_H
#define PORT_INLINE_H

#include <arch_cache.h>
#include <arch_pe.h>
#include <trace.h>

// Virtual minus physical address in the direct map of RAM.
#define PORT_DIRECT_MAP UINT64_C(0xffff000000000000)

static inline void *port_kernel_address(paddr_t address) {
    return (void *)(uintptr_t)(PORT_DIRECT_MAP + address.v);
}

static inline paddr_t port_physical_address(const void *pointer) {
    return PADDR((uint64_t)(uintptr_t)pointer - PORT_DIRECT_MAP);
}

static inline desc_t *port_desc_place(paddr_t table, unsigned index) {
    return (desc_t *)port_kernel_address(table) + index;
}

// ---- Descriptors: 64-bit aligned accesses are single-copy atomic (Arm manual, "Requirements for
// single-copy atomicity"), for the walkers of all PEs too.

static inline desc_t port_desc_read(paddr_t table, unsigned index) {
    return DESC(__atomic_load_n(&port_desc_place(table, index)->v, __ATOMIC_RELAXED));
}

// Numbered before the store; what was there is known after it.
static inline void port_desc_trace(uint64_t number, enum trace_store how, paddr_t table,
                                   unsigned index, uint64_t old, uint64_t value) {
    trace_put(number, TRACE_STORE, how, table.v + index * sizeof(desc_t), old, value);
}

static inline void port_desc_write(paddr_t table, unsigned index, desc_t value) {
    if (SHEAF_TRACE) {
        uint64_t number = trace_draw();
        uint64_t old = port_desc_read(table, index).v;
        port_desc_trace(number, TRACE_WRITE, table, index, old, value.v);
    }
    __atomic_store_n(&port_desc_place(table, index)->v, value.v, __ATOMIC_RELAXED);
}

static inline desc_t port_desc_exchange(paddr_t table, unsigned index, desc_t value) {
    desc_t *place = port_desc_place(table, index);
    uint64_t number = SHEAF_TRACE ? trace_draw() : 0;
    uint64_t old;
    uint32_t failed;
    __asm__ volatile("1: ldxr %0, %2\n"
                     "   stxr %w1, %3, %2\n"
                     "   cbnz %w1, 1b\n"
                     : "=&r"(old), "=&r"(failed), "+Q"(place->v)
                     : "r"(value.v)
                     : "memory");
    if (SHEAF_TRACE) {
        port_desc_trace(number, TRACE_EXCHANGE, table, index, old, value.v);
    }
    return DESC(old);
}

static inline bool port_desc_compare_exchange(paddr_t table, unsigned index, desc_t *expected,
                                              desc_t desired) {
    desc_t *place = port_desc_place(table, index);
    uint64_t number = SHEAF_TRACE ? trace_draw() : 0;
    uint64_t old;
    uint32_t failed;
    __asm__ volatile("1: ldxr %0, %2\n"
                     "   cmp %0, %3\n"
                     "   b.ne 2f\n"
                     "   stxr %w1, %4, %2\n"
                     "   cbnz %w1, 1b\n"
                     "   b 3f\n"
                     "2: clrex\n"
                     "3:\n"
                     : "=&r"(old), "=&r"(failed), "+Q"(place->v)
                     : "r"(expected->v), "r"(desired.v)
                     : "cc", "memory");
    bool written = old == expected->v;
    if (SHEAF_TRACE) { // one that fails leaves what it found
        port_desc_trace(number, TRACE_COMPARE_EXCHANGE, table, index, old,
                        written ? desired.v : old);
    }
    expected->v = old;
    return written;
}

// Bits 47:12, the output address, are what leaves that are alike may differ in.
#define PORT_DESC_ATTRIBUTES UINT64_C(0xffff000000000fff)

// Four at a time, so that one comparison serves for all of them. Each register of a Load Pair is
// read single-copy atomically.
static inline const desc_t *port_desc_alike_fours(const desc_t *place, const desc_t *behind,
                                                  uint64_t like) {
    uint64_t a, b, c, d;
    const desc_t *last = behind - 4;
    if (behind - place < 4) {
        return place;
    }
    __asm__ volatile("1: ldp %0, %1, [%4]\n"
                     "   ldp %2, %3, [%4, #16]\n"
                     "   eor %0, %0, %5\n"
                     "   eor %1, %1, %5\n"
                     "   eor %2, %2, %5\n"
                     "   eor %3, %3, %5\n"
                     "   orr %0, %0, %1\n"
                     "   orr %2, %2, %3\n"
                     "   orr %0, %0, %2\n"
                     "   tst %0, %7\n"
                     "   b.ne 2f\n"
                     "   add %4, %4, #32\n"
                     "   cmp %4, %6\n"
                     "   b.ls 1b\n"
                     "2:\n"
                     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d), "+&r"(place)
                     : "r"(like), "r"(last), "L"(PORT_DESC_ATTRIBUTES)
                     : "cc", "memory");
    return place;
}

static inline unsigned port_desc_alike_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like) {
    const desc_t *const first = port_desc_place(table, 0), *const behind = first + end;
    const desc_t *place = port_desc_alike_fours(first + index, behind, like.v);
    while (place < behind &&
           ((__atomic_load_n(&place->v, __ATOMIC_RELAXED) ^ like.v) & PORT_DESC_ATTRIBUTES) == 0) {
        place++;
    }
    return (unsigned)(place - first);
}

// Two at a time, from a 16-byte aligned place: LDXP and STXP of two registers are single-copy
// atomic as a whole where the store succeeds (Arm manual, "Load-Exclusive Pair and Store-Exclusive
// Pair"), and cost half of what two exchanges do. The value with `like` taken out of it is 0 but
// for the address, so `fresh` goes in by the same instruction. A difference leaves the exclusive
// monitor set, which harms nothing: the next Load-Exclusive sets it anew, an exception return
// clears it.
static inline desc_t *port_desc_toggle_pairs(desc_t *place, const desc_t *behind, uint64_t like,
                                             uint64_t fresh) {
    uint64_t first, second, differ;
    uint32_t failed;
    if (behind - place < 2) {
        return place;
    }
    const desc_t *last = behind - 1;
    __asm__ volatile("1: ldxp %0, %1, [%4]\n"
                     "   eor %0, %0, %5\n"
                     "   eor %1, %1, %5\n"
                     "   orr %2, %0, %1\n"
                     "   tst %2, %8\n"
                     "   b.ne 2f\n"
                     "   eor %0, %0, %6\n"
                     "   eor %1, %1, %6\n"
                     "   stxp %w3, %0, %1, [%4]\n"
                     "   cbnz %w3, 1b\n"
                     "   add %4, %4, #16\n"
                     "   cmp %4, %7\n"
                     "   b.lo 1b\n"
                     "2:\n"
                     : "=&r"(first), "=&r"(second), "=&r"(differ), "=&r"(failed), "+&r"(place)
                     : "r"(like), "r"(fresh), "r"(last), "L"(PORT_DESC_ATTRIBUTES)
                     : "cc", "memory");
    return place;
}

// True: the descriptor was alike and is changed.
static inline bool port_desc_toggle_one(desc_t *place, uint64_t like, uint64_t fresh) {
    uint64_t value;
    uint32_t failed = 1;
    __asm__ volatile("1: ldxr %0, %2\n"
                     "   eor %0, %0, %3\n"
                     "   tst %0, %5\n"
                     "   b.ne 2f\n"
                     "   eor %0, %0, %4\n"
                     "   stxr %w1, %0, %2\n"
                     "   cbnz %w1, 1b\n"
                     "2:\n"
                     : "=&r"(value), "+&r"(failed), "+Q"(place->v)
                     : "r"(like), "r"(fresh), "L"(PORT_DESC_ATTRIBUTES)
                     : "cc", "memory");
    return failed == 0;
}

// A traced kernel changes one at a time, each an event: to what it was, of that `kept`, with bits
// toggled.
static inline unsigned port_desc_change_traced(paddr_t table, unsigned index, unsigned end,
                                               desc_t like, uint64_t kept, uint64_t toggled) {
    while (index < end) {
        desc_t old = port_desc_read(table, index);
        if (((old.v ^ like.v) & PORT_DESC_ATTRIBUTES) != 0) {
            break;
        }
        if (port_desc_compare_exchange(table, index, &old, DESC((old.v & kept) ^ toggled))) {
            index++;
        }
    }
    return index;
}

static inline unsigned port_desc_toggle_run(paddr_t table, unsigned index, unsigned end,
                                            desc_t like, uint64_t toggled) {
    if (SHEAF_TRACE) {
        return port_desc_change_traced(table, index, end, like, ~UINT64_C(0), toggled);
    }
    desc_t *const first = port_desc_place(table, 0);
    desc_t *place = first + index, *const behind = first + end;
    uint64_t fresh = like.v ^ toggled;
    if (index % 2 != 0 && index < end && port_desc_toggle_one(place, like.v, fresh)) {
        place++;
    }
    if ((place - first) % 2 == 0) {
        place = port_desc_toggle_pairs(place, behind, like.v, fresh);
        if (place < behind && port_desc_toggle_one(place, like.v, fresh)) {
            place++;
        }
    }
    return (unsigned)(place - first);
}

// As port_desc_toggle_pairs.
static inline desc_t *port_desc_clear_pairs(desc_t *place, const desc_t *behind, uint64_t like) {
    uint64_t first, second;
    uint32_t failed;
    if (behind - place < 2) {
        return place;
    }
    const desc_t *last = behind - 1;
    __asm__ volatile("1: ldxp %0, %1, [%3]\n"
                     "   eor %0, %0, %4\n"
                     "   eor %1, %1, %4\n"
                     "   orr %0, %0, %1\n"
                     "   tst %0, %6\n"
                     "   b.ne 2f\n"
                     "   stxp %w2, xzr, xzr, [%3]\n"
                     "   cbnz %w2, 1b\n"
                     "   add %3, %3, #16\n"
                     "   cmp %3, %5\n"
                     "   b.lo 1b\n"
                     "2:\n"
                     : "=&r"(first), "=&r"(second), "=&r"(failed), "+&r"(place)
                     : "r"(like), "r"(last), "L"(PORT_DESC_ATTRIBUTES)
                     : "cc", "memory");
    return place;
}

// True: the descriptor was alike and is 0 now.
static inline bool port_desc_clear_one(desc_t *place, uint64_t like) {
    uint64_t value;
    uint32_t failed = 1;
    __asm__ volatile("1: ldxr %0, %2\n"
                     "   eor %0, %0, %3\n"
                     "   tst %0, %4\n"
                     "   b.ne 2f\n"
                     "   stxr %w1, xzr, %2\n"
                     "   cbnz %w1, 1b\n"
                     "2:\n"
                     : "=&r"(value), "+&r"(failed), "+Q"(place->v)
                     : "r"(like), "L"(PORT_DESC_ATTRIBUTES)
                     : "cc", "memory");
    return failed == 0;
}

static inline unsigned port_desc_clear_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like) {
    if (SHEAF_TRACE) {
        return port_desc_change_traced(table, index, end, like, 0, 0);
    }
    desc_t *const first = port_desc_place(table, 0);
    desc_t *place = first + index, *const behind = first + end;
    if (index % 2 != 0 && index < end && port_desc_clear_one(place, like.v)) {
        place++;
    }
    if ((place - first) % 2 == 0) {
        place = port_desc_clear_pairs(place, behind, like.v);
        if (place < behind && port_desc_clear_one(place, like.v)) {
            place++;
        }
    }
    return (unsigned)(place - first);
}

static inline void port_table_zero(paddr_t table) {
    trace(TRACE_ZERO, 0, table.v, 0);
    cache_zero(port_kernel_address(table), PAGE_BYTES);
}

// ---- TLB maintenance

// A switch over constants: callers name the kind literally, so one instruction remains. The range
// operations are written as SYS instructions because the assembler knows their names only for
// Armv8.4; the planner uses them only where FEAT_TLBIRANGE is present.
static inline __attribute__((always_inline)) void port_tlbi(enum port_tlbi kind, uint64_t operand) {
    trace(TRACE_TLBI, kind, operand, 0);
    switch (kind) {
    case PORT_TLBI_VAE1IS:
        __asm__ volatile("tlbi vae1is, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VALE1IS:
        __asm__ volatile("tlbi vale1is, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_ASIDE1IS:
        __asm__ volatile("tlbi aside1is, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VAAE1IS:
        __asm__ volatile("tlbi vaae1is, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VAALE1IS:
        __asm__ volatile("tlbi vaale1is, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VMALLE1IS:
        __asm__ volatile("tlbi vmalle1is" ::: "memory");
        break;
    case PORT_TLBI_RVAE1IS:
        __asm__ volatile("sys #0, c8, c2, #1, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_RVALE1IS:
        __asm__ volatile("sys #0, c8, c2, #5, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VALE1:
        __asm__ volatile("tlbi vale1, %0" ::"r"(operand) : "memory");
        break;
    case PORT_TLBI_VMALLE1:
        __asm__ volatile("tlbi vmalle1" ::: "memory");
        break;
    case PORT_TLBI_KINDS:
        break;
    }
}

// ---- Barriers. The caller's comment gives the reason of each use.

static inline void port_dsb_ishst(void) {
    __asm__ volatile("dsb ishst" ::: "memory");
    trace(TRACE_BARRIER, TRACE_DSB_ISHST, 0, 0);
}

static inline void port_dsb_ish(void) {
    __asm__ volatile("dsb ish" ::: "memory");
    trace(TRACE_BARRIER, TRACE_DSB_ISH, 0, 0);
}

static inline void port_dsb_nsh(void) {
    __asm__ volatile("dsb nsh" ::: "memory");
    trace(TRACE_BARRIER, TRACE_DSB_NSH, 0, 0);
}

static inline void port_dmb_ishst(void) {
    __asm__ volatile("dmb ishst" ::: "memory");
    trace(TRACE_BARRIER, TRACE_DMB_ISHST, 0, 0);
}

static inline void port_isb(void) {
    __asm__ volatile("isb" ::: "memory");
    trace(TRACE_BARRIER, TRACE_ISB, 0, 0);
}

// ---- Translation table base. Root and ASID change in one register write (TCR_EL1.A1 = 0), so no
// walk ever sees the root of one VSpace with the ASID of another.

static inline void port_load_root(uint64_t ttbr0) {
    trace(TRACE_ROOT_ENTERED, 0, ttbr0, 0);
    __asm__ volatile("msr ttbr0_el1, %0" ::"r"(ttbr0) : "memory");
    port_isb(); // a system register write takes effect at a context synchronisation
    trace(TRACE_ROOT_LEFT, 0, 0, 0);
}

static inline uint64_t port_loaded_root(void) {
    uint64_t ttbr0;
    __asm__ volatile("mrs %0, ttbr0_el1" : "=r"(ttbr0));
    return ttbr0;
}

// One PE runs: no other has the root loaded, and there is nobody to wait for.
static inline void port_evict_root(uint64_t ttbr0, uint64_t empty) {
    (void)ttbr0;
    (void)empty;
}

static inline void port_relax(void) { __asm__ volatile("yield" ::: "memory"); }

// The VSpace lock, which the caller holds, is all that a walk needs here: a table is released only
// under that lock. The machine model checks it.
static inline void port_walk_begin(asid_t asid) { trace(TRACE_WALK_BEGIN, 0, asid.v, 0); }

static inline void port_walk_end(asid_t asid) { trace(TRACE_WALK_END, 0, asid.v, 0); }

static inline unsigned port_pe(void) { return pe_self()->id; }

static inline bool port_preemption_pending(void) {
    trace(TRACE_POLL, 0, 0, 0);
    return pe_interrupt_pending();
}

static inline void port_sync_instructions(paddr_t start, size_t bytes) {
    cache_sync_instructions(port_kernel_address(start), bytes);
    trace(TRACE_SYNC, 0, start.v, bytes);
}

static inline void port_clean_and_invalidate(paddr_t start, size_t bytes) {
    cache_clean_and_invalidate(port_kernel_address(start), bytes);
    trace(TRACE_CLEAN, 0, start.v, bytes);
}

static inline void port_count(enum sheaf_counter counter, uint64_t n) {
    pe_self()->counters[counter] += n; // per PE, interrupts masked: no atomic needed
}

static inline void port_note(enum port_event event, uint64_t a, uint64_t b) {
    trace(TRACE_NOTE, event, a, b);
}

#endif
