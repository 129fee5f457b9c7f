// SPDX-License-Identifier: BSD-2-Clause
// kprintf: the kernel's own messages on the serial port.
//
// What is printed before the port is found is kept and sent when print_start() is called. The
// console lock keeps lines of several PEs apart; a panic goes ahead without it, since its holder
// may be what is broken.
#include "print.h"

#include <drivers.h>
#include <lock.h>

#define EARLY_BYTES 1024

static struct {
    struct lock lock;
    bool started, panicking;
    unsigned early_count;
    char early[EARLY_BYTES];
} print = {.lock = {.rank = LOCK_CONSOLE}};

static void put(char c) {
    if (print.started) {
        if (c == '\n') {
            serial_putc('\r');
        }
        serial_putc(c);
    } else if (print.early_count < EARLY_BYTES) {
        print.early[print.early_count++] = c;
    }
}

void print_start(void) {
    print.started = true;
    for (unsigned i = 0; i < print.early_count; i++) {
        put(print.early[i]);
    }
    print.early_count = 0;
}

void print_panicking(void) { print.panicking = true; }

// One conversion: flags, width, length, conversion.
struct conversion {
    bool left, zero;
    unsigned width;
    bool is_long;
    char kind;
};

static const char *parse_conversion(const char *format, struct conversion *out) {
    *out = (struct conversion){0};
    for (;; format++) {
        if (*format == '-') {
            out->left = true;
        } else if (*format == '0') {
            out->zero = true;
        } else {
            break;
        }
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        out->width = out->width * 10 + (unsigned)(*format - '0');
    }
    for (; *format == 'l' || *format == 'z'; format++) {
        out->is_long = true;
    }
    out->kind = *format;
    return *format == '\0' ? format : format + 1;
}

// Names come from user space and from device trees: no argument moves a terminal's cursor or begins
// a line that looks like the kernel's.
static void put_field(const struct conversion *conversion, const char *text, size_t length) {
    size_t padding = conversion->width > length ? conversion->width - length : 0;
    if (!conversion->left) {
        bool zero = conversion->zero && conversion->kind != 's' && conversion->kind != 'c';
        if (zero && length > 0 && *text == '-') { // the sign stands before the zeros
            put(*text++);
            length--;
        }
        for (; padding > 0; padding--) {
            put(zero ? '0' : ' ');
        }
    }
    for (size_t i = 0; i < length; i++) {
        put(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    for (; padding > 0; padding--) {
        put(' ');
    }
}

static void put_number(const struct conversion *conversion, uint64_t value, unsigned base,
                       bool negative) {
    char digits[24];
    char *first = digits + sizeof(digits);
    do {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        *--first = '-';
    }
    put_field(conversion, first, (size_t)(digits + sizeof(digits) - first));
}

static void put_string(const struct conversion *conversion, const char *text) {
    if (text == NULL) {
        text = "(null)";
    }
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    put_field(conversion, text, length);
}

static void put_conversion(struct conversion *conversion, va_list *arguments) {
    switch (conversion->kind) {
    case 's':
        put_string(conversion, va_arg(*arguments, const char *));
        break;
    case 'c': {
        char c = (char)va_arg(*arguments, int);
        put_field(conversion, &c, 1);
        break;
    }
    case 'd': {
        int64_t value = conversion->is_long ? va_arg(*arguments, long) : va_arg(*arguments, int);
        put_number(conversion, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
        break;
    }
    case 'u':
    case 'x': {
        uint64_t value = conversion->is_long ? va_arg(*arguments, unsigned long)
                                             : va_arg(*arguments, unsigned int);
        put_number(conversion, value, conversion->kind == 'x' ? 16 : 10, false);
        break;
    }
    case 'p':
        put('0');
        put('x');
        *conversion = (struct conversion){.zero = true, .width = 16, .kind = 'x'};
        put_number(conversion, (uint64_t)(uintptr_t)va_arg(*arguments, void *), 16, false);
        break;
    default: // %% too
        put(conversion->kind);
        break;
    }
}

static void print_arguments(const char *format, va_list *arguments) {
    while (*format != '\0') {
        if (*format != '%') {
            put(*format++);
            continue;
        }
        struct conversion conversion;
        format = parse_conversion(format + 1, &conversion);
        if (conversion.kind != '\0') {
            put_conversion(&conversion, arguments);
        }
    }
}

void kvprintf(const char *format, va_list *arguments) {
    bool locked = !print.panicking;
    if (locked) {
        lock_acquire(&print.lock);
    }
    print_arguments(format, arguments);
    if (locked) {
        lock_release(&print.lock);
    }
}

void kprintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    kvprintf(format, &arguments);
    va_end(arguments);
}
