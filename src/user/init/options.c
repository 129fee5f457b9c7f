// SPDX-License-Identifier: BSD-2-Clause
// NAME=VALUE words up to `--`, arguments of the program behind it.
#include "options.h"
#include <string.h>

static const char *value_of(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

void options_read(struct options *options, char **argv) {
    const char *value;
    char **at = argv;
    *options = (struct options){0};
    while (*at != NULL && strcmp(*at, "--") != 0) {
        if ((value = value_of(*at, "run")) != NULL)
            options->run = value;
        else if ((value = value_of(*at, "file")) != NULL)
            options->file = value;
        else if ((value = value_of(*at, "frames")) != NULL)
            options->frames = value;
        else if ((value = value_of(*at, "swap")) != NULL)
            options->swap = value;
        at++;
    }
    options->arguments = *at != NULL ? at + 1 : at;
}
