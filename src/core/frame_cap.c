// SPDX-License-Identifier: BSD-2-Clause
// Methods of a Frame: where it is, and where it is mapped.
#include "invoke.h"

static enum sheaf_error frame_get_address(struct invocation *invocation) {
    const struct slot *slot = invocation->slot;
    answer(invocation, slot->frame.address.v);
    answer(invocation, slot->size_bits);
    answer(invocation, slot->memory_type);
    return SHEAF_OK;
}

static enum sheaf_error frame_get_mapping(struct invocation *invocation) {
    const struct slot *slot = invocation->slot;
    vaddr_t va = {0};
    uint64_t pages = 0;
    if (slot->frame.record.v == 0 ||
        !record_place(slot->frame.record, slot->frame.address, slot->size_bits, &va, &pages)) {
        va = VADDR(0);
        pages = 0;
    }
    answer(invocation, va.v);
    answer(invocation, pages);
    return SHEAF_OK;
}

static const struct method methods[] = {
    [SHEAF_FRAME_GET_ADDRESS] = {.run = frame_get_address},
    [SHEAF_FRAME_GET_MAPPING] = {.run = frame_get_mapping},
};
const struct methods frame_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
