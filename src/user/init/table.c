// SPDX-License-Identifier: BSD-2-Clause
// Statistics first, then the counters, by the names of the ABI.
#include "table.h"
#include <inttypes.h>
#include <sheaf/process.h>
#include <sheaf/user.h>
#include <stdio.h>

static void line(const char *name, uint64_t value) { printf("%-24s %" PRIu64 "\n", name, value); }

void table_print(void) {
    uint64_t statistic[PAGER_STATISTIC_COUNT], counter[SHEAF_COUNTER_COUNT];
    if (sheaf_statistics(statistic) == PAGER_OK)
        for (unsigned i = 0; i < PAGER_STATISTIC_COUNT; i++)
            line(pager_statistic_name((enum pager_statistic)i), statistic[i]);
    if (sheaf_counters(sheaf_environment.system, counter) == SHEAF_OK)
        for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++)
            line(sheaf_counter_name((enum sheaf_counter)i), counter[i]);
}
