// SPDX-License-Identifier: BSD-2-Clause
// A kernel that is just enough for the pager's fault path: one mapping for each page, with accessed
// and dirty bits, changed by the vector; and a program that reads and writes through it.
#ifndef TEST_USER_PAGING_KERNEL_H
#define TEST_USER_PAGING_KERNEL_H

#include <process.h>

#define KERNEL_FIRST UINT64_C(0x400000) // addresses that the page table of the simulation covers
#define KERNEL_PAGES 8192u
#define KERNEL_FRAMES 4096u

struct kernel {
    uint32_t frame[KERNEL_PAGES]; // 0: not mapped
    bool writable[KERNEL_PAGES], accessed[KERNEL_PAGES], dirty[KERNEL_PAGES];
    bool in_use[KERNEL_FRAMES]; // frames that are mapped
    unsigned mapped;            // leaves
    unsigned gathers;           // vectors that ran
    unsigned wide_unmaps;       // of a whole area of 2 MiB
    unsigned reads_left;        // of the store, until it fails
    uint32_t store_room;        // pages the store takes
    int ended;                  // status the process was ended with, -1: it lives
};
extern struct kernel kernel;

// A fresh machine: `frames` in the budget, a store of `store_pages`, one process without regions.
struct process *kernel_start(uint32_t frames, uint32_t store_pages);
void kernel_stop(struct process *process);

// One access of the program, faulting as often as it takes. False when the process was ended.
bool kernel_read(struct process *process, uint64_t address, uint8_t *value);
bool kernel_write(struct process *process, uint64_t address, uint8_t value);
// One fault message, as the kernel would send it.
void kernel_fault(struct process *process, uint64_t label, uint64_t address, uint64_t access);

#endif
