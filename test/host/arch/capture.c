// SPDX-License-Identifier: BSD-2-Clause
// A serial port that remembers, and the console lock of a machine with one PE.
#include "capture.h"

#include <drivers.h>
#include <lock.h>

#include <stdlib.h>

static char text[4096];
static size_t length;
static bool locked;

void serial_putc(char c) {
    if (length + 1 < sizeof(text)) {
        text[length++] = c;
    }
}

const char *captured(void) {
    static char copy[sizeof(text)];
    for (size_t i = 0; i < length; i++) {
        copy[i] = text[i];
    }
    copy[length] = '\0';
    length = 0;
    return copy;
}

void vmsa_lock_acquire(struct lock *lock) {
    if (locked || lock->rank != LOCK_CONSOLE) {
        abort();
    }
    locked = true;
}

void vmsa_lock_release(struct lock *lock) {
    if (!locked || lock->rank != LOCK_CONSOLE) {
        abort();
    }
    locked = false;
}

bool vmsa_lock_held(const struct lock *lock) {
    (void)lock;
    return locked;
}
