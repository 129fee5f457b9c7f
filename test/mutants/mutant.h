// SPDX-License-Identifier: BSD-2-Clause
// What stands in the mutated copy of the kernel's sources: scripts/lib/mutate.py puts a call of
// these in the place of each call of the port, with the number of its first mutant. The further
// ones of a call are numbered in the order of OPERATORS there.
#ifndef MUTANT_H
#define MUTANT_H

#include <port.h>

extern unsigned mutant; // the one that is chosen; 0: none

static inline bool mutant_is(unsigned number) { return mutant == number; }

static inline void mutant_dsb_ishst(unsigned first) {
    if (mutant_is(first + 1))
        port_dmb_ishst();
    else if (!mutant_is(first))
        port_dsb_ishst();
}

static inline void mutant_dsb_ish(unsigned first) {
    if (mutant_is(first + 1))
        port_dsb_ishst();
    else if (mutant_is(first + 2))
        port_dsb_nsh();
    else if (!mutant_is(first))
        port_dsb_ish();
}

static inline void mutant_dsb_nsh(unsigned first) {
    if (mutant_is(first + 1))
        port_dsb_ishst();
    else if (!mutant_is(first))
        port_dsb_nsh();
}

static inline void mutant_dmb_ishst(unsigned first) {
    if (!mutant_is(first))
        port_dmb_ishst();
}

static inline void mutant_isb(unsigned first) {
    if (!mutant_is(first))
        port_isb();
}

static inline enum port_tlbi mutant_local(enum port_tlbi kind) {
    return kind == PORT_TLBI_VAE1IS || kind == PORT_TLBI_VALE1IS ? PORT_TLBI_VALE1
                                                                 : PORT_TLBI_VMALLE1;
}

static inline enum port_tlbi mutant_last_level(enum port_tlbi kind) {
    if (kind == PORT_TLBI_VAE1IS)
        return PORT_TLBI_VALE1IS;
    return kind == PORT_TLBI_RVAE1IS ? PORT_TLBI_RVALE1IS : kind;
}

static inline void mutant_tlbi(unsigned first, enum port_tlbi kind, uint64_t operand) {
    if (mutant_is(first + 1))
        port_tlbi(kind, operand ^ UINT64_C(1) << 48);
    else if (mutant_is(first + 2))
        port_tlbi(kind, operand + 1);
    else if (mutant_is(first + 3))
        port_tlbi(mutant_local(kind), operand);
    else if (mutant_is(first + 4))
        port_tlbi(mutant_last_level(kind), operand);
    else if (!mutant_is(first))
        port_tlbi(kind, operand);
}

static inline desc_t mutant_desc_exchange(unsigned first, paddr_t table, unsigned index,
                                          desc_t value) {
    if (!mutant_is(first) && !mutant_is(first + 1))
        return port_desc_exchange(table, index, value);
    desc_t old = port_desc_read(table, index);
    if (mutant_is(first))
        port_desc_write(table, index, value);
    return old;
}

static inline bool mutant_desc_compare_exchange(unsigned first, paddr_t table, unsigned index,
                                                desc_t *expected, desc_t desired) {
    if (!mutant_is(first) && !mutant_is(first + 1))
        return port_desc_compare_exchange(table, index, expected, desired);
    desc_t old = port_desc_read(table, index);
    if (old.v != expected->v) {
        *expected = old;
        return false;
    }
    if (mutant_is(first))
        port_desc_write(table, index, desired);
    return true;
}

static inline unsigned mutant_desc_toggle_run(unsigned first, paddr_t table, unsigned index,
                                              unsigned end, desc_t like, uint64_t toggled) {
    if (!mutant_is(first) && !mutant_is(first + 1))
        return port_desc_toggle_run(table, index, end, like, toggled);
    unsigned stop = port_desc_alike_run(table, index, end, like);
    for (unsigned i = index; i < stop && mutant_is(first); i++)
        port_desc_write(table, i, DESC(port_desc_read(table, i).v ^ toggled));
    return stop;
}

static inline unsigned mutant_desc_clear_run(unsigned first, paddr_t table, unsigned index,
                                             unsigned end, desc_t like) {
    if (!mutant_is(first) && !mutant_is(first + 1))
        return port_desc_clear_run(table, index, end, like);
    unsigned stop = port_desc_alike_run(table, index, end, like);
    for (unsigned i = index; i < stop && mutant_is(first); i++)
        port_desc_write(table, i, DESC(0));
    return stop;
}

static inline void mutant_evict_root(unsigned first, uint64_t ttbr0, uint64_t empty) {
    if (!mutant_is(first))
        port_evict_root(ttbr0, empty);
}

static inline void mutant_sync_instructions(unsigned first, paddr_t start, size_t bytes) {
    if (!mutant_is(first))
        port_sync_instructions(start, bytes);
}

static inline void mutant_clean_and_invalidate(unsigned first, paddr_t start, size_t bytes) {
    if (!mutant_is(first))
        port_clean_and_invalidate(start, bytes);
}

#endif
