// SPDX-License-Identifier: BSD-2-Clause
// A hash of everything that a failed call must leave as it was.
#include "method.h"
#include "sched.h"
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash ^= value;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t mix_pointer(uint64_t hash, const void *pointer) {
    return mix(hash, (uint64_t)(uintptr_t)pointer);
}

static uint64_t mix_thread(uint64_t hash, const struct thread *thread, bool registers) {
    hash = mix(hash, thread->state | (uint64_t)thread->priority << 8 |
                         (uint64_t)thread->max_priority << 16 | (uint64_t)thread->queued << 24 |
                         (uint64_t)thread->calling << 25 | (uint64_t)thread->faulting << 26);
    hash = mix_pointer(hash, thread->next);
    hash = mix_pointer(hash, thread->waiting_on);
    hash = mix_pointer(hash, thread->reply);
    hash = mix_pointer(hash, thread->bound);
    hash = mix(hash, thread->timeout.deadline ^ (uint64_t)thread->pe << 56);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t name;
        memcpy(&name, thread->name + 8 * i, sizeof(name));
        hash = mix(hash, name);
    }
    for (unsigned i = 0; registers && i < ARRAY_SIZE(thread->context.reg); i++)
        hash = mix(hash, thread->context.reg[i]);
    return registers ? mix(hash, thread->context.pc) : hash;
}

static uint64_t mix_object(uint64_t hash, const struct slot *slot, const struct thread *except) {
    const struct endpoint *endpoint = slot->object;
    const struct notification *notification = slot->object;
    const struct reply *reply = slot->object;
    switch (slot->type) {
    case SHEAF_THREAD:
        return mix_thread(hash, slot->object, slot->object != except);
    case SHEAF_ENDPOINT:
        hash = mix(hash, endpoint->head.flags);
        hash = mix_pointer(hash, endpoint->queue.first);
        return mix_pointer(hash, endpoint->queue.last);
    case SHEAF_NOTIFICATION:
        hash = mix_pointer(hash, notification->bound);
        hash = mix_pointer(hash, notification->queue.first);
        return mix(hash, notification->bits);
    case SHEAF_REPLY:
        hash = mix_pointer(mix_pointer(hash, reply->caller), reply->receiver);
        return mix_pointer(hash, reply->server);
    case SHEAF_TIMER:
        return mix(hash, ((const struct timer *)slot->object)->timeout.deadline);
    case SHEAF_IRQ_HANDLER:
        return mix(hash, ((const struct irq_handler *)slot->object)->head.flags);
    default:
        return hash;
    }
}

static uint64_t mix_slot(uint64_t hash, const struct slot *slot) {
    hash = mix(hash, slot->type | (uint64_t)slot->rights << 8 | (uint64_t)slot->size_bits << 16 |
                         (uint64_t)slot->flags << 24 | (uint64_t)slot->memory_type << 32);
    hash = mix_pointer(hash, slot);
    hash = mix(hash, slot->next);
    hash = mix_pointer(hash, slot->first_child);
    if (slot->type == SHEAF_UNTYPED) // zeroed memory may grow; the watermark begins again by itself
        return slot->first_child == NULL ? hash : mix(hash, untyped_watermark(slot));
    hash = mix_pointer(hash, slot->object); // a Frame's address
    if (slot->type != SHEAF_FRAME)
        return mix(hash, slot->badge);
    // A record that names nothing any more is as good as none: an interrupted MAP forgets it.
    bool live = slot->frame.record.v != 0 &&
                record_is_live(slot->frame.record, slot->frame.address, slot->size_bits);
    return mix(hash, live ? slot->frame.record.v : 0);
}

uint64_t state_hash(const struct thread *except) {
    uint64_t hash = mix(mix(1, fake.unmasked), fake.edges | (fake.listening ? 1 : 0));
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL)
            hash = mix_object(mix_slot(hash, caps[i].at), caps[i].at, except);
    return hash;
}
