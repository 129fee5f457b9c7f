// SPDX-License-Identifier: BSD-2-Clause
// Traces made by hand: what the reader takes for one, and what the judge makes of the order.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "replay.h"
#include <vmsa.h>

// RAM from 0 on, as on some boards. A VSpace with one page.
#define RAM_BYTES (UINT64_C(1) << 20)
#define ROOT UINT64_C(0x1000)
#define LEVEL1 UINT64_C(0x2000)
#define LEVEL2 UINT64_C(0x3000)
#define LEVEL3 UINT64_C(0x4000)
#define EMPTY UINT64_C(0x5000)
#define FRAME UINT64_C(0x80000)
#define ASID_1 (UINT64_C(1) << 48)
#define LEAF (FRAME | UINT64_C(0x0060000000000f43)) // Normal, shareable, not global, accessed
#define LOCK UINT64_C(0xffff000000006000)

#define MAX_BYTES 16384u

static struct {
    _Alignas(8) char bytes[MAX_BYTES];
    size_t used;
    uint64_t numbers;
    struct trace_reader reader;
} file;

static void append(const void *bytes, size_t count) {
    assert_true(file.used + count <= sizeof(file.bytes));
    memcpy(file.bytes + file.used, bytes, count);
    file.used += count;
}

static int begin(void **state) {
    (void)state;
    struct trace_header header = {
        .magic = TRACE_MAGIC, .version = TRACE_VERSION, .ram_start = 0, .ram_bytes = RAM_BYTES};
    memset(&file, 0, sizeof(file));
    append(&header, sizeof(header));
    return 0;
}

static int end(void **state) {
    (void)state;
    trace_reader_close(&file.reader);
    return 0;
}

// One record in a block of its own.
static void put_number(uint64_t number, unsigned pe, enum trace_kind kind, unsigned detail,
                       uint64_t a, uint64_t b, uint64_t c) {
    uint64_t words[] = {trace_word(number, kind, detail), a, b, c};
    uint64_t bytes = (1 + trace_operands(kind)) * sizeof(uint64_t);
    struct trace_block block = {.magic = TRACE_BLOCK_MAGIC, .pe = pe, .bytes = bytes};
    append(&block, sizeof(block));
    append(words, bytes);
}

static void put(unsigned pe, enum trace_kind kind, unsigned detail, uint64_t a, uint64_t b,
                uint64_t c) {
    put_number(file.numbers++, pe, kind, detail, a, b, c);
}

static void put_end(void) {
    struct trace_block block = {
        .magic = TRACE_BLOCK_MAGIC, .flags = TRACE_END, .numbers = file.numbers};
    append(&block, sizeof(block));
}

static void put_store(unsigned pe, uint64_t place, uint64_t old, uint64_t value) {
    put(pe, TRACE_STORE, TRACE_EXCHANGE, place, old, value);
}

static void put_barrier(unsigned pe, enum trace_barrier barrier) {
    put(pe, TRACE_BARRIER, barrier, 0, 0, 0);
}

static void put_note(unsigned pe, enum port_event event, uint64_t a, uint64_t b) {
    put(pe, TRACE_NOTE, event, a, b, 0);
}

static void put_table(uint64_t table) {
    put_note(0, PORT_EVENT_TABLE_TAKEN, table, 1);
    put(0, TRACE_ZERO, 0, table, 0, 0);
}

static void put_root(unsigned pe, uint64_t ttbr0) {
    put(pe, TRACE_ROOT_ENTERED, 0, ttbr0, 0, 0);
    put(pe, TRACE_ROOT_LEFT, 0, 0, 0, 0);
}

// PE 0 makes a VSpace, PE 1 loads it, and PE 0 maps its page.
static void put_vspace_with(uint64_t leaf) {
    const uint64_t tables[] = {ROOT, LEVEL1, LEVEL2, LEVEL3};
    for (unsigned i = 0; i < 4; i++)
        put_table(tables[i]);
    put_root(1, ROOT | ASID_1);
    put_barrier(0, TRACE_DMB_ISHST);
    for (unsigned i = 0; i < 3; i++)
        put_store(0, tables[i], 0, tables[i + 1] | 3);
    put_store(0, LEVEL3, 0, leaf);
    put_barrier(0, TRACE_DSB_ISHST);
}

static void put_vspace(void) { put_vspace_with(LEAF); }

// The kernel's half, which maps all of it by one block.
#define KERNEL UINT64_C(0x6000)
#define KERNEL_BLOCK UINT64_C(0x0060000000000701) // Normal, shareable, global, accessed
#define NON_CACHEABLE UINT64_C(4)

