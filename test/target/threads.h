// SPDX-License-Identifier: BSD-2-Clause
// Threads of a case, as the surroundings see them.
#ifndef TARGET_THREADS_H
#define TARGET_THREADS_H

// Before a case: no helper exists.
void threads_forget(void);
// After a case: stops those whose fault nobody will answer, so that their end is not reported.
void threads_quieten(void);

#endif
