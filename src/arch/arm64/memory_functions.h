// SPDX-License-Identifier: BSD-2-Clause
// The functions of the C library that the compiler calls even in freestanding code.
#ifndef ARCH_MEMORY_FUNCTIONS_H
#define ARCH_MEMORY_FUNCTIONS_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#endif
