// SPDX-License-Identifier: BSD-2-Clause
// Several threads in each other's way: random calls on the same few slots, each interrupted at
// random preemption points, while others run, delete what it works on, fault, and write to its
// buffer before it goes on. After every step the invariants hold; in the end one revoke brings all
// memory back.
//
//      INTERLEAVED_SEED=N  runs that seed alone
#include "machine.h"
#include "sched.h"
#include <mmu.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8 // and init, which never waits for long
#define SLOTS 48
#define SEEDS 12
#define STEPS 1500
#define VA UINT64_C(0x200000000)
#define MEMORY_BITS 20
#define FRAMES 16 // that stay, as does a VSpace

static struct helper helpers[THREADS];
static uint64_t seed, memory, first, space, frames, irq_control = SHEAF_BOOT_SLOT_IRQ_CONTROL;
static unsigned interrupted;

static unsigned below(unsigned limit) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static uint64_t any(void) { return first + below(SLOTS); }

// Nearly always a slot with a capability of that type (SHEAF_NULL: an empty one), if there is one.
static uint64_t a(unsigned type) {
    uint64_t name = any();
    for (unsigned i = 0; i < SLOTS && below(8) != 0 && slot_of(name)->type != type; i++)
        name = first + (name - first + 1) % SLOTS;
    return name;
}

static uint64_t maybe(unsigned type) { return below(3) == 0 ? 0 : a(type); }

// ---- Calls

static struct call method(uint64_t cap, uint64_t label, unsigned count, uint64_t w0, uint64_t w1,
                          uint64_t w2, uint64_t w3, uint64_t w4) {
    return (struct call){.number = SHEAF_SYS_CALL,
                         .cap = cap,
                         .tag = SHEAF_TAG(label, count),
                         .word = {w0, w1, w2, w3, w4}};
}

static struct call retype_call(void) {
    static const uint8_t sizes[SHEAF_TYPE_COUNT] = {
        [SHEAF_UNTYPED] = 16, [SHEAF_CNODE] = 6, [SHEAF_FRAME] = 12};
    unsigned type = 1 + below(SHEAF_TYPE_COUNT - 1);
    uint64_t from = below(3) == 0 ? a(SHEAF_UNTYPED) : memory;
    return method(from, SHEAF_UNTYPED_RETYPE, 4, type | (uint64_t)sizes[type] << 8, CNODE,
                  a(SHEAF_NULL), 1 + below(3), 0);
}

static struct call cnode_call(void) {
    uint64_t cnode = below(3) == 0 ? a(SHEAF_CNODE) : CNODE;
    unsigned label = SHEAF_CNODE_COPY + below(SHEAF_CNODE_CANCEL);
    bool fills = label <= SHEAF_CNODE_MOVE || label == SHEAF_CNODE_ROTATE;
    uint64_t index = cnode != CNODE ? below(64) : fills ? a(SHEAF_NULL) : any();
    if (label == SHEAF_CNODE_CANCEL && cnode == CNODE)
        index = a(SHEAF_ENDPOINT);
    if (label == SHEAF_CNODE_REVOKE && cnode == CNODE && below(40) == 0)
        index = memory;
    uint64_t source = label == SHEAF_CNODE_MINT ? a(SHEAF_ENDPOINT + below(2)) : any();
    return method(cnode, label, 4, index, source, label == SHEAF_CNODE_ROTATE ? any() : 7,
                  1 + below(3), 0);
}

static struct call thread_call(void) {
    unsigned label = SHEAF_THREAD_CONFIGURE + below(SHEAF_THREAD_SET_AFFINITY);
    uint64_t thread = a(SHEAF_THREAD);
    switch (label) {
    case SHEAF_THREAD_CONFIGURE:
        return method(thread, label, 5, below(20) == 0 ? a(SHEAF_CNODE) : 0, maybe(SHEAF_VSPACE),
                      maybe(SHEAF_ENDPOINT), maybe(SHEAF_FRAME), maybe(SHEAF_NOTIFICATION));
    case SHEAF_THREAD_SET_PRIORITY: // the same for all: they take turns
        return method(thread, label, 3, PRIORITY_RUNNING, 255, INIT, 0, 0);
    case SHEAF_THREAD_BIND:
        return method(thread, label, 1, maybe(SHEAF_NOTIFICATION), 0, 0, 0, 0);
    default:
        return method(thread, label, 2, below(2), 0, 0, 0, 0);
    }
}

