// SPDX-License-Identifier: BSD-2-Clause
// Random operations on src/core, each compared with the reference and followed by a look at the
// whole state.
//
//     test_model [--seed N] [--ops N] [--trace]
//
// Rounds of 2,000 operations begin with a new machine and have a seed each, so what a failure
// prints repeats that round alone. The threads of the world take turns as the scheduler lets them:
// whoever runs makes the next call. Faults, interrupts and time come in between, and interrupts
// during the calls that can be preempted.
#include "events.h"
#include "foresee.h"
#include "method.h"
#include "news.h"
#include "order.h"
#include "replay.h"
#include "ways.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 1000000u
#define ROUND 2000u
#define CROWDED 30u // one of so many rounds is in a world with a VSpace that holds no more chunks
#define BARE 6u     // and of so many, in one whose driver has no IPC buffer
#define MOST_WAITING 64u
#define LEAST_DEPTH 8u

static uint64_t seed = 1, wanted = OPERATIONS, done, round_seed, round_done;
static uint64_t trail;         // of the states gone through
static bool tracing, finished; // finished: every round passed
static struct attempt attempt;

static struct {
    const struct thread *thread;
    struct row *row;
    uint64_t deadline;
} waiting[MOST_WAITING]; // whose answer is still to come
static unsigned waiting_count;

static void check_deadlines(void) {
    for (unsigned i = 0; i < waiting_count; i++)
        assert_true(waiting[i].thread->timeout.deadline == waiting[i].deadline);
}

static void collect_answers(void) {
    for (unsigned i = waiting_count; i-- > 0;) {
        const struct thread *thread = waiting[i].thread;
        if (is_alive(thread) && is_waiting(thread))
            continue;
        if (is_alive(thread))
            census_count(waiting[i].row, thread->context.reg[SHEAF_REG_STATUS]);
        waiting[i] = waiting[--waiting_count];
    }
}

// ---- Gathers

static struct sheaf_gather_op operations[SHEAF_GATHER_OPS];

static uint64_t gather_error(void) {
    return SHEAF_GATHER_ERROR(attempt.thread->context.reg[SHEAF_REG_GATHER]);
}

// Each operation that ran counts as one of its own method.
static void count_gather(uint64_t status) {
    uint64_t x10 = attempt.thread->context.reg[SHEAF_REG_GATHER];
    unsigned error = SHEAF_GATHER_ERROR(x10), index = SHEAF_GATHER_INDEX(x10);
    unsigned count = error == SHEAF_OK ? (unsigned)attempt.call.gather : index + 1;
    for (unsigned i = 0; attempt.wrong == 0 && i < count; i++) {
        struct row *row = row_of_operation(operations[i].word[0] & 0xff);
        census_count(row, i == index && error != SHEAF_OK ? error : SHEAF_OK);
    }
    if (!is_waiting(attempt.thread) && (attempt.wrong != 0 || error == SHEAF_OK))
        census_count(row_of_gather, status);
    if (attempt.wrong != 0 || error != SHEAF_OK || count == 0)
        return;
    if ((attempt.call.gather >> 32 & SHEAF_GATHER_DEFER) != 0)
        event_count(EVENT_DEFERRED);
    if ((attempt.call.gather >> 32 & SHEAF_GATHER_FORCE) != 0)
        event_count(EVENT_FORCED);
}

// The errors of an operation, or those of the tail if the operations succeeded. In the first case
// the tail that was foreseen does not happen.
static void settle_gather(uint64_t before) {
    uint64_t argument = attempt.call.gather, error = gather_error();
    if (attempt.wrong != 0)
        return;
    unsigned index = SHEAF_GATHER_INDEX(attempt.thread->context.reg[SHEAF_REG_GATHER]);
    if (error == SHEAF_OK) {
        foresee_settle(attempt.thread);
        attempt.wrong = attempt.tail;
        return;
    }
    assert_true((argument & UINT32_MAX) > index);
    if (index == 0 && state_hash(attempt.thread) != before)
        fail_msg("a gather's first operation fails and has changed something");
    meet_undo();
    attempt.wrong = foresee_settle(attempt.thread);
    attempt.waits = false;
    news_begin();
}

// ---- One call

