"""What the runner needs of the world: attempts, grades, time, and somebody to tell."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from podium.brief import Submission
from podium.records import Accepted, AttemptRecord, Grade, ModelUsage
from podium.rundir import AttemptDir
from podium.spec import TrialSpec


class Phase(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    WAITING = "waiting"
    """Waits before it is tried again."""
    GRADING = "grading"
    DONE = "done"
    UNFINISHED = "unfinished"
    """Given up in this run of the driver; a resume goes on with it."""


class Start(Protocol):
    """Runs one attempt to its end."""

    async def __call__(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
        """Raises InfrastructureFailure or Preempted where it is to be tried again, AgentFailure where not.

        Unavailable and UserError leave the trial unfinished, for a resume: nothing could be tried.
        """
        ...


class AskGrade(Protocol):
    """Asks the grader for the one grade of an accepted attempt."""

    async def __call__(
        self, trial: TrialSpec, attempt: AttemptDir, accepted: Accepted, submission: Submission
    ) -> Grade:
        """The same digest gets the same answer. Raises InfrastructureFailure while the grader is away."""
        ...


class AskUsage(Protocol):
    """Asks what a trial has used of its model."""

    async def __call__(self, trial: TrialSpec) -> ModelUsage | None:
        """Over all attempts; None: it asked no model, or who knows is away (never raises for that)."""
        ...


class Clock(Protocol):
    """Time, as the runner sees it."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class Watcher(Protocol):
    """Is told what happens."""

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None: ...
