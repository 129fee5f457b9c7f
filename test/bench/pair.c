// SPDX-License-Identifier: BSD-2-Clause
// Pairs of threads, each in a VSpace of its own: caller and server, signaller and answerer, two
// that yield, one that touches memory and its pager.
//
// As in the target tests' child.c, nothing here may refer to anything outside of the section.
#include "bench.h"

// A message's words, different in each round.
#define WORD(round, i) (UINT64_C(0x9e3779b97f4a7c15) * ((round) + 1) + (i))
#define LABEL_STOP 1

struct held {
    bool live;
    struct fp_state wanted;
};

CHILD static void fp_pattern(struct fp_state *state, uint64_t seed) {
    for (unsigned i = 0; i < 32; i++) {
        state->q[i][0] = UINT64_C(0x0101010101010101) * seed + i;
        state->q[i][1] = ~state->q[i][0] * 3;
    }
    state->fpcr = UINT64_C(1) << 22; // round towards plus infinity
    state->fpsr = seed & 0x1f;       // cumulative exceptions
}

// With `live`, the thread's FP registers are in use from here on.
CHILD static void hold_fp(struct held *held, uint64_t live, uint64_t seed) {
    held->live = live != 0;
    if (held->live) {
        fp_pattern(&held->wanted, seed);
        fp_load(&held->wanted);
    }
}

CHILD static bool fp_kept(const struct held *held) {
    if (!held->live) {
        return true;
    }
    struct fp_state found;
    fp_store(&found);
    bool kept = found.fpcr == held->wanted.fpcr && found.fpsr == held->wanted.fpsr;
    for (unsigned i = 0; i < 32; i++) {
        kept =
            kept && found.q[i][0] == held->wanted.q[i][0] && found.q[i][1] == held->wanted.q[i][1];
    }
    return kept;
}

CHILD static uint64_t switches(void) {
    return INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, SHEAF_COUNTER_THREAD_SWITCHES)
        .word[1];
}

CHILD static _Noreturn void end(struct child_page *page) {
    page->finished = 1;
    signal_bits(page->done);
    for (;;) {
        thread_suspend(page->thread);
    }
}

// Words 6 and up are in the IPC buffer.
CHILD static void put_words(struct message *m, unsigned count, uint64_t round) {
    struct sheaf_ipc_buffer *buffer = (struct sheaf_ipc_buffer *)CHILD_BUFFER;
    m->tag = SHEAF_TAG(0, count);
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++) {
        m->word[i] = i < count ? WORD(round, i) : 0;
    }
    for (unsigned i = SHEAF_REG_WORDS; i < count; i++) {
        *(volatile uint64_t *)&buffer->message[i] = WORD(round, i);
    }
}

CHILD static bool words_are(const struct message *m, unsigned count, uint64_t round) {
    const struct sheaf_ipc_buffer *buffer = (const struct sheaf_ipc_buffer *)CHILD_BUFFER;
    bool right = m->status == SHEAF_OK && SHEAF_TAG_LENGTH(m->tag) == count;
    for (unsigned i = 0; i < count; i++) {
        uint64_t word =
            i < SHEAF_REG_WORDS ? m->word[i] : *(const volatile uint64_t *)&buffer->message[i];
        right = right && word == WORD(round, i);
    }
    return right;
}

// The server answers round n with the words of round n + 100.
#define ANSWER_ROUND(round) ((round) + 100)

