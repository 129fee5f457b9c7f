// SPDX-License-Identifier: BSD-2-Clause
// Benchmarks: what the cases share.
//
// A case measures its region RUNS times and checks that what it measured was done. Everything here
// is compiled without FP registers, so between loading a pattern into them and storing them again
// nothing but the kernel could change them.
#ifndef BENCH_H
#define BENCH_H

#include "child.h"
#include "harness.h"
#include "registers.h"
#include "support.h"

#define RUNS 5

// Ids of regions, 0 to 15. The meter only knows these; the program prints which case each one was.
enum bench_region {
    REGION_MARKERS,
    REGION_NULL,
    REGION_CALL0,
    REGION_CALL4,
    REGION_CALL0_NOFP,
    REGION_CALL4_NOFP,
    REGION_CALL60,
    REGION_SIGNAL,
    REGION_PINGPONG,
    REGION_YIELD,
    REGION_FAULT_MAP,
    REGION_RETYPE1,
    REGION_RETYPE64,
    REGION_REVOKE64,
    REGION_LONG,   // all cases of long.c
    REGION_GATHER, // all cases of one gather
};

void bench_begin(unsigned id); // marker.S
void bench_end(unsigned id);

// Tells the meter's reader that RUNS regions `id` belong to the case `name`.
void announce(const char *name, unsigned id);

extern const struct test_area kernel_bench_area, ipc_bench_area, memory_bench_area, long_bench_area,
    unmap_bench_area, move_bench_area, protect_bench_area, evict_bench_area;

// A VSpace that this PE has loaded, with `chunks` of 15 tables each beside its first.
sheaf_cptr loaded_vspace(unsigned chunks);

// Programs of the children (pair.c). Arguments:
//   0 what to do it with: an Endpoint, or the Notification that it waits for
//   1 the Reply of a server, or what a peer signals
//   2 message words in each direction     3 whether to hold live FP state     4 region
// Results: 0 rounds that were right, 1 whether FP state was kept (or is not held), 2 switches of
// threads over all rounds.
enum pair_argument { PAIR_OBJECT, PAIR_OTHER, PAIR_WORDS, PAIR_FP, PAIR_REGION, PAIR_FRAMES };
enum pair_result { PAIR_ROUNDS, PAIR_FP_KEPT, PAIR_SWITCHES };
void pair_caller(struct child_page *page);
void pair_server(struct child_page *page);
void pair_signaller(struct child_page *page);
void pair_answerer(struct child_page *page);
void pair_yielder(struct child_page *page);
void pair_yielder_beside(struct child_page *page);
void pair_toucher(struct child_page *page); // argument 0: address of its first page
void pair_pager(struct child_page *page);   // 5: first Frame, 6: VSpace that faults

#endif
