// SPDX-License-Identifier: BSD-2-Clause
// targettest: the kernel's tests that run on the kernel. Started as `init`; prints TAP.
//
//   boot arguments: case=PATTERN   runs the cases that match (with * and ?); several words add up
//                   list           prints the names only
// The plan comes first; the machine is switched off with the number of failures (at most 125).
#include "call.h"
#include "harness.h"
#include "support.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static jmp_buf end_of_case;
static const char *skipped; // why, or null
static const char *context; // of the running case, or null
enum { CASE_FAILED = 1, CASE_SKIPPED = 2 };

void note_context(const char *text) { context = text; }

void check_failed(const char *text, const char *file, int line) {
    if (context != NULL) {
        printf("# at: %s\n", context);
    }
    printf("# %s:%d: %s\n", file, line, text);
    longjmp(end_of_case, CASE_FAILED);
}

void skip_case(const char *reason) {
    skipped = reason;
    longjmp(end_of_case, CASE_SKIPPED);
}

// Whether `name` matches `pattern`, in which * stands for any bytes and ? for one.
static bool matches(const char *pattern, const char *name) {
    for (; *pattern != 0; pattern++, name++) {
        if (*pattern == '*') {
            for (const char *rest = name + strlen(name); rest >= name; rest--) {
                if (matches(pattern + 1, rest)) {
                    return true;
                }
            }
            return false;
        }
        if (*name == 0 || (*pattern != '?' && *pattern != *name)) {
            return false;
        }
    }
    return *name == 0;
}

static char **arguments; // the words of the boot arguments, ended by a null pointer

static bool selected(const struct test_case *test) {
    bool any = false;
    for (char **word = arguments; *word != NULL; word++) {
        if (strncmp(*word, "case=", 5) == 0) {
            any = true;
            if (matches(*word + 5, test->name)) {
                return true;
            }
        }
    }
    return !any;
}

static bool has_word(const char *wanted) {
    for (char **word = arguments; *word != NULL; word++) {
        if (strcmp(*word, wanted) == 0) {
            return true;
        }
    }
    return false;
}

// Runs one case in fresh surroundings. Returns whether it succeeded.
static bool run_case(unsigned number, const struct test_case *test) {
    volatile bool good = false;
    skipped = NULL;
    context = NULL;
    int ended = setjmp(end_of_case);
    if (ended == 0) {
        surroundings_begin();
        test->run();
        good = true;
    }
    if (skipped != NULL) {
        good = true;
    }
    if (setjmp(end_of_case) == 0) {
        surroundings_end(); // its checks belong to the case: nothing may be left behind
    } else {
        good = false;
    }
    printf("%sok %u - %s%s%s\n", good ? "" : "not ", number, test->name,
           good && skipped != NULL ? " # SKIP " : "", good && skipped != NULL ? skipped : "");
    fflush(stdout);
    return good;
}

static unsigned for_each_selected(bool (*visit)(unsigned number, const struct test_case *test)) {
    unsigned number = 0;
    unsigned failures = 0;
    for (const struct test_area *const *area = test_areas; *area != NULL; area++) {
        for (size_t i = 0; i < (*area)->count; i++) {
            const struct test_case *test = &(*area)->cases[i];
            if (selected(test)) {
                number++;
                failures += !visit(number, test);
            }
        }
    }
    return failures;
}

static bool count_case(unsigned number, const struct test_case *test) {
    (void)number;
    (void)test;
    return false;
}

static bool print_case(unsigned number, const struct test_case *test) {
    (void)number;
    printf("# %s\n", test->name);
    return true;
}

int main(int argc, char **argv) {
    (void)argc;
    arguments = argv + 1;
    printf("TAP version 13\n");
    if (has_word("list")) {
        for_each_selected(print_case);
        printf("1..0 # SKIP list only\n");
        return 0;
    }
    unsigned count = for_each_selected(count_case);
    if (count == 0) {
        printf("Bail out! no case has such a name\n");
        return 125;
    }
    printf("1..%u\n", count);
    fflush(stdout);
    if (!surroundings_prepare()) {
        printf("Bail out! no Untyped of 64 MiB\n");
        return 125;
    }
    unsigned failures = for_each_selected(run_case);
    printf("# %u failed\n", failures);
    return failures < 125 ? (int)failures : 125;
}
