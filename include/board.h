// SPDX-License-Identifier: BSD-2-Clause
// Board: what the device tree says about the machine, in the form the kernel uses.
//
// fdt_read_board() fills a `struct board` from a flattened device tree. It touches nothing but the
// blob and the structure, so it runs on the host, and in the kernel at any time, with or without
// the MMU. All addresses are CPU physical addresses, translated through all buses.
#ifndef BOARD_H
#define BOARD_H

#include <base.h>
#include <fdt.h>

// Where a machine has more of these than the kernel has room for, leaving some out is safe for
// memory banks and PEs: `truncated` says so, and the kernel prints it. It is not safe for reserved
// memory or redistributors: there the tree is refused with DT_TOO_MANY.
#define BOARD_MAX_PES MAX_PES
#define BOARD_MAX_MEMORY 16
#define BOARD_MAX_RESERVED 48
#define BOARD_MAX_REDISTRIBUTORS 8

enum board_truncation {
    BOARD_TRUNCATED_PES = 1,
    BOARD_TRUNCATED_MEMORY = 2,
};

// Bytes [base, base + size); never wraps. `size` is 0 where a thing is absent.
struct board_range {
    paddr_t base;
    uint64_t size;
};

struct board_reserved {
    struct board_range range;
    bool no_map; // must not be mapped, not even by the kernel: the CPU could speculate into it
};

enum board_trigger {
    BOARD_TRIGGER_LEVEL,
    BOARD_TRIGGER_EDGE,
};

// An interrupt of the board's interrupt controller.
struct board_interrupt {
    bool present;
    uint32_t intid; // as the GIC counts: 16 to 31 private to a PE, 32 to 1019 shared
    enum board_trigger trigger;
};

enum board_serial_kind {
    BOARD_SERIAL_NONE,
    BOARD_SERIAL_PL011,
};

struct board_serial {
    enum board_serial_kind kind;
    bool chosen; // by /chosen/stdout-path; else the first PL011 that is not disabled
    struct board_range registers;
    struct board_interrupt interrupt; // may be absent: then there is no input by interrupt
    uint32_t clock_hz;                // 0 if the tree does not tell: keep the divisors
    uint32_t baud;                    // from the options after the ':', else 115200
};

enum board_irqc_kind {
    BOARD_IRQC_NONE,
    BOARD_IRQC_GICV2,
    BOARD_IRQC_GICV3,
};

struct board_irqc {
    enum board_irqc_kind kind;
    struct board_range distributor;
    struct board_range cpu_interface; // GICv2
    uint32_t redistributor_count;     // GICv3
    struct board_range redistributor[BOARD_MAX_REDISTRIBUTORS];
    uint64_t redistributor_stride; // bytes from one PE's to the next; 0: each tells its own
};

struct board_timer {
    struct board_interrupt physical; // EL1 physical timer, Non-secure
    struct board_interrupt virtual;  // EL1 virtual timer
    uint32_t clock_hz;               // only if the tree overrides CNTFRQ_EL0, else 0
};

enum board_pe_start {
    BOARD_PE_START_NONE, // no method that the kernel knows: only the boot PE can run
    BOARD_PE_START_PSCI,
    BOARD_PE_START_SPIN_TABLE,
};

struct board_pe {
    uint64_t mpidr; // affinity fields Aff3..Aff0, in their places in MPIDR_EL1
    enum board_pe_start start;
    paddr_t release; // spin table: where the entry address is written; 8 bytes
};

enum board_psci {
    BOARD_PSCI_NONE,
    BOARD_PSCI_HVC,
    BOARD_PSCI_SMC,
};

struct board {
    uint32_t blob_size;  // bytes of the device tree itself; the caller knows where it lies
    const char *model;   // in the blob; "" if absent
    const char *args;    // boot arguments, in the blob; "" if absent
    uint32_t truncated;  // enum board_truncation
    uint32_t pes_listed; // in the tree, before truncation; same for the banks
    uint32_t memory_listed;

    uint32_t memory_count; // banks as listed: not sorted, not merged; never of size 0
    struct board_range memory[BOARD_MAX_MEMORY];
    uint32_t reserved_count; // reservation block and /reserved-memory; may overlap each other
    struct board_reserved reserved[BOARD_MAX_RESERVED];
    struct board_range ramdisk;

    uint32_t pe_count;
    struct board_pe pe[BOARD_MAX_PES];
    enum board_psci psci;

    struct board_serial serial;
    struct board_irqc irqc;
    struct board_timer timer;
    struct board_range bcm_gpio;     // BCM2711 pin multiplexer, else size 0
    struct board_range bcm_watchdog; // BCM2835 family power and watchdog block, else size 0

    const char *problem_node;     // where a status other than DT_OK came up: names, in the blob
    const char *problem_property; // or static; "" if none
};

// Reads the whole description. On any status but DT_OK, `board` holds what was read up to there, in
// the order serial port, arguments, memory, reserved memory, RAM disk, PEs, interrupt controller,
// timer; so the message about it can be printed. A machine without serial port, interrupt
// controller, timer, PEs or memory is described as such with DT_OK: what is indispensable is the
// kernel's decision.
// DT_TOO_MANY, or any status of dt_open() and of the dt_* readers.
enum dt_status fdt_read_board(const void *blob, size_t limit, struct board *board);

#endif
