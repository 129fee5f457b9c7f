// SPDX-License-Identifier: BSD-2-Clause
// Memory functions: arch.h's, and those that the compiler calls by itself. Integer registers only.
#include "memory_functions.h"

#include <arch.h>
#include <arch_cache.h>

#define ZERO_BLOCK_BYTES 64u
// DCZID_EL0: log2 of words in bits 3:0, bit 4 prohibits DC ZVA (Arm manual, "DCZID_EL0").
#define DCZID_64_BYTES 4u
#define DCZID_MASK 0x1fu

// Eight bytes of an object of any type.
typedef uint64_t __attribute__((may_alias)) word_t;
#define WORD_BYTES sizeof(word_t)

// The compiler would recognise a loop as the function it is in, and call that.
#define KEEP_LOOP() __asm__ volatile("")

void cache_zero(void *start, size_t bytes) {
    uint64_t address = (uint64_t)(uintptr_t)start, end = address + bytes;
    uint64_t dczid;
    ASSERT(IS_ALIGNED(address | bytes, ZERO_BLOCK_BYTES));
    __asm__("mrs %0, dczid_el0" : "=r"(dczid));
    if ((dczid & DCZID_MASK) == DCZID_64_BYTES) {
        for (; address != end; address += ZERO_BLOCK_BYTES) {
            __asm__ volatile("dc zva, %0" ::"r"(address) : "memory");
        }
        return;
    }
    for (; address != end; address += ZERO_BLOCK_BYTES) {
        __asm__ volatile("stp xzr, xzr, [%0]\n"
                         "stp xzr, xzr, [%0, #16]\n"
                         "stp xzr, xzr, [%0, #32]\n"
                         "stp xzr, xzr, [%0, #48]\n" ::"r"(address)
                         : "memory");
    }
}

void arch_zero(void *start, size_t bytes) { cache_zero(start, bytes); }

void arch_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

static bool word_aligned(uintptr_t address) { return IS_ALIGNED(address, WORD_BYTES); }

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    uintptr_t destination = (uintptr_t)to, source = (uintptr_t)from;
    if (word_aligned(destination | source)) {
        // Loaded before anything is stored: `to` and `from` do not overlap, but only so does the
        // compiler see that two words make a pair.
        for (; bytes >= 4 * WORD_BYTES; bytes -= 4 * WORD_BYTES) {
            const word_t *in = (const word_t *)source;
            word_t *out = (word_t *)destination;
            word_t a = in[0], b = in[1], c = in[2], d = in[3];
            KEEP_LOOP();
            out[0] = a;
            out[1] = b;
            out[2] = c;
            out[3] = d;
            destination += 4 * WORD_BYTES;
            source += 4 * WORD_BYTES;
        }
        for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES) {
            KEEP_LOOP();
            *(word_t *)destination = *(const word_t *)source;
            destination += WORD_BYTES;
            source += WORD_BYTES;
        }
    }
    for (; bytes != 0; bytes--) {
        KEEP_LOOP();
        *(unsigned char *)destination++ = *(const unsigned char *)source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
    unsigned char *destination = to;
    const unsigned char *source = from;
    if (destination <= source) {
        for (; bytes != 0; bytes--) {
            KEEP_LOOP();
            *destination++ = *source++;
        }
        return to;
    }
    while (bytes-- != 0) {
        KEEP_LOOP();
        destination[bytes] = source[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    uintptr_t destination = (uintptr_t)to;
    for (; bytes != 0 && !word_aligned(destination); bytes--) {
        KEEP_LOOP();
        *(unsigned char *)destination++ = (unsigned char)value;
    }
    word_t word = (unsigned char)value * UINT64_C(0x0101010101010101);
    for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES, destination += WORD_BYTES) {
        KEEP_LOOP();
        *(word_t *)destination = word;
    }
    for (; bytes != 0; bytes--) {
        KEEP_LOOP();
        *(unsigned char *)destination++ = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
    const unsigned char *left = a, *right = b;
    for (; bytes != 0; bytes--, left++, right++) {
        KEEP_LOOP();
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}
