// SPDX-License-Identifier: BSD-2-Clause
// The first program: starts the pager, has it run what the boot arguments name, prints the table
// after the main job, and ends the machine with the program's status.
#include "options.h"
#include "start_pager.h"
#include "table.h"
#include "watch.h"
#include <cpio.h>
#include <self.h>
#include <sheaf/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Statuses of init itself, chosen apart from 0 and 1 as shells do.
#define STATUS_BUDGET 2
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127

// The main job gets fewer frames than it touches even on a text of ten pages, so that it shows what
// Sheaf is about; other programs get 4 MiB.
#define FRAMES_WORDS 24
#define FRAMES_OTHERS 1024

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

static unsigned long number_or(const char *text, unsigned long otherwise) {
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    struct options options;
    struct cpio_file file;
    struct archive ramdisk = {0};
    (void)argc;
    options_read(&options, argv + 1);
    ramdisk.start = self_map_ramdisk(&ramdisk.bytes);
    if (options.run == NULL)
        options.run = cpio_find(ramdisk.start, ramdisk.bytes, "file", &file) ? "words" : "shell";
    bool words = strcmp(options.run, "words") == 0;
    const char *wrong = start_pager(&ramdisk, "pager",
                                    number_or(options.frames, words ? FRAMES_WORDS : FRAMES_OTHERS),
                                    number_or(options.swap, 0));
    if (wrong != NULL) {
        fprintf(stderr, "init: cannot start the pager: %s\n", wrong);
        return STATUS_NO_PAGER;
    }
    return words ? run_words(options.file) : run_program(options.run, options.arguments);
}
