// SPDX-License-Identifier: BSD-2-Clause
// What a method that succeeded has answered, and done to what is not a capability.
#include "method.h"

static uint64_t word(const struct attempt *attempt, unsigned i) {
    return attempt->thread->context.reg[SHEAF_REG_WORD0 + i];
}

static const void *object(const struct attempt *attempt) {
    return port_kernel_address(PADDR(caps[attempt->cap].address));
}

static void check_length(const struct attempt *attempt, unsigned length) {
    assert_true(attempt->thread->context.reg[SHEAF_REG_TAG] == SHEAF_TAG(0, length));
}

void answers_untyped_info(const struct attempt *attempt) {
    const struct cap *cap = &caps[attempt->cap];
    check_length(attempt, 4);
    assert_true(word(attempt, 0) == cap->address);
    assert_true(word(attempt, 1) == cap->size_bits);
    assert_true(word(attempt, 2) == BIT(cap->size_bits) - bytes_used(attempt->cap));
    assert_true(word(attempt, 3) == cap->memory_type);
}

void answers_frame_address(const struct attempt *attempt) {
    check_length(attempt, 3);
    assert_true(word(attempt, 0) == caps[attempt->cap].address);
    assert_true(word(attempt, 1) == caps[attempt->cap].size_bits);
    assert_true(word(attempt, 2) == caps[attempt->cap].memory_type);
}

// ---- Thread

static uint64_t register_of(const struct thread *thread, unsigned i) {
    const struct arch_context *context = &thread->context;
    return i == 0   ? context->pc
           : i == 1 ? context->sp
           : i == 2 ? context->tls
           : i < 34 ? context->reg[i - 3]
                    : context->flags & ~FAKE_USER_STATE;
}

void answers_write_registers(const struct attempt *attempt) {
    for (unsigned i = 0; i < attempt->word[0]; i++)
        assert_true(register_of(object(attempt), i) == attempt->word[i + 1]);
}

// A thread that reads its own registers reads what the answer is about to overwrite.
void answers_read_registers(const struct attempt *attempt) {
    const struct sheaf_ipc_buffer *page = thread_buffer(attempt->thread);
    check_length(attempt, 36);
    assert_true(word(attempt, 0) == 35);
    for (unsigned i = 0; object(attempt) != attempt->thread && i < 35; i++)
        assert_true((i < 5 ? word(attempt, i + 1) : page->message[i + 1]) ==
                    register_of(object(attempt), i));
}

void answers_priority(const struct attempt *attempt) {
    const struct thread *thread = object(attempt);
    assert_true(thread->priority == attempt->word[0]);
    assert_true(thread->max_priority == attempt->word[1]);
}

void answers_suspend(const struct attempt *attempt) {
    assert_int_equal(((const struct thread *)object(attempt))->state, SHEAF_STATE_SUSPENDED);
}

void answers_resume(const struct attempt *attempt) {
    unsigned state = ((const struct thread *)object(attempt))->state;
    assert_true(state != SHEAF_STATE_SUSPENDED && state != SHEAF_STATE_FAULTED);
}

void answers_set_name(const struct attempt *attempt) {
    const struct thread *thread = object(attempt);
    for (unsigned i = 0; i < 15; i++)
        assert_true((uint8_t)thread->name[i] == (attempt->word[i / 8] >> (8 * (i % 8)) & 0xff));
    assert_int_equal(thread->name[15], 0);
}

void answers_thread_info(const struct attempt *attempt) {
    const struct thread *thread = object(attempt);
    check_length(attempt, 6);
    assert_true(word(attempt, 0) == thread->state);
    assert_true(word(attempt, 1) == thread->priority);
    assert_true(word(attempt, 2) == thread->max_priority);
    for (unsigned i = 0; i < 16; i++)
        assert_true((uint8_t)thread->name[i] == (word(attempt, 3 + i / 8) >> (8 * (i % 8)) & 0xff));
    assert_true(word(attempt, 5) == thread->pe);
}

void answers_affinity(const struct attempt *attempt) {
    assert_true(((const struct thread *)object(attempt))->pe == attempt->word[0]);
}

// ---- Timer, interrupts

void answers_time(const struct attempt *attempt) {
    check_length(attempt, 2);
    assert_true(word(attempt, 0) == fake.now);
    assert_true(word(attempt, 1) == FAKE_TIMER_HZ);
}

void answers_timer_set(const struct attempt *attempt) {
    assert_true(((const struct timer *)object(attempt))->timeout.deadline == attempt->word[0]);
}

void answers_bind_interrupt(const struct attempt *attempt) {
    unsigned handler = handler_of(attempt->word[0]);
    uint64_t bit = BIT(attempt->word[0]);
    assert_int_not_equal(handler, NO_CAP);
    assert_true(caps[handler].address == caps[attempt->source[0]].address);
    assert_true(((fake.edges & bit) != 0) == (attempt->word[1] == SHEAF_IRQ_EDGE));
    assert_true((fake.unmasked & bit) == 0);
}

void answers_acknowledge(const struct attempt *attempt) {
    assert_true((fake.unmasked >> interrupt_of(&caps[attempt->cap]) & 1) != 0);
}

// ---- VSpace, System

void answers_vspace_info(const struct attempt *attempt) {
    unsigned chunks = chunks_of(caps[attempt->cap].address);
    check_length(attempt, 4);
    assert_true(word(attempt, 0) == chunks);
    assert_true(word(attempt, 1) + word(attempt, 2) == chunks * UINT64_C(15));
    assert_true(word(attempt, 2) > 0); // the root
    assert_true(word(attempt, 3) == WORLD_CHUNKS);
}

void answers_counters(const struct attempt *attempt) {
    uint64_t left = SHEAF_COUNTER_COUNT - attempt->word[0];
    check_length(attempt, 1 + (unsigned)MIN(left, has_buffer(attempt->thread) ? 63u : 5u));
    assert_true(word(attempt, 0) == SHEAF_COUNTER_COUNT);
}
