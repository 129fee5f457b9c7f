// SPDX-License-Identifier: BSD-2-Clause
// Process and time, as newlib asks for them.
#include "../thread.h"
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

_Noreturn void _exit(int status);
int _kill(int process, int signal);
int _getpid(void);
clock_t _times(struct tms *times);
int _gettimeofday(struct timeval *time, void *zone);
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

// There is no calendar: time counts from the start of the machine.
int _gettimeofday(struct timeval *time, void *zone) {
    (void)zone;
    uint64_t now = sheaf_clock(), hz = sheaf_clock_hz();
    time->tv_sec = (time_t)(now / hz);
    time->tv_usec = (suseconds_t)(now % hz * 1000000 / hz);
    return 0;
}

// Processor time of a program is not measured: the time since the machine's start stands for it.
clock_t _times(struct tms *times) {
    uint64_t now = sheaf_clock(), hz = sheaf_clock_hz();
    clock_t ticks = (clock_t)(now / hz * CLOCKS_PER_SEC + now % hz * CLOCKS_PER_SEC / hz);
    *times = (struct tms){.tms_utime = ticks};
    return ticks;
}

// No source of entropy is driven.
int _getentropy(void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    errno = ENOSYS;
    return -1;
}

int getentropy(void *bytes, size_t count) { return _getentropy(bytes, count); }
