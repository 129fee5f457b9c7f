// SPDX-License-Identifier: BSD-2-Clause
// Mapping into this program's own VSpace.
#include "self.h"
#include "pool.h"
#include "slots.h"
#include <sheaf/start.h>
#include <unistd.h>

#define WINDOWS UINT64_C(0x2000000000) // everything but the heap
#define ALIGNMENT UINT64_C(0x200000)
#define TABLES_IN_CHUNK 15

void self_open(void) {
    static bool open;
    const struct sheaf_bootinfo *bootinfo = sheaf_environment.bootinfo;
    if (open)
        return;
    open = true;
    if (bootinfo == NULL) {
        // Without stdio: its buffers come from the heap that cannot be opened.
        static const char why[] = "this program is started by the kernel or by init only\n";
        (void)write(STDERR_FILENO, why, sizeof why - 1);
        _exit(126);
    }
    slots_init(bootinfo->first_free_slot, bootinfo->slot_count);
    for (unsigned i = 0; i < bootinfo->untyped_count; i++)
        pool_add(bootinfo->untyped[i].slot);
}

uint64_t self_reserve(uint64_t bytes) {
    static uint64_t next = WINDOWS;
    uint64_t va = next;
    next += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return va;
}

static enum sheaf_error map_piece(sheaf_cptr vspace, uint64_t va, uint64_t pages, sheaf_cptr slot,
                                  uint64_t count, uint64_t rights) {
    for (;;) {
        sheaf_put_map(0, vspace, va, pages, slot, count, rights,
                      SHEAF_OP_ACCESSED | ((rights & SHEAF_MAP_WRITE) != 0 ? SHEAF_OP_DIRTY : 0));
        struct sheaf_gather_result result = sheaf_gather(1);
        if (result.error != SHEAF_ERR_NO_TABLES)
            return result.error;
        uint64_t chunks = (result.tables_missing + TABLES_IN_CHUNK - 1) / TABLES_IN_CHUNK;
        enum sheaf_error error = pool_grow(vspace, chunks > 0 ? chunks : 1);
        if (error != SHEAF_OK)
            return error;
    }
}

enum sheaf_error self_map_into(sheaf_cptr vspace, uint64_t va, uint64_t pages, sheaf_cptr slot,
                               uint64_t count, uint64_t rights) {
    // Frames of one page can be many: as many at a time as one operation maps.
    while (pages == count && count > SHEAF_MAP_FRAMES) {
        enum sheaf_error error =
            map_piece(vspace, va, SHEAF_MAP_FRAMES, slot, SHEAF_MAP_FRAMES, rights);
        if (error != SHEAF_OK)
            return error;
        va += SHEAF_MAP_FRAMES * UINT64_C(4096);
        slot += SHEAF_MAP_FRAMES;
        pages = count -= SHEAF_MAP_FRAMES;
    }
    return map_piece(vspace, va, pages, slot, count, rights);
}

enum sheaf_error self_map(uint64_t va, uint64_t pages, sheaf_cptr slot, uint64_t count,
                          uint64_t rights) {
    return self_map_into(SHEAF_BOOT_SLOT_VSPACE, va, pages, slot, count, rights);
}

enum sheaf_error self_unmap(uint64_t va, uint64_t pages) {
    sheaf_put_unmap(0, SHEAF_BOOT_SLOT_VSPACE, va, pages, 0);
    return sheaf_gather(1).error;
}

static uint64_t ramdisk_start, ramdisk_end;

const uint8_t *self_map_ramdisk(size_t *bytes) {
    const struct sheaf_bootinfo *bootinfo = sheaf_environment.bootinfo;
    uint64_t total = 0;
    self_open();
    for (unsigned i = 0; i < bootinfo->ramdisk_count; i++)
        total += UINT64_C(1) << bootinfo->ramdisk[i].size_bits;
    // Frames must lie at multiples of their sizes up to 2 MiB, as they do in physical memory.
    uint64_t offset = bootinfo->ramdisk_count > 0 ? bootinfo->ramdisk[0].physical % ALIGNMENT : 0;
    uint64_t start = self_reserve(total + offset) + offset;
    uint64_t va = start;
    ramdisk_start = ramdisk_end = start;
    for (unsigned i = 0; i < bootinfo->ramdisk_count; i++) {
        uint64_t frame_bytes = UINT64_C(1) << bootinfo->ramdisk[i].size_bits;
        if (self_map(va, frame_bytes / 4096, bootinfo->ramdisk[i].slot, 1, SHEAF_MAP_READ) !=
            SHEAF_OK)
            return NULL;
        ramdisk_end = va += frame_bytes;
    }
    *bytes = bootinfo->ramdisk_bytes;
    return bootinfo->ramdisk_bytes > 0 ? (const uint8_t *)(start + bootinfo->ramdisk_offset) : NULL;
}

enum sheaf_error self_unmap_ramdisk(void) {
    uint64_t pages = (ramdisk_end - ramdisk_start) / 4096;
    return pages > 0 ? self_unmap(ramdisk_start, pages) : SHEAF_OK;
}
