// SPDX-License-Identifier: BSD-2-Clause
// The oracle's addresses and interrupts, in terms of libfdt. For oracle_board.c.
#ifndef ORACLE_BUS_H
#define ORACLE_BUS_H

#include "oracle.h"

// A function that returns const char * returns null or what is malformed.
#define CHECK(call)                                                                                \
    do {                                                                                           \
        const char *check_problem = (call);                                                        \
        if (check_problem != NULL) {                                                               \
            return check_problem;                                                                  \
        }                                                                                          \
    } while (0)

uint64_t oracle_number(const uint8_t *bytes, int cells);

// The first string of a property, NULL if there is none.
const char *oracle_string(const void *fdt, int node, const char *name);

bool oracle_available(const void *fdt, int node);
bool oracle_compatible(const void *fdt, int node, const char *compatible);

// The first node but the root that is available and compatible.
int oracle_find_device(const void *fdt, const char *compatible);

// An entry of reg. *found is false beyond the last one, or without reg.
const char *oracle_reg(const void *fdt, int node, int index, bool translated, bool *found,
                       struct oracle_range *range);

// An entry of reg, translated, which must be there and not be empty.
const char *oracle_registers(const void *fdt, int node, int index, struct oracle_range *range);

// Leaves *out alone if there is no such interrupt or another controller has it.
const char *oracle_interrupt(const void *fdt, int node, int index, int gic,
                             struct oracle_interrupt *out);

#endif
