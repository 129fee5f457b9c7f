// SPDX-License-Identifier: BSD-2-Clause
// The table of what is tried, and how often it was tried, succeeded and failed.
#ifndef RANDOM_METHODS_H
#define RANDOM_METHODS_H

#include <sheaf/error.h>
#include <sheaf/object.h>
#include <sheaf/syscall.h>
#include <stdbool.h>

#define ARGUMENTS 6u
#define ERRORS 64u

enum argument_kind {
    ARG_NONE,
    ARG_EMPTY, // an index, mostly of an empty slot
    ARG_FULL,
    ARG_BADGED, // of an Endpoint with a badge
    ARG_CAP,
    ARG_OPTIONAL, // a capability, or 0
    ARG_RIGHTS,
    ARG_BADGE,
    ARG_WHAT, // type and size of a retype
    ARG_COUNT,
    ARG_CHUNK,
    ARG_PRIORITY,
    ARG_REGISTERS, // count, pc, sp, TLS, x0
    ARG_INTERRUPT,
    ARG_TIME,
    ARG_SMALL,
    ARG_WORD,
};

struct method {
    const char *name;
    uint64_t number; // system call
    uint64_t label;  // CALL of a method
    uint32_t types;  // of the capability invoked: a bit each
    struct {
        enum argument_kind kind;
        uint32_t types;
    } argument[ARGUMENTS];
    unsigned weight;
    bool fails; // always: it would end the test, or spoil its output
    // Counted
    uint64_t tried, succeeded, error[ERRORS];
};

extern struct method methods[];
extern const unsigned method_count;
extern struct method *const method_touch;
struct method *method_of_operation(uint64_t code); // of a gather; method_other: there is none
extern struct method *const method_other;          // whatever it was that a spoilt call invoked

// Prints the table. False: some method succeeded less often than `least`.
bool methods_print(uint64_t least);

#endif
