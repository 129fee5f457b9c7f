// SPDX-License-Identifier: BSD-2-Clause
// What the kernel prints about a thread whose fault nobody handles.
//
// The serial port is polled, with interrupts masked: a dump takes some 60,000 instructions, and a
// fifth of a second at 115,200 baud. It is for the person who looks for a mistake, while a program
// could make faults as often as it likes. So only the first ones after boot are printed; all are
// counted (SHEAF_COUNTER_FAULT_UNHANDLED) and signalled.
#include "fault_dump.h"

#define FAULT_DUMPS 16

static unsigned dumps; // atomic: several PEs may dump

void fault_dump_init(void) { dumps = 0; }

void fault_dump(const struct thread *thread) {
    if (__atomic_load_n(&dumps, __ATOMIC_RELAXED) >= FAULT_DUMPS) {
        return;
    }
    unsigned number = __atomic_add_fetch(&dumps, 1, __ATOMIC_RELAXED);
    if (number > FAULT_DUMPS) {
        return;
    }
    kprintf("thread %s: fault not handled\n", thread->name);
    arch_dump_thread(thread->name, &thread->context, thread_vspace(thread));
    if (number == FAULT_DUMPS) {
        kprintf("further faults that are not handled are not printed\n");
    }
}
