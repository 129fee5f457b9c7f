// SPDX-License-Identifier: BSD-2-Clause
// Changing leaves in place, for the operations that neither remove nor add any: PROTECT and AGE.
//
// What is to become of a leaf is decided by a pure function, once for each run of leaves that are
// alike in everything but their address; what the change asks of the TLBs follows from the two
// values alone (desc_takes_rights), whatever the operation.
#ifndef MMU_CHANGE_H
#define MMU_CHANGE_H

#include "batch.h"

// What a leaf is to become.
struct leaf_change {
    desc_t wanted;   // in everything but the address; equal to the leaf: it stays
    unsigned report; // SHEAF_REPORT_* for each of its pages
};

// `what`: the operation's rights, or flags. An error refuses the operation.
typedef enum sheaf_error leaf_decision(unsigned what, desc_t leaf, struct leaf_change *change);

struct change {
    leaf_decision *decide;
    unsigned what;
    bool refuses; // decide may: every leaf is looked at before the first is changed
    enum sheaf_counter counter;
};

// Goes through the operation's range. BLOCK_CUT, DEAD, PREEMPTED as for gather_unmap, and what
// `decide` refuses with: nothing was changed then, unless an interrupt came in between and *done
// says that something was.
enum sheaf_error change_leaves(struct gather *gather, struct vspace *vspace,
                               const struct change *change, const struct gather_change *operation);

#endif
