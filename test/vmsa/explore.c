// SPDX-License-Identifier: BSD-2-Clause
// The explorer: participants, where they may be switched, and who decides.
#include "explore.h"
#include "fiber.h"
#include "model.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A schedule that takes more steps turns in circles: operations have some hundred.
#define MOST_STEPS 20000u
#define NOBODY MAX_PES

enum activity {
    OUTSIDE, // not begun, or through: in user space
    RUNNING,
    WANTS_LOCK,
    WANTS_ANSWERS, // of all other PEs, to an interrupt
    RELAXING,      // waits for something another PE does
};

struct participant {
    struct fiber fiber;
    enum activity activity;
    bool begun;
    const struct lock *lock;
    uint32_t awaited;      // PEs that have not answered yet
    uint64_t ttbr0, empty; // what they are to leave, and for what
    uint64_t steps;        // but port_relax
    uint64_t seen;         // steps of the others when it relaxed
};

// A decision with more than one way to go. Ways are tried from the preferred one, then upwards.
struct choice {
    uint32_t left; // PEs still to be tried
    uint8_t taken;
};

struct deviation {
    uint32_t step;
    uint8_t pe;
};

enum strategy { EXHAUSTIVE, RANDOM, REPLAY };

static struct {
    const struct explore_case *test;
    struct explore_result *result;
    struct fiber main;
    struct participant pes[MAX_PES];
    bool inside;       // a coroutine runs, not the program's own stack
    unsigned entering; // the PE switched to
    uint64_t steps, progress, chances;
    // Decisions.
    enum strategy strategy;
    unsigned bound, preemptions;
    struct choice choices[MOST_STEPS];
    unsigned depth, replayed;
    uint64_t random, one_in;
    // Where this schedule left the preferred way; for a replay, where it is to.
    struct deviation taken[MOST_STEPS], wanted[MOST_STEPS];
    unsigned taken_count, wanted_count;
} explore;

// ---- Failing

