// SPDX-License-Identifier: BSD-2-Clause
// Device memory for cases, and the methods of interrupts in short.
#include "device.h"
#include "harness.h"

#define USED 8

static sheaf_cptr used[USED]; // device Untypeds that the case has made something of
static unsigned used_count;

sheaf_cptr device_untyped(uint64_t physical, uint64_t *start, uint64_t *bits) {
    const struct sheaf_bootinfo *boot = boot_information();
    for (unsigned i = 0; i < boot->device_count; i++) {
        const struct sheaf_boot_device *range = &boot->device[i];
        for (unsigned j = 0; physical - range->physical < range->bytes && j < range->count; j++) {
            struct untyped_info info = untyped_info(range->slot + j);
            if (physical - info.physical < UINT64_C(1) << info.bits) {
                *start = info.physical;
                *bits = info.bits;
                return range->slot + j;
            }
        }
    }
    return 0;
}

static void device_retype(sheaf_cptr untyped, unsigned type, unsigned bits, sheaf_cptr slot) {
    CHECK_OK(untyped_retype(untyped, type, bits, SHEAF_MEMORY_DEVICE, ROOT, slot, 1));
}

sheaf_cptr device_page(uint64_t physical) {
    uint64_t start;
    uint64_t bits;
    sheaf_cptr untyped = device_untyped(physical, &start, &bits);
    CHECK(untyped != 0);
    if (used_count == 0 || used[used_count - 1] != untyped) {
        CHECK(used_count < USED);
        used[used_count++] = untyped;
    }
    uint64_t at = start + (UINT64_C(1) << bits) - untyped_info(untyped).left;
    CHECK(at <= physical);
    // What lies in front: the largest piece that is aligned and does not reach the page.
    while (at < physical) {
        unsigned piece = SHEAF_PAGE_BITS;
        while ((at & ((UINT64_C(2) << piece) - 1)) == 0 &&
               at + (UINT64_C(2) << piece) <= physical) {
            piece++;
        }
        device_retype(untyped, SHEAF_UNTYPED, piece, new_slot());
        at += UINT64_C(1) << piece;
    }
    sheaf_cptr frame = new_slot();
    device_retype(untyped, SHEAF_FRAME, SHEAF_PAGE_BITS, frame);
    CHECK_EQ(frame_address(frame), physical);
    return frame;
}

void device_end(void) {
    while (used_count > 0) {
        sheaf_cptr untyped = used[--used_count];
        CHECK_OK(cnode_revoke(ROOT, untyped));
        struct untyped_info info = untyped_info(untyped);
        CHECK_EQ(info.left, UINT64_C(1) << info.bits);
    }
}

// ---- Interrupts

uint64_t irq_bind(uint64_t interrupt, uint64_t trigger, sheaf_cptr handler) {
    return INVOKE(SHEAF_BOOT_SLOT_IRQ_CONTROL, SHEAF_IRQ_CONTROL_BIND, 3, interrupt, trigger,
                  handler)
        .status;
}

uint64_t irq_attach(sheaf_cptr handler, sheaf_cptr notification) {
    return INVOKE(handler, SHEAF_IRQ_HANDLER_ATTACH, 1, notification).status;
}

uint64_t irq_acknowledge(sheaf_cptr handler) {
    return INVOKE(handler, SHEAF_IRQ_HANDLER_ACKNOWLEDGE, 0, 0).status;
}