CHILD void pair_caller(struct child_page *page) {
    sheaf_cptr endpoint = page->argument[PAIR_OBJECT];
    unsigned words = (unsigned)page->argument[PAIR_WORDS];
    unsigned region = (unsigned)page->argument[PAIR_REGION];
    struct held held;
    struct message m;
    hold_fp(&held, page->argument[PAIR_FP], 3);
    for (unsigned round = 0; round < RUNS; round++) {
        uint64_t before = switches();
        put_words(&m, words, round);
        bench_begin(region);
        m = call(endpoint, m);
        bench_end(region);
        page->result[PAIR_ROUNDS] += words_are(&m, words, ANSWER_ROUND(round));
        page->result[PAIR_SWITCHES] += switches() - before;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    send(endpoint, MESSAGE(LABEL_STOP, 0, 0));
    end(page);
}

CHILD void pair_server(struct child_page *page) {
    sheaf_cptr endpoint = page->argument[PAIR_OBJECT];
    sheaf_cptr reply = page->argument[PAIR_OTHER];
    unsigned words = (unsigned)page->argument[PAIR_WORDS];
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 5);
    struct message m = receive(endpoint, reply);
    for (unsigned round = 0; SHEAF_TAG_LABEL(m.tag) != LABEL_STOP; round++) {
        page->result[PAIR_ROUNDS] += words_are(&m, words, round);
        put_words(&m, words, ANSWER_ROUND(round));
        m = answer_receive(endpoint, reply, m);
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    end(page);
}

CHILD void pair_signaller(struct child_page *page) {
    unsigned region = (unsigned)page->argument[PAIR_REGION];
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 7);
    for (unsigned round = 0; round < RUNS; round++) {
        uint64_t before = switches();
        bench_begin(region);
        uint64_t status = signal_bits(page->argument[PAIR_OTHER]);
        struct message m = receive(page->argument[PAIR_OBJECT], 0);
        bench_end(region);
        page->result[PAIR_ROUNDS] += status == SHEAF_OK && m.status == SHEAF_OK && m.word[0] == 2;
        page->result[PAIR_SWITCHES] += switches() - before;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    end(page);
}

CHILD void pair_answerer(struct child_page *page) {
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 9);
    for (unsigned round = 0; round < RUNS; round++) {
        struct message m = receive(page->argument[PAIR_OBJECT], 0);
        uint64_t status = signal_bits(page->argument[PAIR_OTHER]);
        page->result[PAIR_ROUNDS] += status == SHEAF_OK && m.status == SHEAF_OK && m.word[0] == 1;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    end(page);
}

CHILD void pair_yielder(struct child_page *page) {
    unsigned region = (unsigned)page->argument[PAIR_REGION];
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 11);
    for (unsigned round = 0; round < RUNS; round++) {
        uint64_t before = switches();
        bench_begin(region);
        yield();
        bench_end(region);
        page->result[PAIR_SWITCHES] += switches() - before;
        page->result[PAIR_ROUNDS] += 1;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    end(page);
}

// Begins first; its first yield lets the other one begin, each further one lies in a region.
CHILD void pair_yielder_beside(struct child_page *page) {
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 13);
    yield();
    for (unsigned round = 0; round < RUNS; round++) {
        yield();
        page->result[PAIR_ROUNDS] += 1;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    end(page);
}

CHILD void pair_toucher(struct child_page *page) {
    unsigned region = (unsigned)page->argument[PAIR_REGION];
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 15);
    for (unsigned round = 0; round < RUNS; round++) {
        volatile uint64_t *place =
            (volatile uint64_t *)(page->argument[PAIR_OBJECT] + round * PAGE);
        uint64_t before = switches();
        bench_begin(region);
        *place = WORD(round, 0);
        bench_end(region);
        page->result[PAIR_ROUNDS] += *place == WORD(round, 0);
        page->result[PAIR_SWITCHES] += switches() - before;
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held);
    send(page->argument[PAIR_OTHER], MESSAGE(LABEL_STOP, 0, 0));
    end(page);
}

// One gather for each fault: maps the page, answers, waits for the next one.
CHILD void pair_pager(struct child_page *page) {
    struct sheaf_ipc_buffer *buffer = (struct sheaf_ipc_buffer *)CHILD_BUFFER;
    sheaf_cptr endpoint = page->argument[PAIR_OBJECT];
    sheaf_cptr reply = page->argument[PAIR_OTHER];
    sheaf_cptr frame = page->argument[PAIR_FRAMES];
    sheaf_cptr vspace = page->argument[PAIR_FRAMES + 1];
    struct held held;
    hold_fp(&held, page->argument[PAIR_FP], 17);
    struct message m = receive(endpoint, reply);
    while (SHEAF_TAG_LABEL(m.tag) == SHEAF_LABEL_PAGE_FAULT && m.word[1] == SHEAF_ACCESS_WRITE) {
        buffer->ops[0] = map_op(vspace, m.word[0] & ~(PAGE - 1), 1, frame++, 1, ALL_ACCESS,
                                SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
        struct registers r = {
            .x = {[SHEAF_REG_CAP] = endpoint,
                  [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                  [SHEAF_REG_REPLY] = reply,
                  [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)}};
        system_call(&r);
        page->result[PAIR_ROUNDS] += r.x[0] == SHEAF_OK &&
                                     SHEAF_GATHER_LEAVES(r.x[SHEAF_REG_GATHER]) == 1 &&
                                     SHEAF_GATHER_TABLES(r.x[SHEAF_REG_TOTALS]) == 0;
        m.tag = r.x[SHEAF_REG_TAG];
        m.word[0] = r.x[SHEAF_REG_WORD0];
        m.word[1] = r.x[SHEAF_REG_WORD0 + 1];
    }
    page->result[PAIR_FP_KEPT] = fp_kept(&held) && SHEAF_TAG_LABEL(m.tag) == LABEL_STOP;
    end(page);
}
