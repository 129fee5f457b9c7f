// SPDX-License-Identifier: BSD-2-Clause
// Time, as newlib asks for it. There is no calendar: it counts from the start of the machine.
#include <errno.h>
#include <sheaf/time.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000L

clock_t _times(struct tms *times);
int _gettimeofday(struct timeval *time, void *zone);
int nanosleep(const struct timespec *wanted, struct timespec *left);

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

// Nothing interrupts a sleep, so nothing is ever left of it.
int nanosleep(const struct timespec *wanted, struct timespec *left) {
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= NS_PER_SECOND) {
        errno = EINVAL;
        return -1;
    }
    uint64_t most = (UINT64_MAX - (uint64_t)wanted->tv_nsec) / NS_PER_SECOND;
    uint64_t seconds = (uint64_t)wanted->tv_sec;
    uint64_t ns = seconds > most ? UINT64_MAX : seconds * NS_PER_SECOND + (uint64_t)wanted->tv_nsec;
    if (!sheaf_sleep_until(sheaf_deadline_after(ns))) {
        errno = ENOSYS;
        return -1;
    }
    if (left != NULL)
        *left = (struct timespec){0};
    return 0;
}

int usleep(useconds_t useconds) {
    const struct timespec wanted = {.tv_sec = (time_t)(useconds / 1000000),
                                    .tv_nsec = (long)(useconds % 1000000) * 1000};
    return nanosleep(&wanted, NULL);
}

unsigned sleep(unsigned seconds) {
    const struct timespec wanted = {.tv_sec = (time_t)seconds};
    return nanosleep(&wanted, NULL) == 0 ? 0 : seconds;
}
