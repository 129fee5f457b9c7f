// SPDX-License-Identifier: BSD-2-Clause
// Registers in memory, of the fake machine: stands in for include/mmio.h.
#ifndef MMIO_H
#define MMIO_H

#include <stddef.h>
#include <stdint.h>

// The device at the address answers; an address where none is fails the test.
uint64_t fake_read(uintptr_t address, unsigned bytes);
void fake_write(uintptr_t address, unsigned bytes, uint64_t value);

static inline uint32_t mmio_read32(const volatile void *base, size_t offset) {
    return (uint32_t)fake_read((uintptr_t)base + offset, 4);
}

static inline void mmio_write32(volatile void *base, size_t offset, uint32_t value) {
    fake_write((uintptr_t)base + offset, 4, value);
}

static inline uint64_t mmio_read64(const volatile void *base, size_t offset) {
    return fake_read((uintptr_t)base + offset, 8);
}

static inline void mmio_write64(volatile void *base, size_t offset, uint64_t value) {
    fake_write((uintptr_t)base + offset, 8, value);
}

static inline void mmio_write8(volatile void *base, size_t offset, uint8_t value) {
    fake_write((uintptr_t)base + offset, 1, value);
}

#endif
