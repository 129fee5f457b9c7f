// SPDX-License-Identifier: BSD-2-Clause
// Random operations on src/core, each compared with the reference and followed by a look at the
// whole state.
//
//     test_model [--seed N] [--operations N] [--trace]
//
// Rounds of 2,000 operations begin with a new machine and have a seed each, so what a failure
// prints repeats that round alone. The threads of the world take turns as the scheduler lets them:
// whoever runs makes the next call. Faults and interrupts come in between, and during the calls
// that can be preempted.
#include "method.h"
#include "replay.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 1000000u
#define ROUND 2000u
#define CROWDED 50u // one of so many rounds is in a world with a VSpace that holds no more chunks
#define MOST_WAITING 64u
#define LEAST_DEPTH 8u

static uint64_t seed = 1, wanted = OPERATIONS, done, round_seed, round_done;
static bool tracing;
static struct attempt attempt;

static struct {
    const struct thread *thread;
    struct row *row;
} waiting[MOST_WAITING]; // whose answer is still to come
static unsigned waiting_count;

// ---- Threads

static bool exists(const struct thread *thread) {
    uint64_t address = port_physical_address(thread).v;
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].type == SHEAF_THREAD && caps[i].address == address)
            return true;
    return false;
}

static bool waits(const struct thread *thread) {
    return thread->state >= SHEAF_STATE_SENDING &&
           thread->state <= SHEAF_STATE_WAITING_NOTIFICATION;
}

static void collect_answers(void) {
    for (unsigned i = waiting_count; i-- > 0;) {
        const struct thread *thread = waiting[i].thread;
        if (exists(thread) && waits(thread))
            continue;
        if (exists(thread))
            census_count(waiting[i].row, thread->context.reg[SHEAF_REG_STATUS]);
        waiting[i] = waiting[--waiting_count];
    }
}

// ---- Order: among equals, who came first is served first

static struct {
    const struct thread *thread;
    const void *waiting_on;
    uint64_t since;
    uint8_t priority;
} arrivals[MOST_WAITING];

static unsigned arrival_of(const struct thread *thread) {
    unsigned free = MOST_WAITING;
    for (unsigned i = 0; i < MOST_WAITING; i++) {
        if (arrivals[i].thread == thread)
            return i;
        if (arrivals[i].thread == NULL || !exists(arrivals[i].thread))
            free = i;
    }
    assert_true(free < MOST_WAITING);
    arrivals[free].thread = thread;
    arrivals[free].waiting_on = NULL;
    return free;
}

// Who has made this step comes now, and who has got another priority.
static void note_arrivals(const struct thread *mover) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_THREAD)
            continue;
        const struct thread *thread = port_kernel_address(PADDR(caps[i].address));
        unsigned at = arrival_of(thread);
        if (thread == mover || thread == attempt.reprioritised ||
            arrivals[at].waiting_on != thread->waiting_on ||
            arrivals[at].priority != thread->priority)
            arrivals[at].since = round_done + 1;
        arrivals[at].waiting_on = thread->waiting_on;
        arrivals[at].priority = thread->priority;
    }
}

static void check_order(void) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_THREAD)
            continue;
        const struct thread *thread = port_kernel_address(PADDR(caps[i].address));
        if (thread->waiting_on == NULL || thread->next == NULL ||
            thread->next->priority != thread->priority)
            continue;
        assert_true(arrivals[arrival_of(thread)].since < arrivals[arrival_of(thread->next)].since);
    }
}

// ---- Gathers

static struct sheaf_gather_op operations[SHEAF_GATHER_OPS];

static void count_gather(uint64_t status) {
    uint64_t argument = attempt.call.gather, x10 = attempt.thread->context.reg[SHEAF_REG_GATHER];
    unsigned error = SHEAF_GATHER_ERROR(x10), index = SHEAF_GATHER_INDEX(x10);
    bool vector = (argument >> 33) != 0 || (argument & UINT32_MAX) > SHEAF_GATHER_OPS ||
                  thread_buffer(attempt.thread) == NULL;
    unsigned count = error == SHEAF_OK ? (unsigned)argument : index + 1;
    for (unsigned i = 0; !vector && i < count; i++) {
        uint64_t code = operations[i].word[0] & 0xff;
        struct row *row = code == SHEAF_OP_MAP     ? row_of_map
                          : code == SHEAF_OP_UNMAP ? row_of_unmap
                                                   : row_of_gather;
        census_count(row, i == index && error != SHEAF_OK ? error : SHEAF_OK);
    }
    if (!waits(attempt.thread) && (vector || error == SHEAF_OK))
        census_count(row_of_gather, status);
}

