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
#include <stdio.h>

#define TOP 20
#define PROGRESS_BYTES ((size_t)1 << 20)

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

static char lower_case(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

// Counts the word that begins at *at; *at moves behind it.
static bool count_word(struct word_table *table, const char **at, const char *end) {
    char lower[WORD_INLINE];
    const char *start = *at;
    uint64_t hash = WORD_HASH_START;
    for (; *at < end && is_letter(**at); (*at)++) {
        char c = lower_case(**at);
        if ((size_t)(*at - start) < sizeof lower)
            lower[*at - start] = c;
        hash = word_hash(hash, c);
    }
    return word_table_count(table, lower, start, (size_t)(*at - start), hash);
}

// Answers the number of words, or -1 without memory.
static int64_t count_words(struct word_table *table, const char *text, size_t bytes) {
    const char *end = text + bytes, *report = text + PROGRESS_BYTES;
    int64_t words = 0;
    for (const char *at = text; at < end;) {
        if (!is_letter(*at)) {
            at++;
            continue;
        }
        if (!count_word(table, &at, end))
            return -1;
        words++;
        if (at >= report && end - at > 0) {
            fprintf(stderr, "words: %zu of %zu MB\n", (size_t)(at - text) / PROGRESS_BYTES,
                    (bytes + PROGRESS_BYTES - 1) / PROGRESS_BYTES);
            report += PROGRESS_BYTES;
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
