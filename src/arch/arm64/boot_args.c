// SPDX-License-Identifier: BSD-2-Clause
// Boot arguments of the kernel itself. See boot_args.h.
#include "boot_args.h"

struct word {
    const char *start;
    size_t length;
};

// Moves *args behind the next word. False at the end, or at `--`: the rest is a program's.
static bool next_word(const char **args, struct word *word) {
    while (**args == ' ') {
        ++*args;
    }
    word->start = *args;
    while (**args != ' ' && **args != '\0') {
        ++*args;
    }
    word->length = (size_t)(*args - word->start);
    bool rest = word->length == 2 && word->start[0] == '-' && word->start[1] == '-';
    return word->length != 0 && !rest;
}

// Whether the word is `name`=..., and then cuts it down to what follows.
static bool take_value(struct word *word, const char *name) {
    size_t i = 0;
    for (; name[i] != '\0'; i++) {
        if (i == word->length || word->start[i] != name[i]) {
            return false;
        }
    }
    if (i == word->length || word->start[i] != '=') {
        return false;
    }
    word->start += i + 1;
    word->length -= i + 1;
    return true;
}

bool boot_args_is(const char *args, const char *name, const char *value) {
    struct word word;
    while (next_word(&args, &word)) {
        if (!take_value(&word, name)) {
            continue;
        }
        size_t i = 0;
        while (i < word.length && value[i] != '\0' && word.start[i] == value[i]) {
            i++;
        }
        if (i == word.length && value[i] == '\0') {
            return true;
        }
    }
    return false;
}

static bool parse_number(struct word word, uint64_t limit, uint64_t *number) {
    uint64_t value = 0;
    for (size_t i = 0; i < word.length; i++) {
        if (word.start[i] < '0' || word.start[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(word.start[i] - '0');
        if (digit > limit || value > (limit - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return word.length != 0;
}

uint64_t boot_args_number(const char *args, const char *name, uint64_t limit, uint64_t otherwise) {
    uint64_t result = otherwise, number;
    struct word word;
    while (next_word(&args, &word)) {
        if (!take_value(&word, name)) {
            continue;
        }
        if (parse_number(word, limit, &number)) {
            result = number;
        } else {
            kprintf("boot argument %s: not a number up to %lu; left out\n", name, limit);
        }
    }
    return result;
}

const char *boot_args_text(const char *args, const char *name, size_t *length) {
    const char *text = "";
    struct word word;
    *length = 0;
    while (next_word(&args, &word)) {
        if (take_value(&word, name)) {
            text = word.start;
            *length = word.length;
        }
    }
    return text;
}
