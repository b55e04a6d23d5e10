"""`/validate` says of every recorded submission what the benchmark says, or its row says why it cannot."""

from __future__ import annotations

import pytest

from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.rules.rule import Rule
from grading.table import Table
from podium.plugins import load
from tasks import registry
from tests.unit.test_oracle_metrics import CASES

PARSER = OpenParser()


def read(text: str) -> Table:
    return PARSER.parse("submission.csv", text.encode(), reading="pandas")


def valid(rule: Rule, text: str, sample: Table) -> bool:
    try:
        rule.check(read(text), sample)
    except InvalidSubmission:
        return False
    return True


@pytest.mark.parametrize("competition", registry.benchmark_names())
def test_its_verdict_is_the_benchmarks_but_for_what_only_the_answers_show(competition: str) -> None:
    row = registry.benchmark(competition).row
    rule: Rule = load(row.rule)(**row.options)
    cases = CASES[competition]
    sample = read(next(case["submission_csv"] for case in cases if case["case"] == "gold"))
    said = {case["case"]: valid(rule, case["submission_csv"], sample) for case in cases}
    theirs = {case["case"]: case["valid"] for case in cases}
    too_strict = [name for name in said if theirs[name] and not said[name]]
    too_lax = [name for name in said if said[name] and not theirs[name]]
    assert too_strict == []
    assert too_lax == [] or row.unseen
