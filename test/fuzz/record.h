// SPDX-License-Identifier: BSD-2-Clause
// What an input is made of: records of 16 bytes, each an event of the world.
//
// Most are system calls, well-formed ones unless a record spoils its call on purpose: the bytes are
// hints, and the capabilities and empty slots that the world has then are looked for from there on.
// So a record means something wherever a mutation puts it. Records have one length because
// inserting, removing and exchanging whole ones is what makes long inputs out of short ones
// (mutate.c).
#ifndef FUZZ_RECORD_H
#define FUZZ_RECORD_H

#include "world.h"

#define RECORD_ARGUMENTS 6u
#define HINT_RAW 0x80u   // of a name: a wrong or far-fetched one; of an index: that number
#define HINT_INNER 0x40u // of a name: through a CNode in the root first

struct record {
    uint8_t what; // kinds[]
    uint8_t cap;  // hint of the capability invoked; an operation of a gather: its VSpace
    uint8_t reply;
    uint8_t spoil;     // 0: well-formed
    uint8_t carried;   // capabilities in the message, modulo 4; of a gather: which operation
    uint8_t deadline;  // of the wait
    uint8_t interrupt; // 0: none during the call; else one after so many polls less one, again and
                       // again
    uint8_t argument[RECORD_ARGUMENTS];
    uint8_t slot[3]; // hints of the capabilities sent, and of empty slots for those received
};
_Static_assert(sizeof(struct record) == 16, "no padding");

enum event { // what is no system call; these numbers come before the system calls in kinds[]
    EVENT_TICK,
    EVENT_TIME,
    EVENT_PAGE_FAULT,
    EVENT_EXCEPTION,
    EVENT_DEVICE,
    EVENT_INPUT,
    EVENT_OPERATION, // belongs to the gather before it; elsewhere nothing
    EVENTS,
};

enum argument_kind {
    ARG_NONE,
    ARG_EMPTY, // an index, mostly of an empty slot, in the CNode invoked or named before
    ARG_FULL,  // the same of a capability
    ARG_CAP,
    ARG_OPTIONAL, // a capability, or 0 where the hint is 0
    ARG_RIGHTS,
    ARG_BADGE,
    ARG_WHAT, // type and size of a retype
    ARG_COUNT,
    ARG_PRIORITY,
    ARG_WORDS, // how many words follow
    ARG_BYTES, // how many bytes follow
    ARG_INTERRUPT,
    ARG_TIME,
    ARG_NUMBER,
};

struct kind {
    const char *name;
    unsigned number; // system call, or `enum event`
    uint64_t label;  // CALL of a method
    uint32_t types;  // of the capability invoked: a bit each
    struct {
        enum argument_kind kind;
        uint32_t types; // of a capability
    } argument[RECORD_ARGUMENTS];
};

// Entries are never moved or removed, new ones go to the end: the kept inputs name them by number.
extern const struct kind kinds[];
extern const unsigned kind_count; // at most 128

// The system call that `record` stands for, by the running thread. `following` are records after
// it, of which a gather takes its operations; their number is returned.
unsigned record_read(const struct record *record, const struct record *following, unsigned left,
                     struct call *call);
// An address that a MAP operation may use as well.
uint64_t record_address(const struct record *record);

#endif
