"""Every competition of MLE-bench is judged as the benchmark judges it: its own answers on recorded submissions."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.rules.rule import Rule
from grading.shelf import Shelf
from podium.plugins import load
from tasks import registry

ORACLE = Path(__file__).resolve().parent.parent / "oracle"
PARSER = OpenParser()
TOLERANCE = 1e-5


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ORACLE / name).read_text(encoding="utf-8").splitlines()]


CASES: dict[str, list[dict[str, Any]]] = defaultdict(list)
for found in lines("metric_cases.jsonl"):
    CASES[found["competition_id"]].append(found)
ANSWERS = {found["competition_id"]: found for found in lines("answers.jsonl")}


def judged(rule: Rule, submission: str, answers: Path) -> float | None:
    """The score as our rule gives it, None where the submission is refused."""
    try:
        table = PARSER.parse("submission.csv", submission.encode(), reading="pandas")
        return rule.score(table, Shelf().table(answers, "pandas"))
    except InvalidSubmission:
        return None


def agrees(ours: float | None, case: dict[str, Any]) -> bool:
    valid = case["report"] is not None and case["report"]["valid_submission"]  # None: it raised, as on a ragged file
    if ours is None or not valid:
        return ours is None and not valid
    theirs = float(case["raw_score"])
    if not math.isfinite(theirs):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return math.isclose(ours, theirs, rel_tol=0, abs_tol=TOLERANCE)


@pytest.mark.parametrize("competition", registry.benchmark_names())
def test_its_scores_and_its_validity_are_the_benchmarks(competition: str, tmp_path: Path) -> None:
    row = registry.benchmark(competition).row
    rule: Rule = load(row.rule)(**row.options)
    answers = tmp_path / row.answers
    answers.write_text(ANSWERS[competition]["text"], encoding="utf-8")
    wrong = {
        case["case"]: (ours, case["score"], case["error"])
        for case in CASES[competition]
        if not agrees(ours := judged(rule, case["submission_csv"], answers), case)
    }
    assert wrong == {}
    assert len(CASES[competition]) >= 6