static void put_kernel_half(void) {
    const uint64_t upper = KERNEL + PAGE_BYTES, lower = upper + PAGE_BYTES;
    ((struct trace_header *)(void *)file.bytes)->kernel_root = KERNEL;
    put_store(0, lower, 0, KERNEL_BLOCK);
    put_barrier(0, TRACE_DMB_ISHST);
    put_store(0, upper, 0, lower | 3);
    put_barrier(0, TRACE_DMB_ISHST);
    put_store(0, KERNEL, 0, upper | 3);
    put_barrier(0, TRACE_DSB_ISHST);
}

static void put_release(unsigned pe) {
    put_note(pe, PORT_EVENT_RANGE_RELEASED, 0, ASID_1 | 1);
    put_note(pe, PORT_EVENT_FRAME_RELEASED, FRAME, PAGE_BYTES);
}

static const char *open_trace(void) {
    return trace_reader_open(&file.reader, file.bytes, file.used);
}

// The whole trace. Returns what contradicts itself, or NULL; the model's counts are to be had.
static const char *judge(void) {
    struct trace_event event;
    put_end();
    assert_null(open_trace());
    const char *problem = replay_start(&file.reader.header);
    while (problem == NULL && trace_reader_next(&file.reader, &event, &problem))
        problem = replay_event(&event);
    replay_end();
    return problem;
}

// ---- Judging

static void accepted(void **state) {
    (void)state;
    put_vspace();
    put_store(0, LEVEL3, LEAF, 0);
    put_barrier(0, TRACE_DSB_ISHST);
    put(0, TRACE_TLBI, PORT_TLBI_VALE1IS, ASID_1, 0, 0);
    put_barrier(0, TRACE_DSB_ISH);
    put_release(0);
    assert_null(judge());
    const struct replay_totals *totals = replay_totals();
    assert_int_equal(totals->violations, 0);
    assert_int_equal(totals->events, file.numbers);
    assert_int_equal(totals->gathers, 1);
    assert_int_equal(totals->reuses, 1); // the frame: mapped before, and released
    assert_int_equal(totals->pes, 3);
    assert_int_equal(trace_reader_lost(&file.reader), 0);
}

static void tables_used_again_are_counted(void **state) {
    (void)state;
    put_table(LEVEL3);
    put_table(LEVEL3);
    put_note(0, PORT_EVENT_FRAME_RELEASED, 0, RAM_BYTES); // what was a table, once
    put_note(0, PORT_EVENT_FRAME_RELEASED, 0, RAM_BYTES);
    assert_null(judge());
    assert_int_equal(replay_totals()->reuses, 2);
}

// A page is mapped as non-cacheable: `steps` of what must come before are taken.
static unsigned map_non_cacheable(unsigned steps) {
    void *none = NULL;
    end(&none); // the one before
    begin(&none);
    put_kernel_half();
    if (steps > 0) {
        put_store(0, KERNEL + 2 * PAGE_BYTES, KERNEL_BLOCK, 0);
        put_barrier(0, TRACE_DSB_ISHST);
        put(0, TRACE_TLBI, PORT_TLBI_VAALE1IS, UINT64_C(0xff000000000), 0, 0);
        put_barrier(0, TRACE_DSB_ISH);
        put_barrier(0, TRACE_ISB);
        put_store(0, KERNEL + 2 * PAGE_BYTES, 0, KERNEL_BLOCK | NON_CACHEABLE);
        put_barrier(0, TRACE_DSB_ISHST);
    }
    if (steps > 1)
        put(0, TRACE_CLEAN, 0, FRAME, PAGE_BYTES, 0);
    put_vspace_with(LEAF | NON_CACHEABLE);
    assert_null(judge());
    return vmsa_violations(VMSA_MISMATCHED);
}

static void aliases_of_the_kernel(void **state) {
    (void)state;
    assert_int_equal(map_non_cacheable(0), 2); // the alias, and what a cache may hold
    assert_int_equal(map_non_cacheable(1), 1);
    assert_int_equal(map_non_cacheable(2), 0);
    assert_int_equal(replay_totals()->violations, 0);
}

static void without_final_dsb(void **state) {
    (void)state;
    put_vspace();
    put_store(0, LEVEL3, LEAF, 0);
    put_barrier(0, TRACE_DSB_ISHST);
    put(0, TRACE_TLBI, PORT_TLBI_VALE1IS, ASID_1, 0, 0);
    put_release(0);
    assert_null(judge());
    assert_int_equal(vmsa_violations(VMSA_REMOVAL_INCOMPLETE), 1);
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
    assert_int_equal(replay_totals()->gathers, 0);
}

