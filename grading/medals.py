"""MLE-bench's medal rule: medals are ranks on a leaderboard.

Positions by the number N of teams (int() truncates):

    N           gold               silver              bronze
    1-99        max(1, int(N/10))  max(1, int(N/5))    max(1, int(2N/5))
    100-249     10                 max(1, int(N/5))    max(1, int(2N/5))
    250-999     10 + int(N/500)    50                  100
    1000-       10 + int(N/500)    max(1, int(N/20))   max(1, int(N/10))

The score at a position is the threshold, and reaching it is enough; above the median must be strict. Lower is better
when the first score of the leaderboard is below the last. Source: openai/mle-bench at 783b15a; its behaviour is
recorded in tests/oracle.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from podium.spec import Spec

DECIMALS = 5
"""Scores are rounded to these before they are compared."""


class Thresholds(Spec):
    """What a leaderboard asks for each medal. NaN where the leaderboard has a gap at that position."""

    gold: float
    silver: float
    bronze: float
    median: float
    lower_is_better: bool


@dataclass(frozen=True)
class Award:
    """What a score earns; at most one medal."""

    gold: bool
    silver: bool
    bronze: bool
    above_median: bool

    @property
    def any(self) -> bool:
        return self.gold or self.silver or self.bronze


def positions(teams: int) -> tuple[int, int, int]:
    """The places, counted from 1, of gold, silver and bronze among `teams` (1 or more)."""
    if teams < 100:
        return max(1, int(teams * 0.1)), max(1, int(teams * 0.2)), max(1, int(teams * 0.4))
    if teams < 250:
        return 10, max(1, int(teams * 0.2)), max(1, int(teams * 0.4))
    gold = 10 + int(teams * 0.002)
    if teams < 1000:
        return gold, 50, 100
    return gold, max(1, int(teams * 0.05)), max(1, int(teams * 0.1))


def thresholds(leaderboard: Sequence[float]) -> Thresholds:
    """The thresholds of a leaderboard, best first; NaN is a gap that keeps its place. Raises ValueError when empty."""
    if not leaderboard:
        raise ValueError("a leaderboard needs one score at least")
    gold, silver, bronze = (leaderboard[place - 1] for place in positions(len(leaderboard)))
    present = [score for score in leaderboard if not math.isnan(score)]
    return Thresholds(
        gold=gold,
        silver=silver,
        bronze=bronze,
        median=statistics.median(present) if present else math.nan,
        lower_is_better=leaderboard[0] < leaderboard[-1],
    )


def rounded(score: float) -> float:
    """A score as it is recorded and compared."""
    return round(float(score), DECIMALS)


def award(score: float | None, needed: Thresholds) -> Award:
    """What `score` (rounded already) earns; None and NaN earn nothing."""
    if score is None:
        return Award(False, False, False, False)
    sign = -1.0 if needed.lower_is_better else 1.0
    reached = [sign * score >= sign * threshold for threshold in (needed.gold, needed.silver, needed.bronze)]
    gold, silver, bronze = reached
    return Award(
        gold=gold,
        silver=silver and not gold,
        bronze=bronze and not (gold or silver),
        above_median=sign * score > sign * needed.median,
    )
