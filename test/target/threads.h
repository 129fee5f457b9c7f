// SPDX-License-Identifier: BSD-2-Clause
// Threads of a case, as the surroundings see them.
#ifndef TARGET_THREADS_H
#define TARGET_THREADS_H

// Before a case: no helper exists.
void threads_forget(void);

#endif
