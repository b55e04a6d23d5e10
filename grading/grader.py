"""The grader protocol: what turns a submission into a score on data that agents cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from grading.table import Table
from podium.spec import Spec


class Score(Spec):
    """A grader's answer, before medals."""

    score: float | None
    """None: invalid."""
    message: str = ""
    """Why it is invalid; gives no answer away."""
    parts: Mapping[str, float] = {}
    """Named sub-scores, where a grader has such."""


class Grader(Protocol):
    """Loaded by its import name (`module:attribute`) inside the grading actor, so that grading names no task."""

    def grade(self, files: Mapping[str, Table], private: Path) -> Score:
        """Score parsed tables (by file name) against the private directory. Deterministic; raises nothing."""
        ...
