// SPDX-License-Identifier: BSD-2-Clause
// Starting a program: regions for its segments, a first thread, and the start block on its stack.
// No page of it is loaded; the first instruction already faults.
#include "evict.h"
#include "fault.h"
#include "frames.h"
#include "process.h"
#include "ramdisk.h"
#include "window.h"
#include <elf.h>
#include <string.h>

static bool add_segment(struct process *process, const struct elf_segment *segment) {
    const struct region region = {
        .start = segment->va,
        .end = (segment->va + segment->memory_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1),
        .kind = segment->data_bytes > 0 ? REGION_FILE : REGION_ANONYMOUS,
        .write = segment->write,
        .execute = segment->execute,
        .data = segment->data,
        .data_bytes = segment->data_bytes,
    };
    return region_add(&process->regions, &region);
}

static bool add_regions(struct process *process, const struct elf *elf) {
    const struct region heap = {.start = SHEAF_PROGRAM_HEAP,
                                .end = SHEAF_PROGRAM_HEAP,
                                .kind = REGION_ANONYMOUS,
                                .write = true};
    for (unsigned i = 0; i < elf->count; i++)
        if (!add_segment(process, &elf->segment[i]))
            return false;
    return region_add(&process->regions, &heap);
}

// Where the block lies on the stack; the stack grows down from there.
static uint64_t start_address(void) {
    return (thread_stack_top(0) - sizeof(struct sheaf_start)) & ~UINT64_C(15);
}
_Static_assert(sizeof(struct sheaf_start) + 16 <= 4096, "the start block lies in one page");

static unsigned count_arguments(const char *text, size_t bytes) {
    unsigned count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += text[i] == '\0';
    return count;
}

// Writes the block into the topmost page of the stack. The page stays inactive and dirty, as if it
// had been used and unmapped: the first access maps it.
static bool write_start(const struct process *parent, struct process *process) {
    uint64_t address = start_address(), va = address & ~(PAGE_BYTES - 1);
    const struct region *stack = region_find(&process->regions, va);
    struct area *area = space_make_area(&process->space, va);
    uint32_t frame = area != NULL ? fault_bring(stack, area, va) : 0;
    if (frame == 0)
        return false;
    struct sheaf_start *start =
        (struct sheaf_start *)((char *)window_page(frame) + address % PAGE_BYTES);
    start->magic = SHEAF_START_MAGIC;
    start->process = process->number;
    start->ipc_buffer = thread_ipc_address(0);
    start->argument_count = count_arguments(parent->arguments, parent->argument_bytes);
    start->argument_bytes = (uint32_t)parent->argument_bytes;
    memcpy(start->arguments, parent->arguments, parent->argument_bytes);
    page_activate(process, area, va, frame);
    frames_get(frame)->dirty = true;
    frames_set(frame, FRAME_INACTIVE);
    area->mapped--;
    return true;
}

static enum pager_error load(const struct process *parent, struct process *process,
                             const struct elf *elf) {
    uint64_t number;
    if (!add_regions(process, elf))
        return PAGER_ERROR_NO_MEMORY;
    enum pager_error error = thread_make(process, &number);
    if (error != PAGER_OK)
        return error;
    const struct sheaf_thread_start start = {
        .pc = elf->entry, .sp = start_address(), .argument = {start_address()}};
    return write_start(parent, process) && thread_run(process, number, &start)
               ? PAGER_OK
               : PAGER_ERROR_NO_MEMORY;
}

enum pager_error image_start(struct process *parent, struct process **process) {
    struct cpio_file file;
    struct elf elf;
    if (parent->argument_bytes == 0 || parent->arguments[parent->argument_bytes - 1] != '\0')
        return PAGER_ERROR_BAD_ARGUMENT;
    if (!ramdisk_find(parent->arguments, &file))
        return PAGER_ERROR_NOT_FOUND;
    const char *wrong = elf_read(file.data, file.bytes, SHEAF_PROGRAM_HEAP, &elf);
    if (wrong != NULL)
        return PAGER_ERROR_NOT_EXECUTABLE;
    *process = process_make(parent->number, parent->arguments);
    if (*process == NULL)
        return PAGER_ERROR_NO_MEMORY;
    enum pager_error error = load(parent, *process, &elf);
    if (error != PAGER_OK) {
        process_end(*process, 0);
        process_forget(*process);
    }
    return error;
}
