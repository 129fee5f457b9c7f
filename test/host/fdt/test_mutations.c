// SPDX-License-Identifier: BSD-2-Clause
// The device tree reader over damaged trees: 1,000 of them, each from a seed. The reader must agree
// with libfdt about every tree that both accept, refuse only what is malformed, and read nothing
// outside of the blob (each lies in an allocation of exactly its size, under AddressSanitizer).
//
// Argument: the directory that make_trees has filled. To see one tree again:
//     SHEAF_FDT_SEED=n test_fdt_mutations DIRECTORY      and for more of them: SHEAF_FDT_COUNT=n
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "oracle.h"
#include "tree_builder.h"

#define DEFAULT_COUNT 1000
#define BASES_MAX 32
#define BASE_BYTES (1 << 17) // packed
#define HEADER_WORDS 10

static const char *directory;

struct blob {
    uint8_t *bytes;
    size_t size;
};

static struct blob bases[BASES_MAX];
static uint8_t work[BASE_BYTES]; // a tree while it is damaged
static size_t base_count;

// A 64-bit linear congruential generator (Knuth's MMIX constants); the upper bits are good.
static uint64_t random_state;

static uint32_t random_below(uint32_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 32) % limit);
}

static uint32_t read_word(const struct blob *blob, size_t at) {
    const uint8_t *b = blob->bytes + at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void write_word(struct blob *blob, size_t at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        blob->bytes[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static uint32_t interesting_word(void) {
    static const uint32_t words[] = {
        0, 1, 2, 3, 4, 8, 9, 16, 17, 0x7f, 0x1000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
    uint32_t n = random_below(sizeof(words) / sizeof(words[0]) + 1);
    return n == sizeof(words) / sizeof(words[0]) ? random_below(UINT32_MAX) : words[n];
}

// A random word of the structure block; 0 if there is none.
static size_t structure_word(const struct blob *blob) {
    uint32_t start = read_word(blob, 8);
    uint32_t size = read_word(blob, 36);
    if (start > blob->size || size > blob->size - start || size < 4) {
        return 0;
    }
    return start + (size_t)random_below(size / 4) * 4;
}

static void flip_bytes(struct blob *blob) {
    for (uint32_t i = 1 + random_below(8); i > 0; i--) {
        blob->bytes[random_below((uint32_t)blob->size)] ^= (uint8_t)(1 + random_below(255));
    }
}

static void truncate(struct blob *blob) { blob->size = random_below((uint32_t)blob->size); }

// Cuts the blob and makes the header agree, so that the cut itself is what must be noticed.
static void truncate_consistently(struct blob *blob) {
    truncate(blob);
    if (blob->size >= 8) {
        write_word(blob, 4, (uint32_t)blob->size);
    }
}

static void edit_header(struct blob *blob) {
    size_t at = (size_t)random_below(HEADER_WORDS) * 4;
    uint32_t word = read_word(blob, at);
    write_word(blob, at, random_below(2) == 0 ? interesting_word() : word + random_below(33) - 16);
}

static void edit_reservation(struct blob *blob) {
    size_t at = read_word(blob, 16) + (size_t)random_below(4) * 4;
    if (at + 4 <= blob->size) {
        write_word(blob, at, interesting_word());
    }
}

static void edit_token(struct blob *blob) {
    static const uint32_t tokens[] = {1, 2, 3, 4, 9, 5};
    for (int tries = 0; tries < 64; tries++) {
        size_t at = structure_word(blob);
        if (at != 0 && read_word(blob, at) <= 4) { // a token, or something that looks like one
            write_word(blob, at, tokens[random_below(6)]);
            return;
        }
    }
}

// Looks for an FDT_PROP near a random place; 0 if there is none.
static size_t find_property(const struct blob *blob) {
    size_t at = structure_word(blob);
    for (int i = 0; at != 0 && i < 64 && at + 16 <= blob->size; i++, at += 4) {
        if (read_word(blob, at) == 3) {
            return at;
        }
    }
    return 0;
}

static void edit_length(struct blob *blob) {
    size_t at = find_property(blob);
    if (at != 0) {
        uint32_t length = read_word(blob, at + 4);
        write_word(blob, at + 4,
                   random_below(3) == 0 ? interesting_word() : length + random_below(17) - 8);
    }
}

static void edit_name(struct blob *blob) {
    size_t at = find_property(blob);
    if (at != 0) {
        write_word(blob, at + 8,
                   random_below(4) == 0 ? interesting_word() : random_below(read_word(blob, 32)));
    }
}

// Changes a value and nothing around it: the tree stays well-formed, the machine may not.
static void edit_value(struct blob *blob) {
    size_t at = find_property(blob);
    uint32_t length = at == 0 ? 0 : read_word(blob, at + 4);
    if (length >= 4 && length <= blob->size - at - 12) {
        write_word(blob, at + 12 + (size_t)random_below(length / 4) * 4, interesting_word());
    } else if (length > 0 && length < 4) {
        blob->bytes[at + 12 + random_below(length)] ^= (uint8_t)(1 + random_below(255));
    }
}

static void erase_property(struct blob *blob) {
    size_t at = find_property(blob);
    if (at == 0) {
        return;
    }
    size_t end = at + 12 + (((size_t)read_word(blob, at + 4) + 3) & ~(size_t)3);
    for (; at < end && end <= blob->size; at += 4) {
        write_word(blob, at, 4);
    }
}

static void copy_word(struct blob *blob) {
    size_t from = structure_word(blob);
    size_t to = structure_word(blob);
    if (from != 0 && to != 0) {
        write_word(blob, to, read_word(blob, from));
    }
}

typedef void (*mutation)(struct blob *);

static const mutation mutations[] = {
    flip_bytes, truncate,    truncate_consistently, edit_header,    edit_reservation,
    edit_token, edit_length, edit_length,           edit_name,      edit_value,
    edit_value, edit_value,  erase_property,        erase_property, copy_word,
};

// The tree of a seed, in an allocation of its own size.
static struct blob mutate(uint64_t seed) {
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    const struct blob *base = &bases[random_below((uint32_t)base_count)];
    struct blob blob = {.bytes = work, .size = base->size};
    memcpy(work, base->bytes, base->size);
    for (uint32_t i = 1 + random_below(3); i > 0 && blob.size >= 40; i--) {
        mutations[random_below(sizeof(mutations) / sizeof(mutations[0]))](&blob);
    }
    uint8_t *exact = malloc(blob.size == 0 ? 1 : blob.size);
    assert_non_null(exact);
    memcpy(exact, work, blob.size);
    blob.bytes = exact;
    return blob;
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

// Why trees that libfdt accepts were refused, and how often.
static struct {
    char text[160];
    uint64_t count;
} reasons[128];
static size_t reason_count;

static void record_reason(const char *text) {
    size_t i = 0;
    while (i < reason_count && strncmp(reasons[i].text, text, sizeof(reasons[i].text) - 1) != 0) {
        i++;
    }
    if (i == reason_count && i < sizeof(reasons) / sizeof(reasons[0]) - 1) {
        reason_count++;
        snprintf(reasons[i].text, sizeof(reasons[i].text), "%s", text);
    }
    reasons[i].count++;
}

static void damaged_trees_are_read_as_libfdt_reads_them_or_refused_with_reason(void **state) {
    (void)state;
    uint64_t counts[COMPARE_RESULTS] = {0};
    uint64_t count = from_environment("SHEAF_FDT_COUNT", DEFAULT_COUNT);
    uint64_t first = from_environment("SHEAF_FDT_SEED", 0);
    if (first != 0) {
        count = 1;
    } else {
        first = 1;
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct blob blob = mutate(seed);
        enum compare_result result = compare_blob(blob.bytes, blob.size, seed % 8 == 0);
        free(blob.bytes);
        counts[result]++;
        if (result == COMPARE_TREE_VIOLATION || result == COMPARE_MACHINE_VIOLATION) {
            record_reason(compare_message());
        }
        if (count == 1) {
            printf("# seed %llu: %s: %s\n", (unsigned long long)seed, compare_result_name(result),
                   compare_message());
        }
        if (result == COMPARE_DIFFERENT) {
            fail_msg("seed %llu (again: SHEAF_FDT_SEED=%llu): %s", (unsigned long long)seed,
                     (unsigned long long)seed, compare_message());
        }
    }
    for (int i = 0; i < COMPARE_RESULTS; i++) {
        printf("# %6llu %s\n", (unsigned long long)counts[i],
               compare_result_name((enum compare_result)i));
    }
    for (size_t i = 0; i < reason_count; i++) {
        printf("# %6llu %s\n", (unsigned long long)reasons[i].count, reasons[i].text);
    }
    if (count == DEFAULT_COUNT) {
        // The generator reaches every kind of tree; else this would be a test of few of them.
        assert_true(counts[COMPARE_BOTH_ACCEPT] >= count / 10);
        assert_true(counts[COMPARE_BOTH_REJECT] >= count / 10);
        assert_true(counts[COMPARE_TREE_VIOLATION] > 0);
        assert_true(counts[COMPARE_MACHINE_VIOLATION] > 0);
    }
}

static void load_bases(void) {
    char pattern[1024];
    glob_t found = {0};
    snprintf(pattern, sizeof(pattern), "%s/*.dtb", directory);
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "no trees in %s\n", directory);
        exit(1);
    }
    for (size_t i = 0; i < found.gl_pathc && base_count < BASES_MAX - 1; i++) {
        size_t size;
        uint8_t *bytes = compare_load(found.gl_pathv[i], &size);
        size = oracle_pack(bytes);
        if (size == 0 || size > BASE_BYTES) {
            fprintf(stderr, "%s: %zu bytes when packed\n", found.gl_pathv[i], size);
            exit(1);
        }
        bases[base_count++] = (struct blob){.bytes = bytes, .size = size};
    }
    globfree(&found);
    static struct tree_builder unusual;
    tree_unusual_machine(&unusual);
    bases[base_count++] = (struct blob){.bytes = unusual.blob, .size = unusual.size};
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    load_bases();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_trees_are_read_as_libfdt_reads_them_or_refused_with_reason),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i + 1 < base_count; i++) { // the last one is static
        free(bases[i].bytes);
    }
    return failed;
}
