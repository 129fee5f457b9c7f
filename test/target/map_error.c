// SPDX-License-Identifier: BSD-2-Clause
// A gather's errors: each named, at the right index, with nothing changed by the operation.
#include "harness.h"
#include "support.h"

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

// Runs the one operation; it must fail so and leave the VSpace as it was.
static void check_refused(struct sheaf_gather_op op, sheaf_cptr vspace, enum sheaf_error error,
                          int line) {
    struct vspace_info before = vspace_info(vspace);
    struct gathered g = gather_one(op);
    check_status(g.status, error, "gather", __FILE__, line);
    CHECK_EQ(g.error, error);
    CHECK_EQ(g.index, 0);
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tables, 0);
    struct vspace_info after = vspace_info(vspace);
    CHECK_EQ(after.used, before.used);
    CHECK_EQ(after.free, before.free);
}

#define CHECK_REFUSED(op, vspace, error) check_refused(op, vspace, SHEAF_ERR_##error, __LINE__)

static bool is_mapped(sheaf_cptr frame) {
    uint64_t va;
    uint64_t pages;
    return frame_mapping(frame, &va, &pages);
}

static struct sheaf_gather_op map_at(sheaf_cptr vspace, uint64_t va) {
    return map_op(vspace, va, 1, page(), 1, ALL_ACCESS, 0);
}

static void bad_vspace(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr empty = new_slot();
    sheaf_cptr frame = page();
    CHECK_REFUSED(map_op(empty, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0), vspace,
                  INVALID_CAPABILITY);
    CHECK_REFUSED(map_op(0, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0), vspace, INVALID_CAPABILITY);
    CHECK_REFUSED(map_op(frame, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0), vspace, WRONG_TYPE);
    CHECK_REFUSED(unmap_op(empty, CHILD_FREE, 1, 0), vspace, INVALID_CAPABILITY);
    CHECK_REFUSED(unmap_op(frame, CHILD_FREE, 1, 0), vspace, WRONG_TYPE);
    CHECK(!is_mapped(frame));
}

static void bad_frame(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, new_slot(), 1, ALL_ACCESS, 0), vspace,
                  INVALID_CAPABILITY);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, 0, 1, ALL_ACCESS, 0), vspace, INVALID_CAPABILITY);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, make(SHEAF_ENDPOINT, 0), 1, ALL_ACCESS, 0), vspace,
                  WRONG_TYPE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, vspace, 1, ALL_ACCESS, SHEAF_OP_PART), vspace,
                  WRONG_TYPE);
}

static void bad_frame_in_a_run(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = new_slots(3);
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 12, 0, ROOT, first, 2));
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 3, first, 3, ALL_ACCESS, 0), vspace,
                  INVALID_CAPABILITY);
    CHECK_OK(untyped_retype(arena(), SHEAF_ENDPOINT, 0, 0, ROOT, first + 2, 1));
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 3, first, 3, ALL_ACCESS, 0), vspace, WRONG_TYPE);
    CHECK(!is_mapped(first) && !is_mapped(first + 1));
}

static void slots_beyond_the_cnode(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr cnode = make(SHEAF_CNODE, 2);
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 1, 3));
    sheaf_cptr first = IN_CNODE(cnode, 1);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 4, first, 4, ALL_ACCESS, 0), vspace, RANGE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, first, UINT64_MAX, ALL_ACCESS, 0), vspace, RANGE);
    CHECK(!is_mapped(first));
    must_gather(map_op(vspace, CHILD_FREE, 3, first, 3, ALL_ACCESS, 0));
}

static void misaligned(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_REFUSED(map_at(vspace, CHILD_FREE + 1), vspace, MISALIGNED);
    CHECK_REFUSED(map_at(vspace, CHILD_FREE + 2048), vspace, MISALIGNED);
    CHECK_REFUSED(map_at(vspace, CHILD_FREE - 8), vspace, MISALIGNED);
    CHECK_REFUSED(unmap_op(vspace, CHILD_FREE + 1, 1, 0), vspace, MISALIGNED);
    CHECK_REFUSED(unmap_op(vspace, CHILD_FREE + 4095, 1, 0), vspace, MISALIGNED);
    sheaf_cptr large = make(SHEAF_FRAME, 16);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE + PAGE, 16, large, 1, ALL_ACCESS, 0), vspace,
                  MISALIGNED);
    CHECK_REFUSED(
        map_op(vspace, CHILD_FREE + BLOCK / 2, 1024, make(SHEAF_FRAME, 22), 1, ALL_ACCESS, 0),
        vspace, MISALIGNED);
    CHECK(!is_mapped(large));
}

