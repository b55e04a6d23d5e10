"""The medal rule agrees with what MLE-bench itself answered (tests/oracle)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from grading.medals import award, positions, rounded, thresholds

ORACLE = Path(__file__).resolve().parents[1] / "oracle"
CASES = [json.loads(line) for line in (ORACLE / "medal_cases.jsonl").read_text().splitlines()]
POSITIONS: dict[str, list[int]] = json.loads((ORACLE / "medal_positions.json").read_text())


def number(value: Any) -> float:
    return math.nan if value in (None, "NaN") else float(value)


def same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_thresholds_and_direction_are_the_benchmarks(case: dict[str, Any]) -> None:
    needed = thresholds([number(score) for score in case["leaderboard"]])
    found = (needed.gold, needed.silver, needed.bronze, needed.median)
    assert all(map(same, found, map(number, case["thresholds"])))
    assert needed.lower_is_better == case["lower_is_better"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_score_earns_what_it_earns_in_the_benchmark(case: dict[str, Any]) -> None:
    needed = thresholds([number(score) for score in case["leaderboard"]])
    for score, flags in case["scores"]:
        earned = award(None if score is None else float(score), needed)
        found = (earned.gold, earned.silver, earned.bronze, earned.above_median, earned.any)
        assert "".join("01"[flag] for flag in found) == flags, score


def test_places_are_the_benchmarks_for_every_size_recorded() -> None:
    assert {teams: list(positions(int(teams))) for teams in POSITIONS} == POSITIONS


def test_scores_are_rounded_to_five_decimals() -> None:
    assert rounded(0.123456) == 0.12346
    assert rounded(-0.000001) == 0.0


def test_an_empty_leaderboard_is_an_error() -> None:
    with pytest.raises(ValueError, match="one score"):
        thresholds([])
