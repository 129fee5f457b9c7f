// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over the entry of system calls: the input says what the threads of a small world do.
//
// One event takes one byte that says which, then what it needs. A missing byte counts as 0, so each
// input means something. After every event all invariants are looked at; at the end all memory
// comes back.
//
//      0-11  the system call of that number: capability, Reply, tag's label, length, six words;
//            a gather (9) has count, flags and up to three operations of six words instead of words
//      12    a page fault: address, access      13  another exception
//      14    a tick                             15  interrupts during the next call: polls
//
// A word is two bytes: four bits say how the other twelve are meant (word below).
#include "world.h"
#include <string.h>

#define EVENTS 48u
#define OPERATIONS 3u
#define CALLS 12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct { const uint8_t *at, *end; } input;

static unsigned byte(void) { return input.at < input.end ? *input.at++ : 0; }

static uint64_t word(void) {
    unsigned how = byte(), low = byte();
    uint64_t value = (how & 0xf) << 8 | low;
    switch (how >> 4) {
    case 10:
        return BIT(value % 64);
    case 11:
        return ~value;
    case 12: // addresses near each other
        return UINT64_C(0x40000000) + value * PAGE_BYTES;
    case 13: // far from each other
        return value << 28;
    case 14: // retype: type and size
        return (value & 15) | value >> 4 << 8;
    case 15:
        return value << 48;
    default:
        return value;
    }
}

static void run_exception(struct pe *pe) { core_exception(pe, 0x96000010, 0); }

static void read_gather(struct call *call) {
    struct sheaf_ipc_buffer *page = buffer();
    unsigned count = byte();
    call->gather = SHEAF_GATHER_ARG(count % 8 == 7 ? count : count % 4, byte() % 16 == 1);
    for (unsigned i = 0; page != NULL && i < MIN(count % 4, OPERATIONS); i++) {
        unsigned first = byte();
        uint64_t flags = byte() % 64;
        page->ops[i].word[0] =
            SHEAF_OP_WORD0(1 + first % 2 + (first >= 250), first / 2 % 2 == 0 ? 3 : flags, flags);
        if (first % 2 == 1)
            page->ops[i].word[0] = SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, flags);
        for (unsigned j = 1; j < SHEAF_GATHER_OP_WORDS; j++)
            page->ops[i].word[j] = word();
    }
}

static bool would_wait(const struct call *call) {
    return call->number == SHEAF_SYS_SEND || call->number == SHEAF_SYS_RECV ||
           call->number == SHEAF_SYS_REPLY_RECV || (call->gather >> 32 & SHEAF_GATHER_REPLY_RECV);
}

static void make_one_call(unsigned number) {
    struct call call = {.number = number};
    call.cap = word();
    call.reply = word();
    unsigned label = byte(), length = byte();
    call.tag = SHEAF_TAG(label == 255 ? SHEAF_LABEL_KERNEL : label, length % 80);
    if (number == SHEAF_SYS_GATHER) {
        read_gather(&call);
    } else {
        for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
            call.word[i] = word();
    }
    if (running() != driver || !would_wait(&call))
        execute(&call);
    fake_set_interrupts(VMSA_NEVER);
}

static void one_event(void) {
    unsigned which = byte() % 16;
    if (which < CALLS) {
        make_one_call(which);
    } else if (which == 15) {
        fake_set_interrupts(byte() % 8);
        return;
    } else if (which == 14) {
        fake.now += FAKE_TIMER_HZ;
        interrupt();
    } else if (running() != driver) {
        if (which == 12)
            page_fault(word(), BIT(byte() % 3));
        else
            fake_run(run_exception, &fake.pe[0]);
    }
    check_invariants();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input.at = data;
    input.end = data + size;
    world_begin(WORLD_SMALL);
    for (unsigned i = 0; i < EVENTS && input.at < input.end && running() != NULL; i++)
        one_event();
    world_end();
    return 0;
}
