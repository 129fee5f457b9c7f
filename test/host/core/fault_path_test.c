// SPDX-License-Identifier: BSD-2-Clause
// Faults, gathers that map, and their tails: the short ways do what the ordinary ones do. The same
// random steps are executed on two machines, one of which never takes the short ways, and all
// threads, queues and counters are equal after every step, all of the RAM at the end.
#include "machine.h"
#include "fastpath.h"
#include <string.h>

#define THREADS 6
#define SEEDS 64
#define STEPS 400
#define PLACES 24 // pages that faults and gathers are about
#define START UINT64_C(0x10000000)
#define FRAMES 12

void __real_fastpath_fault(struct pe *pe, struct thread *thread);
void __wrap_fastpath_fault(struct pe *pe, struct thread *thread);
void __real_fault_execute(struct pe *pe, struct thread *thread);
void __wrap_fault_execute(struct pe *pe, struct thread *thread);
enum sheaf_error __real_fastpath_tail(struct pe *pe, struct thread *thread);
enum sheaf_error __wrap_fastpath_tail(struct pe *pe, struct thread *thread);
enum sheaf_error __real_sys_reply_receive(struct pe *pe, struct thread *thread);
enum sheaf_error __wrap_sys_reply_receive(struct pe *pe, struct thread *thread);
bool __real_gather_map_pages(struct gather *gather, struct vspace *vspace, vaddr_t va,
                             paddr_t frame, uint64_t pages,
                             const struct leaf_attributes *attributes,
                             struct mapping_record *record);
bool __wrap_gather_map_pages(struct gather *gather, struct vspace *vspace, vaddr_t va,
                             paddr_t frame, uint64_t pages,
                             const struct leaf_attributes *attributes,
                             struct mapping_record *record);

static bool ordinary; // which of the two machines runs
static struct {
    unsigned faults, faults_left; // asked for, left to the ordinary way
    unsigned tails, tails_left;   // the same
    unsigned maps, maps_left;     // the same, of those that were tried
} count;

static struct helper helpers[THREADS];
static uint64_t endpoints[4], replies[4], frames, large;
static uint64_t seed, steps[STEPS];

static unsigned below(unsigned limit) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

// ---- The ordinary ways

void __wrap_fault_execute(struct pe *pe, struct thread *thread) {
    count.faults_left += !ordinary;
    __real_fault_execute(pe, thread);
}

void __wrap_fastpath_fault(struct pe *pe, struct thread *thread) {
    count.faults += !ordinary;
    if (ordinary) {
        thread->continuation.kind = CONTINUE_NOTHING;
        thread->faulting = true;
        __real_fault_execute(pe, thread);
    } else {
        __real_fastpath_fault(pe, thread);
    }
}

enum sheaf_error __wrap_sys_reply_receive(struct pe *pe, struct thread *thread) {
    bool is_tail = thread->context.reg[SHEAF_REG_SYSCALL] == SHEAF_SYS_GATHER;
    count.tails_left += !ordinary && is_tail;
    return __real_sys_reply_receive(pe, thread);
}

enum sheaf_error __wrap_fastpath_tail(struct pe *pe, struct thread *thread) {
    count.tails += !ordinary;
    return ordinary ? __real_sys_reply_receive(pe, thread) : __real_fastpath_tail(pe, thread);
}

bool __wrap_gather_map_pages(struct gather *gather, struct vspace *vspace, vaddr_t va,
                             paddr_t frame, uint64_t pages,
                             const struct leaf_attributes *attributes,
                             struct mapping_record *record) {
    bool mapped =
        !ordinary && __real_gather_map_pages(gather, vspace, va, frame, pages, attributes, record);
    count.maps += !ordinary;
    count.maps_left += !ordinary && !mapped;
    return mapped;
}

static void ordinary_syscall(struct pe *pe) {
    struct thread *thread = pe->current;
    port_count(SHEAF_COUNTER_KERNEL_ENTRIES, 1);
    port_count(SHEAF_COUNTER_KERNEL_SYSCALLS, 1);
    if (thread->context.reg[SHEAF_REG_SYSCALL] == SHEAF_SYS_GATHER)
        syscall_gather(pe, thread);
    else
        syscall_execute(pe, thread, thread->context.reg[SHEAF_REG_SYSCALL]);
}

// ---- What is compared after each step

static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
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
    hash =
        mix(hash, (const char *)sched + sizeof(sched->lock), sizeof(*sched) - sizeof(sched->lock));
    for (unsigned i = 0; i < THREADS; i++)
        hash = mix(hash, helpers[i].thread, sizeof(struct thread));
    for (unsigned i = 0; i < FRAMES; i++)
        hash = mix(hash, slot_of(frames + i), sizeof(struct slot));
    for (unsigned i = 0; i < 2; i++) {
        hash = mix(hash, slot_of(endpoints[i])->object, sizeof(struct endpoint));
        hash = mix(hash, slot_of(replies[i])->object, sizeof(struct reply));
    }
    for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++) {
        uint64_t counted = vmsa_counter(i);
        hash = mix(hash, &counted, sizeof(counted));
    }
    return hash;
}

