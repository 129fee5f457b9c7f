#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel prints when it panics, and when a user fault finds no handler.

No argument of a system call leads to a panic, so boot arguments of the kernel cause these: `panic=test`
calls it, `panic=fault` reads an address where nothing is mapped, both before the first program runs.
    panic.py PROGRAM        PROGRAM: targettest, which is booted as init
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, equal, main # noqa: E402
from machine import BOOT, run # noqa: E402

PANIC_STATUS = 101
PROGRAM = sys.argv.pop(1)


def boot(arguments):
    return run([*BOOT, "--add", f"init={PROGRAM}", "--bootargs", arguments], 60)


def has_line(result, pattern):
    check(re.search(f"^{pattern}$", result.text, re.MULTILINE), f"no line {pattern!r} in:\n{result.tail(60)}")


def has_registers(result):
    for number in range(31):
        check(re.search(rf"\bx{number} +[0-9a-f]{{16}}\b", result.text), f"no x{number} in:\n{result.tail(60)}")


def has_backtrace(result, *functions):
    lines = re.findall(r"^  [0-9a-f]{16} ([a-z_0-9]+)\+0x[0-9a-f]+$", result.text.partition("backtrace")[2], re.MULTILINE)
    check(lines, f"no backtrace with symbols in:\n{result.tail(60)}")
    for function in functions:
        check(function in lines, f"no {function} in the backtrace {lines}")


@case("panic prints the reason, the thread, registers and a backtrace, and ends the machine")
def _():
    result = boot("panic=test")
    result.expect_status(PANIC_STATUS)
    has_line(result, r"panic: boot argument panic=test")
    has_line(result, r"pe 0")
    has_line(result, r"thread init")
    has_registers(result)
    has_backtrace(result, "boot_main")
    check("TAP version" not in result.text, "a program ran after the panic")


@case("an exception in the kernel prints syndrome in words, address and instruction")
def _():
    result = boot("panic=fault")
    result.expect_status(PANIC_STATUS)
    has_line(result, r"panic: synchronous exception in the kernel")
    has_line(result, r"esr  [0-9a-f]{8} data abort, same level; read; translation fault, level [0-3]")
    has_line(result, r"far  0000000000000008")
    has_line(result, r"elr  [0-9a-f]{16} [a-z_0-9]+\+0x[0-9a-f]+")
    has_registers(result)
    has_backtrace(result, "boot_main")


@case("a user fault without a handler prints the thread, and the system lives on")
def _():
    result = boot("case=fault.nobody_handles_it case=fault.system_lives_on")
    result.expect_status(0)
    equal(len(re.findall(r"^thread nobody-cares$", result.text, re.MULTILINE)), 4, "dumps")
    has_line(result, r"esr  [0-9a-f]{8} data abort, user; read; translation fault, level [0-3]")
    has_line(result, r"far  0000000040000000")
    has_line(result, r"elr  000000000040[0-9a-f]{4}.*")
    has_registers(result)
    has_line(result, r"ok 1 - fault\.nobody_handles_it")
    has_line(result, r"ok 2 - fault\.system_lives_on")
    check("panic:" not in result.text, "a user's fault became a panic")


main()
