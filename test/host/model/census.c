// SPDX-License-Identifier: BSD-2-Clause
// How often what was tried, succeeded and failed.
#include "method.h"
#include <stdio.h>

#define LEAST_SUCCESSES 1000u
#define LEAST_ERRORS 10u

static const char *const names[64] = {
#define NAME(name, number, text) [number] = #name,
    SHEAF_ERRORS(NAME)
#undef NAME
};

static bool paused;

void census_pause(bool pause) { paused = pause; }

void census_count(struct row *row, uint64_t status) {
    assert_true(status < ARRAY_SIZE(row->error) && names[status] != NULL);
    if (paused)
        return;
    row->tried++;
    if (status == SHEAF_OK)
        row->succeeded++;
    else
        row->error[status]++;
}

static bool print_row(const struct row *row, bool whole) {
    bool enough = row->succeeded >= LEAST_SUCCESSES || row->fails;
    printf("# %-23s %8lu %9lu ", row->name, (unsigned long)row->tried,
           (unsigned long)row->succeeded);
    for (unsigned i = 1; i < ARRAY_SIZE(row->error); i++) {
        bool documented = (row->documented >> i & 1) != 0;
        if (row->error[i] != 0 || documented)
            printf(" %s %lu", names[i], (unsigned long)row->error[i]);
        if (documented && row->error[i] < LEAST_ERRORS) {
            printf("(!)");
            enough = false;
        }
    }
    printf("%s\n", enough || !whole ? "" : " <- too few");
    return enough;
}

// Each error of sheaf/error.h, whoever it was told.
static bool print_errors(bool whole) {
    bool enough = true;
    printf("# all errors:");
    for (unsigned i = 1; i < ARRAY_SIZE(names); i++) {
        uint64_t count = 0;
        for (unsigned j = 0; j < row_count; j++)
            count += rows[j].error[i];
        if (names[i] == NULL)
            continue;
        bool internal = i == SHEAF_ERR_PREEMPTED; // user space never sees it
        printf(" %s %lu", names[i], (unsigned long)count);
        if (internal ? count != 0 : count < LEAST_ERRORS) {
            printf("(!)");
            enough = false;
        }
    }
    printf("%s\n", enough || !whole ? "" : " <- too few");
    return enough;
}

bool census_print(bool whole) {
    bool enough = true;
    printf("# %-23s %8s %9s  %s\n", "method", "tried", "succeeded", "errors");
    for (unsigned i = 0; i < row_count; i++)
        enough = print_row(&rows[i], whole) && enough;
    return print_errors(whole) && enough;
}
