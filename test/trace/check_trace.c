// SPDX-License-Identifier: BSD-2-Clause
// check_trace FILE [LEAST]: judges a trace. See scripts/check-trace.
#include "replay.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmsa.h>

// The whole file, or NULL with errno set.
static const void *map_file(const char *name, size_t *bytes) {
    struct stat status;
    void *file = MAP_FAILED;
    int descriptor = open(name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    if (fstat(descriptor, &status) == 0) {
        *bytes = (size_t)status.st_size;
        if (*bytes == 0)
            errno = ENODATA;
        else
            file = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    close(descriptor);
    return file == MAP_FAILED ? NULL : file;
}

// Whether the whole trace could be read, and could have happened.
static bool judge(struct trace_reader *reader) {
    struct trace_event event = {0};
    const char *problem = replay_start(&reader->header);
    while (problem == NULL && trace_reader_next(reader, &event, &problem))
        problem = replay_event(&event);
    if (problem != NULL)
        printf("event %lu, PE %u, kind %d: %s\n", (unsigned long)event.number, event.pe,
               (int)event.kind, problem);
    return problem == NULL;
}

static int report(const struct trace_reader *reader, bool read, uint64_t least) {
    const struct replay_totals *totals = replay_totals();
    uint64_t lost = trace_reader_lost(reader);
    for (unsigned rule = 0; rule < VMSA_RULES; rule++) {
        if (vmsa_violations(rule) != 0)
            printf("rule %s: %u\n", vmsa_rule_name(rule), vmsa_violations(rule));
    }
    printf("events %lu, PEs %d, gathers %lu, reuses %lu, lost %lu, violations %lu\n",
           (unsigned long)totals->events, __builtin_popcount(totals->pes),
           (unsigned long)totals->gathers, (unsigned long)totals->reuses, (unsigned long)lost,
           (unsigned long)totals->violations);
    if (!read)
        return 2;
    bool good =
        lost == 0 && totals->violations == 0 && totals->gathers >= least && totals->reuses >= least;
    return good ? 0 : 1;
}

int main(int argc, char **argv) {
    struct trace_reader reader;
    size_t bytes = 0;
    uint64_t least = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: check_trace FILE [LEAST]\n");
        return 2;
    }
    const void *file = map_file(argv[1], &bytes);
    if (file == NULL) {
        fprintf(stderr, "check_trace: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    int status = 2;
    const char *problem = trace_reader_open(&reader, file, bytes);
    if (problem == NULL) {
        bool read = judge(&reader);
        status = report(&reader, read, least);
        replay_end();
    } else {
        fprintf(stderr, "check_trace: %s: %s\n", argv[1], problem);
    }
    trace_reader_close(&reader);
    return status;
}
