// SPDX-License-Identifier: BSD-2-Clause
// Puppets: threads in VSpaces of their own that make the calls which the main thread has written
// into a page they share, and leave the answers there.
#ifndef RANDOM_PUPPET_H
#define RANDOM_PUPPET_H

#include "child.h"

#define COMMANDS 12u // in the page
#define COMMAND_OPERATIONS 3u
#define NO_ANSWER UINT64_MAX // the call was begun, and given up or still waits

struct command {
    struct registers in;
    uint64_t touch; // an address to write to instead of a call; 0: none
    uint64_t operations;
    uint64_t send[SHEAF_MSG_CAPABILITIES], receive[SHEAF_MSG_CAPABILITIES];
    uint64_t operation[COMMAND_OPERATIONS][SHEAF_GATHER_OP_WORDS];
    volatile uint64_t status, x10; // of the answer
};

struct puppet_page {
    uint64_t thread, done;         // as in struct child_page
    volatile uint64_t next, count; // commands begun, and written
    uint64_t idle;                 // Notification that nobody signals
    struct command command[COMMANDS];
};
_Static_assert(sizeof(struct puppet_page) <= 4096, "it is one page");

// The entry, in the section that is copied into each child.
void puppet(struct child_page *shared);

#endif