static void dsb_of_another_pe(void **state) {
    (void)state;
    put_vspace();
    put_store(0, LEVEL3, LEAF, 0);
    put_barrier(0, TRACE_DSB_ISHST);
    put(0, TRACE_TLBI, PORT_TLBI_VALE1IS, ASID_1, 0, 0);
    put_barrier(1, TRACE_DSB_ISH);
    put_release(0);
    assert_null(judge());
    assert_int_equal(vmsa_violations(VMSA_REMOVAL_INCOMPLETE), 1);
}

// PE 1 completes what PE 0 removed: by its lock, and a DSB that waits for loads.
static void put_foreign(enum trace_barrier first) {
    put_vspace();
    put(0, TRACE_LOCK, LOCK_VSPACE, LOCK, 0, 0);
    put_store(0, LEVEL3, LEAF, 0);
    put(0, TRACE_UNLOCK, LOCK_VSPACE, LOCK, 0, 0);
    put(1, TRACE_LOCK, LOCK_VSPACE, LOCK, 0, 0);
    put_barrier(1, first);
    put(1, TRACE_TLBI, PORT_TLBI_VAE1IS, ASID_1, 0, 0);
    put_barrier(1, TRACE_DSB_ISH);
    put_release(1);
    put(1, TRACE_UNLOCK, LOCK_VSPACE, LOCK, 0, 0);
}

static void foreign_stores(void **state) {
    put_foreign(TRACE_DSB_ISH);
    assert_null(judge());
    assert_int_equal(replay_totals()->violations, 0);
    end(state);
    begin(state);
    put_foreign(TRACE_DSB_ISHST);
    assert_null(judge());
    assert_int_equal(vmsa_violations(VMSA_REMOVAL_INCOMPLETE), 1);
}

// PE 1 has written TTBR0, and nothing says yet that walks by the root before have ended.
static void root_entered_is_not_root_left(void **state) {
    (void)state;
    put_vspace();
    put(1, TRACE_ROOT_ENTERED, 0, EMPTY, 0, 0);
    put(0, TRACE_TLBI, PORT_TLBI_ASIDE1IS, ASID_1, 0, 0);
    put_barrier(0, TRACE_DSB_ISH);
    put_note(0, PORT_EVENT_ROOT_RELEASED, ROOT, 1);
    put(1, TRACE_ROOT_LEFT, 0, 0, 0, 0);
    assert_null(judge());
    assert_int_equal(vmsa_violations(VMSA_ROOT_RELEASED), 1);
}

static void root_left(void **state) {
    (void)state;
    put_vspace();
    put_root(1, EMPTY);
    put(0, TRACE_TLBI, PORT_TLBI_ASIDE1IS, ASID_1, 0, 0);
    put_barrier(0, TRACE_DSB_ISH);
    put_note(0, PORT_EVENT_ROOT_RELEASED, ROOT, 1);
    assert_null(judge());
    assert_int_equal(replay_totals()->violations, 0);
}

static void held_range_is_another_removals(void **state) {
    (void)state;
    put_vspace();
    put_store(0, LEVEL3, LEAF, 0);
    put_note(0, PORT_EVENT_RANGE_HELD, 0, ASID_1 | 1);
    put_note(0, PORT_EVENT_RANGE_RELEASED, 0, ASID_1 | 2);
    assert_null(judge());
    assert_int_equal(replay_totals()->violations, 0);
}

static void held_for_one_release_only(void **state) {
    (void)state;
    put_vspace();
    put_store(0, LEVEL3, LEAF, 0);
    put_note(0, PORT_EVENT_RANGE_HELD, 0, ASID_1 | 1);
    put_note(0, PORT_EVENT_RANGE_RELEASED, 0, ASID_1 | 2);
    put_note(0, PORT_EVENT_RANGE_RELEASED, 0, ASID_1 | 2);
    assert_null(judge());
    assert_int_equal(vmsa_violations(VMSA_REMOVAL_INCOMPLETE), 1);
}

// ---- What cannot have happened

