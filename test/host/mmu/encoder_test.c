// SPDX-License-Identifier: BSD-2-Clause
// The encoder against the manual's layout of TLBI operands.
#include "support.h"

#include <tlbi.h>

static uint64_t field(uint64_t value, unsigned high, unsigned low) {
    return value >> low & ((UINT64_C(1) << (high - low + 1)) - 1);
}

static void address_operand_has_the_fields_of_the_manual(void **state) {
    (void)state;
    // Every single bit of the address and of the ASID, and some mixtures.
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t operand = tlbi_operand_address(ASID(0x5aa5), VADDR(BIT(bit)), TLBI_NO_HINT);
        assert_int_equal(field(operand, 63, 48), 0x5aa5);
        assert_int_equal(field(operand, 47, 44), 0);
        assert_int_equal(field(operand, 43, 0), bit >= 12 && bit <= 55 ? BIT(bit - 12) : 0);
    }
    for (unsigned bit = 0; bit < 16; bit++) {
        uint64_t operand =
            tlbi_operand_address(ASID(BIT(bit)), VADDR(UINT64_C(0xfffffffff000)), TLBI_NO_HINT);
        assert_int_equal(field(operand, 63, 48), BIT(bit));
        assert_int_equal(field(operand, 43, 0), UINT64_C(0xfffffffff));
    }
}

static void kernel_addresses_do_not_reach_the_hint(void **state) {
    (void)state;
    uint64_t operand =
        tlbi_operand_address(ASID(1), VADDR(UINT64_C(0xffff800012345000)), TLBI_NO_HINT);
    assert_int_equal(field(operand, 47, 44), 0);
    assert_int_equal(field(operand, 43, 0), UINT64_C(0xff800012345));
}

static void hint_goes_where_the_manual_has_it(void **state) {
    (void)state;
    for (unsigned level = 1; level < 4; level++) {
        uint64_t operand = tlbi_operand_address(ASID(7), VADDR(0x1000), level);
        assert_int_equal(field(operand, 47, 46), 1); // 4 KiB granule
        assert_int_equal(field(operand, 45, 44), level);
        assert_int_equal(field(operand, 43, 0), 1);
        assert_int_equal(field(operand, 63, 48), 7);
    }
}

// Every value of every field, the others with all bits set and with none.
static void range_operand_has_the_fields_of_the_manual(void **state) {
    (void)state;
    for (unsigned all = 0; all < 2; all++) {
        asid_t asid = ASID(all * 0xffff);
        uint64_t base = all * (BIT(49) - PAGE_BYTES);
        for (unsigned fields = 0; fields < 4 * 32 * 4; fields++) {
            unsigned scale = fields & 3, num = fields >> 2 & 31, level = fields >> 7;
            uint64_t operand = tlbi_operand_range(asid, VADDR(base), scale, num, level);
            assert_int_equal(field(operand, 63, 48), asid.v);
            assert_int_equal(field(operand, 47, 46), 1); // 4 KiB granule
            assert_int_equal(field(operand, 45, 44), scale);
            assert_int_equal(field(operand, 43, 39), num);
            assert_int_equal(field(operand, 38, 37), level);
            assert_int_equal(field(operand, 36, 0), base >> 12);
        }
    }
    for (unsigned asid = 0; asid <= UINT16_MAX; asid++)
        assert_int_equal(tlbi_operand_range(ASID(asid), VADDR(0), 0, 0, 0),
                         (uint64_t)asid << 48 | BIT(46));
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t operand = tlbi_operand_range(ASID(0), VADDR(BIT(bit)), 0, 0, 0);
        assert_int_equal(operand, BIT(46) | (bit >= 12 && bit <= 48 ? BIT(bit - 12) : 0));
    }
}

static void asid_operand_has_nothing_but_the_asid(void **state) {
    (void)state;
    for (unsigned asid = 0; asid <= UINT16_MAX; asid++)
        assert_int_equal(tlbi_operand_asid(ASID(asid)), (uint64_t)asid << 48);
}

static void the_next_page_is_one_more(void **state) {
    (void)state;
    uint64_t last = tlbi_operand_address(ASID(3), PAGE(USER_HALF_PAGES - 1), TLBI_NO_HINT);
    uint64_t before = tlbi_operand_address(ASID(3), PAGE(USER_HALF_PAGES - 2), TLBI_NO_HINT);
    assert_int_equal(before + TLBI_NEXT_PAGE, last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_operand_has_the_fields_of_the_manual),
        cmocka_unit_test(kernel_addresses_do_not_reach_the_hint),
        cmocka_unit_test(hint_goes_where_the_manual_has_it),
        cmocka_unit_test(range_operand_has_the_fields_of_the_manual),
        cmocka_unit_test(asid_operand_has_nothing_but_the_asid),
        cmocka_unit_test(the_next_page_is_one_more),
    };
    return cmocka_run_group_tests_name("mmu.encoder", tests, NULL, NULL);
}
