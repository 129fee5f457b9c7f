// SPDX-License-Identifier: BSD-2-Clause
// The watching thread has no IPC buffer, no thread area and no C library: it makes bare system
// calls whose words fit the registers.
#include "watch.h"
#include <pool.h>
#include <slots.h>
#include <string.h>

static sheaf_cptr badged; // the notification, with a bit to signal
static char stack[4096] __attribute__((aligned(16)));

static void say(const char *text) {
    struct sheaf_registers r = {
        .x = {[SHEAF_REG_CAP] = SHEAF_BOOT_SLOT_CONSOLE, [SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL}};
    size_t count = strlen(text), room = (SHEAF_REG_WORDS - 1) * sizeof(uint64_t);
    count = count < room ? count : room;
    r.x[SHEAF_REG_TAG] = SHEAF_TAG(SHEAF_CONSOLE_WRITE, SHEAF_REG_WORDS);
    r.x[SHEAF_REG_WORD0] = count;
    memcpy(&r.x[SHEAF_REG_WORD0 + 1], text, count);
    sheaf_syscall(&r);
}

_Noreturn static void watch(void) {
    struct sheaf_registers wait = {
        .x = {[SHEAF_REG_CAP] = badged, [SHEAF_REG_SYSCALL] = SHEAF_SYS_RECV}};
    sheaf_syscall(&wait);
    say("init: the pager has failed\n");
    struct sheaf_registers off = {.x = {[SHEAF_REG_CAP] = SHEAF_BOOT_SLOT_SYSTEM,
                                        [SHEAF_REG_TAG] = SHEAF_TAG(SHEAF_SYSTEM_POWER_OFF, 1),
                                        [SHEAF_REG_WORD0] = STATUS_NO_PAGER,
                                        [SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL}};
    for (;;)
        sheaf_syscall(&off);
}

bool watch_start(sheaf_cptr *notification) {
    const struct sheaf_thread_configuration configuration = {.cspace = SHEAF_BOOT_SLOT_CNODE,
                                                             .vspace = SHEAF_BOOT_SLOT_VSPACE};
    const struct sheaf_thread_start start = {.pc = (uint64_t)watch,
                                             .sp = (uint64_t)stack + sizeof stack};
    sheaf_cptr plain = slots_take(1), thread = slots_take(1);
    badged = *notification = slots_take(1);
    return plain != 0 && thread != 0 && badged != 0 &&
           pool_make(SHEAF_NOTIFICATION, 0, plain, 1) == SHEAF_OK &&
           sheaf_mint(SHEAF_BOOT_SLOT_CNODE, badged, plain, SHEAF_RIGHTS_ALL, 1) == SHEAF_OK &&
           pool_make(SHEAF_THREAD, 0, thread, 1) == SHEAF_OK &&
           sheaf_thread_configure(thread, &configuration) == SHEAF_OK &&
           sheaf_thread_write_start(thread, &start) == SHEAF_OK &&
           sheaf_thread_set_priority(thread, SHEAF_PRIORITIES - 1, SHEAF_PRIORITIES - 1,
                                     SHEAF_BOOT_SLOT_THREAD) == SHEAF_OK &&
           sheaf_thread_set_name(thread, "watch") == SHEAF_OK &&
           sheaf_thread_resume(thread) == SHEAF_OK;
}
