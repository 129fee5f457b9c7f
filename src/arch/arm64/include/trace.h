// SPDX-License-Identifier: BSD-2-Clause
// Recording port events, where SHEAF_TRACE is 1 (preset firmware-trace). Elsewhere it is 0 and
// nothing of this is compiled in. The format is trace_format.h's.
//
// When a number is drawn decides what the recorded order is worth. Other PEs may come in between an
// event and its number, so each is drawn on the side where an order that did not happen could
// only make the judge more suspicious (docs/trace.md has the whole argument):
//
//   before the event   what needs others to be through: a store, a TLBI, a table zeroed, a root
//                      entered, a note of release or reuse, a lock given back
//   after the event    what others are through by: a barrier, a root left, a lock taken, caches
//                      cleaned
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H

#include <trace_format.h>

// Draws a number and keeps this PE's ring until trace_put: at most the event itself comes between.
// Everything that this PE did before has happened, and nothing that it does next.
uint64_t trace_draw(void);
void trace_put(uint64_t number, enum trace_kind kind, unsigned detail, uint64_t a, uint64_t b,
               uint64_t c);

static inline void trace(enum trace_kind kind, unsigned detail, uint64_t a, uint64_t b) {
    if (SHEAF_TRACE) {
        trace_put(trace_draw(), kind, detail, a, b, 0);
    }
}

// Opens the file that the boot argument trace=NAME names; without one nothing is recorded.
void trace_start(const char *name, size_t length, const struct trace_header *header);
// Writes out what all PEs have in their rings, and the end. Nothing is recorded afterwards.
void trace_finish(void);

#endif
