// SPDX-License-Identifier: BSD-2-Clause
// The frames of the budget as memory: each is mapped in the pager for good, by one capability, and
// has a second one for the place it gets in a program.
#ifndef SHEAF_PAGER_WINDOW_H
#define SHEAF_PAGER_WINDOW_H

#include <sheaf/user.h>

// Makes and maps `count` frames. NO_MEMORY or another error of the kernel's.
enum sheaf_error window_open(uint32_t count);
// Contents of frame `number` (1 to count), and the capability to map it in a program.
void *window_page(uint32_t number);
sheaf_cptr window_frame(uint32_t number);

#endif
