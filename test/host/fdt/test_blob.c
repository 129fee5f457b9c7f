// SPDX-License-Identifier: BSD-2-Clause
// The device tree reader's tree: what each status of dt_open() means, and what a path names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <base.h>
#include <fdt.h>
#include <stdlib.h>
#include <string.h>

#include "tree_builder.h"

// A small valid blob, written by hand: header, reservation block, structure, strings.
#define BLOB_STRUCTURE 56
#define BLOB_STRINGS 104
#define SMALL_BLOB_BYTES (BLOB_STRINGS + 2)
static const uint32_t small_blob[] = {
    0xd00dfeed,
    106,
    BLOB_STRUCTURE,
    BLOB_STRINGS,
    40,
    17,
    16,
    0,
    2,
    48, // header
    0,
    0,
    0,
    0, // reservations
    1,
    0,
    3,
    4,
    0,
    0x12345678,
    1,
    0x61000000,
    2,
    2,
    4,
    9, // root, p, node "a"
};

static size_t make_small_blob(uint8_t *blob) {
    for (size_t i = 0; i < ARRAY_SIZE(small_blob); i++) {
        for (size_t byte = 0; byte < 4; byte++) {
            blob[4 * i + byte] = (uint8_t)(small_blob[i] >> (24 - 8 * byte));
        }
    }
    blob[BLOB_STRINGS] = 'p';
    blob[BLOB_STRINGS + 1] = 0;
    return SMALL_BLOB_BYTES;
}

static void each_fault_of_a_blob_has_its_status(void **state) {
    (void)state;
    static const struct {
        size_t word; // index in small_blob
        uint32_t value;
        const char *status;
    } cases[] = {
        {0, 0xd00dfeed, "OK"},
        {0, 0xd00dfeee, "BAD_MAGIC"},
        {1, 107, "TOO_SHORT"},
        {1, 39, "BAD_LAYOUT"},
        {2, 58, "BAD_LAYOUT"},  // structure misaligned
        {2, 36, "BAD_LAYOUT"},  // in the header
        {3, 105, "BAD_LAYOUT"}, // strings end behind the blob
        {4, 44, "BAD_LAYOUT"},  // reservations misaligned
        {4, 96, "BAD_LAYOUT"},  // no room for an entry
        {5, 16, "BAD_VERSION"}, //
        {6, 18, "BAD_VERSION"}, // not readable as 17
        {5, 18, "OK"},          // newer, but compatible
        {8, 1, "BAD_STRING"},   // the name's end lies behind the strings
        {8, 0xffffffff, "BAD_LAYOUT"},
        {9, 52, "BAD_LAYOUT"},
        {9, 40, "BAD_TOKEN"},       // the block ends before FDT_END
        {13, 1, "BAD_RESERVE_MAP"}, // an entry, and no terminator
        {14, 2, "BAD_NESTING"},     // an end without a node
        {14, 9, "BAD_NESTING"},     // no root
        {14, 8, "BAD_TOKEN"},
        {15, 0x61000000, "BAD_NAME"}, // the root has a name
        {17, 29, "BAD_PROPERTY"},     // longer than the block
        {17, 0xfffffffc, "BAD_PROPERTY"},
        {18, 2, "BAD_STRING"}, // the name lies behind the strings
        {18, 0xffffffff, "BAD_STRING"},
        {21, 0x61616161, "BAD_NESTING"}, // a longer name swallows an end
        {22, 1, "BAD_NESTING"},          // FDT_END inside of nodes
        {23, 4, "BAD_NESTING"},
        {24, 2, "BAD_NESTING"},  // one end too many
        {24, 9, "OK"},           // a token behind FDT_END
        {25, 1, "BAD_NAME"},     // a name without end
        {25, 3, "BAD_PROPERTY"}, // its header runs out of the block
        {25, 4, "BAD_TOKEN"},    // no FDT_END
    };
    uint8_t *blob = malloc(SMALL_BLOB_BYTES); // exactly: a read behind it is noticed
    assert_non_null(blob);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = make_small_blob(blob);
        for (size_t byte = 0; byte < 4; byte++) {
            blob[4 * cases[i].word + byte] = (uint8_t)(cases[i].value >> (24 - 8 * byte));
        }
        struct dt opened;
        const char *status = dt_status_name(dt_open(&opened, blob, size));
        if (strcmp(status, cases[i].status) != 0) {
            fail_msg("word %zu = %#x: %s, not %s", cases[i].word, cases[i].value, status,
                     cases[i].status);
        }
    }
    free(blob);
}

