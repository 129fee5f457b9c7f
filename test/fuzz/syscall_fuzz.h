// SPDX-License-Identifier: BSD-2-Clause
// One input of the fuzzer, as libFuzzer and the test of the kept inputs run it.
#ifndef SYSCALL_FUZZ_H
#define SYSCALL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_RECORDS 256u // of an input that are looked at

extern bool fuzz_tracing; // print each call

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
