// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over the entry of system calls: the input says what the threads of a small world do.
//
// After every event all invariants hold, an answer is a documented error, and a method that failed
// has changed nothing; the machine model judges every store, TLBI and barrier. At the end all
// memory comes back.
#include "syscall_fuzz.h"
#include "record.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CUT 8u
#define DRIVER_WAITS 1000u // ticks

bool fuzz_tracing;

// What libFuzzer looks at beside coverage: which answers each kind of call has had.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t answers[128][64];

// ---- Calls that an interrupt has cut and whose thread does not run now. They go on, with the same
// registers, as soon as it does: the processor executes the SVC again.

static struct {
    const struct thread *thread;
    uint64_t pc;
} cut[MOST_CUT];

static void note_cut(const struct thread *thread, uint64_t pc) {
    for (unsigned i = 0; i < MOST_CUT; i++) {
        if (cut[i].thread == NULL) {
            cut[i].thread = thread;
            cut[i].pc = pc;
            return;
        }
    }
}

static bool was_cut(const struct thread *thread) {
    bool found = false;
    for (unsigned i = 0; i < MOST_CUT; i++) {
        if (cut[i].thread == thread) {
            found = found || cut[i].pc == thread->context.pc;
            cut[i].thread = NULL;
        }
    }
    return found;
}

// ---- Events

static void run_exception(struct pe *pe) { core_exception(pe, 0x96000010, 0); }

static void device_event(const struct record *record) {
    uint64_t line = BIT(32 + record->argument[0] % 8);
    fake.raised = record->argument[1] % 4 == 3 ? fake.raised & ~line : fake.raised | line;
    if (record->argument[2] % 4 != 3)
        interrupt();
}

static void input_event(const struct record *record) {
    fake.input_count = MIN(fake.input_count + record->argument[0] % 64, sizeof(fake.input));
    fake.output_count = 0;
    fake.output_room = record->argument[1] % 2 == 0 ? sizeof(fake.output) : record->argument[1];
    interrupt();
}

static void machine_event(unsigned event, const struct record *record) {
    if (event == EVENT_TICK) {
        fake.now += FAKE_TIMER_HZ;
        interrupt();
    } else if (event == EVENT_TIME) { // without the interrupt: it comes during a later call
        fake.now += BIT(record->argument[0] % 24);
        if (record->argument[1] % 2 == 0)
            interrupt();
    } else if (event == EVENT_DEVICE) {
        device_event(record);
    } else if (event == EVENT_INPUT) {
        input_event(record);
    } else if (running() != driver && event == EVENT_PAGE_FAULT) {
        page_fault(record_address(record), BIT(record->argument[2] % 3));
    } else if (running() != driver && event == EVENT_EXCEPTION) {
        fake_run(run_exception, &fake.pe[0]);
    }
}

// ---- System calls

static const char *name_of(uint64_t error) {
    static const char *const names[64] = {
#define NAME(name, number, text) [number] = #name,
        SHEAF_ERRORS(NAME)
#undef NAME
    };
    return error < ARRAY_SIZE(names) ? names[error] : NULL;
}

static void trace(const struct kind *kind, const struct thread *thread, const struct call *call) {
    if (!fuzz_tracing)
        return;
    printf("# %p %s: call %lu cap %lx tag %lx reply %lx gather %lx deadline %lx words",
           (const void *)thread, kind->name, (unsigned long)call->number, (unsigned long)call->cap,
           (unsigned long)call->tag, (unsigned long)call->reply, (unsigned long)call->gather,
           (unsigned long)call->deadline);
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        printf(" %lx", (unsigned long)call->word[i]);
    fflush(stdout);
}

static void judge(const struct kind *kind, const struct thread *thread, bool whole,
                  uint64_t before) {
    uint64_t status = thread->context.reg[SHEAF_REG_STATUS];
    if (name_of(status) == NULL || status == SHEAF_ERR_PREEMPTED)
        fail_msg("%s answers %lu", kind->name, (unsigned long)status);
    if (fuzz_tracing)
        printf(" -> %s\n", name_of(status));
    answers[kind - kinds][status] = 1;
    bool method = kind->number == SHEAF_SYS_CALL && kind->types != 1u << SHEAF_ENDPOINT;
    if (method && whole && status != SHEAF_OK && fingerprint() != before)
        fail_msg("%s fails with %s and has changed something", kind->name, name_of(status));
}

static unsigned make_one_call(const struct record *record, unsigned left) {
    const struct kind *kind = &kinds[record->what % 128];
    const struct thread *thread = running();
    struct call call;
    unsigned taken = record_read(record, record + 1, left, &call);
    uint64_t pc = thread->context.pc, latest = fake.now + DRIVER_WAITS;
    if (thread == driver && (call.deadline == 0 || call.deadline > latest))
        call.deadline = latest;
    bool whole = record->interrupt == 0 && call.number == SHEAF_SYS_CALL;
    uint64_t before = whole ? fingerprint() : 0;
    trace(kind, thread, &call);
    fake_set_interrupts(record->interrupt != 0 ? record->interrupt - 1u : VMSA_NEVER);
    execute(&call);
    fake_set_interrupts(VMSA_NEVER);
    if (running() == thread && fake.exit != FAKE_POWER_OFF)
        judge(kind, thread, whole, before);
    else if (fuzz_tracing)
        printf(" -> another thread\n");
    if (running() != thread)
        note_cut(thread, pc);
    return taken;
}

// Returns how many records after this one it used as well.
static unsigned one_record(const struct record *record, unsigned left) {
    unsigned what = record->what % 128;
    if (what >= kind_count || what == EVENT_OPERATION)
        return 0;
    unsigned taken = 0;
    if (was_cut(running()))
        execute_again();
    else if (what < EVENTS)
        machine_event(what, record);
    else
        taken = make_one_call(record, left);
    check_invariants();
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct record records[MOST_RECORDS];
    unsigned count = (unsigned)MIN(size / sizeof(records[0]), MOST_RECORDS);
    memcpy(records, data, count * sizeof(records[0]));
    memset(cut, 0, sizeof(cut));
    world_begin();
    for (unsigned i = 0; i < count && running() != NULL; i++)
        i += one_record(&records[i], count - i - 1);
    world_end();
    return 0;
}
