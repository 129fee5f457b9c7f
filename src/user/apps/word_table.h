// SPDX-License-Identifier: BSD-2-Clause
// A table of words and how often each came, made for little memory: extendible hashing.
//
// A directory of 2^depth pointers leads to buckets of one page. A word's hash names the bucket, and
// everything about the word is inside it, so counting a word touches one page beside the directory
// (8 bytes a bucket). A bucket that is full splits in two; the directory doubles when it must.
#ifndef SHEAF_WORD_TABLE_H
#define SHEAF_WORD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word_table;

struct word {
    const char *text; // letters of either case, `length` of them; not terminated
    size_t length;
    uint32_t count;
};

// NULL without memory.
struct word_table *word_table_make(void);
void word_table_free(struct word_table *table);

// Counts a word once more. `lower` holds its first letters in lower case, all of them up to
// WORD_INLINE; `text` the whole word, which must stay where it is. `hash` is of all its letters in
// lower case. False without memory.
#define WORD_INLINE 128u
bool word_table_count(struct word_table *table, const char *lower, const char *text, size_t length,
                      uint64_t hash);

// Running hash of a word's letters in lower case, begun with WORD_HASH_START.
#define WORD_HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t word_hash(uint64_t hash, char letter) {
    return (hash ^ (uint8_t)letter) * UINT64_C(0x100000001b3); // FNV-1a
}

// Words of one bin lie in the same few buckets.
#define WORD_TABLE_BINS 256u
static inline uint8_t word_table_bin(uint64_t hash) { return hash & (WORD_TABLE_BINS - 1); }

uint64_t word_table_distinct(const struct word_table *table);
// The most frequent words, at most `room`: count descending, then in the order of their bytes in
// lower case. Their text is in lower case unless longer than WORD_INLINE.
unsigned word_table_top(const struct word_table *table, struct word *top, unsigned room);

#endif