static void contradictions(void **state) {
    put_vspace();
    put_store(0, LEVEL3, LEAF | BIT(7), 0);
    assert_string_equal(judge(), "a store found another descriptor than the last one left there");
    end(state);
    begin(state);
    put(0, TRACE_LOCK, LOCK_VSPACE, LOCK, 0, 0);
    put(1, TRACE_LOCK, LOCK_VSPACE, LOCK, 0, 0);
    assert_string_equal(judge(), "a lock is taken that is not free");
    end(state);
    begin(state);
    put(1, TRACE_UNLOCK, LOCK_VSPACE, LOCK, 0, 0);
    assert_string_equal(judge(), "a lock is given back by a PE that does not hold it");
    end(state);
    begin(state);
    put_store(0, RAM_BYTES, 0, LEAF);
    assert_string_equal(judge(), "a store to what is no descriptor");
    end(state);
    begin(state);
    put(0, TRACE_TLBI, PORT_TLBI_KINDS, 0, 0, 0);
    assert_string_equal(judge(), "a TLBI of no known kind");
}

// ---- Reading

static void merged_by_number(void **state) {
    (void)state;
    struct trace_event event;
    const char *problem;
    put_number(1, 1, TRACE_POLL, 0, 0, 0, 0);
    put_number(0, 0, TRACE_STORE, TRACE_WRITE, 8, 0, 3);
    put_number(3, 1, TRACE_TLBI, PORT_TLBI_VAE1IS, 7, 0, 0);
    put_number(2, 0, TRACE_POLL, 0, 0, 0, 0);
    file.numbers = 4;
    put_end();
    assert_null(open_trace());
    for (unsigned i = 0; i < 4; i++) {
        assert_true(trace_reader_next(&file.reader, &event, &problem));
        assert_int_equal(event.number, i);
        assert_int_equal(event.pe, i % 2);
    }
    assert_int_equal(event.kind, TRACE_TLBI);
    assert_int_equal(event.detail, PORT_TLBI_VAE1IS);
    assert_int_equal(event.operand[0], 7);
    assert_false(trace_reader_next(&file.reader, &event, &problem));
    assert_null(problem);
}

static void missing_numbers_are_lost(void **state) {
    (void)state;
    put(0, TRACE_POLL, 0, 0, 0, 0);
    file.numbers += 2;
    put(0, TRACE_POLL, 0, 0, 0, 0);
    assert_null(judge());
    assert_int_equal(trace_reader_lost(&file.reader), 2);
    assert_int_equal(replay_totals()->events, 2);
}

static void number_twice(void **state) {
    (void)state;
    put_number(0, 0, TRACE_POLL, 0, 0, 0, 0);
    put_number(0, 1, TRACE_POLL, 0, 0, 0, 0);
    file.numbers = 2;
    assert_string_equal(judge(), "numbers do not ascend, or were not drawn");
}

static void no_traces(void **state) {
    assert_string_equal(open_trace(), "no end: the machine did not come to write it");
    file.used -= 8;
    assert_string_equal(open_trace(), "too short for a trace");
    begin(state);
    file.bytes[0]++;
    assert_string_equal(open_trace(), "not a trace");
    begin(state);
    file.bytes[8]++;
    assert_string_equal(open_trace(), "a trace of another version");
    begin(state);
    put(0, TRACE_POLL, 0, 0, 0, 0);
    file.used -= 8;
    assert_string_equal(open_trace(), "a block is cut off, or says what cannot be");
    begin(state);
    put(MAX_PES, TRACE_POLL, 0, 0, 0, 0);
    assert_string_equal(open_trace(), "a block is cut off, or says what cannot be");
    begin(state);
    put_end();
    put_end();
    assert_string_equal(open_trace(), "something follows the end");
    begin(state);
    append(&(uint64_t[4]){0}, 32);
    assert_string_equal(open_trace(), "a block does not begin where one should");
}

static void no_records(void **state) {
    struct trace_block block = {.magic = TRACE_BLOCK_MAGIC, .bytes = 8};
    append(&block, sizeof(block));
    append(&(uint64_t[1]){trace_word(0, TRACE_KINDS, 0)}, 8);
    file.numbers = 1;
    assert_string_equal(judge(), "a record of no known kind");
    end(state);
    begin(state);
    append(&block, sizeof(block));
    append(&(uint64_t[1]){trace_word(0, TRACE_STORE, 0)}, 8);
    file.numbers = 1;
    assert_string_equal(judge(), "a record reaches beyond its block");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(accepted),
        CASE(tables_used_again_are_counted),
        CASE(aliases_of_the_kernel),
        CASE(without_final_dsb),
        CASE(dsb_of_another_pe),
        CASE(foreign_stores),
        CASE(root_entered_is_not_root_left),
        CASE(root_left),
        CASE(held_range_is_another_removals),
        CASE(held_for_one_release_only),
        CASE(contradictions),
        CASE(merged_by_number),
        CASE(missing_numbers_are_lost),
        CASE(number_twice),
        CASE(no_traces),
        CASE(no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
