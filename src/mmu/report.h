// SPDX-License-Identifier: BSD-2-Clause
// Reports: two bits for each page of an operation (SHEAF_REPORT_*), page 0 in the lowest ones.
#ifndef MMU_REPORT_H
#define MMU_REPORT_H

#include "descriptor.h"

static inline void report_clear(uint8_t *report, uint64_t pages) {
    for (uint64_t i = 0; i < SHEAF_REPORT_BYTES(pages); i++)
        report[i] = 0;
}

// Adds `bits` to each of `pages` pages from `page` on.
static inline void report_pages(uint8_t *report, uint64_t page, uint64_t pages, unsigned bits) {
    uint64_t end = page + pages;
    while (page < end) {
        if (page % 4 == 0 && end - page >= 4) { // four at a time: of a block, or of leaves alike
            report[page / 4] = (uint8_t)(bits * 0x55);
            page += 4;
        } else {
            report[page / 4] |= (uint8_t)(bits << (2 * (page % 4)));
            page++;
        }
    }
}

#endif
