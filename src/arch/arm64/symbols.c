// SPDX-License-Identifier: BSD-2-Clause
// Addresses of the kernel's code in words.
#include "backtrace.h"

#include <symbols.h>

extern const char _start[];

// The last symbol at or below the offset; NULL outside of the code.
static const struct kernel_symbol *find(uint64_t offset) {
    if (kernel_symbol_count == 0 || offset >= kernel_symbol_limit ||
        offset < kernel_symbols[0].offset) {
        return NULL;
    }
    uint32_t low = 0, high = kernel_symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (kernel_symbols[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &kernel_symbols[low];
}

void symbol_print(uint64_t address) {
    uint64_t offset = address - (uint64_t)(uintptr_t)_start;
    const struct kernel_symbol *symbol = find(offset);
    if (symbol != NULL) {
        kprintf("%016lx %s+0x%lx", address, &kernel_symbol_names[symbol->name],
                offset - symbol->offset);
    } else {
        kprintf("%016lx", address);
    }
}
