// SPDX-License-Identifier: BSD-2-Clause
// Methods of a Thread: priority, registers, name, running.
#include "delete.h"
#include "evict.h"
#include "invoke.h"
#include "system.h"
#include "thread.h"

// pc, sp, TLS, general registers, condition flags
#define FLAGS_WORD (SHEAF_REGISTERS - 1u)
_Static_assert(3 + ARRAY_SIZE(((struct arch_context *)0)->reg) == FLAGS_WORD, "as the ABI says");

static struct thread *target(const struct invocation *invocation) {
    return invocation->slot->object;
}

static uint64_t *register_at(struct arch_context *context, unsigned i) {
    return i == 0   ? &context->pc
           : i == 1 ? &context->sp
           : i == 2 ? &context->tls
                    : &context->reg[i - 3];
}

// Whether nothing but an answer to its fault, or RESUME, lets the thread read its registers again.
// A fault's message was copied when it happened and its answer writes none, so they are free while
// the handler thinks: it may carry out an instruction itself. Any other wait has its message or the
// place of its answer in them; and of a thread that is ready nobody knows how far it is.
static bool registers_are_free(const struct thread *thread) {
    return thread->state == SHEAF_STATE_SUSPENDED || thread->state == SHEAF_STATE_FAULTED ||
           thread->faulting;
}

static enum sheaf_error thread_write_registers(struct invocation *invocation) {
    struct thread *thread = target(invocation);
    uint64_t count = argument(invocation, 0);
    if (count > SHEAF_REGISTERS) {
        return SHEAF_ERR_RANGE;
    }
    bool flags = count > FLAGS_WORD;
    if (count > invocation->length - 1 ||
        (flags && (argument(invocation, FLAGS_WORD + 1) & ~SHEAF_FLAGS) != 0)) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    if (!registers_are_free(thread)) {
        return SHEAF_ERR_IN_USE;
    }
    for (unsigned i = 0; i < MIN(count, FLAGS_WORD); i++) {
        *register_at(&thread->context, i) = argument(invocation, i + 1);
    }
    if (flags) {
        arch_context_set_conditions(&thread->context, argument(invocation, FLAGS_WORD + 1));
    }
    evict_abandon(thread);
    thread->continuation.kind = CONTINUE_NOTHING;
    return SHEAF_OK;
}

static enum sheaf_error thread_read_registers(struct invocation *invocation) {
    if (thread_buffer(invocation->caller) == NULL) {
        return SHEAF_ERR_NO_BUFFER;
    }
    struct arch_context *context = &target(invocation)->context;
    answer(invocation, SHEAF_REGISTERS);
    for (unsigned i = 0; i < FLAGS_WORD; i++) {
        answer(invocation, *register_at(context, i));
    }
    answer(invocation, arch_context_conditions(context));
    return SHEAF_OK;
}

static void set_priority(struct pe *pe, struct thread *thread, unsigned priority) {
    switch (thread->state) {
    case SHEAF_STATE_SENDING:
    case SHEAF_STATE_RECEIVING:
        endpoint_requeue(thread, priority);
        break;
    case SHEAF_STATE_WAITING_NOTIFICATION:
        notification_requeue(thread, priority);
        break;
    default:
        sched_set_priority(pe, thread, priority);
        break;
    }
}

static enum sheaf_error thread_set_priority(struct invocation *invocation) {
    uint64_t priority = argument(invocation, 0), most = argument(invocation, 1);
    struct slot *authority;
    enum sheaf_error error =
        lookup_type(invocation->caller, argument(invocation, 2), SHEAF_THREAD, &authority);
    if (error != SHEAF_OK) {
        return error;
    }
    if (priority >= SHEAF_PRIORITIES || most >= SHEAF_PRIORITIES) {
        return SHEAF_ERR_RANGE;
    }
    unsigned bound = ((struct thread *)authority->object)->max_priority;
    if (priority > bound || most > bound) {
        return SHEAF_ERR_PRIORITY;
    }
    target(invocation)->max_priority = (uint8_t)most;
    set_priority(invocation->pe, target(invocation), (unsigned)priority);
    return SHEAF_OK;
}

static enum sheaf_error thread_resume(struct invocation *invocation) {
    struct thread *thread = target(invocation);
    if (thread->state == SHEAF_STATE_SUSPENDED || thread->state == SHEAF_STATE_FAULTED) {
        sched_wake(invocation->pe, thread);
    }
    return SHEAF_OK;
}

static enum sheaf_error thread_suspend_method(struct invocation *invocation) {
    thread_suspend(invocation->pe, target(invocation));
    return SHEAF_OK;
}

static enum sheaf_error thread_bind(struct invocation *invocation) {
    sheaf_cptr name = argument(invocation, 0);
    struct slot *slot;
    if (name == 0) {
        notification_unbind(target(invocation));
        return SHEAF_OK;
    }
    enum sheaf_error error = lookup_type(invocation->caller, name, SHEAF_NOTIFICATION, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    if ((slot->rights & SHEAF_RIGHT_READ) == 0) {
        return SHEAF_ERR_NO_RIGHT;
    }
    error = notification_bind(target(invocation), slot->object);
    if (error == SHEAF_OK) {
        notification_serve(invocation->pe, slot->object);
    }
    return error;
}

static enum sheaf_error thread_set_affinity(struct invocation *invocation) {
    uint64_t pe = argument(invocation, 0);
    if (!system_has_pe(pe)) {
        return SHEAF_ERR_RANGE;
    }
    target(invocation)->pe = (uint8_t)pe;
    return SHEAF_OK;
}

static enum sheaf_error thread_set_name(struct invocation *invocation) {
    char *name = target(invocation)->name;
    for (unsigned i = 0; i < sizeof(target(invocation)->name) - 1; i++) {
        name[i] = (char)(argument(invocation, i / 8) >> (8 * (i % 8)));
    }
    return SHEAF_OK;
}

static enum sheaf_error thread_info(struct invocation *invocation) {
    const struct thread *thread = target(invocation);
    answer(invocation, thread->state);
    answer(invocation, thread->priority);
    answer(invocation, thread->max_priority);
    for (unsigned word = 0; word < 2; word++) {
        uint64_t bytes = 0;
        for (unsigned i = 0; i < 8; i++) {
            bytes |= (uint64_t)(unsigned char)thread->name[word * 8 + i] << (8 * i);
        }
        answer(invocation, bytes);
    }
    answer(invocation, thread->pe);
    return SHEAF_OK;
}

static const struct method methods[] = {
    [SHEAF_THREAD_CONFIGURE] = {.run = thread_configure, .words = 5},
    [SHEAF_THREAD_WRITE_REGISTERS] = {.run = thread_write_registers, .words = 1},
    [SHEAF_THREAD_READ_REGISTERS] = {.run = thread_read_registers},
    [SHEAF_THREAD_SET_PRIORITY] = {.run = thread_set_priority, .words = 3},
    [SHEAF_THREAD_RESUME] = {.run = thread_resume},
    [SHEAF_THREAD_SUSPEND] = {.run = thread_suspend_method},
    [SHEAF_THREAD_BIND] = {.run = thread_bind, .words = 1},
    [SHEAF_THREAD_SET_NAME] = {.run = thread_set_name, .words = 2},
    [SHEAF_THREAD_INFO] = {.run = thread_info},
    [SHEAF_THREAD_SET_AFFINITY] = {.run = thread_set_affinity, .words = 1},
};
const struct methods thread_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
