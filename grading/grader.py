"""The grader protocol: what turns a submission into a score on data that agents cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from grading.shelf import Shelf
from grading.table import Table
from podium.spec import Spec


class Score(Spec):
    """A grader's answer, before medals."""

    score: float | None
    """None: invalid. NaN and infinities are valid scores where the task's own rules say so."""
    message: str = ""
    """Why it is invalid; gives no answer away."""
    parts: Mapping[str, float] = {}
    """Named sub-scores, where a grader has such."""


class Grader(Protocol):
    """Loaded by its import name (`module:attribute`) inside the grading actor, so that grading names no task."""

    def grade(self, files: Mapping[str, Table], private: Path, shelf: Shelf) -> Score:
        """Score parsed tables (by file name) against the private directory. Deterministic; raises nothing."""
        ...


class RulesGrader(Grader, Protocol):
    """The grader of a task whose `form` is `rules`."""

    def check(self, files: Mapping[str, Table], public: Path, shelf: Shelf) -> None:
        """Raise InvalidSubmission where public knowledge tells that the form is wrong. Opens no private data."""
        ...