static void non_canonical(void) {
    sheaf_cptr vspace = make_vspace(1);
    static const uint64_t bad[] = {UINT64_C(0x0001000000000000), UINT64_C(0x8000000000000000),
                                   UINT64_C(0xfffefffffffff000)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_REFUSED(map_at(vspace, bad[i]), vspace, NON_CANONICAL);
        CHECK_REFUSED(unmap_op(vspace, bad[i], 1, 0), vspace, NON_CANONICAL);
    }
}

static void kernel_half(void) {
    sheaf_cptr vspace = make_vspace(1);
    static const uint64_t bad[] = {UINT64_C(0xffff000000000000), UINT64_C(0xfffffffffffff000),
                                   UINT64_C(0xffff000040080000)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_REFUSED(map_at(vspace, bad[i]), vspace, KERNEL_HALF);
        CHECK_REFUSED(unmap_op(vspace, bad[i], 1, 0), vspace, KERNEL_HALF);
    }
}

static void overflow(void) {
    sheaf_cptr vspace = make_vspace(1);
    uint64_t last = (USER_HALF_PAGES - 1) * PAGE;
    sheaf_cptr two = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 2);
    CHECK_REFUSED(map_op(vspace, last, 2, two, 2, ALL_ACCESS, 0), vspace, OVERFLOW);
    CHECK_REFUSED(unmap_op(vspace, last, 2, 0), vspace, OVERFLOW);
    CHECK_REFUSED(unmap_op(vspace, 0, USER_HALF_PAGES + 1, 0), vspace, OVERFLOW);
    CHECK_REFUSED(unmap_op(vspace, PAGE, UINT64_MAX, 0), vspace, OVERFLOW);
    CHECK_REFUSED(unmap_op(vspace, PAGE, (UINT64_C(1) << 52) - 1, 0), vspace, OVERFLOW);
    CHECK(!is_mapped(two));
}

static void zero_pages(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_REFUSED(unmap_op(vspace, CHILD_FREE, 0, 0), vspace, ZERO_LENGTH);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 0, page(), 0, ALL_ACCESS, 0), vspace, ZERO_LENGTH);
}

static void pages_are_not_the_sum(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = make(SHEAF_FRAME, 13);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0), vspace, INVALID_ARGUMENT);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 3, frame, 1, ALL_ACCESS, 0), vspace, INVALID_ARGUMENT);
    CHECK(!is_mapped(frame));
}

// Every mapping can be read, so the right to read is always needed.
static void missing_right(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    sheaf_cptr writer = copy_of(frame, SHEAF_RIGHT_WRITE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, writer, 1, SHEAF_MAP_READ, 0), vspace, NO_RIGHT);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, copy_of(frame, 0), 1, SHEAF_MAP_READ, 0), vspace,
                  NO_RIGHT);
    CHECK(!is_mapped(writer));
}

static void rights_exceeded(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr reader = copy_of(page(), SHEAF_RIGHT_READ);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, reader, 1, ALL_ACCESS, 0), vspace, RIGHTS_EXCEEDED);
    CHECK(!is_mapped(reader));
    must_gather(map_op(vspace, CHILD_FREE, 1, reader, 1, SHEAF_MAP_READ, 0));
}

static void rights_that_are_none(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, page(), 1, 0, 0), vspace, INVALID_ARGUMENT);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, page(), 1, SHEAF_MAP_READ, SHEAF_OP_DIRTY), vspace,
                  INVALID_ARGUMENT);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, page(), 1, 8 | ALL_ACCESS, 0), vspace,
                  INVALID_ARGUMENT);
}

static void place_occupied(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr there = page();
    must_gather(map_op(vspace, CHILD_FREE + 2 * PAGE, 1, there, 1, ALL_ACCESS, 0));
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 4);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE + 2 * PAGE, 1, first, 1, ALL_ACCESS, 0), vspace,
                  PLACE_OCCUPIED);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 4, first, 4, ALL_ACCESS, 0), vspace, PLACE_OCCUPIED);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 512, make(SHEAF_FRAME, 21), 1, ALL_ACCESS, 0), vspace,
                  PLACE_OCCUPIED);
    CHECK(is_mapped(there));
    CHECK(!is_mapped(first) && !is_mapped(first + 1));
}

