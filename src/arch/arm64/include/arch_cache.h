// SPDX-License-Identifier: BSD-2-Clause
// Cache maintenance by address (Arm manual, "The AArch64 cache maintenance functionality").
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <stddef.h>

// Makes what was stored at [start, start + bytes) visible to instruction fetch on all PEs.
// Steps that CTR_EL0 says are not needed are left out. A PE that already runs still needs a context
// synchronisation event of its own; the exception return that starts the new code is one.
void cache_sync_instructions(const void *start, size_t bytes);

// Zeroes; `start` and `bytes` are multiples of 64. By cache lines where the core can.
void cache_zero(void *start, size_t bytes);

// Cleans to the point of coherency: an observer with caches off sees the stores. Ends with DSB SY.
void cache_clean_to_memory(const volatile void *start, size_t bytes);

// The same, and takes the lines out of all caches: from then on nothing that was cached can be
// read, or written back over what was stored in memory meanwhile. Ends with DSB SY.
void cache_clean_and_invalidate(const volatile void *start, size_t bytes);

#endif
