// SPDX-License-Identifier: BSD-2-Clause
// Compares the kernel's device tree reader with the oracle.
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum compare_result {
    COMPARE_BOTH_ACCEPT, // and agree on every value
    COMPARE_BOTH_REJECT,
    COMPARE_TREE_VIOLATION,    // libfdt accepts what the specification forbids; the reader does not
    COMPARE_MACHINE_VIOLATION, // a well-formed tree that describes no machine, by both
    COMPARE_DIFFERENT,         // a fault: see compare_message()
    COMPARE_RESULTS,
};

const char *compare_result_name(enum compare_result result);

// Compares everything about a blob of `size` bytes: acceptance, reservations, node by node,
// property by property, look-ups by path, phandle and `compatible`, and the machine. `deep` adds
// the look-ups that walk the whole tree for each node.
enum compare_result compare_blob(const void *blob, size_t size, bool deep);

// What was different, or why the tree was refused; of the last compare_blob().
const char *compare_message(void);

// A whole file in memory of exactly its size, so that a sanitizer sees a read behind it.
void *compare_load(const char *path, size_t *size);

#endif
