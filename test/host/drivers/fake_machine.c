// SPDX-License-Identifier: BSD-2-Clause
// A fake machine for the drivers.
#include "fake_machine.h"

#include <stdio.h>
#include <stdlib.h>

#define DEVICES_MAX 8
#define EVENTS_MAX 8192

uint64_t fake_mpidr;
uint32_t fake_frequency;
uint64_t fake_counter;
uint64_t fake_compare;
uint32_t fake_timer_control;
bool fake_system_registers;
uint32_t fake_iar;
int64_t fake_psci_result;
enum board_psci fake_psci_conduit;
uint64_t fake_psci_arguments[3];

static struct fake_device devices[DEVICES_MAX];
static size_t device_count;
static struct fake_event events[EVENTS_MAX];
static size_t event_count;

static void record(enum fake_event_kind kind, uint64_t address, uint64_t value) {
    assert_true(event_count < EVENTS_MAX);
    events[event_count++] = (struct fake_event){.kind = kind, .address = address, .value = value};
}

void fake_reset(void) {
    device_count = 0;
    event_count = 0;
    fake_mpidr = UINT64_C(0x80000000); // RES1 bit 31, affinity 0.0.0.0
    fake_frequency = 62500000;
    fake_counter = 0;
    fake_compare = 0;
    fake_timer_control = 3;
    fake_system_registers = true;
    fake_iar = 1023;
    fake_psci_result = 0;
    fake_psci_conduit = BOARD_PSCI_NONE;
}

void fake_add(const struct fake_device *device) {
    assert_true(device_count < DEVICES_MAX);
    devices[device_count++] = *device;
}

size_t fake_count(enum fake_event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++) {
        count += events[i].kind == kind;
    }
    return count;
}

struct fake_event fake_last(size_t back) {
    return back < event_count ? events[event_count - 1 - back]
                              : (struct fake_event){.kind = FAKE_ANY};
}

static const struct fake_device *find_device(uintptr_t address, unsigned bytes) {
    for (size_t i = 0; i < device_count; i++) {
        if (address >= devices[i].base && address - devices[i].base + bytes <= devices[i].size) {
            return &devices[i];
        }
    }
    fail_msg("access of %u bytes at %#zx, where no device is", bytes, (size_t)address);
    abort();
}

uint64_t fake_read(uintptr_t address, unsigned bytes) {
    assert_int_equal(address % bytes, 0);
    const struct fake_device *device = find_device(address, bytes);
    return device->read(address - device->base, bytes);
}

void fake_write(uintptr_t address, unsigned bytes, uint64_t value) {
    assert_int_equal(address % bytes, 0);
    const struct fake_device *device = find_device(address, bytes);
    record(FAKE_WRITE, address, value);
    device->write(address - device->base, bytes, value);
}

// ---- What src/arch/arm64 has on the target

void arch_io_barrier(void) { record(FAKE_BARRIER, 0, 0); }

uint64_t arch_read_mpidr(void) { return fake_mpidr; }

void arch_publish_and_signal(const volatile void *address, size_t bytes) {
    assert_int_equal(bytes, 8);
    record(FAKE_PUBLISH, (uintptr_t)address, *(const volatile uint64_t *)address);
}

uint32_t arch_timer_read_frequency(void) { return fake_frequency; }

uint64_t arch_timer_read_counter(void) { return fake_counter; }

void arch_timer_write_compare(uint64_t ticks) { fake_compare = ticks; }

void arch_timer_write_control(uint32_t control) { fake_timer_control = control; }

bool arch_gicv3_enable_system_registers(void) { return fake_system_registers; }

uint32_t arch_gicv3_read_iar1(void) { return fake_iar; }

void arch_gicv3_write_eoir1(uint32_t value) { record(FAKE_REGISTER, FAKE_EOIR, value); }

void arch_gicv3_write_pmr(uint32_t value) { record(FAKE_REGISTER, FAKE_PMR, value); }

void arch_gicv3_write_bpr1(uint32_t value) { record(FAKE_REGISTER, FAKE_BPR, value); }

void arch_gicv3_write_ctlr(uint32_t value) { record(FAKE_REGISTER, FAKE_CTLR, value); }

void arch_gicv3_write_igrpen1(uint32_t value) { record(FAKE_REGISTER, FAKE_IGRPEN, value); }

void arch_gicv3_write_sgi1r(uint64_t value) { record(FAKE_REGISTER, FAKE_SGIR, value); }

int64_t arch_psci_call(enum board_psci conduit, uint32_t function, uint64_t argument1,
                       uint64_t argument2, uint64_t argument3) {
    record(FAKE_PSCI, function, argument1);
    fake_psci_conduit = conduit;
    fake_psci_arguments[0] = argument1;
    fake_psci_arguments[1] = argument2;
    fake_psci_arguments[2] = argument3;
    return fake_psci_result;
}

void arch_semihost_exit(uint32_t status) { record(FAKE_SEMIHOST, 0, status); }

// The drivers' assertions end a test.
void panic(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fail_msg("panic: %s", text);
    abort();
}
