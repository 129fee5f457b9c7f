// SPDX-License-Identifier: BSD-2-Clause
// First instructions: the image header, the way from EL2 to EL1, the MMU.
//
// Everything up to the jump into the upper half runs at the address where the image was loaded,
// with MMU and caches off, so all memory is Device memory: aligned accesses only, no exclusives,
// and the caches may hold stale lines of what is written here.
//
// Registers with a meaning throughout: x20 device tree, x21 exception level entered, x22 image.
#include "layout.h"

    .section .head, "ax"
    .global _start
    .type _start, %function
// The header that Linux' arm64 boot protocol defines: U-Boot's booti, QEMU and the Raspberry Pi's
// firmware load the image by it. Flags: little-endian, 4 KiB pages, near the start of RAM.
_start:
    b   primary_entry
    .long 0
    .quad IMAGE_TEXT_OFFSET     // from a 2 MiB boundary of RAM
    .quad image_bytes
    .quad 0x2
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

    .text
    .type primary_entry, %function
primary_entry:
    msr daifset, #0xf
    mov x20, x0
    // Firmware without a holding pen lets all PEs run in here: only the one with affinity 0 goes on.
    mrs x0, mpidr_el1
    ldr x1, =0xff00ffffff       // Aff3, Aff2, Aff1, Aff0
    tst x0, x1
    b.ne park
    adrp x22, _start

    mrs x21, CurrentEL
    lsr x21, x21, #2
    cmp x21, #2
    b.hi park                   // EL3: whoever started us left out the firmware
    bl  leave_el2

    // What is written from here to MMU on lies in .bss. A stale dirty line could be written back
    // over it at any time, so the lines go first (Arm manual, "Mismatched memory attributes").
    bl  invalidate_bss
    adrp x0, bss_start
    adrp x1, bss_end
