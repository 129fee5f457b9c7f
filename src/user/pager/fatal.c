// SPDX-License-Identifier: BSD-2-Clause
// Messages on the serial port.
#include "fatal.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fatal(const char *what, enum sheaf_error error) {
    fprintf(stderr, "pager: %s: %s (%s)\n", what, sheaf_error_text(error), sheaf_error_name(error));
    abort();
}

void complain(const struct process *process, const char *format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "pager: %s (%" PRIu64 "): %s\n", process->name, process->number, text);
}
