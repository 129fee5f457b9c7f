// SPDX-License-Identifier: BSD-2-Clause
// The port on the host: every function is a call into the machine model (test/vmsa).
#ifndef PORT_INLINE_H
#define PORT_INLINE_H

desc_t vmsa_desc_read(paddr_t table, unsigned index);
void vmsa_desc_write(paddr_t table, unsigned index, desc_t value);
desc_t vmsa_desc_exchange(paddr_t table, unsigned index, desc_t value);
bool vmsa_desc_compare_exchange(paddr_t table, unsigned index, desc_t *expected, desc_t desired);
bool vmsa_desc_toggle(paddr_t table, unsigned index, desc_t like, uint64_t toggled);
bool vmsa_desc_clear(paddr_t table, unsigned index, desc_t like);
void vmsa_table_zero(paddr_t table);
void vmsa_tlbi(enum port_tlbi kind, uint64_t operand);
void vmsa_dsb_ishst(void);
void vmsa_dsb_ish(void);
void vmsa_dsb_nsh(void);
void vmsa_dmb_ishst(void);
void vmsa_isb(void);
void vmsa_load_root(uint64_t ttbr0);
uint64_t vmsa_loaded_root(void);
void vmsa_evict_root(uint64_t ttbr0, uint64_t empty);
void vmsa_relax(void);
void vmsa_walk_begin(asid_t asid);
void vmsa_walk_end(asid_t asid);
unsigned vmsa_pe(void);
bool vmsa_preemption_pending(void);
void vmsa_sync_instructions(paddr_t start, size_t bytes);
void vmsa_clean_and_invalidate(paddr_t start, size_t bytes);
void *vmsa_kernel_address(paddr_t address);
paddr_t vmsa_physical_address(const void *pointer);
void vmsa_count(enum sheaf_counter counter, uint64_t n);
void vmsa_note(enum port_event event, uint64_t a, uint64_t b);

static inline desc_t port_desc_read(paddr_t table, unsigned index) {
    return vmsa_desc_read(table, index);
}

static inline void port_desc_write(paddr_t table, unsigned index, desc_t value) {
    vmsa_desc_write(table, index, value);
}

static inline desc_t port_desc_exchange(paddr_t table, unsigned index, desc_t value) {
    return vmsa_desc_exchange(table, index, value);
}

static inline bool port_desc_compare_exchange(paddr_t table, unsigned index, desc_t *expected,
                                              desc_t desired) {
    return vmsa_desc_compare_exchange(table, index, expected, desired);
}

static inline unsigned port_desc_alike_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like) {
    while (index < end &&
           ((vmsa_desc_read(table, index).v ^ like.v) & UINT64_C(0xffff000000000fff)) == 0)
        index++;
    return index;
}

static inline unsigned port_desc_toggle_run(paddr_t table, unsigned index, unsigned end,
                                            desc_t like, uint64_t toggled) {
    while (index < end && vmsa_desc_toggle(table, index, like, toggled))
        index++;
    return index;
}

static inline unsigned port_desc_clear_run(paddr_t table, unsigned index, unsigned end,
                                           desc_t like) {
    while (index < end && vmsa_desc_clear(table, index, like))
        index++;
    return index;
}

static inline void port_table_zero(paddr_t table) { vmsa_table_zero(table); }

static inline void port_tlbi(enum port_tlbi kind, uint64_t operand) { vmsa_tlbi(kind, operand); }

static inline void port_dsb_ishst(void) { vmsa_dsb_ishst(); }

static inline void port_dsb_ish(void) { vmsa_dsb_ish(); }

static inline void port_dsb_nsh(void) { vmsa_dsb_nsh(); }

static inline void port_dmb_ishst(void) { vmsa_dmb_ishst(); }

static inline void port_isb(void) { vmsa_isb(); }

static inline void port_load_root(uint64_t ttbr0) { vmsa_load_root(ttbr0); }

static inline uint64_t port_loaded_root(void) { return vmsa_loaded_root(); }

static inline void port_evict_root(uint64_t ttbr0, uint64_t empty) {
    vmsa_evict_root(ttbr0, empty);
}

static inline void port_relax(void) { vmsa_relax(); }

static inline void port_walk_begin(asid_t asid) { vmsa_walk_begin(asid); }

static inline void port_walk_end(asid_t asid) { vmsa_walk_end(asid); }

static inline unsigned port_pe(void) { return vmsa_pe(); }

static inline bool port_preemption_pending(void) { return vmsa_preemption_pending(); }

static inline void port_sync_instructions(paddr_t start, size_t bytes) {
    vmsa_sync_instructions(start, bytes);
}

static inline void port_clean_and_invalidate(paddr_t start, size_t bytes) {
    vmsa_clean_and_invalidate(start, bytes);
}

static inline void *port_kernel_address(paddr_t address) { return vmsa_kernel_address(address); }

static inline paddr_t port_physical_address(const void *pointer) {
    return vmsa_physical_address(pointer);
}

static inline void port_count(enum sheaf_counter counter, uint64_t n) { vmsa_count(counter, n); }

static inline void port_note(enum port_event event, uint64_t a, uint64_t b) {
    vmsa_note(event, a, b);
}

#endif
