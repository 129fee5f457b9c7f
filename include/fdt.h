// SPDX-License-Identifier: BSD-2-Clause
// Device tree: a reader for flattened device trees (DTB, version 17).
//
// The reader allocates nothing, keeps no state outside of `struct dt`, holds no lock, and never
// reads a byte outside of [blob, blob + limit). It reads bytes, so the blob may have any alignment
// in the reader's address space, and it keeps no pointers in static data, so that it also runs
// before the kernel runs at its link address (`dt_status_name` is the one exception).
//
// dt_open() walks the whole blob once and refuses it if anything is malformed; every other function
// relies on that and must be given only a `struct dt` that dt_open() filled. The blob must not
// change afterwards.
//
// The functions are called dt_* because the host tests link them together with libfdt, whose names
// start with fdt_.
#ifndef FDT_H
#define FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// X(NAME, what it says about the tree). DT_NOT_FOUND is an answer, not a fault of the tree.
#define DT_STATUSES(X)                                                                             \
    X(OK, "well-formed")                                                                           \
    X(NOT_FOUND, "no such node, property or entry")                                                \
    X(TOO_SHORT, "the memory given is shorter than the blob says it is, or than a header")         \
    X(BAD_MAGIC, "the blob does not start with 0xd00dfeed")                                        \
    X(BAD_VERSION, "the blob is not readable as version 17")                                       \
    X(BAD_LAYOUT, "a block is misaligned, lies outside of the blob or in the header")              \
    X(BAD_RESERVE_MAP, "the memory reservation block has no end, or an entry wraps")               \
    X(BAD_TOKEN, "the structure block has an unknown token or ends too early")                     \
    X(BAD_NESTING, "nodes do not nest: no root, a second root, or a missing end")                  \
    X(BAD_NAME, "a node's name has no end, or the root has a name")                                \
    X(BAD_PROPERTY, "a property runs out of the block, or follows a subnode")                      \
    X(BAD_STRING, "a property's name or a string value has no end inside its block")               \
    X(BAD_CELLS, "#address-cells, #size-cells or #interrupt-cells is missing or has no use here")  \
    X(BAD_LENGTH, "a property's length does not fit what it must hold")                            \
    X(BAD_PHANDLE, "a phandle names no node")                                                      \
    X(BAD_INTERRUPT, "an interrupt has no parent, or a specifier its parent cannot have")          \
    X(NOT_TRANSLATABLE, "an address is in no range of a parent bus, or the result wraps")          \
    X(BAD_VALUE, "a property's value is not one of those its binding allows")                      \
    X(TOO_MANY, "more entries than the kernel has room for, and none may be left out")

enum dt_status {
#define DT_STATUS_ENUM(name, text) DT_##name,
    DT_STATUSES(DT_STATUS_ENUM)
#undef DT_STATUS_ENUM
        DT_STATUS_COUNT
};

// The name without prefix, such as "BAD_TOKEN"; never null.
const char *dt_status_name(enum dt_status status);

// One sentence about what the status means; never null.
const char *dt_status_text(enum dt_status status);

// An opened tree. Filled by dt_open(); read only afterwards. Offsets are in bytes from `blob`.
struct dt {
    const uint8_t *blob;
    uint32_t total_size; // bytes of the blob, by its header
    uint32_t structure;
    uint32_t structure_end; // past the last token, FDT_END
    uint32_t strings;
    uint32_t strings_end;
    uint32_t reserve_map;
    uint32_t reserve_count; // entries without the terminating one
    uint32_t boot_cpu;      // boot_cpuid_phys of the header
};

// A node: the offset of its FDT_BEGIN_NODE token. Distinct, so that it is not mixed up with lengths.
typedef struct {
    uint32_t offset;
} dt_node_t;

#define DT_ROOT(tree) ((dt_node_t){(tree)->structure_first})

#endif
