// SPDX-License-Identifier: BSD-2-Clause
// How to run again what failed, printed however the program ends.
#ifndef REPLAY_H
#define REPLAY_H

#include <stdint.h>

void replay_begin(void); // an abort and a sanitizer's report print it too
void replay_note(uint64_t seed, uint64_t operations);
void replay_print(void);

#endif
