// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel's own function names, for the backtrace of a panic.
 *
 * The build links the kernel twice: scripts/lib/symbols.py makes the table out of the first link
 * (where it is empty) and checks after the second that no function moved. Read-only data; no lock.
 */
#ifndef SHEAF_SYMBOLS_H
#define SHEAF_SYMBOLS_H

#include <stdint.h>

/* One function. */
struct kernel_symbol {
    uint32_t offset; /* bytes from the image's first byte to the function's first instruction */
    uint32_t name;   /* index of its NUL-terminated name in kernel_symbol_names */
};

/* Ascending by offset, no two equal. */
extern const struct kernel_symbol kernel_symbols[];
extern const char kernel_symbol_names[];
/* Entries in kernel_symbols. 0 in the first link. */
extern const uint32_t kernel_symbol_count;
/* Bytes from the image's first byte to the end of the last function; what lies beyond is not code.
 */
extern const uint32_t kernel_symbol_limit;

#endif
