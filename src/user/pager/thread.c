// SPDX-License-Identifier: BSD-2-Clause
// Threads of programs: an area of the address space (sheaf/start.h), and kernel objects in a block
// of their own, which comes back when the thread ends.
#include "boot.h"
#include "frames.h"
#include "process.h"
#include "reply.h"
#include "vector.h"
#include <slots.h>
#include <stdlib.h>

#define THREAD_BLOCK_BITS 13 // thread and IPC buffer

static uint64_t area_top(uint64_t number) {
    return SHEAF_PROGRAM_THREAD_TOP - number * SHEAF_PROGRAM_THREAD_BYTES;
}

uint64_t thread_ipc_address(uint64_t number) { return area_top(number) - PAGE_BYTES; }

uint64_t thread_stack_top(uint64_t number) { return area_top(number) - 2 * PAGE_BYTES; }

// Stack, and guards so that an access beside it gets a message of its own.
static bool add_regions(struct process *process, uint64_t number) {
    uint64_t top = thread_stack_top(number);
    const struct region stack = {.start = top - SHEAF_PROGRAM_STACK_BYTES,
                                 .end = top,
                                 .kind = REGION_ANONYMOUS,
                                 .write = true};
    const struct region below = {.start = area_top(number) - SHEAF_PROGRAM_THREAD_BYTES,
                                 .end = stack.start,
                                 .kind = REGION_GUARD};
    const struct region above = {
        .start = top, .end = thread_ipc_address(number), .kind = REGION_GUARD};
    return region_add(&process->regions, &stack) && region_add(&process->regions, &below) &&
           region_add(&process->regions, &above);
}

static void remove_regions(struct process *process, uint64_t number) {
    region_remove(&process->regions, thread_stack_top(number) - SHEAF_PROGRAM_STACK_BYTES);
    region_remove(&process->regions, area_top(number) - SHEAF_PROGRAM_THREAD_BYTES);
    region_remove(&process->regions, thread_stack_top(number));
}

static bool make_objects(struct process *process, struct thread *thread, uint64_t number) {
    struct block *block = block_take(&thread->blocks, THREAD_BLOCK_BITS);
    if (block == NULL)
        return false;
    // The larger object first: it wants the larger alignment.
    sheaf_cptr ipc_frame = block_make(block, SHEAF_FRAME, SHEAF_PAGE_BITS);
    thread->capability = block_make(block, SHEAF_THREAD, 0);
    thread->fault_endpoint = slots_take(1);
    if (ipc_frame == 0 || thread->capability == 0 || thread->fault_endpoint == 0 ||
        sheaf_mint(SHEAF_BOOT_SLOT_CNODE, thread->fault_endpoint, PAGER_BOOT_SLOT_ENDPOINT,
                   SHEAF_RIGHT_WRITE, PAGER_BADGE(process->number, number, 1)) != SHEAF_OK)
        return false;
    const struct sheaf_thread_configuration configuration = {
        .cspace = process->cnode,
        .vspace = process->vspace,
        .fault_endpoint = thread->fault_endpoint,
        .ipc_frame = ipc_frame,
    };
    return vector_run_map(process, thread_ipc_address(number), ipc_frame) &&
           sheaf_thread_configure(thread->capability, &configuration) == SHEAF_OK &&
           sheaf_thread_set_priority(thread->capability, PAGER_CLIENT_PRIORITY,
                                     PAGER_CLIENT_PRIORITY, SHEAF_BOOT_SLOT_THREAD) == SHEAF_OK &&
           sheaf_thread_set_name(thread->capability, process->name) == SHEAF_OK;
}

enum pager_error thread_make(struct process *process, uint64_t *number) {
    uint64_t free_number = 0;
    while (free_number < SHEAF_PROGRAM_THREADS && process->threads[free_number] != NULL)
        free_number++;
    if (free_number == SHEAF_PROGRAM_THREADS)
        return PAGER_ERROR_TOO_MANY;
    if ((process_threads_running() + 1) * FRAMES_FOR_THREAD + FRAMES_BESIDES > frames_budget())
        return PAGER_ERROR_NO_FRAMES;
    struct thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return PAGER_ERROR_NO_MEMORY;
    process->threads[free_number] = thread;
    process->threads_running++;
    if (!add_regions(process, free_number) || !make_objects(process, thread, free_number)) {
        thread_end(process, free_number, 0);
        thread_forget(process, free_number);
        return PAGER_ERROR_NO_MEMORY;
    }
    *number = free_number;
    return PAGER_OK;
}

bool thread_run(struct process *process, uint64_t number, const struct sheaf_thread_start *start) {
    sheaf_cptr thread = process->threads[number]->capability;
    return sheaf_thread_write_start(thread, start) == SHEAF_OK &&
           sheaf_thread_resume(thread) == SHEAF_OK;
}

static void give_objects(struct thread *thread) {
    block_give_all(&thread->blocks);
    if (thread->fault_endpoint != 0)
        slots_delete(thread->fault_endpoint);
    thread->fault_endpoint = thread->capability = 0;
}

void thread_end(struct process *process, uint64_t number, uint64_t result) {
    struct thread *thread = process->threads[number];
    uint64_t end = area_top(number), start = end - SHEAF_PROGRAM_THREAD_BYTES;
    give_objects(thread); // from here on nothing of it can run
    vector_run_unmap(process, start, SHEAF_PROGRAM_THREAD_BYTES / PAGE_BYTES);
    process_drop_pages(process, start, end);
    remove_regions(process, number);
    process->threads_running--;
    thread->ended = true;
    thread->result = result;
    if (thread->joiner != 0) {
        reply_later(thread->joiner, PAGER_OK, &result, 1);
        thread->joiner = 0;
        thread_forget(process, number);
    }
}

void thread_forget(struct process *process, uint64_t number) {
    struct thread *thread = process->threads[number];
    if (thread == NULL)
        return;
    give_objects(thread);
    if (thread->joiner != 0)
        reply_drop(thread->joiner);
    free(thread);
    process->threads[number] = NULL;
}
