// SPDX-License-Identifier: BSD-2-Clause
// The list of processes, and the way to their end.
#include "boot.h"
#include "evict.h"
#include "frames.h"
#include "process.h"
#include "reply.h"
#include "statistics.h"
#include "vector.h"
#include <slots.h>
#include <stdlib.h>
#include <string.h>

#define VSPACE_BLOCK_BITS SHEAF_CHUNK_BITS
#define CNODE_BLOCK_BITS 11 // the CNode and two notifications
#define TABLES_IN_CHUNK 15
#define USER_HALF_PAGES (UINT64_C(1) << 36)

static struct process *first, *last;
static uint64_t next_number = PAGER_SELF_PROCESS + 1;

static struct process *append(uint64_t number, uint64_t parent, const char *name) {
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL)
        return NULL;
    process->number = number;
    process->parent = parent;
    strncpy(process->name, name, sizeof process->name - 1);
    if (last != NULL)
        last->next = process;
    else
        first = process;
    last = process;
    return process;
}

static void take_off_list(struct process *process) {
    struct process **at = &first;
    last = NULL;
    while (*at != NULL) {
        if (*at == process)
            *at = process->next;
        else {
            last = *at;
            at = &(*at)->next;
        }
    }
}

bool processes_open(void) {
    return append(PAGER_INIT_PROCESS, 0, "init") != NULL &&
           append(PAGER_SELF_PROCESS, 0, "pager") != NULL;
}

struct process *process_find(uint64_t number) {
    struct process *process = first;
    while (process != NULL && process->number != number)
        process = process->next;
    return process;
}

struct process *process_at(uint64_t index) {
    struct process *process = first;
    while (process != NULL && index-- > 0)
        process = process->next;
    return process;
}

uint64_t process_count(void) {
    uint64_t count = 0;
    for (struct process *process = first; process != NULL; process = process->next)
        count++;
    return count;
}

unsigned process_threads_running(void) {
    unsigned count = 0;
    for (struct process *process = first; process != NULL; process = process->next)
        count += process->threads_running;
    return count;
}

uint64_t process_heap_bytes(void) {
    uint64_t bytes = 0;
    for (struct process *process = first; process != NULL; process = process->next)
        if (process->vspace != 0)
            bytes += process->heap_end - SHEAF_PROGRAM_HEAP;
    return bytes;
}

// What a program finds in its slots.
static bool fill_cnode(struct process *process, sheaf_cptr notification, sheaf_cptr silence) {
    return sheaf_mint(process->cnode, SHEAF_PROGRAM_SLOT_PAGER, PAGER_BOOT_SLOT_ENDPOINT,
                      SHEAF_RIGHT_WRITE, PAGER_BADGE(process->number, 0, 0)) == SHEAF_OK &&
           sheaf_copy(process->cnode, SHEAF_PROGRAM_SLOT_CONSOLE, SHEAF_BOOT_SLOT_CONSOLE,
                      SHEAF_RIGHTS_ALL) == SHEAF_OK &&
           sheaf_mint(process->cnode, SHEAF_PROGRAM_SLOT_INPUT, notification, SHEAF_RIGHTS_ALL,
                      1) == SHEAF_OK &&
           sheaf_copy(process->cnode, SHEAF_PROGRAM_SLOT_SYSTEM, SHEAF_BOOT_SLOT_SYSTEM,
                      SHEAF_RIGHT_READ) == SHEAF_OK &&
           sheaf_copy(process->cnode, SHEAF_PROGRAM_SLOT_SILENCE, silence, SHEAF_RIGHT_READ) ==
               SHEAF_OK;
}

struct process *process_make(uint64_t parent, const char *name) {
    struct process *process = append(next_number++, parent, name);
    if (process == NULL)
        return NULL;
    struct block *space = block_take(&process->blocks, VSPACE_BLOCK_BITS);
    struct block *others = space != NULL ? block_take(&process->blocks, CNODE_BLOCK_BITS) : NULL;
    if (others != NULL) {
        process->heap_end = SHEAF_PROGRAM_HEAP;
        process->files_end = SHEAF_PROGRAM_FILES;
        process->vspace = block_make(space, SHEAF_VSPACE, 0);
        process->cnode = block_make(others, SHEAF_CNODE, SHEAF_PROGRAM_CNODE_BITS);
        sheaf_cptr notification = block_make(others, SHEAF_NOTIFICATION, 0);
        sheaf_cptr silence = block_make(others, SHEAF_NOTIFICATION, 0);
        if (process->vspace != 0 && process->cnode != 0 && notification != 0 && silence != 0 &&
            fill_cnode(process, notification, silence))
            return process;
    }
    block_give_all(&process->blocks);
    process_forget(process);
    return NULL;
}

bool process_grow(struct process *process, unsigned tables) {
    for (unsigned given = 0; given < tables || given == 0; given += TABLES_IN_CHUNK) {
        struct block *block = block_take(&process->blocks, VSPACE_BLOCK_BITS);
        if (block == NULL || sheaf_vspace_grow(process->vspace, block->untyped, 1) != SHEAF_OK)
            return false; // an empty block stays with the process and goes back with the others
        COUNT(CHUNKS);
    }
    return true;
}

void process_drop_pages(struct process *process, uint64_t start, uint64_t end) {
    for (uint64_t at = start; at < end; at += AREA_BYTES) {
        struct area *area = space_area(&process->space, at);
        if (area == NULL)
            continue;
        for (unsigned i = 0; i < AREA_PAGES; i++)
            page_drop(process, &area->pages[i]);
        area->mapped = 0;
    }
}

static void drop_all_pages(struct process *process) {
    for (size_t i = 0; i < process->space.count; i++)
        process_drop_pages(process, process->space.areas[i]->start,
                           process->space.areas[i]->start + AREA_BYTES);
    space_clear(&process->space);
}

// Children that ended and were not asked for: their parent can no longer ask.
static void forget_children(const struct process *parent) {
    for (struct process *process = first; process != NULL;) {
        struct process *next = process->next;
        if (process->parent == parent->number) {
            process->parent = 0;
            if (process->waiter != 0) // a thread of the parent's
                reply_drop(process->waiter);
            process->waiter = 0;
            if (process->ended)
                process_forget(process);
        }
        process = next;
    }
}

void process_end(struct process *process, int status) {
    for (unsigned i = 0; i < SHEAF_PROGRAM_THREADS; i++)
        if (process->threads[i] != NULL && !process->threads[i]->ended)
            sheaf_thread_suspend(process->threads[i]->capability);
    // All leaves and tables in one gather; then the frames are free for others.
    vector_run_unmap(process, 0, USER_HALF_PAGES);
    drop_all_pages(process);
    for (unsigned i = 0; i < SHEAF_PROGRAM_THREADS; i++)
        if (process->threads[i] != NULL)
            thread_forget(process, i);
    block_give_all(&process->blocks);
    region_clear(&process->regions);
    free(process->arguments);
    process->arguments = NULL;
    process->threads_running = 0;
    process->vspace = process->cnode = 0; // from here on the heap does not count
    process->ended = true;
    process->status = status;
    forget_children(process);
    if (process->waiter != 0) {
        const uint64_t word = (uint64_t)status;
        reply_later(process->waiter, PAGER_OK, &word, 1);
        process_forget(process);
    } else if (process->parent == 0) {
        process_forget(process);
    }
}

void process_forget(struct process *process) {
    take_off_list(process);
    free(process);
}
