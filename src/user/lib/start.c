// SPDX-License-Identifier: BSD-2-Clause
// The way from _start to main: environment, thread area, arguments, constructors.
#include "thread.h"
#include <sheaf/start.h>
#include <stdlib.h>
#include <string.h>

extern void __libc_init_array(void);
extern int main(int argc, char **argv, char **envp);
extern char **environ;
extern char sheaf_tls_area[];

// newlib calls these two around the constructors; there is nothing else to do.
void _init(void);
void _init(void) {}
void _fini(void);
void _fini(void) {}

struct sheaf_environment sheaf_environment;

static struct sheaf_thread first_thread;
static char *no_environment[1];

// The arguments of a program that is given all its memory are the words of the boot arguments.
// Decoding never makes a word longer, so the result fits where the text did.
static char boot_arguments[SHEAF_BOOT_ARGS];

static unsigned decode_boot_arguments(const struct sheaf_bootinfo *bootinfo) {
    const char *text = bootinfo->args;
    size_t used = 0;
    unsigned count = 0;
    bool fits = true;
    while (sheaf_boot_word(&text, boot_arguments + used, sizeof boot_arguments - used, &fits)) {
        used += strlen(boot_arguments + used) + 1;
        count++;
    }
    return count;
}

static void use_bootinfo(const struct sheaf_bootinfo *bootinfo) {
    sheaf_environment.bootinfo = bootinfo;
    sheaf_environment.console = SHEAF_BOOT_SLOT_CONSOLE;
    sheaf_environment.system = SHEAF_BOOT_SLOT_SYSTEM;
    first_thread.ipc_buffer = (struct sheaf_ipc_buffer *)SHEAF_BOOT_IPC_BUFFER_VA;
}

static void use_start(const struct sheaf_start *start) {
    sheaf_environment.pager = SHEAF_PROGRAM_SLOT_PAGER;
    sheaf_environment.console = SHEAF_PROGRAM_SLOT_CONSOLE;
    sheaf_environment.input = SHEAF_PROGRAM_SLOT_INPUT;
    sheaf_environment.system = SHEAF_PROGRAM_SLOT_SYSTEM;
    sheaf_environment.process = start->process;
    first_thread.ipc_buffer = (struct sheaf_ipc_buffer *)start->ipc_buffer;
}

_Noreturn static void run_main(const char *name, const char *text, unsigned count) {
    unsigned first = name != NULL ? 1 : 0;
    char **argv = __builtin_alloca((count + 2) * sizeof *argv);
    if (name != NULL)
        argv[0] = (char *)name;
    for (unsigned i = 0; i < count; i++) {
        argv[first + i] = (char *)text;
        text += strlen(text) + 1;
    }
    argv[first + count] = NULL;
    __libc_init_array();
    exit(main((int)(first + count), argv, no_environment));
}

_Noreturn void sheaf_start_program(const uint64_t *start) {
    // The thread area comes first: every use of errno or stdio goes through it.
    first_thread.reent = _GLOBAL_REENT;
    sheaf_thread_area_make(sheaf_tls_area, &first_thread);
    sheaf_set_thread_register(sheaf_tls_area);
    environ = no_environment;
    if (*start == SHEAF_BOOTINFO_MAGIC) {
        const struct sheaf_bootinfo *bootinfo = (const struct sheaf_bootinfo *)start;
        use_bootinfo(bootinfo);
        unsigned count = decode_boot_arguments(bootinfo);
        run_main("init", boot_arguments, count);
    }
    const struct sheaf_start *block = (const struct sheaf_start *)start;
    use_start(block);
    run_main(NULL, block->arguments, block->argument_count);
}
