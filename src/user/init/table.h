// SPDX-License-Identifier: BSD-2-Clause
// The table at the end of a run.
#ifndef SHEAF_INIT_TABLE_H
#define SHEAF_INIT_TABLE_H

// Prints what the pager and the kernel counted, one `name value` a line.
void table_print(void);

#endif
