// SPDX-License-Identifier: BSD-2-Clause
// The pager: owns the frames, keeps the processes, answers page faults and requests, one at a time.
//
// Arguments, from init: frames=N, the budget; swap=MIB, the most that the swap area may take, 0 for
// all that is left.
#include "boot.h"
#include "fatal.h"
#include "fault.h"
#include "frames.h"
#include "ramdisk.h"
#include "reply.h"
#include "serve.h"
#include "swap.h"
#include "window.h"
#include <self.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAXIMUM UINT32_C(0x1000000) // 64 GiB
#define PAGES_IN_MIB 256

struct budget {
    unsigned long frames;
    uint32_t swap_pages;
};

static void read_arguments(struct budget *budget, char **argv) {
    *budget = (struct budget){0, UINT32_MAX / 2};
    for (; *argv != NULL; argv++) {
        if (strncmp(*argv, "frames=", 7) == 0)
            budget->frames = strtoul(*argv + 7, NULL, 10);
        else if (strncmp(*argv, "swap=", 5) == 0) {
            unsigned long mib = strtoul(*argv + 5, NULL, 10);
            if (mib != 0 && mib < UINT32_MAX / 2 / PAGES_IN_MIB)
                budget->swap_pages = (uint32_t)mib * PAGES_IN_MIB;
        }
    }
}

// False, with a message, when the budget cannot be had.
static bool open_frames(const struct budget *budget) {
    if (budget->frames < FRAMES_MINIMUM) {
        fprintf(stderr, "pager: a budget of %lu is too small: at least %u frames are needed\n",
                budget->frames, FRAMES_MINIMUM);
        return false;
    }
    enum sheaf_error error = budget->frames <= FRAMES_MAXIMUM
                                 ? window_open((uint32_t)budget->frames)
                                 : SHEAF_ERR_NO_MEMORY;
    if (error != SHEAF_OK || !frames_open((uint32_t)budget->frames)) {
        fprintf(stderr, "pager: there is no memory for a budget of %lu frames\n", budget->frames);
        return false;
    }
    return true;
}

static bool open_all(const struct budget *budget) {
    self_open();
    if (!replies_open() || !processes_open() || !ramdisk_open())
        fatal("starting", SHEAF_ERR_NO_MEMORY);
    if (!open_frames(budget))
        return false;
    if (!swap_open(store_memory_open(budget->swap_pages)))
        fatal("opening the swap area", SHEAF_ERR_NO_MEMORY);
    return true;
}

static void handle(const struct request *request, struct answer *answer) {
    struct process *process = process_find(request->badge >> 20);
    answer->send = false;
    answer->label = PAGER_OK;
    answer->count = 0;
    if (process == NULL || process->ended)
        return; // its thread is gone
    if ((request->badge & 1) != 0)
        fault_serve(process, request, answer);
    else
        serve_request(process, request, answer);
}

int main(int argc, char **argv) {
    static struct request request;
    static struct answer answer;
    struct budget budget;
    (void)argc;
    read_arguments(&budget, argv + 1);
    bool ready = open_all(&budget);
    for (;;) {
        reply_and_receive(&answer, &request);
        if (ready) {
            handle(&request, &answer);
        } else {
            answer.send = true;
            answer.label = PAGER_ERROR_NO_FRAMES;
        }
    }
}
