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
    X(BAD_RESERVE_MAP, "the memory reservation block has no end")                                  \
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
    uint32_t total_size;    // bytes of the blob, by its header
    uint32_t root;          // the root's FDT_BEGIN_NODE token
    uint32_t structure_end; // end of the structure block
    uint32_t strings;
    uint32_t strings_end;
    uint32_t reserve_map;
    uint32_t reserve_count; // entries without the terminating one
    uint32_t boot_cpu;      // boot_cpuid_phys of the header
};

// A node: the offset of its FDT_BEGIN_NODE token. A type of its own, so that it is not mixed up
// with lengths.
typedef struct {
    uint32_t offset;
} dt_node_t;

// A property of an opened tree. The pointers point into the blob.
struct dt_property {
    const char *name;    // zero-terminated
    const uint8_t *data; // `length` bytes, big-endian cells or strings
    uint32_t length;
    uint32_t offset; // of its FDT_PROP token
};

// One interrupt of a node, as its controller understands it.
#define DT_INTERRUPT_CELLS_MAX 4
struct dt_interrupt {
    dt_node_t controller;
    uint32_t cells; // 1 to DT_INTERRUPT_CELLS_MAX
    uint32_t cell[DT_INTERRUPT_CELLS_MAX];
};

// ---- The blob

// Checks the whole blob and fills `tree`. `limit` is the number of bytes that may be read at
// `blob`. After any status but DT_OK, `tree` is unusable.
enum dt_status dt_open(struct dt *tree, const void *blob, size_t limit);

// The index-th entry of the memory reservation block. False if there are not so many.
bool dt_reserve_entry(const struct dt *tree, uint32_t index, uint64_t *base, uint64_t *size);

// ---- Nodes

dt_node_t dt_root(const struct dt *tree);

// The node's name with its unit address, zero-terminated, in the blob; the root's is empty.
const char *dt_name(const struct dt *tree, dt_node_t node);

// Advances *node to the next node in document order and adjusts *depth (may be null) by the change
// of depth. False, and *node unchanged, after the last node.
bool dt_next_node(const struct dt *tree, dt_node_t *node, int *depth);

bool dt_first_child(const struct dt *tree, dt_node_t node, dt_node_t *child);
bool dt_next_sibling(const struct dt *tree, dt_node_t *node); // *node unchanged if there is none

// The parent. False for the root. Costs two walks from the root up to the node.
bool dt_parent(const struct dt *tree, dt_node_t node, dt_node_t *parent);

// The node at `path`, of which `length` bytes count. A path starts with '/', or with the name of a
// property of /aliases. A component without unit address matches the first child of that name.
enum dt_status dt_by_path(const struct dt *tree, const char *path, size_t length, dt_node_t *node);

enum dt_status dt_by_phandle(const struct dt *tree, uint32_t phandle, dt_node_t *node);

// Whether a string of the node's `compatible` list equals `compatible`.
bool dt_is_compatible(const struct dt *tree, dt_node_t node, const char *compatible);

// Advances *node, in document order, to the next node that is compatible; start with dt_root(),
// which is not looked at itself. False, and *node unchanged, when there is none.
bool dt_next_compatible(const struct dt *tree, dt_node_t *node, const char *compatible);

// Whether `status` is absent, "okay" or "ok".
bool dt_is_available(const struct dt *tree, dt_node_t node);

// ---- Properties. A name that stands twice means its first property.

bool dt_first_property(const struct dt *tree, dt_node_t node, struct dt_property *property);
bool dt_next_property(const struct dt *tree, struct dt_property *property); // of the same node
bool dt_property(const struct dt *tree, dt_node_t node, const char *name,
                 struct dt_property *property);

// `count` (0 to 2) cells from the first-th on as one number. DT_BAD_LENGTH if the property is not
// so long, DT_BAD_CELLS for a count above 2.
enum dt_status dt_cells(const struct dt_property *property, uint32_t first, uint32_t count,
                        uint64_t *value);

// A property that is exactly one cell.
enum dt_status dt_u32(const struct dt *tree, dt_node_t node, const char *name, uint32_t *value);

// The index-th string of a list; DT_BAD_STRING if the list does not end with a zero byte,
// DT_NOT_FOUND if there are not so many.
enum dt_status dt_string(const struct dt_property *property, uint32_t index, const char **string);

// The index of `string` in a list of strings. DT_NOT_FOUND or DT_BAD_STRING otherwise.
enum dt_status dt_string_index(const struct dt_property *property, const char *string,
                               uint32_t *index);

// Whether two zero-terminated strings are equal.
bool dt_equal(const char *a, const char *b);

// ---- Addresses and interrupts

// #address-cells and #size-cells that `bus` sets for its children (2 and 1 where absent).
// DT_BAD_CELLS for more than 4, DT_BAD_LENGTH if one is not a single cell.
enum dt_status dt_bus_cells(const struct dt *tree, dt_node_t bus, uint32_t *address_cells,
                            uint32_t *size_cells);

// How many entries `reg` has; DT_NOT_FOUND without reg, DT_BAD_LENGTH if it is no whole number.
enum dt_status dt_reg_count(const struct dt *tree, dt_node_t node, uint32_t *count);

// The index-th entry of `reg`, as the node's own bus counts addresses. Where the bus has no size
// cells the size is 0.
enum dt_status dt_reg(const struct dt *tree, dt_node_t node, uint32_t index, uint64_t *address,
                      uint64_t *size);

// The same, translated through `ranges` of all parents to a CPU physical address. The whole
// [address, address + size) lies in one range at each step and does not wrap.
enum dt_status dt_reg_translated(const struct dt *tree, dt_node_t node, uint32_t index,
                                 uint64_t *address, uint64_t *size);

// The index-th interrupt of `interrupts-extended` or, without that, of `interrupts` with the
// nearest `interrupt-parent`. Its controller must have `interrupt-controller`: nexus nodes
// (`interrupt-map`) are not followed and give DT_BAD_INTERRUPT.
enum dt_status dt_interrupt(const struct dt *tree, dt_node_t node, uint32_t index,
                            struct dt_interrupt *interrupt);

#endif
