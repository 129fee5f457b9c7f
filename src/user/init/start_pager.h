// SPDX-License-Identifier: BSD-2-Clause
// Making the pager out of what the kernel handed to init.
#ifndef SHEAF_INIT_START_PAGER_H
#define SHEAF_INIT_START_PAGER_H

// Starts the RAM disk's program `pager`, gives it all memory but a little, the RAM disk and the
// console, and opens sheaf_environment.pager. `frames` sizes its CNode; 0 is the pager's default.
// NULL, or what went wrong.
const char *start_pager(const char *program, unsigned long frames);

#endif
