// SPDX-License-Identifier: BSD-2-Clause
// The main job: the 20 most frequent words of a file, one `COUNT WORD` a line.
//
//   words [FILE [NAME]]     FILE in the RAM disk (default `file`); NAME is printed in its place
//
// A word is a longest run of A-Z and a-z, in lower case; the count descends, equal counts go in the
// order of their bytes. What is not a result goes to standard error.
#include "word_table.h"
#include <inttypes.h>
#include <sheaf/process.h>
#include <stddef.h>
#include <stdio.h>

#define TOP 20
#define PROGRESS_BYTES ((size_t)1 << 20)

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

static char lower_case(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

// The text is taken in slices. Words come in any order, so counting them as they come would bring
// in some page of the table for nearly each of them once the table is larger than memory. Instead
// the words of a slice are noted first and then counted bin by bin, a bin being a group of
// neighbouring pages of the table: each page comes in once a slice. The slice itself is still in
// memory then.
#define SLICE_BYTES 32768u

struct slice {
    unsigned count;
    struct {
        uint32_t offset : 24; // from the slice's beginning
        uint32_t bin : 8;
    } words[SLICE_BYTES / 2 + 1]; // a word and what ends it are two bytes at least
    uint16_t order[SLICE_BYTES / 2 + 1];
};
_Static_assert(WORD_TABLE_BINS <= 256, "a bin's number is eight bits");

// The end of the word that begins at `at`; *hash gets its hash, lower[] its first letters.
static const char *read_word(const char *at, const char *end, char *lower, uint64_t *hash) {
    *hash = WORD_HASH_START;
    for (size_t i = 0; at < end && is_letter(*at); at++, i++) {
        char c = lower_case(*at);
        if (i < WORD_INLINE)
            lower[i] = c;
        *hash = word_hash(*hash, c);
    }
    return at;
}

// Notes the words that begin in the slice; answers where the last one ends.
static const char *note_words(struct slice *slice, const char *text, const char *end) {
    const char *at = text, *limit = end - text > (ptrdiff_t)SLICE_BYTES ? text + SLICE_BYTES : end;
    slice->count = 0;
    while (at < limit) {
        char lower[WORD_INLINE];
        uint64_t hash;
        if (!is_letter(*at)) {
            at++;
            continue;
        }
        slice->words[slice->count].offset = (uint32_t)(at - text) & 0xffffff;
        at = read_word(at, end, lower, &hash);
        slice->words[slice->count++].bin = word_table_bin(hash);
    }
    return at;
}

// Brings slice->order[] into the order of bins: how many words each has, hence where each begins.
static void sort_words(struct slice *slice) {
    unsigned next[WORD_TABLE_BINS] = {0}, sum = 0;
    for (unsigned i = 0; i < slice->count; i++)
        next[slice->words[i].bin]++;
    for (unsigned bin = 0; bin < WORD_TABLE_BINS; bin++) {
        unsigned here = next[bin];
        next[bin] = sum;
        sum += here;
    }
    for (unsigned i = 0; i < slice->count; i++)
        slice->order[next[slice->words[i].bin]++] = (uint16_t)i;
}

static bool count_slice(struct word_table *table, const struct slice *slice, const char *text,
                        const char *end) {
    for (unsigned i = 0; i < slice->count; i++) {
        char lower[WORD_INLINE];
        uint64_t hash;
        const char *start = text + slice->words[slice->order[i]].offset;
        size_t length = (size_t)(read_word(start, end, lower, &hash) - start);
        if (!word_table_count(table, lower, start, length, hash))
            return false;
    }
    return true;
}

// Answers the number of words, or -1 without memory.
static int64_t count_words(struct word_table *table, const char *text, size_t bytes) {
    static struct slice slice;
    const char *end = text + bytes;
    size_t reported = PROGRESS_BYTES;
    int64_t words = 0;
    for (const char *at = text, *next; at < end; at = next) {
        next = note_words(&slice, at, end);
        sort_words(&slice);
        if (!count_slice(table, &slice, at, end))
            return -1;
        words += slice.count;
        if ((size_t)(next - text) >= reported && next < end) {
            reported = (size_t)(next - text) / PROGRESS_BYTES * PROGRESS_BYTES + PROGRESS_BYTES;
            fprintf(stderr, "words: %zu of %zu MB\n", (size_t)(next - text) / PROGRESS_BYTES,
                    (bytes + PROGRESS_BYTES - 1) / PROGRESS_BYTES);
        }
    }
    return words;
}

static void print_word(const struct word *word) {
    printf("%" PRIu32 " ", word->count);
    for (size_t i = 0; i < word->length; i++)
        putchar(lower_case(word->text[i]));
    putchar('\n');
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : "file", *name = argc > 2 ? argv[2] : file;
    const void *text;
    size_t bytes;
    struct word top[TOP];
    enum pager_error error = sheaf_map_file(file, &text, &bytes);
    if (error != PAGER_OK) {
        fprintf(stderr, "words: %s: %s\n", file, pager_error_text(error));
        return 1;
    }
    fprintf(stderr, "words: %s, %zu bytes\n", name, bytes);
    struct word_table *table = word_table_make();
    int64_t words = table != NULL ? count_words(table, text, bytes) : -1;
    if (words < 0) {
        fprintf(stderr, "words: out of memory\n");
        return 1;
    }
    unsigned count = word_table_top(table, top, TOP);
    for (unsigned i = 0; i < count; i++)
        print_word(&top[i]);
    fflush(stdout);
    fprintf(stderr, "words: %" PRId64 " words, %" PRIu64 " of them different\n", words,
            word_table_distinct(table));
    word_table_free(table);
    return 0;
}
