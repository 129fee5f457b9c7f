// SPDX-License-Identifier: BSD-2-Clause
// The parts of the pager that talk to the kernel are replaced: vector.h, window.h, the messages.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "paging_kernel.h"
#include <evict.h>
#include <fatal.h>
#include <fault.h>
#include <frames.h>
#include <statistics.h>
#include <stdlib.h>
#include <string.h>
#include <vector.h>
#include <window.h>

struct kernel kernel;
uint64_t statistics[PAGER_STATISTIC_COUNT];

// ---- Frames and the store

static uint8_t *window;
static uint8_t *stored;
static uint32_t stored_pages;

void *window_page(uint32_t number) { return window + (size_t)(number - 1) * 4096; }
sheaf_cptr window_frame(uint32_t number) { return number; }

static uint32_t capacity(struct store *store) {
    (void)store;
    return stored_pages;
}

static enum store_status read_page(struct store *store, uint32_t number, void *page) {
    (void)store;
    if (kernel.reads_left == 0)
        return STORE_FAILED;
    kernel.reads_left--;
    memcpy(page, stored + (size_t)number * 4096, 4096);
    return STORE_OK;
}

static enum store_status write_page(struct store *store, uint32_t number, const void *page) {
    (void)store;
    if (number >= kernel.store_room)
        return STORE_FULL;
    memcpy(stored + (size_t)number * 4096, page, 4096);
    return STORE_OK;
}

static struct store store = {.capacity = capacity, .read = read_page, .write = write_page};

// ---- The page table and the vector

struct operation {
    struct process *process;
    uint64_t va, pages;
    uint32_t frame;
    bool writable, accessed, dirty;
};
static struct operation operations[SHEAF_GATHER_OPS];
static unsigned count;
static size_t report_bytes;

static size_t index_of(uint64_t va) {
    assert_true(va >= KERNEL_FIRST && (va - KERNEL_FIRST) / 4096 < KERNEL_PAGES);
    return (va - KERNEL_FIRST) / 4096;
}

void vector_add_unmap(struct process *process, uint64_t va, uint32_t pages) {
    assert_true(count < SHEAF_GATHER_OPS);
    report_bytes += SHEAF_REPORT_BYTES(pages);
    assert_true(report_bytes <= SHEAF_RESULT_BYTES);
    operations[count++] = (struct operation){.process = process, .va = va, .pages = pages};
}

void vector_add_map(struct process *process, uint64_t va, sheaf_cptr frame, uint64_t rights,
                    uint64_t flags) {
    assert_true(count < SHEAF_GATHER_OPS);
    operations[count++] = (struct operation){
        .process = process,
        .va = va,
        .frame = (uint32_t)frame,
        .writable = (rights & SHEAF_MAP_WRITE) != 0,
        .accessed = (flags & SHEAF_OP_ACCESSED) != 0,
        .dirty = (flags & SHEAF_OP_DIRTY) != 0,
    };
}

bool vector_is_empty(void) { return count == 0; }

bool vector_has_room(uint32_t pages) {
    return count + 9 < SHEAF_GATHER_OPS &&
           report_bytes + SHEAF_REPORT_BYTES(pages) <= SHEAF_RESULT_BYTES;
}

static void map(const struct operation *operation) {
    size_t i = index_of(operation->va);
    assert_int_equal(kernel.frame[i], 0);          // PLACE_OCCUPIED otherwise
    assert_false(kernel.in_use[operation->frame]); // ALREADY_MAPPED otherwise
    kernel.in_use[operation->frame] = true;
    assert_true(!operation->dirty || operation->writable);
    kernel.frame[i] = operation->frame;
    kernel.writable[i] = operation->writable;
    kernel.accessed[i] = operation->accessed;
    kernel.dirty[i] = operation->dirty;
    kernel.mapped++;
}

static void unmap(const struct operation *operation) {
    uint8_t report[SHEAF_RESULT_BYTES] = {0};
    if (operation->pages == AREA_PAGES) {
        assert_int_equal(operation->va % AREA_BYTES, 0);
        kernel.wide_unmaps++;
    }
    for (uint64_t p = 0; p < operation->pages; p++) {
        size_t i = index_of(operation->va) + p;
        if (i >= KERNEL_PAGES || kernel.frame[i] == 0)
            continue;
        unsigned bits = (kernel.accessed[i] ? SHEAF_REPORT_ACCESSED : 0) |
                        (kernel.dirty[i] ? SHEAF_REPORT_DIRTY : 0);
        report[p / 4] |= (uint8_t)(bits << (p % 4 * 2));
        kernel.in_use[kernel.frame[i]] = false;
        kernel.frame[i] = 0;
        kernel.mapped--;
    }
    evict_reported(operation->process, operation->va, (uint32_t)operation->pages, report);
}

