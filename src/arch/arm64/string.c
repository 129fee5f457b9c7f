// SPDX-License-Identifier: BSD-2-Clause
// Memory functions: arch.h's, and those that the compiler calls by itself. Integer registers only.
#include "memory_functions.h"

#include <arch.h>

#define ZERO_BLOCK_BYTES 64u
// DCZID_EL0: log2 of words in bits 3:0, bit 4 prohibits DC ZVA (Arm manual, "DCZID_EL0").
#define DCZID_64_BYTES 4u
#define DCZID_MASK 0x1fu

void arch_zero(void *start, size_t bytes) {
    uint64_t *word = start;
    uint64_t *end = (uint64_t *)(void *)((char *)start + bytes);
    uint64_t dczid;
    ASSERT(IS_ALIGNED((uint64_t)(uintptr_t)start | bytes, ZERO_BLOCK_BYTES));
    __asm__("mrs %0, dczid_el0" : "=r"(dczid));
    if ((dczid & DCZID_MASK) == DCZID_64_BYTES) {
        for (; word != end; word += ZERO_BLOCK_BYTES / sizeof(*word)) {
            __asm__ volatile("dc zva, %0" ::"r"(word) : "memory");
        }
        return;
    }
    for (; word != end; word += 8) {
        __asm__ volatile("stp xzr, xzr, [%0]\n"
                         "stp xzr, xzr, [%0, #16]\n"
                         "stp xzr, xzr, [%0, #32]\n"
                         "stp xzr, xzr, [%0, #48]\n" ::"r"(word)
                         : "memory");
    }
}

void arch_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

static bool words_align(const void *a, const void *b) {
    return IS_ALIGNED((uint64_t)(uintptr_t)a | (uint64_t)(uintptr_t)b, sizeof(uint64_t));
}

// The compiler would turn the loops below into calls of the functions they are in.
#define KEEP_LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))

KEEP_LOOP void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    unsigned char *destination = to;
    const unsigned char *source = from;
    if (words_align(to, from)) {
        for (; bytes >= 8; bytes -= 8, destination += 8, source += 8) {
            *(uint64_t *)(void *)destination = *(const uint64_t *)(const void *)source;
        }
    }
    for (; bytes != 0; bytes--) {
        *destination++ = *source++;
    }
    return to;
}

KEEP_LOOP void *memmove(void *to, const void *from, size_t bytes) {
    unsigned char *destination = to;
    const unsigned char *source = from;
    if (destination <= source) {
        for (; bytes != 0; bytes--) {
            *destination++ = *source++;
        }
        return to;
    }
    while (bytes-- != 0) {
        destination[bytes] = source[bytes];
    }
    return to;
}

KEEP_LOOP void *memset(void *to, int value, size_t bytes) {
    unsigned char *destination = to;
    for (; bytes != 0 && !words_align(destination, destination); bytes--) {
        *destination++ = (unsigned char)value;
    }
    uint64_t word = (unsigned char)value * UINT64_C(0x0101010101010101);
    for (; bytes >= 8; bytes -= 8, destination += 8) {
        *(uint64_t *)(void *)destination = word;
    }
    for (; bytes != 0; bytes--) {
        *destination++ = (unsigned char)value;
    }
    return to;
}

KEEP_LOOP int memcmp(const void *a, const void *b, size_t bytes) {
    const unsigned char *left = a, *right = b;
    for (; bytes != 0; bytes--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}
