// SPDX-License-Identifier: BSD-2-Clause
// Faults, time, interrupts, input; and what the threads that wait for these are told.
#include "events.h"
#include "console.h"
#include "mappings.h"
#include "method.h"
#include "news.h"
#include "timeout.h"
#include "ways.h"
#include <record.h>
#include <stdio.h>

#define MOST_DUE 64u
#define LEAST UINT64_C(500)
#define LEAST_FAST UINT64_C(30) // of each kind of call by the fast path

static uint64_t counts[EVENTS];

// ---- Faults

static uint64_t fault_word[3];

static void run_exception(struct pe *pe) { core_exception(pe, fault_word[0], fault_word[1]); }

// Where a Frame is mapped in the thread's VSpace, if one is; or anywhere.
static uint64_t random_address(const struct thread *thread) {
    const struct vspace *vspace = thread->slot[THREAD_VSPACE].object;
    uint64_t start = below(cap_count), pages;
    vaddr_t va;
    for (unsigned i = 0; vspace != NULL && i < cap_count; i++) {
        const struct slot *slot = caps[(start + i) % cap_count].at;
        if (slot != NULL && slot->type == SHEAF_FRAME && slot->frame.record.v != 0 &&
            record_asid(slot->frame.record).v == vspace->asid.v && below(4) != 0 &&
            record_place(slot->frame.record, slot->frame.address, slot->size_bits, &va, &pages))
            return va.v + below(PAGE_BYTES);
    }
    return below(2) == 0 ? below(4) << 40 | below(1000) : random_word();
}

void event_fault(void) {
    const struct thread *thread = running();
    bool page = below(2) == 0, allowed = false;
    way_begin();
    fault_word[2] = thread->context.pc;
    if (page) {
        fault_word[0] = random_address(thread);
        fault_word[1] = BIT(below(3));
        unsigned space = cap_at(&thread->slot[THREAD_VSPACE]);
        allowed = space != NO_CAP && !vspace_dead(caps[space].address) &&
                  mappings_access(caps[space].address, fault_word[0], fault_word[1]);
        meet_fault(thread, SHEAF_LABEL_PAGE_FAULT, fault_word);
        page_fault(fault_word[0], fault_word[1]);
    } else {
        fault_word[0] = 0x96000010;
        fault_word[1] = random_word();
        meet_fault(thread, SHEAF_LABEL_EXCEPTION, fault_word);
        fake_run(run_exception, &fake.pe[0]);
    }
    enum event kind = thread->state == SHEAF_STATE_READY     ? EVENT_FAULT_RESOLVED
                      : thread->state == SHEAF_STATE_FAULTED ? EVENT_FAULT_UNHANDLED
                                                             : EVENT_FAULT_SENT;
    counts[kind]++;
    if (kind == EVENT_FAULT_SENT)
        way_note_fault();
    assert_true((kind == EVENT_FAULT_RESOLVED) == allowed);
    if (kind == EVENT_FAULT_RESOLVED) {
        news_begin(); // the page is there: nobody is told anything
    }
}

// ---- Deadlines

static struct due {
    uint64_t deadline;
    const struct thread *thread; // or
    const struct cap *timer;
} due[MOST_DUE + 1];
static unsigned due_count;

static const struct timeout *timeout_of(const struct cap *cap) {
    void *object = port_kernel_address(PADDR(cap->address));
    return cap->type == SHEAF_THREAD ? &((struct thread *)object)->timeout
                                     : &((struct timer *)object)->timeout;
}

static bool is_first_named(unsigned cap) {
    for (unsigned i = 1; i < cap; i++)
        if (caps[i].at != NULL && caps[i].type == caps[cap].type &&
            caps[i].address == caps[cap].address)
            return false;
    return true;
}

static void insert_due(unsigned cap, uint64_t deadline) {
    unsigned at = due_count++;
    for (; at > 0 && due[at - 1].deadline > deadline; at--)
        due[at] = due[at - 1];
    bool thread = caps[cap].type == SHEAF_THREAD;
    due[at] = (struct due){.deadline = deadline,
                           .thread = thread ? port_kernel_address(PADDR(caps[cap].address)) : NULL,
                           .timer = thread ? NULL : &caps[cap]};
}

// Whose deadline has passed, the earliest first. False: more than the reference can order.
static bool find_due(void) {
    due_count = 0;
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || (caps[i].type != SHEAF_THREAD && caps[i].type != SHEAF_TIMER))
            continue;
        uint64_t deadline = timeout_of(&caps[i])->deadline;
        if (deadline == 0 || deadline > fake.now || !is_first_named(i))
            continue;
        if (due_count == MOST_DUE)
            return false;
        insert_due(i, deadline);
    }
    for (unsigned i = 1; i < due_count; i++)
        if (due[i].deadline == due[i - 1].deadline)
            return false;
    return true;
}

