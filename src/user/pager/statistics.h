// SPDX-License-Identifier: BSD-2-Clause
// What the pager counts.
#ifndef SHEAF_PAGER_STATISTICS_H
#define SHEAF_PAGER_STATISTICS_H

#include <sheaf/pager.h>

extern uint64_t statistics[PAGER_STATISTIC_COUNT];
#define COUNT(name) (statistics[PAGER_STATISTIC_##name]++)
#define COUNT_MANY(name, n) (statistics[PAGER_STATISTIC_##name] += (n))

// Brings the gauges up to date; the counters are so at all times.
void statistics_refresh(void);

#endif
