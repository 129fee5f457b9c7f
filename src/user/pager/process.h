// SPDX-License-Identifier: BSD-2-Clause
// Processes: a program that runs, with its address space, threads and what it waits for.
#ifndef SHEAF_PAGER_PROCESS_H
#define SHEAF_PAGER_PROCESS_H

#include "block.h"
#include "region.h"
#include "space.h"
#include <sheaf/pager.h>
#include <sheaf/start.h>

#define PROCESS_NAME_BYTES 32

struct thread {
    sheaf_cptr capability;
    sheaf_cptr fault_endpoint; // with the thread's badge
    struct block *blocks;
    bool ended;
    uint64_t result;
    sheaf_cptr joiner; // Reply of the thread that waits for it, 0: nobody
};

struct process {
    struct process *next;
    uint64_t number, parent;
    char name[PROCESS_NAME_BYTES];
    sheaf_cptr vspace, cnode; // 0 for init and the pager, which page for themselves
    struct block *blocks;
    struct region_list regions;
    struct space space;
    uint64_t heap_end, files_end;
    struct thread *threads[SHEAF_PROGRAM_THREADS];
    unsigned threads_running;
    uint64_t resident; // pages in frames
    uint64_t swapped;  // pages with a copy in the swap area
    uint64_t faults;
    unsigned ahead; // pages to map ahead when it reads a file in order (fault.c)
    bool ended;
    int status;
    sheaf_cptr waiter;     // Reply of the program that waits for its end, 0: nobody
    char *arguments;       // for its next SPAWN
    size_t argument_bytes; // 0 to SHEAF_START_ARGS
};

// Puts init and the pager itself into the list.
bool processes_open(void);
struct process *process_find(uint64_t number);
// The index-th of the list, NULL behind the end.
struct process *process_at(uint64_t index);
uint64_t process_count(void);
unsigned process_threads_running(void); // of all processes that are paged
uint64_t process_heap_bytes(void);      // of all processes
// A process with an empty address space and no thread. NULL without memory.
struct process *process_make(uint64_t parent, const char *name);

// Ends a process: its threads stop, frames, swap area and kernel memory come back, whoever waits
// for it gets the status. The record stays until somebody asks, unless nobody can any more.
void process_end(struct process *process, int status);
// Forgets a process that has ended.
void process_forget(struct process *process);

// Gives the address space at least `tables` more tables.
bool process_grow(struct process *process, unsigned tables);
// Drops the pages of a range that begins and ends at areas of 2 MiB, which is unmapped already.
void process_drop_pages(struct process *process, uint64_t start, uint64_t end);

// Threads (thread.c). *number: 0 is the first one.
enum pager_error thread_make(struct process *process, uint64_t *number);
// The address of its IPC buffer, and the end of its stack.
uint64_t thread_ipc_address(uint64_t number);
uint64_t thread_stack_top(uint64_t number);
bool thread_run(struct process *process, uint64_t number, const struct sheaf_thread_start *start);
// A thread ends while its process goes on.
void thread_end(struct process *process, uint64_t number, uint64_t result);
void thread_forget(struct process *process, uint64_t number);

// Programs (image.c): the one that the parent's argument block names.
enum pager_error image_start(struct process *parent, struct process **process);

#endif
