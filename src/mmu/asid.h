// SPDX-License-Identifier: BSD-2-Clause
// ASIDs: given for life, found again by records.
#ifndef MMU_ASID_H
#define MMU_ASID_H

#include "layout.h"

void asid_init(const struct mmu_config *config);
// Gives a free ASID. False when none is left. Nobody finds the VSpace by it yet: a record of one
// that is gone may name that number, and would find a VSpace that is only being made.
bool asid_allocate(asid_t *out);
// From now on asid_pin finds the VSpace, which is whole.
void asid_publish(const struct vspace *vspace);
// The VSpace that has the ASID, pinned, or NULL. A dying VSpace is still found.
struct vspace *asid_pin(asid_t asid);
void vspace_pin(struct vspace *vspace);
void vspace_unpin(struct vspace *vspace);
// Takes the ASID back if nobody has the VSpace pinned. From then on asid_pin does not find it.
bool asid_release(struct vspace *vspace);

#endif
