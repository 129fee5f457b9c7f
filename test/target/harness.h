// SPDX-License-Identifier: BSD-2-Clause
// The test program's frame: cases, areas, checks.
//
// A case is a function; a check that fails says where, what was expected and what came, and ends
// the case. Checks belong to the main thread: helper threads leave results for it to check.
#ifndef TARGET_HARNESS_H
#define TARGET_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/error.h>

struct test_case {
    const char *name; // area.behaviour
    void (*run)(void);
};

struct test_area {
    const struct test_case *cases;
    size_t count;
};

#define TEST_AREA(table) {(table), sizeof(table) / sizeof((table)[0])}

// What the program runs, ended by a null pointer; areas.c of each program defines it.
extern const struct test_area *const test_areas[];

extern const struct test_area boot_area, untyped_area, untyped_device_area,
    untyped_non_cacheable_area, cnode_area, revoke_area, thread_area, ipc_area, transfer_area,
    time_area, interrupt_area, storm_area, notification_area, fault_area, schedule_area, fp_area,
    vspace_area, map_area, map_error_area, unmap_area, unmap_cost_area, move_area, report_area,
    turnover_area, evict_area, defer_area, protect_area, preempt_area, privilege_area, self_area,
    newlib_area, methods_area;

const char *error_name(uint64_t error);

_Noreturn void check_failed(const char *text, const char *file, int line);
void check_equal(uint64_t came, uint64_t expected, const char *text, const char *file, int line);
void check_status(uint64_t came, enum sheaf_error expected, const char *text, const char *file,
                  int line);
// What a case is at, printed with its next failed check; null: nothing in particular.
void note_context(const char *text);
_Noreturn void skip_case(const char *reason);

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
#define CHECK_EQ(came, expected)                                                                   \
    check_equal((uint64_t)(came), (uint64_t)(expected), #came, __FILE__, __LINE__)
#define CHECK_ERROR(came, error) check_status((came), SHEAF_ERR_##error, #came, __FILE__, __LINE__)
#define CHECK_OK(came) CHECK_ERROR(came, OK)

#endif
