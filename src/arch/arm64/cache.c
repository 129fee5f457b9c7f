// SPDX-License-Identifier: BSD-2-Clause
// Cache maintenance. See arch_cache.h.
#include <arch_cache.h>
#include <base.h>
#include <port.h>

// CTR_EL0.
#define CTR_MIN_LINE(ctr, shift) (UINT64_C(4) << (((ctr) >> (shift)) & 0xf))
#define CTR_INSTRUCTION_SHIFT 0
#define CTR_DATA_SHIFT 16
#define CTR_L1_POLICY(ctr) (((ctr) >> 14) & 3)
#define CTR_L1_PIPT 3u
#define CTR_IDC BIT(28) // data need not be cleaned for instruction fetch
#define CTR_DIC BIT(29) // instructions need not be invalidated

static uint64_t cache_type(void) {
    uint64_t ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    return ctr;
}

static void invalidate_instructions(uint64_t ctr, uint64_t start, uint64_t end) {
    if (CTR_L1_POLICY(ctr) != CTR_L1_PIPT) {
        // Indexed by virtual address: lines of the user's address are not found through ours.
        __asm__ volatile("ic ialluis" ::: "memory");
        return;
    }
    uint64_t line = CTR_MIN_LINE(ctr, CTR_INSTRUCTION_SHIFT);
    for (uint64_t address = ALIGN_DOWN(start, line); address < end; address += line) {
        __asm__ volatile("ic ivau, %0" ::"r"(address) : "memory");
    }
}

void cache_sync_instructions(const void *start, size_t bytes) {
    uint64_t ctr = cache_type();
    uint64_t first = (uint64_t)(uintptr_t)start, end = first + bytes;
    if ((ctr & CTR_IDC) == 0) {
        uint64_t line = CTR_MIN_LINE(ctr, CTR_DATA_SHIFT);
        for (uint64_t address = ALIGN_DOWN(first, line); address < end; address += line) {
            __asm__ volatile("dc cvau, %0" ::"r"(address) : "memory");
        }
    }
    port_dsb_ish(); // cleaned (or, with IDC, stored) before fetches can miss
    if ((ctr & CTR_DIC) == 0) {
        invalidate_instructions(ctr, first, end);
        port_dsb_ish(); // the invalidation is complete on all PEs
    }
    port_isb(); // and this PE fetches anew
}

void cache_clean_to_memory(const volatile void *start, size_t bytes) {
    uint64_t first = (uint64_t)(uintptr_t)start, end = first + bytes;
    uint64_t line = CTR_MIN_LINE(cache_type(), CTR_DATA_SHIFT);
    for (uint64_t address = ALIGN_DOWN(first, line); address < end; address += line) {
        __asm__ volatile("dc cvac, %0" ::"r"(address) : "memory");
    }
    __asm__ volatile("dsb sy" ::: "memory"); // in memory, for observers outside of the domain too
}

void cache_clean_and_invalidate(const volatile void *start, size_t bytes) {
    uint64_t first = (uint64_t)(uintptr_t)start, end = first + bytes;
    uint64_t line = CTR_MIN_LINE(cache_type(), CTR_DATA_SHIFT);
    for (uint64_t address = ALIGN_DOWN(first, line); address < end; address += line) {
        __asm__ volatile("dc civac, %0" ::"r"(address) : "memory");
    }
    __asm__ volatile("dsb sy" ::: "memory"); // before anyone writes to that memory uncached
}
