// SPDX-License-Identifier: BSD-2-Clause
// The meter's decoder against words as an assembler writes them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"

static void assert_decoded(uint32_t word, enum instruction what, unsigned id) {
    struct decoded decoded = decode(word);
    assert_int_equal(decoded.what, what);
    assert_int_equal(decoded.id, id);
}

static void markers(void **state) {
    (void)state;
    assert_decoded(0xd503281f, INSTRUCTION_BEGIN, 0);  // hint #0x40
    assert_decoded(0xd50329ff, INSTRUCTION_BEGIN, 15); // hint #0x4f
    assert_decoded(0xd5032a1f, INSTRUCTION_END, 0);    // hint #0x50
    assert_decoded(0xd5032bff, INSTRUCTION_END, 15);   // hint #0x5f
    assert_decoded(0xd50327ff, INSTRUCTION_OTHER, 0);  // hint #0x3f
    assert_decoded(0xd5032c1f, INSTRUCTION_OTHER, 0);  // hint #0x60
    assert_decoded(0xd503201f, INSTRUCTION_OTHER, 0);  // nop
}

static void barriers(void **state) {
    (void)state;
    assert_decoded(0xd5033b9f, INSTRUCTION_DSB, 0);   // dsb ish
    assert_decoded(0xd5033a9f, INSTRUCTION_DSB, 0);   // dsb ishst
    assert_decoded(0xd503379f, INSTRUCTION_DSB, 0);   // dsb nsh
    assert_decoded(0xd5033f9f, INSTRUCTION_DSB, 0);   // dsb sy
    assert_decoded(0xd503309f, INSTRUCTION_OTHER, 0); // ssbb
    assert_decoded(0xd503349f, INSTRUCTION_OTHER, 0); // pssbb
    assert_decoded(0xd5033bbf, INSTRUCTION_OTHER, 0); // dmb ish
    assert_decoded(0xd5033fdf, INSTRUCTION_OTHER, 0); // isb
}

static void ends_of_stretches(void **state) {
    (void)state;
    assert_decoded(0xd538c105, INSTRUCTION_POLL, 0);   // mrs x5, isr_el1
    assert_decoded(0xd69f03e0, INSTRUCTION_UNMASK, 0); // eret
    assert_decoded(0xd50342ff, INSTRUCTION_UNMASK, 0); // msr daifclr, #2
    assert_decoded(0xd50341ff, INSTRUCTION_OTHER, 0);  // msr daifclr, #1
    assert_decoded(0xd50342df, INSTRUCTION_OTHER, 0);  // msr daifset, #2
    assert_decoded(0xd538c005, INSTRUCTION_OTHER, 0);  // mrs x5, vbar_el1
}

static void invalidations(void **state) {
    (void)state;
    static const struct {
        uint32_t word;
        const char *name;
    } words[] = {
        {0xd5088323, "vae1is"},   {0xd50883a3, "vale1is"},
        {0xd5088343, "aside1is"}, {0xd5088363, "vaae1is"},
        {0xd50883e3, "vaale1is"}, {0xd508831f, "vmalle1is"},
        {0xd50887a3, "vale1"},    {0xd508871f, "vmalle1"},
        {0xd5088223, "rvae1is"},  {0xd50882a3, "rvale1is"},
        {0xd5088123, "vae1os"},   {0xd5088523, "rvae1os"},
        {0xd50886a3, "rvale1"},   {0xd50c8323, "op1=4,crm=3,op2=1"}, // tlbi vae2is, x3
    };
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct decoded decoded = decode(words[i].word);
        char name[TLBI_NAME_BYTES];
        assert_int_equal(decoded.what, INSTRUCTION_TLBI);
        tlbi_name(decoded.id, name);
        assert_string_equal(name, words[i].name);
    }
    assert_decoded(0xd5087523, INSTRUCTION_OTHER, 0); // ic ivau has CRn = 7
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markers),
        cmocka_unit_test(barriers),
        cmocka_unit_test(ends_of_stretches),
        cmocka_unit_test(invalidations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
