// SPDX-License-Identifier: BSD-2-Clause
// The program's areas, in the order in which they run.
#include "harness.h"

const struct test_area *const test_areas[] = {
    &boot_area,      &untyped_area,      &untyped_device_area, &untyped_non_cacheable_area,
    &cnode_area,     &revoke_area,       &thread_area,         &self_area,
    &ipc_area,       &transfer_area,     &time_area,           &interrupt_area,
    &storm_area,     &notification_area, &fault_area,          &privilege_area,
    &schedule_area,  &fp_area,           &vspace_area,         &map_area,
    &map_error_area, &unmap_area,        &unmap_cost_area,     &move_area,
    &protect_area,   &report_area,       &turnover_area,       &evict_area,
    &defer_area,     &preempt_area,      &newlib_area,         NULL,
};