static void place_occupied_by_a_block(void) {
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 512, make(SHEAF_FRAME, 21), 1, ALL_ACCESS, 0));
    CHECK_REFUSED(map_at(vspace, CHILD_FREE + 100 * PAGE), vspace, PLACE_OCCUPIED);
}

static void already_mapped(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0));
    CHECK_REFUSED(map_op(vspace, CHILD_FREE + PAGE, 1, frame, 1, ALL_ACCESS, 0), vspace,
                  ALREADY_MAPPED);
    sheaf_cptr other = make_vspace(1);
    CHECK_REFUSED(map_op(other, CHILD_FREE + PAGE, 1, frame, 1, ALL_ACCESS, 0), other,
                  ALREADY_MAPPED);
    must_gather(
        map_op(vspace, CHILD_FREE + PAGE, 1, copy_of(frame, SHEAF_RIGHTS_ALL), 1, ALL_ACCESS, 0));
    uint64_t va;
    uint64_t pages;
    CHECK(frame_mapping(frame, &va, &pages));
    CHECK_EQ(va, CHILD_FREE);
}

// The same capability twice in one vector, and twice in one run.
static void mapped_twice_in_one_call(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    own_buffer()->ops[0] = map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0);
    own_buffer()->ops[1] = map_op(vspace, CHILD_FREE + PAGE, 1, frame, 1, ALL_ACCESS, 0);
    struct gathered g = gather(2, 0);
    CHECK_ERROR(g.status, ALREADY_MAPPED);
    CHECK_EQ(g.index, 1);
    CHECK_EQ(g.leaves, 1);
}

static void no_tables(void) {
    sheaf_cptr vspace = make_vspace(1);
    uint64_t free = vspace_info(vspace).free;
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, (unsigned)free);
    for (unsigned i = 0; i < free - 2; i++) { // two go into levels 1 and 2
        must_gather(map_op(vspace, CHILD_FREE + i * BLOCK, 1, first + i, 1, ALL_ACCESS, 0));
    }
    CHECK_EQ(vspace_info(vspace).free, 0);
    // Elsewhere: one table on each of the levels 1, 2 and 3 is missing.
    struct sheaf_gather_op op =
        map_op(vspace, CHILD_FREE << 12, 1, first + (unsigned)free - 1, 1, ALL_ACCESS, 0);
    struct gathered g = gather_one(op);
    CHECK_ERROR(g.status, NO_TABLES);
    CHECK_EQ(g.missing, 3);
    CHECK_EQ(g.leaves, 0);
    CHECK(!is_mapped(first + (unsigned)free - 1));
    CHECK_OK(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, arena(), (g.missing + 14) / 15).status);
    must_gather(op);
}

static void no_tables_counts_the_missing_exactly(void) {
    sheaf_cptr vspace = make_vspace(1);
    uint64_t free = vspace_info(vspace).free;
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, (unsigned)free);
    for (unsigned i = 0; i < free - 4; i++) { // two go into levels 1 and 2
        must_gather(map_op(vspace, CHILD_FREE + i * BLOCK, 1, first + i, 1, ALL_ACCESS, 0));
    }
    CHECK_EQ(vspace_info(vspace).free, 2);
    // Two pages in two tables of level 3, and one table each of levels 1 and 2: four, and two are
    // there.
    struct gathered g = gather_one(map_op(vspace, (CHILD_FREE << 12) + BLOCK - PAGE, 2,
                                          first + (unsigned)free - 2, 2, ALL_ACCESS, 0));
    CHECK_ERROR(g.status, NO_TABLES);
    CHECK_EQ(g.missing, 2);
    CHECK_EQ(vspace_info(vspace).free, 2);
}

static void too_many_frames(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, SHEAF_MAP_FRAMES + 1);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, SHEAF_MAP_FRAMES + 1, first, SHEAF_MAP_FRAMES + 1,
                         ALL_ACCESS, 0),
                  vspace, RANGE);
    CHECK_EQ(must_gather(map_op(vspace, CHILD_FREE, SHEAF_MAP_FRAMES, first, SHEAF_MAP_FRAMES,
                                ALL_ACCESS, 0))
                 .leaves,
             SHEAF_MAP_FRAMES);
}

