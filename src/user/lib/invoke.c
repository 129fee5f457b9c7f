// SPDX-License-Identifier: BSD-2-Clause
// The methods of the kernel's objects as functions.
#include <sheaf/time.h>
#include <string.h>

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

enum sheaf_error sheaf_rotate(sheaf_cptr cnode, uint64_t index, sheaf_cptr pivot,
                              sheaf_cptr source) {
    return METHOD(cnode, SHEAF_CNODE_ROTATE, index, pivot, source);
}

enum sheaf_error sheaf_cancel(sheaf_cptr cnode, uint64_t index) {
    return METHOD(cnode, SHEAF_CNODE_CANCEL, index);
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

enum sheaf_error sheaf_vspace_shrink(sheaf_cptr vspace, uint64_t chunk) {
    return METHOD(vspace, SHEAF_VSPACE_SHRINK, chunk);
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

enum sheaf_error sheaf_timer_attach(sheaf_cptr timer, sheaf_cptr notification) {
    return METHOD(timer, SHEAF_TIMER_ATTACH, notification);
}

enum sheaf_error sheaf_timer_set(sheaf_cptr timer, uint64_t deadline) {
    return METHOD(timer, SHEAF_TIMER_SET, deadline);
}

enum sheaf_error sheaf_irq_bind(sheaf_cptr control, uint64_t interrupt, uint64_t trigger,
                                sheaf_cptr handler) {
    return METHOD(control, SHEAF_IRQ_CONTROL_BIND, interrupt, trigger, handler);
}

enum sheaf_error sheaf_irq_attach(sheaf_cptr handler, sheaf_cptr notification) {
    return METHOD(handler, SHEAF_IRQ_HANDLER_ATTACH, notification);
}

enum sheaf_error sheaf_irq_acknowledge(sheaf_cptr handler) {
    return method(handler, SHEAF_IRQ_HANDLER_ACKNOWLEDGE, NULL, 0);
}
