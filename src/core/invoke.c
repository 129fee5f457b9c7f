// SPDX-License-Identifier: BSD-2-Clause
// CALL: to an Endpoint a message, to any other object a method.
#include "invoke.h"

#include "delete.h"

static const struct methods *methods_of(unsigned type) {
    switch (type) {
    case SHEAF_UNTYPED:
        return &untyped_methods;
    case SHEAF_CNODE:
        return &cnode_methods;
    case SHEAF_THREAD:
        return &thread_methods;
    case SHEAF_VSPACE:
        return &vspace_methods;
    case SHEAF_FRAME:
        return &frame_methods;
    case SHEAF_CONSOLE:
        return &console_methods;
    case SHEAF_SYSTEM:
        return &system_methods;
    case SHEAF_IRQ_CONTROL:
        return &irq_control_methods;
    case SHEAF_IRQ_HANDLER:
        return &irq_handler_methods;
    case SHEAF_TIMER:
        return &timer_methods;
    default: // Notification and Reply have none
        return NULL;
    }
}

enum sheaf_error invocation_bury(const struct invocation *invocation) {
    enum sheaf_error error = burials_continue(invocation->pe);
    if (error != SHEAF_OK && invocation->pe->current == invocation->caller) {
        invocation->caller->continuation.kind = CONTINUE_DELETE;
    }
    return error;
}

static void write_answer(const struct invocation *invocation) {
    uint64_t *reg = invocation->caller->context.reg;
    reg[SHEAF_REG_STATUS] = SHEAF_OK;
    reg[SHEAF_REG_TAG] = SHEAF_TAG(0, invocation->answers);
    for (unsigned i = 0; i < MIN(invocation->answers, SHEAF_REG_WORDS); i++) {
        reg[SHEAF_REG_WORD0 + i] = invocation->answer[i];
    }
}

static enum sheaf_error invoke(struct pe *pe, struct thread *thread, struct slot *slot,
                               uint64_t tag) {
    struct invocation invocation = {
        .pe = pe, .caller = thread, .slot = slot, .length = SHEAF_TAG_LENGTH(tag)};
    const struct methods *methods = methods_of(slot->type);
    uint64_t number = SHEAF_TAG_LABEL(tag);
    if (methods == NULL || number >= methods->count || methods->of[number].run == NULL) {
        return SHEAF_ERR_UNKNOWN_METHOD;
    }
    const struct method *method = &methods->of[number];
    enum sheaf_error error = message_check(thread, tag);
    if (error != SHEAF_OK) {
        return error;
    }
    if (SHEAF_TAG_CAPABILITIES(tag) != 0) {
        return SHEAF_ERR_INVALID_ARGUMENT; // what a method needs it is told by name
    }
    if ((slot->rights & method->rights) != method->rights) {
        return SHEAF_ERR_NO_RIGHT;
    }
    if (invocation.length < method->words) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    error = method->run(&invocation);
    if (error == SHEAF_OK && pe->current == thread) { // it may have deleted itself
        write_answer(&invocation);
        return ANSWERED;
    }
    return error;
}

enum sheaf_error sys_call(struct pe *pe, struct thread *thread) {
    struct slot *slot;
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    if (unlikely(thread->continuation.kind == CONTINUE_DELETE)) {
        // What was asked for is done; the name may mean something else by now.
        enum sheaf_error left = burials_continue(pe);
        reload_vspace(pe);
        return left;
    }
    enum sheaf_error error = lookup(thread, thread->context.reg[SHEAF_REG_CAP], &slot);
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    if (slot->type != SHEAF_ENDPOINT) {
        return invoke(pe, thread, slot, tag);
    }
    error = message_check(thread, tag);
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    if (unlikely((slot->rights & SHEAF_RIGHT_WRITE) == 0)) {
        return SHEAF_ERR_NO_RIGHT;
    }
    return endpoint_send(pe, thread, slot, (struct wait){.call = true, .block = true});
}
