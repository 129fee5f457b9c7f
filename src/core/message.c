// SPDX-License-Identifier: BSD-2-Clause
// Messages: what a tag may say, and moving words from one thread to another.
#include "ipc.h"

enum sheaf_error message_check(const struct thread *from, uint64_t tag) {
    if (unlikely((tag & TAG_ZERO_BITS) != 0 || SHEAF_TAG_LABEL(tag) >= SHEAF_LABEL_KERNEL)) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    unsigned length = SHEAF_TAG_LENGTH(tag);
    if (likely(length <= SHEAF_REG_WORDS)) {
        return SHEAF_OK;
    }
    return length > SHEAF_MSG_WORDS      ? SHEAF_ERR_MESSAGE_TOO_LONG
           : thread_buffer(from) == NULL ? SHEAF_ERR_NO_BUFFER
                                         : SHEAF_OK;
}

void message_copy(const struct thread *from, struct thread *to, uint64_t tag) {
    unsigned length = SHEAF_TAG_LENGTH(tag);
    message_copy_registers(from, to, tag, MIN(length, SHEAF_REG_WORDS));
    if (unlikely(length > SHEAF_REG_WORDS)) {
        const struct sheaf_ipc_buffer *source = thread_buffer(from);
        struct sheaf_ipc_buffer *target = thread_buffer(to);
        if (source != target) { // two threads may share a Frame
            arch_copy(&target->message[SHEAF_REG_WORDS], &source->message[SHEAF_REG_WORDS],
                      (length - SHEAF_REG_WORDS) * sizeof(uint64_t));
        }
    }
}
