// SPDX-License-Identifier: BSD-2-Clause
// What the tests of the machine model itself share: bare tables that no kernel code made, a VSpace
// to do wrong things to, and what was reported.
#ifndef MMU_LITMUS_H
#define MMU_LITMUS_H

#include "support.h"

#include <layout.h>

bool reported_only(enum vmsa_rule rule); // this at least once, and nothing else
unsigned reported(void);

// One root, loaded on PE 0 with ASID 9; page 0 behind three tables, chain[3] being the last one.
// Violations are counted from here on.
#define LITMUS_ASID UINT64_C(9)
#define OPERAND (LITMUS_ASID << 48)
extern paddr_t chain[4];
void bare_tables(void);
paddr_t spare_table(void);       // zeroed, beside the chain; the same at every call
bool cached_page(uint64_t page); // on PE 0
static inline bool cached(void) { return cached_page(0); }
void clear_leaf(void); // of page 0: the store alone

// A VSpace on PEs 0 and 1, with pages 0 to 19 and four pages of the next GiB mapped. Violations are
// counted from here on.
struct vspace *prepared(void);
paddr_t leaf_table(const struct vspace *vspace); // of page 0
struct gather *open_unmap(struct vspace *vspace, uint64_t page, uint64_t pages);

#endif
