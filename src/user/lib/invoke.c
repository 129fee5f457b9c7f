// SPDX-License-Identifier: BSD-2-Clause
// Messages, and the methods of the kernel's objects as functions.
#include <sheaf/time.h>
#include <string.h>

uint64_t sheaf_message_word(const struct sheaf_registers *registers, unsigned i) {
    if (i < SHEAF_REG_WORDS)
        return registers->x[SHEAF_REG_WORD0 + i];
    return sheaf_ipc_buffer()->message[i];
}

void sheaf_message_put(struct sheaf_registers *registers, unsigned i, uint64_t word) {
    if (i < SHEAF_REG_WORDS)
        registers->x[SHEAF_REG_WORD0 + i] = word;
    else
        sheaf_ipc_buffer()->message[i] = word;
}

enum sheaf_error sheaf_call(sheaf_cptr object, uint64_t label, const uint64_t *words,
                            unsigned count, uint64_t *answer, unsigned *answer_count,
                            uint64_t *answer_label) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = object,
                                      [SHEAF_REG_TAG] = SHEAF_TAG(label, count),
                                      [SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL}};
    for (unsigned i = 0; i < count && i < SHEAF_MSG_WORDS; i++)
        sheaf_message_put(&r, i, words[i]);
    sheaf_syscall(&r);
    enum sheaf_error error = (enum sheaf_error)r.x[SHEAF_REG_STATUS];
    if (error != SHEAF_OK)
        return error;
    if (answer_label != NULL)
        *answer_label = SHEAF_TAG_LABEL(r.x[SHEAF_REG_TAG]);
    if (answer_count != NULL) {
        unsigned length = SHEAF_TAG_LENGTH(r.x[SHEAF_REG_TAG]);
        for (unsigned i = 0; i < length && i < *answer_count; i++)
            answer[i] = sheaf_message_word(&r, i);
        *answer_count = length;
    }
    return SHEAF_OK;
}

// A method without answer words.
static enum sheaf_error method(sheaf_cptr object, uint64_t label, const uint64_t *words,
                               unsigned count) {
    return sheaf_call(object, label, words, count, NULL, NULL, NULL);
}
#define METHOD(object, label, ...)                                                                 \
    method(object, label, (const uint64_t[]){__VA_ARGS__},                                         \
           (unsigned)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)))

void sheaf_yield(void) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_SYSCALL] = SHEAF_SYS_YIELD}};
    sheaf_syscall(&r);
}

enum sheaf_error sheaf_signal(sheaf_cptr notification) {
    struct sheaf_registers r = {
        .x = {[SHEAF_REG_CAP] = notification, [SHEAF_REG_SYSCALL] = SHEAF_SYS_SEND}};
    sheaf_syscall(&r);
    return (enum sheaf_error)r.x[SHEAF_REG_STATUS];
}

enum sheaf_error sheaf_wait(sheaf_cptr notification, uint64_t *bits) {
    return sheaf_wait_until(notification, 0, bits);
}

enum sheaf_error sheaf_retype(sheaf_cptr untyped, enum sheaf_type type, unsigned type_bits,
                              enum sheaf_memory_type memory, sheaf_cptr cnode, uint64_t index,
                              uint64_t count) {
    uint64_t what = (uint64_t)type | ((uint64_t)type_bits << 8) | ((uint64_t)memory << 16);
    return METHOD(untyped, SHEAF_UNTYPED_RETYPE, what, cnode, index, count);
}

enum sheaf_error sheaf_untyped_info(sheaf_cptr untyped, struct sheaf_untyped_info *info) {
    uint64_t answer[4] = {0};
    unsigned count = 4;
    enum sheaf_error error = sheaf_call(untyped, SHEAF_UNTYPED_INFO, NULL, 0, answer, &count, NULL);
    if (error == SHEAF_OK)
        *info = (struct sheaf_untyped_info){answer[0], answer[1], answer[2], answer[3]};
    return error;
}

enum sheaf_error sheaf_untyped_purge(sheaf_cptr untyped) {
    return METHOD(untyped, SHEAF_UNTYPED_PURGE);
}

enum sheaf_error sheaf_copy(sheaf_cptr cnode, uint64_t index, sheaf_cptr source, uint64_t rights) {
    return METHOD(cnode, SHEAF_CNODE_COPY, index, source, rights);
}

enum sheaf_error sheaf_mint(sheaf_cptr cnode, uint64_t index, sheaf_cptr source, uint64_t rights,
                            uint64_t badge) {
    return METHOD(cnode, SHEAF_CNODE_MINT, index, source, rights, badge);
}

