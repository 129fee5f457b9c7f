// SPDX-License-Identifier: BSD-2-Clause
// PROTECT: other rights for the leaves of a range.
//
// A writable leaf that is clean is read-only for hardware, so granting write changes nothing that a
// TLB holds: the first store faults, and the fault makes the page dirty (fault.c). Granting execute
// leaves entries behind that still refuse it; the access that meets one faults, finds the leaf
// better than the entry and drops the entry. So a promotion needs no invalidation, and a page that
// was clean may lose its write permission without one.
#include "change.h"

static enum sheaf_error decide(unsigned rights, desc_t leaf, struct leaf_change *change) {
    bool write = (rights & SHEAF_MAP_WRITE) != 0, execute = (rights & SHEAF_MAP_EXECUTE) != 0;
    if (write && (leaf.v & DESC_MAX_WRITE) == 0)
        return SHEAF_ERR_RIGHTS_EXCEEDED;
    // Where instructions may be fetched, a PE may do so before it is asked to, and reading a
    // device's registers may change it.
    if (execute && desc_memory_type(leaf) == SHEAF_MEMORY_DEVICE)
        return SHEAF_ERR_MEMORY_TYPE;
    // The dirty bit goes with the write permission. It is reported, as it would be by UNMAP.
    uint64_t value = write ? leaf.v | DESC_WRITABLE : (leaf.v & ~DESC_WRITABLE) | DESC_READ_ONLY;
    change->wanted = DESC(execute ? value & ~DESC_USER_NO_EXECUTE : value | DESC_USER_NO_EXECUTE);
    bool weaker = (leaf.v & ~value & DESC_WRITABLE) != 0 ||
                  (change->wanted.v & ~leaf.v & DESC_USER_NO_EXECUTE) != 0;
    change->report = weaker ? desc_report(leaf) : 0;
    return SHEAF_OK;
}

enum sheaf_error gather_protect(struct gather *gather, struct vspace *vspace, unsigned rights,
                                const struct gather_change *operation) {
    const struct change change = {
        .decide = decide,
        .what = rights,
        .refuses = (rights & (SHEAF_MAP_WRITE | SHEAF_MAP_EXECUTE)) != 0,
        .counter = SHEAF_COUNTER_GATHER_PROTECTED,
    };
    return change_leaves(gather, vspace, &change, operation);
}