// ---- What happens

static void build(void) {
    endpoints[0] = make(SHEAF_ENDPOINT, 0);
    endpoints[1] = make(SHEAF_ENDPOINT, 0);
    endpoints[2] = endpoints[0];
    endpoints[3] = copy_of(endpoints[0], SHEAF_RIGHT_WRITE);
    replies[0] = make(SHEAF_REPLY, 0);
    replies[1] = make(SHEAF_REPLY, 0);
    replies[2] = replies[0];
    replies[3] = 0;
    frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, FRAMES);
    large = make(SHEAF_FRAME, SHEAF_PAGE_BITS + 3);
    uint64_t notification = make(SHEAF_NOTIFICATION, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        helpers[i] = helper(PRIORITY_READY + (below(4) == 0));
        // Most faults go where most wait; one thread's go nowhere, and one has no buffer.
        uint64_t handler = i == 1 ? 0 : badged(endpoints[below(5) == 0], 100 + i);
        configure(helpers[i].cap, CNODE, VSPACE, handler, i == 0 ? 0 : helpers[i].buffer,
                  badged(notification, 1));
        resume(&helpers[i]);
    }
    set_priority(INIT, PRIORITY_BEHIND); // runs when all others wait
}

static uint64_t random_place(void) { return START + below(PLACES) * PAGE_BYTES; }

static uint64_t random_rights(void) {
    static const uint64_t rights[] = {SHEAF_MAP_READ, SHEAF_MAP_READ | SHEAF_MAP_WRITE,
                                      SHEAF_MAP_READ | SHEAF_MAP_EXECUTE};
    return below(30) == 0 ? below(16) : rights[below(ARRAY_SIZE(rights))];
}

static struct sheaf_gather_op random_operation(void) {
    uint64_t va = random_place() + (below(30) == 0 ? 8 : 0);
    uint64_t flags = below(4) * SHEAF_OP_ACCESSED + (below(40) == 0 ? BIT(below(16)) : 0);
    uint64_t vspace = below(40) == 0 ? below(FRAMES) : VSPACE;
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
        return unmap_op(vspace, va, 1 + below(4), below(3) == 0 ? flags : 0);
    case 3: {
        uint64_t slots = below(4);
        return map_op(vspace, va, slots + (below(8) == 0), frames + below(FRAMES), slots,
                      random_rights(), flags);
    }
    case 4:
        return map_op(vspace, va, 1 + below(4), large, below(9), random_rights(),
                      flags | SHEAF_OP_PART);
    default:
        return map_op(vspace, va, 1, frames + below(FRAMES), 1, random_rights(), flags);
    }
}

// Answers are mostly those that a fault wants.
static uint64_t random_tag(void) {
    return below(3) != 0 ? SHEAF_TAG(0, below(3)) : SHEAF_TAG(below(3), below(9));
}

static void random_gather(struct call *call) {
    unsigned operations = below(3) == 0 ? below(4) : below(2);
    call->gather = SHEAF_GATHER_ARG(operations, below(5) != 0 ? SHEAF_GATHER_REPLY_RECV : 0);
    for (unsigned i = 0; i < operations && buffer() != NULL; i++)
        buffer()->ops[i] = random_operation();
}

// Two threads mostly serve, the others mostly fault.
static bool is_server(const struct thread *thread) {
    return thread == helpers[2].thread || thread == helpers[3].thread;
}

static void random_call(void) {
    static const uint64_t numbers[] = {
        SHEAF_SYS_GATHER, SHEAF_SYS_GATHER, SHEAF_SYS_GATHER,     SHEAF_SYS_GATHER, SHEAF_SYS_RECV,
        SHEAF_SYS_RECV,   SHEAF_SYS_CALL,   SHEAF_SYS_REPLY_RECV, SHEAF_SYS_REPLY,  SHEAF_SYS_YIELD,
    };
    struct call call = {.number = numbers[below(ARRAY_SIZE(numbers))],
                        .cap = endpoints[below(ARRAY_SIZE(endpoints))],
                        .reply = replies[below(ARRAY_SIZE(replies))],
                        .tag = random_tag()};
    if (is_server(running()) && below(4) != 0) {
        call.number = below(8) == 0 ? SHEAF_SYS_REPLY_RECV : SHEAF_SYS_GATHER;
        call.cap = endpoints[0];
        call.reply = replies[running() == helpers[3].thread];
    }
    if (call.number == SHEAF_SYS_GATHER)
        random_gather(&call);
    if (call.number == SHEAF_SYS_REPLY)
        call.cap = call.reply;
    if (below(16) == 0)
        call.deadline = fake.now + 1 + below(100000);
    execute(&call);
}

