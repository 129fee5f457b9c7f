#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The prompt on the serial line, driven as a person would."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, equal, main # noqa: E402
from machine import BOOT, BUILD, TOP, Dialogue # noqa: E402

PROMPT = "sheaf> "
SHELL = BOOT + ["--interactive", "--bootargs", "run=shell", "--time-limit", "120"]


class Shell(Dialogue):
    def __init__(self, *options):
        super().__init__(SHELL + list(options))
        self.expect(PROMPT)

    def command(self, line, limit=30):
        """Types LINE; returns what was printed before the next prompt, without the echo."""
        self.type(line + "\n")
        said = self.expect(PROMPT, limit)
        echo, _, rest = said.partition("\n")
        check(line in echo, f"the echo of {line!r} is {echo!r}")
        return rest


def table(text):
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\S+)[ \t]+(\d+)\s*$", text, re.MULTILINE)}


@case("help names every command")
def _():
    with Shell() as shell:
        said = shell.command("help")
        for name in ("help", "ls", "ps", "mem", "tlb", "run", "poweroff"):
            check(re.search(rf"\b{name}\b", said), f"help does not name {name}:\n{said}")


@case("ls lists the RAM disk's programs")
def _():
    with Shell() as shell:
        said = shell.command("ls")
        for name in sorted(os.listdir(os.path.join(BOOT[2], "ramdisk"))):
            check(re.search(rf"\b{re.escape(name)}\b", said), f"ls does not list {name}:\n{said}")


@case("ps lists what runs, the shell included")
def _():
    with Shell() as shell:
        said = shell.command("ps")
        for name in ("init", "pager", "shell"):
            check(re.search(rf"\b{name}\b", said), f"ps does not list {name}:\n{said}")


@case("mem and tlb print counters, and a program's work shows in them")
def _():
    with Shell() as shell:
        memory, before = table(shell.command("mem")), table(shell.command("tlb"))
        check(memory and all(value >= 0 for value in memory.values()), "mem prints no table")
        check("dsb.ish" in before and "gather.batches" in before, f"tlb prints {sorted(before)}")
        shell.command("run hello")
        after = table(shell.command("tlb"))
        check(after["gather.calls"] > before["gather.calls"], f"gather.calls stayed at {before['gather.calls']}")


@case("run starts a program, with its arguments, and comes back; again and again")
def _():
    with Shell() as shell:
        for _ in range(10):
            check("hello" in shell.command("run hello").lower(), "no hello")
        free = [table(shell.command("mem")) for _ in range(2)]
        shell.command("run hello one two")
        equal(free[0].keys(), free[1].keys(), "names of mem")


@case("a program that is not there, and a command that is not: named errors")
def _():
    with Shell() as shell:
        said = shell.command("run nosuchprogram")
        check("nosuchprogram" in said, said)
        said = shell.command("frobnicate")
        check("unknown command" in said and "frobnicate" in said, said)
        equal(shell.command("").strip(), "", "answer to an empty line")


@case("a program that faults is ended with its registers shown, and the system lives on")
def _():
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, "crash.c"), os.path.join(directory, "crash")
        with open(source, "w", encoding="utf-8") as file:
            file.write("int main(void) { return *(volatile int *)0x123456789000; }\n")
        subprocess.run([os.path.join(TOP, "scripts/lib/compile-app"), BUILD, source, program], check=True)
        with Shell("--add", "crash=" + program) as shell:
            for _ in range(3):
                said = shell.command("run crash")
                for text in ("0000123456789000", "esr ", "backtrace", "status 139"):
                    check(text in said, f"{text!r} is missing:\n{said}")
            check("hello" in shell.command("run hello").lower(), "no hello after that")


@case("init and the pager, run by hand, say who starts them and end with a status")
def _():
    with Shell() as shell:
        for name in ("init", "pager"):
            said = shell.command(f"run {name}")
            check("started by the kernel or by init only" in said, said)
            check("status 126" in said and "esr " not in said, f"{name} did not end by itself:\n{said}")


@case("backspace takes a character back")
def _():
    with Shell() as shell:
        shell.type("helx\x7fp\n")
        said = shell.expect(PROMPT)
        check("poweroff" in said, f"help was not understood:\n{said}")


@case("a long line and odd bytes do no harm")
def _():
    with Shell() as shell:
        shell.type("x" * 3000 + "\n")
        shell.expect(PROMPT)
        shell.type("\x02\x1b[A\t\x00\xff\n")
        shell.expect(PROMPT)
        check("poweroff" in shell.command("help"), "the shell no longer answers")


@case("poweroff ends the machine with status 0")
def _():
    with Shell() as shell:
        shell.type("poweroff\n")
        equal(shell.ends(), 0, "exit status")


main()
