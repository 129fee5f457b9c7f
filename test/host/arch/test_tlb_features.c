// SPDX-License-Identifier: BSD-2-Clause
// Features by ID registers of cores that exist, and boot arguments that switch them off.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "tlb_features.h"

#define MIDR(implementer, part, release, revision)                                                 \
    ((uint64_t)(implementer) << 24 | (uint64_t)(release) << 20 | UINT64_C(0xf) << 16 |             \
     (uint64_t)(part) << 4 | (revision))

static void assert_features(struct mmu_features came, bool ttl, bool range, bool repeat_tlbi) {
    assert_int_equal(came.ttl, ttl);
    assert_int_equal(came.range, range);
    assert_int_equal(came.repeat_tlbi, repeat_tlbi);
}

static bool repeats(uint64_t midr) {
    return features_decode(&(struct id_registers){.midr = midr}).repeat_tlbi;
}

// Register values from the cores' reference manuals.
static void cores_have_what_their_registers_say(void **state) {
    (void)state;
    struct id_registers a72 = {.midr = 0x410fd083, .isar0 = 0x11120};
    assert_features(features_decode(&a72), false, false, false);
    struct id_registers a76 = {.midr = 0x414fd0b1, .isar0 = 0x0000100010211120, .mmfr2 = 0x1011};
    assert_features(features_decode(&a76), false, false, true);
}

static void fields_count_upwards(void **state) {
    (void)state;
    for (uint64_t value = 0; value < 16; value++) {
        struct id_registers id = {.isar0 = value << 56, .mmfr2 = value << 48};
        assert_features(features_decode(&id), value >= 1, value >= 2, false);
        // No other field of the registers matters.
        id = (struct id_registers){.isar0 = ~(UINT64_C(0xf) << 56) | value << 56,
                                   .mmfr2 = ~(UINT64_C(0xf) << 48) | value << 48};
        assert_features(features_decode(&id), value >= 1, value >= 2, false);
    }
}

static void errata_go_by_part_and_release(void **state) {
    (void)state;
    assert_true(repeats(MIDR(0x41, 0xd0b, 4, 1)));  // A76
    assert_true(repeats(MIDR(0x41, 0xd0c, 3, 1)));  // Neoverse N1
    assert_true(repeats(MIDR(0x41, 0xd05, 2, 0)));  // A55
    assert_true(repeats(MIDR(0x41, 0xd46, 1, 1)));  // A510, the last release concerned
    assert_false(repeats(MIDR(0x41, 0xd46, 1, 2))); // and the one after
    assert_true(repeats(MIDR(0x51, 0x800, 0, 0)));  // Falkor
    assert_false(repeats(MIDR(0x51, 0x800, 0, 1)));
    assert_false(repeats(MIDR(0x51, 0xd0b, 4, 1))); // another implementer's part number
    assert_false(repeats(MIDR(0x41, 0xd08, 0, 3))); // A72
    assert_false(repeats(MIDR(0x41, 0xd03, 0, 4))); // A53
}

static void each_is_switched_off_by_its_argument(void **state) {
    (void)state;
    struct mmu_features all = {true, true, true};
    assert_features(features_wanted(all, ""), true, true, true);
    assert_features(features_wanted(all, "ttl=off"), false, true, true);
    assert_features(features_wanted(all, "run=words tlbirange=off"), true, false, true);
    assert_features(features_wanted(all, "tlbirepeat=off"), true, true, false);
    assert_features(features_wanted(all, "ttl=on -- tlbirange=off"), true, true, true);
    assert_features(features_wanted((struct mmu_features){0}, "ttl=on"), false, false, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_have_what_their_registers_say),
        cmocka_unit_test(fields_count_upwards),
        cmocka_unit_test(errata_go_by_part_and_release),
        cmocka_unit_test(each_is_switched_off_by_its_argument),
    };
    return cmocka_run_group_tests_name("arch.tlb_features", tests, NULL, NULL);
}