bool vector_run(void) {
    for (unsigned i = 0; i < count; i++)
        if (operations[i].frame != 0)
            map(&operations[i]);
        else
            unmap(&operations[i]);
    kernel.gathers += count > 0;
    count = 0;
    report_bytes = 0;
    return true;
}

// ---- Messages and the end of a process

void complain(const struct process *process, const char *format, ...) {
    (void)process;
    (void)format;
}

void reply_now(uint64_t label) { assert_int_not_equal(label, 0); }

void process_end(struct process *process, int status) {
    assert_true(vector_run());
    memset(kernel.frame, 0, sizeof kernel.frame);
    memset(kernel.in_use, 0, sizeof kernel.in_use);
    for (size_t i = 0; i < process->space.count; i++)
        for (unsigned j = 0; j < AREA_PAGES; j++)
            page_drop(process, &process->space.areas[i]->pages[j]);
    space_clear(&process->space);
    kernel.mapped = 0;
    kernel.ended = status;
}

// ---- The machine

struct process *kernel_start(uint32_t frames, uint32_t store_pages) {
    assert_true(frames < KERNEL_FRAMES);
    memset(&kernel, 0, sizeof kernel);
    memset(statistics, 0, sizeof statistics);
    kernel.ended = -1;
    kernel.store_room = stored_pages = store_pages;
    kernel.reads_left = UINT32_MAX;
    window = malloc((size_t)frames * 4096);
    stored = malloc((size_t)store_pages * 4096 + 1);
    assert_non_null(window);
    assert_non_null(stored);
    assert_true(frames_open(frames));
    assert_true(swap_open(&store));
    struct process *process = calloc(1, sizeof *process);
    assert_non_null(process);
    process->number = 3;
    return process;
}

void kernel_stop(struct process *process) {
    if (kernel.ended < 0)
        process_end(process, 0);
    assert_int_equal(frames_count(FRAME_FREE), frames_budget());
    assert_int_equal(swap_used(), 0);
    assert_int_equal(process->resident, 0);
    assert_int_equal(process->swapped, 0);
    region_clear(&process->regions);
    free(process);
    free(frames_get(0));
    free(window);
    free(stored);
}

void kernel_fault(struct process *process, uint64_t label, uint64_t address, uint64_t access) {
    struct request request = {.label = label, .count = 3, .word = {address, access, 0x400000}};
    struct answer answer = {.send = false};
    fault_serve(process, &request, &answer);
    assert_true(kernel.ended >= 0 || answer.send);
    assert_true(vector_run());
    assert_true(kernel.mapped <= frames_budget());
}

// The walk: the page's byte, or NULL when the process was ended by a fault.
static uint8_t *reach(struct process *process, uint64_t address, uint64_t access) {
    uint64_t va = address & ~(PAGE_BYTES - 1);
    size_t i = index_of(va);
    bool write = access == SHEAF_ACCESS_WRITE;
    for (unsigned attempt = 0; kernel.frame[i] == 0 || (write && !kernel.writable[i]); attempt++) {
        uint64_t permission = kernel.frame[i] != 0 ? SHEAF_FAULT_PERMISSION : 0;
        assert_true(attempt < 2); // one fault is enough
        kernel_fault(process, SHEAF_LABEL_PAGE_FAULT, address, access | permission);
        if (kernel.ended >= 0)
            return NULL;
    }
    kernel.accessed[i] = true;
    kernel.dirty[i] = kernel.dirty[i] || write;
    return (uint8_t *)window_page(kernel.frame[i]) + address % PAGE_BYTES;
}

bool kernel_read(struct process *process, uint64_t address, uint8_t *value) {
    const uint8_t *byte = reach(process, address, SHEAF_ACCESS_READ);
    if (byte != NULL)
        *value = *byte;
    return byte != NULL;
}

bool kernel_write(struct process *process, uint64_t address, uint8_t value) {
    uint8_t *byte = reach(process, address, SHEAF_ACCESS_WRITE);
    if (byte != NULL)
        *byte = value;
    return byte != NULL;
}
