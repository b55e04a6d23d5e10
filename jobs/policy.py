"""When a trial is tried again, and which of its attempts is graded (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podium.errors import AgentFailure, PodiumError, Preempted
from podium.records import AttemptRecord, Cause


@dataclass(frozen=True)
class Policy:
    """How much at once, how often again."""

    parallel: int = 4
    retries: int = 2
    """Tries after an infrastructure failure; preemption is not counted."""
    backoff_seconds: float = 1.0
    """The first wait; it doubles each time, up to `backoff_limit`."""
    backoff_limit: float = 30.0
    grade_tries: int = 10

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds before the next try after `failures` (from 1); `jitter` in [0, 1) spreads it by half either way."""
        exponent = min(max(failures - 1, 0), 30)
        return float(min(self.backoff_seconds * 2**exponent, self.backoff_limit) * (0.5 + jitter))


def choose(attempts: Sequence[AttemptRecord], retries: int) -> AttemptRecord | None:
    """The attempt to grade, or None where another is to be made.

    An agent's result or failure ends the trial. More than `retries` infrastructure failures end it too; then the
    latest attempt that kept a submission is graded, for an agent's best so far is not lost with its host.
    """
    if not attempts:
        return None
    if attempts[-1].cause in (Cause.OK, Cause.AGENT):
        return attempts[-1]
    if sum(attempt.cause is Cause.INFRASTRUCTURE for attempt in attempts) <= retries:
        return None
    return next((attempt for attempt in reversed(attempts) if attempt.digest), attempts[-1])


def cause_of(error: PodiumError) -> Cause:
    """Why an attempt that raised `error` ended."""
    if isinstance(error, Preempted):
        return Cause.PREEMPTED
    return Cause.AGENT if isinstance(error, AgentFailure) else Cause.INFRASTRUCTURE
