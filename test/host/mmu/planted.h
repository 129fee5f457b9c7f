// SPDX-License-Identifier: BSD-2-Clause
// Races planted in src/mmu for the explorer to find, one at a time, chosen at run time.
#ifndef MMU_PLANTED_H
#define MMU_PLANTED_H

enum planted {
    PLANTED_NONE,
    PLANTED_HELP_SKIPPED,   // who meets a pending entry takes it for complete
    PLANTED_TICKET_IGNORED, // an entry's slot used anew is taken for the old entry
    PLANTED_WEAK_HELP,      // DSB ISHST before the TLBI where stores of another PE are covered
    PLANTED_EARLY_MASK,     // the mask of PEs that loaded the root is read before the first DSB
    PLANTED_PIN_SKIPPED,    // a batch does not pin its VSpaces
    PLANTED_NO_ANSWER,      // destroy does not wait for PEs that are about to load the root
    PLANTED_OPEN_ASID_LOCK, // an ASID is released while a record is being looked up
    PLANTED_RACES,
};

// Set in an explored case's setup: the machine's faults are cleared by its initialisation.
void plant(enum planted race);

#endif