static void too_many_leaves(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = make_many(SHEAF_FRAME, 20, 3); // 256 pages each
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, SHEAF_MAP_LEAVES * 3 / 2, first, 3, ALL_ACCESS, 0),
                  vspace, RANGE);
    CHECK_EQ(
        must_gather(map_op(vspace, CHILD_FREE, SHEAF_MAP_LEAVES, first, 2, ALL_ACCESS, 0)).leaves,
        SHEAF_MAP_LEAVES);
}

static void part_out_of_range(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = make(SHEAF_FRAME, 14);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, frame, 4, ALL_ACCESS, SHEAF_OP_PART), vspace,
                  RANGE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 4, frame, 1, ALL_ACCESS, SHEAF_OP_PART), vspace,
                  RANGE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE, 2, frame, UINT64_MAX, ALL_ACCESS, SHEAF_OP_PART),
                  vspace, RANGE);
    CHECK_REFUSED(map_op(vspace, CHILD_FREE + BLOCK - PAGE, 2, frame, 0, ALL_ACCESS, SHEAF_OP_PART),
                  vspace, RANGE);
    CHECK(!is_mapped(frame));
}

static void vector_too_long(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    own_buffer()->ops[0] = map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0);
    CHECK_ERROR(gather(65, 0).status, VECTOR_TOO_LONG);
    CHECK_ERROR(gather(UINT32_MAX, 0).status, VECTOR_TOO_LONG);
    CHECK(!is_mapped(frame));
}

static void unknown_call_flags(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    own_buffer()->ops[0] = map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0);
    for (unsigned bit = 3; bit < 32; bit++) {
        CHECK_ERROR(gather(1, UINT64_C(1) << bit).status, UNKNOWN_FLAG);
    }
    CHECK_ERROR(gather(1, SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE).status, INVALID_ARGUMENT);
    CHECK_ERROR(gather(1, SHEAF_GATHER_DEFER).status, UNKNOWN_FLAG); // for MAP
    CHECK(!is_mapped(frame));
}

static void unknown_operations(void) {
    sheaf_cptr vspace = make_vspace(1);
    static const uint64_t operations[] = {0, 8, 100, 255};
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        struct sheaf_gather_op op = unmap_op(vspace, CHILD_FREE, 1, 0);
        op.word[0] = operations[i];
        CHECK_REFUSED(op, vspace, UNKNOWN_OPERATION);
    }
}

static void unknown_operation_flags(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    for (unsigned bit = 0; bit < 16; bit++) {
        uint64_t flag = UINT64_C(1) << bit;
        if ((flag & (SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) == 0) {
            CHECK_REFUSED(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, flag), vspace,
                          UNKNOWN_FLAG);
        }
        if ((flag & (SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT)) == 0) {
            CHECK_REFUSED(unmap_op(vspace, CHILD_FREE, 1, flag), vspace, UNKNOWN_FLAG);
        }
    }
    CHECK(!is_mapped(frame));
}

static void undefined_bits_and_words(void) {
    sheaf_cptr vspace = make_vspace(1);
    for (unsigned bit = 32; bit < 64; bit += 7) {
        struct sheaf_gather_op op = unmap_op(vspace, CHILD_FREE, 1, 0);
        op.word[0] |= UINT64_C(1) << bit;
        CHECK_REFUSED(op, vspace, INVALID_ARGUMENT);
    }
    struct sheaf_gather_op op = unmap_op(vspace, CHILD_FREE, 1, 0);
    op.word[0] |= SHEAF_MAP_READ << 8;
    CHECK_REFUSED(op, vspace, INVALID_ARGUMENT);
    for (unsigned word = 4; word < 6; word++) {
        op = unmap_op(vspace, CHILD_FREE, 1, 0);
        op.word[word] = 1;
        CHECK_REFUSED(op, vspace, INVALID_ARGUMENT);
    }
}

