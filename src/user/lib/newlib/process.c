// SPDX-License-Identifier: BSD-2-Clause
// The process, as newlib asks for it.
#include "../thread.h"
#include <errno.h>
#include <unistd.h>

_Noreturn void _exit(int status);
int _kill(int process, int signal);
int _getpid(void);
int _getentropy(void *bytes, size_t count);
int getentropy(void *bytes, size_t count);

_Noreturn void _exit(int status) { sheaf_end(status & 0xff); }

// A program can only end itself: abort() and raise() come here.
int _kill(int process, int signal) {
    if (process != _getpid()) {
        errno = ESRCH;
        return -1;
    }
    sheaf_end(128 + signal);
}

int _getpid(void) { return (int)sheaf_environment.process; }

// No source of entropy is driven.
int _getentropy(void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    errno = ENOSYS;
    return -1;
}

int getentropy(void *bytes, size_t count) { return _getentropy(bytes, count); }
