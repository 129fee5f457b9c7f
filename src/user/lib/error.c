// SPDX-License-Identifier: BSD-2-Clause
// Names of errors, counters and statistics, generated from the tables of the ABI.
#include <sheaf/process.h>
#include <sheaf/user.h>

const char *sheaf_error_name(unsigned error) {
    switch (error) {
#define SHEAF_ERROR_CASE(name, number, text)                                                       \
    case number:                                                                                   \
        return #name;
        SHEAF_ERRORS(SHEAF_ERROR_CASE)
#undef SHEAF_ERROR_CASE
    default:
        return "?";
    }
}

const char *sheaf_error_text(unsigned error) {
    switch (error) {
#define SHEAF_ERROR_CASE(name, number, text)                                                       \
    case number:                                                                                   \
        return text;
        SHEAF_ERRORS(SHEAF_ERROR_CASE)
#undef SHEAF_ERROR_CASE
    default:
        return "?";
    }
}

const char *sheaf_counter_name(enum sheaf_counter counter) {
    static const char *const name[] = {
#define SHEAF_COUNTER_TEXT(symbol, text) text,
        SHEAF_COUNTERS(SHEAF_COUNTER_TEXT)
#undef SHEAF_COUNTER_TEXT
    };
    return counter < SHEAF_COUNTER_COUNT ? name[counter] : "?";
}

const char *pager_error_text(unsigned error) {
    switch (error) {
#define PAGER_ERROR_CASE(name, number, text)                                                       \
    case number:                                                                                   \
        return text;
        PAGER_ERRORS(PAGER_ERROR_CASE)
#undef PAGER_ERROR_CASE
    default:
        return "?";
    }
}

const char *pager_statistic_name(enum pager_statistic statistic) {
    static const char *const name[] = {
#define PAGER_STATISTIC_TEXT(symbol, text) text,
        PAGER_STATISTICS(PAGER_STATISTIC_TEXT)
#undef PAGER_STATISTIC_TEXT
    };
    return statistic < PAGER_STATISTIC_COUNT ? name[statistic] : "?";
}
