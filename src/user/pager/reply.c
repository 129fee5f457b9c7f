// SPDX-License-Identifier: BSD-2-Clause
// One Reply object names the caller that is being served; callers that wait keep theirs, and
// another one takes its place.
#include "boot.h"
#include "fatal.h"
#include "reply.h"
#include "vector.h"
#include <pool.h>
#include <slots.h>
#include <stdlib.h>

static sheaf_cptr current;
static sheaf_cptr *spare;
static size_t spare_count, spare_room;

static sheaf_cptr take_reply(void) {
    if (spare_count > 0)
        return spare[--spare_count];
    sheaf_cptr slot = slots_take(1);
    if (slot != 0 && pool_make(SHEAF_REPLY, 0, slot, 1) != SHEAF_OK) {
        slots_give(slot);
        return 0;
    }
    return slot;
}

bool replies_open(void) { return (current = take_reply()) != 0; }

void reply_drop(sheaf_cptr reply) {
    if (spare_count == spare_room) {
        sheaf_cptr *larger = realloc(spare, (spare_room + 16) * sizeof *larger);
        if (larger == NULL) {
            slots_delete(reply);
            return;
        }
        spare = larger;
        spare_room += 16;
    }
    spare[spare_count++] = reply;
}

static void send_reply(sheaf_cptr reply, uint64_t label, const uint64_t *words, unsigned count) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = reply,
                                      [SHEAF_REG_TAG] = SHEAF_TAG(label, count),
                                      [SHEAF_REG_SYSCALL] = SHEAF_SYS_REPLY}};
    for (unsigned i = 0; i < count; i++)
        sheaf_message_put(&r, i, words[i]);
    sheaf_syscall(&r); // a caller that is gone needs no answer
}

void reply_now(uint64_t label) { send_reply(current, label, NULL, 0); }

sheaf_cptr reply_keep(void) {
    sheaf_cptr other = take_reply(), kept = current;
    if (other == 0)
        return 0;
    current = other;
    return kept;
}

void reply_later(sheaf_cptr reply, uint64_t label, const uint64_t *words, unsigned count) {
    send_reply(reply, label, words, count);
    reply_drop(reply);
}

static void put_answer(struct sheaf_registers *r, const struct answer *answer) {
    *r = (struct sheaf_registers){.x = {[SHEAF_REG_CAP] = PAGER_BOOT_SLOT_ENDPOINT,
                                        [SHEAF_REG_REPLY] = current,
                                        [SHEAF_REG_SYSCALL] = SHEAF_SYS_RECV}};
    if (!answer->send)
        return;
    r->x[SHEAF_REG_SYSCALL] = SHEAF_SYS_REPLY_RECV;
    r->x[SHEAF_REG_TAG] = SHEAF_TAG(answer->label, answer->count);
    for (unsigned i = 0; i < answer->count; i++)
        sheaf_message_put(r, i, answer->word[i]);
}

static void get_request(const struct sheaf_registers *r, struct request *request) {
    request->badge = r->x[SHEAF_REG_BADGE];
    request->label = SHEAF_TAG_LABEL(r->x[SHEAF_REG_TAG]);
    request->count = SHEAF_TAG_LENGTH(r->x[SHEAF_REG_TAG]);
    for (unsigned i = 0; i < request->count; i++)
        request->word[i] = sheaf_message_word(r, i);
}

// The vector with the answer as its tail. False when a process had to be ended instead: then nobody
// was answered, and no message came.
static bool gather_reply_receive(const struct answer *answer, struct sheaf_registers *r) {
    for (;;) {
        bool gone = false;
        put_answer(r, answer);
        r->x[SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER;
        r->x[SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(vector_put(), SHEAF_GATHER_REPLY_RECV);
        sheaf_syscall(r);
        struct sheaf_gather_result result = sheaf_gather_result(r);
        bool complete = vector_take(&result, &gone);
        if (gone)
            return false;
        if (complete)
            return true;
    }
}

void reply_and_receive(const struct answer *answer, struct request *request) {
    static const struct answer nobody;
    struct sheaf_registers r;
    if (!vector_is_empty() && !answer->send)
        vector_run();
    if (!vector_is_empty()) {
        if (!gather_reply_receive(answer, &r)) {
            put_answer(&r, &nobody);
            sheaf_syscall(&r);
        }
    } else {
        put_answer(&r, answer);
        sheaf_syscall(&r);
    }
    if (r.x[SHEAF_REG_STATUS] != SHEAF_OK)
        fatal("receiving", (enum sheaf_error)r.x[SHEAF_REG_STATUS]);
    get_request(&r, request);
}
