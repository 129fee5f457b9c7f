// SPDX-License-Identifier: BSD-2-Clause
// One function a command, and a table of them.
#include "command.h"
#include <inttypes.h>
#include <sheaf/process.h>
#include <sheaf/user.h>
#include <stdio.h>
#include <string.h>

#define WORDS 64 // of a line, the command included

// True: the shell goes on.
typedef bool command_function(char **words);

static void line_of_table(const char *name, uint64_t value) {
    printf("%-24s %" PRIu64 "\n", name, value);
}

static bool list_files(char **words) {
    char name[128];
    uint64_t bytes;
    (void)words;
    for (unsigned i = 0; sheaf_file(i, name, sizeof name, &bytes) == PAGER_OK; i++)
        printf("%9" PRIu64 "  %s\n", bytes, name);
    return true;
}

static bool list_processes(char **words) {
    struct sheaf_process_info info;
    (void)words;
    printf("%7s %7s %8s %7s %8s  %s\n", "process", "threads", "resident", "swapped", "faults",
           "name");
    for (unsigned i = 0; sheaf_process_info(i, &info) == PAGER_OK; i++)
        printf("%7" PRIu64 " %7" PRIu64 " %8" PRIu64 " %7" PRIu64 " %8" PRIu64 "  %s%s\n",
               info.process, info.threads, info.resident, info.swapped, info.faults, info.name,
               info.ended ? " (ended)" : "");
    return true;
}

static bool show_memory(char **words) {
    uint64_t value[PAGER_STATISTIC_COUNT];
    (void)words;
    if (sheaf_statistics(value) != PAGER_OK)
        return true;
    for (unsigned i = 0; i < PAGER_STATISTIC_COUNT; i++)
        line_of_table(pager_statistic_name((enum pager_statistic)i), value[i]);
    return true;
}

static bool show_counters(char **words) {
    uint64_t value[SHEAF_COUNTER_COUNT];
    (void)words;
    if (sheaf_counters(sheaf_environment.system, value) != SHEAF_OK)
        return true;
    for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++)
        line_of_table(sheaf_counter_name((enum sheaf_counter)i), value[i]);
    return true;
}

static bool run_program(char **words) {
    uint64_t process;
    int status;
    if (words[1] == NULL) {
        printf("run what? ls lists the programs\n");
        return true;
    }
    enum pager_error error = sheaf_spawn(words + 1, &process);
    if (error == PAGER_OK)
        error = sheaf_wait_process(process, &status);
    if (error != PAGER_OK)
        printf("%s: %s\n", words[1], pager_error_text(error));
    else if (status != 0)
        printf("%s ended with status %d\n", words[1], status);
    return true;
}

static bool power_off(char **words) {
    (void)words;
    return false; // init ends the machine when the shell has ended
}

static bool show_help(char **words);

static const struct {
    const char *name, *arguments, *text;
    command_function *run;
} commands[] = {
    {"help", "", "what you read", show_help},
    {"ls", "", "files of the RAM disk, with their bytes", list_files},
    {"ps", "", "processes: pages in frames and in the swap area, faults", list_processes},
    {"mem", "", "what the pager counts, and what it holds", show_memory},
    {"tlb", "", "what the kernel counts: gathers, TLBI by kind, DSB", show_counters},
    {"run", "NAME [ARG...]", "runs a program; words are separated by blanks", run_program},
    {"poweroff", "", "ends the machine", power_off},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static bool show_help(char **words) {
    (void)words;
    for (unsigned i = 0; i < COMMANDS; i++)
        printf("%-9s%-14s %s\n", commands[i].name, commands[i].arguments, commands[i].text);
    return true;
}

// Splits the line in place; false when it has too many words.
static bool split(char *line, char **words) {
    unsigned count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count == WORDS)
            return false;
        words[count++] = word;
    }
    words[count] = NULL;
    return true;
}

bool command_run(char *line) {
    char *words[WORDS + 1];
    if (!split(line, words)) {
        printf("more than %d words\n", WORDS);
        return true;
    }
    if (words[0] == NULL)
        return true;
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(words[0], commands[i].name) == 0)
            return commands[i].run(words);
    printf("%s: unknown command; help lists them\n", words[0]);
    return true;
}
