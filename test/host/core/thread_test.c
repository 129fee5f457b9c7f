// SPDX-License-Identifier: BSD-2-Clause
// Threads: configure, registers, priorities, suspend and resume, names, and every error.
#include "machine.h"
#include <string.h>

static struct thread *new_thread(uint64_t *cap) {
    *cap = make(SHEAF_THREAD, 0);
    return thread_of(*cap);
}

static void starts_suspended_and_clear(void **state) {
    (void)state;
    uint64_t cap;
    const struct thread *thread = new_thread(&cap);
    assert_int_equal(thread->state, SHEAF_STATE_SUSPENDED);
    struct result result = INVOKE(cap, SHEAF_THREAD_INFO);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 6));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(result.word[i], 0);
}

// ---- Configure

static void configure_derives_its_own_copies(void **state) {
    (void)state;
    uint64_t cap, cnode = make(SHEAF_CNODE, 2), vspace = make(SHEAF_VSPACE, 0);
    uint64_t endpoint = badged(make(SHEAF_ENDPOINT, 0), 9), frame = make(SHEAF_FRAME, 12);
    uint64_t notification = badged(make(SHEAF_NOTIFICATION, 0), 2);
    struct thread *thread = new_thread(&cap);
    configure(cap, cnode, vspace, endpoint, frame, notification);
    const uint64_t from[] = {cnode, vspace, endpoint, frame, notification};
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        assert_int_equal(thread->slot[i].type, slot_of(from[i])->type);
        assert_ptr_equal(slot_of(from[i])->first_child, &thread->slot[i]);
    }
    assert_int_equal(thread->slot[THREAD_FAULT_ENDPOINT].badge, 9);
    check_invariants();
    configure(cap, 0, 0, 0, 0, 0); // nothing changes
    assert_int_equal(thread->slot[THREAD_FAULT_ENDPOINT].badge, 9);
    OK(revoke(frame));
    assert_null(thread_buffer(thread));
    OK(revoke(vspace));
    assert_null(thread_vspace(thread));
    OK(destroy(cap));
    assert_null(slot_of(cnode)->first_child);
    assert_null(slot_of(endpoint)->first_child);
}

static void configure_replaces(void **state) {
    (void)state;
    uint64_t cap, memory = untyped(17);
    struct thread *thread = new_thread(&cap);
    uint64_t old = make_from(memory, SHEAF_VSPACE, 0), new = make(SHEAF_VSPACE, 0);
    configure(cap, 0, old, 0, 0, 0);
    OK(destroy(old)); // the thread holds the last capability now
    configure(cap, 0, new, 0, 0, 0);
    assert_ptr_equal(thread_vspace(thread), slot_of(new)->object);
    assert_int_equal(bytes_left(memory), BIT(17));
    configure(cap, 0, new, 0, 0, 0); // by itself
    assert_ptr_equal(thread_vspace(thread), slot_of(new)->object);
    assert_int_equal(slot_head(slot_of(new))->references, 2);
}