static struct call device_call(void) {
    switch (below(4)) {
    case 0:
        return method(irq_control, SHEAF_IRQ_CONTROL_BIND, 3, 35 + below(4), below(2),
                      a(SHEAF_IRQ_HANDLER), 0, 0);
    case 1:
        return method(a(SHEAF_TIMER), SHEAF_TIMER_SET, 1, fake.now + below(1000), 0, 0, 0, 0);
    default: // ATTACH of a Timer is ACKNOWLEDGE of an IrqHandler
        return method(a(SHEAF_TIMER + 2 * below(2)), 1 + below(2), 1, maybe(SHEAF_NOTIFICATION), 0,
                      0, 0, 0);
    }
}

static struct call vspace_call(void) {
    unsigned label = SHEAF_VSPACE_GROW + below(3);
    uint64_t vspace = a(SHEAF_VSPACE);
    // Chunks; where it is a CNode after all, a name: of nothing that init needs.
    uint64_t count = slot_of(vspace)->type == SHEAF_VSPACE ? 1 : any();
    return method(vspace, label, 2, label == SHEAF_VSPACE_GROW ? a(SHEAF_UNTYPED) : below(4), count,
                  0, 0, 0);
}

static struct call message_call(bool may_wait) {
    static const uint8_t waiting[] = {SHEAF_SYS_CALL, SHEAF_SYS_SEND, SHEAF_SYS_RECV,
                                      SHEAF_SYS_REPLY_RECV};
    static const uint8_t others[] = {SHEAF_SYS_NB_SEND, SHEAF_SYS_NB_RECV, SHEAF_SYS_REPLY};
    struct call call = {.cap = a(below(4) == 0 ? SHEAF_NOTIFICATION : SHEAF_ENDPOINT),
                        .reply = maybe(SHEAF_REPLY),
                        .tag = SHEAF_TAG_CARRYING(below(3), below(12), below(3) == 0 ? 1 : 0)};
    call.number = may_wait && below(4) != 0 ? waiting[below(ARRAY_SIZE(waiting))]
                                            : others[below(ARRAY_SIZE(others))];
    if (call.number == SHEAF_SYS_REPLY)
        call.cap = a(SHEAF_REPLY);
    if (below(2) == 0)
        call.deadline = fake.now + 1 + below(2000);
    return call;
}

static struct sheaf_gather_op random_op(void) {
    uint64_t va = VA + (uint64_t)below(3) * BIT(21) + (uint64_t)below(8) * PAGE_BYTES;
    uint64_t vspace = below(4) == 0 ? a(SHEAF_VSPACE) : space;
    unsigned kind = below(8);
    if (kind == 0)
        return (struct sheaf_gather_op){{SHEAF_OP_SYNC, vspace}};
    if (kind == 1)
        return (struct sheaf_gather_op){
            {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, below(2) * SHEAF_OP_REPORT), 0, 0, 0,
             below(2) == 0 ? a(SHEAF_FRAME) : frames + below(FRAMES), 1 + below(3)}};
    if (kind < 5)
        return map_op(vspace, va, 1, below(2) == 0 ? a(SHEAF_FRAME) : frames + below(FRAMES), 1,
                      SHEAF_MAP_READ | (below(2) != 0 ? SHEAF_MAP_EXECUTE : 0), SHEAF_OP_ACCESSED);
    return unmap_op(vspace, below(2) == 0 ? va : VA, below(2) == 0 ? 1 + below(9) : BIT(18),
                    below(4) * SHEAF_OP_KEEP_TABLES);
}

static void fill_buffer(struct sheaf_ipc_buffer *target) {
    for (unsigned i = 0; i < 8; i++)
        target->ops[i] = random_op();
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        target->send[i] = any();
        target->receive[i] = a(SHEAF_NULL);
    }
}

static struct call gather_call(bool may_wait) {
    struct call call = message_call(false);
    call.number = SHEAF_SYS_GATHER;
    static const uint8_t policies[] = {0, 0, 0, 0, SHEAF_GATHER_DEFER, SHEAF_GATHER_FORCE};
    call.gather = SHEAF_GATHER_ARG(1 + below(8), (may_wait && below(4) == 0) |
                                                     policies[below(ARRAY_SIZE(policies))]);
    if (buffer() != NULL)
        fill_buffer(buffer());
    return call;
}

static struct call random_call(bool may_wait) {
    switch (below(16)) {
    case 0:
    case 1:
    case 2:
        return retype_call();
    case 3:
    case 4:
    case 5:
    case 6:
        return cnode_call();
    case 7:
    case 8:
        return thread_call();
    case 9:
        return device_call();
    case 10:
        return vspace_call();
    case 11:
    case 12:
        return gather_call(may_wait);
    default:
        return message_call(may_wait);
    }
}

