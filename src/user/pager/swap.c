// SPDX-License-Identifier: BSD-2-Clause
// A bit for each page of the store, searched from the lowest word that may have room: the store in
// memory grows only as far as it must.
#include "swap.h"
#include <stdlib.h>

#define WORD_BITS 64u

static struct {
    struct store *store;
    uint64_t *taken;
    uint32_t places; // bits in taken[]
    uint32_t used;
    uint32_t first; // no free place lies before this word
} swap;

bool swap_open(struct store *store) {
    swap.store = store;
    swap.places = store->capacity(store);
    swap.used = 0;
    swap.first = 0;
    free(swap.taken); // of a store opened before
    swap.taken = calloc(swap.places / WORD_BITS + 1, sizeof *swap.taken);
    return swap.taken != NULL;
}

// The lowest free place, or `places` when there is none.
static uint32_t find_place(void) {
    uint32_t words = swap.places / WORD_BITS + 1;
    while (swap.first < words && swap.taken[swap.first] == UINT64_MAX)
        swap.first++;
    if (swap.first == words)
        return swap.places;
    unsigned bit = (unsigned)__builtin_ctzll(~swap.taken[swap.first]);
    uint32_t place = swap.first * WORD_BITS + bit;
    return place < swap.places ? place : swap.places;
}

enum store_status swap_write(swap_slot *slot, const void *page) {
    if (*slot != 0)
        return swap.store->write(swap.store, *slot - 1, page);
    uint32_t place = find_place();
    if (place == swap.places)
        return STORE_FULL;
    enum store_status status = swap.store->write(swap.store, place, page);
    if (status == STORE_OK) {
        swap.taken[place / WORD_BITS] |= UINT64_C(1) << place % WORD_BITS;
        swap.used++;
        *slot = place + 1;
    }
    return status;
}

enum store_status swap_read(swap_slot slot, void *page) {
    return swap.store->read(swap.store, slot - 1, page);
}

void swap_free(swap_slot slot) {
    uint32_t place = slot - 1;
    swap.taken[place / WORD_BITS] &= ~(UINT64_C(1) << place % WORD_BITS);
    swap.used--;
    if (place / WORD_BITS < swap.first)
        swap.first = place / WORD_BITS;
}

uint32_t swap_used(void) { return swap.used; }

uint32_t swap_capacity(void) { return swap.store->capacity(swap.store); }