static void configure_after_an_interrupted_one(void **state) {
    (void)state;
    uint64_t cap, memory = untyped(18), full = make_from(memory, SHEAF_CNODE, 8);
    struct helper other = helper(PRIORITY_READY);
    struct thread *thread = new_thread(&cap);
    for (unsigned i = 1; i < 256; i++)
        OK(INVOKE(full, SHEAF_CNODE_COPY, i, VSPACE, 7));
    configure(cap, full, 0, 0, 0, 0);
    OK(destroy(full));
    // The helper replaces the CNode, is interrupted, and never comes back to delete it.
    resume(&other);
    become(other.cap);
    uint64_t *reg = running()->context.reg;
    reg[SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL;
    reg[SHEAF_REG_CAP] = cap;
    reg[SHEAF_REG_TAG] = SHEAF_TAG(SHEAF_THREAD_CONFIGURE, 5);
    memset(&reg[SHEAF_REG_WORD0], 0, 6 * sizeof(reg[0]));
    reg[SHEAF_REG_WORD0] = CNODE;
    fake_set_interrupts(0);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_ptr_equal(thread->slot[THREAD_CSPACE].object, slot_of(CNODE)->object);
    assert_int_equal(thread->retirement.type, SLOT_TOMBSTONE);
    become(INIT);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    configure(cap, 0, VSPACE, 0, 0, 0);
    assert_int_equal(thread->retirement.type, SHEAF_NULL);
    assert_int_equal(bytes_left(memory), BIT(18));
}

static void configure_of_the_running_thread(void **state) {
    (void)state;
    uint64_t vspace = make(SHEAF_VSPACE, 0), before = port_loaded_root();
    configure(INIT, 0, vspace, 0, 0, 0);
    assert_int_not_equal(port_loaded_root(), before);
    configure(INIT, 0, VSPACE, 0, 0, 0);
    assert_int_equal(port_loaded_root(), before);
    // Its own CSpace: names mean other slots from now on.
    uint64_t cnode = make(SHEAF_CNODE, 4);
    OK(INVOKE(cnode, SHEAF_CNODE_COPY, 5, CNODE, 7));
    configure(INIT, cnode, 0, 0, 0, 0);
    FAILS(INVALID_CAPABILITY, INVOKE(INIT, SHEAF_THREAD_INFO));
    OK(INVOKE(5 | INIT << 4, SHEAF_THREAD_CONFIGURE, 5, 0, 0, 0, 0));
    OK(INVOKE(INIT, SHEAF_THREAD_INFO));
}

static void configure_errors(void **state) {
    (void)state;
    uint64_t cap, endpoint = make(SHEAF_ENDPOINT, 0), frame = make(SHEAF_FRAME, 12);
    uint64_t notification = make(SHEAF_NOTIFICATION, 0), big = make(SHEAF_FRAME, 13);
    new_thread(&cap);
    const uint64_t good[] = {CNODE, VSPACE, endpoint, frame, notification};
    const uint64_t wrong[] = {VSPACE, CNODE, notification, endpoint, frame};
    const uint64_t weak[] = {0, 0, copy_of(endpoint, 5), copy_of(frame, 1),
                             copy_of(notification, 1)};
    uint64_t empty = new_slots(1);
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        uint64_t args[THREAD_SLOTS];
        memcpy(args, good, sizeof(args));
        args[i] = wrong[i];
        FAILS(WRONG_TYPE, invoke_words(cap, SHEAF_THREAD_CONFIGURE, THREAD_SLOTS, args));
        args[i] = empty;
        FAILS(INVALID_CAPABILITY, invoke_words(cap, SHEAF_THREAD_CONFIGURE, THREAD_SLOTS, args));
        args[i] = weak[i];
        if (weak[i] != 0)
            FAILS(NO_RIGHT, invoke_words(cap, SHEAF_THREAD_CONFIGURE, THREAD_SLOTS, args));
    }
    FAILS(RANGE, INVOKE(cap, SHEAF_THREAD_CONFIGURE, 0, 0, 0, big, 0));
    FAILS(INVALID_ARGUMENT, INVOKE(cap, SHEAF_THREAD_CONFIGURE, CNODE, VSPACE, 0, 0));
    FAILS(UNKNOWN_METHOD, INVOKE(cap, 0));
    FAILS(UNKNOWN_METHOD, INVOKE(cap, SHEAF_THREAD_SET_AFFINITY + 1));
    // A VSpace that died with the memory of one of its chunks.
    uint64_t vspace = make(SHEAF_VSPACE, 0), memory = untyped(16);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 1));
    OK(revoke(memory));
    FAILS(DEAD, INVOKE(cap, SHEAF_THREAD_CONFIGURE, 0, vspace, 0, 0, 0));
}

// ---- Registers

static void registers_are_written_and_read(void **state) {
    (void)state;
    uint64_t cap, words[36];
    struct thread *thread = new_thread(&cap);
    words[0] = 35;
    for (unsigned i = 1; i < 35; i++)
        words[i] = 1000 + i;
    words[35] = UINT64_C(0xa0000000); // N and C
    OK(invoke_words(cap, SHEAF_THREAD_WRITE_REGISTERS, 36, words));
    assert_int_equal(thread->context.pc, 1001);
    assert_int_equal(thread->context.sp, 1002);
    assert_int_equal(thread->context.tls, 1003);
    for (unsigned i = 0; i < 31; i++)
        assert_int_equal(thread->context.reg[i], 1004 + i);
    assert_int_equal(thread->context.flags, FAKE_USER_STATE | UINT64_C(0xa0000000));
    OK(INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS, 2, 7, 8));
    struct result result = INVOKE(cap, SHEAF_THREAD_READ_REGISTERS);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 36));
    assert_int_equal(result.word[0], 35);
    assert_int_equal(result.word[1], 7);
    assert_int_equal(result.word[2], 8);
    assert_int_equal(result.word[3], 1003);
    for (unsigned i = 6; i < 35; i++)
        assert_int_equal(buffer()->message[i], 1000 + i);
    assert_int_equal(buffer()->message[35], 0xa0000000);
}

