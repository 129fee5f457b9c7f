// SPDX-License-Identifier: BSD-2-Clause
// The pieces, sorted by size, with what the kernel said last about the room in each.
#include "pool.h"

struct piece {
    sheaf_cptr untyped;
    uint64_t size_bits, left;
};

static struct piece pieces[SHEAF_BOOT_UNTYPED]; // ascending sizes
static unsigned piece_count;

static void refresh(struct piece *piece) {
    struct sheaf_untyped_info info;
    if (sheaf_untyped_info(piece->untyped, &info) == SHEAF_OK) {
        piece->left = info.bytes_left;
        piece->size_bits = info.size_bits;
    }
}

bool pool_add(sheaf_cptr untyped) {
    struct piece piece = {.untyped = untyped};
    if (piece_count == SHEAF_BOOT_UNTYPED)
        return false;
    refresh(&piece);
    unsigned at = piece_count++;
    for (; at > 0 && pieces[at - 1].size_bits > piece.size_bits; at--)
        pieces[at] = pieces[at - 1];
    pieces[at] = piece;
    return true;
}

void pool_clear(void) { piece_count = 0; }

static uint64_t object_bytes(enum sheaf_type type, unsigned type_bits) {
    switch (type) {
    case SHEAF_CNODE:
        return UINT64_C(1) << (type_bits + SHEAF_SLOT_BITS);
    case SHEAF_THREAD:
        return UINT64_C(1) << SHEAF_THREAD_BITS;
    case SHEAF_VSPACE:
        return UINT64_C(1) << SHEAF_CHUNK_BITS;
    case SHEAF_UNTYPED:
    case SHEAF_FRAME:
        return UINT64_C(1) << type_bits;
    default:
        return UINT64_C(1) << SHEAF_ENDPOINT_BITS;
    }
}

enum sheaf_error pool_make(enum sheaf_type type, unsigned type_bits, sheaf_cptr slot,
                           uint64_t count) {
    uint64_t bytes = object_bytes(type, type_bits) * count;
    for (unsigned i = 0; i < piece_count; i++) {
        if (pieces[i].left < bytes)
            continue;
        enum sheaf_error error =
            sheaf_retype(pieces[i].untyped, type, type_bits, SHEAF_MEMORY_NORMAL,
                         SHEAF_BOOT_SLOT_CNODE, slot, count);
        refresh(&pieces[i]);
        if (error != SHEAF_ERR_NO_MEMORY)
            return error;
    }
    return SHEAF_ERR_NO_MEMORY;
}

uint64_t pool_make_frames(unsigned bits, sheaf_cptr slot, uint64_t count) {
    for (unsigned i = 0; i < piece_count; i++) {
        // Aligning the first Frame may cost room for one.
        uint64_t now = pieces[i].left >> bits;
        if (now > count)
            now = count;
        if (now > SHEAF_RETYPE_MAX)
            now = SHEAF_RETYPE_MAX;
        for (unsigned attempt = 0; attempt < 2 && now > 0; attempt++, now--) {
            enum sheaf_error error =
                sheaf_retype(pieces[i].untyped, SHEAF_FRAME, bits, SHEAF_MEMORY_NORMAL,
                             SHEAF_BOOT_SLOT_CNODE, slot, now);
            if (error == SHEAF_OK) {
                refresh(&pieces[i]);
                return now;
            }
        }
    }
    return 0;
}

enum sheaf_error pool_grow(sheaf_cptr vspace, uint64_t chunks) {
    for (unsigned i = 0; i < piece_count && chunks > 0; i++)
        while (chunks > 0 && pieces[i].left >> SHEAF_CHUNK_BITS != 0) {
            enum sheaf_error error = sheaf_vspace_grow(vspace, pieces[i].untyped, 1);
            refresh(&pieces[i]);
            if (error == SHEAF_ERR_NO_MEMORY)
                break;
            if (error != SHEAF_OK)
                return error;
            chunks--;
        }
    return chunks == 0 ? SHEAF_OK : SHEAF_ERR_NO_MEMORY;
}

uint64_t pool_bytes_left(unsigned bits) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < piece_count; i++)
        bytes += pieces[i].left >> bits << bits;
    return bytes;
}
