#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the benchmarks in QEMU under the meter and reports them. scripts/bench builds first and calls this.

The program `bench` prints TAP, and after each case a line "# region CASE ID" for every region it marked; the
meter writes a line of JSON for every region that ended. Both are in order, so the two lists belong together
one by one; the ids must agree. Of a case's regions the one with the fewest kernel instructions counts.
"""
import argparse
import bisect
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BOOT = os.path.join(TOP, "scripts", "lib", "boot")
SELF_TEST = "markers"   # the case without anything between its markers
MASKED = "masked.max"   # the row that is made from all cases
STRETCH = "masked."     # cases of which the longest stretch with interrupts masked counts, and not the whole
RANGES = re.compile(r"boot: .*, range invalidation")  # the kernel's line when it uses FEAT_TLBIRANGE
ZEROED = re.compile(r"retype\.")  # cases whose zeroing is not counted, but printed beside
ZEROING = ("arch_zero", "cache_zero")  # the kernel's functions that zero memory


class Failed(Exception):
    """The measurement itself went wrong; no number of it is worth anything."""


class Limit:
    """What a case may take: kernel instructions and, of a gather, DSB and TLB invalidations by kind."""

    def __init__(self, instructions, dsb=None, plain=None, ranges=None):
        self.instructions = int(instructions)
        self.dsb = None if dsb is None else int(dsb)
        self.tlbi = [None if text is None else self.kinds(text) for text in (plain, ranges)]

    @staticmethod
    def kinds(text):
        pairs = [] if text == "-" else [pair.split(":") for pair in text.split(",")]
        return {kind: int(count) for kind, count in pairs}

    def exceeded(self, row, ranges):
        """In words, what of the row is above; `ranges`: the core has range operations."""
        words = ["above"] if row["kernel"] > self.instructions else []
        if self.dsb is not None and row["dsb"] > self.dsb:
            words.append(f"above {self.dsb} DSB")
        allowed = self.tlbi[1 if ranges else 0]
        if allowed is not None and any(count > allowed.get(kind, 0) for kind, count in row["tlbi"].items()):
            words.append("above " + (", ".join(f"{count} {kind.upper()}" for kind, count in allowed.items()) or "0 TLBI"))
        return words


def read_limits():
    """{case: Limit}, in the order of the report."""
    with open(os.path.join(HERE, "limits.txt"), encoding="ascii") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {line[0]: Limit(*line[1:]) for line in lines}


def kernel_functions(build):
    """[(address, name)] of the kernel's functions, ascending."""
    cross = re.search(r"^SHEAF_CROSS:\w+=(.*)$", open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8").read(),
                      re.MULTILINE)[1]
    output = subprocess.run([cross + "nm", "--numeric-sort", os.path.join(build, "sheaf.elf")], check=True,
                            capture_output=True, text=True).stdout
    found = {}
    for line in output.splitlines():
        fields = line.split()
        # $x and $d mark code and data inside a section; they name nothing.
        if len(fields) == 3 and fields[1] in "tTwW" and not fields[2].startswith("$"):
            found.setdefault(int(fields[0], 16), fields[2])
    return sorted(found.items())


def range_of(functions, name):
    """First and last address of a function."""
    for i, (address, found) in enumerate(functions[:-1]):
        if found == name:
            return address, functions[i + 1][0] - 1
    raise Failed(f"the kernel has no function {name}")


def boot(arguments, functions, patterns, profile=None):
    """Runs the cases that match PATTERNS. Returns the console's lines and the meter's."""
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "meter")
        plugin = f"{arguments.meter},out={out}"
        for first, last in (range_of(functions, name) for name in ZEROING):
            plugin += f",apart={first:#x}-{last:#x}"
        if profile is not None:
            plugin += f",profile={profile}"
        words = ["-plugin", plugin, "-icount", "shift=0,sleep=off"]
        command = [BOOT, "--build", arguments.build, "--cpu", arguments.cpu, "--pes", "1", "--time-limit", "60",
                   "--add", "init=" + os.path.join(arguments.build, "ramdisk-bench", "bench"),
                   "--bootargs", " ".join("case=" + pattern for pattern in patterns)]
        command += [text for word in words for text in ("--qemu-option", word)]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
        console = ended.stdout.splitlines()
        try:
            with open(out, encoding="ascii") as file:
                records = [json.loads(line) for line in file]
        except (OSError, ValueError) as error:
            records = []
            print(error, file=sys.stderr)
        if not records or records[-1] != {"end": True}:
            print("\n".join(console), file=sys.stderr)
            raise Failed("the meter has no complete result: does this QEMU (10 or newer) load plugins?")
        if ended.returncode != 0:
            print("\n".join(console), file=sys.stderr)
        return console, records[:-1]


