// SPDX-License-Identifier: BSD-2-Clause
// Device tree: the blob. Its header, its memory reservations, and the check of the whole.
#include <base.h>
#include <fdt.h>

#include "fdt_token.h"

// Devicetree Specification, "Header": 32-bit big-endian fields, offsets in bytes.
#define HEADER_MAGIC 0
#define HEADER_TOTAL_SIZE 4
#define HEADER_STRUCTURE 8
#define HEADER_STRINGS 12
#define HEADER_RESERVE_MAP 16
#define HEADER_VERSION 20
#define HEADER_LAST_COMPATIBLE 24
#define HEADER_BOOT_CPU 28
#define HEADER_STRINGS_SIZE 32
#define HEADER_STRUCTURE_SIZE 36
#define HEADER_BYTES 40

#define MAGIC 0xd00dfeedU
#define VERSION 17
#define RESERVE_ENTRY_BYTES 16

const char *dt_status_name(enum dt_status status) {
    switch (status) {
#define NAME_CASE(name, text)                                                                      \
    case DT_##name:                                                                                \
        return #name;
        DT_STATUSES(NAME_CASE)
#undef NAME_CASE
    default:
        return "UNKNOWN";
    }
}

const char *dt_status_text(enum dt_status status) {
    switch (status) {
#define TEXT_CASE(name, text)                                                                      \
    case DT_##name:                                                                                \
        return text;
        DT_STATUSES(TEXT_CASE)
#undef TEXT_CASE
    default:
        return "no such status";
    }
}

// The offset behind the zero byte that ends the string at `offset`, 0 if there is none before
// `end`.
static uint32_t string_end(const struct dt *tree, uint32_t offset, uint32_t end) {
    for (uint32_t at = offset; at < end; at++) {
        if (tree->blob[at] == 0) {
            return at + 1;
        }
    }
    return 0;
}

// Tokens are aligned to 4 bytes. The sum may leave the structure block by up to 3 bytes; it cannot
// wrap, since dt_open() refuses blobs that end within the last page of 32 bits.
static uint32_t align_token(uint32_t offset) { return ALIGN_UP(offset, DT_TOKEN_BYTES); }

static enum dt_status property_at(const struct dt *tree, struct dt_token *token) {
    uint32_t left = tree->structure_end - token->offset;
    if (left < DT_PROP_HEADER_BYTES) {
        return DT_BAD_PROPERTY;
    }
    uint32_t length = dt_be32(tree->blob + token->offset + 4);
    uint32_t name = dt_be32(tree->blob + token->offset + 8);
    if (length > left - DT_PROP_HEADER_BYTES) {
        return DT_BAD_PROPERTY;
    }
    if (name >= tree->strings_end - tree->strings ||
        string_end(tree, tree->strings + name, tree->strings_end) == 0) {
        return DT_BAD_STRING;
    }
    token->next = align_token(token->offset + DT_PROP_HEADER_BYTES + length);
    return DT_OK;
}

enum dt_status dt_token_at(const struct dt *tree, uint32_t offset, struct dt_token *token) {
    if (offset >= tree->structure_end || tree->structure_end - offset < DT_TOKEN_BYTES) {
        return DT_BAD_TOKEN;
    }
    token->offset = offset;
    token->next = offset + DT_TOKEN_BYTES;
    token->kind = (enum dt_token_kind)dt_be32(tree->blob + offset);
    switch (token->kind) {
    case DT_TOKEN_BEGIN_NODE: {
        uint32_t end = string_end(tree, token->next, tree->structure_end);
        token->next = align_token(end);
        return end == 0 ? DT_BAD_NAME : DT_OK;
    }
    case DT_TOKEN_PROP:
        return property_at(tree, token);
    case DT_TOKEN_END_NODE:
    case DT_TOKEN_NOP:
    case DT_TOKEN_END:
        return DT_OK;
    default:
        return DT_BAD_TOKEN;
    }
}

struct dt_token dt_step(const struct dt *tree, uint32_t offset) {
    struct dt_token token;
    do {
        if (dt_token_at(tree, offset, &token) != DT_OK) {
            return (struct dt_token){.kind = DT_TOKEN_END, .offset = offset, .next = offset};
        }
        offset = token.next;
    } while (token.kind == DT_TOKEN_NOP);
    return token;
}

// What has been seen of the structure block so far.
struct nesting {
    uint32_t depth;
    bool root_seen;
    bool properties_over; // a subnode of the open node has begun: no more properties may follow
};

