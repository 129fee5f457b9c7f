// SPDX-License-Identifier: BSD-2-Clause
// Device tree: nodes and properties, found by place, path, phandle or `compatible`.
#include <base.h>
#include <fdt.h>

#include "fdt_token.h"

dt_node_t dt_root(const struct dt *tree) { return (dt_node_t){tree->root}; }

const char *dt_name(const struct dt *tree, dt_node_t node) {
    return (const char *)tree->blob + node.offset + DT_TOKEN_BYTES;
}

bool dt_equal(const char *a, const char *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

// ---- Steps from node to node

bool dt_next_node(const struct dt *tree, dt_node_t *node, int *depth) {
    int change = 0;
    struct dt_token token = dt_step(tree, node->offset);
    if (token.kind == DT_TOKEN_BEGIN_NODE) {
        change = 1; // what comes next lies inside, until an end is met
    }
    for (token = dt_step(tree, token.next); token.kind != DT_TOKEN_END;
         token = dt_step(tree, token.next)) {
        if (token.kind == DT_TOKEN_BEGIN_NODE) {
            node->offset = token.offset;
            if (depth != NULL) {
                *depth += change;
            }
            return true;
        }
        if (token.kind == DT_TOKEN_END_NODE) {
            change--;
        }
    }
    return false;
}

bool dt_first_child(const struct dt *tree, dt_node_t node, dt_node_t *child) {
    int depth = 0;
    if (!dt_next_node(tree, &node, &depth) || depth != 1) {
        return false;
    }
    *child = node;
    return true;
}

bool dt_next_sibling(const struct dt *tree, dt_node_t *node) {
    dt_node_t next = *node;
    int depth = 0;
    do {
        if (!dt_next_node(tree, &next, &depth)) {
            return false;
        }
    } while (depth > 0);
    if (depth < 0) {
        return false;
    }
    *node = next;
    return true;
}

// Without a stack, and so without a limit on the depth: the parent is the last node before `node`
// that is one level higher.
bool dt_parent(const struct dt *tree, dt_node_t node, dt_node_t *parent) {
    dt_node_t at = dt_root(tree);
    int target = 0;
    while (at.offset < node.offset) {
        if (!dt_next_node(tree, &at, &target)) {
            return false;
        }
    }
    if (at.offset != node.offset || target == 0) {
        return false;
    }
    at = dt_root(tree);
    int depth = 0;
    do {
        if (depth == target - 1) {
            *parent = at;
        }
    } while (dt_next_node(tree, &at, &depth) && at.offset < node.offset);
    return true;
}

// ---- Properties

static bool property_from(const struct dt *tree, uint32_t offset, struct dt_property *property) {
    struct dt_token token = dt_step(tree, offset);
    if (token.kind != DT_TOKEN_PROP) {
        return false;
    }
    const uint8_t *at = tree->blob + token.offset;
    *property = (struct dt_property){
        .name = (const char *)tree->blob + tree->strings + dt_be32(at + 8),
        .data = at + DT_PROP_HEADER_BYTES,
        .length = dt_be32(at + 4),
        .offset = token.offset,
    };
    return true;
}

bool dt_first_property(const struct dt *tree, dt_node_t node, struct dt_property *property) {
    return property_from(tree, dt_step(tree, node.offset).next, property);
}

bool dt_next_property(const struct dt *tree, struct dt_property *property) {
    return property_from(tree, dt_step(tree, property->offset).next, property);
}

bool dt_property(const struct dt *tree, dt_node_t node, const char *name,
                 struct dt_property *property) {
    struct dt_property at;
    for (bool more = dt_first_property(tree, node, &at); more; more = dt_next_property(tree, &at)) {
        if (dt_equal(at.name, name)) {
            *property = at;
            return true;
        }
    }
    return false;
}

enum dt_status dt_cells(const struct dt_property *property, uint32_t first, uint32_t count,
                        uint64_t *value) {
    if (count > 2) {
        return DT_BAD_CELLS;
    }
    uint32_t cells = property->length / 4;
    if (first > cells || count > cells - first) {
        return DT_BAD_LENGTH;
    }
    const uint8_t *at = property->data + (size_t)first * 4;
    *value = count == 2 ? dt_be64(at) : count == 1 ? dt_be32(at) : 0;
    return DT_OK;
}

enum dt_status dt_u32(const struct dt *tree, dt_node_t node, const char *name, uint32_t *value) {
    struct dt_property property;
    if (!dt_property(tree, node, name, &property)) {
        return DT_NOT_FOUND;
    }
    if (property.length != 4) {
        return DT_BAD_LENGTH;
    }
    *value = dt_be32(property.data);
    return DT_OK;
}

// ---- Strings

enum dt_status dt_string(const struct dt_property *property, uint32_t index, const char **string) {
    uint32_t start = 0;
    for (uint32_t at = 0; at < property->length; at++) {
        if (property->data[at] != 0) {
            continue;
        }
        if (index == 0) {
            *string = (const char *)property->data + start;
            return DT_OK;
        }
        index--;
        start = at + 1;
    }
    return start == property->length ? DT_NOT_FOUND : DT_BAD_STRING;
}

enum dt_status dt_string_index(const struct dt_property *property, const char *string,
                               uint32_t *index) {
    for (uint32_t i = 0;; i++) {
        const char *entry;
        enum dt_status status = dt_string(property, i, &entry);
        if (status != DT_OK) {
            return status;
        }
        if (dt_equal(entry, string)) {
            *index = i;
            return DT_OK;
        }
    }
}

bool dt_is_compatible(const struct dt *tree, dt_node_t node, const char *compatible) {
    struct dt_property property;
    uint32_t index;
    return dt_property(tree, node, "compatible", &property) &&
           dt_string_index(&property, compatible, &index) == DT_OK;
}

bool dt_next_compatible(const struct dt *tree, dt_node_t *node, const char *compatible) {
    dt_node_t at = *node;
    while (dt_next_node(tree, &at, NULL)) {
        if (dt_is_compatible(tree, at, compatible)) {
            *node = at;
            return true;
        }
    }
    return false;
}

bool dt_is_available(const struct dt *tree, dt_node_t node) {
    struct dt_property property;
    if (!dt_property(tree, node, "status", &property)) {
        return true;
    }
    const char *status;
    return dt_string(&property, 0, &status) == DT_OK &&
           (dt_equal(status, "okay") || dt_equal(status, "ok"));
}

// ---- Look-up by path and by phandle

// Whether a node's name is the path component of `length` bytes. A component without unit address
// also matches a name that has one.
static bool component_matches(const char *name, const char *component, size_t length) {
    bool has_unit = false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != component[i] || name[i] == 0) {
            return false;
        }
        has_unit |= component[i] == '@';
    }
    return name[length] == 0 || (name[length] == '@' && !has_unit);
}

