// SPDX-License-Identifier: BSD-2-Clause
// Messages: sending, receiving, answering, calling.
#include <sheaf/user.h>

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

// One of the system calls with these words. What came back stays in the registers.
static enum sheaf_error execute(struct sheaf_registers *registers, uint64_t number, uint64_t label,
                                const uint64_t *words, unsigned count) {
    registers->x[SHEAF_REG_SYSCALL] = number;
    registers->x[SHEAF_REG_TAG] = SHEAF_TAG(label, count);
    for (unsigned i = 0; i < count && i < SHEAF_MSG_WORDS; i++)
        sheaf_message_put(registers, i, words[i]);
    sheaf_syscall(registers);
    return (enum sheaf_error)registers->x[SHEAF_REG_STATUS];
}

enum sheaf_error sheaf_call(sheaf_cptr object, uint64_t label, const uint64_t *words,
                            unsigned count, uint64_t *answer, unsigned *answer_count,
                            uint64_t *answer_label) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = object}};
    enum sheaf_error error = execute(&r, SHEAF_SYS_CALL, label, words, count);
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

enum sheaf_error sheaf_send(sheaf_cptr endpoint, uint64_t label, const uint64_t *words,
                            unsigned count) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = endpoint}};
    return execute(&r, SHEAF_SYS_SEND, label, words, count);
}

static void take(const struct sheaf_registers *registers, struct sheaf_message *message) {
    uint64_t tag = registers->x[SHEAF_REG_TAG];
    message->label = SHEAF_TAG_LABEL(tag);
    message->badge = registers->x[SHEAF_REG_BADGE];
    message->count = SHEAF_TAG_LENGTH(tag);
    message->capabilities = SHEAF_TAG_CAPABILITIES(tag);
    for (unsigned i = 0; i < message->count; i++)
        message->word[i] = sheaf_message_word(registers, i);
}

enum sheaf_error sheaf_receive(sheaf_cptr endpoint, sheaf_cptr reply,
                               struct sheaf_message *message) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = endpoint, [SHEAF_REG_REPLY] = reply}};
    enum sheaf_error error = execute(&r, SHEAF_SYS_RECV, 0, NULL, 0);
    if (error == SHEAF_OK)
        take(&r, message);
    return error;
}

enum sheaf_error sheaf_reply(sheaf_cptr reply, uint64_t label, const uint64_t *words,
                             unsigned count) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = reply}};
    return execute(&r, SHEAF_SYS_REPLY, label, words, count);
}

enum sheaf_error sheaf_reply_receive(sheaf_cptr endpoint, sheaf_cptr reply, uint64_t label,
                                     const uint64_t *words, unsigned count,
                                     struct sheaf_message *message) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = endpoint, [SHEAF_REG_REPLY] = reply}};
    enum sheaf_error error = execute(&r, SHEAF_SYS_REPLY_RECV, label, words, count);
    if (error == SHEAF_OK)
        take(&r, message);
    return error;
}
