// SPDX-License-Identifier: BSD-2-Clause
// The C library on the kernel: what programs take for granted.
#include "harness.h"
#include "registers.h"
#include "support.h"

#include <thread.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// So that the compiler does not compute at build time what the library should.
static volatile double two = 2.0;

static void check_text(const char *came, const char *expected) {
    if (strcmp(came, expected) != 0) {
        printf("# expected \"%s\", came \"%s\"\n", expected, came);
    }
    CHECK(strcmp(came, expected) == 0);
}

static void prints_integers(void) {
    char text[128];
    snprintf(text, sizeof(text), "%lld %zu %" PRIx64 " %hhd %td %5d|%-5d|%05d", -1234567890123LL,
             (size_t)99, UINT64_C(0xfedcba9876543210), (signed char)-3, (ptrdiff_t)7, 42, 42, 42);
    check_text(text, "-1234567890123 99 fedcba9876543210 -3 7    42|42   |00042");
}

static void prints_floats(void) {
    char text[128];
    snprintf(text, sizeof(text), "%.10f %g %e %a %.3Lf", sqrt(two), 1e-7 * two, 12345.678 * two,
             two / 4, (long double)two / 3);
    check_text(text, "1.4142135624 2e-07 2.469136e+04 0x1p-1 0.667");
    snprintf(text, sizeof(text), "%f %f %f", two / 0.0, -two / 0.0, nan(""));
    check_text(text, "inf -inf nan");
}

static void parses_numbers(void) {
    char *end;
    CHECK(strtod("  -1.5e3x", &end) == -1500.0);
    CHECK_EQ(*end, 'x');
    CHECK(strtod("0x1.8p1", NULL) == 3.0);
    CHECK_EQ(strtoull("0xffffffffffffffff", NULL, 0), UINT64_MAX);
    CHECK_EQ(strtol("-077", NULL, 8), (uint64_t)-63L);
    errno = 0;
    CHECK_EQ(strtoul("99999999999999999999", NULL, 10), UINT64_MAX);
    CHECK_EQ(errno, ERANGE);
    int i;
    double d;
    char word[8];
    CHECK_EQ(sscanf("17 2.25 sheaf", "%d %lf %7s", &i, &d, word), 3);
    CHECK(i == 17 && d == 2.25 && strcmp(word, "sheaf") == 0);
}

