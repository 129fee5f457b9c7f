// SPDX-License-Identifier: BSD-2-Clause
// What the boot arguments ask for.
#ifndef SHEAF_INIT_OPTIONS_H
#define SHEAF_INIT_OPTIONS_H

#include <stdbool.h>

struct options {
    const char *run;    // program to run, NULL: not said
    const char *file;   // original name of the RAM disk file `file`, NULL: not said
    char **arguments;   // what follows `--`, up to a NULL
    const char *frames; // the pager's budget, NULL: not said
    const char *swap;   // MiB the swap area may take, NULL: all that is left
};

// Reads init's argv. Words it does not know are the kernel's.
void options_read(struct options *options, char **argv);

#endif
