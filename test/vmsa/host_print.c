// SPDX-License-Identifier: BSD-2-Clause
// What base.h wants of a host: the kernel's output on stderr, as TAP comments; panic aborts.
#include <base.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print(const char *before, const char *format, va_list arguments) {
    fputs(before, stderr);
    vfprintf(stderr, format, arguments);
}

void kprintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print("# ", format, arguments);
    va_end(arguments);
}

void panic(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print("# panic: ", format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}
