// SPDX-License-Identifier: BSD-2-Clause
// A million random system calls from several threads, and then all memory comes back.
//
//     boot arguments: seed=N calls=N     (1 and 1,000,000 if nothing is said)
//
// Four puppets of three priorities, with CSpaces and VSpaces of their own, make the calls; the main
// thread, below them, writes the calls, counts the answers, and helps who waits for what nobody
// will do. A round of 2,000 calls ends with one revoke and begins with the next seed. The last line
// is `recovered B of B bytes`: how large the Untyped is that everything was made from, and what it
// has left after the last revoke. TAP with one case; with `-icount` QEMU repeats a seed exactly.
#include "harness.h"
#include "methods.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 1000000u
#define CROWDED 8u // one of so many rounds has a VSpace that holds no more chunks
#define ROUND 2000u
#define OWN_PRIORITY 5u
#define MOST_STUCK 8u // times that a puppet may be found where it was before it is given up

#define LEAST_SHARE 10000u // of the calls, one of so many must succeed for each method

static uint64_t made, round_made; // calls that have answered
static uint64_t first, seed, wanted;

void note_context(const char *text) { (void)text; }

// Wrong is whatever the surroundings cannot do: nothing can go on then.
void check_failed(const char *text, const char *file, int line) {
    printf("# %s:%d: %s\n# in the round of seed %llu; replay: seed=%llu calls=%llu\n", file, line,
           text, (unsigned long long)seed, (unsigned long long)first, (unsigned long long)wanted);
    printf("not ok 1 - random.calls\n");
    fflush(stdout);
    power_off(1);
}

// ---- Answers

static void count(struct method *method, uint64_t status) {
    method->tried++;
    if (status == SHEAF_OK) {
        method->succeeded++;
    } else if (status < ERRORS && status != SHEAF_ERR_PREEMPTED) {
        method->error[status]++;
    } else if (status != NO_ANSWER) {
        printf("# %s answers %llu\n", method->name, (unsigned long long)status);
        CHECK(!"a documented error");
    }
}

static void count_operations(const struct command *command) {
    unsigned error = SHEAF_GATHER_ERROR(command->x10), index = SHEAF_GATHER_INDEX(command->x10);
    uint64_t asked = command->in.x[SHEAF_REG_GATHER] & UINT32_MAX;
    bool whole = command->status == SHEAF_OK || error == SHEAF_OK; // else: the one that failed
    if (asked != command->operations || (!whole && index >= asked)) {
        return;
    }
    for (unsigned i = 0; i < (whole ? asked : index + 1); i++) {
        struct method *method = method_of_operation(command->operation[i][0] & 0xff);
        if (method != method_other) {
            count(method, !whole && i == index ? error : SHEAF_OK);
        }
    }
}

// The page is not to be trusted: other threads may have begun with the puppet's registers.
static void count_answers(struct puppet *puppet) {
    for (; puppet->counted < puppet->page->next && puppet->counted < COMMANDS; puppet->counted++) {
        const struct command *command = &puppet->page->command[puppet->counted];
        struct method *method = puppet->made[puppet->counted];
        count(method, command->status);
        if (method->number == SHEAF_SYS_GATHER && command->status != NO_ANSWER) {
            count_operations(command);
        }
        learn(puppet, command);
        round_made += command->status != NO_ANSWER && method != method_touch;
    }
}

// ---- Puppets

// Lets it go on with the next command, wherever it is. When a deadline wakes another puppet in
// between, that one may resume it: then once more.
static void begin_again(struct puppet *puppet) {
    uint64_t status = SHEAF_ERR_IN_USE;
    for (unsigned tries = 0; tries < 100 && status == SHEAF_ERR_IN_USE; tries++) {
        CHECK_OK(thread_suspend(puppet->child.thread));
        status = INVOKE(puppet->child.thread, SHEAF_THREAD_WRITE_REGISTERS, 5, 4, puppet_entry(),
                        CHILD_STACK_TOP, 0, CHILD_PAGE)
                     .status;
    }
    CHECK_OK(status);
    CHECK_OK(thread_resume(puppet->child.thread));
}

