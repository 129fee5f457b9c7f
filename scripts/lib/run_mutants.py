#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the mutants that mutate.py has made against the host tests.

    run_mutants.py [--root DIR] --binary FILE [--jobs N] [--tap]     all of them
    run_mutants.py [--root DIR] --binary FILE NUMBER [PROGRAM]       one of them, with all it prints

Each mutant runs in processes of its own, one for each test program, until one catches it: a case of the program
fails with a rule of the machine model or a value that is not what the contract says. A crash, a panic and an
endless loop are no catch; the next program runs then. Last line: `M mutants, S of S sites, M caught, 0 survived;
unmutated 0 reports`, and the exit status is 0 only if it reads so.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mutate

TIME_LIMIT = 60     # seconds for one test program without a mutant
PATIENCE = 3        # a mutant may take so many times as long as none, and SLACK seconds
SLACK = 10
RESULT = re.compile(r"^(not )?ok \d+ - (.*)$")
ENDED = re.compile(r": error: Failure!|Test failed with exception")
# What a failed case is no proof of: the test was ended by something other than its own judgement.
CRASH = re.compile(r"Test failed with exception|\bpanic: |wait for each other|no end after \d+ steps")
KINDS = ("leaf-only for walk-cache", "local for broadcast", "a hint where none may be", "threshold off by one",
         "range off by one", "help skipped", "overlap test wrong", "elision without `aged`", "free before finish",
         "link inside a table", "repeat left out", "root freed while loaded", "record trusted unverified",
         "capability gone before its finish", "rights bound skipped", "make without break",
         "port call left out or weakened")


class Outcome:
    """How a mutant ended. `how`: `rule` or `contract`, "" if it survived."""

    def __init__(self, how="", program="", case="", why="", crashes=()):
        self.how, self.program, self.case, self.why, self.crashes = how, program, case, why, list(crashes)


def judge(lines, rules):
    """What one failed case's output says: (`rule` or `contract`, text), or None for a crash."""
    text = "\n".join(lines)
    for rule in rules:
        if f"{rule}: " in text:
            return "rule", rule
    if CRASH.search(text) or "Failure!" not in text:
        return None
    end = next(number for number, line in enumerate(lines) if "Failure!" in line)
    said = [line.lstrip("# ").removeprefix("ERROR: ") for line in lines[:end]]
    said = [line for line in said if line and not line.startswith("not ok")]
    place = re.search(r"(\S+:\d+): error: Failure!", text)
    return "contract", " ".join(said[-1:] + ([f"({os.path.basename(place[1])})"] if place else []))


def failed_cases(stream):
    """Yields (case, lines said of it) for each failed case of TAP. Some of them come before its line, some behind."""
    lines, case = [], None
    for line in stream:
        line = line.rstrip("\n")
        result = RESULT.match(line)
        if result is None:
            lines.append(line)
        if case is not None and (result or ENDED.search(line)):
            yield case, lines
            lines, case = [], None
        if result and result[1]:
            case = result[2]
        elif result:
            lines = []
    if case is not None:
        yield case, lines


