// SPDX-License-Identifier: BSD-2-Clause
// VSpaces whose translations a TLB may hold.
#include "bench.h"

sheaf_cptr loaded_vspace(unsigned chunks) {
    struct child child = new_child(child_touch, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = CHILD_PAGE;
    start_child(&child);
    join_child(&child);
    CHECK_OK(INVOKE(child.vspace, SHEAF_VSPACE_GROW, 2, arena(), chunks).status);
    return child.vspace;
}
