# SPDX-License-Identifier: BSD-2-Clause
"""Test cases in Python that print TAP.

    from cases import case, check, equal, main, Skip
    @case("what it pins")
    def _(): equal(got, wanted)
    main()
"""
import sys
import time
import traceback

CASES = []


class Skip(Exception):
    """Raised by a case that cannot run here; its text is the reason."""


class Failed(Exception):
    """What was expected, and what came."""


def case(name):
    def register(function):
        CASES.append((name, function))
        return function
    return register


def check(condition, message):
    if not condition:
        raise Failed(message)


def equal(got, wanted, what="value"):
    if got != wanted:
        raise Failed(f"{what}: expected {wanted!r}, got {got!r}")


def main():
    """Runs all cases, or those whose name contains an argument of the command line."""
    chosen = [(name, function) for name, function in CASES if all(word in name for word in sys.argv[1:])]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(chosen, 1):
        started = time.monotonic()
        try:
            function()
            line = f"ok {number} - {name}"
        except Skip as reason:
            line = f"ok {number} - {name} # SKIP {reason}"
        except Exception as error: # pylint: disable=broad-except
            failed += 1
            text = str(error) if isinstance(error, Failed) else traceback.format_exc()
            for part in text.splitlines():
                print(f"# {part}")
            line = f"not ok {number} - {name}"
        print(f"{line}\n# {time.monotonic() - started:.1f} s", flush=True)
    sys.exit(1 if failed else 0)
