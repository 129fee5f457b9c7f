// SPDX-License-Identifier: BSD-2-Clause
// Mutations that keep records whole, beside libFuzzer's own, which work on single bytes.
#include "record.h"
#include "syscall_fuzz.h"
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t most, unsigned seed);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static uint64_t state;

// splitmix64, as published by Steele, Lea and Flood (2014).
static uint64_t below(uint64_t n) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

static struct record records[MOST_RECORDS];

static uint8_t random_hint(void) { return (uint8_t)(below(12) == 0 ? below(256) : below(64)); }

// A record of its own, mostly a well-formed call.
static struct record random_record(void) {
    struct record record = {.what = (uint8_t)below(kind_count),
                            .cap = random_hint(),
                            .reply = random_hint(),
                            .spoil = (uint8_t)(below(8) == 0 ? below(256) : 0),
                            .carried = (uint8_t)(below(6) == 0 ? below(4) : 0),
                            .deadline = (uint8_t)(below(3) != 0 ? below(256) : 0),
                            .interrupt = (uint8_t)(below(4) == 0 ? below(8) : 0)};
    for (unsigned i = 0; i < RECORD_ARGUMENTS; i++)
        record.argument[i] = below(3) == 0 ? (uint8_t)below(256) : random_hint();
    for (unsigned i = 0; i < ARRAY_SIZE(record.slot); i++)
        record.slot[i] = random_hint();
    if (below(12) == 0)
        record.what = EVENT_OPERATION;
    if (record.what == EVENT_OPERATION)
        record.carried = (uint8_t)below(8);
    return record;
}

static unsigned insert(unsigned count, unsigned most) {
    unsigned at = (unsigned)below(count + 1), added = 1 + (unsigned)below(below(4) == 0 ? 12 : 3);
    added = MIN(added, most - count);
    memmove(&records[at + added], &records[at], (count - at) * sizeof(records[0]));
    for (unsigned i = 0; i < added; i++)
        records[at + i] = random_record();
    if (added > 1 && records[at].what >= EVENTS && below(4) == 0) { // a gather and its operations
        for (unsigned i = 1; i < added; i++) {
            records[at + i].what = EVENT_OPERATION;
            records[at + i].carried = (uint8_t)below(8);
        }
        while (kinds[records[at].what].number != SHEAF_SYS_GATHER)
            records[at].what = (uint8_t)below(kind_count);
    }
    return count + added;
}

static unsigned cut_out(unsigned count) {
    unsigned at = (unsigned)below(count), gone = 1 + (unsigned)below(MIN(count - at, 8u));
    memmove(&records[at], &records[at + gone], (count - at - gone) * sizeof(records[0]));
    return count - gone;
}

static unsigned repeat(unsigned count, unsigned most) {
    unsigned from = (unsigned)below(count), added = 1 + (unsigned)below(MIN(count - from, 8u));
    unsigned at = (unsigned)below(count + 1);
    struct record run[8];
    added = MIN(added, most - count);
    memcpy(run, &records[from], added * sizeof(run[0]));
    memmove(&records[at + added], &records[at], (count - at) * sizeof(records[0]));
    memcpy(&records[at], run, added * sizeof(run[0]));
    return count + added;
}

static void exchange(unsigned count) {
    struct record *a = &records[below(count)], *b = &records[below(count)], kept = *a;
    *a = *b;
    *b = kept;
}

static void change(unsigned count) {
    uint8_t *byte = (uint8_t *)&records[below(count)] + 1 + below(sizeof(records[0]) - 1);
    switch (below(4)) {
    case 0:
        *byte = random_hint();
        break;
    case 1:
        *byte = (uint8_t)below(256);
        break;
    case 2:
        *byte = 0;
        break;
    default:
        *byte = (uint8_t)(*byte + (below(2) == 0 ? 1u : UINT8_MAX));
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    unsigned count = (unsigned)MIN(size / sizeof(records[0]), MOST_RECORDS);
    unsigned room = (unsigned)MIN(most / sizeof(records[0]), MOST_RECORDS);
    state = seed;
    if (count > 0 && below(16) == 0)
        return LLVMFuzzerMutate(data, size, most);
    memcpy(records, data, count * sizeof(records[0]));
    uint64_t how = count == 0 ? 0 : below(9);
    if (how < 3 && count < room)
        count = insert(count, room);
    else if (how == 3 && count > 1)
        count = cut_out(count);
    else if (how == 4 && count < room)
        count = repeat(count, room);
    else if (how == 5 && count > 0)
        exchange(count);
    else if (how == 6 && count > 0)
        records[below(count)].what = (uint8_t)below(kind_count);
    else if (count > 0)
        change(count);
    memcpy(data, records, count * sizeof(records[0]));
    return count * sizeof(records[0]);
}

// The beginning of one input, then the end of the other.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t most, unsigned seed) {
    state = seed;
    size_t first = below(a_size / sizeof(records[0]) + 1) * sizeof(records[0]);
    size_t skipped = below(b_size / sizeof(records[0]) + 1) * sizeof(records[0]);
    first = MIN(first, most);
    size_t second = MIN(b_size - skipped, most - first);
    memcpy(out, a, first);
    memcpy(out + first, b + skipped, second);
    return first + second;
}

// --trace is no option of libFuzzer's, which passes over it.
int LLVMFuzzerInitialize(int *count, char ***arguments) {
    for (int i = 1; i < *count; i++)
        fuzz_tracing = fuzz_tracing || strcmp((*arguments)[i], "--trace") == 0;
    return 0;
}
