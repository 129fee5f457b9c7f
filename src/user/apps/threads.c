// SPDX-License-Identifier: BSD-2-Clause
// A test of the C library under threads, as TAP: each thread has its own errno, stdio state and FP
// registers, and they share heap and streams.
#include <errno.h>
#include <math.h>
#include <sheaf/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sheaf/user.h>

#define THREADS 6
#define ROUNDS 200

static int cases, failures;

static void report(bool passed, const char *name) {
    failures += passed ? 0 : 1;
    printf("%s %d - %s\n", passed ? "ok" : "not ok", ++cases, name);
}

// Runs THREADS threads of a function; true when each returned 0.
static bool all_pass(int (*function)(void *)) {
    uint64_t threads[THREADS];
    bool passed = true;
    for (size_t i = 0; i < THREADS; i++)
        if (sheaf_thread_create(function, (void *)i, &threads[i]) != PAGER_OK) {
            printf("# thread %zu was not created\n", i);
            return false;
        }
    for (size_t i = 0; i < THREADS; i++) {
        int result = -1;
        if (sheaf_thread_join(threads[i], &result) != PAGER_OK || result != 0) {
            printf("# thread %zu failed with %d\n", i, result);
            passed = false;
        }
    }
    return passed;
}

static int keeps_errno(void *argument) {
    int mine = 1000 + (int)(size_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        errno = mine;
        sheaf_yield();
        if (errno != mine)
            return errno;
    }
    return 0;
}

static __thread int local = 7;

static int keeps_thread_local(void *argument) {
    if (local != 7)
        return 1;
    local = (int)(size_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        sheaf_yield();
        if (local != (int)(size_t)argument)
            return 2;
    }
    return 0;
}

// Long sums in FP registers, while other threads do the same with other numbers.
static int keeps_fp(void *argument) {
    double step = 1.0 + (double)(size_t)argument, sum = 0, root = 0;
    for (int i = 0; i < 20000; i++) {
        sum += step;
        root += sqrt(step);
        if (i % 1000 == 0)
            sheaf_yield();
    }
    return sum == step * 20000 && fabs(root - sqrt(step) * 20000) < 1e-6 ? 0 : 1;
}

// Each block is filled with the thread's own byte and looked at before it is given back.
static int shares_heap(void *argument) {
    const int mine = 0x30 + (int)(size_t)argument;
    for (size_t i = 0; i < ROUNDS * 10; i++) {
        size_t bytes = 1 + i * 131 % 900;
        unsigned char *block = malloc(bytes), *other = malloc(bytes / 2 + 1);
        bool kept = block != NULL && other != NULL;
        if (kept) {
            memset(block, mine, bytes);
            memset(other, ~mine, bytes / 2 + 1);
            if (i % 16 == 0)
                sheaf_yield();
            for (size_t j = 0; j < bytes; j++)
                kept = kept && block[j] == mine;
        }
        free(block);
        free(other);
        if (!kept)
            return 1;
    }
    return 0;
}

static int formats(void *argument) {
    double value = 1.0 / (3.0 + (double)(size_t)argument);
    char text[64], again[64];
    snprintf(again, sizeof again, "%.15f|%zu", value, (size_t)argument);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(text, sizeof text, "%.15f|%zu", value, (size_t)argument);
        if (strcmp(text, again) != 0)
            return 1;
        if (fabs(strtod(text, NULL) - value) > 1e-14)
            return 2;
    }
    return 0;
}

// A line is one printf, so none may be torn; the machine's output is checked by eye and by the
// plan.
static int prints(void *argument) {
    for (int i = 0; i < 5; i++)
        printf("# thread %zu line %d of 5: abcdefghijklmnopqrstuvwxyz\n", (size_t)argument, i + 1);
    return 0;
}

static int returns_at_once(void *argument) {
    (void)argument;
    return 0;
}

static bool threads_come_and_go(void) {
    for (int i = 0; i < 40; i++)
        if (!all_pass(returns_at_once))
            return false;
    return true;
}

static int yields_for_long(void *argument) {
    for (unsigned i = 0; i < UINT32_MAX; i++)
        sheaf_yield();
    return argument != NULL;
}

// The library does not offer it; the pager must stand it, and answer.
static bool a_thread_ends_another(void) {
    uint64_t thread, words[2] = {0, 42}, label = PAGER_ERROR_UNKNOWN;
    int result = 0;
    if (sheaf_thread_create(yields_for_long, NULL, &thread) != PAGER_OK)
        return false;
    words[0] = thread;
    return sheaf_call(sheaf_environment.pager, PAGER_THREAD_EXIT, words, 2, NULL, NULL, &label) ==
               SHEAF_OK &&
           label == PAGER_OK && sheaf_thread_join(thread, &result) == PAGER_OK && result == 42;
}

int main(void) {
    printf("1..8\n");
    report(all_pass(keeps_errno), "errno belongs to a thread");
    report(all_pass(keeps_thread_local), "thread-local variables belong to a thread");
    report(all_pass(keeps_fp), "FP registers belong to a thread");
    report(all_pass(shares_heap), "malloc and free from several threads");
    report(all_pass(formats), "printf and strtod of floats from several threads");
    report(all_pass(prints), "printf to one stream from several threads");
    report(threads_come_and_go(), "240 threads come and go");
    report(a_thread_ends_another(), "a thread ends another one");
    return failures == 0 ? 0 : 1;
}
