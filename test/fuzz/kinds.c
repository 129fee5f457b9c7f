// SPDX-License-Identifier: BSD-2-Clause
// The table of events: every system call, every method, and what the machine does.
#include "record.h"

// clang-format off
#define ANY UINT32_MAX
#define T(name) (1u << SHEAF_##name)
#define A(name) {ARG_##name, 0}
#define CAP(fit) {ARG_CAP, (fit)}
#define OPTIONAL(fit) {ARG_OPTIONAL, (fit)}
#define METHOD(type, label, ...) SHEAF_SYS_CALL, (label), 1u << SHEAF_##type, {__VA_ARGS__}
#define CALL(name, fit, ...) SHEAF_SYS_##name, 0, (fit), {__VA_ARGS__}
#define EVENT(name) (unsigned)EVENT_##name, 0, 0, {A(NONE)}
#define WAITABLE (T(ENDPOINT) | T(NOTIFICATION))

const struct kind kinds[] = {
    {"tick", EVENT(TICK)},
    {"time", EVENT(TIME)},
    {"page fault", EVENT(PAGE_FAULT)},
    {"exception", EVENT(EXCEPTION)},
    {"device", EVENT(DEVICE)},
    {"input", EVENT(INPUT)},
    {"operation", EVENT(OPERATION)},
    {"untyped.retype", METHOD(UNTYPED, SHEAF_UNTYPED_RETYPE,
        A(WHAT), CAP(T(CNODE)), A(EMPTY), A(COUNT))},
    {"untyped.info", METHOD(UNTYPED, SHEAF_UNTYPED_INFO, A(NONE))},
    {"cnode.copy", METHOD(CNODE, SHEAF_CNODE_COPY, A(EMPTY), CAP(ANY), A(RIGHTS))},
    {"cnode.mint", METHOD(CNODE, SHEAF_CNODE_MINT, A(EMPTY), CAP(WAITABLE), A(RIGHTS), A(BADGE))},
    {"cnode.move", METHOD(CNODE, SHEAF_CNODE_MOVE, A(EMPTY), CAP(ANY))},
    {"cnode.delete", METHOD(CNODE, SHEAF_CNODE_DELETE, A(FULL))},
    {"cnode.revoke", METHOD(CNODE, SHEAF_CNODE_REVOKE, A(FULL))},
    {"cnode.rotate", METHOD(CNODE, SHEAF_CNODE_ROTATE, A(EMPTY), CAP(ANY), CAP(ANY))},
    {"cnode.cancel", METHOD(CNODE, SHEAF_CNODE_CANCEL, A(FULL))},
    {"thread.configure", METHOD(THREAD, SHEAF_THREAD_CONFIGURE, OPTIONAL(T(CNODE)),
        OPTIONAL(T(VSPACE)), OPTIONAL(T(ENDPOINT)), OPTIONAL(T(FRAME)), OPTIONAL(T(NOTIFICATION)))},
    {"thread.write_registers", METHOD(THREAD, SHEAF_THREAD_WRITE_REGISTERS, A(WORDS))},
    {"thread.read_registers", METHOD(THREAD, SHEAF_THREAD_READ_REGISTERS, A(NONE))},
    {"thread.set_priority", METHOD(THREAD, SHEAF_THREAD_SET_PRIORITY, A(PRIORITY), A(PRIORITY),
        CAP(T(THREAD)))},
    {"thread.resume", METHOD(THREAD, SHEAF_THREAD_RESUME, A(NONE))},
    {"thread.suspend", METHOD(THREAD, SHEAF_THREAD_SUSPEND, A(NONE))},
    {"thread.bind", METHOD(THREAD, SHEAF_THREAD_BIND, OPTIONAL(T(NOTIFICATION)))},
    {"thread.set_name", METHOD(THREAD, SHEAF_THREAD_SET_NAME, A(NUMBER), A(NUMBER))},
    {"thread.info", METHOD(THREAD, SHEAF_THREAD_INFO, A(NONE))},
    {"thread.set_affinity", METHOD(THREAD, SHEAF_THREAD_SET_AFFINITY, A(NUMBER))},
    {"vspace.grow", METHOD(VSPACE, SHEAF_VSPACE_GROW, CAP(T(UNTYPED)), A(COUNT))},
    {"vspace.shrink", METHOD(VSPACE, SHEAF_VSPACE_SHRINK, A(COUNT))},
    {"vspace.info", METHOD(VSPACE, SHEAF_VSPACE_INFO, A(NONE))},
    {"frame.get_address", METHOD(FRAME, SHEAF_FRAME_GET_ADDRESS, A(NONE))},
    {"frame.get_mapping", METHOD(FRAME, SHEAF_FRAME_GET_MAPPING, A(NONE))},
    {"console.write", METHOD(CONSOLE, SHEAF_CONSOLE_WRITE, A(BYTES))},
    {"console.read", METHOD(CONSOLE, SHEAF_CONSOLE_READ, A(NONE))},
    {"console.bind", METHOD(CONSOLE, SHEAF_CONSOLE_BIND, OPTIONAL(T(NOTIFICATION)))},
    {"timer.get_time", METHOD(TIMER, SHEAF_TIMER_GET_TIME, A(NONE))},
    {"timer.attach", METHOD(TIMER, SHEAF_TIMER_ATTACH, OPTIONAL(T(NOTIFICATION)))},
    {"timer.set", METHOD(TIMER, SHEAF_TIMER_SET, A(TIME))},
    {"irq_control.bind", METHOD(IRQ_CONTROL, SHEAF_IRQ_CONTROL_BIND, A(INTERRUPT), A(NUMBER),
        CAP(T(IRQ_HANDLER)))},
    {"irq_handler.attach", METHOD(IRQ_HANDLER, SHEAF_IRQ_HANDLER_ATTACH,
        OPTIONAL(T(NOTIFICATION)))},
    {"irq_handler.acknowledge", METHOD(IRQ_HANDLER, SHEAF_IRQ_HANDLER_ACKNOWLEDGE, A(NONE))},
    {"system.counters", METHOD(SYSTEM, SHEAF_SYSTEM_COUNTERS, A(NUMBER))},
    {"system.power_off", METHOD(SYSTEM, SHEAF_SYSTEM_POWER_OFF, A(NUMBER))},
    {"call", CALL(CALL, T(ENDPOINT), A(NUMBER), A(NUMBER))},
    {"send", CALL(SEND, WAITABLE, A(NUMBER), A(NUMBER))},
    {"nb_send", CALL(NB_SEND, WAITABLE, A(NUMBER), A(NUMBER))},
    {"recv", CALL(RECV, WAITABLE, A(NONE))},
    {"nb_recv", CALL(NB_RECV, WAITABLE, A(NONE))},
    {"reply", CALL(REPLY, T(REPLY), A(NUMBER))},
    {"reply_recv", CALL(REPLY_RECV, WAITABLE, A(NUMBER))},
    {"yield", CALL(YIELD, 0, A(NONE))},
    {"gather", CALL(GATHER, WAITABLE, A(NONE))},
    {"null", CALL(NULL, 0, A(NONE))},
    {"untyped.purge", METHOD(UNTYPED, SHEAF_UNTYPED_PURGE, A(NONE))},
};
const unsigned kind_count = ARRAY_SIZE(kinds);
// clang-format on
