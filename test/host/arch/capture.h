// SPDX-License-Identifier: BSD-2-Clause
// Catches what kprintf sends to the serial port.
#ifndef TEST_ARCH_CAPTURE_H
#define TEST_ARCH_CAPTURE_H

// What has come since the last call, carriage returns included.
const char *captured(void);

#endif
