// SPDX-License-Identifier: BSD-2-Clause
// The fuzzer's kept inputs as a test: without libFuzzer, one after the other.
//
//     test_fuzz.corpus DIRECTORY
#include "record.h"
#include "syscall_fuzz.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAST_INPUTS 50u // fewer: the corpus is not where it should be

static const char *directory;

static void run_file(const char *name) {
    static uint8_t input[MOST_RECORDS * sizeof(struct record)];
    char path[1024];
    assert_in_range(snprintf(path, sizeof(path), "%s/%s", directory, name), 1, sizeof(path) - 1);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot read %s", path);
        return;
    }
    size_t size = fread(input, 1, sizeof(input), file);
    fclose(file);
    printf("# %s\n", name); // the last one printed is the one that failed
    fflush(stdout);
    LLVMFuzzerTestOneInput(input, size);
}

static void kept_inputs(void **state) {
    (void)state;
    unsigned inputs = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        fail_msg("cannot read %s", directory);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(entry->d_name);
        inputs++;
    }
    closedir(entries);
    assert_true(inputs >= LEAST_INPUTS);
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_inputs)};
    if (count != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", arguments[0]);
        return 2;
    }
    directory = arguments[1];
    return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
