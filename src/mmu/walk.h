// SPDX-License-Identifier: BSD-2-Clause
// Walking tables by software, under the VSpace lock, and taking that lock.
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "layout.h"

// Where a walk ended: a leaf, an invalid descriptor, or a table descriptor at `deepest`.
struct place {
    paddr_t table;
    unsigned level, index;
    desc_t desc;
};

// Every critical section may follow table descriptors, so the lock is the bracket of a walk too.
static inline void vspace_lock(struct vspace *vspace) {
    lock_acquire(&vspace->lock);
    port_walk_begin(vspace->asid);
}

static inline bool vspace_try_lock(struct vspace *vspace) {
    bool taken = lock_try(&vspace->lock);
    if (likely(taken))
        port_walk_begin(vspace->asid);
    return taken;
}

static inline void vspace_unlock(struct vspace *vspace) {
    port_walk_end(vspace->asid);
    lock_release(&vspace->lock);
}

// What a table of `level` holds for `page`.
static inline struct place look(paddr_t table, uint64_t page, unsigned level) {
    unsigned index = level_index(page, level);
    return (struct place){table, level, index, port_desc_read(table, index)};
}

// Goes down from the root towards `page`, at most to `deepest`: four loads at most. Written out
// level by level and always inlined: with the shifts and masks known a step is half as long.
ALWAYS_INLINE struct place walk(const struct vspace *vspace, uint64_t page, unsigned deepest) {
    struct place place = look(vspace_root(vspace), page, 0);
    if (deepest > 0 && desc_is_table(place.desc, 0)) {
        place = look(desc_address(place.desc), page, 1);
        if (deepest > 1 && desc_is_table(place.desc, 1)) {
            place = look(desc_address(place.desc), page, 2);
            if (deepest > 2 && desc_is_table(place.desc, 2))
                place = look(desc_address(place.desc), page, 3);
        }
    }
    return place;
}

// The first page of the span of a table, from the parent links in the bookkeeping.
static inline uint64_t table_first_page(const struct vspace *vspace, paddr_t table) {
    uint64_t page = 0;
    for (const struct table_info *info = table_info(table); info->level > 0;) {
        page |= (uint64_t)info->parent_index << level_shift(info->level - 1u);
        info = table_info(table_of_number(vspace, info->parent));
    }
    return page;
}

#endif
