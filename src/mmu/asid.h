// SPDX-License-Identifier: BSD-2-Clause
// ASIDs: given for life, found again by records.
#ifndef MMU_ASID_H
#define MMU_ASID_H

#include "layout.h"

void asid_init(const struct mmu_config *config);
// Gives a free ASID to the VSpace. False when none is left.
bool asid_allocate(struct vspace *vspace, asid_t *out);
// The VSpace that has the ASID, pinned, or NULL. A dying VSpace is still found.
struct vspace *asid_pin(asid_t asid);
void vspace_pin(struct vspace *vspace);
void vspace_unpin(struct vspace *vspace);
// Takes the ASID back if nobody has the VSpace pinned. From then on asid_pin does not find it.
bool asid_release(struct vspace *vspace);

#endif
