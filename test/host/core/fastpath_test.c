// SPDX-License-Identifier: BSD-2-Clause
// The fast path and the ordinary way do the same: the same random system calls are executed on two
// machines, one of which never takes the fast path, and all registers, objects and queues are equal
// after every step, all of the RAM at the end.
#include "machine.h"
#include "fastpath.h"
#include <string.h>

#define THREADS 6
#define SEEDS 48
#define STEPS 400

void __wrap_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);
void __real_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);

static struct helper helpers[THREADS];
static uint64_t endpoints[8], notifications[6], replies[4], steps[STEPS];
static uint64_t seed;

// The kinds of calls that have a fast path.
enum { CALLS, ANSWERS, SIGNALS, WAITS, YIELDS, OTHERS, KINDS };
static unsigned slow[KINDS], all[KINDS]; // that did not take it; in all

static unsigned kind_of(uint64_t number) {
    switch (number) {
    case SHEAF_SYS_CALL:
        return CALLS;
    case SHEAF_SYS_REPLY_RECV:
        return ANSWERS;
    case SHEAF_SYS_SEND:
    case SHEAF_SYS_NB_SEND:
        return SIGNALS;
    case SHEAF_SYS_RECV:
        return WAITS;
    case SHEAF_SYS_YIELD:
        return YIELDS;
    default:
        return OTHERS;
    }
}

static unsigned below(unsigned limit) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

void __wrap_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number) {
    slow[kind_of(number)]++;
    __real_syscall_execute(pe, thread, number);
}

static void counted_syscall(struct pe *pe) {
    all[kind_of(pe->current->context.reg[SHEAF_REG_SYSCALL])]++;
    core_syscall(pe);
}

static void ordinary_syscall(struct pe *pe) {
    struct thread *thread = pe->current;
    port_count(SHEAF_COUNTER_KERNEL_ENTRIES, 1);
    port_count(SHEAF_COUNTER_KERNEL_SYSCALLS, 1);
    __real_syscall_execute(pe, thread, thread->context.reg[SHEAF_REG_SYSCALL]);
}

// ---- What is compared

static uint64_t mix(uint64_t hash, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix_pointer(uint64_t hash, const void *pointer) {
    uintptr_t value = (uintptr_t)pointer;
    return mix(hash, &value, sizeof(value));
}

static uint64_t state_now(void) {
    const struct pe *pe = &fake.pe[0];
    const struct sched *sched = pe->sched;
    uint64_t hash = mix_pointer(1, pe->current);
    hash = mix_pointer(hash, pe->context);
    hash = mix(hash, &fake.switches, sizeof(fake.switches));
    hash = mix(hash, sched, sizeof(*sched));
    for (unsigned i = 0; i < THREADS; i++)
        hash = mix(hash, helpers[i].thread, sizeof(struct thread));
    for (unsigned i = 0; i < 2; i++) {
        hash = mix(hash, slot_of(endpoints[i])->object, sizeof(struct endpoint));
        hash = mix(hash, slot_of(notifications[i])->object, sizeof(struct notification));
        hash = mix(hash, slot_of(replies[i])->object, sizeof(struct reply));
    }
    for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++) {
        uint64_t count = vmsa_counter(i);
        hash = mix(hash, &count, sizeof(count));
    }
    return hash;
}

// ---- What happens

static void build(void) {
    endpoints[0] = make(SHEAF_ENDPOINT, 0);
    endpoints[1] = make(SHEAF_ENDPOINT, 0);
    endpoints[2] = badged(endpoints[0], 77);
    endpoints[3] = copy_of(endpoints[0], SHEAF_RIGHT_READ);
    endpoints[4] = copy_of(endpoints[0], SHEAF_RIGHT_WRITE);
    endpoints[5] = 0;
    endpoints[6] = endpoints[0];
    endpoints[7] = endpoints[0];
    notifications[0] = make(SHEAF_NOTIFICATION, 0);
    notifications[1] = make(SHEAF_NOTIFICATION, 0);
    notifications[2] = badged(notifications[0], 6);
    notifications[3] = copy_of(notifications[0], SHEAF_RIGHT_READ);
    notifications[4] = badged(notifications[1], 9);
    notifications[5] = notifications[0];
    replies[0] = make(SHEAF_REPLY, 0);
    replies[1] = make(SHEAF_REPLY, 0);
    replies[2] = 0;
    replies[3] = replies[0];
    for (unsigned i = 0; i < THREADS; i++) {
        helpers[i] = helper(PRIORITY_READY + below(3));
        if (i == 0) // without a buffer
            configure(helpers[i].cap, CNODE, VSPACE, 0, 0, 0);
        resume(&helpers[i]);
    }
    OK(INVOKE(helpers[1].cap, SHEAF_THREAD_BIND, notifications[1]));
    set_priority(INIT, PRIORITY_BEHIND); // runs when all others wait
}

