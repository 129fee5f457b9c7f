// SPDX-License-Identifier: BSD-2-Clause
// The host tests as one program, on the copy of the kernel that has the mutants in it.
//
//   mutants --programs          the names of the test programs, in the order in which they are run
//   mutants --titles            the mutants, in the order of their numbers
//   mutants --rules             the model's rules, as violations name them
//   mutants NUMBER PROGRAM      runs a test program with that mutant; 0: with none
#include <mutant.h>
#include <vmsa.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned mutant;

#define PROGRAM(name) int name##_main(int argc, char **argv);
#include <programs.inc>
#undef PROGRAM

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} programs[] = {
#define PROGRAM(name) {#name, name##_main},
#include <programs.inc>
#undef PROGRAM
};

extern const char *const mutant_titles[]; // made with the copy; ends with NULL

// ---- Panic and output of the room whose tests run

static bool of_core;

void model_panic(const char *format, ...) __attribute__((noreturn));
void fake_panic(const char *format, ...) __attribute__((noreturn));
void model_kprintf(const char *format, ...);
void fake_kprintf(const char *format, ...);

void panic(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!of_core)
        model_panic("%s", text);
    // A test may wait for one of boot, which is told by its format.
    if (strncmp(text, "boot: ", 6) == 0)
        fake_panic("boot: %s", text + 6);
    fake_panic("%s", text);
}

void kprintf(const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (of_core ? fake_kprintf : model_kprintf)("%s", text);
}

// ----

static int print_list(const char *which) {
    for (unsigned i = 0; i < ARRAY_SIZE(programs) && strcmp(which, "--programs") == 0; i++)
        puts(programs[i].name);
    for (unsigned i = 0; i < VMSA_RULES && strcmp(which, "--rules") == 0; i++)
        puts(vmsa_rule_name((enum vmsa_rule)i));
    for (unsigned i = 0; mutant_titles[i] != NULL && strcmp(which, "--titles") == 0; i++)
        puts(mutant_titles[i]);
    return 0;
}

static int run(const char *name) {
    for (unsigned i = 0; i < ARRAY_SIZE(programs); i++) {
        if (strcmp(programs[i].name, name) == 0) {
            char *arguments[] = {(char *)programs[i].name, NULL};
            of_core = strncmp(name, "core_", 5) == 0;
            return programs[i].main(1, arguments) != 0;
        }
    }
    fprintf(stderr, "mutants: no test program %s (see --programs)\n", name);
    return 2;
}

int main(int argc, char **argv) {
    char *end;
    setvbuf(stdout, NULL, _IOLBF, 0); // so that it keeps its order with stderr
    if (argc == 2)
        return print_list(argv[1]);
    if (argc != 3 || (mutant = (unsigned)strtoul(argv[1], &end, 10), end == argv[1] || *end != 0)) {
        fprintf(stderr, "usage: mutants --programs | --titles | --rules | NUMBER PROGRAM\n");
        return 2;
    }
    return run(argv[2]);
}