// ---- One call

// The driver must not wait.
static bool may_make(void) {
    uint64_t number = attempt.call.number;
    if (attempt.thread != driver)
        return true;
    if (number == SHEAF_SYS_CALL)
        return attempt.cap == NO_CAP || caps[attempt.cap].type != SHEAF_ENDPOINT;
    return number != SHEAF_SYS_SEND && number != SHEAF_SYS_RECV && number != SHEAF_SYS_REPLY_RECV &&
           (number != SHEAF_SYS_GATHER ||
            (attempt.call.gather >> 32 & SHEAF_GATHER_REPLY_RECV) == 0);
}

static bool is_modelled(const struct row *row) {
    return row->number == SHEAF_SYS_CALL && row->type != SHEAF_ENDPOINT;
}

static void trace_call(void) {
    if (!tracing)
        return;
    printf("# %lu: %s calls %s: system call %lu, cap %lx, tag %lx, reply %lx, gather %lx, words",
           (unsigned long)round_done, attempt.thread == driver ? "driver" : "a player",
           attempt.row->name, (unsigned long)attempt.call.number, (unsigned long)attempt.call.cap,
           (unsigned long)attempt.call.tag, (unsigned long)attempt.call.reply,
           (unsigned long)attempt.call.gather);
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        printf(" %lx", (unsigned long)attempt.word[i]);
    printf("; errors expected %lx, polls to an interrupt %lx\n", (unsigned long)attempt.wrong,
           (unsigned long)fake.polls);
    fflush(stdout);
}

// Nobody whom the call wakes may run before it is through: half a call is not in the reference.
static bool outranks_all(void) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_THREAD)
            continue;
        const struct thread *other = port_kernel_address(PADDR(caps[i].address));
        if (other->priority > attempt.thread->priority)
            return false;
    }
    return true;
}

// Whether the caller is still there to go on when an interrupt cuts the call in two.
static bool caller_stays(void) {
    const struct slot *root = &attempt.thread->slot[THREAD_CSPACE];
    void (*apply)(const struct attempt *attempt) = attempt.row->apply;
    if (attempt.wrong != 0 || (apply != apply_delete && apply != apply_revoke))
        return apply != apply_configure;
    unsigned cap = cap_at(slot_in_cnode(&caps[attempt.cap], attempt.word[0]));
    return !dies_with(cap, apply == apply_delete, root) &&
           !dies_with(cap, apply == apply_delete, caps[attempt.cap].at);
}

// The errors that may come; 0: it must succeed.
static uint64_t permitted(const struct row *row, bool *must_fail) {
    uint64_t common = E(INVALID_CAPABILITY) | E(RANGE) | E(WRONG_TYPE) | E(DEAD);
    *must_fail = attempt.wrong != 0;
    if (attempt.wrong != 0 || (is_modelled(row) && row->wrong != NULL))
        return attempt.wrong | attempt.maybe;
    if (row == row_of_gather)
        common |= row_of_map->documented | row_of_unmap->documented;
    return row->documented | common;
}

static void judge(uint64_t status, uint64_t before) {
    const struct row *row = attempt.row;
    bool must_fail;
    uint64_t errors = permitted(row, &must_fail);
    if (status != SHEAF_OK ? (errors >> status & 1) == 0 : must_fail)
        fail_msg("%s answers %lu; the reference has errors %lx, and success is %s", row->name,
                 (unsigned long)status, (unsigned long)errors, must_fail ? "wrong" : "right");
    if (status != SHEAF_OK && !row->waits && state_hash(attempt.thread) != before)
        fail_msg("%s fails with %lu and has changed something", row->name, (unsigned long)status);
    if (status == SHEAF_OK && row->wrong == wrong_priority)
        attempt.reprioritised = port_kernel_address(PADDR(caps[attempt.cap].address));
    if (status == SHEAF_OK && row->apply != NULL)
        row->apply(&attempt);
}