static enum dt_status child_named(const struct dt *tree, dt_node_t *node, const char *component,
                                  size_t length) {
    dt_node_t child;
    for (bool more = dt_first_child(tree, *node, &child); more;
         more = dt_next_sibling(tree, &child)) {
        if (component_matches(dt_name(tree, child), component, length)) {
            *node = child;
            return DT_OK;
        }
    }
    return DT_NOT_FOUND;
}

// Bytes up to the next '/' or the end.
static size_t component_length(const char *path, size_t length) {
    size_t n = 0;
    while (n < length && path[n] != '/') {
        n++;
    }
    return n;
}

static enum dt_status walk_path(const struct dt *tree, const char *path, size_t length,
                                dt_node_t *node) {
    while (length > 0) {
        size_t n = component_length(path, length);
        if (n > 0) {
            enum dt_status status = child_named(tree, node, path, n);
            if (status != DT_OK) {
                return status;
            }
        }
        n = n < length ? n + 1 : n; // and the '/' behind it
        path += n;
        length -= n;
    }
    return DT_OK;
}

// The node that the alias of `length` bytes stands for. An alias is a full path: aliases of aliases
// do not exist, and so no circles.
static enum dt_status by_alias(const struct dt *tree, const char *alias, size_t length,
                               dt_node_t *node) {
    dt_node_t aliases = dt_root(tree);
    if (child_named(tree, &aliases, "aliases", sizeof("aliases") - 1) != DT_OK) {
        return DT_NOT_FOUND;
    }
    struct dt_property property;
    for (bool more = dt_first_property(tree, aliases, &property); more;
         more = dt_next_property(tree, &property)) {
        size_t i = 0;
        while (i < length && property.name[i] != 0 && property.name[i] == alias[i]) {
            i++;
        }
        if (i < length || property.name[i] != 0) {
            continue;
        }
        const char *path;
        enum dt_status status = dt_string(&property, 0, &path);
        if (status != DT_OK || path[0] != '/') {
            return status == DT_BAD_STRING ? status : DT_NOT_FOUND;
        }
        size_t path_length = 0;
        while (path[path_length] != 0) {
            path_length++;
        }
        *node = dt_root(tree);
        return walk_path(tree, path, path_length, node);
    }
    return DT_NOT_FOUND;
}

enum dt_status dt_by_path(const struct dt *tree, const char *path, size_t length, dt_node_t *node) {
    if (length == 0) {
        return DT_NOT_FOUND;
    }
    dt_node_t at = dt_root(tree);
    if (path[0] != '/') {
        size_t n = component_length(path, length);
        enum dt_status status = by_alias(tree, path, n, &at);
        if (status != DT_OK) {
            return status;
        }
        path += n;
        length -= n;
    }
    enum dt_status status = walk_path(tree, path, length, &at);
    if (status == DT_OK) {
        *node = at;
    }
    return status;
}

enum dt_status dt_by_phandle(const struct dt *tree, uint32_t phandle, dt_node_t *node) {
    if (phandle == 0 || phandle == UINT32_MAX) {
        return DT_BAD_PHANDLE;
    }
    dt_node_t at = dt_root(tree);
    do {
        uint32_t value;
        if ((dt_u32(tree, at, "phandle", &value) == DT_OK ||
             dt_u32(tree, at, "linux,phandle", &value) == DT_OK) &&
            value == phandle) {
            *node = at;
            return DT_OK;
        }
    } while (dt_next_node(tree, &at, NULL));
    return DT_BAD_PHANDLE;
}
