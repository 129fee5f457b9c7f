// SPDX-License-Identifier: BSD-2-Clause
// Who is told what.
#include "news.h"
#include <string.h>

#define MOST_NEWS 64u

enum kind { NEWS_ERRORS, NEWS_MESSAGE, NEWS_FAULTED, NEWS_SUSPENDED, NEWS_RESUMED };

static struct news {
    const struct thread *thread;
    enum kind kind;
    uint64_t errors;
    struct message message;
} news[MOST_NEWS];
static unsigned news_count;
static uint64_t allowed;

static struct pending {
    const struct notification *notification;
    uint64_t bits;
} pending[MOST_NEWS];
static unsigned pending_count;

static struct watched {
    const struct thread *thread;
    bool faulting;
} watched[MOST_NEWS];
static unsigned watched_count;

bool is_alive(const struct thread *thread) {
    uint64_t address = port_physical_address(thread).v;
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].type == SHEAF_THREAD && caps[i].address == address)
            return true;
    return false;
}

bool is_waiting(const struct thread *thread) {
    return thread->state >= SHEAF_STATE_SENDING &&
           thread->state <= SHEAF_STATE_WAITING_NOTIFICATION;
}

// ---- Foreseen

void news_begin(void) {
    news_count = 0;
    pending_count = 0;
    allowed = 0;
}

static const struct news *news_of(const struct thread *thread) {
    for (unsigned i = 0; i < news_count; i++)
        if (news[i].thread == thread)
            return &news[i];
    return NULL;
}

bool news_any(void) { return news_count != 0; }

bool news_has(const struct thread *thread) { return news_of(thread) != NULL; }

static struct news *add(const struct thread *thread, enum kind kind) {
    assert_true(news_count < MOST_NEWS);
    assert_false(news_has(thread));
    news[news_count] = (struct news){.thread = thread, .kind = kind};
    return &news[news_count++];
}

void news_errors(const struct thread *thread, uint64_t errors) {
    add(thread, NEWS_ERRORS)->errors = errors;
}

void news_message(const struct thread *thread, const struct message *message) {
    add(thread, NEWS_MESSAGE)->message = *message;
}

void news_faulted(const struct thread *thread) { add(thread, NEWS_FAULTED); }
void news_suspended(const struct thread *thread) { add(thread, NEWS_SUSPENDED); }
void news_resumed(const struct thread *thread) { add(thread, NEWS_RESUMED); }
void news_allow(uint64_t errors) { allowed |= errors; }

// ---- Signals

static struct pending *pending_of(const struct notification *notification) {
    for (unsigned i = 0; i < pending_count; i++)
        if (pending[i].notification == notification)
            return &pending[i];
    assert_true(pending_count < MOST_NEWS);
    pending[pending_count] = (struct pending){notification, notification->bits};
    return &pending[pending_count++];
}

uint64_t news_bits(const struct notification *notification) {
    return pending_of(notification)->bits;
}

struct message signals_message(uint64_t label, uint64_t bits) {
    return (struct message){.tag = SHEAF_TAG(label, 1), .word = {bits}};
}

// To the first who waits on the Notification, else to the bound thread if it receives, else kept.
void news_signal(const struct notification *notification, uint64_t badge) {
    struct pending *state = pending_of(notification);
    const struct thread *to = notification->queue.first, *bound = notification->bound;
    state->bits |= badge != 0 ? badge : 1;
    while (to != NULL && news_has(to))
        to = to->next;
    struct message message = signals_message(0, state->bits);
    if (to == NULL && bound != NULL && bound->state == SHEAF_STATE_RECEIVING && !news_has(bound)) {
        to = bound;
        message = signals_message(SHEAF_LABEL_SIGNAL, state->bits);
    }
    if (to != NULL) {
        news_message(to, &message);
        state->bits = 0;
    }
}

void news_unhandled(const struct thread *thread) {
    unsigned cap = cap_at(&thread->slot[THREAD_FAULT_NOTIFICATION]);
    news_faulted(thread);
    if (cap != NO_CAP)
        news_signal(port_kernel_address(PADDR(caps[cap].address)), caps[cap].badge);
}

// ---- Compared

void news_watch(void) {
    watched_count = 0;
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_THREAD)
            continue;
        const struct thread *thread = port_kernel_address(PADDR(caps[i].address));
        if (is_waiting(thread)) {
            assert_true(watched_count < MOST_NEWS);
            watched[watched_count++] = (struct watched){thread, thread->faulting};
        }
    }
}

static unsigned deliveries(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < news_count; i++)
        count += news[i].kind == NEWS_MESSAGE ? 1u : 0u;
    return count;
}

static void check_message(const struct thread *thread, const struct message *message) {
    const uint64_t *reg = thread->context.reg;
    const struct sheaf_ipc_buffer *page = thread_buffer(thread);
    unsigned length = SHEAF_TAG_LENGTH(message->tag);
    assert_int_equal(reg[SHEAF_REG_STATUS], SHEAF_OK);
    assert_true(reg[SHEAF_REG_TAG] == message->tag);
    assert_true(reg[SHEAF_REG_BADGE] == message->badge);
    for (unsigned i = 0; i < MIN(length, SHEAF_REG_WORDS); i++) {
        // What is mapped is not in the reference.
        uint64_t unknown = message->fault && i == 1 ? SHEAF_FAULT_PERMISSION : 0;
        assert_true(((reg[SHEAF_REG_WORD0 + i] ^ message->word[i]) & ~unknown) == 0);
    }
    // Of two messages in one step, the second may go through the buffer of the first.
    for (unsigned i = SHEAF_REG_WORDS; i < length && deliveries() == 1; i++)
        assert_true(page->message[i] == message->word[i]);
}

static void check_news(const struct news *item) {
    const struct thread *thread = item->thread;
    uint64_t status = thread->context.reg[SHEAF_REG_STATUS];
    assert_false(is_waiting(thread));
    switch (item->kind) {
    case NEWS_ERRORS:
        if (status > 63 || (item->errors >> status & 1) == 0)
            fail_msg("a thread that waited is told %lu; the reference has errors %lx",
                     (unsigned long)status, (unsigned long)item->errors);
        break;
    case NEWS_MESSAGE:
        check_message(thread, &item->message);
        break;
    case NEWS_FAULTED:
        assert_int_equal(thread->state, SHEAF_STATE_FAULTED);
        break;
    case NEWS_SUSPENDED:
        assert_int_equal(thread->state, SHEAF_STATE_SUSPENDED);
        break;
    case NEWS_RESUMED:
        assert_int_equal(thread->state, SHEAF_STATE_READY);
        break;
    }
}

void news_check(void) {
    for (unsigned i = 0; i < news_count; i++)
        if (is_alive(news[i].thread))
            check_news(&news[i]);
    for (unsigned i = 0; i < watched_count; i++) {
        const struct thread *thread = watched[i].thread;
        if (news_has(thread) || !is_alive(thread) || is_waiting(thread))
            continue;
        uint64_t status = thread->context.reg[SHEAF_REG_STATUS];
        if (allowed == 0 || (!watched[i].faulting && (status > 63 || (allowed >> status & 1) == 0)))
            fail_msg("a wait ends, with %lu; the reference lets it go on", (unsigned long)status);
    }
}
