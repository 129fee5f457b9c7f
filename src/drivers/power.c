// SPDX-License-Identifier: BSD-2-Clause
// Power: off, reset, and starting PEs, by PSCI, by a spin table, or by the Raspberry Pi's watchdog.
#include <drivers.h>

// Arm Power State Coordination Interface, "Function summary" and "Return error codes".
#define PSCI_VERSION 0x84000000U
#define PSCI_CPU_ON 0xc4000003U
#define PSCI_SYSTEM_OFF 0x84000008U
#define PSCI_SYSTEM_RESET 0x84000009U

enum psci_result {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_NOT_PRESENT = -7,
    PSCI_DISABLED = -8,
    PSCI_INVALID_ADDRESS = -9,
};

// BCM2835 family, power management block. Writes need the password in the upper byte. The partition
// bits (0, 2, 4, 6, 8, 10) tell the boot code what to do after the reset: all set means halt.
#define PM_RSTC 0x1c
#define PM_RSTS 0x20
#define PM_WDOG 0x24
#define PM_PASSWORD (0x5aU << 24)
#define PM_RSTS_PARTITION 0x555U
#define PM_RSTC_CONFIG 0x30U
#define PM_RSTC_FULL_RESET 0x20U
#define PM_WDOG_TICKS 10 // of 1/65536 s

// The reset comes within 0.2 ms; so many reads of a register take longer on any board.
#define PM_WAIT_READS 1000000

static struct power_config power;

const char *power_status_name(enum power_status status) {
    switch (status) {
    case POWER_OK:
        return "OK";
    case POWER_NOT_SUPPORTED:
        return "NOT_SUPPORTED";
    case POWER_INVALID_PE:
        return "INVALID_PE";
    case POWER_ALREADY_ON:
        return "ALREADY_ON";
    case POWER_INVALID_ADDRESS:
        return "INVALID_ADDRESS";
    case POWER_DENIED:
        return "DENIED";
    case POWER_FAILED:
        return "FAILED";
    }
    return "UNKNOWN";
}

void power_init(const struct power_config *config) { power = *config; }

// The result of a 32-bit or 64-bit function: its low word is significant in both.
static int32_t psci(uint32_t function, uint64_t argument1, uint64_t argument2, uint64_t argument3) {
    return (int32_t)arch_psci_call(power.psci, function, argument1, argument2, argument3);
}

uint32_t power_psci_version(void) {
    if (power.psci == BOARD_PSCI_NONE) {
        return 0;
    }
    int32_t version = psci(PSCI_VERSION, 0, 0, 0);
    return version < 0 ? 0 : (uint32_t)version;
}

static void watchdog_reset(bool halt) {
    volatile void *block = power.bcm_watchdog;
    uint32_t status = mmio_read32(block, PM_RSTS) & ~PM_RSTS_PARTITION;
    mmio_write32(block, PM_RSTS, PM_PASSWORD | status | (halt ? PM_RSTS_PARTITION : 0));
    mmio_write32(block, PM_WDOG, PM_PASSWORD | PM_WDOG_TICKS);
    uint32_t control = mmio_read32(block, PM_RSTC) & ~PM_RSTC_CONFIG;
    mmio_write32(block, PM_RSTC, PM_PASSWORD | control | PM_RSTC_FULL_RESET);
    for (uint32_t reads = 0; reads < PM_WAIT_READS; reads++) {
        (void)mmio_read32(block, PM_RSTC);
    }
}

void power_off(void) {
    if (power.psci != BOARD_PSCI_NONE) {
        psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
    if (power.bcm_watchdog != NULL) {
        watchdog_reset(true);
    }
}

void power_reset(void) {
    if (power.psci != BOARD_PSCI_NONE) {
        psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    if (power.bcm_watchdog != NULL) {
        watchdog_reset(false);
    }
}

void power_exit(uint32_t status) {
    arch_semihost_exit(status);
    power_off();
}

static enum power_status from_psci(int32_t result) {
    switch (result) {
    case PSCI_SUCCESS:
        return POWER_OK;
    case PSCI_NOT_SUPPORTED:
        return POWER_NOT_SUPPORTED;
    case PSCI_INVALID_PARAMETERS:
    case PSCI_NOT_PRESENT:
    case PSCI_DISABLED:
        return POWER_INVALID_PE;
    case PSCI_ALREADY_ON:
    case PSCI_ON_PENDING:
        return POWER_ALREADY_ON;
    case PSCI_INVALID_ADDRESS:
        return POWER_INVALID_ADDRESS;
    case PSCI_DENIED:
        return POWER_DENIED;
    default:
        return POWER_FAILED;
    }
}

enum power_status power_start_pe(const struct board_pe *pe, paddr_t entry, uint64_t context,
                                 volatile uint64_t *release) {
    switch (pe->start) {
    case BOARD_PE_START_PSCI:
        if (power.psci == BOARD_PSCI_NONE) {
            return POWER_NOT_SUPPORTED;
        }
        return from_psci(psci(PSCI_CPU_ON, pe->mpidr, entry.v, context));
    case BOARD_PE_START_SPIN_TABLE:
        if (release == NULL) {
            return POWER_INVALID_ADDRESS;
        }
        *release = entry.v;
        // The PE polls memory with its caches off, sleeping in WFE between two looks.
        arch_publish_and_signal(release, sizeof(*release));
        return POWER_OK;
    default:
        return POWER_NOT_SUPPORTED;
    }
}
