// SPDX-License-Identifier: BSD-2-Clause
// Reading a line from the serial port, with echo.
#ifndef SHEAF_SHELL_LINE_H
#define SHEAF_SHELL_LINE_H

#include <stdbool.h>
#include <stddef.h>

// Reads up to the end of a line; `line` gets it without that, and with a zero. Backspace takes a
// character back, Ctrl-U the whole line; other control characters and escape sequences are passed
// over. A line that does not fit into `room` is read to its end; *fits is then false. False when
// nothing can be read any more.
bool line_read(char *line, size_t room, bool *fits);

#endif