static void make_random_call(void) {
    unsigned tries = 0;
    do {
        make_attempt(&attempt, random_row(), running());
        expect_common(&attempt);
        tries++;
    } while (!may_make() || (attempt.call.cap == 0 && tries < 30 && below(10) != 0));
    struct thread *thread = attempt.thread;
    struct row *row = attempt.row;
    if (thread_buffer(thread) != NULL)
        memcpy(operations, thread_buffer(thread)->ops, sizeof(operations));
    uint64_t before = state_hash(thread);
    fake_set_interrupts(below(3) == 0 && outranks_all() && caller_stays() ? below(6) : VMSA_NEVER);
    trace_call();
    execute(&attempt.call);
    fake_set_interrupts(VMSA_NEVER);
    if (fake.exit == FAKE_POWER_OFF) {
        census_count(row, SHEAF_OK);
        return;
    }
    if (running() != thread && attempt.wrong == 0 && row->apply != NULL &&
        (row->apply == apply_delete || row->apply == apply_revoke ||
         row->apply == apply_configure)) {
        row->apply(&attempt); // perhaps it is gone, with the answer
        census_count(row, SHEAF_OK);
        return;
    }
    uint64_t status = thread->context.reg[SHEAF_REG_STATUS];
    if (row == row_of_gather)
        count_gather(status);
    if (waits(thread)) {
        assert_true(waiting_count < MOST_WAITING);
        waiting[waiting_count].thread = thread;
        waiting[waiting_count++].row = row;
        return;
    }
    if (row != row_of_gather)
        census_count(row, status);
    judge(status, before);
}

// ---- Rounds

static void run_exception(struct pe *pe) { core_exception(pe, 0x96000010, 0); }

static void step(void) {
    const struct thread *thread = running();
    replay_note(round_seed, round_done + 1);
    attempt.reprioritised = NULL;
    bool lost = cap_at(&thread->slot[THREAD_CSPACE]) == NO_CAP;
    uint64_t event = below(100);
    if (thread != driver && event < (lost ? 60u : 3u)) {
        if (below(2) == 0)
            page_fault(below(4) << 40 | below(1000), SHEAF_ACCESS_WRITE);
        else
            fake_run(run_exception, &fake.pe[0]);
    } else if (event < 70 && event > 66) {
        fake.now += FAKE_TIMER_HZ;
        interrupt();
    } else {
        make_random_call();
    }
    collect_answers();
    reference_compare();
    check_invariants();
    note_arrivals(thread);
    check_order();
}

static void end_round(void) {
    const struct slot *memory = world_memory();
    unsigned cap = memory != NULL ? cap_at(memory) : NO_CAP;
    world_end();
    if (cap != NO_CAP)
        reference_revoke(cap);
    reference_compare();
}

static void run_round(void) {
    random_seed(round_seed);
    waiting_count = 0;
    memset(arrivals, 0, sizeof(arrivals));
    reference_clear();
    world_begin(round_seed % CROWDED == 0 ? WORLD_CROWDED : WORLD_USUAL);
    reference_import();
    for (round_done = 0; round_done < ROUND && done < wanted; round_done++, done++) {
        if (running() == NULL) // the driver has given itself away
            break;
        step();
    }
    replay_note(round_seed, round_done + 1);
    end_round();
}

static void test_operations(void **state) {
    (void)state;
    for (round_seed = seed; done < wanted; round_seed++)
        run_round();
}

// ---- The program

static void read_arguments(int count, char **arguments) {
    for (int i = 1; i < count; i += 2) {
        if (strcmp(arguments[i], "--trace") == 0) {
            tracing = true;
            i--;
            continue;
        }
        bool is_seed = strcmp(arguments[i], "--seed") == 0;
        if ((!is_seed && strcmp(arguments[i], "--operations") != 0) || i + 1 == count) {
            fprintf(stderr, "usage: %s [--seed N] [--operations N] [--trace]\n", arguments[0]);
            exit(2);
        }
        *(is_seed ? &seed : &wanted) = strtoull(arguments[i + 1], NULL, 0);
    }
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations)};
    read_arguments(count, arguments);
    replay_begin();
    printf("# seed %lu, %lu operations\n", (unsigned long)seed, (unsigned long)wanted);
    bool failed = cmocka_run_group_tests_name("model", tests, NULL, NULL) != 0;
    fflush(stdout);
    if (failed)
        replay_print();
    bool whole = wanted >= OPERATIONS, enough = !failed && census_print(whole);
    printf("# derivations %u deep\n", reference_depth);
    bool good = !failed && (!whole || (enough && reference_depth >= LEAST_DEPTH));
    printf("# model: %lu operations, seed %lu: %s\n", (unsigned long)done, (unsigned long)seed,
           good     ? "core and reference agree"
           : failed ? "FAILED"
                    : "too few of some kind");
    return good ? 0 : 1;
}