static enum dt_status check_token(struct dt *tree, const struct dt_token *token,
                                  struct nesting *nesting) {
    switch (token->kind) {
    case DT_TOKEN_BEGIN_NODE:
        if (nesting->depth == 0) {
            if (nesting->root_seen) {
                return DT_BAD_NESTING;
            }
            if (tree->blob[token->offset + DT_TOKEN_BYTES] != 0) {
                return DT_BAD_NAME;
            }
            nesting->root_seen = true;
            tree->root = token->offset;
        }
        nesting->depth++;
        nesting->properties_over = false;
        return DT_OK;
    case DT_TOKEN_END_NODE:
        if (nesting->depth == 0) {
            return DT_BAD_NESTING;
        }
        nesting->depth--;
        nesting->properties_over = true;
        return DT_OK;
    case DT_TOKEN_PROP:
        if (nesting->depth == 0) {
            return DT_BAD_NESTING;
        }
        return nesting->properties_over ? DT_BAD_PROPERTY : DT_OK;
    case DT_TOKEN_END:
        return nesting->depth != 0 || !nesting->root_seen ? DT_BAD_NESTING : DT_OK;
    default:
        return DT_OK;
    }
}

// Bytes behind FDT_END are allowed: the specification only says that there should be none.
static enum dt_status check_structure(struct dt *tree, uint32_t first) {
    struct nesting nesting = {0};
    struct dt_token token = {.next = first};
    do {
        enum dt_status status = dt_token_at(tree, token.next, &token);
        if (status == DT_OK) {
            status = check_token(tree, &token, &nesting);
        }
        if (status != DT_OK) {
            return status;
        }
    } while (token.kind != DT_TOKEN_END);
    return DT_OK;
}

static enum dt_status check_reserve_map(struct dt *tree) {
    uint32_t at = tree->reserve_map;
    for (tree->reserve_count = 0;; tree->reserve_count++, at += RESERVE_ENTRY_BYTES) {
        if (tree->total_size - at < RESERVE_ENTRY_BYTES) {
            return DT_BAD_RESERVE_MAP;
        }
        if (dt_be64(tree->blob + at) == 0 && dt_be64(tree->blob + at + 8) == 0) {
            return DT_OK;
        }
    }
}

static bool block_fits(const struct dt *tree, uint32_t offset, uint32_t size, uint32_t alignment) {
    return offset >= HEADER_BYTES && IS_ALIGNED(offset, alignment) && offset <= tree->total_size &&
           size <= tree->total_size - offset;
}

enum dt_status dt_open(struct dt *tree, const void *blob, size_t limit) {
    const uint8_t *bytes = blob;
    if (limit < HEADER_BYTES) {
        return DT_TOO_SHORT;
    }
    if (dt_be32(bytes + HEADER_MAGIC) != MAGIC) {
        return DT_BAD_MAGIC;
    }
    *tree = (struct dt){
        .blob = bytes,
        .total_size = dt_be32(bytes + HEADER_TOTAL_SIZE),
        .strings = dt_be32(bytes + HEADER_STRINGS),
        .reserve_map = dt_be32(bytes + HEADER_RESERVE_MAP),
        .boot_cpu = dt_be32(bytes + HEADER_BOOT_CPU),
    };
    if (tree->total_size > limit) {
        return DT_TOO_SHORT;
    }
    if (dt_be32(bytes + HEADER_VERSION) < VERSION ||
        dt_be32(bytes + HEADER_LAST_COMPATIBLE) > VERSION) {
        return DT_BAD_VERSION;
    }
    uint32_t structure = dt_be32(bytes + HEADER_STRUCTURE);
    uint32_t structure_size = dt_be32(bytes + HEADER_STRUCTURE_SIZE);
    uint32_t strings_size = dt_be32(bytes + HEADER_STRINGS_SIZE);
    if (tree->total_size < HEADER_BYTES || tree->total_size > UINT32_MAX - PAGE_BYTES ||
        !block_fits(tree, structure, structure_size, DT_TOKEN_BYTES) ||
        !block_fits(tree, tree->strings, strings_size, 1) ||
        !block_fits(tree, tree->reserve_map, RESERVE_ENTRY_BYTES, 8)) {
        return DT_BAD_LAYOUT;
    }
    tree->strings_end = tree->strings + strings_size;
    tree->structure_end = structure + structure_size;
    enum dt_status status = check_reserve_map(tree);
    return status == DT_OK ? check_structure(tree, structure) : status;
}

bool dt_reserve_entry(const struct dt *tree, uint32_t index, uint64_t *base, uint64_t *size) {
    if (index >= tree->reserve_count) {
        return false;
    }
    const uint8_t *entry = tree->blob + tree->reserve_map + (size_t)index * RESERVE_ENTRY_BYTES;
    *base = dt_be64(entry);
    *size = dt_be64(entry + 8);
    return true;
}