def failures(console):
    """{case: what it printed} of the cases that did not do what they measured; checks that all ran."""
    failed, notes = {}, []
    plan = ended = 0
    for line in console:
        if match := re.match(r"1\.\.(\d+)", line):
            plan = int(match[1])
        elif match := re.match(r"(not )?ok \d+ - (\S+)", line):
            ended += 1
            if match[1]:
                failed[match[2]] = "; ".join(notes)
            notes = []
        elif line.startswith("# ") and not line.startswith("# region"):
            notes.append(line[2:])
    if plan == 0 or ended != plan:
        raise Failed(f"{ended} of {plan} cases ended")
    return failed


def regions_of(console, records):
    """{case: [the meter's record of each run]}"""
    for record in records:
        if "error" in record:
            raise Failed("meter: " + record["error"])
    regions = [record for record in records if "region" in record]
    for i, record in enumerate(records):
        if "profile" in record:
            records[i - 1]["counts"] = record["counts"]
    announced = [line.split()[2:4] for line in console if line.startswith("# region ")]
    # A case that failed announces none of the regions it had until then.
    known = {int(identity) for _, identity in announced}
    regions = [record for record in regions if record["region"] in known]
    if [int(identity) for _, identity in announced] != [record["region"] for record in regions]:
        raise Failed("the regions that the program marked and those that the meter saw differ")
    cases = {}
    for (name, _), record in zip(announced, regions):
        cases.setdefault(name, []).append(record)
    return cases


def read_over(program, ranges):
    """{case: live translations of others that were dropped}, from the machine model (test/host/mmu/over_test.c)."""
    output = subprocess.run([program], env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"}, capture_output=True,
                            text=True, check=False)
    if output.returncode != 0:
        raise Failed("the model's count of what is dropped needlessly: " + output.stdout + output.stderr)
    found = re.findall(r"^# over (\S+) (\d+) (\d+)$", output.stdout, re.MULTILINE)
    return {case: int(by_range if ranges else plain) for case, plain, by_range in found}


def total(record, key):
    return sum(pe[key] for pe in record["pe"])


def longest_stretch(record):
    return max(record["pe"], key=lambda pe: pe["masked"])


def best(runs):
    return min(runs, key=lambda record: total(record, "kernel") - total(record, "apart"))


def row_of(name, runs, limit):
    record = best(runs)
    tlbi = {}
    for pe in record["pe"]:
        for kind, count in pe["tlbi"].items():
            tlbi[kind] = tlbi.get(kind, 0) + count
    row = {"case": name, "kernel": total(record, "kernel"), "tlbi": tlbi, "dsb": total(record, "dsb"),
           "limit": limit.instructions}
    if ZEROED.match(name):
        row["zeroing"] = total(record, "apart")
        row["kernel"] -= row["zeroing"]
    return row


def name_at(functions, address):
    i = bisect.bisect_right(functions, (address, "\U0010ffff")) - 1
    return f"{functions[i][1]}+{address - functions[i][0]:#x}" if i >= 0 else f"{address:#x}"


def masked_row(row, cases, functions, limit):
    """The longest stretch with interrupts masked, with the place where it began and where it ended."""
    longest, case = max(((longest_stretch(record), name) for name, runs in cases.items() for record in runs),
                        key=lambda pair: pair[0]["masked"])
    ends = " to ".join(name_at(functions, int(longest[key], 16)) for key in ("from", "to"))
    return {"case": row, "kernel": longest["masked"], "tlbi": {}, "dsb": 0,
            "limit": limit.instructions, "where": f"in {case}, {ends}" if len(cases) > 1 else ends}


def measure(arguments, functions):
    limits = read_limits()
    wanted = [name for name in limits if fnmatch.fnmatchcase(name, arguments.filter)]
    if not wanted:
        raise Failed(f"no case is called {arguments.filter}")
    everything = MASKED in wanted
    console, records = boot(arguments, functions, ["*"] if everything else [SELF_TEST] + wanted)
    failed = failures(console)
    cases = regions_of(console, records)
    empty = [total(record, "kernel") for record in cases.get(SELF_TEST, [])]
    if not empty or any(empty) or SELF_TEST in failed:
        raise Failed(f"the meter counts {empty or 'nothing'} between bare markers instead of 0")
    ranges = any(RANGES.match(line) for line in console)
    over = read_over(arguments.over, ranges)
    rows = []
    for name in wanted:
        if name == MASKED:
            rows.append(masked_row(name, cases, functions, limits[name]))
        elif name in cases and name not in failed and name.startswith(STRETCH):
            rows.append(masked_row(name, {name: cases[name]}, functions, limits[name]))
        elif name in cases and name not in failed:
            rows.append(row_of(name, cases[name], limits[name]))
        else:
            rows.append({"case": name, "kernel": None, "tlbi": {}, "dsb": None, "limit": limits[name].instructions,
                         "where": "failed: " + failed.get(name, "the program has no such case")})
        if name in over:
            rows[-1]["over"] = over[name]
        rows[-1]["above"] = limits[name].exceeded(rows[-1], ranges) if rows[-1]["kernel"] is not None else []
    return rows, ranges


