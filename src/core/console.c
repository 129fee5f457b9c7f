// SPDX-License-Identifier: BSD-2-Clause
// The Console: bytes to and from the serial port, and a signal when some have come.
#include "console.h"

#include <core.h>

#include "invoke.h"

#define WORD_BYTES 8u
#define WRITE_MAX ((SHEAF_MSG_WORDS - 1) * WORD_BYTES)
#define READ_MAX 48u // six words, so that a reader needs no buffer for the bytes but the last eight

struct slot console_listener;

void console_init(void) { console_listener = (struct slot){0}; }

static enum sheaf_error console_write(struct invocation *invocation) {
    uint64_t count = argument(invocation, 0);
    char bytes[WRITE_MAX];
    if (count > WRITE_MAX) {
        return SHEAF_ERR_RANGE;
    }
    unsigned words = (unsigned)(count + WORD_BYTES - 1) / WORD_BYTES;
    if (words > invocation->length - 1) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    for (unsigned i = 0; i < words; i++) {
        uint64_t word = argument(invocation, i + 1);
        for (unsigned j = 0; j < WORD_BYTES; j++) {
            bytes[i * WORD_BYTES + j] = (char)(word >> (8 * j));
        }
    }
    answer(invocation, count != 0 ? arch_console_write(bytes, count) : 0);
    return SHEAF_OK;
}

static enum sheaf_error console_read(struct invocation *invocation) {
    // The answer's first word is the count: five words are left in registers.
    bool buffer = thread_buffer(invocation->caller) != NULL;
    size_t most = buffer ? READ_MAX : (SHEAF_REG_WORDS - 1) * WORD_BYTES;
    unsigned char bytes[READ_MAX] = {0};
    size_t count = arch_console_read((char *)bytes, most);
    answer(invocation, count);
    for (size_t i = 0; i < count; i += WORD_BYTES) {
        uint64_t word = 0;
        for (unsigned j = 0; j < WORD_BYTES; j++) {
            word |= (uint64_t)bytes[i + j] << (8 * j);
        }
        answer(invocation, word);
    }
    if (console_listener.living_type == SHEAF_NOTIFICATION) {
        arch_console_listen(true); // core_console_input stopped it until somebody read
    }
    return SHEAF_OK;
}

static enum sheaf_error console_bind(struct invocation *invocation) {
    bool listen = argument(invocation, 0) != 0;
    if (!listen) {
        arch_console_listen(false);
    }
    enum sheaf_error error = attach_notification(invocation, &console_listener);
    if (listen && error == SHEAF_OK) {
        arch_console_listen(true);
    }
    return error;
}

void core_console_input(void) {
    arch_console_listen(false); // or the port would interrupt until the bytes are read
    notification_signal_slot(arch_pe(), &console_listener);
}

static const struct method methods[] = {
    [SHEAF_CONSOLE_WRITE] = {.run = console_write, .words = 1, .rights = SHEAF_RIGHT_WRITE},
    [SHEAF_CONSOLE_READ] = {.run = console_read, .rights = SHEAF_RIGHT_READ},
    [SHEAF_CONSOLE_BIND] = {.run = console_bind, .words = 1, .rights = SHEAF_RIGHT_READ},
};
const struct methods console_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
