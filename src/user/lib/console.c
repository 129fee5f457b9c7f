// SPDX-License-Identifier: BSD-2-Clause
// The serial port: writing all, reading what came, and the kernel's counters and power switch.
#include <sheaf/user.h>
#include <string.h>

#define WRITE_BYTES ((SHEAF_MSG_WORDS - 1) * sizeof(uint64_t))
#define READ_BYTES 48

enum sheaf_error sheaf_console_write(sheaf_cptr console, const char *bytes, size_t count) {
    while (count > 0) {
        uint64_t words[SHEAF_MSG_WORDS];
        size_t now = count < WRITE_BYTES ? count : WRITE_BYTES;
        unsigned used = 1 + (unsigned)((now + 7) / 8);
        words[0] = now;
        words[used - 1] = 0;
        memcpy(words + 1, bytes, now);
        uint64_t taken = 0;
        unsigned answers = 1;
        enum sheaf_error error =
            sheaf_call(console, SHEAF_CONSOLE_WRITE, words, used, &taken, &answers, NULL);
        if (error != SHEAF_OK)
            return error;
        bytes += taken;
        count -= taken;
        if (taken < now)
            sheaf_yield();
    }
    return SHEAF_OK;
}

// The kernel hands out up to 48 bytes at a time; what the reader has no room for waits here. One
// reader at a time: stdio holds the stream's lock meanwhile.
static struct {
    char bytes[READ_BYTES];
    size_t first, count;
} waiting;

static enum sheaf_error fetch(sheaf_cptr console) {
    uint64_t answer[1 + READ_BYTES / 8] = {0};
    unsigned answers = sizeof answer / sizeof *answer;
    enum sheaf_error error =
        sheaf_call(console, SHEAF_CONSOLE_READ, NULL, 0, answer, &answers, NULL);
    if (error == SHEAF_OK) {
        memcpy(waiting.bytes, answer + 1, READ_BYTES);
        waiting.first = 0;
        waiting.count = answer[0] <= READ_BYTES ? answer[0] : READ_BYTES;
    }
    return error;
}

// Another program may have bound its own; whoever reads last gets the input.
static enum sheaf_error bind(sheaf_cptr console, sheaf_cptr notification) {
    const uint64_t nobody = 0;
    enum sheaf_error error = sheaf_call(console, SHEAF_CONSOLE_BIND, &nobody, 1, NULL, NULL, NULL);
    if (error == SHEAF_OK)
        error = sheaf_call(console, SHEAF_CONSOLE_BIND, &notification, 1, NULL, NULL, NULL);
    return error;
}

enum sheaf_error sheaf_console_read(sheaf_cptr console, sheaf_cptr notification, char *bytes,
                                    size_t room, size_t *count) {
    enum sheaf_error error = SHEAF_OK;
    *count = 0;
    if (waiting.count == 0 && notification != 0)
        error = bind(console, notification);
    while (error == SHEAF_OK && waiting.count == 0 && room > 0) {
        uint64_t bits;
        error = fetch(console);
        if (error != SHEAF_OK || waiting.count > 0 || notification == 0)
            break;
        error = sheaf_wait(notification, &bits);
    }
    size_t now = waiting.count < room ? waiting.count : room;
    memcpy(bytes, waiting.bytes + waiting.first, now);
    waiting.first += now;
    waiting.count -= now;
    *count = now;
    return error;
}

enum sheaf_error sheaf_counters(sheaf_cptr system, uint64_t value[SHEAF_COUNTER_COUNT]) {
    for (uint64_t first = 0; first < SHEAF_COUNTER_COUNT;) {
        uint64_t answer[SHEAF_MSG_WORDS] = {0};
        unsigned count = SHEAF_MSG_WORDS;
        enum sheaf_error error =
            sheaf_call(system, SHEAF_SYSTEM_COUNTERS, &first, 1, answer, &count, NULL);
        if (error != SHEAF_OK)
            return error;
        if (count <= 1) { // a kernel that has fewer counters
            value[first++] = 0;
            continue;
        }
        for (unsigned i = 1; i < count && first < SHEAF_COUNTER_COUNT; i++)
            value[first++] = answer[i];
    }
    return SHEAF_OK;
}

enum sheaf_error sheaf_power_off(sheaf_cptr system, uint64_t status) {
    return sheaf_call(system, SHEAF_SYSTEM_POWER_OFF, &status, 1, NULL, NULL, NULL);
}
