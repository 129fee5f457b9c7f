#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A boot with the whole target test run, recorded and judged; and kernels with a planted fault, rejected.

    target.py PROGRAM [WORD]    PROGRAM: targettest, which is booted as init; only cases whose name has WORD

SHEAF_BUILD names the build with a traced kernel. A planted fault is a build of the kernel alone, with the same
settings and SHEAF_PLANTED (test/trace/CMakeLists.txt).
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, main # noqa: E402
from machine import BUILD, TOP, needs_raspi4b, run # noqa: E402

PROGRAM = sys.argv.pop(1)
LEAST = 1000 # gathers, and reuses: fewer would not have judged much
LAST = re.compile(r"^events (\d+), PEs (\d+), gathers (\d+), reuses (\d+), lost (\d+), violations (\d+)$")


def record(build, cases, trace, options=()):
    return run([os.path.join(TOP, "scripts/lib/boot"), "--build", build, "--trace", trace, *options,
                "--add", f"init={PROGRAM}", "--bootargs", f"asids=64 {cases}"], 240)


def judge(trace, *options):
    """The judge's status, its output, and the numbers of its last line."""
    command = [os.path.join(TOP, "scripts/check-trace"), "--no-install", *options, trace]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    last = LAST.match(result.stdout.splitlines()[-1]) if result.stdout else None
    check(last, f"no line of totals at the end of:\n{result.stdout}")
    print(f"# {last[0]}")
    return result.returncode, result.stdout, [int(number) for number in last.groups()]


@case("the whole target test run obeys the architecture")
def _():
    with tempfile.TemporaryDirectory() as work:
        trace = os.path.join(work, "trace")
        result = record(BUILD, "case=*", trace)
        result.expect_status(0)
        status, text, (_, pes, gathers, reuses, lost, violations) = judge(trace, "--least", str(LEAST))
    check(status == 0, f"status {status}:\n{text}")
    check(lost == 0 and violations == 0 and pes > 0 and gathers >= LEAST and reuses >= LEAST, text)


def other_machine(what, cases, *options):
    @case(f"{what} obeys the architecture")
    def _():
        if "raspi4b" in options:
            needs_raspi4b()
        with tempfile.TemporaryDirectory() as work:
            trace = os.path.join(work, "trace")
            result = record(BUILD, cases, trace, options)
            result.expect_status(0)
            status, text, _ = judge(trace)
        check(status == 0, f"status {status}:\n{text}")


other_machine("a core with level hints and operations by range", "ranges=1 case=fault.* case=gather.* case=revoke.*",
              "--cpu", "max")
# Not the cases that count TLBIs one by one.
other_machine("a core whose TLBIs are to be repeated",
              "case=fault.* case=gather.unmap_* case=gather.report* case=revoke.*", "--cpu", "cortex-a76")
other_machine("a boot by U-Boot", "case=fault.*", "--boot", "uboot")
other_machine("raspi4b", "case=fault.* case=gather.unmap_*", "--machine", "raspi4b")


def build_planted(fault):
    build = os.path.join(TOP, "build/planted", fault)
    commands = (["cmake", "--preset", os.path.basename(BUILD), "-B", build, f"-DSHEAF_PLANTED={fault}"],
                ["cmake", "--build", build, "--target", "sheaf"])
    for command in commands:
        result = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        check(result.returncode == 0, f"{' '.join(command)}:\n{result.stdout[-4000:]}")
    return build


def planted(fault, rule):
    @case(f"{fault} is rejected: {rule}")
    def _():
        build = build_planted(fault)
        with tempfile.TemporaryDirectory() as work:
            trace = os.path.join(work, "trace")
            # Whatever the tests make of such a kernel, its trace says what is wrong.
            record(build, "case=untyped.* case=gather.*", trace)
            status, text, (*_, lost, violations) = judge(trace)
        check(status == 1 and lost == 0 and violations > 0, f"status {status}:\n{text}")
        check(re.search(f"^rule {re.escape(rule)}: [1-9]", text, re.MULTILINE), f"no such rule in:\n{text}")


planted("no_final_dsb", "removal incomplete: the range may still be cached (G1)")
planted("wrong_asid", "removal incomplete: the range may still be cached (G1)")
planted("early_free", "memory reused while a translation to it may be cached (G3)")

main()