// ---- Steps

// Whether the thread's call was interrupted: nobody uses SP here.
static bool goes_on(const struct thread *thread) { return thread->context.sp != 0; }

// The running thread enters the kernel once.
static void enter(const struct call *call) {
    struct thread *thread = running();
    uint64_t *reg = thread->context.reg;
    if (call != NULL) {
        reg[SHEAF_REG_SYSCALL] = call->number;
        reg[SHEAF_REG_CAP] = call->cap;
        reg[SHEAF_REG_TAG] = call->tag;
        reg[SHEAF_REG_REPLY] = call->reply;
        reg[SHEAF_REG_GATHER] = call->gather;
        reg[SHEAF_REG_DEADLINE] = call->deadline;
        memcpy(&reg[SHEAF_REG_WORD0], call->word, sizeof(call->word));
    }
    uint64_t pc = thread->context.pc;
    thread->context.pc = pc + FAKE_INSTRUCTION_BYTES;
    fake_set_interrupts(below(4) == 0 ? VMSA_NEVER : below(2));
    enum fake_exit how = fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    if (how != FAKE_RUNS)
        fail_msg("the kernel left by way %d", (int)how);
    if (thread->context.pc == pc || goes_on(thread))
        thread->context.sp = thread->context.pc == pc;
    interrupted += thread->context.pc == pc ? 1 : 0;
}

static void another_turn(void) {
    fake.now += below(300);
    fake.pe[0].sched->rotate = true;
    if (below(8) == 0)
        fake.raised |= BIT(35 + below(4));
    interrupt();
}

static void step(void) {
    struct thread *thread = running();
    bool init = thread == thread_of(INIT);
    if (goes_on(thread)) {
        if (below(3) == 0 && buffer() != NULL)
            fill_buffer(buffer());
        if (below(8) == 0 && !init)
            page_fault(thread->context.pc, SHEAF_ACCESS_EXECUTE);
        else
            enter(NULL);
    } else if (below(24) == 0 && !init) {
        page_fault(VA + (uint64_t)below(8) * PAGE_BYTES, SHEAF_ACCESS_READ);
    } else {
        struct call call = random_call(!init);
        if (init) // a method's name may mean an Endpoint by now: not for ever
            call.deadline = fake.now + 1 + below(500);
        enter(&call);
    }
    if (below(2) == 0)
        another_turn();
}

// init wakes whoever was stopped, so that the threads do not all end so.
static void revive(void) {
    for (unsigned i = 0; i < THREADS; i++) {
        unsigned state = helpers[i].thread->state;
        if (state == SHEAF_STATE_SUSPENDED || state == SHEAF_STATE_FAULTED) {
            configure(helpers[i].cap, CNODE, VSPACE, 0, helpers[i].buffer, 0);
            OK(INVOKE(helpers[i].cap, SHEAF_THREAD_RESUME));
        }
    }
}

static void build(void) {
    memory = untyped(MEMORY_BITS);
    first = new_slots(SLOTS);
    for (unsigned i = 0; i < THREADS; i++) {
        helpers[i] = helper(PRIORITY_RUNNING);
        OK(copy(first + i, helpers[i].cap, 7));
        resume(&helpers[i]);
    }
    space = make(SHEAF_VSPACE, 0);
    frames = make_many(SHEAF_FRAME, 12, FRAMES);
    OK(copy(first + THREADS + 2, helpers[0].buffer, 7));
}

static void run_seed(uint64_t number) {
    machine_boot(&(struct image){0});
    seed = number;
    build();
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        if (i % 8 == 0 || goes_on(running()))
            check_invariants();
        if (running() == thread_of(INIT) && !goes_on(running()) && below(10) == 0)
            revive();
    }
    while (running() != thread_of(INIT))
        another_turn();
    while (goes_on(running()))
        enter(NULL);
    for (unsigned i = 0; i < THREADS; i++)
        OK(destroy(helpers[i].cap));
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(MEMORY_BITS));
    check_invariants();
}

static void threads_in_each_others_way(void **state) {
    (void)state;
    const char *alone = getenv("INTERLEAVED_SEED");
    if (alone != NULL) {
        run_seed(strtoull(alone, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= SEEDS; i++) {
        print_message("seed %lu\n", (unsigned long)i);
        run_seed(i);
    }
    print_message("%u calls interrupted\n", interrupted);
    assert_true(interrupted > SEEDS * 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_in_each_others_way)};
    return cmocka_run_group_tests_name("core.interleaved", tests, NULL, NULL);
}
