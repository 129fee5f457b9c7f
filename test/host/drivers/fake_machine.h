// SPDX-License-Identifier: BSD-2-Clause
// A fake machine for the drivers: devices at made-up addresses, the architecture's functions, and a
// record of what was done to them in which order.
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <drivers.h>

// A device answers for [base, base + size). `offset` counts from base.
struct fake_device {
    uintptr_t base;
    size_t size;
    uint64_t (*read)(size_t offset, unsigned bytes);
    void (*write)(size_t offset, unsigned bytes, uint64_t value);
};

enum fake_event_kind {
    FAKE_WRITE,    // address, value
    FAKE_BARRIER,  // arch_io_barrier()
    FAKE_PUBLISH,  // arch_publish_and_signal(): address, value stored there
    FAKE_REGISTER, // a system register's first letter in address, value
    FAKE_PSCI,     // function in address, first argument in value
    FAKE_SEMIHOST, // status in value
    FAKE_ANY,
};

struct fake_event {
    enum fake_event_kind kind;
    uint64_t address;
    uint64_t value;
};

// Empties the machine and the record.
void fake_reset(void);
void fake_add(const struct fake_device *device);

// How many events of a kind there were.
size_t fake_count(enum fake_event_kind kind);
// The last event but `back`; of a kind FAKE_ANY that never occurs if there were not so many.
struct fake_event fake_last(size_t back);

// What the next calls find.
extern uint64_t fake_mpidr;
extern uint32_t fake_frequency;
extern uint64_t fake_counter;
extern uint64_t fake_compare;
extern uint32_t fake_timer_control;
extern bool fake_system_registers; // whether GICv3's can be enabled
extern uint32_t fake_iar;          // what ICC_IAR1_EL1 reads
extern int64_t fake_psci_result;
extern enum board_psci fake_psci_conduit; // of the last call
extern uint64_t fake_psci_arguments[3];   // of the last call

// System registers by letter, for FAKE_REGISTER.
#define FAKE_EOIR 'e'
#define FAKE_PMR 'p'
#define FAKE_BPR 'b'
#define FAKE_CTLR 'c'
#define FAKE_IGRPEN 'i'
#define FAKE_SGIR 's'

#endif
