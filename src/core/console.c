// SPDX-License-Identifier: BSD-2-Clause
// The Console: bytes to and from the serial port, and a signal when some have come.
#include "console.h"

#include <core.h>

#include "invoke.h"

#define WORD_BYTES 8u
#define WRITE_MAX ((SHEAF_MSG_WORDS - 1) * WORD_BYTES)
#define READ_MAX 48u // six words, so that a reader needs no buffer for the bytes but the last eight

// Who is signalled. Changes under tree_lock; input is signalled with interrupts masked, on the PE
// that the serial port interrupts.
static struct {
    struct notification *notification;
    uint64_t badge;
} listener;

void console_init(void) { listener.notification = NULL; }

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
    if (listener.notification != NULL) {
        arch_console_listen(true); // core_console_input stopped it until somebody read
    }
    return SHEAF_OK;
}

static enum sheaf_error console_bind(struct invocation *invocation) {
    sheaf_cptr name = argument(invocation, 0);
    struct slot *slot = NULL;
    if (name != 0) {
        enum sheaf_error error = lookup_type(invocation->caller, name, SHEAF_NOTIFICATION, &slot);
        if (error != SHEAF_OK) {
            return error;
        }
        if ((slot->rights & SHEAF_RIGHT_WRITE) == 0) {
            return SHEAF_ERR_NO_RIGHT;
        }
        if (listener.notification != NULL) {
            return SHEAF_ERR_IN_USE;
        }
    }
    lock_acquire(&tree_lock);
    listener.notification = slot != NULL ? slot->object : NULL;
    listener.badge = slot != NULL ? slot->badge : 0;
    lock_release(&tree_lock);
    arch_console_listen(slot != NULL);
    return SHEAF_OK;
}

void console_forget(const struct notification *notification) {
    ASSERT(lock_held(&tree_lock));
    if (listener.notification == notification) {
        listener.notification = NULL;
        arch_console_listen(false);
    }
}

void core_console_input(void) {
    arch_console_listen(false); // or the port would interrupt until the bytes are read
    if (listener.notification != NULL) {
        notification_signal(arch_pe(), listener.notification, listener.badge);
    }
}

static const struct method methods[] = {
    [SHEAF_CONSOLE_WRITE] = {.run = console_write, .words = 1, .rights = SHEAF_RIGHT_WRITE},
    [SHEAF_CONSOLE_READ] = {.run = console_read, .rights = SHEAF_RIGHT_READ},
    [SHEAF_CONSOLE_BIND] = {.run = console_bind, .words = 1, .rights = SHEAF_RIGHT_READ},
};
const struct methods console_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