static void trace_call(void) {
    if (!tracing)
        return;
    printf("# %lu: %s calls %s: system call %lu, cap %lx, tag %lx, reply %lx, gather %lx, "
           "deadline %lu, words",
           (unsigned long)round_done, attempt.thread == driver ? "driver" : "a player",
           attempt.row->name, (unsigned long)attempt.call.number, (unsigned long)attempt.call.cap,
           (unsigned long)attempt.call.tag, (unsigned long)attempt.call.reply,
           (unsigned long)attempt.call.gather, (unsigned long)attempt.call.deadline);
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        printf(" %lx", (unsigned long)attempt.word[i]);
    uint64_t count = attempt.row == row_of_gather ? attempt.call.gather & UINT32_MAX : 0;
    for (uint64_t i = 0; i < MIN(count, SHEAF_GATHER_OPS); i++) {
        printf("; operation");
        for (unsigned n = 0; n < SHEAF_GATHER_OP_WORDS; n++)
            printf(" %lx", (unsigned long)operations[i].word[n]);
    }
    printf("; errors expected %lx%s, polls to an interrupt %lx\n", (unsigned long)attempt.wrong,
           attempt.waits ? ", waits" : "", (unsigned long)fake.polls);
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

static bool deletes(void) {
    void (*apply)(const struct attempt *attempt) = attempt.row->apply;
    return attempt.wrong == 0 && (apply == apply_delete || apply == apply_revoke ||
                                  apply == apply_configure || apply == apply_attach);
}

static bool survives_revoke(const struct thread *thread, unsigned cap) {
    uint64_t address = port_physical_address(thread).v;
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].type == SHEAF_THREAD && caps[i].address == address &&
            !dies_with(cap, false, caps[i].at))
            return true;
    return false;
}

// Whether the caller is still there to go on when an interrupt cuts the call in two. A revoke
// spares what it was named by until all else is gone, but not the thread.
static bool caller_stays(void) {
    const struct slot *root = &attempt.thread->slot[THREAD_CSPACE];
    void (*apply)(const struct attempt *attempt) = attempt.row->apply;
    if (attempt.wrong != 0 || (apply != apply_delete && apply != apply_revoke))
        return apply != apply_configure;
    unsigned cap = cap_at(slot_in_cnode(&caps[attempt.cap], attempt.word[0]));
    if (apply == apply_revoke)
        return survives_revoke(attempt.thread, cap);
    return !dies_with(cap, true, root) && !dies_with(cap, true, caps[attempt.cap].at);
}

static void judge(uint64_t status, uint64_t before) {
    const struct row *row = attempt.row;
    uint64_t errors = attempt.wrong | attempt.maybe;
    bool must_fail = attempt.wrong != 0;
    if (status != SHEAF_OK ? status > 63 || (errors >> status & 1) == 0 : must_fail)
        fail_msg("%s answers %lu; the reference has errors %lx, and success is %s", row->name,
                 (unsigned long)status, (unsigned long)errors, must_fail ? "wrong" : "right");
    if (status != SHEAF_OK && row != row_of_gather && !news_any() &&
        state_hash(attempt.thread) != before)
        fail_msg("%s fails with %lu and has changed something", row->name, (unsigned long)status);
    if (status == SHEAF_OK && row->wrong == wrong_priority)
        attempt.reprioritised = port_kernel_address(PADDR(caps[attempt.cap].address));
    if (status == SHEAF_OK && row->apply != NULL)
        row->apply(&attempt);
    if (status == SHEAF_OK && row->answers != NULL)
        row->answers(&attempt);
}

// The driver must not wait.
static void make_up_call(void) {
    unsigned tries = 0;
    do {
        meet_undo(); // what the try before would have carried is not there
        make_attempt(&attempt, random_row(running()), running());
        expect_call(&attempt);
        tries++;
    } while ((attempt.thread == driver && attempt.waits) ||
             (attempt.call.cap == 0 && tries < 30 && below(10) != 0));
}

static void finish_call(struct row *row, uint64_t before) {
    struct thread *thread = attempt.thread;
    if (running() != thread && deletes()) {
        row->apply(&attempt); // perhaps it is gone, with the answer
        census_count(row, SHEAF_OK);
        return;
    }
    uint64_t status = thread->context.reg[SHEAF_REG_STATUS];
    if (row == row_of_gather) {
        count_gather(status);
        settle_gather(before);
    }
    bool waits = attempt.wrong == 0 && attempt.waits;
    if (is_waiting(thread) != waits)
        fail_msg("%s %s", attempt.row->name, waits ? "does not wait" : "waits");
    if (waits) {
        assert_true(waiting_count < MOST_WAITING);
        waiting[waiting_count].thread = thread;
        waiting[waiting_count].deadline = attempt.call.deadline;
        waiting[waiting_count++].row = row;
        return;
    }
    if (row != row_of_gather)
        census_count(row, status);
    judge(status, before);
}