// A thread stays in user mode whatever is written: what is no condition flag is refused, each bit.
static void only_condition_flags_are_written(void **state) {
    (void)state;
    uint64_t cap, words[36] = {35};
    struct thread *thread = new_thread(&cap);
    for (unsigned bit = 0; bit < 64; bit++) {
        words[35] = BIT(bit);
        buffer()->message[35] = words[35]; // before the state is remembered
        if (bit >= 28 && bit < 32)
            OK(invoke_words(cap, SHEAF_THREAD_WRITE_REGISTERS, 36, words));
        else
            FAILS(INVALID_ARGUMENT, invoke_words(cap, SHEAF_THREAD_WRITE_REGISTERS, 36, words));
        assert_int_equal(thread->context.flags & 0xff, FAKE_USER_STATE);
        assert_true((thread->context.flags & ~(FAKE_USER_STATE | SHEAF_FLAGS)) == 0);
    }
    words[0] = 34; // what is behind them is not looked at
    words[35] = UINT64_MAX;
    OK(invoke_words(cap, SHEAF_THREAD_WRITE_REGISTERS, 36, words));
    assert_int_equal(thread->context.flags, FAKE_USER_STATE | BIT(31));
}

static void register_errors(void **state) {
    (void)state;
    uint64_t cap;
    struct thread *thread = new_thread(&cap);
    FAILS(RANGE, INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS, 36));
    FAILS(INVALID_ARGUMENT, INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS, 2, 1));
    FAILS(INVALID_ARGUMENT, INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS));
    FAILS(IN_USE, INVOKE(INIT, SHEAF_THREAD_WRITE_REGISTERS, 1, 0));
    OK(INVOKE(cap, SHEAF_THREAD_RESUME));
    FAILS(IN_USE, INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0));
    OK(INVOKE(cap, SHEAF_THREAD_SUSPEND));
    OK(INVOKE(cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 4));
    assert_int_equal(thread->context.pc, 4);
    // Long messages and answers need a buffer.
    OK(revoke(SHEAF_BOOT_SLOT_IPC_BUFFER));
    FAILS(NO_BUFFER, INVOKE(cap, SHEAF_THREAD_READ_REGISTERS));
    FAILS(NO_BUFFER, make_call(&(struct call){.number = SHEAF_SYS_CALL,
                                              .cap = cap,
                                              .tag = SHEAF_TAG(SHEAF_THREAD_WRITE_REGISTERS, 7)}));
}

// ---- Priority

static void priorities_are_bounded(void **state) {
    (void)state;
    uint64_t cap, low;
    struct thread *thread = new_thread(&cap);
    new_thread(&low);
    OK(INVOKE(low, SHEAF_THREAD_SET_PRIORITY, 10, 20, INIT));
    OK(INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 20, 20, low));
    assert_int_equal(thread->priority, 20);
    assert_int_equal(thread->max_priority, 20);
    FAILS(PRIORITY, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 21, 20, low));
    FAILS(PRIORITY, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 20, 21, low));
    FAILS(RANGE, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 256, 20, INIT));
    FAILS(RANGE, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 20, 256, INIT));
    FAILS(RANGE, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, UINT64_MAX, 0, INIT));
    FAILS(WRONG_TYPE, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 1, 1, CNODE));
    FAILS(INVALID_CAPABILITY, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 1, 1, 0));
    FAILS(INVALID_ARGUMENT, INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, 1, 1));
}

// ---- Running

static void suspend_and_resume(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    resume(&other); // of a ready one: nothing
    assert_int_equal(other.thread->state, SHEAF_STATE_READY);
    check_invariants();
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    assert_int_equal(other.thread->state, SHEAF_STATE_SUSPENDED);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    check_invariants();
    resume(&other);
    become(other.cap);
    OK(INVOKE(INIT, SHEAF_THREAD_SUSPEND));
    assert_ptr_equal(running(), other.thread);
    OK(INVOKE(INIT, SHEAF_THREAD_RESUME));
    become(INIT);
}

static void suspends_itself(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    OK(INVOKE(INIT, SHEAF_THREAD_SUSPEND));
    assert_ptr_equal(running(), other.thread);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    assert_null(running()); // idle
    check_invariants();
}

