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
        shell.command("run hello")
        later, after = table(shell.command("mem")), table(shell.command("tlb"))
        for name in ("pager.faults", "pager.mapped", "pager.read"):
            check(later[name] > memory[name], f"{name} stayed at {memory[name]}")
        for name in ("gather.calls", "gather.batches", "dsb.ish", "ipc.messages"):
            check(after[name] > before[name], f"{name} stayed at {before[name]}")


@case("run starts a program, with its arguments, and comes back; again and again")
def _():
    with Shell() as shell:
        for _ in range(10):
            check("hello" in shell.command("run hello").lower(), "no hello")
        before = table(shell.command("mem"))
        said = shell.command("run hello one two")
        check('argument 1 is "one"' in said and 'argument 2 is "two"' in said, said)
        after = table(shell.command("mem"))
        for name in ("pager.frames.free", "pager.memory.free", "pager.swap.used", "pager.processes"):
            equal(after[name], before[name], f"{name} after the program has ended")


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
        said = shell.expect(PROMPT)
        check("a line has at most" in said, f"a long line was not refused:\n{said}")
        # What is no text, and a key with an arrow on it, is not part of the line.
        shell.type("he\x02l\x1b[A\tp\x00\n")
        said = shell.expect(PROMPT)
        check("poweroff" in said, f"help was not understood:\n{said}")
        shell.type("help\xff\n")
        said = shell.expect(PROMPT)
        check("unknown command" in said, f"another byte made it help:\n{said}")


@case("poweroff ends the machine with status 0")
def _():
    with Shell() as shell:
        shell.type("poweroff\n")
        equal(shell.ends(), 0, "exit status")


main()