static void results_too_large(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr frame = page();
    must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0));
    CHECK_REFUSED(unmap_op(vspace, CHILD_FREE, 4 * SHEAF_RESULT_BYTES + 1, SHEAF_OP_REPORT), vspace,
                  RESULTS_TOO_LARGE);
    CHECK_REFUSED(unmap_op(vspace, 0, USER_HALF_PAGES, SHEAF_OP_REPORT), vspace, RESULTS_TOO_LARGE);
    CHECK(is_mapped(frame));
    // The second does not fit behind the first, which stands.
    own_buffer()->ops[0] =
        unmap_op(vspace, CHILD_FREE + PAGE, 4 * SHEAF_RESULT_BYTES - 3, SHEAF_OP_REPORT);
    own_buffer()->ops[1] = unmap_op(vspace, CHILD_FREE, 5, SHEAF_OP_REPORT);
    struct gathered g = gather(2, 0);
    CHECK_ERROR(g.status, RESULTS_TOO_LARGE);
    CHECK_EQ(g.index, 1);
    CHECK(is_mapped(frame));
    CHECK_OK(
        gather_one(unmap_op(vspace, CHILD_FREE, 4 * SHEAF_RESULT_BYTES, SHEAF_OP_REPORT)).status);
    CHECK(!is_mapped(frame));
}

static void gather_once(struct helper *self) {
    struct gathered g = gather(1, 0);
    self->result[0] = g.status;
}

static void without_a_buffer(void) {
    struct helper *helper = new_helper(gather_once, LOW_PRIORITY);
    helper->buffer_frame = 0;
    start(helper);
    join(helper);
    CHECK_ERROR(helper->result[0], NO_BUFFER);
}

static void failing_in_the_middle(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 5);
    for (unsigned i = 0; i < 5; i++) {
        own_buffer()->ops[i] =
            map_op(vspace, CHILD_FREE + i * PAGE, 1, first + i, 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
    }
    own_buffer()->ops[3].word[2] |= 8;
    struct gathered g = gather(5, 0);
    CHECK_ERROR(g.status, MISALIGNED);
    CHECK_EQ(g.error, SHEAF_ERR_MISALIGNED);
    CHECK_EQ(g.index, 3);
    CHECK_EQ(g.leaves, 3);
    CHECK(is_mapped(first) && is_mapped(first + 1) && is_mapped(first + 2));
    CHECK(!is_mapped(first + 3) && !is_mapped(first + 4));
}

static const struct test_case cases[] = {
    {"gather.error_bad_vspace", bad_vspace},
    {"gather.error_bad_frame", bad_frame},
    {"gather.error_bad_frame_in_a_run", bad_frame_in_a_run},
    {"gather.error_slots_beyond_the_cnode", slots_beyond_the_cnode},
    {"gather.error_misaligned", misaligned},
    {"gather.error_non_canonical", non_canonical},
    {"gather.error_kernel_half", kernel_half},
    {"gather.error_overflow", overflow},
    {"gather.error_zero_pages", zero_pages},
    {"gather.error_pages_are_not_the_sum", pages_are_not_the_sum},
    {"gather.error_missing_right", missing_right},
    {"gather.error_rights_exceeded", rights_exceeded},
    {"gather.error_rights_that_are_none", rights_that_are_none},
    {"gather.error_place_occupied", place_occupied},
    {"gather.error_place_occupied_by_a_block", place_occupied_by_a_block},
    {"gather.error_already_mapped", already_mapped},
    {"gather.error_mapped_twice_in_one_call", mapped_twice_in_one_call},
    {"gather.error_no_tables_then_grow", no_tables},
    {"gather.error_no_tables_counts_exactly", no_tables_counts_the_missing_exactly},
    {"gather.error_too_many_frames", too_many_frames},
    {"gather.error_too_many_leaves", too_many_leaves},
    {"gather.error_part_out_of_range", part_out_of_range},
    {"gather.error_vector_too_long", vector_too_long},
    {"gather.error_unknown_call_flag", unknown_call_flags},
    {"gather.error_unknown_operation", unknown_operations},
    {"gather.error_unknown_operation_flag", unknown_operation_flags},
    {"gather.error_undefined_bits_and_words", undefined_bits_and_words},
    {"gather.error_results_too_large", results_too_large},
    {"gather.error_without_a_buffer", without_a_buffer},
    {"gather.error_in_the_middle_of_a_vector", failing_in_the_middle},
};

const struct test_area map_error_area = TEST_AREA(cases);
