// SPDX-License-Identifier: BSD-2-Clause
// Requests of programs.
#ifndef SHEAF_PAGER_SERVE_H
#define SHEAF_PAGER_SERVE_H

#include "process.h"
#include "reply.h"

// Does what sheaf/pager.h says, and fills the answer.
void serve_request(struct process *process, const struct request *request, struct answer *answer);

#endif