enum sheaf_error sheaf_move(sheaf_cptr cnode, uint64_t index, sheaf_cptr source) {
    return METHOD(cnode, SHEAF_CNODE_MOVE, index, source);
}

enum sheaf_error sheaf_delete(sheaf_cptr cnode, uint64_t index) {
    return METHOD(cnode, SHEAF_CNODE_DELETE, index);
}

enum sheaf_error sheaf_revoke(sheaf_cptr cnode, uint64_t index) {
    return METHOD(cnode, SHEAF_CNODE_REVOKE, index);
}

enum sheaf_error sheaf_thread_configure(sheaf_cptr thread,
                                        const struct sheaf_thread_configuration *configuration) {
    return METHOD(thread, SHEAF_THREAD_CONFIGURE, configuration->cspace, configuration->vspace,
                  configuration->fault_endpoint, configuration->ipc_frame,
                  configuration->fault_notification);
}

enum sheaf_error sheaf_thread_write_start(sheaf_cptr thread,
                                          const struct sheaf_thread_start *start) {
    return METHOD(thread, SHEAF_THREAD_WRITE_REGISTERS, 6, start->pc, start->sp, start->tls,
                  start->argument[0], start->argument[1], start->argument[2]);
}

_Static_assert(sizeof(struct sheaf_thread_registers) == SHEAF_REGISTERS * sizeof(uint64_t),
               "a word each");

enum sheaf_error sheaf_thread_read_registers(sheaf_cptr thread,
                                             struct sheaf_thread_registers *registers) {
    uint64_t answer[1 + SHEAF_REGISTERS] = {0}; // their count, then they
    unsigned count = 1 + SHEAF_REGISTERS;
    enum sheaf_error error =
        sheaf_call(thread, SHEAF_THREAD_READ_REGISTERS, NULL, 0, answer, &count, NULL);
    if (error == SHEAF_OK)
        memcpy(registers, answer + 1, sizeof *registers);
    return error;
}

enum sheaf_error sheaf_thread_write_registers(sheaf_cptr thread,
                                              const struct sheaf_thread_registers *registers) {
    uint64_t words[1 + SHEAF_REGISTERS] = {SHEAF_REGISTERS};
    memcpy(words + 1, registers, sizeof *registers);
    return method(thread, SHEAF_THREAD_WRITE_REGISTERS, words, 1 + SHEAF_REGISTERS);
}

enum sheaf_error sheaf_thread_set_priority(sheaf_cptr thread, uint64_t priority, uint64_t maximum,
                                           sheaf_cptr authority) {
    return METHOD(thread, SHEAF_THREAD_SET_PRIORITY, priority, maximum, authority);
}

enum sheaf_error sheaf_thread_resume(sheaf_cptr thread) {
    return method(thread, SHEAF_THREAD_RESUME, NULL, 0);
}

enum sheaf_error sheaf_thread_suspend(sheaf_cptr thread) {
    return method(thread, SHEAF_THREAD_SUSPEND, NULL, 0);
}

enum sheaf_error sheaf_thread_bind(sheaf_cptr thread, sheaf_cptr notification) {
    return METHOD(thread, SHEAF_THREAD_BIND, notification);
}

enum sheaf_error sheaf_thread_set_name(sheaf_cptr thread, const char *name) {
    char text[16] = {0};
    uint64_t words[2];
    size_t length = strlen(name);
    memcpy(text, name, length < 15 ? length : 15);
    memcpy(words, text, sizeof words);
    return method(thread, SHEAF_THREAD_SET_NAME, words, 2);
}

enum sheaf_error sheaf_vspace_grow(sheaf_cptr vspace, sheaf_cptr untyped, uint64_t chunks) {
    return METHOD(vspace, SHEAF_VSPACE_GROW, untyped, chunks);
}

enum sheaf_error sheaf_vspace_info(sheaf_cptr vspace, struct sheaf_vspace_info *info) {
    uint64_t answer[4] = {0};
    unsigned count = 4;
    enum sheaf_error error = sheaf_call(vspace, SHEAF_VSPACE_INFO, NULL, 0, answer, &count, NULL);
    if (error == SHEAF_OK)
        *info = (struct sheaf_vspace_info){answer[0], answer[1], answer[2], answer[3]};
    return error;
}

enum sheaf_error sheaf_frame_address(sheaf_cptr frame, uint64_t *physical) {
    uint64_t answer[3] = {0};
    unsigned count = 3;
    enum sheaf_error error =
        sheaf_call(frame, SHEAF_FRAME_GET_ADDRESS, NULL, 0, answer, &count, NULL);
    if (error == SHEAF_OK)
        *physical = answer[0];
    return error;
}
