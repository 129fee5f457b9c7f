// SPDX-License-Identifier: BSD-2-Clause
// What a proof says. Each function `proof_*` is checked by CBMC for every value of its arguments
// that prove_if lets through: not for samples of them.
#ifndef PROOF_H
#define PROOF_H

void __CPROVER_assume(_Bool condition);
void __CPROVER_assert(_Bool condition, const char *what);

#define prove_if(condition) __CPROVER_assume(condition)
// At the end of each proof: what was assumed can be met, so that the proof is of something. Checked
// by a second run, in which this must fail.
#ifdef PROOF_OF_NOTHING
#define prove(condition) ((void)(condition))
#define proof_ends() __CPROVER_assert(0, "the end is reached")
#else
#define proof_ends() ((void)0)
#define prove(condition) __CPROVER_assert(condition, #condition)
#endif

#endif
