// SPDX-License-Identifier: BSD-2-Clause
// What the random calls act on: the puppets, their CSpaces, and the objects in them.
//
// There are three CSpaces of one layout. The first two puppets share one; the last reaches its own
// through a root CNode of four slots, so its names have two levels. All objects but the CNodes are
// the same in the three: what one puppet waits on, another one signals.
#ifndef RANDOM_WORLD_H
#define RANDOM_WORLD_H

#include "puppet.h"

#define PUPPETS 4u
#define CSPACES 3u
#define SLOT_BITS 6u
#define SLOTS (1u << SLOT_BITS)

enum world_slot {
    SLOT_SELF = 1,
    SLOT_UNTYPED,                   // two
    SLOT_DEVICE = SLOT_UNTYPED + 2, // device Untyped
    SLOT_VSPACE,                    // that the puppet runs in, and one of nobody
    SLOT_THREADS = SLOT_VSPACE + 2, // the puppets, and two that never began
    SLOT_ENDPOINTS = SLOT_THREADS + PUPPETS + 2,
    SLOT_BADGED = SLOT_ENDPOINTS + 3, // two of them with a badge
    SLOT_FAULTS = SLOT_BADGED + 2,    // where the puppets' faults go
    SLOT_NOTIFICATIONS,
    SLOT_REPLIES = SLOT_NOTIFICATIONS + 3,
    SLOT_TIMERS = SLOT_REPLIES + 3,
    SLOT_IRQ_HANDLERS = SLOT_TIMERS + 2,
    SLOT_IRQ_CONTROL = SLOT_IRQ_HANDLERS + 2,
    SLOT_CONSOLE,
    SLOT_SYSTEM,
    SLOT_INNER,                   // CNode of 8 slots
    SLOT_FRAMES,                  // eight pages, 64 KiB, a block
    SLOT_FREE = SLOT_FRAMES + 10, // the rest but the last is empty
    SLOT_IDLE = SLOTS - 1,
};

struct puppet {
    struct child child;
    struct puppet_page *page;
    unsigned cspace, priority;
    uint64_t name, name_bits; // of slot i: name | i << name_bits
    sheaf_cptr root;
    struct method *made[COMMANDS]; // what each command is
    unsigned counted;              // commands whose answers were counted
    unsigned stuck;                // times that it was found where it was
    uint64_t last;                 // page->next then
};

extern struct puppet puppets[PUPPETS];
// What is in each slot as far as the answers tell: a guess, for making calls that mostly succeed.
extern uint8_t guess[CSPACES][SLOTS];

void world_make(bool crowded); // with a VSpace that holds no more chunks
void world_quieten(void);      // so that the end of what waits in a fault is not reported
uint64_t puppet_entry(void);   // in the puppets' VSpaces
// As it was configured at the beginning. False: its VSpace is dead; it had grown by memory that was
// taken back.
bool puppet_put_back(struct puppet *puppet);

// Random numbers, from the seed of the round.
extern uint64_t random_state;
uint64_t random_word(void);
uint64_t below(uint64_t n);

// generate.c: fills the puppet's page, and what the answers say.
void generate(struct puppet *puppet);
void learn(const struct puppet *puppet, const struct command *command);

#endif
