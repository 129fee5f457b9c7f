// SPDX-License-Identifier: BSD-2-Clause
// What a program can ask the pager for: processes, threads, files, statistics.
//
// The functions return an enum pager_error where not said otherwise; sheaf/pager.h has the
// protocol.
#ifndef SHEAF_PROCESS_H
#define SHEAF_PROCESS_H

#include <sheaf/pager.h>
#include <stddef.h>
#include <stdint.h>

const char *pager_error_text(unsigned error);
const char *pager_statistic_name(enum pager_statistic statistic);

// Starts the program argv[0] of the RAM disk. argv ends with NULL.
enum pager_error sheaf_spawn(char *const argv[], uint64_t *process);
// Waits until the process has ended. Status: 0 to 255.
enum pager_error sheaf_wait_process(uint64_t process, int *status);

// Maps a file of the RAM disk, read-only. It is read on demand and stays mapped until the program
// ends. The bytes behind its end, up to the end of the page, are zero.
enum pager_error sheaf_map_file(const char *name, const void **address, size_t *bytes);
// The index-th file of the RAM disk; `name` gets at most `room` bytes, zero included.
enum pager_error sheaf_file(unsigned index, char *name, size_t room, uint64_t *bytes);

struct sheaf_process_info {
    uint64_t process, threads, resident, swapped, faults;
    int ended;
    char name[32];
};
enum pager_error sheaf_process_info(unsigned index, struct sheaf_process_info *info);
enum pager_error sheaf_statistics(uint64_t value[PAGER_STATISTIC_COUNT]);

// Another thread in this program, with a stack, errno and stdio state of its own.
enum pager_error sheaf_thread_create(int (*function)(void *), void *argument, uint64_t *thread);
enum pager_error sheaf_thread_join(uint64_t thread, int *result);

#endif
