// SPDX-License-Identifier: BSD-2-Clause
// One function a request. Words that a program did not send count as zero.
#include "serve.h"
#include "ramdisk.h"
#include "statistics.h"
#include "swap.h"
#include "frames.h"
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES sizeof(uint64_t)

static uint64_t word_of(const struct request *request, unsigned i) {
    return i < request->count ? request->word[i] : 0;
}

static void put_text(struct answer *answer, const char *text) {
    size_t bytes = strlen(text) + 1, room = (SHEAF_MSG_WORDS - answer->count) * WORD_BYTES;
    if (bytes > room)
        bytes = room; // the reader puts a zero at the end
    unsigned words = (unsigned)((bytes + WORD_BYTES - 1) / WORD_BYTES);
    answer->word[answer->count + words - 1] = 0;
    memcpy(&answer->word[answer->count], text, bytes);
    answer->count += words;
}

static enum pager_error serve_arguments(struct process *process, const struct request *request) {
    uint64_t offset = word_of(request, 0), bytes = word_of(request, 1);
    if (request->count < 2 || bytes > (request->count - 2) * WORD_BYTES)
        return PAGER_ERROR_BAD_ARGUMENT;
    if (offset == 0)
        process->argument_bytes = 0;
    if (offset != process->argument_bytes)
        return PAGER_ERROR_BAD_ARGUMENT;
    if (bytes > SHEAF_START_ARGS - offset)
        return PAGER_ERROR_ARGUMENTS_TOO_LONG;
    if (process->arguments == NULL && (process->arguments = malloc(SHEAF_START_ARGS)) == NULL)
        return PAGER_ERROR_NO_MEMORY;
    memcpy(process->arguments + offset, &request->word[2], bytes);
    process->argument_bytes += bytes;
    return PAGER_OK;
}

static enum pager_error serve_spawn(struct process *process, struct answer *answer) {
    struct process *child;
    enum pager_error error = image_start(process, &child);
    process->argument_bytes = 0;
    if (error == PAGER_OK)
        answer->word[answer->count++] = child->number;
    return error;
}

static enum pager_error serve_wait(struct process *process, const struct request *request,
                                   struct answer *answer) {
    struct process *child = process_find(word_of(request, 0));
    if (child == NULL || child->parent != process->number)
        return PAGER_ERROR_NOT_FOUND;
    if (child->ended) {
        answer->word[answer->count++] = (uint64_t)child->status;
        process_forget(child);
        return PAGER_OK;
    }
    if (child->waiter != 0)
        return PAGER_ERROR_BAD_ARGUMENT;
    child->waiter = reply_keep();
    if (child->waiter == 0)
        return PAGER_ERROR_NO_MEMORY;
    answer->send = false;
    return PAGER_OK;
}

// Heap is promised only as far as the swap area could hold all of it, of all processes together, so
// that a program is told by malloc and not stopped later. The frames are left for everything else.
static enum pager_error serve_heap(struct process *process, const struct request *request,
                                   struct answer *answer) {
    uint64_t bytes = word_of(request, 0), start = process->heap_end;
    uint64_t most = (uint64_t)swap_capacity() * PAGE_BYTES, promised = process_heap_bytes();
    if (bytes == 0 || bytes % PAGE_BYTES != 0)
        return PAGER_ERROR_BAD_ARGUMENT;
    if (promised > most || bytes > most - promised || bytes > SHEAF_PROGRAM_FILES - start)
        return PAGER_ERROR_NO_MEMORY;
    if (!region_extend(&process->regions, SHEAF_PROGRAM_HEAP, start + bytes))
        return PAGER_ERROR_NO_MEMORY;
    process->heap_end = start + bytes;
    answer->word[answer->count++] = start;
    return PAGER_OK;
}

static const struct region *find_mapping(const struct process *process, const uint8_t *data) {
    for (size_t i = 0; i < process->regions.count; i++)
        if (process->regions.regions[i].start >= SHEAF_PROGRAM_FILES &&
            process->regions.regions[i].kind == REGION_FILE &&
            process->regions.regions[i].data == data)
            return &process->regions.regions[i];
    return NULL;
}

// Each file begins at an area of its own, so that its tables go when its pages do. An empty file
// gets a page of zeros.
static enum pager_error map_file(struct process *process, const struct cpio_file *file,
                                 uint64_t *address) {
    uint64_t bytes = file->bytes > 0 ? file->bytes : 1;
    uint64_t next = (process->files_end + bytes + AREA_BYTES - 1) & ~(AREA_BYTES - 1);
    const struct region region = {
        .start = process->files_end,
        .end = process->files_end + ((bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)),
        .kind = REGION_FILE,
        .data = file->data,
        .data_bytes = file->bytes,
    };
    if (next > SHEAF_PROGRAM_FILES_END)
        return PAGER_ERROR_TOO_MANY;
    if (!region_add(&process->regions, &region))
        return PAGER_ERROR_NO_MEMORY;
    process->files_end = next;
    *address = region.start;
    return PAGER_OK;
}

