#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A user's own C programs: the examples, and small ones written here, through ./scripts/run --app."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, equal, main # noqa: E402
from machine import RUN, TOP, run # noqa: E402


def app(path, *arguments):
    return run([RUN, "--boot", "direct", "--time-limit", "60", "--app", path, *arguments], 90)


def program(text, *arguments):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "mine.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return app(path, *arguments)


EXAMPLES = sorted(name for name in os.listdir(os.path.join(TOP, "examples")) if name.endswith(".c"))


# What each prints, whatever addresses and counts are in between.
EXPECTED = {
    "faults.c": [r"touching 100 fresh pages: 1\d\d faults", r"touching them again: 0 faults",
                 r"all 100 pages hold what was written to them"],
    "floats.c": [r"100000 samples, 781 KiB of heap", r"pi is 3\.141593, 1\.0892e-08 away from M_PI",
                 r"as a hexadecimal float: 0x1\.921fb55ba6c75p\+1; e is 2\.718281828459045"],
    "hello.c": [r"Hello from Sheaf\. My name is app and I have 0 arguments\.", r"This text lies at 0x4\w+, .*\."],
}


@case("there are three examples: faults, floats, hello")
def _():
    equal(EXAMPLES, sorted(EXPECTED), "examples")


for example in EXAMPLES:
    @case(f"examples/{example} prints what it is there to show, and ends with status 0")
    def _(name=example):
        result = app(os.path.join(TOP, "examples", name))
        result.expect_status(0)
        for line in EXPECTED[name]:
            check(re.search(f"^{line}\r?$", result.text, re.MULTILINE), f"no line {line!r}:\n{result.tail()}")


@case("main's status is the machine's")
def _():
    program("int main(void) { return 42; }\n").expect_status(42)
    program("#include <stdlib.h>\nint main(void) { exit(7); }\n").expect_status(7)


@case("arguments arrive as they were given")
def _():
    arguments = ["one", "two words", "", "50%", "a=b;$c", "\u00fc"]
    result = program('#include <stdio.h>\nint main(int n, char **v) { for (int i = 1; i < n; i++) printf("<%s>\\n", v[i]);'
                     ' return n; }\n', *arguments)
    result.expect_status(len(arguments) + 1)
    for argument in arguments:
        check(f"<{argument}>" in result.text, f"<{argument}> is missing:\n{result.tail()}")


@case("a wild pointer ends the program with status 139, its registers and a backtrace")
def _():
    result = program("int main(void) { return *(volatile int *)0x123456789000; }\n")
    result.expect_status(139)
    for text in ("0000123456789000", "esr ", "elr ", "x28 ", "backtrace", "data abort"):
        check(text in result.text.lower(), f"{text} is missing:\n{result.tail()}")


@case("a program that does not compile is refused before anything boots")
def _():
    result = program("int main(void) { return nonsense; }\n")
    check(result.status not in (0, 124), f"exit status {result.status}")
    check("nonsense" in result.text and "does not compile" in result.text, result.tail())


@case("an endless program is ended by the time limit, status 124")
def _():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "mine.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write("int main(void) { for (volatile int i = 0;; i++) { } }\n")
        result = run([RUN, "--boot", "direct", "--time-limit", "5", "--app", path], 60)
    equal(result.status, 124, "exit status")


main()
