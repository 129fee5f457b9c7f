// SPDX-License-Identifier: BSD-2-Clause
// Boot arguments of the kernel itself: words NAME=VALUE before a word `--`.
#ifndef ARCH_BOOT_ARGS_H
#define ARCH_BOOT_ARGS_H

#include <base.h>

// Whether `name`=`value` is given.
bool boot_args_is(const char *args, const char *name, const char *value);

// The value of the last word `name`=NUMBER, decimal; `otherwise` when there is none. Says so on the
// serial port when the value is no number up to `limit`.
uint64_t boot_args_number(const char *args, const char *name, uint64_t limit, uint64_t otherwise);

// The value of the last word `name`=..., not terminated; *length is 0 when there is none.
const char *boot_args_text(const char *args, const char *name, size_t *length);

#endif
