// SPDX-License-Identifier: BSD-2-Clause
// The program's cases, in the order in which they run.
#include "bench.h"

const struct test_area *const test_areas[] = {
    &kernel_bench_area, &ipc_bench_area,  &memory_bench_area,
    &unmap_bench_area,  &move_bench_area, &protect_bench_area,
    &evict_bench_area,  &long_bench_area, NULL,
};
