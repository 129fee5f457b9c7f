// SPDX-License-Identifier: BSD-2-Clause
// A prompt on the serial line.
#include "command.h"
#include "line.h"
#include <stdio.h>

#define LINE_BYTES 1024

int main(void) {
    char line[LINE_BYTES];
    bool fits;
    printf("Sheaf. help lists the commands.\n");
    for (;;) {
        printf("sheaf> ");
        if (!line_read(line, sizeof line, &fits))
            return 1;
        if (!fits)
            printf("a line has at most %d bytes\n", LINE_BYTES - 1);
        else if (!command_run(line))
            return 0;
        fflush(stdout);
    }
}
