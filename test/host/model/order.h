// SPDX-License-Identifier: BSD-2-Clause
// Order of waiting: among equals, who came first is served first.
#ifndef ORDER_H
#define ORDER_H

#include "machine.h"

void order_begin(void);
// After step `now`: `mover` has made it, `changed` (or NULL) has got a priority in it. Both go
// behind their equals.
void order_check(const struct thread *mover, const struct thread *changed, uint64_t now);

#endif