static void describe_schedule(char *text, size_t bytes) {
    size_t used = 0;
    for (unsigned i = 0; i < explore.taken_count && used + 16 < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%u:%u", i == 0 ? "" : " ",
                                 explore.taken[i].step, explore.taken[i].pe);
    if (used == 0)
        snprintf(text, bytes, "0:0");
}

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...) {
    struct explore_result *result = explore.result;
    char what[256], schedule[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (!result->failed) {
        describe_schedule(schedule, sizeof(schedule));
        snprintf(result->text, sizeof(result->text), "PE %u: %s; schedule \"%s\"", machine.pe, what,
                 schedule);
    }
    result->failed = true;
    if (explore.inside) {
        explore.inside = false;
        machine.in_hook = false;
        fiber_switch(&explore.pes[machine.pe].fiber, &explore.main); // and never back
    }
}

void explore_require(bool holds, const char *text) {
    if (!holds)
        fail("%s", text);
}

static void on_violation(enum vmsa_rule rule, const char *text) {
    fail("%s: %s", vmsa_rule_name(rule), text);
}

static void on_panic(const char *text) { fail("panic: %s", text); }

// ---- Who can go on

static bool can_answer(const struct participant *other) {
    switch (other->activity) {
    case OUTSIDE:
    case RELAXING:
    case WANTS_ANSWERS:
        return true;
    case WANTS_LOCK:
        return other->lock->held != 0;
    case RUNNING:
        break; // interrupts are masked in the kernel
    }
    return false;
}

// Answers everybody who asks, if it can; as early as it can.
static void answer(unsigned pe) {
    if (!can_answer(&explore.pes[pe]))
        return;
    for (unsigned asking = 0; asking < explore.test->pes; asking++) {
        struct participant *other = &explore.pes[asking];
        if (other->activity != WANTS_ANSWERS || (other->awaited >> pe & 1) == 0)
            continue;
        other->awaited &= ~(UINT32_C(1) << pe);
        answer_eviction(pe, asking, other->ttbr0, other->empty);
    }
}

static void ask(unsigned asking, uint64_t ttbr0, uint64_t empty) {
    struct participant *self = &explore.pes[asking];
    uint32_t all = (UINT32_C(1) << explore.test->pes) - 1;
    self->activity = WANTS_ANSWERS;
    self->awaited = all & ~(UINT32_C(1) << asking);
    self->ttbr0 = ttbr0;
    self->empty = empty;
    for (unsigned pe = 0; pe < explore.test->pes; pe++)
        answer(pe);
    if (vmsa_faults.no_answer) {
        self->awaited = 0;
        machine.answered[asking] |= (uint8_t)all;
    }
}

static bool can_go_on(const struct participant *self) {
    switch (self->activity) {
    case OUTSIDE:
        return !self->begun;
    case RUNNING:
        return true;
    case WANTS_LOCK:
        return self->lock->held == 0;
    case WANTS_ANSWERS:
        return self->awaited == 0;
    case RELAXING:
        return explore.progress - self->steps != self->seen;
    }
    return false;
}

static uint32_t able(void) {
    uint32_t mask = 0;
    for (unsigned pe = 0; pe < explore.test->pes; pe++)
        mask |= can_go_on(&explore.pes[pe]) ? UINT32_C(1) << pe : 0;
    return mask;
}

// Nobody can go on for sure. What a relaxing PE waits for may hold by now all the same: each gets
// one more turn. 0: none is left, NOBODY waits in vain.
static uint32_t last_chance(void) {
    uint32_t relaxing = 0;
    for (unsigned pe = 0; pe < explore.test->pes; pe++)
        relaxing |= explore.pes[pe].activity == RELAXING ? UINT32_C(1) << pe : 0;
    if (relaxing == 0 || explore.chances >= 2 * explore.test->pes)
        return 0;
    unsigned turn = (unsigned)(explore.chances++ % (unsigned)__builtin_popcount(relaxing));
    while (turn-- > 0)
        relaxing &= relaxing - 1;
    return relaxing & -relaxing;
}

// ---- Deciding

static uint64_t draw(uint64_t below) {
    explore.random ^= explore.random << 13;
    explore.random ^= explore.random >> 7;
    explore.random ^= explore.random << 17;
    return explore.random % below;
}

static unsigned lowest(uint32_t mask) { return (unsigned)__builtin_ctz(mask); }

static unsigned decide_exhaustive(uint32_t mask, unsigned preferred, bool preempts) {
    if (preempts && explore.preemptions == explore.bound)
        return preferred;
    struct choice *choice = &explore.choices[explore.replayed];
    if (explore.replayed == explore.depth) {
        *choice = (struct choice){mask & ~(UINT32_C(1) << preferred), (uint8_t)preferred};
        explore.depth++;
    }
    explore.replayed++;
    return choice->taken;
}

static unsigned decide_random(uint32_t mask, unsigned preferred, bool preempts) {
    if (preempts && draw(explore.one_in) != 0)
        return preferred;
    for (uint64_t skip = draw((uint64_t)__builtin_popcount(mask)); skip > 0; skip--)
        mask &= mask - 1;
    return lowest(mask);
}

static unsigned decide_replay(uint32_t mask, unsigned preferred) {
    for (unsigned i = 0; i < explore.wanted_count; i++) {
        const struct deviation *wanted = &explore.wanted[i];
        if (wanted->step == explore.steps && (mask >> wanted->pe & 1) != 0)
            return wanted->pe;
    }
    return preferred;
}

// The PE that goes on now. `current` NOBODY: the last one is through, or none has begun.
static unsigned decide(unsigned current) {
    uint32_t mask = able();
    if (mask == 0)
        mask = last_chance();
    if (mask == 0)
        return NOBODY;
    bool stays = current != NOBODY && (mask >> current & 1) != 0;
    unsigned preferred = stays ? current : lowest(mask), next;
    if ((mask & (mask - 1)) == 0)
        return preferred;
    if (explore.strategy == EXHAUSTIVE)
        next = decide_exhaustive(mask, preferred, stays);
    else if (explore.strategy == RANDOM)
        next = decide_random(mask, preferred, stays);
    else
        next = decide_replay(mask, preferred);
    explore.preemptions += stays && next != current;
    if (next != preferred)
        explore.taken[explore.taken_count++] =
            (struct deviation){(uint32_t)explore.steps, (uint8_t)next};
    return next;
}

// To the next schedule: the last decision that has a way left takes it. False: none has.
static bool advance(void) {
    while (explore.depth > 0) {
        struct choice *choice = &explore.choices[explore.depth - 1];
        if (choice->left != 0) {
            choice->taken = (uint8_t)lowest(choice->left);
            choice->left &= choice->left - 1;
            return true;
        }
        explore.depth--;
    }
    return false;
}

// ---- Running

static void go_to(struct fiber *from, unsigned pe) {
    machine.in_hook = false;
    explore.inside = true;
    explore.entering = pe;
    fiber_switch(from, &explore.pes[pe].fiber);
}

static bool all_are_through(void) {
    for (unsigned pe = 0; pe < explore.test->pes; pe++) {
        if (!explore.pes[pe].begun || explore.pes[pe].activity != OUTSIDE)
            return false;
    }
    return true;
}

// The body of each coroutine.
static void participate(void) {
    unsigned pe = explore.entering;
    struct participant *self = &explore.pes[pe];
    self->begun = true;
    self->activity = RUNNING;
    vmsa_set_pe(pe);
    explore.test->operation[pe]();
    if (vmsa_holds_locks(pe))
        fail("a lock is still held at the end");
    if (vmsa_unordered(pe) != 0)
        fail("walkers need not see yet what was made valid");
    self->activity = OUTSIDE;
    answer(pe);
    explore.steps++;
    explore.progress++; // somebody may have waited for just this
    self->steps++;
    unsigned next = decide(NOBODY);
    if (next == NOBODY && !all_are_through())
        fail("the other PEs wait for each other");
    if (next != NOBODY)
        go_to(&self->fiber, next);
    explore.inside = false;
    fiber_switch(&self->fiber, &explore.main);
}

// Tables are accessed under the lock of their VSpace only: what lets reads pass without a switch.
static void check_access(enum vmsa_call call, uint64_t table) {
    bool locked = (machine.locks[machine.pe] & (BIT(LOCK_VSPACE) | BIT(LOCK_ALIAS))) != 0;
    if ((call == VMSA_CALL_READ || call == VMSA_CALL_STORE) && !locked)
        fail("table %lx accessed without the lock of its VSpace", (unsigned long)table);
}

static void note_activity(struct participant *self, enum vmsa_call call, uint64_t a) {
    self->activity = RUNNING;
    if (call == VMSA_CALL_RELAX) {
        self->activity = RELAXING;
        self->seen = explore.progress - self->steps;
        return;
    }
    if (call == VMSA_CALL_LOCK) {
        self->activity = WANTS_LOCK;
        self->lock = (const struct lock *)(uintptr_t)a;
    }
    self->steps++;
    explore.progress++;
    explore.chances = 0;
}

static void hook(enum vmsa_call call, uint64_t a, uint64_t b) {
    unsigned pe = machine.pe;
    struct participant *self = &explore.pes[pe];
    if (++explore.steps == MOST_STEPS)
        fail("no end after %u steps", MOST_STEPS);
    check_access(call, a);
    note_activity(self, call, a);
    if (call == VMSA_CALL_EVICT_ROOT)
        ask(pe, a, b);
    answer(pe);
    if (call == VMSA_CALL_READ)
        return;
    unsigned next = decide(pe);
    if (next == NOBODY)
        fail("all PEs wait for each other");
    else if (next != pe)
        go_to(&self->fiber, next);
    self->activity = RUNNING;
}

static void run_schedule(struct explore_result *result) {
    const struct explore_case *test = explore.test;
    explore.result = result;
    explore.inside = false;
    explore.steps = explore.progress = explore.chances = 0;
    explore.preemptions = explore.replayed = explore.taken_count = 0;
    vmsa_set_hook(NULL);
    test->setup();
    vmsa_set_handler(on_violation);
    vmsa_set_panic_handler(on_panic);
    for (unsigned pe = 0; pe < test->pes; pe++) {
        struct participant *self = &explore.pes[pe];
        self->activity = OUTSIDE;
        self->begun = false;
        self->steps = self->seen = 0;
        fiber_begin(&self->fiber, participate);
    }
    vmsa_set_hook(hook);
    go_to(&explore.main, decide(NOBODY));
    vmsa_set_hook(NULL);
    vmsa_set_pe(0);
    if (!result->failed && test->check != NULL)
        test->check();
    vmsa_set_panic_handler(NULL);
    result->schedules++;
    result->steps += explore.steps;
}

static void begin(const struct explore_case *test, enum strategy strategy) {
    explore.test = test;
    explore.strategy = strategy;
    explore.bound = UINT32_MAX;
    explore.depth = 0;
    explore.wanted_count = 0;
}

struct explore_result explore_all(const struct explore_case *test, unsigned preemptions,
                                  uint64_t most) {
    struct explore_result result = {0};
    begin(test, EXHAUSTIVE);
    explore.bound = preemptions;
    do
        run_schedule(&result);
    while (!result.failed && !(result.complete = !advance()) && result.schedules < most);
    return result;
}

struct explore_result explore_random(const struct explore_case *test, uint64_t seed) {
    struct explore_result result = {0};
    begin(test, RANDOM);
    explore.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    explore.one_in = UINT64_C(2) << draw(5);
    run_schedule(&result);
    return result;
}

struct explore_result explore_replay(const struct explore_case *test, const char *schedule) {
    struct explore_result result = {0};
    begin(test, REPLAY);
    while (*schedule != '\0' && explore.wanted_count < MOST_STEPS) {
        char *end;
        uint32_t step = (uint32_t)strtoul(schedule, &end, 10);
        if (*end != ':')
            break;
        uint8_t pe = (uint8_t)strtoul(end + 1, &end, 10);
        explore.wanted[explore.wanted_count++] = (struct deviation){step, pe};
        schedule = end + strspn(end, " ");
    }
    run_schedule(&result);
    return result;
}
