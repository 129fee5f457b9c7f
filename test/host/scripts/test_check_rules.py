#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/lib/check-rules notices each kind of mistake: the real page with one thing changed."""
import importlib.machinery
import importlib.util
import os
import re
import sys
from pathlib import Path

TOP = Path(os.path.abspath(__file__)).parents[3]
sys.path[:0] = [str(TOP / "test/lib"), str(TOP / "scripts/lib")]
from cases import case, check, main # noqa: E402

sys.dont_write_bytecode = True # it would lie beside the script, which has no suffix
loader = importlib.machinery.SourceFileLoader("check_rules", str(TOP / "scripts/lib/check-rules"))
check_rules = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_rules", loader))
loader.exec_module(check_rules)

PAGE = (TOP / "docs/verification.md").read_text()
TESTS = check_rules.named_tests(TOP)
USED = []


def mistake(name, rule, pattern, new):
    """RULE finds nothing in the page as it is, and something with PATTERN's first match replaced by NEW."""
    USED.append(rule)

    @case(name)
    def _():
        check(not list(rule(PAGE, TESTS)), "it finds something in the page as it is")
        changed = re.sub(pattern, new, PAGE, count=1, flags=re.MULTILINE)
        check(changed != PAGE, f"the page has no {pattern!r} any more: choose another example")
        check(list(rule(changed, TESTS)), "not noticed")


mistake("a rule without a row", check_rules.check_rule_rows, r"^\| 17 .*\n", "")
mistake("a rule twice", check_rules.check_rule_rows, r"^(\| 17 .*\n)", r"\1\1")
mistake("a test of a rule that does not exist", check_rules.check_rule_tests, r"`rule_12_(\w+)`", r"`rule_12_\1_not`")
mistake("a rule without a test", check_rules.check_rule_tests, r"`rule_12_\w+`", "shown elsewhere")
mistake("a rule with another rule's test", check_rules.check_rule_tests, r"`rule_12_\w+`", "`rule_13_a_leaf_forgotten_in_an_unhooked_table`")
mistake("not applicable without a reason", check_rules.check_rule_tests, r"not applicable: .*", "not applicable: no |")
mistake("a tested rule that is said not to apply", check_rules.check_rule_names, r"`rule_12_\w+`",
        "not applicable: walk caches are not kept")
mistake("a scenario without a row", check_rules.check_scenario_rows, r"^\| 2-b .*\n", "")
mistake("a test of a scenario that does not exist", check_rules.check_scenario_tests, r"`scenario_2b_(\w+)`", r"`scenario_2b_\1_not`")
mistake("a scenario with another one's test", check_rules.check_scenario_tests, r"`scenario_2b_\w+`",
        "`scenario_2c_around_the_ranges_a_batch_holds`")
mistake("a test that is missing in its scenario's row", check_rules.check_scenario_names, r"`scenario_2b_\w+`", "waits for memory")


@case("every rule of the script is tried here")
def _():
    missing = [rule.__name__ for rule in check_rules.CASES if rule not in USED]
    check(not missing, f"not tried: {missing}")


main()
