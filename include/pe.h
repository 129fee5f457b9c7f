// SPDX-License-Identifier: BSD-2-Clause
// Per-PE data. Each PE finds its own through arch_pe() (arch.h).
#ifndef PE_H
#define PE_H

#include <base.h>
#include <sheaf/counter.h>

struct arch_context;
struct sched;
struct thread;

struct pe {
    struct arch_context *context; // registers of the current thread; exception entry saves there.
                                  // Offset 0 and 16 are known to entry.S
    struct thread *current;       // NULL: idle. Changes with `context`, and is stored with it
    void *stack_top;              // one kernel stack a PE, empty whenever user space runs
    struct sched *sched;          // its run queues (src/core/sched.h)
    uint32_t id;                  // 0 to MAX_PES - 1
    uint32_t locks_held;          // bit for each enum lock_rank, debug builds
    uint64_t counters[SHEAF_COUNTER_COUNT];
};

#endif
