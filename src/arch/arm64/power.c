// SPDX-License-Identifier: BSD-2-Clause
// The end: exit status to an emulator, power off, or standing still.
#include "semihost.h"

#include <arch.h>
#include <drivers.h>
#include <trace.h>

// Semihosting (Arm's "Semihosting for AArch32 and AArch64"): operation and reason.
#define SEMIHOST_EXIT 0x18
#define SEMIHOST_APPLICATION_EXIT UINT64_C(0x20026)

int64_t psci_hvc(uint64_t function, uint64_t argument1, uint64_t argument2, uint64_t argument3);
int64_t psci_smc(uint64_t function, uint64_t argument1, uint64_t argument2, uint64_t argument3);

int64_t arch_psci_call(enum board_psci conduit, uint32_t function, uint64_t argument1,
                       uint64_t argument2, uint64_t argument3) {
    return conduit == BOARD_PSCI_HVC ? psci_hvc(function, argument1, argument2, argument3)
                                     : psci_smc(function, argument1, argument2, argument3);
}

void arch_semihost_exit(uint32_t status) {
    uint64_t block[2] = {SEMIHOST_APPLICATION_EXIT, status};
    semihost_call(SEMIHOST_EXIT, block);
}

_Noreturn void arch_power_off(uint64_t status) {
    if (SHEAF_TRACE) {
        trace_finish();
    }
    serial_drain();
    power_exit((uint32_t)status);
    for (;;) { // nothing can switch this machine off
        __asm__ volatile("wfi");
    }
}