static void make_random_call(void) {
    make_up_call();
    struct thread *thread = attempt.thread;
    struct row *row = attempt.row;
    if (thread_buffer(thread) != NULL)
        memcpy(operations, thread_buffer(thread)->ops, sizeof(operations));
    uint64_t before = state_hash(thread);
    if (deletes())
        news_allow(E(OK) | E(CANCELLED) | E(NO_REPLY));
    fake_set_interrupts(below(3) == 0 && outranks_all() && caller_stays() ? below(6) : VMSA_NEVER);
    trace_call();
    way_begin();
    execute(&attempt.call);
    way_note_call(row->number);
    fake_set_interrupts(VMSA_NEVER);
    if (fake.exit == FAKE_POWER_OFF)
        census_count(row, SHEAF_OK);
    else
        finish_call(row, before);
    meet_commit();
}

// ---- Rounds

// Without it the PE may become idle, and then the clock goes on by itself.
static bool driver_can_run(void) {
    return is_alive(driver) && driver->state == SHEAF_STATE_READY && running() != NULL;
}

static void step(void) {
    const struct thread *thread = running();
    replay_note(round_seed, round_done + 1);
    attempt.reprioritised = NULL;
    bool lost = cap_at(&thread->slot[THREAD_CSPACE]) == NO_CAP;
    uint64_t event = below(100);
    news_begin();
    news_watch();
    if (event_is_due())
        event_deliver();
    else if (thread != driver && event < (lost ? 60u : 6u))
        event_fault();
    else if (event < 70 && event > 64)
        event_random();
    else
        make_random_call();
    if (!driver_can_run())
        news_allow(E(OK) | E(TIMED_OUT));
    news_check();
    collect_answers();
    check_deadlines();
    reference_compare();
    check_invariants();
    mappings_compare();
    order_check(thread, attempt.reprioritised, round_done + 1);
    trail = trail * 31 + state_hash(NULL);
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
    order_begin();
    reference_clear();
    world_begin(round_seed % CROWDED == 0 ? WORLD_CROWDED
                : round_seed % BARE == 0  ? WORLD_BARE
                                          : WORLD_USUAL);
    reference_import();
    for (round_done = 0; round_done < ROUND && done < wanted; round_done++, done++) {
        if (!driver_can_run()) // it has given itself away
            break;
        step();
    }
    replay_note(round_seed, round_done + 1);
    end_round();
}

// The same seed, the same steps. After a failure the line that says how to repeat that one stays.
static void test_replay(void **state) {
    (void)state;
    if (!finished) {
        print_message("# skipped: the operations before it have failed\n");
        skip();
    }
    uint64_t count = done, steps[2], hash[2];
    census_pause(true);
    round_seed = seed;
    for (unsigned i = 0; i < 2; i++) {
        done = 0;
        trail = 0;
        run_round();
        steps[i] = done;
        hash[i] = trail;
    }
    assert_true(steps[0] == steps[1] && steps[0] > 0);
    assert_true(hash[0] == hash[1]);
    census_pause(false);
    done = count;
}

static void test_operations(void **state) {
    (void)state;
    for (round_seed = seed; done < wanted; round_seed++)
        run_round();
    finished = true;
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
        if ((!is_seed && strcmp(arguments[i], "--ops") != 0) || i + 1 == count) {
            fprintf(stderr, "usage: %s [--seed N] [--ops N] [--trace]\n", arguments[0]);
            exit(2);
        }
        *(is_seed ? &seed : &wanted) = strtoull(arguments[i + 1], NULL, 0);
    }
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations),
                                       cmocka_unit_test(test_replay)};
    read_arguments(count, arguments);
    replay_begin();
    printf("# seed %lu, %lu operations\n", (unsigned long)seed, (unsigned long)wanted);
    bool failed = cmocka_run_group_tests_name("model", tests, NULL, NULL) != 0;
    fflush(stdout);
    if (failed)
        replay_print();
    bool whole = wanted >= OPERATIONS, enough = !failed && census_print(whole);
    enough = !failed && event_print() && enough;
    printf("# derivations %u deep\n", reference_depth);
    bool good = !failed && (!whole || (enough && reference_depth >= LEAST_DEPTH));
    printf("# model: %lu operations, seed %lu: %s\n", (unsigned long)done, (unsigned long)seed,
           good     ? "core and reference agree"
           : failed ? "FAILED"
                    : "too few of some kind");
    return good ? 0 : 1;
}
