// SPDX-License-Identifier: BSD-2-Clause
// A trace, event by event, through the machine model (test/vmsa), whose judge decides.
#ifndef TRACE_REPLAY_H
#define TRACE_REPLAY_H

#include "reader.h"

struct replay_totals {
    uint64_t events, violations;
    uint64_t gathers; // TLBIs of a PE, one or more, that its DSB ISH completed
    uint64_t reuses;  // tables taken that had been in use before, and memory released that had
                      // held a table or been mapped
    uint8_t pes;      // bit for each PE with an event
};

// Sets the model up as the header says. NULL, or what is wrong.
const char *replay_start(const struct trace_header *header);
// NULL, or why the event cannot have happened after those before it.
const char *replay_event(const struct trace_event *event);
const struct replay_totals *replay_totals(void);
void replay_end(void);

#endif
