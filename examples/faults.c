// SPDX-License-Identifier: BSD-2-Clause
// A page-fault counter: ./scripts/run --app examples/faults.c [PAGES]
//
// Asks the pager what it has counted, touches fresh pages, and asks again. Touching the same pages
// a second time costs nothing as long as they fit the pager's frames; with --frames below PAGES
// they were unmapped by tlb_gather in the meantime, and the second round faults as well.
#include <inttypes.h>
#include <sheaf/process.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 4096

static uint64_t faults(void) {
    uint64_t value[PAGER_STATISTIC_COUNT];
    if (sheaf_statistics(value) != PAGER_OK)
        exit(1);
    return value[PAGER_STATISTIC_FAULTS_SERVED];
}

static uint64_t touch(volatile char *memory, size_t pages) {
    uint64_t before = faults();
    for (size_t i = 0; i < pages; i++)
        memory[i * PAGE]++;
    return faults() - before;
}

int main(int argc, char **argv) {
    size_t pages = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    volatile char *memory = aligned_alloc(PAGE, pages * PAGE);
    if (memory == NULL)
        return 1;
    printf("before touching anything: %" PRIu64 " faults\n", faults());
    uint64_t first = touch(memory, pages);
    printf("touching %zu fresh pages: %" PRIu64 " faults\n", pages, first);
    printf("touching them again: %" PRIu64 " faults\n", touch(memory, pages));
    for (size_t i = 0; i < pages; i++)
        if (memory[i * PAGE] != 2) {
            printf("page %zu lost what was written to it\n", i);
            return 1;
        }
    printf("all %zu pages hold what was written to them\n", pages);
    return first >= pages ? 0 : 1;
}
