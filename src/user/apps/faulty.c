// SPDX-License-Identifier: BSD-2-Clause
// Does one thing that a program must not do, or that asks for more than there is: `faulty WHAT`.
//
// Everything but `enomem` and `fill` ends the process; the system must live on.
#include <errno.h>
#include <inttypes.h>
#include <sheaf/process.h>
#include <sheaf/start.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The compiler must not know the address, or it would have something to say about it.
static int read_at(uint64_t address) {
    volatile uint64_t hidden = address;
    return *(volatile int *)hidden;
}

static int read_null(void) { return read_at(8); }

static int write_text(void) {
    *(volatile uint32_t *)(uintptr_t)read_null = 0;
    return 0;
}

static const char constant[] = "constant";

static int write_constant(void) {
    *(volatile char *)(uintptr_t)constant = 'x';
    return 0;
}

static int run_data(void) {
    static uint32_t ret[] = {0xd65f03c0}; // RET
    ((void (*)(void))(uintptr_t)ret)();
    return 0;
}

static int write_file(void) {
    const void *file;
    size_t bytes;
    if (sheaf_map_file("hello", &file, &bytes) != PAGER_OK)
        return 1;
    printf("the file begins with %02x\n", *(const unsigned char *)file);
    *(volatile char *)(uintptr_t)file = 'x';
    return 0;
}

static int touch_kernel(void) { return read_at(UINT64_C(0xffffffff80000000)); }

// Each call keeps a kilobyte; the result depends on all of them, so that none is optimised away.
static int recurse(int depth) {
    volatile char frame[1024];
    frame[depth % 1024] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + frame[depth % 1024];
}

static int overflow_stack(void) { return recurse(0); }

static int undefined_instruction(void) {
    __builtin_trap();
    return 0;
}

static int end_by_abort(void) { abort(); }

// More than frames and swap area can hold is refused at once.
static int ask_for_too_much(void) {
    errno = 0;
    void *volatile memory = malloc((size_t)1 << 40);
    bool refused = memory == NULL && errno == ENOMEM;
    printf("malloc of 1 TiB: %s\n", refused ? "ENOMEM" : "not refused");
    free(memory);
    return refused ? 0 : 1;
}

// Takes heap until there is no more, each page with its own contents, then looks whether all is
// there.
static int fill_memory(void) {
    struct piece {
        struct piece *next;
        uint64_t number;
        char filler[4096 - 64];
    } *all = NULL;
    uint64_t count = 0, bad = 0;
    for (;;) {
        struct piece *piece = malloc(sizeof *piece);
        if (piece == NULL)
            break;
        piece->next = all;
        piece->number = count++;
        memset(piece->filler, (int)(piece->number & 0xff), sizeof piece->filler);
        all = piece;
    }
    for (struct piece *piece = all, *next; piece != NULL; piece = next) {
        char expected = (char)(piece->number & 0xff);
        next = piece->next;
        if (piece->filler[0] != expected || piece->filler[sizeof piece->filler - 1] != expected)
            bad++;
        free(piece);
    }
    printf("%" PRIu64 " pieces filled, %" PRIu64 " of them damaged\n", count, bad);
    return bad == 0 ? 0 : 1;
}

static const struct {
    const char *name;
    int (*function)(void);
} things[] = {
    {"null", read_null},          {"text", write_text},
    {"constant", write_constant}, {"data", run_data},
    {"file", write_file},         {"kernel", touch_kernel},
    {"stack", overflow_stack},    {"instruction", undefined_instruction},
    {"abort", end_by_abort},      {"enomem", ask_for_too_much},
    {"fill", fill_memory},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof things / sizeof *things; i++)
        if (strcmp(argv[1], things[i].name) == 0)
            return things[i].function();
    printf("faulty");
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        printf(" %s", things[i].name);
    printf("\n");
    return 2;
}
