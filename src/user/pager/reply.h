// SPDX-License-Identifier: BSD-2-Clause
// Requests and answers: one message in, one answer out, at once or later.
#ifndef SHEAF_PAGER_REPLY_H
#define SHEAF_PAGER_REPLY_H

#include <sheaf/user.h>

struct request {
    uint64_t badge, label;
    unsigned count;
    uint64_t word[SHEAF_MSG_WORDS];
};

struct answer {
    bool send; // false: the caller was answered, is kept waiting, or is gone. A caller that is gone
               // may be answered all the same; one that waits for an answer must not be left behind
    uint64_t label;
    unsigned count;
    uint64_t word[SHEAF_MSG_WORDS];
};

// Makes the first Reply object.
bool replies_open(void);
// Runs the vector if there is one, answers the caller of the request before if answer->send, and
// waits for the next request: one system call in the common case.
void reply_and_receive(const struct answer *answer, struct request *request);
// Answers the caller at once; reply_and_receive must not do so again.
void reply_now(uint64_t label);
// Keeps the caller of this request waiting: its Reply, for reply_later or reply_drop. 0 without
// memory.
sheaf_cptr reply_keep(void);
void reply_later(sheaf_cptr reply, uint64_t label, const uint64_t *words, unsigned count);
// The caller is gone.
void reply_drop(sheaf_cptr reply);

#endif
