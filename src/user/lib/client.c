// SPDX-License-Identifier: BSD-2-Clause
// Requests to the pager.
#include <sheaf/process.h>
#include <sheaf/start.h>
#include <sheaf/user.h>
#include <string.h>

// A request whose transport fails (there is no pager) is unknown to whoever is there.
static enum pager_error request(enum pager_request label, const uint64_t *words, unsigned count,
                                uint64_t *answer, unsigned *answer_count) {
    uint64_t answer_label;
    if (sheaf_call(sheaf_environment.pager, label, words, count, answer, answer_count,
                   &answer_label) != SHEAF_OK)
        return PAGER_ERROR_UNKNOWN;
    return (enum pager_error)answer_label;
}

// Packs text with its zero into words; 0 when it is longer than `room` words.
static unsigned pack(uint64_t *words, unsigned room, const char *text) {
    size_t bytes = strlen(text) + 1;
    unsigned count = (unsigned)((bytes + 7) / 8);
    if (bytes > room * sizeof *words)
        return 0;
    words[count - 1] = 0;
    memcpy(words, text, bytes);
    return count;
}

static void unpack(char *text, size_t room, const uint64_t *words, unsigned count) {
    size_t bytes = count * sizeof *words;
    if (bytes > room)
        bytes = room;
    memcpy(text, words, bytes);
    text[bytes > 0 ? bytes - 1 : 0] = '\0';
}

// Sends argument bytes, as many a message as fit.
static enum pager_error send_arguments(size_t *offset, const char *bytes, size_t count) {
    while (count > 0) {
        uint64_t words[SHEAF_MSG_WORDS];
        size_t now = (SHEAF_MSG_WORDS - 2) * sizeof *words;
        if (now > count)
            now = count;
        unsigned used = 2 + (unsigned)((now + 7) / 8);
        words[0] = *offset;
        words[1] = now;
        words[used - 1] = 0;
        memcpy(words + 2, bytes, now);
        enum pager_error error = request(PAGER_ARGUMENTS, words, used, NULL, NULL);
        if (error != PAGER_OK)
            return error;
        *offset += now;
        bytes += now;
        count -= now;
    }
    return PAGER_OK;
}

enum pager_error sheaf_spawn(char *const argv[], uint64_t *process) {
    size_t offset = 0;
    for (unsigned i = 0; argv[i] != NULL; i++) {
        enum pager_error error = send_arguments(&offset, argv[i], strlen(argv[i]) + 1);
        if (error != PAGER_OK)
            return error;
    }
    unsigned count = 1;
    return request(PAGER_SPAWN, NULL, 0, process, &count);
}

enum pager_error sheaf_wait_process(uint64_t process, int *status) {
    uint64_t word = 0;
    unsigned count = 1;
    enum pager_error error = request(PAGER_WAIT, &process, 1, &word, &count);
    if (error == PAGER_OK)
        *status = (int)word;
    return error;
}

enum pager_error sheaf_map_file(const char *name, const void **address, size_t *bytes) {
    uint64_t words[SHEAF_MSG_WORDS], answer[2] = {0};
    unsigned used = pack(words, SHEAF_MSG_WORDS, name), count = 2;
    if (used == 0)
        return PAGER_ERROR_NOT_FOUND;
    enum pager_error error = request(PAGER_MAP_FILE, words, used, answer, &count);
    if (error == PAGER_OK) {
        *address = (const void *)answer[0];
        *bytes = answer[1];
    }
    return error;
}

enum pager_error sheaf_file(unsigned index, char *name, size_t room, uint64_t *bytes) {
    uint64_t word = index, answer[SHEAF_MSG_WORDS] = {0};
    unsigned count = SHEAF_MSG_WORDS;
    enum pager_error error = request(PAGER_FILE, &word, 1, answer, &count);
    if (error == PAGER_OK) {
        *bytes = answer[0];
        unpack(name, room, answer + 1, count - 1);
    }
    return error;
}

enum pager_error sheaf_process_info(unsigned index, struct sheaf_process_info *info) {
    uint64_t word = index, answer[SHEAF_MSG_WORDS] = {0};
    unsigned count = SHEAF_MSG_WORDS;
    enum pager_error error = request(PAGER_PROCESS, &word, 1, answer, &count);
    if (error == PAGER_OK) {
        *info = (struct sheaf_process_info){answer[0], answer[1],      answer[2], answer[3],
                                            answer[4], answer[5] != 0, {0}};
        unpack(info->name, sizeof info->name, answer + 6, count - 6);
    }
    return error;
}

enum pager_error sheaf_statistics(uint64_t value[PAGER_STATISTIC_COUNT]) {
    unsigned count = PAGER_STATISTIC_COUNT;
    return request(PAGER_STATISTICS_READ, NULL, 0, value, &count);
}