static uint64_t random_tag(void) {
    switch (below(12)) {
    case 0:
        return SHEAF_TAG(below(9), below(SHEAF_MSG_WORDS + 2));
    case 1:
        return SHEAF_TAG_CARRYING(1, below(4), below(4));
    case 2:
        return SHEAF_TAG(SHEAF_LABEL_KERNEL - 1 + below(3), below(3));
    case 3:
        return SHEAF_TAG(1, 2) | BIT(9 + below(7));
    case 4:
        return SHEAF_TAG(2, below(SHEAF_MSG_WORDS + 1));
    default:
        return SHEAF_TAG(below(100), below(8));
    }
}

static void random_call(void) {
    static const uint64_t numbers[] = {
        SHEAF_SYS_CALL,       SHEAF_SYS_CALL,       SHEAF_SYS_CALL,       SHEAF_SYS_RECV,
        SHEAF_SYS_REPLY_RECV, SHEAF_SYS_REPLY_RECV, SHEAF_SYS_REPLY_RECV, SHEAF_SYS_SEND,
        SHEAF_SYS_REPLY,      SHEAF_SYS_YIELD,      SHEAF_SYS_SEND,       SHEAF_SYS_NB_SEND,
        SHEAF_SYS_RECV,       SHEAF_SYS_CALL,       SHEAF_SYS_REPLY_RECV, SHEAF_SYS_YIELD,
        SHEAF_SYS_SEND,       SHEAF_SYS_NB_RECV,
    };
    struct call call = {.number = numbers[below(ARRAY_SIZE(numbers))],
                        .cap = endpoints[below(ARRAY_SIZE(endpoints))],
                        .reply = replies[below(ARRAY_SIZE(replies))],
                        .tag = random_tag()};
    unsigned kind = kind_of(call.number);
    if (call.number == SHEAF_SYS_REPLY)
        call.cap = call.reply;
    if ((kind == SIGNALS || kind == WAITS || kind == OTHERS) && below(3) != 0) {
        call.cap = notifications[below(ARRAY_SIZE(notifications))];
        call.reply = below(4) == 0 ? call.reply : 0;
    }
    if ((kind == CALLS || kind == ANSWERS) && below(2) != 0) { // as nearly always
        call.cap = endpoints[0];
        call.reply = replies[0];
        call.tag = SHEAF_TAG(below(100), below(7));
    }
    if (below(16) == 0)
        call.deadline = fake.now + 1 + below(100000);
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        call.word[i] = below(1000);
    execute(&call);
}

// All others wait: some are waked, in ways that leave their partners in every state.
static void wake_somebody(void) {
    const struct helper *other = &helpers[below(THREADS)];
    struct call call = {
        .number = SHEAF_SYS_NB_SEND, .cap = endpoints[below(2)], .tag = SHEAF_TAG(5, below(7))};
    switch (below(4)) {
    case 0:
        execute(&call);
        break;
    case 1:
        call.cap = notifications[below(2)];
        execute(&call);
        break;
    case 2:
        OK(INVOKE(other->cap, SHEAF_THREAD_SET_PRIORITY, PRIORITY_READY + below(3), 255, INIT));
        break;
    default:
        OK(INVOKE(other->cap, SHEAF_THREAD_SUSPEND));
        OK(INVOKE(other->cap, SHEAF_THREAD_RESUME));
        break;
    }
}

static void step(void) {
    if (below(20) == 0) {
        fake.now += below(200000);
        interrupt();
    } else if (running() == thread_of(INIT)) {
        wake_somebody();
    } else {
        random_call();
    }
}

