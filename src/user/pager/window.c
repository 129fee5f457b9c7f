// SPDX-License-Identifier: BSD-2-Clause
// Slots and addresses are consecutive, so a frame's number gives both.
#include "window.h"
#include <pool.h>
#include <self.h>
#include <slots.h>

#define PAGE UINT64_C(4096)

static uint64_t address;
static sheaf_cptr programs; // first of the capabilities for programs

static enum sheaf_error make_frames(sheaf_cptr first, uint64_t count) {
    for (uint64_t made = 0; made < count;) {
        uint64_t now = pool_make_frames(SHEAF_PAGE_BITS, first + made, count - made);
        if (now == 0)
            return SHEAF_ERR_NO_MEMORY;
        made += now;
    }
    return SHEAF_OK;
}

enum sheaf_error window_open(uint32_t count) {
    sheaf_cptr own = slots_take(count);
    programs = slots_take(count);
    if (own == 0 || programs == 0)
        return SHEAF_ERR_NO_MEMORY;
    enum sheaf_error error = make_frames(own, count);
    for (uint64_t i = 0; i < count && error == SHEAF_OK; i++)
        error = sheaf_copy(SHEAF_BOOT_SLOT_CNODE, programs + i, own + i, SHEAF_RIGHTS_ALL);
    address = self_reserve(count * PAGE);
    if (error == SHEAF_OK)
        error = self_map(address, count, own, count, SHEAF_MAP_READ | SHEAF_MAP_WRITE);
    return error;
}

void *window_page(uint32_t number) { return (void *)(address + (number - 1) * PAGE); }

sheaf_cptr window_frame(uint32_t number) { return programs + number - 1; }
