// SPDX-License-Identifier: BSD-2-Clause
// How to run again what failed. The line is kept ready: a signal's handler may not compose it.
#include "replay.h"
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char line[128];
static size_t length;

// Called when a sanitizer ends the program; absent without one.
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

void replay_note(uint64_t seed, uint64_t operations) {
    length =
        (size_t)snprintf(line, sizeof(line), "# replay: test_model --seed %lu --ops %lu --trace\n",
                         (unsigned long)seed, (unsigned long)operations);
}

void replay_print(void) {
    if (write(STDOUT_FILENO, line, length) < 0)
        _exit(1);
}

static void on_abort(int number) {
    (void)number;
    replay_print();
}

void replay_begin(void) {
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(replay_print);
}