// One machine: what every step leads to is written down, or compared with what is.
static void run(uint64_t with_seed, void (*entry)(struct pe *pe), bool compare) {
    unsigned before[KINDS];
    memcpy(before, slow, sizeof(before));
    machine_boot(&(struct image){0});
    seed = with_seed;
    build();
    memcpy(slow, before, sizeof(slow)); // what the preparations called does not count
    machine_syscall = entry;
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        uint64_t state = state_now();
        if (compare && state != steps[i])
            fail_msg("seed %lu: not the same state after step %u", (unsigned long)with_seed, i);
        steps[i] = state;
    }
    machine_syscall = core_syscall;
}

static void same_state_by_both(void **state) {
    (void)state;
    for (uint64_t with_seed = 1; with_seed <= SEEDS; with_seed++) {
        run(with_seed, ordinary_syscall, false);
        snapshot_take();
        run(with_seed, counted_syscall, true);
        snapshot_compare("the fast path", __FILE__, __LINE__);
        check_invariants();
    }
    for (unsigned i = 0; i < OTHERS; i++) { // both ways in every kind, often
        print_message("kind %u: %u fast, %u not\n", i, all[i] - slow[i], slow[i]);
        assert_true((slow[i] > 100 || i == YIELDS) && all[i] > slow[i] + 100);
    }
}

// The case that the fast path is for takes it; each single thing that is different does not.
static void taken_when_it_should_be(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct helper server = helper(PRIORITY_READY);
    struct call receive = {.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply};
    struct call call = {.number = SHEAF_SYS_CALL, .cap = endpoint, .tag = SHEAF_TAG(3, 6)};
    struct call answer = {.number = SHEAF_SYS_REPLY_RECV, .cap = endpoint, .reply = reply};
    by(&server, receive);
    for (unsigned i = 0; i < 3; i++) {
        slow[0] = slow[1] = 0;
        execute(&call);
        assert_ptr_equal(running(), server.thread);
        assert_int_equal(slow[0], 0);
        execute(&answer);
        assert_ptr_equal(running(), thread_of(INIT));
        assert_int_equal(slow[1], 0);
    }
    call.deadline = fake.now + 1000;
    execute(&call);
    assert_int_equal(slow[0], 1);
    answer.deadline = fake.now + 1000;
    execute(&answer);
    assert_int_equal(slow[1], 1);
}

static void signals_and_waits_take_it(void **state) {
    (void)state;
    uint64_t there = make(SHEAF_NOTIFICATION, 0), back = make(SHEAF_NOTIFICATION, 0);
    struct helper peer = helper(PRIORITY_READY);
    struct call wait_there = {.number = SHEAF_SYS_RECV, .cap = there};
    struct call wait_back = {.number = SHEAF_SYS_RECV, .cap = back};
    struct call signal_there = {.number = SHEAF_SYS_SEND, .cap = badged(there, 1)};
    struct call signal_back = {.number = SHEAF_SYS_NB_SEND, .cap = badged(back, 2)};
    by(&peer, wait_there);
    set_priority(peer.cap, PRIORITY_RUNNING);
    for (unsigned i = 0; i < 3; i++) {
        slow[SIGNALS] = slow[WAITS] = 0;
        execute(&signal_there);
        assert_ptr_equal(running(), thread_of(INIT));
        execute(&wait_back);
        assert_ptr_equal(running(), peer.thread);
        assert_int_equal(peer.thread->context.reg[SHEAF_REG_WORD0], 1);
        execute(&signal_back);
        execute(&wait_there);
        assert_ptr_equal(running(), thread_of(INIT));
        assert_int_equal(running()->context.reg[SHEAF_REG_WORD0], 2);
        assert_int_equal(slow[SIGNALS] + slow[WAITS], 0);
    }
    wait_back.deadline = fake.now + 1000;
    signal_there.tag = SHEAF_TAG(1, 1); // a signal has no message: nobody looks at it
    execute(&signal_there);
    execute(&wait_back);
    assert_int_equal(slow[SIGNALS], 0);
    assert_int_equal(slow[WAITS], 1);
    execute(&signal_back); // to a wait with a deadline
    assert_int_equal(slow[SIGNALS], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(same_state_by_both), TEST(taken_when_it_should_be),
                                       TEST(signals_and_waits_take_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
