// SPDX-License-Identifier: BSD-2-Clause
// The explorer: runs the same few operations, one on each PE, under many schedules.
//
// Each PE's operation is a coroutine of real code. At every port call the explorer decides which PE
// goes on. A schedule begins with the setup and runs to the end of all operations; then the next
// one begins anew, with another decision at one place. No state is compared or kept: a schedule is
// the list of its decisions, and the same decisions give the same run.
//
// Counted as a preemption is a switch away from a PE that could have gone on. PEs that wait (for a
// lock, for other PEs' answers, in port_relax) are left for free. explore_all visits every schedule
// with at most so many preemptions, as the CHESS tool does it: most races need two or three, and
// the number of schedules is a polynomial of the length, with that bound as its degree.
//
// Not a place to switch, because no other PE can tell the difference: before a read of a descriptor
// by a PE that holds the lock of rank LOCK_VSPACE, or that of the kernel's own half (LOCK_ALIAS).
// Nobody else stores into those tables then; the explorer fails a schedule in which a table is read
// or stored into without such a lock.
//
// Atomic variables that src/mmu reads and writes itself (pins, loaded, state) change between two
// port calls in one go. Orders that only a store buffer shows are the model's walkers' part.
#ifndef VMSA_EXPLORE_H
#define VMSA_EXPLORE_H

#include "vmsa.h"

struct explore_case {
    void (*setup)(void);              // a machine and its VSpaces; ends on any PE
    void (*operation[MAX_PES])(void); // of PE 0, 1, ...
    unsigned pes;
    void (*check)(void); // on PE 0, when all operations are through; may be NULL
};

struct explore_result {
    uint64_t schedules;
    uint64_t steps; // port calls in all of them
    bool complete;  // every schedule within the bound was run, or one failed
    bool failed;    // the last one run; `text` says how, and which one it is
    char text[768];
};

// All schedules with at most `preemptions` preemptions; stops at the first that fails, or after
// `most` schedules.
struct explore_result explore_all(const struct explore_case *test, unsigned preemptions,
                                  uint64_t most);
// One schedule drawn from `seed`.
struct explore_result explore_random(const struct explore_case *test, uint64_t seed);
// One schedule as `text` of a failed one names it: "STEP:PE STEP:PE ...".
struct explore_result explore_replay(const struct explore_case *test, const char *schedule);

// In operations and checks: fails the schedule, and ends it there, if `holds` is false.
void explore_require(bool holds, const char *text);

#endif
