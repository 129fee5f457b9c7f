// SPDX-License-Identifier: BSD-2-Clause
// The bucket: a header with the heads of short chains, then records, one after the other.
//
//   | depth, used, next, overflow | heads[64] | record | record | ...          | 4096 bytes
//
// A record is its fixed part and the word; a word longer than WORD_INLINE is kept as a pointer to
// its text. Offsets count from the bucket's start, so a bucket is self-contained. When hashes agree
// in so many bits that splitting does not help, a bucket gets another one behind it.
#include "word_table.h"
#include <stdlib.h>
#include <string.h>

#define BUCKET_BYTES 4096u
#define CHAINS 64u
#define DEPTH_MAXIMUM 20u // a million buckets: 4 GiB of them, 8 MiB of directory
#define BUCKETS_AT_ONCE 16u

struct bucket {
    struct bucket *next;     // of all buckets
    struct bucket *overflow; // more records with the same hash bits
    uint16_t depth;          // how many low bits of their hashes all words here share
    uint16_t used;           // bytes, header included
    uint16_t heads[CHAINS];  // offset of the first record of a chain, 0: none
};

// Small, because the number of pages is what counts: a word of six letters takes 14 bytes. Two
// records with equal `tag` in one chain are nearly always the same word.
struct record {
    uint16_t count_low, count_high;
    uint16_t next;  // offset of the next record of the chain, 0: none
    uint8_t length; // of the word; LONG_WORD: a struct long_word follows, unaligned
    uint8_t tag;    // eight bits of the hash
};
#define LONG_WORD UINT8_MAX
_Static_assert(sizeof(struct record) == 8, "the fixed part of a record");
_Static_assert(WORD_INLINE < LONG_WORD, "the length says which kind of record it is");

struct long_word {
    const char *text;
    size_t length;
};

struct word_table {
    struct bucket **directory; // 2^depth
    unsigned depth;
    uint64_t distinct;
    struct bucket *all;
    char *room; // buckets not in use yet
    unsigned room_count;
    void **arenas;
    size_t arena_count;
};

static struct record *record_at(const struct bucket *bucket, uint16_t offset) {
    return (struct record *)((char *)bucket + offset);
}

// The low bits choose the bucket, others the chain. FNV's low bits are its best mixed ones; the
// multiplication carries them upwards.
static uint16_t *chain_of(struct bucket *bucket, uint64_t hash) {
    return &bucket->heads[hash >> 32 & (CHAINS - 1)];
}

static uint8_t tag_of(uint64_t hash) { return (uint8_t)(hash >> 48); }

static uint32_t count_of(const struct record *record) {
    return (uint32_t)record->count_high << 16 | record->count_low;
}

static void set_count(struct record *record, uint32_t count) {
    record->count_low = (uint16_t)count;
    record->count_high = (uint16_t)(count >> 16);
}

static size_t payload_bytes(size_t length) {
    size_t bytes = length > WORD_INLINE ? sizeof(struct long_word) : length;
    return (bytes + 1) / 2 * 2;
}