static void suspending_cancels_waits(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    uint64_t notification = make(SHEAF_NOTIFICATION, 0);
    const struct {
        struct call call;
        unsigned state;
    } waits[] = {
        {{.number = SHEAF_SYS_SEND, .cap = endpoint}, SHEAF_STATE_SENDING},
        {{.number = SHEAF_SYS_CALL, .cap = endpoint}, SHEAF_STATE_SENDING},
        {{.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply}, SHEAF_STATE_RECEIVING},
        {{.number = SHEAF_SYS_RECV, .cap = notification}, SHEAF_STATE_WAITING_NOTIFICATION},
    };
    resume(&other);
    for (unsigned i = 0; i < ARRAY_SIZE(waits); i++) {
        become(other.cap);
        execute(&waits[i].call);
        assert_int_equal(other.thread->state, waits[i].state);
        check_invariants();
        OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
        assert_int_equal(other.thread->state, SHEAF_STATE_SUSPENDED);
        assert_int_equal(result_of(other.thread).status, SHEAF_ERR_CANCELLED);
        check_invariants();
        set_priority(other.cap, PRIORITY_READY);
        set_priority(INIT, PRIORITY_RUNNING);
        resume(&other);
    }
    // Waiting for a reply: the Reply can be used again.
    become(other.cap);
    execute(&waits[1].call);
    OK(make_call(&waits[2].call));
    assert_int_equal(other.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    FAILS(NOT_WAITING, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
}

static void names_are_kept_and_ended(void **state) {
    (void)state;
    uint64_t cap, words[2];
    const struct thread *thread = new_thread(&cap);
    memcpy(words, "sixteen bytes ab", 16);
    OK(invoke_words(cap, SHEAF_THREAD_SET_NAME, 2, words));
    assert_string_equal(thread->name, "sixteen bytes a");
    struct result result = INVOKE(cap, SHEAF_THREAD_INFO);
    assert_memory_equal(&result.word[3], "sixteen bytes a", 16);
    FAILS(INVALID_ARGUMENT, INVOKE(cap, SHEAF_THREAD_SET_NAME, 1));
}

static void deleted_threads_leave_their_queues(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0);
    struct helper sender = helper(PRIORITY_READY), ready = helper(PRIORITY_READY);
    resume(&sender);
    resume(&ready);
    become(sender.cap);
    execute(&(struct call){.number = SHEAF_SYS_SEND, .cap = endpoint});
    become(INIT);
    OK(destroy(sender.cap));
    OK(destroy(ready.cap));
    const struct endpoint *object = slot_of(endpoint)->object;
    assert_null(object->queue.first);
}

static void deletes_itself(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    become(other.cap);
    execute(&(struct call){.number = SHEAF_SYS_CALL,
                           .cap = CNODE,
                           .tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 1),
                           .word = {other.cap}});
    assert_int_equal(running() == NULL ? 0 : running()->priority, PRIORITY_READY);
    assert_true(is_empty(other.cap));
    assert_null(fake.switched_from); // what is dead is not saved
}

static void affinity(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    OK(INVOKE(other.cap, SHEAF_THREAD_SET_AFFINITY, 0));
    struct result result = INVOKE(other.cap, SHEAF_THREAD_INFO);
    OK(result);
    assert_int_equal(result.word[5], 0);
    for (unsigned pe = 1; pe <= MAX_PES; pe++) // this machine has one
        FAILS(RANGE, INVOKE(other.cap, SHEAF_THREAD_SET_AFFINITY, pe));
    FAILS(RANGE, INVOKE(other.cap, SHEAF_THREAD_SET_AFFINITY, UINT64_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(starts_suspended_and_clear),
        TEST(configure_derives_its_own_copies),
        TEST(configure_replaces),
        TEST(configure_after_an_interrupted_one),
        TEST(configure_of_the_running_thread),
        TEST(configure_errors),
        TEST(registers_are_written_and_read),
        TEST(only_condition_flags_are_written),
        TEST(register_errors),
        TEST(priorities_are_bounded),
        TEST(suspend_and_resume),
        TEST(suspends_itself),
        TEST(suspending_cancels_waits),
        TEST(names_are_kept_and_ended),
        TEST(deleted_threads_leave_their_queues),
        TEST(deletes_itself),
        TEST(affinity),
    };
    return cmocka_run_group_tests_name("core.thread", tests, NULL, NULL);
}
