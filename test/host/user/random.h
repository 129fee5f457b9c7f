// SPDX-License-Identifier: BSD-2-Clause
// Numbers that look random and are the same in each run (xorshift64).
#ifndef TEST_USER_RANDOM_H
#define TEST_USER_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
