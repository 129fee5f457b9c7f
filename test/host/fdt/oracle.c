// SPDX-License-Identifier: BSD-2-Clause
// The oracle's tree: thin wrappers over libfdt, and the rules of the Devicetree Specification that
// fdt_check_full() does not check.
#include "oracle.h"

#include <libfdt.h>
#include <string.h>

// libfdt counts node offsets from the structure block.
static int inner(const void *blob, uint32_t node) { return (int)(node - fdt_off_dt_struct(blob)); }

static bool outer(const void *blob, int offset, uint32_t *node) {
    if (offset < 0) {
        return false;
    }
    *node = (uint32_t)offset + fdt_off_dt_struct(blob);
    return true;
}

// Before version 17 the header does not say where the structure block ends; libfdt 1.6 then walks
// out of the blob, so it is not asked. The kernel's reader refuses these versions.
bool oracle_accepts(const void *blob, size_t size) {
    return size >= sizeof(struct fdt_header) && fdt_version(blob) >= 17 &&
           fdt_check_full(blob, size) == 0;
}

static bool reserve_map_ends(const void *blob) {
    const uint8_t *bytes = blob;
    uint32_t total = fdt_totalsize(blob);
    static const uint8_t end[16];
    for (uint32_t at = fdt_off_mem_rsvmap(blob); at + sizeof(end) <= total; at += sizeof(end)) {
        if (memcmp(bytes + at, end, sizeof(end)) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t property_length(const void *blob, int offset) {
    const fdt32_t *cells = fdt_offset_ptr(blob, offset, 2 * sizeof(fdt32_t));
    return cells == NULL ? UINT32_MAX : fdt32_ld(cells + 1);
}

static const char *structure_violation(const void *blob) {
    int depth = 0;
    int roots = 0;
    bool after_child = false;
    int offset = 0;
    int next = 0;
    for (uint32_t tag = fdt_next_tag(blob, offset, &next); tag != FDT_END;
         tag = fdt_next_tag(blob, offset, &next)) {
        if (tag == FDT_BEGIN_NODE) {
            const struct fdt_node_header *header =
                fdt_offset_ptr(blob, offset, sizeof(struct fdt_node_header) + 1);
            if (depth++ == 0) {
                roots++;
                if (header == NULL || header->name[0] != 0) {
                    return "the root has a name";
                }
            }
            after_child = false;
        } else if (tag == FDT_END_NODE) {
            depth--;
            after_child = true;
        } else if (tag == FDT_PROP) {
            if (property_length(blob, offset) > fdt_size_dt_struct(blob)) {
                return "a property longer than its block"; // libfdt 1.6 takes it as negative
            }
            if (depth == 0 || after_child) {
                return depth == 0 ? "a property outside of the root"
                                  : "a property behind a subnode";
            }
        }
        offset = next;
    }
    return roots == 1 ? NULL : "not exactly one root";
}

const char *oracle_violation(const void *blob) {
    if (fdt_off_dt_struct(blob) % 4 != 0 || fdt_off_mem_rsvmap(blob) % 8 != 0) {
        return "a misaligned block";
    }
    if (!reserve_map_ends(blob)) {
        return "the memory reservation block has no end";
    }
    return structure_violation(blob);
}

uint32_t oracle_root(const void *blob) {
    uint32_t root = 0;
    outer(blob, fdt_next_node(blob, -1, NULL), &root);
    return root;
}

bool oracle_next_node(const void *blob, uint32_t *node, int *depth) {
    int at = *depth; // libfdt stops where it becomes negative, and so needs the real one
    int next = fdt_next_node(blob, inner(blob, *node), &at);
    if (next < 0 || at < 0 || !outer(blob, next, node)) {
        return false;
    }
    *depth = at;
    return true;
}

const char *oracle_name(const void *blob, uint32_t node) {
    return fdt_get_name(blob, inner(blob, node), NULL);
}

bool oracle_parent(const void *blob, uint32_t node, uint32_t *parent) {
    return outer(blob, fdt_parent_offset(blob, inner(blob, node)), parent);
}

bool oracle_first_child(const void *blob, uint32_t node, uint32_t *child) {
    return outer(blob, fdt_first_subnode(blob, inner(blob, node)), child);
}

bool oracle_next_sibling(const void *blob, uint32_t *node) {
    return outer(blob, fdt_next_subnode(blob, inner(blob, *node)), node);
}

bool oracle_path(const void *blob, uint32_t node, char *path, size_t size) {
    return fdt_get_path(blob, inner(blob, node), path, (int)size) == 0;
}

bool oracle_by_path(const void *blob, const char *path, size_t length, uint32_t *node) {
    return outer(blob, fdt_path_offset_namelen(blob, path, (int)length), node);
}

uint32_t oracle_phandle(const void *blob, uint32_t node) {
    return fdt_get_phandle(blob, inner(blob, node));
}

bool oracle_by_phandle(const void *blob, uint32_t phandle, uint32_t *node) {
    return outer(blob, fdt_node_offset_by_phandle(blob, phandle), node);
}

bool oracle_is_compatible(const void *blob, uint32_t node, const char *compatible) {
    // Not fdt_node_check_compatible(): it reads one byte behind a list that lacks its last zero.
    return fdt_stringlist_search(blob, inner(blob, node), "compatible", compatible) >= 0;
}

bool oracle_cells(const void *blob, uint32_t node, uint32_t *address_cells, uint32_t *size_cells) {
    int address = fdt_address_cells(blob, inner(blob, node));
    int size = fdt_size_cells(blob, inner(blob, node));
    if (address < 0 || size < 0) {
        return false;
    }
    *address_cells = (uint32_t)address;
    *size_cells = (uint32_t)size;
    return true;
}

int oracle_properties(const void *blob, uint32_t node, struct oracle_property *list, int room) {
    int count = 0;
    int offset;
    fdt_for_each_property_offset(offset, blob, inner(blob, node)) {
        if (count < room) {
            list[count].data =
                fdt_getprop_by_offset(blob, offset, &list[count].name, &list[count].length);
        }
        count++;
    }
    return count;
}

uint32_t oracle_reserve_count(const void *blob) {
    int count = fdt_num_mem_rsv(blob);
    return count < 0 ? 0 : (uint32_t)count;
}

void oracle_reserve_entry(const void *blob, uint32_t index, uint64_t *base, uint64_t *size) {
    if (fdt_get_mem_rsv(blob, (int)index, base, size) != 0) {
        *base = 0;
        *size = 0;
    }
}

size_t oracle_pack(void *blob) { return fdt_pack(blob) == 0 ? fdt_totalsize(blob) : 0; }
