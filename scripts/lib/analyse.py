#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy 19 over the files of the tree that a build compiles.

    analyse.py TOP PRESET

What was found clean is not analysed again: the key of a result is everything that can change it, the
file, all headers of the tree, the checks, the command and the tool's version. The keys lie in
TOP/build/lint. The rooms that both builds compile are analysed as the host compiles them.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOOL = "clang-tidy-19"
SHARED = ("src/core/", "src/mmu/", "src/drivers/")
# clang refuses what only GCC knows.
GCC_ONLY = r" -(fno-tree-loop-distribute-patterns|mno-outline-atomics|fno-ipa-\S+|Wno-maybe-uninitialized)(?= )"


def extra_options(preset):
    options = ["-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", "-Wno-ignored-optimization-argument"]
    if preset != "host":
        # clang's own <stdint.h> and the like, in front of GCC's, whose macros only GCC predefines.
        tool = os.path.realpath(shutil.which(TOOL))
        include = os.path.join(os.path.dirname(os.path.dirname(tool)), "lib/clang/19/include")
        options += ["--target=aarch64-none-elf", "-isystem" + include]
    return ["--extra-arg-before=" + option for option in options]


def commands(top, preset):
    """Returns {path from the top: entry of the compilation database}."""
    with open(os.path.join(top, "build", preset, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        entry["command"] = re.sub(GCC_ONLY, "", entry["command"])
        path = os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), top)
        if path.endswith(".c") and not path.startswith(("../", "build/")):
            # The program with the mutants compiles tests once more, with copies of headers that need not be there.
            again = "/mutants.dir/" in entry["command"] and not path.startswith("test/mutants/")
            if not again and (preset == "host" or not path.startswith(SHARED)):
                found[path] = entry
    return found


def text(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def common_key(top, options):
    """A hash of what every result depends on."""
    key = hashlib.sha256(subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout)
    key.update(text(top, ".clang-tidy") + " ".join(options).encode())
    for folder, _, names in sorted(os.walk(top)):
        if not os.path.relpath(folder, top).startswith(("build", ".git")):
            for name in sorted(name for name in names if name.endswith(".h")):
                key.update(os.path.join(folder, name).encode() + text(folder, name))
    return key.hexdigest()


def main():
    top, preset = os.path.realpath(sys.argv[1]), sys.argv[2]
    options = extra_options(preset)
    entries = commands(top, preset)
    common = common_key(top, options)
    clean = os.path.join(top, "build/lint")
    os.makedirs(clean, exist_ok=True)

    def analyse(path):
        """Returns what the tool says about PATH, empty if nothing."""
        entry = entries[path]
        key = hashlib.sha256((common + path + entry["command"]).encode() + text(top, path)).hexdigest()
        mark = os.path.join(clean, key)
        if os.path.exists(mark):
            return ""
        done = subprocess.run([TOOL, "--quiet", "-p", database, "--warnings-as-errors=*", *options,
                               os.path.join(top, path)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            with open(mark, "w", encoding="utf-8"):
                return ""
        return done.stdout + done.stderr

    with tempfile.TemporaryDirectory() as database:
        with open(os.path.join(database, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(list(entries.values()), file)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            said = [output for output in pool.map(analyse, sorted(entries)) if output]
    print("".join(said), end="")
    if not entries:
        sys.exit("no file to analyse")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
