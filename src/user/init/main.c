// SPDX-License-Identifier: BSD-2-Clause
// The first program: starts the pager, has it run what the boot arguments name, prints the table
// after the main job, and ends the machine with the program's status.
#include "options.h"
#include "start_pager.h"
#include "table.h"
#include <sheaf/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Statuses of init itself, chosen apart from 0 and 1 as shells do.
#define STATUS_BUDGET 2
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127
#define STATUS_NO_PAGER 3

static int status_of(enum pager_error error) {
    return error == PAGER_ERROR_NO_FRAMES   ? STATUS_BUDGET
           : error == PAGER_ERROR_NOT_FOUND ? STATUS_NOT_FOUND
                                            : STATUS_CANNOT_RUN;
}

static int run(char *const argv[]) {
    uint64_t process;
    int status = 0;
    enum pager_error error = sheaf_spawn(argv, &process);
    if (error == PAGER_OK)
        error = sheaf_wait_process(process, &status);
    if (error != PAGER_OK) {
        fprintf(stderr, "init: cannot run %s: %s\n", argv[0], pager_error_text(error));
        return status_of(error);
    }
    return status;
}

static bool ramdisk_has(const char *wanted) {
    char name[256];
    uint64_t bytes;
    for (unsigned i = 0; sheaf_file(i, name, sizeof name, &bytes) == PAGER_OK; i++)
        if (strcmp(name, wanted) == 0)
            return true;
    return false;
}

// The main job: words of the RAM disk's `file`, then the table.
static int run_words(const char *name) {
    char *argv[] = {"words", "file", (char *)(name != NULL ? name : "file"), NULL};
    int status = run(argv);
    if (status == 0)
        table_print();
    return status;
}

static int run_program(const char *name, char **arguments) {
    unsigned count = 0;
    while (arguments[count] != NULL)
        count++;
    char **argv = calloc(count + 2, sizeof *argv);
    if (argv == NULL)
        return STATUS_CANNOT_RUN;
    argv[0] = (char *)name;
    memcpy(argv + 1, arguments, count * sizeof *argv);
    int status = run(argv);
    free(argv);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    (void)argc;
    options_read(&options, argv + 1);
    const char *wrong = start_pager("pager", options.frames);
    if (wrong != NULL) {
        fprintf(stderr, "init: cannot start the pager: %s\n", wrong);
        return STATUS_NO_PAGER;
    }
    if (options.run == NULL)
        options.run = ramdisk_has("file") ? "words" : "shell";
    if (strcmp(options.run, "words") == 0)
        return run_words(options.file);
    return run_program(options.run, options.arguments);
}
