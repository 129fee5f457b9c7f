// SPDX-License-Identifier: BSD-2-Clause
// A trace file (include/trace_format.h), read in the order of its numbers.
#ifndef TRACE_READER_H
#define TRACE_READER_H

#include <trace_format.h>

struct trace_event {
    uint64_t number;
    enum trace_kind kind;
    unsigned detail, pe;
    uint64_t operand[TRACE_MAX_OPERANDS];
};

// Blocks of one PE, in the order in which it wrote them.
struct trace_stream {
    const struct trace_block **blocks;
    size_t count, block; // block: the one being read
    uint64_t word;       // and the next word in it
    bool pending;        // `next` holds an event
    struct trace_event next;
};

struct trace_reader {
    struct trace_header header;
    struct trace_stream stream[MAX_PES];
    uint64_t numbers; // drawn, as the end says
    uint64_t read;    // events given out
    uint64_t reported_lost;
    uint64_t last; // number given out last, plus 1
};

// `bytes` of a file at `file`, aligned to 8, which stays there. NULL, or what is wrong with it.
const char *trace_reader_open(struct trace_reader *reader, const void *file, size_t bytes);
void trace_reader_close(struct trace_reader *reader);
// The next event by number. False at the end, or with *problem set where a record is no record.
bool trace_reader_next(struct trace_reader *reader, struct trace_event *event,
                       const char **problem);
// After the end: numbers that were drawn and are not there.
uint64_t trace_reader_lost(const struct trace_reader *reader);

#endif