static void random_fault(void) {
    static const uint64_t kinds[] = {SHEAF_ACCESS_READ, SHEAF_ACCESS_WRITE, SHEAF_ACCESS_EXECUTE};
    page_fault(random_place() + below(PAGE_BYTES), kinds[below(ARRAY_SIZE(kinds))]);
}

// All others wait, or have faulted and nobody cared.
static void wake_somebody(void) {
    const struct helper *other = &helpers[below(THREADS)];
    struct call call = {
        .number = SHEAF_SYS_NB_SEND, .cap = endpoints[below(2)], .tag = SHEAF_TAG(5, below(7))};
    if (below(4) == 0) {
        execute(&call);
    } else if (below(3) == 0) {
        OK(INVOKE(other->cap, SHEAF_THREAD_SET_PRIORITY, PRIORITY_READY + (below(4) == 0), 255,
                  INIT));
    } else {
        OK(INVOKE(other->cap, SHEAF_THREAD_SUSPEND));
        OK(INVOKE(other->cap, SHEAF_THREAD_RESUME));
    }
}

static void step(void) {
    if (below(20) == 0) {
        fake.now += below(200000);
        interrupt();
    } else if (running() == thread_of(INIT)) {
        wake_somebody();
    } else if (below(10) < (is_server(running()) ? 1 : 8)) {
        random_fault();
    } else {
        random_call();
    }
}

// One machine: what every step leads to is written down, or compared with what is.
static void run(uint64_t with_seed, bool is_ordinary) {
    ordinary = is_ordinary;
    machine_boot(&(struct image){0});
    seed = with_seed;
    build();
    machine_syscall = ordinary ? ordinary_syscall : core_syscall;
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        uint64_t state = state_now();
        if (!ordinary && state != steps[i])
            fail_msg("seed %lu: not the same state after step %u", (unsigned long)with_seed, i);
        steps[i] = state;
    }
    machine_syscall = core_syscall;
}

static void same_state_by_both(void **state) {
    (void)state;
    for (uint64_t with_seed = 1; with_seed <= SEEDS; with_seed++) {
        run(with_seed, true);
        snapshot_take();
        run(with_seed, false);
        snapshot_compare("the short ways", __FILE__, __LINE__);
        check_invariants();
    }
    print_message("# %u of %u faults, %u of %u tails, %u of %u maps\n",
                  count.faults - count.faults_left, count.faults, count.tails - count.tails_left,
                  count.tails, count.maps - count.maps_left, count.maps);
    // Both ways of each, often.
    assert_true(count.faults_left > 100 && count.faults > count.faults_left + 100);
    assert_true(count.tails_left > 100 && count.tails > count.tails_left + 100);
    assert_true(count.maps_left > 100 && count.maps > count.maps_left + 100);
}

// A pager serves a fault: neither the message nor the answer takes the ordinary way.
static void taken_when_it_should_be(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    uint64_t pages = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 3);
    struct helper pager = helper(PRIORITY_RUNNING), client = helper(PRIORITY_RUNNING);
    configure(client.cap, CNODE, VSPACE, badged(endpoint, 7), client.buffer, 0);
    resume(&pager);
    resume(&client);
    set_priority(INIT, PRIORITY_BEHIND);
    assert_ptr_equal(running(), pager.thread);
    execute(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    memset(&count, 0, sizeof(count));
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(running(), client.thread);
        page_fault(START + i * PAGE_BYTES, SHEAF_ACCESS_WRITE);
        assert_ptr_equal(running(), pager.thread);
        assert_int_equal(result_of(pager.thread).word[0], START + i * PAGE_BYTES);
        buffer()->ops[0] = map_op(VSPACE, START + i * PAGE_BYTES, 1, pages + i, 1,
                                  SHEAF_MAP_READ | SHEAF_MAP_WRITE, SHEAF_OP_DIRTY);
        execute(&(struct call){.number = SHEAF_SYS_GATHER,
                               .cap = endpoint,
                               .reply = reply,
                               .gather = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)});
        assert_int_equal(SHEAF_GATHER_LEAVES(result_of(pager.thread).x10), 1);
    }
    assert_int_equal(count.faults, 3);
    assert_int_equal(count.faults_left, 0);
    assert_int_equal(count.tails, 3);
    assert_int_equal(count.tails_left, 0);
    assert_int_equal(count.maps, 3);
    assert_int_equal(count.maps_left, 1); // the table was not there
}

static int setup(void **state) {
    ordinary = false;
    return machine_setup(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_state_by_both, setup, machine_teardown),
        cmocka_unit_test_setup_teardown(taken_when_it_should_be, setup, machine_teardown),
    };
    return cmocka_run_group_tests_name("core.fault_path", tests, NULL, NULL);
}
