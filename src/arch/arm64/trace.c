// SPDX-License-Identifier: BSD-2-Clause
// The trace: a ring of records for each PE, written out when it is full, and in the end.
//
// The file is the host's, by semihosting ("Semihosting for AArch32 and AArch64"): SYS_WRITE returns
// when the emulator or debugger has the bytes, so a full ring waits and nothing is overwritten.
#include "semihost.h"

#include <arch_pe.h>
#include <trace.h>

#define SEMIHOST_OPEN 0x01
#define SEMIHOST_WRITE 0x05
#define SEMIHOST_OPEN_WRITE_BINARY 5 // fopen's "wb"
#define RING_WORDS 8192
#define NOT_DRAWN UINT64_MAX // nothing is recorded

struct ring {
    struct trace_block block; // what is written begins here
    uint64_t words[RING_WORDS];
    unsigned used;
    uint8_t taken; // PE + 1: its own while it records, or the one that ends the trace
    uint64_t lost;
};

static struct ring rings[MAX_PES];
static bool open;
static uint64_t file;
static uint64_t next_number;

static bool write_file(const void *bytes, uint64_t count) {
    uint64_t block[3] = {file, (uint64_t)(uintptr_t)bytes, count};
    return semihost_call(SEMIHOST_WRITE, block) == 0; // bytes that were not written
}

// Not a lock of the kernel's (lock.h): those are recorded. False: this PE has it already, as an
// event of its own was an exception, which is a panic now.
static bool ring_take(struct ring *ring) {
    uint8_t self = (uint8_t)(pe_self()->id + 1), found = 0;
    while (!__atomic_compare_exchange_n(&ring->taken, &found, self, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        if (found == self) {
            return false;
        }
        found = 0;
        __asm__ volatile("yield" ::: "memory");
    }
    return true;
}

static void ring_give(struct ring *ring) { __atomic_store_n(&ring->taken, 0, __ATOMIC_RELEASE); }

// A record is one or more words; what could not be written is counted by records.
static uint64_t records(const struct ring *ring) {
    uint64_t count = 0;
    for (unsigned i = 0; i < ring->used; count++) {
        i += 1 + trace_operands((enum trace_kind)(ring->words[i] >> TRACE_NUMBER_BITS & 0xff));
    }
    return count;
}

static void ring_write(struct ring *ring, unsigned pe) {
    if (ring->used == 0) {
        return;
    }
    ring->block = (struct trace_block){
        .magic = TRACE_BLOCK_MAGIC,
        .pe = pe,
        .bytes = ring->used * sizeof(uint64_t),
        .numbers = ring->lost,
    };
    if (!write_file(&ring->block, sizeof(ring->block) + ring->block.bytes)) {
        ring->lost += records(ring);
    }
    ring->used = 0;
}

// The DSBs are the recorder's own and are not recorded. They make this machine's order stronger,
// which no record shows: what is judged are the barriers of the kernel.
uint64_t trace_draw(void) {
    // First of all: the early map is made with the MMU off, when there is no PE's data yet and
    // exclusive accesses need not work.
    if (!__atomic_load_n(&open, __ATOMIC_RELAXED)) {
        return NOT_DRAWN;
    }
    struct ring *ring = &rings[pe_self()->id];
    if (!ring_take(ring)) {
        return NOT_DRAWN;
    }
    if (!open) { // the trace has ended meanwhile
        ring_give(ring);
        return NOT_DRAWN;
    }
    __asm__ volatile("dsb ish" ::: "memory");
    uint64_t number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
    __asm__ volatile("dsb ish" ::: "memory");
    return number;
}

void trace_put(uint64_t number, enum trace_kind kind, unsigned detail, uint64_t a, uint64_t b,
               uint64_t c) {
    if (number == NOT_DRAWN) {
        return;
    }
    unsigned pe = pe_self()->id;
    struct ring *ring = &rings[pe];
    const uint64_t operand[TRACE_MAX_OPERANDS] = {a, b, c};
    unsigned operands = trace_operands(kind);
    if (ring->used + 1 + TRACE_MAX_OPERANDS > RING_WORDS) {
        ring_write(ring, pe);
    }
    ring->words[ring->used++] = trace_word(number, kind, detail);
    for (unsigned i = 0; i < operands && i < TRACE_MAX_OPERANDS; i++) {
        ring->words[ring->used++] = operand[i];
    }
    ring_give(ring);
}

void trace_start(const char *name, size_t length, const struct trace_header *header) {
    static char path[256]; // ends with a zero
    if (length == 0) {
        return;
    }
    if (length >= sizeof(path)) {
        panic("boot argument trace: a name of %zu characters, at most %zu", length,
              sizeof(path) - 1);
    }
    for (size_t i = 0; i < length; i++) {
        path[i] = name[i];
    }
    uint64_t block[3] = {(uint64_t)(uintptr_t)path, SEMIHOST_OPEN_WRITE_BINARY, length};
    file = semihost_call(SEMIHOST_OPEN, block);
    if (file == UINT64_MAX || !write_file(header, sizeof(*header))) {
        panic("boot argument trace: %s cannot be written by semihosting", path);
    }
    __atomic_store_n(&open, true, __ATOMIC_RELAXED);
}

// All rings at once, so that no PE has drawn a number without its record, and what is written is
// everything up to one moment.
void trace_finish(void) {
    bool whole = true;
    uint64_t lost = 0;
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        (void)ring_take(&rings[pe]);
    }
    if (open) {
        for (unsigned pe = 0; pe < MAX_PES; pe++) {
            ring_write(&rings[pe], pe);
            lost += rings[pe].lost;
        }
        struct trace_block end = {
            .magic = TRACE_BLOCK_MAGIC,
            .flags = TRACE_END,
            .numbers = next_number,
        };
        whole = write_file(&end, sizeof(end)) && lost == 0;
    }
    __atomic_store_n(&open, false, __ATOMIC_RELAXED);
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        ring_give(&rings[pe]);
    }
    if (!whole) {
        kprintf("trace: not whole, %lu of %lu events lost\n", lost, next_number);
    }
}