static enum pager_error serve_map_file(struct process *process, const struct request *request,
                                       struct answer *answer) {
    struct cpio_file file;
    char name[SHEAF_MSG_WORDS * sizeof(uint64_t) + 1];
    uint64_t address;
    enum pager_error error = PAGER_OK;
    memcpy(name, request->word, request->count * WORD_BYTES);
    name[request->count * WORD_BYTES] = '\0';
    if (!ramdisk_find(name, &file))
        return PAGER_ERROR_NOT_FOUND;
    const struct region *mapping = find_mapping(process, file.data);
    if (mapping != NULL)
        address = mapping->start;
    else
        error = map_file(process, &file, &address);
    if (error == PAGER_OK) {
        answer->word[answer->count++] = address;
        answer->word[answer->count++] = file.bytes;
    }
    return error;
}

static enum pager_error serve_file(const struct request *request, struct answer *answer) {
    struct cpio_file file;
    if (!ramdisk_at(word_of(request, 0), &file))
        return PAGER_ERROR_NOT_FOUND;
    answer->word[answer->count++] = file.bytes;
    put_text(answer, file.name);
    return PAGER_OK;
}

static enum pager_error serve_process(const struct request *request, struct answer *answer) {
    const struct process *process = process_at(word_of(request, 0));
    if (process == NULL)
        return PAGER_ERROR_NOT_FOUND;
    const uint64_t words[] = {process->number,  process->threads_running, process->resident,
                              process->swapped, process->faults,          process->ended};
    memcpy(answer->word, words, sizeof words);
    answer->count = sizeof words / sizeof *words;
    put_text(answer, process->name);
    return PAGER_OK;
}

static enum pager_error serve_statistics(struct answer *answer) {
    statistics_refresh();
    memcpy(answer->word, statistics, sizeof statistics);
    answer->count = PAGER_STATISTIC_COUNT;
    return PAGER_OK;
}
_Static_assert(PAGER_STATISTIC_COUNT <= SHEAF_MSG_WORDS, "statistics fit a message");

static enum pager_error serve_thread_start(struct process *process, const struct request *request,
                                           struct answer *answer) {
    uint64_t number;
    enum pager_error error = thread_make(process, &number);
    if (error != PAGER_OK)
        return error;
    const struct sheaf_thread_start start = {
        .pc = word_of(request, 0),
        .sp = thread_stack_top(number),
        .tls = word_of(request, 2),
        .argument = {word_of(request, 1), thread_ipc_address(number), number},
    };
    if (!thread_run(process, number, &start)) {
        thread_end(process, number, 0);
        thread_forget(process, number);
        return PAGER_ERROR_NO_MEMORY;
    }
    answer->word[answer->count++] = number;
    return PAGER_OK;
}

static struct thread *thread_of(const struct process *process, uint64_t number) {
    return number < SHEAF_PROGRAM_THREADS ? process->threads[number] : NULL;
}

static enum pager_error serve_thread_exit(struct process *process, const struct request *request) {
    uint64_t number = word_of(request, 0);
    const struct thread *thread = thread_of(process, number);
    if (thread == NULL || thread->ended)
        return PAGER_ERROR_NOT_FOUND;
    thread_end(process, number, word_of(request, 1));
    if (process->threads_running == 0)
        process_end(process, 0);
    return PAGER_OK; // to nobody, unless a thread ended another one
}

static enum pager_error serve_thread_join(struct process *process, const struct request *request,
                                          struct answer *answer) {
    uint64_t number = word_of(request, 0);
    struct thread *thread = thread_of(process, number);
    if (thread == NULL)
        return PAGER_ERROR_NOT_FOUND;
    if (thread->ended) {
        answer->word[answer->count++] = thread->result;
        thread_forget(process, number);
        return PAGER_OK;
    }
    if (thread->joiner != 0)
        return PAGER_ERROR_BAD_ARGUMENT;
    thread->joiner = reply_keep();
    if (thread->joiner == 0)
        return PAGER_ERROR_NO_MEMORY;
    answer->send = false;
    return PAGER_OK;
}

static enum pager_error serve_exit(struct process *process, const struct request *request) {
    process_end(process, (int)(word_of(request, 0) & 0xff));
    return PAGER_OK; // to nobody
}

void serve_request(struct process *process, const struct request *request, struct answer *answer) {
    enum pager_error error = PAGER_ERROR_UNKNOWN;
    bool paged = process->vspace != 0; // not init, which has memory of its own
    answer->send = true;
    switch (request->label) {
    case PAGER_ARGUMENTS:
        error = serve_arguments(process, request);
        break;
    case PAGER_SPAWN:
        error = serve_spawn(process, answer);
        break;
    case PAGER_WAIT:
        error = serve_wait(process, request, answer);
        break;
    case PAGER_FILE:
        error = serve_file(request, answer);
        break;
    case PAGER_PROCESS:
        error = serve_process(request, answer);
        break;
    case PAGER_STATISTICS_READ:
        error = serve_statistics(answer);
        break;
    case PAGER_EXIT:
        error = paged ? serve_exit(process, request) : error;
        break;
    case PAGER_HEAP:
        error = paged ? serve_heap(process, request, answer) : error;
        break;
    case PAGER_MAP_FILE:
        error = paged ? serve_map_file(process, request, answer) : error;
        break;
    case PAGER_THREAD_START:
        error = paged ? serve_thread_start(process, request, answer) : error;
        break;
    case PAGER_THREAD_EXIT:
        error = paged ? serve_thread_exit(process, request) : error;
        break;
    case PAGER_THREAD_JOIN:
        error = paged ? serve_thread_join(process, request, answer) : error;
        break;
    default:
        break;
    }
    answer->label = error;
}
