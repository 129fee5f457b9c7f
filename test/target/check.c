// SPDX-License-Identifier: BSD-2-Clause
// Checks that say what was expected and what came.
#include "harness.h"

#include <stdio.h>

const char *error_name(uint64_t error) {
    switch (error) {
#define ERROR_CASE(name, number, text)                                                             \
    case (number):                                                                                 \
        return #name;
        SHEAF_ERRORS(ERROR_CASE)
#undef ERROR_CASE
    default:
        return "no error of the table";
    }
}

void check_equal(uint64_t came, uint64_t expected, const char *text, const char *file, int line) {
    if (came != expected) {
        printf("# expected %llu (0x%llx), came %llu (0x%llx)\n", (unsigned long long)expected,
               (unsigned long long)expected, (unsigned long long)came, (unsigned long long)came);
        check_failed(text, file, line);
    }
}

void check_status(uint64_t came, enum sheaf_error expected, const char *text, const char *file,
                  int line) {
    if (came != expected) {
        printf("# expected %s, came %s (%llu)\n", error_name(expected), error_name(came),
               (unsigned long long)came);
        check_failed(text, file, line);
    }
}
