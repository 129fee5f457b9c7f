// SPDX-License-Identifier: BSD-2-Clause
// The table of what is tried. A new method is one row more.
#include "method.h"

// clang-format off
#define ANY UINT32_MAX
#define T(name) (1u << SHEAF_##name)
#define A(name) {.kind = ARG_##name}
#define CAP(fit) {.kind = ARG_CAP, .types = (fit)}
#define SOURCE {.kind = ARG_SOURCE, .types = ANY}
#define OPTIONAL(fit) {.kind = ARG_CAP, .types = (fit), .or_none = true}
#define NAMES (E(INVALID_CAPABILITY) | E(RANGE) | E(WRONG_TYPE))
// Of any message to an object of the kernel
#define COMMON (E(INVALID_ARGUMENT) | E(MESSAGE_TOO_LONG) | E(NO_BUFFER))
// Of an operation of a gather, and of one on a range
#define OPERATION (NAMES | E(INVALID_ARGUMENT) | E(UNKNOWN_FLAG))
#define RANGE_OF_PAGES \
    (E(MISALIGNED) | E(NON_CANONICAL) | E(KERNEL_HALF) | E(ZERO_LENGTH) | E(OVERFLOW))
// Of a message that may take capabilities along
#define MESSAGE (E(NO_BUFFER) | E(MESSAGE_TOO_LONG) | E(INVALID_ARGUMENT) | E(NOT_COPYABLE))

