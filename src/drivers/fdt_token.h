// SPDX-License-Identifier: BSD-2-Clause
// Tokens of a device tree's structure block: the one place where it is taken apart.
//
// Both the check of a whole blob and every later step through it go through dt_token_at(), so what
// the check has accepted is exactly what the steps can meet.
#ifndef FDT_TOKEN_H
#define FDT_TOKEN_H

#include <fdt.h>

// Devicetree Specification, "Lexical structure".
enum dt_token_kind {
    DT_TOKEN_BEGIN_NODE = 1,
    DT_TOKEN_END_NODE = 2,
    DT_TOKEN_PROP = 3,
    DT_TOKEN_NOP = 4,
    DT_TOKEN_END = 9,
};

#define DT_TOKEN_BYTES 4
#define DT_PROP_HEADER_BYTES 12 // token, length, offset of the name in the strings block

struct dt_token {
    enum dt_token_kind kind;
    uint32_t offset;
    uint32_t next; // offset of the token behind it
};

static inline uint32_t dt_be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint64_t dt_be64(const uint8_t *bytes) {
    return (uint64_t)dt_be32(bytes) << 32 | dt_be32(bytes + 4);
}

// Reads the token at `offset`, which is a multiple of 4, with its name or value. Nothing beyond the
// block that holds it is read. DT_BAD_TOKEN, DT_BAD_NAME, DT_BAD_PROPERTY or DT_BAD_STRING.
enum dt_status dt_token_at(const struct dt *tree, uint32_t offset, struct dt_token *token);

// The same for a tree that dt_open() has accepted, NOPs passed over: cannot fail. Past the last
// token, and for an offset that no function of this reader gave out, it is DT_TOKEN_END.
struct dt_token dt_step(const struct dt *tree, uint32_t offset);

#endif
