// SPDX-License-Identifier: BSD-2-Clause
// How an object ends when its last capability is deleted.
//
// Called under tree_lock with the slot dying. What can be long does a bounded part of its work and
// answers whether it is done; it is called again until it is.
#ifndef DEATH_H
#define DEATH_H

#include "objects.h"

bool endpoint_end(struct pe *pe, struct endpoint *endpoint);             // waiters: CANCELLED
bool notification_end(struct pe *pe, struct notification *notification); // the same
void reply_end(struct pe *pe, struct reply *reply);           // an unanswered caller: NO_REPLY
bool reply_server_ends(struct pe *pe, struct thread *server); // those of all its Replies: the same
void irq_handler_end(struct irq_handler *handler);
void timer_finish(struct timer *timer);
bool thread_end(struct pe *pe, struct thread *thread);

#endif
