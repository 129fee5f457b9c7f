// SPDX-License-Identifier: BSD-2-Clause
// Counters: everything the kernel counts, with stable dotted names.
//
// New counters go to the end; a program asks for the count first (SHEAF_SYSTEM_COUNTERS).
#ifndef SHEAF_COUNTER_H
#define SHEAF_COUNTER_H

#include <stdint.h>

// X(NAME, "dotted.name")
#define SHEAF_COUNTERS(X)                                                                          \
    X(KERNEL_ENTRIES, "kernel.entries")                                                            \
    X(KERNEL_SYSCALLS, "kernel.syscalls")                                                          \
    X(KERNEL_INTERRUPTS, "kernel.interrupts")                                                      \
    X(KERNEL_PREEMPTIONS, "kernel.preemptions")                                                    \
    X(THREAD_SWITCHES, "thread.switches")                                                          \
    X(IPC_MESSAGES, "ipc.messages")                                                                \
    X(FAULT_MESSAGES, "fault.messages")                                                            \
    X(FAULT_ACCESS_FLAG, "fault.accessflag")                                                       \
    X(FAULT_DIRTY, "fault.dirty")                                                                  \
    X(FAULT_STALE, "fault.stale")                                                                  \
    X(FAULT_UNHANDLED, "fault.unhandled")                                                          \
    X(GATHER_CALLS, "gather.calls")                                                                \
    X(GATHER_OPERATIONS, "gather.operations")                                                      \
    X(GATHER_BATCHES, "gather.batches")                                                            \
    X(GATHER_MAPPED, "gather.mapped")                                                              \
    X(GATHER_UNMAPPED, "gather.unmapped")                                                          \
    X(GATHER_HELPED, "gather.helped")                                                              \
    X(TABLES_TAKEN, "tables.taken")                                                                \
    X(TABLES_FREED, "tables.freed")                                                                \
    X(TLBI_VAE1IS, "tlbi.vae1is")                                                                  \
    X(TLBI_VALE1IS, "tlbi.vale1is")                                                                \
    X(TLBI_ASIDE1IS, "tlbi.aside1is")                                                              \
    X(TLBI_RVAE1IS, "tlbi.rvae1is")                                                                \
    X(TLBI_RVALE1IS, "tlbi.rvale1is")                                                              \
    X(TLBI_VALE1, "tlbi.vale1.local")                                                              \
    X(TLBI_AVOIDED_UNTOUCHED, "tlbi.avoided.untouched")                                            \
    X(TLBI_AVOIDED_UNLOADED, "tlbi.avoided.unloaded")                                              \
    X(DSB_ISHST, "dsb.ishst")                                                                      \
    X(DSB_ISH, "dsb.ish")                                                                          \
    X(GATHER_MOVED, "gather.moved")                                                                \
    X(TABLES_MOVED, "tables.moved")                                                                \
    X(GATHER_PROTECTED, "gather.protected")                                                        \
    X(GATHER_AGED, "gather.aged")                                                                  \
    X(TLBI_AVOIDED_RIGHTS, "tlbi.avoided.rights")                                                  \
    X(GATHER_EVICTED, "gather.evicted")                                                            \
    X(GATHER_DEFERRED, "gather.deferred")                                                          \
    X(GATHER_RELEASED, "gather.released")                                                          \
    X(GATHER_FORCED, "gather.forced")                                                              \
    X(TLBI_VAALE1IS, "tlbi.vaale1is")                                                              \
    X(ALIAS_CHANGED, "alias.changed")                                                              \
    X(ALIAS_QUEUED, "alias.queued")                                                                \
    X(ALIAS_KEPT, "alias.kept")                                                                    \
    X(ALIAS_PURGED, "alias.purged")                                                                \
    X(ALIAS_PURGES, "alias.purges")                                                                \
    X(TLBI_AVOIDED_WHOLE, "tlbi.avoided.whole")                                                    \
    X(TLBI_RANGE_PAGES, "tlbi.range.pages")                                                        \
    X(TLBI_REPEATED, "tlbi.repeated")

enum sheaf_counter {
#define SHEAF_COUNTER_ENUM(name, text) SHEAF_COUNTER_##name,
    SHEAF_COUNTERS(SHEAF_COUNTER_ENUM)
#undef SHEAF_COUNTER_ENUM
        SHEAF_COUNTER_COUNT,
};

#endif
