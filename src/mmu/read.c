// SPDX-License-Identifier: BSD-2-Clause
// Reading a word of user memory through its tables, for the backtrace of a thread.
#include "walk.h"

// Only cacheable memory: the kernel's own view of it is cacheable too.
static bool readable(const struct place *place) {
    const uint64_t type_mask = UINT64_C(7) << DESC_ATTRIBUTE_SHIFT;
    const uint64_t normal = (uint64_t)SHEAF_MEMORY_NORMAL << DESC_ATTRIBUTE_SHIFT;
    return desc_is_leaf(place->desc, place->level) && (place->desc.v & DESC_USER) != 0 &&
           (place->desc.v & type_mask) == normal;
}

bool vspace_read_word(struct vspace *vspace, vaddr_t va, uint64_t *value) {
    if (va.v >> PAGE_BITS >= USER_PAGES || !IS_ALIGNED(va.v, sizeof(*value)))
        return false;
    vspace_lock(vspace);
    bool there = vspace_state_is_live(vspace); // a dead one's tables may be someone else's memory
    struct place place;
    if (there) {
        place = walk(vspace, va.v >> PAGE_BITS, LEAF_LEVEL);
        there = readable(&place);
    }
    if (there) {
        uint64_t inside = va.v & ((level_pages(place.level) << PAGE_BITS) - 1);
        paddr_t page = PADDR(desc_address(place.desc).v + ALIGN_DOWN(inside, PAGE_BYTES));
        // No descriptor, but read like one: 8 bytes, single-copy atomic.
        *value = port_desc_read(page, (unsigned)(inside % PAGE_BYTES / sizeof(*value))).v;
    }
    vspace_unlock(vspace);
    return there;
}
