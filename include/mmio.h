// SPDX-License-Identifier: BSD-2-Clause
// Registers in memory.
//
// One naturally aligned access of exactly that width, in program order with other such accesses to
// the same device (Arm manual, "Device memory"). Nothing orders them against Normal memory: where
// that matters a driver calls arch_io_barrier() and says why.
//
// The host tests of the drivers have a header of the same name that leads to fake devices.
#ifndef MMIO_H
#define MMIO_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t mmio_read32(const volatile void *base, size_t offset) {
    return *(const volatile uint32_t *)((const volatile uint8_t *)base + offset);
}

static inline void mmio_write32(volatile void *base, size_t offset, uint32_t value) {
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}

static inline uint64_t mmio_read64(const volatile void *base, size_t offset) {
    return *(const volatile uint64_t *)((const volatile uint8_t *)base + offset);
}

static inline void mmio_write64(volatile void *base, size_t offset, uint64_t value) {
    *(volatile uint64_t *)((volatile uint8_t *)base + offset) = value;
}

static inline void mmio_write8(volatile void *base, size_t offset, uint8_t value) {
    *((volatile uint8_t *)base + offset) = value;
}

#endif
