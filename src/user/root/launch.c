// SPDX-License-Identifier: BSD-2-Clause
// From an ELF file to a thread that can run: objects, frames, slots.
#include "launch.h"
#include "pool.h"
#include "self.h"
#include "slots.h"
#include <string.h>

#define PAGE UINT64_C(4096)

static enum sheaf_error make(enum sheaf_type type, unsigned bits, sheaf_cptr *slot) {
    *slot = slots_take(1);
    return *slot != 0 ? pool_make(type, bits, *slot, 1) : SHEAF_ERR_RANGE;
}

// Writes to a frame through a second capability, which is mapped here for the time being: the first
// one is for the program.
static enum sheaf_error write_frame(sheaf_cptr frame, const void *data, size_t bytes) {
    static uint64_t window;
    if (window == 0)
        window = self_reserve(PAGE);
    sheaf_cptr copy = slots_take(1);
    if (copy == 0)
        return SHEAF_ERR_RANGE;
    enum sheaf_error error = sheaf_copy(SHEAF_BOOT_SLOT_CNODE, copy, frame, SHEAF_RIGHTS_ALL);
    if (error == SHEAF_OK)
        error = self_map(window, 1, copy, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE);
    if (error == SHEAF_OK)
        memcpy((void *)window, data, bytes);
    slots_delete(copy); // and with it the mapping
    return error;
}

// New frames with `data` at their beginning and zeros behind, mapped at va. *first is the first
// slot.
static enum sheaf_error place(sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t rights,
                              const uint8_t *data, uint64_t bytes, sheaf_cptr *first) {
    *first = slots_take(pages);
    if (*first == 0)
        return SHEAF_ERR_RANGE;
    enum sheaf_error error = pool_make(SHEAF_FRAME, SHEAF_PAGE_BITS, *first, pages);
    for (uint64_t at = 0; at < bytes && error == SHEAF_OK; at += PAGE)
        error = write_frame(*first + at / PAGE, data + at, bytes - at < PAGE ? bytes - at : PAGE);
    if (error == SHEAF_OK)
        error = self_map_into(vspace, va, pages, *first, pages, rights);
    return error;
}

static enum sheaf_error place_segment(sheaf_cptr vspace, const struct elf_segment *segment) {
    sheaf_cptr first;
    uint64_t rights = SHEAF_MAP_READ | (segment->write ? SHEAF_MAP_WRITE : 0) |
                      (segment->execute ? SHEAF_MAP_EXECUTE : 0);
    return place(vspace, segment->va, (segment->memory_bytes + PAGE - 1) / PAGE, rights,
                 segment->data, segment->data_bytes, &first);
}

static enum sheaf_error fill_cnode(const struct launch *launch, sheaf_cptr ipc_frame) {
    const struct {
        enum sheaf_boot_slot index;
        sheaf_cptr source;
    } entries[] = {
        {SHEAF_BOOT_SLOT_CNODE, launch->cnode},
        {SHEAF_BOOT_SLOT_THREAD, launch->thread},
        {SHEAF_BOOT_SLOT_VSPACE, launch->vspace},
        {SHEAF_BOOT_SLOT_IPC_BUFFER, ipc_frame},
    };
    enum sheaf_error error = SHEAF_OK;
    for (unsigned i = 0; i < sizeof entries / sizeof *entries && error == SHEAF_OK; i++)
        error = sheaf_copy(launch->cnode, entries[i].index, entries[i].source, SHEAF_RIGHTS_ALL);
    return error;
}

enum sheaf_error launch_load(const struct elf *elf, unsigned cnode_bits, struct launch *launch) {
    enum sheaf_error error;
    sheaf_cptr stack, ipc_frame = 0;
    launch->entry = elf->entry;
    if ((error = make(SHEAF_CNODE, cnode_bits, &launch->cnode)) != SHEAF_OK ||
        (error = make(SHEAF_VSPACE, 0, &launch->vspace)) != SHEAF_OK ||
        (error = make(SHEAF_THREAD, 0, &launch->thread)) != SHEAF_OK)
        return error;
    for (unsigned i = 0; i < elf->count; i++)
        if ((error = place_segment(launch->vspace, &elf->segment[i])) != SHEAF_OK)
            return error;
    const uint64_t writable = SHEAF_MAP_READ | SHEAF_MAP_WRITE;
    error = place(launch->vspace, SHEAF_BOOT_STACK_TOP - SHEAF_BOOT_STACK_PAGES * PAGE,
                  SHEAF_BOOT_STACK_PAGES, writable, NULL, 0, &stack);
    if (error == SHEAF_OK)
        error = place(launch->vspace, SHEAF_BOOT_IPC_BUFFER_VA, 1, writable, NULL, 0, &ipc_frame);
    if (error == SHEAF_OK)
        error = fill_cnode(launch, ipc_frame);
    const struct sheaf_thread_configuration configuration = {
        .cspace = launch->cnode,
        .vspace = launch->vspace,
        .ipc_frame = ipc_frame,
        .fault_notification = launch->fault_notification,
    };
    return error == SHEAF_OK ? sheaf_thread_configure(launch->thread, &configuration) : error;
}

enum sheaf_error launch_run(const struct launch *launch, const struct sheaf_bootinfo *bootinfo,
                            const char *name, uint64_t priority) {
    sheaf_cptr frame;
    const struct sheaf_thread_start start = {
        .pc = launch->entry, .sp = SHEAF_BOOT_STACK_TOP, .argument = {SHEAF_BOOTINFO_VA}};
    enum sheaf_error error = place(launch->vspace, SHEAF_BOOTINFO_VA, 1, SHEAF_MAP_READ,
                                   (const uint8_t *)bootinfo, sizeof *bootinfo, &frame);
    if (error == SHEAF_OK)
        error = sheaf_thread_write_start(launch->thread, &start);
    if (error == SHEAF_OK)
        error =
            sheaf_thread_set_priority(launch->thread, priority, priority, SHEAF_BOOT_SLOT_THREAD);
    if (error == SHEAF_OK)
        error = sheaf_thread_set_name(launch->thread, name);
    return error == SHEAF_OK ? sheaf_thread_resume(launch->thread) : error;
}
