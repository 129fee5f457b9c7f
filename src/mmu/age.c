// SPDX-License-Identifier: BSD-2-Clause
// AGE: reads and clears accessed bits, dirty bits or both.
//
// An accessed bit goes without an invalidation: a page whose entry stays in a TLB just looks unused
// until the entry goes by itself, and that is what a victim is chosen by. But then a clear bit does
// not say any more that no TLB has the page. The software bit `aged` says so, and keeps the later
// removal of the leaf from being elided.
//
// A dirty bit goes with the write permission that hardware has, and this is invalidated: a store
// by an old entry would leave no trace (design, G5). The leaf stays writable; the next store faults
// and makes it dirty again.
#include "change.h"

static enum sheaf_error decide(unsigned flags, desc_t leaf, struct leaf_change *change) {
    uint64_t value = leaf.v;
    unsigned report = 0;
    if ((flags & SHEAF_OP_ACCESSED) != 0 && (leaf.v & DESC_ACCESSED) != 0) {
        value = (value & ~DESC_ACCESSED) | DESC_AGED;
        report |= SHEAF_REPORT_ACCESSED;
    }
    if ((flags & SHEAF_OP_DIRTY) != 0 && desc_is_dirty(leaf)) {
        value |= DESC_READ_ONLY;
        report |= SHEAF_REPORT_DIRTY;
    }
    *change = (struct leaf_change){DESC(value), report};
    return SHEAF_OK;
}

enum sheaf_error gather_age(struct gather *gather, struct vspace *vspace, unsigned flags,
                            const struct gather_change *operation) {
    const struct change change = {
        .decide = decide,
        .what = flags,
        .counter = SHEAF_COUNTER_GATHER_AGED,
    };
    return change_leaves(gather, vspace, &change, operation);
}
