// SPDX-License-Identifier: BSD-2-Clause
// What base.h wants of a host: the kernel's output on stderr, as TAP comments; panic aborts.
#include "vmsa.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void kprintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("# ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

static void (*panic_handler)(const char *text);

void vmsa_set_panic_handler(void (*handler)(const char *text)) { panic_handler = handler; }

void panic(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (panic_handler != NULL)
        panic_handler(text);
    fprintf(stderr, "# panic: %s\n", text);
    abort();
}
