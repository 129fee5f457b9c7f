#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What remembers clean files must not remember too much. A program that looks for a word stands in for clang-tidy."""
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, "test/lib"))
from cases import case, check, equal, main # noqa: E402

TOOL = """#!/bin/sh
[ "$1" != --version ] || { echo 19; exit; }
for last; do :; done
echo "$last" >>"$LOG"
! grep -q BUG "$last" || { echo "$last: a bug"; exit 1; }
"""


class Project:
    """A tree with one source of each kind, a compilation database, and the tool in PATH."""

    def __init__(self, top):
        self.top = os.path.realpath(top)
        self.write(".clang-tidy", "Checks: all\n")
        self.write("include/a.h", "int a;\n")
        self.write("bin/clang-tidy-19", TOOL)
        os.chmod(os.path.join(self.top, "bin/clang-tidy-19"), 0o755)
        for path in ("src/mmu/a.c", "src/user/b.c", "build/generated.c"):
            self.write(path, "int x;\n")
        self.entries("cc -c ")

    def entries(self, command):
        entries = [{"directory": self.top, "file": path, "command": command + path}
                   for path in ("src/mmu/a.c", "src/user/b.c", "build/generated.c", "/usr/include/elsewhere.c")]
        for preset in ("host", "firmware"):
            self.write(f"build/{preset}/compile_commands.json", json.dumps(entries))

    def write(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, preset="host"):
        """Returns (exit status, output, files the tool was called for)."""
        log = os.path.join(self.top, "log")
        with open(log, "w", encoding="utf-8"):
            pass
        environment = {**os.environ, "PATH": os.path.join(self.top, "bin") + ":" + os.environ["PATH"], "LOG": log}
        done = subprocess.run([sys.executable, os.path.join(TOP, "scripts/lib/analyse.py"), self.top, preset],
                              env=environment, capture_output=True, text=True, check=False)
        with open(log, encoding="utf-8") as file:
            called = sorted(os.path.relpath(line.strip(), self.top) for line in file)
        return done.returncode, done.stdout + done.stderr, called


def project_case(name):
    def register(function):
        @case(name)
        def _():
            with tempfile.TemporaryDirectory() as top:
                function(Project(top))
    return register


@project_case("the tree's files are analysed, others not; shared rooms only as the host compiles them")
def _(project):
    equal(project.run()[::2], (0, ["src/mmu/a.c", "src/user/b.c"]))
    equal(project.run("firmware")[::2], (0, ["src/user/b.c"]))


@project_case("a clean file is not analysed again, a changed one is")
def _(project):
    project.run()
    equal(project.run()[::2], (0, []))
    project.write("src/mmu/a.c", "int y;\n")
    equal(project.run()[::2], (0, ["src/mmu/a.c"]))


@project_case("a finding fails, each time")
def _(project):
    project.write("src/mmu/a.c", "BUG\n")
    for wanted in (["src/mmu/a.c", "src/user/b.c"], ["src/mmu/a.c"]):
        status, output, called = project.run()
        equal((status, called), (1, wanted))
        check("a.c: a bug" in output, output)


@project_case("a change of a header, of the checks or of the command analyses again")
def _(project):
    for path, text in (("include/a.h", "int b;\n"), (".clang-tidy", "Checks: some\n"), ("include/new.h", "int c;\n")):
        project.run()
        project.write(path, text)
        equal(project.run()[2], ["src/mmu/a.c", "src/user/b.c"], path)
    project.entries("cc -O2 -c ")
    equal(project.run()[2], ["src/mmu/a.c", "src/user/b.c"], "the command")


@project_case("no file at all is a failure")
def _(project):
    project.write("build/host/compile_commands.json", "[]")
    equal(project.run()[0], 1)


main()