static void new_commands(struct puppet *puppet) {
    count_answers(puppet);
    generate(puppet);
    puppet->counted = 0;
    puppet->stuck = 0;
    puppet->page->next = 0;
    puppet->page->count = COMMANDS;
    puppet->last = 0;
    if (below(2) == 0 && !puppet_put_back(puppet)) {
        puppet->stuck = MOST_STUCK + 1;
        return;
    }
    begin_again(puppet);
}

// It waits in the middle of its commands, was suspended, or has another priority.
static void help(struct puppet *puppet) {
    bool moved = puppet->page->next != puppet->last;
    puppet->last = puppet->page->next;
    puppet->stuck = moved ? 0 : puppet->stuck + 1;
    if (puppet->stuck > 2 && !puppet_put_back(puppet)) {
        puppet->stuck = MOST_STUCK + 1;
        return;
    }
    if (puppet->stuck == 0) { // a wait ends with CANCELLED; the answer counts
        CHECK_OK(thread_suspend(puppet->child.thread));
        CHECK_OK(thread_resume(puppet->child.thread));
    } else {
        begin_again(puppet);
    }
}

// False: nothing has moved, and everybody was helped in vain.
static bool turn(void) {
    unsigned lost = 0;
    bool waiting = true;
    for (unsigned i = 0; i < PUPPETS; i++) {
        if (puppets[i].page->next >= COMMANDS && puppets[i].stuck <= MOST_STUCK) {
            new_commands(&puppets[i]);
            waiting = false;
        }
    }
    for (unsigned i = 0; i < PUPPETS; i++) {
        struct puppet *puppet = &puppets[i];
        lost += puppet->stuck > MOST_STUCK;
        if (puppet->page->next < COMMANDS && puppet->stuck <= MOST_STUCK &&
            (waiting || below(4) == 0)) {
            help(puppet);
        }
    }
    return lost < PUPPETS;
}

static void run_round(uint64_t calls) {
    random_state = seed;
    round_made = 0;
    world_make(seed % CROWDED == 0);
    CHECK_OK(thread_priority(OWN_THREAD, OWN_PRIORITY, 255, OWN_THREAD));
    for (unsigned i = 0; i < PUPPETS; i++) {
        new_commands(&puppets[i]);
    }
    while (round_made < calls && turn()) {
    }
    for (unsigned i = 0; i < PUPPETS; i++) {
        CHECK_OK(thread_suspend(puppets[i].child.thread));
        count_answers(&puppets[i]);
    }
    world_quieten();
    made += round_made;
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *at = strstr(boot_information()->args, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 0) : otherwise;
}

int main(void) {
    wanted = number_of("calls=", CALLS);
    first = seed = number_of("seed=", 1);
    printf("TAP version 13\n1..1\n# seed %llu, %llu calls\n", (unsigned long long)seed,
           (unsigned long long)wanted);
    fflush(stdout);
    CHECK(surroundings_prepare());
    uint64_t given = untyped_info(arena()).left;
    for (;; seed++) {
        surroundings_begin();
        run_round(wanted - made < ROUND ? wanted - made : ROUND);
        if (made >= wanted) {
            break;
        }
        surroundings_end(); // one revoke, and all of it must be there
    }
    CHECK_OK(cnode_revoke(ROOT, arena()));
    uint64_t recovered = untyped_info(arena()).left;
    bool enough = methods_print(wanted / LEAST_SHARE);
    bool good = enough && recovered == given;
    uint64_t rounds = seed - first + 1;
    printf("# %llu calls in %llu rounds\n%sok 1 - random.calls\n", (unsigned long long)made,
           (unsigned long long)rounds, good ? "" : "not ");
    printf("recovered %llu of %llu bytes\n", (unsigned long long)recovered,
           (unsigned long long)given);
    fflush(stdout);
    return good ? 0 : 1;
}
