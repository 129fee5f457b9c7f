// SPDX-License-Identifier: BSD-2-Clause
// System registers that the drivers work with: timer, GICv3, and the barriers for devices.
// The GICv3 names are written as encodings, which every assembler knows.
#include <arch_cache.h>
#include <drivers.h>
#include <port.h>

#define READ_REGISTER(name)                                                                        \
    __extension__({                                                                                \
        uint64_t read_value;                                                                       \
        __asm__ volatile("mrs %0, " name : "=r"(read_value)::"memory");                            \
        read_value;                                                                                \
    })
#define WRITE_REGISTER(name, value)                                                                \
    __asm__ volatile("msr " name ", %0" ::"r"((uint64_t)(value)) : "memory")

#define ICC_PMR_EL1 "S3_0_C4_C6_0"
#define ICC_SGI1R_EL1 "S3_0_C12_C11_5"
#define ICC_IAR1_EL1 "S3_0_C12_C12_0"
#define ICC_EOIR1_EL1 "S3_0_C12_C12_1"
#define ICC_BPR1_EL1 "S3_0_C12_C12_3"
#define ICC_CTLR_EL1 "S3_0_C12_C12_4"
#define ICC_SRE_EL1 "S3_0_C12_C12_5"
#define ICC_IGRPEN1_EL1 "S3_0_C12_C12_7"
#define ICC_SRE_SRE UINT64_C(1)
#define ID_AA64PFR0_GIC_SHIFT 24

static void full_barrier(void) { __asm__ volatile("dsb sy" ::: "memory"); }

void arch_io_barrier(void) { full_barrier(); }

uint64_t arch_read_mpidr(void) { return READ_REGISTER("mpidr_el1"); }

void arch_publish_and_signal(const volatile void *address, size_t bytes) {
    cache_clean_to_memory(address, bytes);
    __asm__ volatile("sev" ::: "memory");
}

uint32_t arch_timer_read_frequency(void) { return (uint32_t)READ_REGISTER("cntfrq_el0"); }

uint64_t arch_timer_read_counter(void) {
    port_isb(); // the counter may otherwise be read before earlier instructions
    return READ_REGISTER("cntvct_el0");
}

void arch_timer_write_compare(uint64_t ticks) {
    WRITE_REGISTER("cntv_cval_el0", ticks);
    port_isb();
}

void arch_timer_write_control(uint32_t control) {
    WRITE_REGISTER("cntv_ctl_el0", control);
    port_isb();
}

bool arch_gicv3_enable_system_registers(void) {
    if (((READ_REGISTER("id_aa64pfr0_el1") >> ID_AA64PFR0_GIC_SHIFT) & 0xf) == 0) {
        return false; // the register below would be undefined
    }
    WRITE_REGISTER(ICC_SRE_EL1, READ_REGISTER(ICC_SRE_EL1) | ICC_SRE_SRE);
    port_isb();
    return (READ_REGISTER(ICC_SRE_EL1) & ICC_SRE_SRE) != 0;
}

uint32_t arch_gicv3_read_iar1(void) {
    uint32_t value = (uint32_t)READ_REGISTER(ICC_IAR1_EL1);
    full_barrier(); // the interrupt is active before anything the handler does
    return value;
}

void arch_gicv3_write_eoir1(uint32_t value) {
    WRITE_REGISTER(ICC_EOIR1_EL1, value);
    port_isb();
}

void arch_gicv3_write_pmr(uint32_t value) {
    WRITE_REGISTER(ICC_PMR_EL1, value);
    port_isb();
}

void arch_gicv3_write_bpr1(uint32_t value) { WRITE_REGISTER(ICC_BPR1_EL1, value); }

void arch_gicv3_write_ctlr(uint32_t value) {
    WRITE_REGISTER(ICC_CTLR_EL1, value);
    port_isb();
}

void arch_gicv3_write_igrpen1(uint32_t value) {
    WRITE_REGISTER(ICC_IGRPEN1_EL1, value);
    port_isb();
}

void arch_gicv3_write_sgi1r(uint64_t value) {
    WRITE_REGISTER(ICC_SGI1R_EL1, value);
    port_isb();
}
