// SPDX-License-Identifier: BSD-2-Clause
// Functions of registers.S.
#ifndef TARGET_REGISTERS_H
#define TARGET_REGISTERS_H

#include <stdint.h>

void registers_store_first(void); // a thread's entry, not to be called
uint64_t registers_around_call(uint64_t number);

struct fp_state {
    uint64_t q[32][2];
    uint64_t fpcr, fpsr;
};
// These two can be called by children, too.
void fp_store(struct fp_state *state);
void fp_load(const struct fp_state *state);
void fp_hold(const struct fp_state *in, struct fp_state *out, uint64_t spins, uint64_t number);

uint64_t read_clock(void);

#endif