def within(row):
    return row["kernel"] is not None and not row["above"]


def remark(row):
    words = list(row["above"])
    if "zeroing" in row:
        words.append(f"and {row['zeroing']} zeroing")
    words += [f"{count} {kind.upper()}" for kind, count in sorted(row["tlbi"].items())]
    if row["dsb"]:
        words.append(f"{row['dsb']} DSB")
    if "where" in row:
        words.append(row["where"])
    return ", ".join(words)


def print_table(rows):
    widths = (max(len("case"), max(len(row["case"]) for row in rows)), 8, 8)
    print(f"{'case':{widths[0]}}  {'measured':>{widths[1]}}  {'limit':>{widths[2]}}  over")
    for row in rows:
        measured = "-" if row["kernel"] is None else row["kernel"]
        print(f"{row['case']:{widths[0]}}  {measured:>{widths[1]}}  {row['limit']:>{widths[2]}}  "
              f"{row.get('over', ''):>4}  {remark(row)}".rstrip())
    print(f"{len(rows)} cases, {sum(map(within, rows))} within limit")


def read_open(lines, limits, ranges):
    """{case: instructions it may take so far} of the cases whose limit is known not to be reached yet."""
    known = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 3 or fields[0] not in limits or fields[0] in known:
            raise Failed("open.txt: not a case of limits.txt with two figures, once: " + line.strip())
        known[fields[0]] = int(fields[2 if ranges else 1])
    return known


def print_tap(rows, known):
    """A case that is known to be above its limit passes as long as nothing else of it is above, and the instructions
    are no more than it takes so far."""
    good = True
    print(f"1..{len(rows)}")
    for number, row in enumerate(rows, 1):
        so_far, passed, note = known.get(row["case"]), within(row), ""
        if so_far is not None and passed:
            note = " (within its limit: strike it from test/bench/open.txt)"
        elif so_far is not None and row["above"] == ["above"]:
            passed = row["kernel"] <= so_far
            note = f" (above; {'at most' if passed else 'more than the'} {so_far} so far, test/bench/open.txt)"
        print(f"{'' if passed else 'not '}ok {number} - {row['case']}: {row['kernel']} of {row['limit']}{note}")
        good = good and passed
    return good


def print_json(rows):
    for row in rows:
        row.pop("where", None)
        row.pop("above")
    print(json.dumps({"cases": rows}))


def profile(arguments, functions):
    """Instructions by function in one case's shortest run, or in that with its longest stretch."""
    console, records = boot(arguments, functions, [arguments.profile])
    cases = regions_of(console, records)
    if len(cases) != 1:
        raise Failed(f"--profile takes the name of one case; {arguments.profile} is {len(cases)}")
    name, runs = cases.popitem()
    console, records = boot(arguments, functions, [arguments.profile], profile=runs[0]["region"])
    if failures(console):
        raise Failed(f"{name} failed")
    runs = regions_of(console, records)[name]
    stretch = name.startswith(STRETCH)
    record = max(runs, key=lambda run: longest_stretch(run)["masked"]) if stretch else best(runs)
    counts, entries = {}, {}
    for address, executed in record["counts"].items():
        function, offset = name_at(functions, int(address, 16)).split("+")
        counts[function] = counts.get(function, 0) + executed
        if offset == "0x0":
            entries[function] = executed
    print(f"{name}: {total(record, 'kernel')} kernel instructions")
    print(f"{'function':32}  {'executed':>8}  {'calls':>6}  {'each':>6}")
    for function, executed in sorted(counts.items(), key=lambda pair: -pair[1]):
        calls = entries.get(function)
        each = f"{calls:>6}  {executed / calls:>6.0f}" if calls else ""
        print(f"{function:32}  {executed:>8}  {each}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="firmware build directory")
    parser.add_argument("--meter", required=True, help="the plugin")
    parser.add_argument("--over", required=True, help="the program that asks the machine model")
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--profile", metavar="CASE")
    parser.add_argument("filter", nargs="?", default="*")
    arguments = parser.parse_args()
    try:
        functions = kernel_functions(arguments.build)
        if arguments.profile:
            profile(arguments, functions)
            return
        rows, ranges = measure(arguments, functions)
        with open(os.path.join(HERE, "open.txt"), encoding="ascii") as file:
            known = read_open(file, read_limits(), ranges)
    except Failed as error:
        sys.exit(f"bench: {error}")
    if arguments.tap:
        good = print_tap(rows, known)
    else:
        (print_json if arguments.json else print_table)(rows)
        good = all(map(within, rows))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
