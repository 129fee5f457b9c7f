// SPDX-License-Identifier: BSD-2-Clause
// Gauges are asked for when somebody wants to know.
#include "statistics.h"
#include "frames.h"
#include "process.h"
#include "swap.h"
#include <pool.h>

uint64_t statistics[PAGER_STATISTIC_COUNT];

void statistics_refresh(void) {
    statistics[PAGER_STATISTIC_FRAMES_BUDGET] = frames_budget();
    statistics[PAGER_STATISTIC_FRAMES_FREE] = frames_count(FRAME_FREE);
    statistics[PAGER_STATISTIC_SWAP_CAPACITY] = swap_capacity();
    statistics[PAGER_STATISTIC_SWAP_USED] = swap_used();
    statistics[PAGER_STATISTIC_MEMORY_FREE] = pool_bytes_left(0);
    statistics[PAGER_STATISTIC_PROCESSES] = process_count();
}
