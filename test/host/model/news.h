// SPDX-License-Identifier: BSD-2-Clause
// What threads that wait are told: foreseen before a step, compared after it.
//
// A wait that ends without having been foreseen, with something else, or not at all, fails the
// test. Steps that delete capabilities only say what may be told to whoever waits.
#ifndef NEWS_H
#define NEWS_H

#include "reference.h"

struct message {
    const struct thread *from; // NULL: the kernel's own
    uint64_t tag, badge, word[SHEAF_MSG_WORDS];
    bool call, fault;
};

bool is_alive(const struct thread *thread);
bool is_waiting(const struct thread *thread);

void news_begin(void); // nothing is foreseen
bool news_any(void);
bool news_has(const struct thread *thread);
void news_errors(const struct thread *thread, uint64_t errors); // one of these; bit 0: OK
void news_message(const struct thread *thread, const struct message *message);
void news_faulted(const struct thread *thread);   // its fault is not handled
void news_suspended(const struct thread *thread); // in a fault: without an answer
void news_resumed(const struct thread *thread);   // its fault is handled
void news_allow(uint64_t errors);                 // one of these, to anybody

// A signal, with those foreseen before it taken into account.
void news_signal(const struct notification *notification, uint64_t badge);
uint64_t news_bits(const struct notification *notification);
// The same of a fault that nobody handles.
void news_unhandled(const struct thread *thread);
struct message signals_message(uint64_t label, uint64_t bits);

void news_watch(void); // the step begins: who waits
void news_check(void); // it is over

#endif