static void allocates(void) {
    enum { BLOCKS = 500 };
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    uint32_t seed = 1;
    for (unsigned round = 0; round < 4000; round++) {
        seed = seed * 1664525 + 1013904223;
        unsigned i = (seed >> 8) % BLOCKS;
        if (blocks[i] != NULL) {
            CHECK(blocks[i][0] == (i & 0xff) && blocks[i][sizes[i] - 1] == (i & 0xff));
            free(blocks[i]);
        }
        sizes[i] = 1 + (seed >> 16) % 3000;
        blocks[i] = malloc(sizes[i]);
        CHECK(blocks[i] != NULL);
        CHECK_EQ((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i & 0xff), sizes[i]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void out_of_memory(void) {
    errno = 0;
    void *volatile block = malloc((size_t)1 << 40);
    CHECK(block == NULL);
    CHECK_EQ(errno, ENOMEM);
    block = calloc(1000, 16);
    CHECK(block != NULL);
    for (size_t i = 0; i < 16000; i++) {
        CHECK(((char *)block)[i] == 0);
    }
    free(block);
}

static int compare_words(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void sorts(void) {
    static uint32_t words[5000];
    uint32_t seed = 7;
    uint64_t sum = 0;
    for (unsigned i = 0; i < 5000; i++) {
        seed = seed * 1664525 + 1013904223;
        words[i] = seed;
        sum += seed;
    }
    qsort(words, 5000, sizeof(words[0]), compare_words);
    for (unsigned i = 0; i < 5000; i++) {
        CHECK(i == 0 || words[i - 1] <= words[i]);
        sum -= words[i];
    }
    CHECK_EQ(sum, 0);
}

static jmp_buf back;
static volatile int depth_left;

static void jump_from_deep(void) {
    depth_left = depth_left - 1;
    if (depth_left > 0) {
        jump_from_deep();
        depth_left = -1; // not reached
    } else if (depth_left == 0) {
        longjmp(back, 23);
    }
}

static void jumps(void) {
    volatile double kept = 1.25;
    volatile int rounds = 0;
    int came = setjmp(back);
    if (came == 0) {
        rounds = rounds + 1;
        depth_left = 20;
        jump_from_deep();
    }
    CHECK_EQ(came, 23);
    CHECK_EQ(rounds, 1);
    CHECK_EQ(depth_left, 0);
    CHECK(kept == 1.25);
}

static void moves_memory(void) {
    static unsigned char a[8192];
    static unsigned char b[8192];
    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = (unsigned char)(i * 7);
    }
    for (unsigned from = 0; from < 17; from += 3) {
        for (unsigned to = 0; to < 17; to += 5) {
            memset(b, 0, sizeof(b));
            memcpy(b + to, a + from, 4000);
            CHECK(memcmp(b + to, a + from, 4000) == 0 && b[to + 4000] == 0);
            memmove(b + to + 5, b + to, 4000);
            CHECK(memcmp(b + to + 5, a + from, 4000) == 0);
        }
    }
}

static void streams_to_memory(void) {
    char text[64];
    static volatile size_t room = 5; // unknown to the compiler, which would warn
    int length = snprintf(text, room, "%s", "truncated");
    CHECK_EQ(length, 9);
    check_text(text, "trun");
    errno = 0;
    FILE *file = fopen("/no/such/file", "r");
    CHECK(file == NULL);
    CHECK(errno != 0);
}

// A thread with an errno and a reentrancy structure of its own, made as the library makes them.
static _Alignas(64) char library_area[4096];
static struct sheaf_thread library_thread;
static struct _reent library_reent;

static void spoil_errno(struct helper *self) {
    errno = 0;
    self->result[0] = strtoul("99999999999999999999", NULL, 10) == UINT64_MAX;
    self->result[1] = (uint64_t)errno;
    char *position;
    char words[] = "x y z";
    strtok_r(words, " ", &position);
    self->result[2] = strcmp(strtok_r(NULL, " ", &position), "y") == 0;
    char text[64];
    snprintf(text, sizeof(text), "%.3f", two / 3);
    self->result[3] = strcmp(text, "0.667") == 0;
}

static void errno_of_each_thread(void) {
    CHECK(sheaf_thread_area_bytes() <= sizeof(library_area));
    _REENT_INIT_PTR(&library_reent);
    library_thread.reent = &library_reent;
    sheaf_thread_area_make(library_area, &library_thread);
    struct helper *helper = new_helper(spoil_errno, LOW_PRIORITY);
    helper->thread_register = (uint64_t)library_area;
    errno = EDOM;
    start(helper);
    join(helper);
    CHECK_EQ(helper->result[0], 1);
    CHECK_EQ(helper->result[1], ERANGE);
    CHECK_EQ(helper->result[2], 1);
    CHECK_EQ(helper->result[3], 1);
    CHECK_EQ(errno, EDOM);
}

static void clock_advances(void) {
    CHECK_EQ(sheaf_clock_hz(), boot_information()->timer_hz);
    uint64_t before = sheaf_clock();
    while (sheaf_clock() == before) {
    }
    CHECK(sheaf_clock() > before);
}

static const struct test_case cases[] = {
    {"newlib.prints_integers", prints_integers},
    {"newlib.prints_floats", prints_floats},
    {"newlib.parses_numbers", parses_numbers},
    {"newlib.malloc_and_free", allocates},
    {"newlib.malloc_out_of_memory", out_of_memory},
    {"newlib.qsort", sorts},
    {"newlib.setjmp_and_longjmp", jumps},
    {"newlib.memcpy_and_memmove", moves_memory},
    {"newlib.bounded_printing_and_missing_files", streams_to_memory},
    {"newlib.errno_of_each_thread", errno_of_each_thread},
    {"newlib.clock_advances", clock_advances},
};

const struct test_area newlib_area = TEST_AREA(cases);
