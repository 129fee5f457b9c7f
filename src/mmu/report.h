// SPDX-License-Identifier: BSD-2-Clause
// Reports: two bits for each page of an operation (SHEAF_REPORT_*), page 0 in the lowest ones.
#ifndef MMU_REPORT_H
#define MMU_REPORT_H

#include "descriptor.h"

static inline void report_clear(uint8_t *report, uint64_t pages) {
    __builtin_memset(report, 0, SHEAF_REPORT_BYTES(pages));
}

// Adds `bits` to each of `pages` pages from `page` on. Whole bytes are written at once: a block,
// and leaves that are alike, have many.
static inline void report_pages(uint8_t *report, uint64_t page, uint64_t pages, unsigned bits) {
    uint64_t end = page + pages, first = MIN(ALIGN_UP(page, 4), end), last = ALIGN_DOWN(end, 4);
    for (; page < first; page++)
        report[page / 4] |= (uint8_t)(bits << (2 * (page % 4)));
    if (last > first) {
        __builtin_memset(report + first / 4, (int)(bits * 0x55), (last - first) / 4);
        page = last;
    }
    for (; page < end; page++)
        report[page / 4] |= (uint8_t)(bits << (2 * (page % 4)));
}

#endif
