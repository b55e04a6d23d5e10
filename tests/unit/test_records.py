"""What is written down is JSON that is read back as it was, whatever a leaderboard or a metric gives."""

from __future__ import annotations

import math

from podium.records import Grade
from tests.unit.grading_site import grade


def test_what_is_no_finite_number_is_none_and_stays_so() -> None:
    odd = {"median_threshold": math.nan, "score": math.inf, "gold_threshold": 0.5}
    made = Grade.model_validate({**grade().model_dump(), **odd})
    assert (made.score, made.median_threshold, made.gold_threshold) == (None, None, 0.5)
    assert Grade.model_validate_json(made.model_dump_json()) == made