static void every_shorter_limit_is_noticed(void **state) {
    (void)state;
    uint8_t blob[256];
    struct dt opened;
    size_t size = make_small_blob(blob);
    for (size_t limit = 0; limit < size; limit++) {
        assert_int_equal(dt_open(&opened, blob, limit), DT_TOO_SHORT);
    }
    assert_int_equal(dt_open(&opened, blob, size), DT_OK);
    assert_int_equal(dt_open(&opened, blob, SIZE_MAX), DT_OK);
}

static void a_property_behind_a_subnode_is_refused(void **state) {
    (void)state;
    static const uint32_t words[] = {1, 0, 1, 0x61000000, 2, 3, 0, 0, 2, 9, 4, 4};
    uint8_t blob[256];
    size_t size = make_small_blob(blob);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t byte = 0; byte < 4; byte++) {
            blob[BLOB_STRUCTURE + 4 * i + byte] = (uint8_t)(words[i] >> (24 - 8 * byte));
        }
    }
    struct dt opened;
    assert_int_equal(dt_open(&opened, blob, size), DT_BAD_PROPERTY);
}

static void statuses_have_names_and_texts(void **state) {
    (void)state;
    assert_string_equal(dt_status_name(DT_OK), "OK");
    assert_string_equal(dt_status_name(DT_TOO_MANY), "TOO_MANY");
    assert_string_equal(dt_status_name(DT_STATUS_COUNT), "UNKNOWN");
    for (int status = DT_OK; status < DT_STATUS_COUNT; status++) {
        assert_true(strlen(dt_status_text((enum dt_status)status)) > 5);
    }
}

static struct tree_builder tree;

static void a_path_names_one_node(void **state) {
    static const struct {
        const char *path;
        const char *name; // of the node found, null if none
    } cases[] = {
        {"/", ""},           {"/a@1", "a@1"}, {"/a", "a@1"},     {"/a@1/b", "b"},
        {"//a@1///b/", "b"}, {"/x@1", NULL}, // the name is x@1@2
        {"/x@1@2", "x@1@2"}, {"/a@", NULL},   {"/a@11", NULL},   {"/b", NULL},
        {"/a@1/b/c", NULL},  {"alias", "b"},  {"alias/c", NULL}, {"alia", NULL},
        {"aliass", NULL},    {"", NULL},
    };
    (void)state;
    tree_begin(&tree);
    tree_root(&tree);
    tree_node(&tree, "aliases");
    tree_string(&tree, "alias", "/a@1/b");
    tree_end(&tree);
    tree_node(&tree, "x@1@2");
    tree_end(&tree);
    tree_node(&tree, "a@1");
    tree_node(&tree, "b");
    tree_end(&tree);
    tree_end(&tree);
    tree_finish(&tree);
    struct dt opened;
    assert_int_equal(dt_open(&opened, tree.blob, tree.size), DT_OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        dt_node_t node;
        enum dt_status status = dt_by_path(&opened, cases[i].path, strlen(cases[i].path), &node);
        assert_int_equal(status, cases[i].name == NULL ? DT_NOT_FOUND : DT_OK);
        if (cases[i].name != NULL) {
            assert_string_equal(dt_name(&opened, node), cases[i].name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_of_a_blob_has_its_status),
        cmocka_unit_test(every_shorter_limit_is_noticed),
        cmocka_unit_test(a_property_behind_a_subnode_is_refused),
        cmocka_unit_test(statuses_have_names_and_texts),
        cmocka_unit_test(a_path_names_one_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
