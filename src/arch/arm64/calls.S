// SPDX-License-Identifier: BSD-2-Clause
// Calls out of the kernel: firmware (SMC Calling Convention) and semihosting.
// Arguments are where the procedure call standard puts them already.
    .text

// uint64_t semihost_call(uint64_t operation, const void *argument)
    .global semihost_call
    .type semihost_call, %function
semihost_call:
    .global semihost_instruction
semihost_instruction:
    hlt #0xf000
    ret

// int64_t psci_hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3), psci_smc
// The convention lets the callee change x4 to x17, as the procedure call standard does.
    .global psci_hvc
    .type psci_hvc, %function
psci_hvc:
    hvc #0
    ret

    .global psci_smc
    .type psci_smc, %function
psci_smc:
    smc #0
    ret
