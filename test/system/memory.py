#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs that do what they must not, or want more than there is: the system lives on, and all comes back."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, equal, main # noqa: E402
from machine import BOOT, Dialogue, run # noqa: E402

PROMPT = "sheaf> "
TESTS = BOOT + ["--with-test-programs"]


def faulty(what, *options):
    bootargs = " ".join(["run=faulty", *options, "--", what])
    return run(TESTS + ["--bootargs", bootargs], 90)


def ended(what, status, *texts, options=()):
    result = faulty(what, *options)
    result.expect_status(status)
    for text in texts:
        check(text in result.text, f"{text!r} is missing:\n{result.tail()}")


WRONG = [
    ("null", 139, "(read)", "nothing is there"),
    ("text", 139, "(write)", "not writable"),
    ("constant", 139, "(write)", "not writable"),
    ("data", 139, "(execute)", "not executable"),
    ("file", 139, "(write)", "not writable"),
    ("kernel", 139, "0xffffffff80000000", "nothing is there"),
    ("stack", 139, "guard beside a stack"),
    ("instruction", 132, "exception"),
    ("abort", 134),
]
for name, expected, *messages in WRONG:
    @case(f"a program that does `{name}` ends with status {expected}")
    def _(arguments=(name, expected, *messages)):
        ended(*arguments)


@case("malloc of more than there is fails with ENOMEM")
def _():
    ended("enomem", 0, "ENOMEM")


@case("a program that takes all the heap there is gets NULL, and every page it filled holds what it wrote")
def _():
    for frames in (8, 64):
        ended("fill", 0, " 0 of them damaged", options=(f"frames={frames}", "swap=4"))


@case("a full swap area stops the program that needs more, with a message")
def _():
    ended("stack", 137, "swap area is full", options=("frames=16", "swap=4"))


@case("a budget that memory does not have is a clear error")
def _():
    result = run(BOOT + ["--bootargs", "run=hello frames=1000000"], 60)
    result.expect_status(2)
    check("no memory for a budget of 1000000 frames" in result.text, result.tail())


@case("threads keep errno, FP registers and thread-local variables apart, with frames for all or for few")
def _():
    for options in ("", " frames=26"):
        result = run(TESTS + ["--bootargs", "run=threads" + options], 120)
        result.expect_status(0)
        equal(len(re.findall(r"^ok ", result.text, re.MULTILINE)), 8, "cases passed")
        lines = re.findall(r"^# thread (\d) line (\d) of 5: abcdefghijklmnopqrstuvwxyz$", result.text, re.MULTILINE)
        equal(len(set(lines)), 30, "whole lines")


@case("a thread more than the budget has frames for is refused")
def _():
    result = run(TESTS + ["--bootargs", "run=threads frames=20"], 60)
    result.expect_status(1)
    check("was not created" in result.text, result.tail())


class Shell(Dialogue):
    def __init__(self, *bootargs):
        super().__init__(TESTS + ["--interactive", "--time-limit", "200", "--bootargs", " ".join(["run=shell", *bootargs])])
        self.expect(PROMPT)

    def command(self, line, limit=60):
        self.type(line + "\n")
        return self.expect(PROMPT, limit).partition("\n")[2]

    def memory(self):
        return {m[1]: int(m[2]) for m in re.finditer(r"^(\S+)[ \t]+(\d+)\s*$", self.command("mem"), re.MULTILINE)}


@case("whatever a program did, its frames, swap area and kernel memory come back")
def _():
    with Shell("frames=40", "swap=8") as shell:
        things = [f"run faulty {name}" for name, *_ in WRONG] + ["run faulty fill", "run threads", "run hello"]
        for line in things: # the first time the pager's own tables grow
            shell.command(line)
        before = shell.memory()
        for line in things:
            shell.command(line)
        after = shell.memory()
        for name in ("pager.memory.free", "pager.swap.used", "pager.processes"):
            equal(after[name], before[name], name)
        processes = shell.command("ps")
        equal(len(processes.strip().splitlines()), 1 + 3, f"lines of ps (init, pager, shell):\n{processes}\n")


@case("frames that a program used are free or used by others when it has ended")
def _():
    with Shell("frames=200", "swap=16") as shell:
        for _ in range(3):
            shell.command("run faulty fill")
            memory = shell.memory()
            resident = sum(int(line.split()[2]) for line in shell.command("ps").strip().splitlines()[1:])
            check(memory["pager.frames.free"] + resident >= 195, f"{memory['pager.frames.free']} free, {resident} resident of 200")


main()
