// SPDX-License-Identifier: BSD-2-Clause
// Writes device trees for tests, by libfdt's sequential writer. Every failure ends the program: it
// is a fault of the test.
#ifndef TREE_BUILDER_H
#define TREE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#define TREE_BYTES 32768

struct tree_builder {
    uint8_t blob[TREE_BYTES];
    size_t size; // after tree_finish()
};

// Order: begin, reservations, nodes (the root is open after tree_root()), finish.
void tree_begin(struct tree_builder *tree);
void tree_reserve(struct tree_builder *tree, uint64_t base, uint64_t size);
void tree_root(struct tree_builder *tree);
void tree_node(struct tree_builder *tree, const char *name);
void tree_end(struct tree_builder *tree);
void tree_bytes(struct tree_builder *tree, const char *name, const void *data, size_t size);
void tree_string(struct tree_builder *tree, const char *name, const char *value);
void tree_array(struct tree_builder *tree, const char *name, const uint32_t *cells, size_t count);
void tree_finish(struct tree_builder *tree); // ends the root too

// tree_cells(tree, "reg", 0, 0x1000)
#define tree_cells(tree, name, ...)                                                                \
    tree_array(tree, name, (const uint32_t[]){__VA_ARGS__},                                        \
               sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

// A property without value.
#define tree_flag(tree, name) tree_bytes(tree, name, "", 0)

// A whole small machine with what QEMU's do not have: several banks, two levels of buses, aliases
// and options, a spin table, a GICv3 with two regions and a stride, reserved memory of each kind.
void tree_unusual_machine(struct tree_builder *tree);

#endif
