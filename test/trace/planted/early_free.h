// SPDX-License-Identifier: BSD-2-Clause
// Planted in src/core/delete.c: a Frame's capability leaves the tree, and its memory may be had
// again, while the invalidation of its mapping waits for the next gather.
#include <mmu.h>

#define gather_finish(gather) ((void)(gather))