struct row rows[] = {
    {.name = "untyped.retype", .number = SHEAF_SYS_CALL, .type = SHEAF_UNTYPED,
     .label = SHEAF_UNTYPED_RETYPE, .words = 4, .weight = 120,
     .argument = {A(WHAT), CAP(T(CNODE)), A(EMPTY), A(COUNT)},
     .documented = COMMON | E(RANGE) | E(MEMORY_TYPE) | E(ZERO_LENGTH) | E(WRONG_TYPE) |
                   E(SLOT_OCCUPIED) | E(NO_MEMORY) | E(NO_ASID) | E(INVALID_CAPABILITY) | E(IN_USE),
     .wrong = wrong_retype, .apply = apply_retype},
    {.name = "untyped.info", .number = SHEAF_SYS_CALL, .type = SHEAF_UNTYPED,
     .label = SHEAF_UNTYPED_INFO, .weight = 6,
     .answers = answers_untyped_info, .documented = COMMON},
    {.name = "untyped.purge", .number = SHEAF_SYS_CALL, .type = SHEAF_UNTYPED,
     .label = SHEAF_UNTYPED_PURGE, .weight = 12, .documented = COMMON, .apply = apply_purge},
    {.name = "cnode.copy", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE, .label = SHEAF_CNODE_COPY,
     .words = 3, .weight = 90, .argument = {A(EMPTY), SOURCE, A(RIGHTS)},
     .documented = COMMON | E(RANGE) | E(SLOT_OCCUPIED) | E(NOT_COPYABLE) |
                   E(INVALID_CAPABILITY),
     .wrong = wrong_copy, .apply = apply_copy},
    {.name = "cnode.mint", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE, .label = SHEAF_CNODE_MINT,
     .words = 4, .weight = 30,
     .argument = {A(EMPTY), CAP(T(ENDPOINT) | T(NOTIFICATION)), A(RIGHTS), A(BADGE)},
     .documented = COMMON | E(RANGE) | E(SLOT_OCCUPIED) | E(WRONG_TYPE) |
                   E(INVALID_CAPABILITY),
     .wrong = wrong_mint, .apply = apply_mint},
    {.name = "cnode.move", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE, .label = SHEAF_CNODE_MOVE,
     .words = 2, .weight = 40, .argument = {A(EMPTY), CAP(ANY)},
     .documented = COMMON | E(RANGE) | E(SLOT_OCCUPIED) | E(INVALID_CAPABILITY),
     .wrong = wrong_move, .apply = apply_move},
    {.name = "cnode.delete", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE,
     .label = SHEAF_CNODE_DELETE, .words = 1, .weight = 60, .argument = {A(FULL)},
     .documented = COMMON | E(RANGE) | E(INVALID_CAPABILITY), .wrong = wrong_full, .apply = apply_delete},
    {.name = "cnode.revoke", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE,
     .label = SHEAF_CNODE_REVOKE, .words = 1, .weight = 18, .argument = {A(FULL)},
     .documented = COMMON | E(RANGE) | E(INVALID_CAPABILITY), .wrong = wrong_full, .apply = apply_revoke},
    {.name = "cnode.rotate", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE,
     .label = SHEAF_CNODE_ROTATE, .words = 3, .weight = 30, .argument = {A(EMPTY), CAP(ANY), CAP(ANY)},
     .documented = COMMON | E(RANGE) | E(SLOT_OCCUPIED) | E(INVALID_CAPABILITY),
     .wrong = wrong_rotate, .apply = apply_rotate},
    {.name = "cnode.cancel", .number = SHEAF_SYS_CALL, .type = SHEAF_CNODE,
     .label = SHEAF_CNODE_CANCEL, .words = 1, .weight = 30, .argument = {A(BADGED)},
     .documented = COMMON | E(RANGE) | E(INVALID_CAPABILITY) | E(WRONG_TYPE) | E(NO_RIGHT),
     .wrong = wrong_cancel},
    {.name = "thread.configure", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_CONFIGURE, .words = 5, .weight = 40,
     .argument = {OPTIONAL(T(CNODE)), OPTIONAL(T(VSPACE)), OPTIONAL(T(ENDPOINT)), OPTIONAL(T(FRAME)),
                  OPTIONAL(T(NOTIFICATION))},
     .documented = COMMON | NAMES | E(NO_RIGHT) | E(DEAD) | E(MEMORY_TYPE),
     .wrong = wrong_configure,
     .apply = apply_configure},
    {.name = "thread.write_registers", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_WRITE_REGISTERS, .words = 1, .weight = 20, .argument = {A(WORDS)},
     .documented = COMMON | E(RANGE) | E(IN_USE), .wrong = wrong_write_registers,
     .answers = answers_write_registers},
    {.name = "thread.read_registers", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_READ_REGISTERS, .weight = 6, .documented = COMMON,
     .wrong = wrong_read_registers,
     .answers = answers_read_registers},
    {.name = "thread.set_priority", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_SET_PRIORITY, .words = 3, .weight = 15,
     .argument = {A(PRIORITY), A(PRIORITY), CAP(T(THREAD))},
     .documented = COMMON | NAMES | E(PRIORITY), .wrong = wrong_priority,
     .answers = answers_priority},
    {.name = "thread.resume", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_RESUME, .weight = 80,
     .answers = answers_resume, .documented = COMMON},
    {.name = "thread.suspend", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_SUSPEND, .weight = 20, .wrong = wrong_suspend,
     .answers = answers_suspend, .documented = COMMON},
    {.name = "thread.bind", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_BIND, .words = 1, .weight = 12, .argument = {OPTIONAL(T(NOTIFICATION))},
     .documented = COMMON | NAMES | E(NO_RIGHT) | E(IN_USE), .wrong = wrong_bind},
    {.name = "thread.set_name", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_SET_NAME, .words = 2, .weight = 9, .argument = {A(WORD), A(WORD)},
     .documented = COMMON,
     .answers = answers_set_name},
    {.name = "thread.info", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_INFO, .weight = 8,
     .answers = answers_thread_info, .documented = COMMON},
    {.name = "thread.set_affinity", .number = SHEAF_SYS_CALL, .type = SHEAF_THREAD,
     .label = SHEAF_THREAD_SET_AFFINITY, .words = 1, .weight = 10, .argument = {A(TRIGGER)}, .documented = COMMON | E(RANGE),
     .wrong = wrong_affinity,
     .answers = answers_affinity},
    {.name = "timer.get_time",
     .number = SHEAF_SYS_CALL, .type = SHEAF_TIMER, .label = SHEAF_TIMER_GET_TIME, .weight = 6,
     .answers = answers_time, .documented = COMMON},
    {.name = "timer.attach",
     .number = SHEAF_SYS_CALL, .type = SHEAF_TIMER, .label = SHEAF_TIMER_ATTACH, .words = 1,
     .weight = 14, .argument = {OPTIONAL(T(NOTIFICATION))},
     .documented = COMMON | NAMES | E(NO_RIGHT) | E(IN_USE), .wrong = wrong_attach, .apply = apply_attach},
    {.name = "timer.set",
     .number = SHEAF_SYS_CALL, .type = SHEAF_TIMER, .label = SHEAF_TIMER_SET, .words = 1,
     .weight = 14, .argument = {A(TIME)},
     .answers = answers_timer_set, .documented = COMMON},
    {.name = "irq_control.bind",
     .number = SHEAF_SYS_CALL, .type = SHEAF_IRQ_CONTROL, .label = SHEAF_IRQ_CONTROL_BIND,
     .words = 3, .weight = 20, .argument = {A(INTERRUPT), A(TRIGGER), CAP(T(IRQ_HANDLER))},
     .documented = COMMON | NAMES | E(IN_USE), .wrong = wrong_bind_interrupt,
     .answers = answers_bind_interrupt},
    {.name = "irq_handler.attach",
     .number = SHEAF_SYS_CALL, .type = SHEAF_IRQ_HANDLER, .label = SHEAF_IRQ_HANDLER_ATTACH,
     .words = 1, .weight = 14, .argument = {OPTIONAL(T(NOTIFICATION))},
     .documented = COMMON | NAMES | E(NO_RIGHT) | E(IN_USE), .wrong = wrong_attach, .apply = apply_attach},
    {.name = "irq_handler.acknowledge",
     .number = SHEAF_SYS_CALL, .type = SHEAF_IRQ_HANDLER, .label = SHEAF_IRQ_HANDLER_ACKNOWLEDGE,
     .weight = 20, .documented = COMMON, .wrong = wrong_acknowledge,
     .answers = answers_acknowledge},
    {.name = "vspace.grow", .number = SHEAF_SYS_CALL, .type = SHEAF_VSPACE,
     .label = SHEAF_VSPACE_GROW, .words = 2, .weight = 20,
     .argument = {CAP(T(UNTYPED)), A(CHUNKS)},
     .documented = COMMON | NAMES | E(NO_MEMORY) | E(TOO_MANY_CHUNKS) | E(ZERO_LENGTH) | E(DEAD) |
                   E(MEMORY_TYPE) | E(IN_USE),
     .wrong = wrong_grow, .apply = apply_grow},
    {.name = "vspace.shrink", .number = SHEAF_SYS_CALL, .type = SHEAF_VSPACE,
     .label = SHEAF_VSPACE_SHRINK, .words = 1, .weight = 20, .argument = {A(CHUNKS)},
     .documented = COMMON | E(RANGE) | E(TABLE_IN_USE) | E(DEAD), .wrong = wrong_shrink,
     .apply = apply_shrink},
    {.name = "vspace.info", .number = SHEAF_SYS_CALL, .type = SHEAF_VSPACE,
     .label = SHEAF_VSPACE_INFO, .weight = 8, .documented = COMMON | E(DEAD), .wrong = wrong_vspace_info,
     .answers = answers_vspace_info},
    {.name = "frame.get_address", .number = SHEAF_SYS_CALL, .type = SHEAF_FRAME,
     .label = SHEAF_FRAME_GET_ADDRESS, .weight = 6,
     .answers = answers_frame_address, .documented = COMMON},
    {.name = "frame.get_mapping", .number = SHEAF_SYS_CALL, .type = SHEAF_FRAME,
     .label = SHEAF_FRAME_GET_MAPPING, .weight = 6, .documented = COMMON},
    {.name = "console.write", .number = SHEAF_SYS_CALL, .type = SHEAF_CONSOLE,
     .label = SHEAF_CONSOLE_WRITE, .words = 1, .rights = SHEAF_RIGHT_WRITE, .weight = 8,
     .argument = {A(BYTES)}, .documented = COMMON | E(NO_RIGHT) | E(RANGE),
     .wrong = wrong_console_write},
    {.name = "console.read", .number = SHEAF_SYS_CALL, .type = SHEAF_CONSOLE,
     .label = SHEAF_CONSOLE_READ, .rights = SHEAF_RIGHT_READ, .weight = 6,
     .documented = COMMON | E(NO_RIGHT)},
    {.name = "console.bind", .number = SHEAF_SYS_CALL, .type = SHEAF_CONSOLE,
     .label = SHEAF_CONSOLE_BIND, .words = 1, .rights = SHEAF_RIGHT_READ, .weight = 10,
     .argument = {OPTIONAL(T(NOTIFICATION))}, .documented = COMMON | NAMES | E(NO_RIGHT) | E(IN_USE),
     .wrong = wrong_attach, .apply = apply_attach},
    {.name = "system.counters", .number = SHEAF_SYS_CALL, .type = SHEAF_SYSTEM,
     .label = SHEAF_SYSTEM_COUNTERS, .words = 1, .rights = SHEAF_RIGHT_READ, .weight = 8,
     .argument = {A(SMALL)}, .documented = COMMON | E(NO_RIGHT) | E(RANGE), .wrong = wrong_counters,
     .answers = answers_counters},
    {.name = "system.power_off", .number = SHEAF_SYS_CALL, .type = SHEAF_SYSTEM,
     .label = SHEAF_SYSTEM_POWER_OFF, .words = 1, .rights = SHEAF_RIGHT_WRITE, .weight = 6,
     .argument = {A(WORD)}, .documented = COMMON | E(NO_RIGHT)},
    {.name = "call", .number = SHEAF_SYS_CALL, .type = SHEAF_ENDPOINT, .invoked = T(ENDPOINT),
     .weight = 120, .argument = {A(WORD), A(WORD)},
     .documented = MESSAGE | E(NO_RIGHT) | E(CANCELLED) | E(NO_REPLY) | E(TIMED_OUT) |
                   E(NO_RECEIVE_SLOT), .wrong = wrong_send},
    {.name = "send", .number = SHEAF_SYS_SEND, .invoked = T(ENDPOINT) | T(NOTIFICATION),
     .weight = 40, .argument = {A(WORD), A(WORD)},
     .documented = NAMES | MESSAGE | E(NO_RIGHT) | E(CANCELLED) | E(TIMED_OUT) |
                   E(NO_RECEIVE_SLOT), .wrong = wrong_send},
    {.name = "nb_send", .number = SHEAF_SYS_NB_SEND, .invoked = T(ENDPOINT) | T(NOTIFICATION),
     .weight = 60, .argument = {A(WORD), A(WORD)},
     .documented = NAMES | MESSAGE | E(NO_RIGHT) | E(WOULD_BLOCK) | E(NO_RECEIVE_SLOT),
     .wrong = wrong_send},
    {.name = "recv", .number = SHEAF_SYS_RECV, .invoked = T(ENDPOINT) | T(NOTIFICATION),
     .weight = 60, .documented = NAMES | E(NO_RIGHT) | E(CANCELLED) | E(IN_USE) | E(TIMED_OUT),
     .wrong = wrong_receive},
    {.name = "nb_recv", .number = SHEAF_SYS_NB_RECV, .invoked = T(ENDPOINT) | T(NOTIFICATION),
     .weight = 30, .documented = NAMES | E(NO_RIGHT) | E(WOULD_BLOCK) | E(IN_USE),
     .wrong = wrong_receive},
    {.name = "reply", .number = SHEAF_SYS_REPLY, .invoked = T(REPLY), .weight = 30,
     .argument = {A(WORD)}, .documented = NAMES | MESSAGE | E(NOT_WAITING) | E(NO_RIGHT),
     .wrong = wrong_reply},
    {.name = "reply_recv", .number = SHEAF_SYS_REPLY_RECV, .invoked = T(ENDPOINT) | T(NOTIFICATION),
     .weight = 50, .argument = {A(WORD)},
     .documented = NAMES | MESSAGE | E(NO_RIGHT) | E(CANCELLED) | E(IN_USE) | E(TIMED_OUT),
     .wrong = wrong_reply_receive},
    {.name = "yield", .number = SHEAF_SYS_YIELD, .weight = 20},
    {.name = "gather", .number = SHEAF_SYS_GATHER, .weight = 250,
     .documented = NAMES | MESSAGE | E(UNKNOWN_FLAG) | E(VECTOR_TOO_LONG) | E(UNKNOWN_OPERATION) |
                   E(NO_RIGHT) | E(IN_USE) | E(CANCELLED) | E(TIMED_OUT),
     .wrong = wrong_gather},
    {.name = "gather.map", .documented = OPERATION | RANGE_OF_PAGES | E(NO_RIGHT) |
                   E(RIGHTS_EXCEEDED) | E(ALREADY_MAPPED) | E(PLACE_OCCUPIED) | E(NO_TABLES) |
                   E(MEMORY_TYPE) | E(DEAD)},
    {.name = "gather.unmap", .documented = OPERATION | RANGE_OF_PAGES | E(BLOCK_CUT) |
                   E(RESULTS_TOO_LARGE) | E(DEAD)},
    {.name = "gather.protect", .documented = OPERATION | RANGE_OF_PAGES | E(BLOCK_CUT) |
                   E(RIGHTS_EXCEEDED) | E(MEMORY_TYPE) | E(RESULTS_TOO_LARGE) | E(DEAD)},
    {.name = "gather.move", .documented = OPERATION | RANGE_OF_PAGES | E(PLACE_OCCUPIED) |
                   E(NO_TABLES) | E(OTHER_MAPPING) | E(BLOCK_CUT) | E(DEAD)},
    {.name = "gather.age", .documented = OPERATION | RANGE_OF_PAGES | E(BLOCK_CUT) |
                   E(RESULTS_TOO_LARGE) | E(DEAD)},
    {.name = "gather.evict", .documented = OPERATION | E(ZERO_LENGTH) | E(RESULTS_TOO_LARGE)},
    {.name = "gather.sync", .documented = OPERATION | E(DEAD)},
    {.name = "null", .number = SHEAF_SYS_NULL, .weight = 8},
    {.name = "unknown", .number = 0, .weight = 3, .documented = E(UNKNOWN_SYSCALL), .fails = true},
    {.name = "(no method)", .documented = E(INVALID_CAPABILITY) | E(RANGE) | E(UNKNOWN_METHOD),
     .fails = true},
};
const unsigned row_count = ARRAY_SIZE(rows);
struct row *const row_of_gather = &rows[ARRAY_SIZE(rows) - 4 - SHEAF_OP_SYNC];
struct row *const row_of_nothing = &rows[ARRAY_SIZE(rows) - 1];
// clang-format on

struct row *row_of_operation(uint64_t code) {
    return code <= SHEAF_OP_SYNC ? row_of_gather + code : row_of_gather;
}

struct row *row_of_method(unsigned type, uint64_t label) {
    for (unsigned i = 0; i < row_count; i++)
        if (rows[i].number == SHEAF_SYS_CALL && rows[i].type == type &&
            (type == SHEAF_ENDPOINT || rows[i].label == label))
            return &rows[i];
    return NULL;
}
