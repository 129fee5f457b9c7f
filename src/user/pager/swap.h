// SPDX-License-Identifier: BSD-2-Clause
// The swap area: which pages of the store are in use.
#ifndef SHEAF_PAGER_SWAP_H
#define SHEAF_PAGER_SWAP_H

#include "store.h"

// A place in the swap area; 0 is none.
typedef uint32_t swap_slot;

// False when there is no memory for the map of places.
bool swap_open(struct store *store);
// Writes a page to *slot, or when that is 0 to a place that it takes. On STORE_OK *slot names it;
// otherwise nothing changed.
enum store_status swap_write(swap_slot *slot, const void *page);
enum store_status swap_read(swap_slot slot, void *page);
void swap_free(swap_slot slot);
uint32_t swap_used(void);
uint32_t swap_capacity(void);

#endif
