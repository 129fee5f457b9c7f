// SPDX-License-Identifier: BSD-2-Clause
// Further threads of a program that the pager runs.
#include "thread.h"
#include <malloc.h>
#include <sheaf/process.h>
#include <sheaf/start.h>
#include <stdlib.h>
#include <string.h>

// One allocation a thread: its area, then these.
struct thread_block {
    struct sheaf_thread thread;
    struct _reent reent;
};

// What was allocated for each thread, so that whoever joins it can give it back.
static void *blocks[SHEAF_PROGRAM_THREADS];

static size_t aligned_area(void) { return (sheaf_thread_area_bytes() + 63) / 64 * 64; }

static enum pager_error ask(enum pager_request label, const uint64_t *words, unsigned count,
                            uint64_t *answer) {
    uint64_t answer_label;
    unsigned answers = 1;
    if (sheaf_call(sheaf_environment.pager, label, words, count, answer, &answers, &answer_label) !=
        SHEAF_OK)
        return PAGER_ERROR_UNKNOWN;
    return (enum pager_error)answer_label;
}

enum pager_error sheaf_thread_create(int (*function)(void *), void *argument, uint64_t *thread) {
    void *memory = memalign(64, aligned_area() + sizeof(struct thread_block));
    if (memory == NULL)
        return PAGER_ERROR_NO_MEMORY;
    struct thread_block *block = (struct thread_block *)((char *)memory + aligned_area());
    block->thread =
        (struct sheaf_thread){.reent = &block->reent, .function = function, .argument = argument};
    _REENT_INIT_PTR(&block->reent);
    sheaf_thread_area_make(memory, &block->thread);
    const uint64_t words[] = {(uint64_t)sheaf_thread_entry, (uint64_t)&block->thread,
                              (uint64_t)memory};
    enum pager_error error = ask(PAGER_THREAD_START, words, 3, thread);
    if (error != PAGER_OK)
        free(memory);
    else
        blocks[*thread] = memory;
    return error;
}

_Noreturn void sheaf_thread_main(struct sheaf_thread *thread, struct sheaf_ipc_buffer *ipc_buffer,
                                 uint64_t number) {
    thread->ipc_buffer = ipc_buffer;
    thread->number = number;
    int result = thread->function(thread->argument);
    const uint64_t words[] = {number, (uint64_t)(int64_t)result};
    uint64_t nothing;
    _reclaim_reent(thread->reent); // what stdio allocated for this thread
    ask(PAGER_THREAD_EXIT, words, 2, &nothing);
    for (;;)
        __builtin_trap();
}

enum pager_error sheaf_thread_join(uint64_t thread, int *result) {
    uint64_t word = 0;
    enum pager_error error = ask(PAGER_THREAD_JOIN, &thread, 1, &word);
    if (error == PAGER_OK) {
        *result = (int)(int64_t)word;
        free(blocks[thread]);
        blocks[thread] = NULL;
    }
    return error;
}