static void foresee_slot(const struct slot *slot) {
    unsigned attached = cap_at(slot);
    if (attached != NO_CAP)
        news_signal(port_kernel_address(PADDR(caps[attached].address)), caps[attached].badge);
}

static void foresee_attached(const struct cap *cap) { foresee_slot(slot_attached(cap)); }

static void foresee_tick(void) {
    if (!find_due()) {
        news_allow(E(OK) | E(TIMED_OUT));
        return;
    }
    for (unsigned i = 0, ended = 0; i < due_count && ended < EXPIRE_SLICE; i++) {
        if (due[i].thread != NULL && news_has(due[i].thread))
            continue; // a signal came first
        counts[due[i].thread != NULL ? EVENT_TIMED_OUT : EVENT_TIMER]++;
        if (due[i].timer != NULL)
            foresee_attached(due[i].timer);
        else
            news_errors(due[i].thread, E(TIMED_OUT));
        ended++;
    }
}

static void check_deadlines(void) {
    if (fake.timer_set && fake.now >= fake.deadline)
        return; // the rest comes with the next interrupt
    assert_true(find_due());
    assert_int_equal(due_count, 0);
}

// ---- Interrupts

static uint64_t lines_up(void) { return fake.raised & fake.unmasked; }

static bool tick_is_due(void) { return fake.timer_set && fake.now >= fake.deadline; }

bool event_is_due(void) {
    return tick_is_due() || lines_up() != 0 || (fake.listening && fake.input_count > 0);
}

void event_deliver(void) {
    bool tick = tick_is_due();
    if (tick)
        foresee_tick();
    if (fake.listening && fake.input_count > 0) {
        counts[EVENT_INPUT]++;
        foresee_slot(&console_listener);
    }
    for (unsigned i = 0; i < 64; i++) {
        if ((lines_up() >> i & 1) == 0)
            continue;
        unsigned handler = handler_of(i);
        assert_int_not_equal(handler, NO_CAP); // what nobody handles is masked
        foresee_attached(&caps[handler]);
        counts[EVENT_LINE]++;
    }
    interrupt();
    if (tick)
        check_deadlines();
}

void event_random(void) {
    uint64_t line = 32 + below(32);
    switch (below(7)) {
    case 0:
        fake.now += FAKE_TIMER_HZ;
        break;
    case 1:
    case 2:
        fake.now = fake.timer_set && below(2) == 0 ? MAX(fake.now, fake.deadline)
                                                   : fake.now + below(10000);
        break;
    case 3:
        fake.raised &= ~BIT(line);
        break;
    case 4:
        fake.raised |= UINT64_C(0xffffffff00000000) & (random_word() | BIT(line));
        break;
    default:
        if (fake.input_count < sizeof(fake.input))
            fake.input[fake.input_count++] = (char)line;
        break;
    }
    if (event_is_due())
        event_deliver();
    else
        interrupt();
}

void event_count(enum event event) { counts[event]++; }

bool event_print(void) {
    static const char *const names[EVENTS] = {
        [EVENT_FAULT_SENT] = "fault sent",
        [EVENT_FAULT_RESOLVED] = "fault resolved",
        [EVENT_FAULT_UNHANDLED] = "fault alone",
        [EVENT_TIMED_OUT] = "deadline passed",
        [EVENT_TIMER] = "timer went off",
        [EVENT_LINE] = "device interrupt",
        [EVENT_INPUT] = "console input",
        [EVENT_DEFERRED] = "deferred gather",
        [EVENT_FORCED] = "forced gather",
        [EVENT_FAST_CALL] = "fast call",
        [EVENT_FAST_ANSWER] = "fast answer",
        [EVENT_FAST_FAULT] = "fast fault",
        [EVENT_FAST_TAIL] = "fast tail of a gather",
        [EVENT_FAST_SIGNAL] = "fast signal",
        [EVENT_FAST_WAIT] = "fast wait for signals",
        [EVENT_FAST_UNMAP] = "fast gather of UNMAPs",
    };
    bool enough = true;
    for (unsigned i = 0; i < EVENTS; i++) {
        bool few = counts[i] < (i < EVENT_FAST_CALL ? LEAST : LEAST_FAST);
        printf("# %-23s %8lu%s\n", names[i], (unsigned long)counts[i], few ? "(!)" : "");
        enough = enough && !few;
    }
    return enough;
}
