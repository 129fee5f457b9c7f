// SPDX-License-Identifier: BSD-2-Clause
// Reads a trace: first the blocks, then their records, merged by number.
#include "reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *add_block(struct trace_stream *stream, const struct trace_block *block) {
    const struct trace_block **blocks =
        realloc(stream->blocks, (stream->count + 1) * sizeof(*stream->blocks));
    if (blocks == NULL)
        return "out of memory";
    blocks[stream->count++] = block;
    stream->blocks = blocks;
    return NULL;
}

static const char *read_blocks(struct trace_reader *reader, const char *file, size_t bytes) {
    size_t at = sizeof(struct trace_header);
    while (bytes - at >= sizeof(struct trace_block)) {
        const struct trace_block *block = (const void *)(file + at);
        at += sizeof(*block);
        if (block->magic != TRACE_BLOCK_MAGIC)
            return "a block does not begin where one should";
        if ((block->flags & TRACE_END) != 0) {
            reader->numbers = block->numbers;
            return at == bytes ? NULL : "something follows the end";
        }
        if (block->pe >= MAX_PES || block->bytes % sizeof(uint64_t) != 0 ||
            block->bytes > bytes - at)
            return "a block is cut off, or says what cannot be";
        const char *problem = add_block(&reader->stream[block->pe], block);
        if (problem != NULL)
            return problem;
        at += block->bytes;
    }
    return "no end: the machine did not come to write it";
}

const char *trace_reader_open(struct trace_reader *reader, const void *file, size_t bytes) {
    *reader = (struct trace_reader){0};
    if (bytes < sizeof(reader->header))
        return "too short for a trace";
    memcpy(&reader->header, file, sizeof(reader->header));
    if (reader->header.magic != TRACE_MAGIC)
        return "not a trace";
    if (reader->header.version != TRACE_VERSION)
        return "a trace of another version";
    return read_blocks(reader, file, bytes);
}

void trace_reader_close(struct trace_reader *reader) {
    for (unsigned pe = 0; pe < MAX_PES; pe++)
        free(reader->stream[pe].blocks);
    *reader = (struct trace_reader){0};
}

// The next record of one PE, into stream->next.
static const char *fetch(struct trace_stream *stream, unsigned pe) {
    const struct trace_block *block;
    for (;; stream->block++, stream->word = 0) {
        if (stream->block == stream->count)
            return NULL;
        block = stream->blocks[stream->block];
        if (stream->word < block->bytes / sizeof(uint64_t))
            break;
    }
    const uint64_t *words = (const uint64_t *)(block + 1);
    uint64_t first = words[stream->word++];
    struct trace_event *event = &stream->next;
    *event = (struct trace_event){
        .number = first & (BIT(TRACE_NUMBER_BITS) - 1),
        .kind = (enum trace_kind)(first >> 48 & 0xff),
        .detail = (unsigned)(first >> 56),
        .pe = pe,
    };
    if (event->kind == 0 || event->kind >= TRACE_KINDS)
        return "a record of no known kind";
    unsigned operands = trace_operands(event->kind);
    if (block->bytes / sizeof(uint64_t) - stream->word < operands)
        return "a record reaches beyond its block";
    memcpy(event->operand, words + stream->word, operands * sizeof(uint64_t));
    stream->word += operands;
    stream->pending = true;
    return NULL;
}

bool trace_reader_next(struct trace_reader *reader, struct trace_event *event,
                       const char **problem) {
    struct trace_stream *first = NULL;
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        struct trace_stream *stream = &reader->stream[pe];
        if (!stream->pending && (*problem = fetch(stream, pe)) != NULL)
            return false;
        if (stream->pending && (first == NULL || stream->next.number < first->next.number))
            first = stream;
    }
    *problem = NULL;
    if (first == NULL)
        return false;
    if (first->next.number < reader->last || first->next.number >= reader->numbers) {
        *problem = "numbers do not ascend, or were not drawn";
        return false;
    }
    *event = first->next;
    first->pending = false;
    reader->last = event->number + 1;
    reader->read++;
    return true;
}

uint64_t trace_reader_lost(const struct trace_reader *reader) {
    return reader->numbers - reader->read;
}