class Runner:
    """Runs the program; knows how long each test takes without a mutant."""

    def __init__(self, binary):
        self.binary = str(binary)
        self.environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
        self.programs = self.ask("--programs")
        self.rules = self.ask("--rules")
        self.limits = {program: TIME_LIMIT for program in self.programs}

    def ask(self, option):
        return subprocess.run([self.binary, option], check=True, capture_output=True, text=True).stdout.splitlines()

    def run(self, number, program):
        """Returns (outcome or None, failed cases, what it crashed of or "")."""
        process = subprocess.Popen([self.binary, str(number), program], env=self.environment, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        late = []
        timer = threading.Timer(self.limits[program], lambda: (late.append(True), process.kill()))
        timer.start()
        found, failed, case = None, 0, ""
        try:
            for case, said in failed_cases(process.stdout):
                failed += 1
                if verdict := judge(said, self.rules):
                    found = Outcome(verdict[0], program, case.split(" Could not run test")[0], verdict[1])
                    process.kill()
                    break
            process.wait()
        finally:
            timer.cancel()
            process.stdout.close()
        if found:
            return found, failed, ""
        if late:
            return None, failed, f"{program}: no end in {self.limits[program]:.0f} s"
        if process.returncode < 0:
            return None, failed, f"{program}: {signal.Signals(-process.returncode).name}"
        return None, failed, f"{program}: {case or 'failed'}" if process.returncode else ""

    def measure(self, jobs):
        """Runs all programs without a mutant. Returns how many reports there were, and of which programs."""
        def run(program):
            started = time.monotonic()
            result = self.run(0, program)
            return (*result, time.monotonic() - started)

        reports, wrong = 0, []
        with ThreadPoolExecutor(jobs) as pool:
            for program, result in zip(self.programs, pool.map(run, self.programs)):
                outcome, failed, crash, seconds = result
                self.limits[program] = SLACK + PATIENCE * seconds
                if outcome or failed or crash:
                    reports += max(failed, 1)
                    wrong.append(f"{program}: {outcome.case + ': ' + outcome.why if outcome else crash}")
        return reports, wrong

    def try_all(self, mutant):
        """Runs one mutant until it is caught."""
        crashes = []
        for program in sorted(self.programs, key=lambda name: unlikely(mutant, name)):
            outcome, _, crash = self.run(mutant.number, program)
            if outcome:
                outcome.crashes = crashes
                return outcome
            if crash:
                crashes.append(crash)
        return Outcome(crashes=crashes)


# The test program of a file that has none of its own name.
NAMED_OTHERWISE = {"change": "mmu_protect", "finish": "mmu_gather", "batch": "mmu_gather", "chunk": "mmu_map",
                   "table": "mmu_pending", "tlbi": "mmu_encoder", "descriptor": "mmu_gather", "asid": "mmu_vspace",
                   "boot": "core_instructions", "delete": "core_revoke", "gather_map": "core_gather",
                   "gather_call": "core_gather"}


def unlikely(mutant, program):
    """Sorts programs: the file's own comes first, then those of its room."""
    room, name = Path(mutant.file).parent.name, Path(mutant.file).stem
    return program not in (f"{room}_{name}", NAMED_OTHERWISE.get(name)), program.startswith("core_") != (room == "core")


def report(mutant, outcome, tap):
    """Prints one line for a mutant; returns whether it ended as it should."""
    good = bool(outcome.how) != bool(mutant.equivalent)
    if mutant.equivalent:
        said = f"equivalent: {mutant.equivalent}" if good else "said to be equivalent, but caught: remove that"
    else:
        said = "caught" if good else "SURVIVED: write the test that it breaks"
    if outcome.how:
        said += f" by {outcome.program} {outcome.case}: {outcome.why}"
    elif outcome.crashes:
        said += f" (only crashes: {'; '.join(outcome.crashes)})"
    prefix = f"{'' if good else 'not '}ok {mutant.number} - " if tap else f"{mutant.number:4}  "
    print(f"{prefix}{mutant.kind}: {mutant.title}{' # ' if tap else ': '}{said}", flush=True)
    return good


def run_all(runner, mutants, jobs, tap):
    """Returns whether everything is as it should be."""
    missing = [kind for kind in KINDS if not any(m.kind == kind and not m.equivalent for m in mutants)]
    if missing:
        sys.exit(f"mutants: no mutant of the kind `{missing[0]}`: add one to test/mutants")
    if tap:
        print(f"1..{len(mutants) + 1}", flush=True)
    reports, wrong = runner.measure(jobs)
    for line in wrong:
        print(f"# unmutated: {line}", flush=True)
    if wrong and not tap:
        print("# with these reports nothing can be said of the mutants: repair the tests first")
    good = caught = 0
    caught_sites = set()
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(lambda mutant: runner.try_all(mutant), mutants)
        for mutant, outcome in zip(mutants, outcomes):
            good += report(mutant, outcome, tap)
            if outcome.how and not mutant.equivalent:
                caught += 1
                caught_sites.add(mutant.site)
    if tap:
        print(f"{'not ' if reports else ''}ok {len(mutants) + 1} - unmutated")
    count = sum(not mutant.equivalent for mutant in mutants)
    sites = {mutant.site for mutant in mutants if mutant.site}
    print(f"# {len(mutants) - count} more are equivalent" if tap else f"{len(mutants) - count} more are equivalent")
    print(f"{'# ' if tap else ''}{count} mutants, {len(sites & caught_sites)} of {len(sites)} sites, {caught} caught, "
          f"{count - caught} survived; unmutated {reports} reports")
    return good == len(mutants) and reports == 0


def run_one(runner, mutant, program, jobs):
    """Replays one mutant, with all output. Returns whether it was caught."""
    print(f"{mutant.kind}: {mutant.title}")
    if mutant.old:
        print("".join(f"- {line}\n" for line in mutant.old.splitlines()) +
              "".join(f"+ {line}\n" for line in mutant.new.splitlines()), end="")
    sys.stdout.flush()
    if not program:
        runner.measure(jobs)
        outcome = runner.try_all(mutant)
        report(mutant, outcome, False)
        if not outcome.how:
            return False
        program = outcome.program
    subprocess.run([runner.binary, str(mutant.number), program], env=runner.environment, check=False)
    print(f"run by: {runner.binary} {mutant.number} {program}")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], metavar="DIR")
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("number", nargs="?", type=int)
    parser.add_argument("program", nargs="?")
    arguments = parser.parse_args()
    try:
        mutants = mutate.collect(arguments.root)[1]
    except mutate.Wrong as wrong:
        sys.exit(f"mutants: {wrong}")
    runner = Runner(arguments.binary)
    if runner.ask("--titles") != [mutant.title for mutant in mutants]:
        sys.exit(f"mutants: {arguments.binary} was built of other sources: ./scripts/mutants builds it anew")
    if arguments.number is None:
        sys.exit(not run_all(runner, mutants, arguments.jobs, arguments.tap))
    if not 1 <= arguments.number <= len(mutants):
        sys.exit(f"mutants: there are mutants 1 to {len(mutants)} (see --list)")
    if arguments.program and arguments.program not in runner.programs:
        sys.exit(f"mutants: no test program {arguments.program}; there are {' '.join(runner.programs)}")
    sys.exit(not run_one(runner, mutants[arguments.number - 1], arguments.program, arguments.jobs))


if __name__ == "__main__":
    main()