static char lower_case(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static struct long_word long_word(const struct record *record) {
    struct long_word word;
    memcpy(&word, record + 1, sizeof word);
    return word;
}

static bool equal_long(struct long_word kept, const char *text, size_t length) {
    if (kept.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (lower_case(kept.text[i]) != lower_case(text[i]))
            return false;
    return true;
}

static bool is_word(const struct record *record, const char *lower, const char *text, size_t length,
                    uint64_t hash) {
    if (record->tag != tag_of(hash))
        return false;
    if (record->length == LONG_WORD)
        return equal_long(long_word(record), text, length);
    return record->length == length && memcmp(record + 1, lower, length) == 0;
}

static struct word word_of(const struct record *record) {
    if (record->length == LONG_WORD)
        return (struct word){long_word(record).text, long_word(record).length, count_of(record)};
    return (struct word){(const char *)(record + 1), record->length, count_of(record)};
}

static uint64_t hash_of(const struct record *record) {
    struct word word = word_of(record);
    uint64_t hash = WORD_HASH_START;
    for (size_t i = 0; i < word.length; i++)
        hash = word_hash(hash, lower_case(word.text[i]));
    return hash;
}

// ---- Memory

static bool add_arena(struct word_table *table) {
    void **larger = realloc(table->arenas, (table->arena_count + 1) * sizeof *larger);
    if (larger == NULL)
        return false;
    table->arenas = larger;
    void *arena = aligned_alloc(BUCKET_BYTES, (size_t)BUCKETS_AT_ONCE * BUCKET_BYTES);
    if (arena == NULL)
        return false;
    table->arenas[table->arena_count++] = arena;
    table->room = arena;
    table->room_count = BUCKETS_AT_ONCE;
    return true;
}

static struct bucket *make_bucket(struct word_table *table, unsigned depth) {
    if (table->room_count == 0 && !add_arena(table))
        return NULL;
    struct bucket *bucket = (struct bucket *)table->room;
    table->room += BUCKET_BYTES;
    table->room_count--;
    memset(bucket, 0, sizeof *bucket);
    bucket->depth = (uint16_t)depth;
    bucket->used = sizeof *bucket;
    bucket->next = table->all;
    table->all = bucket;
    return bucket;
}

struct word_table *word_table_make(void) {
    struct word_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    table->directory = malloc(sizeof *table->directory);
    if (table->directory != NULL && (table->directory[0] = make_bucket(table, 0)) != NULL)
        return table;
    word_table_free(table);
    return NULL;
}

void word_table_free(struct word_table *table) {
    for (size_t i = 0; i < table->arena_count; i++)
        free(table->arenas[i]);
    free(table->arenas);
    free(table->directory);
    free(table);
}

// ---- Splitting

// Appends a record with room for `payload` bytes behind it. NULL when it does not fit.
static struct record *append(struct bucket *bucket, uint64_t hash, size_t payload) {
    size_t bytes = sizeof(struct record) + payload;
    if (bytes > BUCKET_BYTES - bucket->used)
        return NULL;
    uint16_t *chain = chain_of(bucket, hash);
    struct record *record = record_at(bucket, bucket->used);
    record->tag = tag_of(hash);
    record->next = *chain;
    *chain = bucket->used;
    bucket->used = (uint16_t)(bucket->used + bytes);
    return record;
}

static size_t record_payload(const struct record *record) {
    return payload_bytes(record->length == LONG_WORD ? WORD_INLINE + 1 : record->length);
}

static bool double_directory(struct word_table *table) {
    size_t count = (size_t)1 << table->depth;
    struct bucket **larger = realloc(table->directory, 2 * count * sizeof *larger);
    if (larger == NULL)
        return false;
    memcpy(larger + count, larger, count * sizeof *larger);
    table->directory = larger;
    table->depth++;
    return true;
}

// Moves the words of a bucket whose next hash bit is set to a new one.
static bool split(struct word_table *table, struct bucket *bucket, uint64_t hash) {
    static char copy[BUCKET_BYTES] __attribute__((aligned(8)));
    if (bucket->depth == table->depth && !double_directory(table))
        return false;
    struct bucket *other = make_bucket(table, bucket->depth + 1u);
    if (other == NULL)
        return false;
    uint64_t bit = UINT64_C(1) << bucket->depth;
    uint16_t end = bucket->used;
    memcpy(copy, bucket, end);
    memset(bucket->heads, 0, sizeof bucket->heads);
    bucket->used = sizeof *bucket;
    bucket->depth++;
    for (uint16_t at = sizeof *bucket; at < end;) {
        const struct record *old = record_at((struct bucket *)copy, at);
        size_t payload = record_payload(old);
        uint64_t old_hash = hash_of(old);
        struct record *record = append((old_hash & bit) != 0 ? other : bucket, old_hash, payload);
        set_count(record, count_of(old));
        record->length = old->length;
        memcpy(record + 1, old + 1, payload);
        at = (uint16_t)(at + sizeof *old + payload);
    }
    for (uint64_t i = (hash & (bit - 1)) | bit; i < UINT64_C(1) << table->depth; i += bit << 1)
        table->directory[i] = other;
    return true;
}

// ---- Counting

static struct bucket *bucket_of(const struct word_table *table, uint64_t hash) {
    return table->directory[hash & ((UINT64_C(1) << table->depth) - 1)];
}

static struct record *find(struct bucket *bucket, const char *lower, const char *text,
                           size_t length, uint64_t hash) {
    for (; bucket != NULL; bucket = bucket->overflow)
        for (uint16_t at = *chain_of(bucket, hash); at != 0;) {
            struct record *record = record_at(bucket, at);
            if (is_word(record, lower, text, length, hash))
                return record;
            at = record->next;
        }
    return NULL;
}

// A record for a new word: in its bucket, after splitting that as often as it takes, or behind it.
static struct record *make_record(struct word_table *table, uint64_t hash, size_t payload) {
    for (;;) {
        struct bucket *bucket = bucket_of(table, hash);
        struct record *record = append(bucket, hash, payload);
        if (record != NULL)
            return record;
        if (bucket->depth < DEPTH_MAXIMUM) {
            if (!split(table, bucket, hash))
                return NULL;
            continue;
        }
        if (bucket->overflow == NULL)
            bucket->overflow = make_bucket(table, DEPTH_MAXIMUM);
        while ((bucket = bucket->overflow) != NULL) {
            record = append(bucket, hash, payload);
            if (record != NULL)
                return record;
            if (bucket->overflow == NULL)
                bucket->overflow = make_bucket(table, DEPTH_MAXIMUM);
        }
        return NULL;
    }
}

bool word_table_count(struct word_table *table, const char *lower, const char *text, size_t length,
                      uint64_t hash) {
    struct record *record = find(bucket_of(table, hash), lower, text, length, hash);
    if (record != NULL) {
        set_count(record, count_of(record) + 1);
        return true;
    }
    record = make_record(table, hash, payload_bytes(length));
    if (record == NULL)
        return false;
    set_count(record, 1);
    record->length = length > WORD_INLINE ? LONG_WORD : (uint8_t)length;
    if (length > WORD_INLINE)
        memcpy(record + 1, &(struct long_word){text, length}, sizeof(struct long_word));
    else
        memcpy(record + 1, lower, length);
    table->distinct++;
    return true;
}

uint64_t word_table_distinct(const struct word_table *table) { return table->distinct; }

// ---- The most frequent ones

static bool comes_before(const struct word *a, const struct word *b) {
    if (a->count != b->count)
        return a->count > b->count;
    for (size_t i = 0; i < a->length && i < b->length; i++) {
        char x = lower_case(a->text[i]), y = lower_case(b->text[i]);
        if (x != y)
            return x < y;
    }
    return a->length < b->length;
}

unsigned word_table_top(const struct word_table *table, struct word *top, unsigned room) {
    unsigned count = 0;
    for (const struct bucket *bucket = table->all; bucket != NULL; bucket = bucket->next)
        for (uint16_t at = sizeof *bucket; at < bucket->used;) {
            const struct record *record = record_at(bucket, at);
            struct word word = word_of(record);
            at = (uint16_t)(at + sizeof *record + record_payload(record));
            if (count == room && !comes_before(&word, &top[count - 1]))
                continue;
            unsigned place = count < room ? count++ : count - 1;
            for (; place > 0 && comes_before(&word, &top[place - 1]); place--)
                top[place] = top[place - 1];
            top[place] = word;
        }
    return count;
}