1:  stp xzr, xzr, [x0], #16
    cmp x0, x1
    b.lo 1b

    adrp x0, pe_stacks
    add x0, x0, #:lo12:pe_stacks
    mov x1, #STACK_TOP_OFFSET
    add sp, x0, x1
    mov x29, xzr
    mov x0, x22
    mov x1, x20
    bl  early_tables            // early.c
    mov x23, x0                 // bytes of the device tree, 0: there is none
    // Lines that speculation fetched meanwhile hold what was there before.
    bl  invalidate_bss

    bl  enable_mmu

    // The upper half.
    ldr x0, =pe_stacks
    mov x1, #STACK_TOP_OFFSET
    add x3, x0, x1
    mov sp, x3
    ldr x0, =pe_data
    msr tpidr_el1, x0
    str x3, [x0, #PE_STACK_TOP]
    ldr x1, =exception_vectors
    msr vbar_el1, x1
    isb                         // both are used by the next exception
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    mov x1, x23
    mov x2, x21
    ldr x4, =boot_main          // boot.c; returns with pe->context set
    blr x4
    b   return_to_user

    .global park
    .type park, %function
park:
    wfe
    b   park

// Clobbers x0 to x3. DC IVAC may not be used on memory that others own: bss_start and bss_end are
// page-aligned.
    .type invalidate_bss, %function
invalidate_bss:
    adrp x0, bss_start
    adrp x1, bss_end
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4        // DminLine: log2 of words
    mov x3, #4
    lsl x2, x3, x2
1:  dc  ivac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 1b
    dsb sy                      // complete for every later access
    ret

// From EL2 to EL1 with nothing trapped or virtualised; at EL1 only the first part. Clobbers x0, x1.
    .type leave_el2, %function
leave_el2:
    // A known SCTLR_EL1: RES1 bits, MMU and caches off.
    ldr x0, =0x30d00800
    cmp x21, #2
    b.eq 1f
    msr sctlr_el1, x0
    isb
    ret
1:  mov x1, #(1 << 31)          // RW: EL1 is AArch64; E2H, TGE, VM and all traps off
    msr hcr_el2, x1
    isb                         // E2H changes what the names below mean
    msr sctlr_el1, x0
    mov x0, #3                  // EL1PCTEN, EL1PCEN: counters and timers are EL1's
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr        // the virtual counter is the physical one
    mov x0, #0x33ff             // RES1 bits; TFP clear: FP belongs to EL1
    msr cptr_el2, x0
    msr hstr_el2, xzr
    // With stage 2 off, EL1's TLB entries are still tagged with the VMID: one for all PEs, or a
    // broadcast invalidation would miss some (Arm manual, "TLBI VAE1IS").
    msr vttbr_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0
    mrs x0, id_aa64dfr0_el1     // MDCR_EL2.HPMN: all counters EL1's, nothing trapped
    ubfx x0, x0, #8, #4         // PMUVer: 0 and 15 mean that there is no PMCR_EL0
    sub x0, x0, #1
    cmp x0, #14
    mov x1, xzr
    b.hs 2f
    mrs x1, pmcr_el0
    ubfx x1, x1, #11, #5
2:  msr mdcr_el2, x1
    mrs x0, id_aa64mmfr0_el1    // FEAT_FGT: fine-grained traps off
    ubfx x0, x0, #56, #4
    cbz x0, 3f
    msr S3_4_C1_C1_4, xzr       // HFGRTR_EL2
    msr S3_4_C1_C1_5, xzr       // HFGWTR_EL2
    msr S3_4_C1_C1_6, xzr       // HFGITR_EL2
    msr S3_4_C3_C1_4, xzr       // HDFGRTR_EL2
    msr S3_4_C3_C1_5, xzr       // HDFGWTR_EL2
3:  mrs x0, id_aa64mmfr1_el1    // FEAT_HCX
    ubfx x0, x0, #40, #4
    cbz x0, 4f
    msr S3_4_C1_C2_2, xzr       // HCRX_EL2
4:  mrs x0, id_aa64pfr0_el1     // GIC system registers
    ubfx x0, x0, #24, #4
    cbz x0, 5f
    mrs x0, S3_4_C12_C9_5       // ICC_SRE_EL2
    orr x0, x0, #1              // SRE
    orr x0, x0, #8              // Enable: EL1 may use them too
    msr S3_4_C12_C9_5, x0
    isb                         // ICH_HCR_EL2 exists only with SRE
    mrs x0, S3_4_C12_C9_5
    tbz x0, #0, 5f              // EL3 withholds them: the driver will say so
    msr S3_4_C12_C11_0, xzr     // ICH_HCR_EL2: no virtual interrupts
5:  mov x0, #0x3c5              // EL1h, everything masked
    msr spsr_el2, x0
    msr elr_el2, x30
    eret

// Turns the MMU on and returns in the upper half. Clobbers x0 to x3.
    .type enable_mmu, %function
enable_mmu:
    ldr x0, =0x0444ff           // MAIR: 0 write-back, 1 non-cacheable, 2 Device-nGnRE
    msr mair_el1, x0
    // TCR: 48 bits in both halves, 4 KiB granule, walks write-back and inner shareable.
    ldr x0, =0xb5103510
    mrs x1, id_aa64mmfr0_el1
    and x2, x1, #0xf            // PARange -> IPS; above 48 bits the format would be another
    mov x3, #5
    cmp x2, x3
    csel x2, x2, x3, lo
    orr x0, x0, x2, lsl #32
    ubfx x2, x1, #4, #4         // ASIDBits: 2 means 16
    cmp x2, #2
    cset x2, eq
    orr x0, x0, x2, lsl #36     // AS
    msr tcr_el1, x0
    adrp x0, identity_root
    add x0, x0, #:lo12:identity_root
    msr ttbr0_el1, x0           // ASID 0
    adrp x0, kernel_root
    add x0, x0, #:lo12:kernel_root
    msr ttbr1_el1, x0
    // No FP for user space until it asks (0b01), no SVE or SME.
    mov x0, #(1 << 20)
    msr cpacr_el1, x0
    mov x0, #2                  // EL0VCTEN: user space may read the virtual counter
    msr cntkctl_el1, x0
    msr mdscr_el1, xzr
    msr tpidrro_el0, xzr        // user space can read it: nothing of the firmware's
    mrs x1, id_aa64dfr0_el1     // PMUSERENR_EL0 is there with a PMU only (PMUVer not 0 or 15)
    ubfx x1, x1, #8, #4
    sub x1, x1, #1
    cmp x1, #14
    b.hs 1f
    msr pmuserenr_el0, xzr      // performance counters are not user space's
1:  mrs x1, id_aa64pfr0_el1     // the same with activity monitors (AMU)
    ubfx x1, x1, #44, #4
    cbz x1, 1f
    msr s3_3_c13_c2_3, xzr      // AMUSERENR_EL0
1:
    // M, C, SA, SA0, ITD, SED, EOS, I, DZE, UCT, nTWI, nTWE, TSCXT, EIS, UCI, nTLSMD, LSMAOE.
    // A is clear: user space may access Normal memory unaligned.
    ldr x0, =0x3455d99d
    mrs x1, id_aa64mmfr1_el1    // FEAT_PAN
    ubfx x1, x1, #20, #4
    mov x2, #(1 << 23)          // SPAN: RES1 without PAN; with it, each entry to EL1 sets PAN
    cmp x1, xzr
    csel x2, x2, xzr, eq
    orr x0, x0, x2
    cbz x1, 2f
    .inst 0xd500419f            // msr pan, #1: the kernel never uses user addresses
    // Nothing cached from before the PE came here (Arm manual, "TLB maintenance instructions").
2:  tlbi vmalle1
    ic  iallu
    dsb nsh                     // this PE's walker and fetcher are the only ones concerned
    isb                         // and the registers above are in effect
    msr sctlr_el1, x0
    isb
    // The identity map carries us to the jump; x30 is still a physical address.
    ldr x0, =_start
    sub x30, x30, x22
    add x30, x30, x0
    ret
    .ltorg
