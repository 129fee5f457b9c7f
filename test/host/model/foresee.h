// SPDX-License-Identifier: BSD-2-Clause
// What a gather's operations do, by the documentation and the set of what is mapped (foresee.c).
#ifndef FORESEE_H
#define FORESEE_H

#include "mappings.h"
#include "method.h"

#define UNIT_PAGES UINT64_C(512) // of a table of pages, or a block
#define RANGE_ERRORS                                                                               \
    (E(MISALIGNED) | E(NON_CANONICAL) | E(KERNEL_HALF) | E(ZERO_LENGTH) | E(OVERFLOW))

struct op {
    const struct thread *thread;
    unsigned code, rights, flags;
    uint64_t word[SHEAF_GATHER_OP_WORDS];
    uint64_t vspace; // address; 0: none
    uint64_t page, pages;
    uint64_t wrong, maybe; // as in struct attempt
    bool open;             // not foreseen
    uint8_t *report;       // NULL: none
    uint64_t leaves;       // written, cleared or changed
};

// Before the call: operations are done to the set, up to the first that must fail.
void foresee_gather(const struct attempt *attempt);
void foresee_undo(void); // the call is not made
// After the call, which failed in an operation, or not: x10 says it. The set is as it must be now.
// Returns the errors of which one was due, of that operation.
uint64_t foresee_settle(const struct thread *thread);

// Each adds to `wrong` and `maybe`; with nothing wrong, it does the operation to the set.
void foresee_map(struct op *op);
void foresee_move(struct op *op);

uint64_t range_errors(uint64_t va, uint64_t pages);
unsigned resolve(struct op *op, uint64_t name, unsigned type); // NO_CAP: that is wrong
void find_vspace(struct op *op);
bool is_inside(const struct leaf *leaf, uint64_t page, uint64_t pages);
bool is_hit(const struct op *op, const struct leaf *leaf); // it is in the range, or a part of it
bool is_mapped(unsigned cap, bool *doubt);                 // doubt: perhaps by another's leaf

#endif
