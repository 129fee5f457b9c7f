// SPDX-License-Identifier: BSD-2-Clause
// Every system call and every method, with what makes a well-formed call of it.
#include "methods.h"
#include "harness.h"

#include <sheaf/gather.h>

#include <stdio.h>

// clang-format off
#define ANY UINT32_MAX
#define T(name) (1u << SHEAF_##name)
#define A(name) {ARG_##name, 0}
#define CAP(fit) {ARG_CAP, (fit)}
#define OPTIONAL(fit) {ARG_OPTIONAL, (fit)}
#define WAITABLE (T(ENDPOINT) | T(NOTIFICATION))
#define METHOD(type, method, ...) \
    .number = SHEAF_SYS_CALL, .label = (method), .types = 1u << SHEAF_##type, .argument = {__VA_ARGS__}
#define CALL(name, fit) .number = SHEAF_SYS_##name, .types = (fit), .argument = {A(WORD), A(WORD)}

struct method methods[] = {
    {"untyped.retype", .weight = 100, METHOD(UNTYPED, SHEAF_UNTYPED_RETYPE, A(WHAT),
        CAP(T(CNODE)), A(EMPTY), A(COUNT))},
    {"untyped.info", .weight = 6, METHOD(UNTYPED, SHEAF_UNTYPED_INFO, A(NONE))},
    {"untyped.purge", .weight = 6, METHOD(UNTYPED, SHEAF_UNTYPED_PURGE, A(NONE))},
    {"cnode.copy", .weight = 60, METHOD(CNODE, SHEAF_CNODE_COPY, A(EMPTY), CAP(ANY), A(RIGHTS))},
    {"cnode.mint", .weight = 20, METHOD(CNODE, SHEAF_CNODE_MINT, A(EMPTY), CAP(WAITABLE), A(RIGHTS),
        A(BADGE))},
    {"cnode.move", .weight = 30, METHOD(CNODE, SHEAF_CNODE_MOVE, A(EMPTY), CAP(ANY))},
    {"cnode.delete", .weight = 90, METHOD(CNODE, SHEAF_CNODE_DELETE, A(FULL))},
    {"cnode.revoke", .weight = 30, METHOD(CNODE, SHEAF_CNODE_REVOKE, A(FULL))},
    {"cnode.rotate", .weight = 20, METHOD(CNODE, SHEAF_CNODE_ROTATE, A(EMPTY), CAP(ANY), CAP(ANY))},
    {"cnode.cancel", .weight = 15, METHOD(CNODE, SHEAF_CNODE_CANCEL, A(BADGED))},
    {"thread.configure", .weight = 30, METHOD(THREAD, SHEAF_THREAD_CONFIGURE, OPTIONAL(T(CNODE)),
        OPTIONAL(T(VSPACE)), OPTIONAL(T(ENDPOINT)), OPTIONAL(T(FRAME)), OPTIONAL(T(NOTIFICATION)))},
    {"thread.write_registers", .weight = 20, METHOD(THREAD, SHEAF_THREAD_WRITE_REGISTERS,
        A(REGISTERS))},
    {"thread.read_registers", .weight = 10, METHOD(THREAD, SHEAF_THREAD_READ_REGISTERS, A(NONE))},
    {"thread.set_priority", .weight = 15, METHOD(THREAD, SHEAF_THREAD_SET_PRIORITY, A(PRIORITY),
        A(PRIORITY), CAP(T(THREAD)))},
    {"thread.resume", .weight = 20, METHOD(THREAD, SHEAF_THREAD_RESUME, A(NONE))},
    {"thread.suspend", .weight = 15, METHOD(THREAD, SHEAF_THREAD_SUSPEND, A(NONE))},
    {"thread.bind", .weight = 15, METHOD(THREAD, SHEAF_THREAD_BIND, OPTIONAL(T(NOTIFICATION)))},
    {"thread.set_name", .weight = 6, METHOD(THREAD, SHEAF_THREAD_SET_NAME, A(SMALL), A(SMALL))},
    {"thread.info", .weight = 6, METHOD(THREAD, SHEAF_THREAD_INFO, A(NONE))},
    {"thread.set_affinity", .weight = 6, METHOD(THREAD, SHEAF_THREAD_SET_AFFINITY, A(SMALL))},
    {"vspace.grow", .weight = 20, METHOD(VSPACE, SHEAF_VSPACE_GROW, CAP(T(UNTYPED)), A(COUNT))},
    {"vspace.shrink", .weight = 20, METHOD(VSPACE, SHEAF_VSPACE_SHRINK, A(CHUNK))},
    {"vspace.info", .weight = 6, METHOD(VSPACE, SHEAF_VSPACE_INFO, A(NONE))},
    {"frame.get_address", .weight = 6, METHOD(FRAME, SHEAF_FRAME_GET_ADDRESS, A(NONE))},
    {"frame.get_mapping", .weight = 10, METHOD(FRAME, SHEAF_FRAME_GET_MAPPING, A(NONE))},
    {"console.write", .weight = 6, .fails = true, METHOD(CONSOLE, SHEAF_CONSOLE_WRITE, A(SMALL))},
    {"console.read", .weight = 6, METHOD(CONSOLE, SHEAF_CONSOLE_READ, A(NONE))},
    {"console.bind", .weight = 8, METHOD(CONSOLE, SHEAF_CONSOLE_BIND, OPTIONAL(T(NOTIFICATION)))},
    {"timer.get_time", .weight = 6, METHOD(TIMER, SHEAF_TIMER_GET_TIME, A(NONE))},
    {"timer.attach", .weight = 10, METHOD(TIMER, SHEAF_TIMER_ATTACH, OPTIONAL(T(NOTIFICATION)))},
    {"timer.set", .weight = 15, METHOD(TIMER, SHEAF_TIMER_SET, A(TIME))},
    {"irq_control.bind", .weight = 10, METHOD(IRQ_CONTROL, SHEAF_IRQ_CONTROL_BIND, A(INTERRUPT),
        A(SMALL), CAP(T(IRQ_HANDLER)))},
    {"irq_handler.attach", .weight = 8, METHOD(IRQ_HANDLER, SHEAF_IRQ_HANDLER_ATTACH,
        OPTIONAL(T(NOTIFICATION)))},
    {"irq_handler.acknowledge", .weight = 8, METHOD(IRQ_HANDLER, SHEAF_IRQ_HANDLER_ACKNOWLEDGE,
        A(NONE))},
    {"system.counters", .weight = 6, METHOD(SYSTEM, SHEAF_SYSTEM_COUNTERS, A(SMALL))},
    {"system.power_off", .weight = 4, .fails = true, METHOD(SYSTEM, SHEAF_SYSTEM_POWER_OFF,
        A(SMALL))},
    {"call", .weight = 60, CALL(CALL, T(ENDPOINT))},
    {"send", .weight = 40, CALL(SEND, WAITABLE)},
    {"nb_send", .weight = 40, CALL(NB_SEND, WAITABLE)},
    {"recv", .weight = 60, CALL(RECV, WAITABLE)},
    {"nb_recv", .weight = 40, CALL(NB_RECV, WAITABLE)},
    {"reply", .weight = 50, CALL(REPLY, T(REPLY))},
    {"reply_recv", .weight = 50, CALL(REPLY_RECV, WAITABLE)},
    {"yield", .weight = 10, CALL(YIELD, 0)},
    {"null", .weight = 6, CALL(NULL, 0)},
    {"unknown", .weight = 4, .fails = true},
    {"touch", .weight = 30},
    {"gather", .weight = 150, CALL(GATHER, WAITABLE)},
    {"gather.map", .weight = 0}, // by their numbers
    {"gather.unmap", .weight = 0},
    {"gather.protect", .weight = 0},
    {"gather.move", .weight = 0},
    {"gather.age", .weight = 0},
    {"gather.evict", .weight = 0},
    {"gather.sync", .weight = 0},
    {"(spoilt)", .weight = 0},
};
// clang-format on
const unsigned method_count = sizeof(methods) / sizeof(methods[0]);
struct method *const method_other = &methods[sizeof(methods) / sizeof(methods[0]) - 1];
struct method *const method_touch =
    &methods[sizeof(methods) / sizeof(methods[0]) - 3 - SHEAF_OP_SYNC];

struct method *method_of_operation(uint64_t code) {
    bool exists = code >= SHEAF_OP_MAP && code <= SHEAF_OP_SYNC;
    return exists ? method_other - 1 - SHEAF_OP_SYNC + code : method_other;
}

static bool print_method(const struct method *method, uint64_t least) {
    bool enough = method->fails || method->succeeded >= least;
    printf("# %-23s %8llu %9llu ", method->name, (unsigned long long)method->tried,
           (unsigned long long)method->succeeded);
    for (unsigned i = 1; i < ERRORS; i++) {
        if (method->error[i] != 0) {
            printf(" %s %llu", error_name(i), (unsigned long long)method->error[i]);
        }
    }
    printf("%s\n", enough ? "" : " <- too few");
    return enough;
}

bool methods_print(uint64_t least) {
    bool enough = true;
    printf("# %-23s %8s %9s  %s\n", "method", "tried", "succeeded", "errors");
    for (unsigned i = 0; i < method_count; i++) {
        enough = print_method(&methods[i], least) && enough;
    }
    return enough;
}
