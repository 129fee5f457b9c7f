// SPDX-License-Identifier: BSD-2-Clause
// Which slots of this program's root CNode are free. Taken from the top downwards, so that what the
// program itself fills from the bottom stays apart.
#ifndef SHEAF_SLOTS_H
#define SHEAF_SLOTS_H

#include <sheaf/user.h>

// The free slots are [first, end).
void slots_init(uint64_t first, uint64_t end);
// `count` consecutive empty slots, 0 when there are none left.
sheaf_cptr slots_take(uint64_t count);
// Gives one back, empty.
void slots_give(sheaf_cptr slot);
// Gives one back after deleting what is in it.
void slots_delete(sheaf_cptr slot);

#endif
