// SPDX-License-Identifier: BSD-2-Clause
// The smallest program: ./scripts/run --app examples/hello.c one two
//
// Nothing of it is in memory when it starts: its first instruction faults, and so does its first
// stack access. The pager brings each page when it is touched.
#include <stdio.h>

int main(int argc, char **argv) {
    printf("Hello from Sheaf. My name is %s and I have %d argument%s.\n", argv[0], argc - 1,
           argc == 2 ? "" : "s");
    for (int i = 1; i < argc; i++)
        printf("  argument %d is \"%s\"\n", i, argv[i]);
    printf("This text lies at %p, this function at %p, and this variable at %p.\n",
           (const void *)"", (const void *)main, (void *)&argc);
    return 0;
}
