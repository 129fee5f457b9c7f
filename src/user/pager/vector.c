// SPDX-License-Identifier: BSD-2-Clause
// A failing operation stops a gather; those before it stand. Here only a MAP can fail, for lack of
// tables: UNMAPs come first in the vector and need no memory.
#include "evict.h"
#include "fatal.h"
#include "statistics.h"
#include "vector.h"
#include <string.h>

#define MAPS_OF_A_FAULT 9u // the page itself and those mapped ahead

struct planned {
    struct process *process;
    uint64_t va;
    uint32_t pages;
    bool unmap;
    sheaf_cptr frame;
    uint64_t rights, flags;
};

static struct planned vector[SHEAF_GATHER_OPS];
static unsigned count;
static uint32_t report_bytes;

void vector_add_unmap(struct process *process, uint64_t va, uint32_t pages) {
    vector[count++] = (struct planned){.process = process, .va = va, .pages = pages, .unmap = true};
    report_bytes += SHEAF_REPORT_BYTES(pages);
}

void vector_add_map(struct process *process, uint64_t va, sheaf_cptr frame, uint64_t rights,
                    uint64_t flags) {
    vector[count++] = (struct planned){
        .process = process, .va = va, .pages = 1, .frame = frame, .rights = rights, .flags = flags};
}

bool vector_is_empty(void) { return count == 0; }

bool vector_has_room(uint32_t pages) {
    return count + MAPS_OF_A_FAULT < SHEAF_GATHER_OPS &&
           report_bytes + SHEAF_REPORT_BYTES(pages) <= SHEAF_RESULT_BYTES;
}

unsigned vector_put(void) {
    for (unsigned i = 0; i < count; i++) {
        const struct planned *planned = &vector[i];
        if (planned->unmap)
            sheaf_put_unmap(i, planned->process->vspace, planned->va, planned->pages,
                            SHEAF_OP_REPORT);
        else
            sheaf_put_map(i, planned->process->vspace, planned->va, 1, planned->frame, 1,
                          planned->rights, planned->flags);
    }
    return count;
}

static void take_done(unsigned done) {
    const uint8_t *report = sheaf_ipc_buffer()->results;
    for (unsigned i = 0; i < done; i++) {
        const struct planned *planned = &vector[i];
        if (planned->unmap) {
            evict_reported(planned->process, planned->va, planned->pages, report);
            report += SHEAF_REPORT_BYTES(planned->pages);
        } else {
            COUNT(PAGES_MAPPED);
        }
    }
    memmove(vector, vector + done, (count - done) * sizeof *vector);
    count -= done;
    report_bytes = 0;
    for (unsigned i = 0; i < count; i++)
        report_bytes += vector[i].unmap ? SHEAF_REPORT_BYTES(vector[i].pages) : 0;
}

bool vector_take(const struct sheaf_gather_result *result, bool *gone) {
    COUNT(GATHERS);
    COUNT_MANY(TABLES_FREED, result->tables);
    if (result->error == SHEAF_OK) {
        take_done(count);
        return true;
    }
    if (result->failed >= count)
        fatal("gather", result->error);
    take_done(result->failed);
    struct process *process = vector[0].process;
    if (result->error != SHEAF_ERR_NO_TABLES)
        fatal(vector[0].unmap ? "unmapping" : "mapping", result->error);
    if (process_grow(process, result->tables_missing))
        return false;
    // What is left are MAPs of the process whose fault is being served.
    count = 0;
    report_bytes = 0;
    complain(process, "no memory is left for its page tables");
    process_end(process, PAGER_STATUS_NO_MEMORY);
    *gone = true;
    return true;
}

bool vector_run(void) {
    bool gone = false;
    while (count > 0) {
        struct sheaf_gather_result result = sheaf_gather(vector_put());
        vector_take(&result, &gone);
    }
    return !gone;
}

void vector_run_unmap(struct process *process, uint64_t va, uint64_t pages) {
    vector_run();
    sheaf_put_unmap(0, process->vspace, va, pages, 0);
    struct sheaf_gather_result result = sheaf_gather(1);
    COUNT(GATHERS);
    COUNT_MANY(TABLES_FREED, result.tables);
    if (result.error != SHEAF_OK)
        fatal("unmapping", result.error);
}

bool vector_run_map(struct process *process, uint64_t va, sheaf_cptr frame) {
    struct area *area = space_make_area(&process->space, va);
    if (area == NULL)
        return false;
    area->mapped++; // for good: the area's table is never without a leaf
    vector_run();
    for (;;) {
        sheaf_put_map(0, process->vspace, va, 1, frame, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE,
                      SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
        struct sheaf_gather_result result = sheaf_gather(1);
        COUNT(GATHERS);
        if (result.error == SHEAF_OK)
            COUNT(PAGES_MAPPED);
        if (result.error != SHEAF_ERR_NO_TABLES)
            return result.error == SHEAF_OK;
        if (!process_grow(process, result.tables_missing))
            return false;
    }
}
