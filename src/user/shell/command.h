// SPDX-License-Identifier: BSD-2-Clause
// The shell's commands.
#ifndef SHEAF_SHELL_COMMAND_H
#define SHEAF_SHELL_COMMAND_H

#include <stdbool.h>

// Runs a line. `line` is changed. False when the shell is to end.
bool command_run(char *line);

#endif
