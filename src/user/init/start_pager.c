// SPDX-License-Identifier: BSD-2-Clause
// The pager's CNode is made large enough for its budget: two slots for each frame (the pager's own
// mapping and the client's), and room for everything else.
#include "start_pager.h"
#include "watch.h"
#include "../pager/boot.h"
#include <cpio.h>
#include <elf.h>
#include <launch.h>
#include <pool.h>
#include <self.h>
#include <sheaf/start.h>
#include <slots.h>
#include <stdio.h>

#define OTHER_SLOTS 16384 // of the pager: processes, threads, heap, swap area
#define KEPT_BITS 21      // memory init keeps for its own heap: 2 MiB

static struct sheaf_bootinfo pager_bootinfo;

static unsigned cnode_bits(unsigned long frames) {
    unsigned bits = 1;
    while (bits < SHEAF_CNODE_MAX_BITS &&
           (UINT64_C(1) << bits) < 2 * (uint64_t)frames + OTHER_SLOTS)
        bits++;
    return bits;
}

// Moves the capability in init's slot to the next free slot of the pager's CNode.
static enum sheaf_error hand_over(const struct launch *pager, uint32_t *slot) {
    uint32_t index = pager_bootinfo.first_free_slot;
    enum sheaf_error error = sheaf_move(pager->cnode, index, *slot);
    if (error == SHEAF_OK) {
        *slot = index;
        pager_bootinfo.first_free_slot++;
    }
    return error;
}

// Sets a little memory apart for init, then hands over the rest.
static enum sheaf_error hand_over_memory(const struct launch *pager) {
    sheaf_cptr kept = slots_take(1);
    enum sheaf_error error = pool_make(SHEAF_UNTYPED, KEPT_BITS, kept, 1);
    pool_clear();
    pool_add(kept);
    for (unsigned i = 0; i < pager_bootinfo.untyped_count && error == SHEAF_OK; i++)
        error = hand_over(pager, &pager_bootinfo.untyped[i].slot);
    for (unsigned i = 0; i < pager_bootinfo.ramdisk_count && error == SHEAF_OK; i++)
        error = hand_over(pager, &pager_bootinfo.ramdisk[i].slot);
    return error;
}

// Endpoint, console and counters. init keeps a badged capability to the endpoint.
static enum sheaf_error hand_over_services(const struct launch *pager) {
    sheaf_cptr endpoint = slots_take(1), own = slots_take(1);
    enum sheaf_error error = pool_make(SHEAF_ENDPOINT, 0, endpoint, 1);
    if (error == SHEAF_OK)
        error = sheaf_mint(SHEAF_BOOT_SLOT_CNODE, own, endpoint, SHEAF_RIGHT_WRITE,
                           PAGER_BADGE(PAGER_INIT_PROCESS, 0, 0));
    if (error == SHEAF_OK)
        error = sheaf_move(pager->cnode, PAGER_BOOT_SLOT_ENDPOINT, endpoint);
    if (error == SHEAF_OK)
        error = sheaf_copy(pager->cnode, SHEAF_BOOT_SLOT_CONSOLE, SHEAF_BOOT_SLOT_CONSOLE,
                           SHEAF_RIGHTS_ALL);
    if (error == SHEAF_OK)
        error = sheaf_copy(pager->cnode, SHEAF_BOOT_SLOT_SYSTEM, SHEAF_BOOT_SLOT_SYSTEM,
                           SHEAF_RIGHT_READ);
    sheaf_environment.pager = own;
    return error;
}

static const char *load(const struct archive *ramdisk, const char *program, unsigned bits,
                        struct launch *pager) {
    struct cpio_file file;
    struct elf elf;
    if (ramdisk->start == NULL)
        return "the RAM disk cannot be mapped";
    if (!cpio_find(ramdisk->start, ramdisk->bytes, program, &file))
        return "the program is not in the RAM disk";
    const char *wrong = elf_read(file.data, file.bytes, SHEAF_PROGRAM_HEAP, &elf);
    if (wrong != NULL)
        return wrong;
    enum sheaf_error error = launch_load(&elf, bits, pager);
    if (error != SHEAF_OK)
        return sheaf_error_text(error);
    error = self_unmap_ramdisk();
    return error == SHEAF_OK ? NULL : sheaf_error_text(error);
}

const char *start_pager(const struct archive *ramdisk, const char *program, unsigned long frames,
                        unsigned long swap_mib) {
    struct launch pager;
    unsigned bits = cnode_bits(frames);
    if (!watch_start(&pager.fault_notification))
        return "the thread that watches it cannot be made";
    const char *wrong = load(ramdisk, program, bits, &pager);
    if (wrong != NULL)
        return wrong;
    pager_bootinfo = *sheaf_environment.bootinfo;
    pager_bootinfo.first_free_slot = SHEAF_BOOT_SLOT_FIRST_DYNAMIC;
    pager_bootinfo.slot_count = UINT32_C(1) << bits;
    pager_bootinfo.device_count = 0; // the registers stay with init
    snprintf(pager_bootinfo.args, sizeof pager_bootinfo.args, "frames=%lu swap=%lu", frames,
             swap_mib);
    enum sheaf_error error = hand_over_services(&pager);
    if (error == SHEAF_OK)
        error = hand_over_memory(&pager);
    if (error == SHEAF_OK)
        error = launch_run(&pager, &pager_bootinfo, program, PAGER_PRIORITY);
    return error == SHEAF_OK ? NULL : sheaf_error_text(error);
}
